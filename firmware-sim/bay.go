package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"meldefunk/city"
)

// bay is a parking place: taken or free, until the next change.
type bay struct {
	*custom
	weather  weather
	rng      *rand.Rand
	occupied bool
	change   time.Time
}

// custom is who parks in a bay: how likely it is taken, by hour of the day, and for how
// long a car stays. Plausible, not measured.
type custom struct {
	name    string
	work    [24]float64 // share of time taken, Monday to Friday
	weekend [24]float64
	stay    time.Duration // mean
}

var customs = []custom{
	{
		name:    "Büro",
		work:    [24]float64{.05, .05, .05, .05, .05, .08, .2, .55, .85, .92, .93, .92, .88, .88, .9, .85, .65, .4, .2, .12, .1, .08, .06, .05},
		weekend: [24]float64{.05, .05, .05, .05, .05, .05, .05, .06, .08, .1, .12, .12, .12, .12, .12, .1, .1, .1, .1, .1, .1, .08, .06, .05},
		stay:    5 * time.Hour,
	},
	{
		name:    "Geschäfte",
		work:    [24]float64{.1, .08, .06, .05, .05, .06, .1, .25, .45, .65, .8, .85, .8, .75, .78, .85, .9, .9, .8, .6, .45, .35, .25, .15},
		weekend: [24]float64{.2, .15, .1, .06, .05, .05, .08, .12, .3, .55, .8, .92, .95, .95, .92, .88, .8, .65, .5, .45, .45, .4, .35, .25},
		stay:    45 * time.Minute,
	},
	{
		name:    "Anwohner",
		work:    [24]float64{.95, .96, .97, .97, .96, .93, .82, .6, .45, .4, .4, .42, .45, .45, .45, .5, .6, .72, .82, .86, .88, .9, .92, .94},
		weekend: [24]float64{.93, .95, .96, .97, .97, .96, .94, .9, .82, .72, .65, .62, .62, .6, .6, .62, .65, .7, .75, .8, .82, .85, .88, .9},
		stay:    9 * time.Hour,
	},
}

// minStay keeps a car in its place for as long as the sensor needs to be sure.
const minStay = 2 * time.Minute

func newBaySite(rng *rand.Rand, n int) *site {
	who := &customs[rng.IntN(len(customs))]
	among := streetsOf(centre, stop)
	if who.name == "Anwohner" {
		among = streetsOf(homes)
	}
	spot := newSpot(rng, among)
	id := fmt.Sprintf("PP-%04d", n)
	return &site{
		asset: city.Asset{
			ID: id, Kind: city.Parking,
			Name: "Stellplatz " + spot.address, Address: spot.address,
			Position: &spot.position, District: spot.street.district,
			Tour: "Parkraum " + tourOf(spot.street.district),
		},
		device: city.Device{DevEUI: devEUI(bayNumbers, n), Model: bayModel, Asset: id},
		begin: func(s *start) place {
			b := &bay{custom: who, weather: s.weather, rng: s.rng}
			b.occupied = s.rng.Float64() < who.taken(s.at)
			b.change = b.nextChange(s.at)
			return b
		},
	}
}

func (b *bay) sense(t time.Time, values []city.Value) []city.Value {
	for !b.change.After(t) {
		b.occupied = !b.occupied
		b.change = b.nextChange(b.change)
	}
	return append(values, city.Value{Quantity: city.Occupied, Number: city.Bool(b.occupied)})
}

func (b *bay) stirs() time.Time { return b.change }

// taken is the share of bays of this custom that are taken at t.
func (c *custom) taken(t time.Time) float64 {
	w := wall(t)
	if day := w.Weekday(); day == time.Saturday || day == time.Sunday {
		return c.weekend[w.Hour()]
	}
	return c.work[w.Hour()]
}

// nextChange draws when the car leaves, or the next one comes. Cars leave at the rate of
// their mean stay, and come at the rate that keeps the share of taken bays. Rates change
// with the hour, so each hour is drawn for by itself.
func (b *bay) nextChange(after time.Time) time.Time {
	at := after.Add(minStay)
	for {
		taken := b.taken(at)
		perHour := 1 / b.stay.Hours()
		if !b.occupied {
			perHour *= taken / (1 - taken)
		}
		hours := b.rng.ExpFloat64() / perHour
		hourEnds := at.Truncate(time.Hour).Add(time.Hour)
		if hours < hourEnds.Sub(at).Hours() {
			return at.Add(time.Duration(hours * float64(time.Hour)))
		}
		at = hourEnds
	}
}
