package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"meldefunk/city"
)

// tree is a tree and the soil around it, which dries by day and is wetted by rain and
// crews. Water is counted in mm, which is litres per square metre of open ground.
type tree struct {
	treeHabit
	sky      sky
	watch    *watch
	line     segment   // water in the root zone, mm
	warmth   segment   // of the soil at the probe, °C
	crown    float64   // mm of water on leaves and twigs
	bag      float64   // mm of water in the watering bag
	visit    time.Time // next one of the crew
	accounts waterAccounts
}

// waterAccounts are what came and went since the beginning, mm. What came is what went and
// what the stores hold more than at the beginning.
type waterAccounts struct{ rain, watered, evaporated, drained float64 }

// stored is what is there at the end of the present segment, mm.
func (t *tree) stored() float64 { return t.line.end + t.crown + t.bag }

// treeHabit is what stays the same about a tree.
type treeHabit struct {
	species *species
	soil    city.SoilCalibration
	depth   float64 // mm of the root zone
	young   bool
	crew    tourStop
	lots    uint64
}

// species is a sort of tree and the water it uses in full leaf, as a share of what short
// grass would. The shares are assumed, of the size of the classes of WUCOLS IV (University
// of California 2014) for landscape plants: low 0.1 to 0.3, moderate 0.4 to 0.6, high 0.7
// to 0.9; roads and walls around make it rather more.
type species struct {
	name string
	use  float64
}

var trees = []species{
	{"Winterlinde", 0.65}, {"Platane", 0.7}, {"Spitzahorn", 0.65}, {"Feldahorn", 0.5}, {"Stieleiche", 0.6},
	{"Hainbuche", 0.65}, {"Rosskastanie", 0.8}, {"Blumenesche", 0.5}, {"Gleditschie", 0.5}, {"Zierkirsche", 0.7},
}

// soils of the city's open tree pits, from sand to loam and silt, as city.SoilOfType names
// them. Which ones there are is assumed.
var soils = []string{"Ss", "Sl2", "Sl3", "Su3", "Sl4", "Ls3", "Lu", "Lt2", "Ut3"}

const (
	soilStep = 30 * time.Minute

	// FAO Irrigation and Drainage Paper 56, table 22 and equation 84: plants take what they
	// want until this share of the usable water is gone, and then less and less.
	easyShare = 0.5

	// 75 litres in a bag that lets them out in five to seven hours (Treegator, according to
	// its maker), once a week, over 3 m² of roots. The area is assumed.
	bagWater = 75.0 / 3
	bagRate  = bagWater / 6 // mm/h

	// Assumed.
	youngDepth   = 500.0 // mm of roots in the first years
	oldDepth     = 800.0
	youngShare   = 0.45
	leafHolds    = 1.5  // mm of rain that a crown in leaf can hold
	twigHolds    = 0.4  // and a bare one
	leafCovers   = 0.8  // share of the rain that a crown in leaf catches until it is wet
	twigCovers   = 0.3  // and a bare one
	bareUse      = 0.2  // what bare trees and soil give off, as a share of short grass
	pores        = 43.0 // % by volume: bulk density 1.5 g/cm³ of grains of 2.65
	dryDays      = 7    // a young tree is watered after that many days ...
	dryLimit     = 12.0 // ... with less rain than this, mm; an old one after three times the days
	probeNoise   = 0.15 // % by volume, one standard deviation
	warmthNoise  = 0.05 // °C
	warmthFollow = 60.0 // hours in which the soil comes near the air's temperature
)

func newTreeSite(rng *rand.Rand, n int) *site {
	spot := newSpot(rng, streetsOf(homes, green, stop))
	// The names of soils are those of the table, so there is no error.
	soil, _ := city.SoilOfType(soils[rng.IntN(len(soils))])
	habit := treeHabit{species: &trees[rng.IntN(len(trees))], soil: soil, lots: rng.Uint64(), depth: oldDepth}
	if habit.young = rng.Float64() < youngShare; habit.young {
		habit.depth = youngDepth
	}
	days := [7]bool{time.Tuesday: true}
	if rng.Float64() < 0.5 {
		days = [7]bool{time.Thursday: true}
	}
	habit.crew = newTourStop(spot, tourOf(spot.street.district)+" Wasser", days, habit.lots)
	id := fmt.Sprintf("BA-%04d", n)
	return &site{
		asset: city.Asset{
			ID: id, Kind: city.Soil,
			Name: habit.species.name + " " + spot.address, Address: spot.address,
			Position: &spot.position, District: spot.street.district,
			Tour: "Bewässerung " + tourOf(spot.street.district),
			Soil: &soil,
		},
		device: city.Device{DevEUI: devEUI(treeNumbers, n), Model: treeModel, Asset: id},
		begin:  func(s *start) place { return newTree(s, habit) },
	}
}

func newTree(s *start, habit treeHabit) *tree {
	t := &tree{treeHabit: habit, sky: sky{weather: s.weather}, watch: s.watch}
	driest := 0.15
	if leaves(wall(s.at)) == 0 {
		driest = 0.7 // winter fills the soil
	}
	t.line = still(s.at, t.soil.WiltingPoint/100*t.depth+between(s.rng, driest, 1)*t.usable())
	t.warmth = still(s.at, normalOf(wall(s.at)).mean)
	t.visit = t.crew.next(s.weather.seed, s.at)
	return t
}

// usable is the water between the wilting point and field capacity, mm.
func (t *tree) usable() float64 { return (t.soil.FieldCapacity - t.soil.WiltingPoint) / 100 * t.depth }

// share of the usable field capacity, %, of an amount of water in the root zone. It may
// exceed 100 while the soil drains.
func (t *tree) share(water float64) float64 {
	return (water - t.soil.WiltingPoint/100*t.depth) / t.usable() * 100
}

func (t *tree) state(at time.Time, values []city.Value) []city.Value {
	t.advance(at)
	water := t.line.at(at)
	return append(values,
		city.Value{Quantity: city.SoilMoisture, Number: water / t.depth * 100},
		city.Value{Quantity: city.UsableFieldCapacity, Number: clamp(t.share(water), 0, 100)},
		city.Value{Quantity: city.SoilTemperature, Number: t.warmth.at(at)})
}

func (t *tree) sense(at time.Time, values []city.Value) []city.Value {
	t.advance(at)
	moisture := clamp(t.line.at(at)/t.depth*100+noise(t.lots, at, 0)*probeNoise, 0, 60)
	return append(values,
		city.Value{Quantity: city.SoilMoisture, Number: round(moisture, 100)},
		city.Value{Quantity: city.SoilTemperature, Number: round(t.warmth.at(at)+noise(t.lots, at, 1)*warmthNoise, 100)},
		city.Value{Quantity: city.Conductivity, Number: round(60+16*moisture, 1)}) // wetter soil conducts better
}

func (*tree) stirs() time.Time { return time.Time{} }

func (t *tree) advance(to time.Time) {
	for !t.line.to.After(to) {
		t.tell(t.line)
		t.step()
	}
}

func (t *tree) finish(at time.Time) {
	t.advance(at)
	t.tell(t.line.until(at))
	t.watch.finish()
}

// tell the watch of a segment, as share of the usable field capacity.
func (t *tree) tell(s segment) {
	s.begin, s.end = t.share(s.begin), t.share(s.end)
	t.watch.pass(s)
}

// step puts the next segment in place of the present one. Every amount is taken from one
// store and put into another, so that no water is lost.
func (t *tree) step() {
	from, water := t.line.to, t.line.end
	to := gridAfter(from, soilStep)
	hours := to.Sub(from).Hours()
	w := wall(from)
	t.sky.turn(dayNumber(w))
	hour := hourOf(w)
	rain := t.sky.today().rainBetween(hour, hour+hours)
	thirst := t.sky.thirst(hour, hour+hours)
	leaf := leaves(w)

	caught := clamp(mix(twigHolds, leafHolds, leaf)-t.crown, 0, rain*mix(twigCovers, leafCovers, leaf))
	t.crown += caught
	dried := min(t.crown, thirst)
	t.crown -= dried

	given := 0.0
	if t.visit.Before(to) {
		if t.thirsty(w) {
			given = bagWater
		}
		t.visit = t.crew.next(t.sky.weather.seed, t.visit)
	}
	t.bag += given
	seeped := min(t.bag, bagRate*hours)
	t.bag -= seeped

	filled := t.share(water) / 100
	taken := (thirst - dried) * mix(bareUse, t.species.use, leaf) * clamp(filled/(1-easyShare), 0, 1)
	water += rain - caught + seeped - taken
	drained := max(0, water-t.soil.FieldCapacity/100*t.depth) * (1 - math.Exp(-hours/t.drainTime()))
	water -= drained
	if over := water - pores/100*t.depth; over > 0 { // runs off
		drained += over
		water -= over
	}

	t.accounts.rain += rain
	t.accounts.watered += given
	t.accounts.evaporated += dried + taken
	t.accounts.drained += drained
	t.line = segment{from: from, to: to, begin: t.line.end, end: water}
	follow := 1 - math.Exp(-hours/warmthFollow)
	t.warmth = segment{from: from, to: to, begin: t.warmth.end, end: mix(t.warmth.end, t.sky.air(hour), follow)}
}

// drainTime is how long soil takes to let go of most of what is above field capacity, in
// hours: the finer it is, the more it holds, the slower. Assumed: half a day for sand,
// two days for clay.
func (t *tree) drainTime() float64 { return 12 + 36*clamp((t.soil.FieldCapacity-10)/30, 0, 1) }

// thirsty tells whether the crew waters the tree when it comes by: it goes by the rain of
// the last days, from April to October.
func (t *tree) thirsty(date time.Time) bool {
	if date.Month() < time.April || date.Month() > time.October {
		return false
	}
	days := uint64(dryDays)
	if !t.young {
		days *= 3
	}
	fallen := 0.0
	for back := uint64(1); back <= days; back++ {
		d := t.sky.weather.on(dayNumber(date) - back)
		fallen += d.rain
	}
	return fallen < dryLimit
}

// leaves is how far a crown is in leaf, 0 to 1: out in the second half of April, gone in
// the first of November. Assumed.
func leaves(date time.Time) float64 {
	day := float64(date.YearDay())
	return clamp((day-105)/21, 0, 1) * clamp((315-day)/21, 0, 1)
}

// mix is a at 0 and b at 1.
func mix(a, b, share float64) float64 { return a + (b-a)*share }
