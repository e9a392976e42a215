package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"meldefunk/city"
)

// bin is a container that people fill and crews empty.
type bin struct {
	binHabit
	calibration city.BinCalibration
	sky         sky
	crowd       happenings // of the sky's day
	daily       float64    // what the sky's day makes of the average one
	watch       *watch
	line        segment   // fill level, 0 to 100 %: what does not fit lies beside it
	emptying    time.Time // next one
	rush        time.Time // brimming bins fill at least at brimmingRate until then
}

// binHabit is how a bin is used and served.
type binHabit struct {
	setting  setting
	district string
	perDay   float64 // % on an average day
	crew     tourStop
	lots     uint64 // own number for drawing lots
}

// Assumed, as are the daily amounts of newBinSite.
const (
	residue    = 4.0 // % left in a bin after emptying, at most
	binStep    = 15 * time.Minute
	leastWaste = 0.4 // of the usual amount, in one step
	mostWaste  = 1.6
	niceGreen  = 1.7  // times as much in parks on a nice day
	dullGreen  = 0.8  // and on any other
	rainGreen  = 0.35 // and while it rains
	rainCentre = 0.75 // in the streets while it rains
	echoNoise  = 3.0  // mm, one standard deviation
	echoSpread = 8.0  // mm, at most; stays well inside 2 % of the smallest container's span
)

// binType is a sort of container. Lengths as in city.BinCalibration.
type binType struct {
	id, name    string
	empty, full float64
}

var (
	paperBin    = binType{"PK", "Papierkorb", 820, 180}
	largeBin    = binType{"GB", "Großbehälter", 1250, 250}
	underground = binType{"UF", "Unterflurbehälter", 2450, 350}
	bottleBank  = binType{"GC", "Glascontainer", 1500, 300}
)

func newBinSite(rng *rand.Rand, n int) *site {
	spot := newSpot(rng, streets)
	kind := paperBin
	switch share := rng.Float64(); {
	case share > 0.92:
		kind = underground
	case share > 0.84 && spot.street.setting != centre:
		kind = bottleBank
	case share > 0.72:
		kind = largeBin
	}
	habit := binHabit{setting: spot.street.setting, district: spot.street.district, lots: rng.Uint64()}
	vehicle := tourOf(habit.district)
	var days [7]bool
	switch {
	case kind == bottleBank:
		habit.perDay = between(rng, 8, 18)
		vehicle += " Glas"
		days = [7]bool{time.Tuesday: true, time.Friday: true}
	case habit.setting == centre:
		habit.perDay = between(rng, 35, 95)
		days = [7]bool{true, true, true, true, true, true, true}
	case habit.setting == stop:
		habit.perDay = between(rng, 25, 70)
		days = [7]bool{time.Monday: true, time.Tuesday: true, time.Wednesday: true, time.Thursday: true, time.Friday: true, time.Saturday: true}
	default:
		habit.perDay = between(rng, 10, 38)
		days = [7]bool{time.Monday: true, time.Wednesday: true, time.Friday: true}
	}
	habit.crew = newTourStop(spot, vehicle, days, habit.lots)
	calibration := city.BinCalibration{
		Empty:  kind.empty + float64(rng.IntN(9)-4)*10,
		Full:   kind.full,
		Offset: float64(rng.IntN(4)) * 15, // how deep the sensor sits in the lid
	}
	id := fmt.Sprintf("%s-%04d", kind.id, n)
	return &site{
		asset: city.Asset{
			ID: id, Kind: city.Bin,
			Name: kind.name + " " + spot.address, Address: spot.address,
			Position: &spot.position, District: habit.district,
			Tour: "Leerung " + tourOf(habit.district),
			Bin:  &calibration,
		},
		device: city.Device{DevEUI: devEUI(binNumbers, n), Model: binModel, Asset: id},
		begin:  func(s *start) place { return newBin(s, habit, calibration) },
	}
}

func newBin(s *start, habit binHabit, calibration city.BinCalibration) *bin {
	b := &bin{binHabit: habit, calibration: calibration, sky: sky{weather: s.weather}, watch: s.watch}
	var level float64
	switch s.role {
	case brimming:
		level = between(s.rng, 85, 88.5)
		b.rush = s.at.Add(storyHeard)
		b.emptying = b.nextEmptying(b.rush)
	case due:
		level = between(s.rng, 95, 97)
		b.perDay = min(b.perDay, 40) // so that it stays low after it was emptied
		b.emptying = s.at.Add(span(s.rng, firstEmptying, lastEmptying))
	default:
		level = between(s.rng, 3, 75)
		b.emptying = b.nextEmptying(s.at)
	}
	b.line = still(s.at, level)
	return b
}

func (b *bin) nextEmptying(after time.Time) time.Time { return b.crew.next(b.sky.weather.seed, after) }

func (b *bin) state(t time.Time, values []city.Value) []city.Value {
	return append(values, city.Value{Quantity: city.FillLevel, Number: b.level(t)})
}

func (b *bin) sense(t time.Time, values []city.Value) []city.Value {
	echo := clamp(noise(b.lots, t, 0)*echoNoise, -echoSpread, echoSpread)
	return append(values,
		city.Value{Quantity: city.Distance, Number: round(b.distance(b.level(t))+echo, 1)},
		city.Value{Quantity: city.Tilt, Number: 0})
}

func (*bin) stirs() time.Time { return time.Time{} }

// level goes on to t.
func (b *bin) level(t time.Time) float64 {
	b.advance(t)
	return b.line.at(t)
}

// distance from the sensor to the contents, mm: the calibration read backwards.
func (b *bin) distance(level float64) float64 {
	c := b.calibration
	return c.Empty - level/100*(c.Empty-c.Full) - c.Offset
}

func (b *bin) advance(t time.Time) {
	for !b.line.to.After(t) {
		b.watch.pass(b.line)
		b.step()
	}
}

func (b *bin) finish(t time.Time) {
	b.advance(t)
	b.watch.pass(b.line.until(t))
	b.watch.finish()
}

// step puts the next segment in place of the present one: to the next point of the grid,
// or until a crew comes before that.
func (b *bin) step() {
	from, level := b.line.to, b.line.end
	if !b.emptying.After(from) {
		level = residue * lot(b.lots, lotResidue, dayNumber(from))
		b.emptying = b.nextEmptying(from)
	}
	to := gridAfter(from, binStep)
	if b.emptying.Before(to) {
		to = b.emptying
	}
	rate := b.rate(from)
	if from.Before(b.rush) && level < brimmingLevel {
		rate = max(rate, brimmingRate)
	}
	cell := uint64(from.Unix() / int64(binStep/time.Second))
	waste := leastWaste + (mostWaste-leastWaste)*lot(b.lots, lotFilling, cell)
	b.line = segment{from: from, to: to, begin: level, end: min(100, level+rate*to.Sub(from).Hours()*waste)}
}

// rate of filling in %/h.
func (b *bin) rate(t time.Time) float64 {
	w := wall(t)
	if number := dayNumber(w); number != b.sky.number {
		b.sky.turn(number)
		b.crowd = happeningsOn(b.sky.weather.seed, number, b.district)
		weekday := w.Weekday()
		if dayOfRest(w) {
			weekday = time.Sunday
		}
		b.daily = rhythms[b.setting].days[weekday]
	}
	hour := hourOf(w)
	rate := b.perDay / 24 * rhythms[b.setting].hours[w.Hour()] * b.daily
	today := b.sky.today()
	switch raining := today.rains(hour); {
	case b.setting == green && raining:
		rate *= rainGreen
	case b.setting == green && today.nice():
		rate *= niceGreen
	case b.setting == green:
		rate *= dullGreen
	case b.setting == centre && raining:
		rate *= rainCentre
	}
	if b.setting == centre || b.district != oldTown {
		rate *= b.crowd.factor(hour)
	}
	return rate
}
