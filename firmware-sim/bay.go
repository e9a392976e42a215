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
	rng      *rand.Rand // for changes only, which come one after the other
	watch    *watch
	since    time.Time // of the last change
	occupied bool
	change   time.Time
}

// custom is who parks in a bay: how likely it is taken, by hour of the day, and for how
// long a car stays. Shares are above 0 and below 1. Assumed.
type custom struct {
	name    string
	asset   string // what such a bay is called
	setting []setting
	work    [24]float64   // share of time taken, on working days
	weekend [24]float64   // and on Saturdays, Sundays and holidays
	stay    time.Duration // mean
}

var customs = []custom{
	{
		name: "Büro", asset: "Stellplatz", setting: []setting{centre, stop},
		work:    [24]float64{.05, .05, .05, .05, .05, .08, .2, .55, .85, .92, .93, .92, .88, .88, .9, .85, .65, .4, .2, .12, .1, .08, .06, .05},
		weekend: [24]float64{.05, .05, .05, .05, .05, .05, .05, .06, .08, .1, .12, .12, .12, .12, .12, .1, .1, .1, .1, .1, .1, .08, .06, .05},
		stay:    5 * time.Hour,
	},
	{
		name: "Geschäfte", asset: "Stellplatz", setting: []setting{centre, stop},
		work:    [24]float64{.1, .08, .06, .05, .05, .06, .1, .25, .45, .65, .8, .85, .8, .75, .78, .85, .9, .9, .8, .6, .45, .35, .25, .15},
		weekend: [24]float64{.2, .15, .1, .06, .05, .05, .08, .12, .3, .55, .8, .92, .95, .95, .92, .88, .8, .65, .5, .45, .45, .4, .35, .25},
		stay:    45 * time.Minute,
	},
	{
		name: "Anwohner", asset: "Stellplatz", setting: []setting{homes},
		work:    [24]float64{.95, .96, .97, .97, .96, .93, .82, .6, .45, .4, .4, .42, .45, .45, .45, .5, .6, .72, .82, .86, .88, .9, .92, .94},
		weekend: [24]float64{.93, .95, .96, .97, .97, .96, .94, .9, .82, .72, .65, .62, .62, .6, .6, .62, .65, .7, .75, .8, .82, .85, .88, .9},
		stay:    9 * time.Hour,
	},
	{
		name: "Nacht", asset: "Stellplatz", setting: []setting{centre},
		work:    [24]float64{.35, .25, .15, .1, .06, .05, .08, .15, .2, .25, .3, .35, .4, .38, .35, .35, .4, .5, .65, .8, .88, .88, .75, .55},
		weekend: [24]float64{.85, .8, .7, .5, .3, .15, .1, .1, .15, .2, .3, .4, .45, .45, .45, .45, .5, .6, .75, .88, .93, .94, .93, .9},
		stay:    150 * time.Minute,
	},
	{
		name: "Laden", asset: "Ladeplatz", setting: []setting{centre, stop, homes},
		work:    [24]float64{.35, .3, .28, .27, .26, .25, .25, .3, .5, .6, .6, .58, .56, .55, .55, .58, .65, .75, .82, .84, .8, .68, .55, .42},
		weekend: [24]float64{.4, .36, .33, .32, .31, .3, .28, .28, .32, .42, .55, .62, .64, .62, .6, .6, .62, .65, .68, .68, .64, .58, .5, .44},
		stay:    3 * time.Hour,
	},
}

// minStay keeps a car in its place for as long as the sensor needs to be sure.
const minStay = 2 * time.Minute

func newBaySite(rng *rand.Rand, n int) *site {
	who := &customs[rng.IntN(len(customs))]
	spot := newSpot(rng, streetsOf(who.setting...))
	id := fmt.Sprintf("PP-%04d", n)
	return &site{
		asset: city.Asset{
			ID: id, Kind: city.Parking,
			Name: who.asset + " " + spot.address, Address: spot.address,
			Position: &spot.position, District: spot.street.district,
			Tour: "Parkraum " + tourOf(spot.street.district),
		},
		device: city.Device{DevEUI: devEUI(bayNumbers, n), Model: bayModel, Asset: id},
		begin: func(s *start) place {
			b := &bay{custom: who, rng: s.rng, watch: s.watch, since: s.at}
			b.occupied = s.rng.Float64() < who.taken(s.at)
			b.change = b.nextChange(s.at)
			return b
		},
	}
}

func (b *bay) advance(t time.Time) {
	for !b.change.After(t) {
		b.tell(b.change)
		b.occupied, b.since = !b.occupied, b.change
		b.change = b.nextChange(b.change)
	}
}

func (b *bay) finish(t time.Time) {
	b.advance(t)
	b.tell(t)
	b.watch.finish()
}

// tell the watch of the time since the last change.
func (b *bay) tell(to time.Time) {
	taken := city.Bool(b.occupied)
	b.watch.pass(segment{from: b.since, to: to, begin: taken, end: taken})
}

func (b *bay) state(t time.Time, values []city.Value) []city.Value {
	b.advance(t)
	return append(values, city.Value{Quantity: city.Occupied, Number: city.Bool(b.occupied)})
}

// sense is state: the sensor is sure of what it says.
func (b *bay) sense(t time.Time, values []city.Value) []city.Value { return b.state(t, values) }

func (b *bay) stirs() time.Time { return b.change }

// taken is the share of bays of this custom that are taken at t.
func (c *custom) taken(t time.Time) float64 {
	w := wall(t)
	if w.Weekday() == time.Saturday || dayOfRest(w) {
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
			return at.Add(hoursOf(hours))
		}
		at = hourEnds
	}
}
