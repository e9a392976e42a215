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
	rng         *rand.Rand
	at          time.Time
	level       float64   // %, 0 to 100: what does not fit lies beside it
	emptying    time.Time // next one
	rush        time.Time // brimming bins fill at least at brimmingRate until then
}

// binHabit is how a bin is used and served. All figures are plausible, none measured.
type binHabit struct {
	setting setting
	perDay  float64 // % on an average day
	days    [7]bool // of emptying, from Sunday
	hour    float64 // of emptying
	lots    uint64  // own number for drawing lots
}

const (
	skipped    = 0.07 // share of emptyings that do not take place: parked cars, sick crews
	residue    = 4.0  // % left in a bin after emptying, at most
	binStep    = 15 * time.Minute
	echoNoise  = 3.0 // mm, one standard deviation
	echoSpread = 8.0 // mm, at most; stays well inside 2 % of the smallest container's span
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
	habit := binHabit{setting: spot.street.setting, hour: between(rng, 5.5, 11), lots: rng.Uint64()}
	switch {
	case kind == bottleBank:
		habit.perDay = between(rng, 8, 18)
		habit.days = [7]bool{time.Tuesday: true, time.Friday: true}
	case spot.street.setting == centre:
		habit.perDay = between(rng, 35, 95)
		habit.days = [7]bool{true, true, true, true, true, true, true}
	case spot.street.setting == stop:
		habit.perDay = between(rng, 25, 70)
		habit.days = [7]bool{time.Monday: true, time.Tuesday: true, time.Wednesday: true, time.Thursday: true, time.Friday: true, time.Saturday: true}
	default:
		habit.perDay = between(rng, 10, 38)
		habit.days = [7]bool{time.Monday: true, time.Wednesday: true, time.Friday: true}
	}
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
			Position: &spot.position, District: spot.street.district,
			Tour: "Leerung " + tourOf(spot.street.district),
			Bin:  &calibration,
		},
		device: city.Device{DevEUI: devEUI(binNumbers, n), Model: binModel, Asset: id},
		begin:  func(s *start) place { return newBin(s, habit, calibration) },
	}
}

func newBin(s *start, habit binHabit, calibration city.BinCalibration) *bin {
	b := &bin{binHabit: habit, calibration: calibration, rng: s.rng, at: s.at}
	switch s.role {
	case brimming:
		b.level = between(s.rng, 85, 88.5)
		b.rush = s.at.Add(storyHeard)
		b.emptying = b.nextEmptying(b.rush)
	case due:
		b.level = between(s.rng, 95, 97)
		b.perDay = min(b.perDay, 50) // so that it stays low after it was emptied
		b.emptying = s.at.Add(span(s.rng, firstEmptying, lastEmptying))
	default:
		b.level = between(s.rng, 3, 75)
		b.emptying = b.nextEmptying(s.at)
	}
	return b
}

func (b *bin) sense(t time.Time, values []city.Value) []city.Value {
	b.advance(t)
	noise := clamp(b.rng.NormFloat64()*echoNoise, -echoSpread, echoSpread)
	return append(values,
		city.Value{Quantity: city.Distance, Number: round(b.distance()+noise, 1)},
		city.Value{Quantity: city.Tilt, Number: 0})
}

func (*bin) stirs() time.Time { return time.Time{} }

// distance from the sensor to the contents, mm: the calibration read backwards.
func (b *bin) distance() float64 {
	c := b.calibration
	return c.Empty - b.level/100*(c.Empty-c.Full) - c.Offset
}

func (b *bin) advance(t time.Time) {
	for b.at.Before(t) {
		to := b.at.Add(binStep)
		if to.After(t) {
			to = t
		}
		emptied := !b.emptying.After(to)
		if emptied {
			to = b.emptying
		}
		rate := b.rate(b.at)
		if b.at.Before(b.rush) && b.level < brimmingLevel {
			rate = max(rate, brimmingRate)
		}
		b.level = min(100, b.level+rate*to.Sub(b.at).Hours()*between(b.rng, 0.4, 1.6))
		b.at = to
		if emptied {
			b.level = between(b.rng, 0, residue)
			b.emptying = b.nextEmptying(to)
		}
	}
}

// rate of filling in %/h.
func (b *bin) rate(t time.Time) float64 {
	w := wall(t)
	rhythm := &rhythms[b.setting]
	return b.perDay / 24 * rhythm.hours[w.Hour()] * rhythm.days[w.Weekday()]
}

// nextEmptying is the next tour stop that takes place. Tours go by the clock on the wall.
func (b *bin) nextEmptying(after time.Time) time.Time {
	shown := wall(after)
	offset := shown.Sub(after)
	midnight := time.Date(shown.Year(), shown.Month(), shown.Day(), 0, 0, 0, 0, time.UTC)
	const horizon = 28 // days; so many skipped tours in a row do not happen
	for day := range horizon {
		stop := midnight.AddDate(0, 0, day).Add(time.Duration(b.hour * float64(time.Hour)))
		if b.days[stop.Weekday()] && stop.After(shown) && lot(b.lots, lotSkip, dayNumber(stop)) >= skipped {
			return stop.Add(-offset)
		}
	}
	return after.AddDate(0, 0, horizon)
}
