package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"meldefunk/city"
)

// tree is the soil around a young tree: it dries by day, rain and crews wet it.
type tree struct {
	soil
	visits  uint64 // own number for drawing lots
	weather weather
	rng     *rand.Rand
	at      time.Time
	water   float64 // % by volume
}

// soil holds water between the wilting point and field capacity, % by volume. Figures are
// of the order of soil science tables for sand, loam and clay.
type soil struct {
	fieldCapacity, wiltingPoint float64
}

var soils = []soil{{14, 5}, {24, 9}, {31, 13}, {38, 22}}

var species = []string{
	"Winterlinde", "Platane", "Spitzahorn", "Feldahorn", "Stieleiche", "Hainbuche",
	"Rosskastanie", "Blumenesche", "Gleditschie", "Zierkirsche",
}

const (
	soilStep     = 30 * time.Minute
	rootDepth    = 400.0 // mm of soil that the probe stands for
	caught       = 0.3   // share of rain that the crown keeps
	drainage     = 0.2   // share of the water above field capacity that sinks away in an hour
	wateredBelow = 0.35  // usable field capacity at which a crew waters
	waterGift    = 0.5   // of the usable field capacity
	missedTrees  = 0.25  // share of watering visits that do not take place
	wateringHour = 8     // Tuesdays and Fridays, April to October
	probeNoise   = 0.15  // % by volume, one standard deviation
)

func newTreeSite(rng *rand.Rand, n int) *site {
	spot := newSpot(rng, streetsOf(homes, green, stop))
	ground := soils[rng.IntN(len(soils))]
	visits := rng.Uint64()
	id := fmt.Sprintf("BA-%04d", n)
	return &site{
		asset: city.Asset{
			ID: id, Kind: city.Soil,
			Name: species[rng.IntN(len(species))] + " " + spot.address, Address: spot.address,
			Position: &spot.position, District: spot.street.district,
			Tour: "Bewässerung " + tourOf(spot.street.district),
		},
		device: city.Device{DevEUI: devEUI(treeNumbers, n), Model: treeModel, Asset: id},
		begin: func(s *start) place {
			t := &tree{soil: ground, visits: visits, weather: s.weather, rng: s.rng, at: s.at}
			t.water = ground.wiltingPoint + between(s.rng, 0.12, 0.95)*(ground.fieldCapacity-ground.wiltingPoint)
			return t
		},
	}
}

func (t *tree) sense(at time.Time, values []city.Value) []city.Value {
	t.advance(at)
	noise := clamp(t.rng.NormFloat64(), -3, 3)
	moisture := clamp(t.water+noise*probeNoise, 0, 60)
	return append(values,
		city.Value{Quantity: city.SoilMoisture, Number: round(moisture, 100)},
		city.Value{Quantity: city.SoilTemperature, Number: round(t.weather.ground(wall(at))+noise*0.05, 100)},
		city.Value{Quantity: city.Conductivity, Number: round(60+16*moisture, 1)}) // wetter soil conducts better
}

func (*tree) stirs() time.Time { return time.Time{} }

func (t *tree) advance(to time.Time) {
	for t.at.Before(to) {
		next := t.at.Add(soilStep)
		if next.After(to) {
			next = to
		}
		t.step(next)
	}
}

// step goes on to a moment not more than soilStep away.
func (t *tree) step(to time.Time) {
	hours := to.Sub(t.at).Hours()
	w := wall(t.at)
	usable := t.fieldCapacity - t.wiltingPoint
	filled := clamp((t.water-t.wiltingPoint)/usable, 0, 1)
	gain := t.weather.rain(w) * (1 - caught)
	loss := t.weather.thirst(w) * min(1, 2*filled) // below half, what is left is held harder
	t.water += (gain - loss) * hours / rootDepth * 100
	if surplus := t.water - t.fieldCapacity; surplus > 0 {
		t.water -= surplus * drainage * hours
	}
	if filled < wateredBelow && t.visited(w, wall(to)) {
		t.water += waterGift * usable
	}
	t.water = clamp(t.water, t.wiltingPoint*0.8, t.fieldCapacity*1.2)
	t.at = to
}

// visited tells whether a watering crew comes between two moments.
func (t *tree) visited(from, to time.Time) bool {
	if from.Month() < time.April || from.Month() > time.October {
		return false
	}
	if day := from.Weekday(); day != time.Tuesday && day != time.Friday {
		return false
	}
	visit := time.Date(from.Year(), from.Month(), from.Day(), wateringHour, 0, 0, 0, time.UTC)
	return !visit.Before(from) && visit.Before(to) && lot(t.visits, lotWatering, dayNumber(from)) >= missedTrees
}
