package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"meldefunk/city"
)

// place is one bin, tree or bay in the course of time. Calls come in order of time. What
// is so at a moment does not depend on how often, or when, it was asked before.
type place interface {
	// advance goes on to t and tells the watch of what is over by then.
	advance(t time.Time)
	// state goes on to t and appends what is so, without the errors of any sensor.
	state(t time.Time, values []city.Value) []city.Value
	// sense goes on to t and appends what a healthy sensor there measures.
	sense(t time.Time, values []city.Value) []city.Value
	// stirs is the next moment at which the place wakes its sensor by itself; the zero
	// time where the sensor only ever speaks by its own clock.
	stirs() time.Time
	// finish goes on to t, where the play ends, and closes the watch.
	finish(t time.Time)
}

// start is what a place is given when a play begins.
type start struct {
	at      time.Time
	rng     *rand.Rand // the place's own
	role    role
	weather weather
	watch   *watch // nil: nobody wants to know of episodes
}

// segment is how a quantity goes from one moment to another: in a straight line. Places
// are made of segments, so that the moment a threshold is crossed is known exactly.
type segment struct {
	from, to   time.Time
	begin, end float64
}

// at is the value at t; outside of the segment that of its nearer end.
func (s *segment) at(t time.Time) float64 {
	switch {
	case !t.Before(s.to):
		return s.end
	case !t.After(s.from):
		return s.begin
	}
	return s.begin + (s.end-s.begin)*float64(t.Sub(s.from))/float64(s.to.Sub(s.from))
}

// until is the part of the segment before t.
func (s *segment) until(t time.Time) segment {
	return segment{from: s.from, to: t, begin: s.begin, end: s.at(t)}
}

// still is a segment without length, to begin with.
func still(t time.Time, value float64) segment {
	return segment{from: t, to: t, begin: value, end: value}
}

// gridAfter is the next point of a grid of steps after t. The grid is the same for every
// play, and step divides the hour.
func gridAfter(t time.Time, step time.Duration) time.Time { return t.Truncate(step).Add(step) }

// wall is the time shown by clocks in Germany, as the UTC fields of the result: CET, and
// CEST from the last Sunday of March to that of October, 01:00 UTC each (directive
// 2000/84/EC). Computed, so that a city plays the same where no zone data is installed.
func wall(t time.Time) time.Time {
	t = t.UTC()
	year, month, _ := t.Date()
	summer := month > time.March && month < time.October
	switch month {
	case time.March:
		summer = !t.Before(lastSunday(year, time.March))
	case time.October:
		summer = t.Before(lastSunday(year, time.October))
	}
	if summer {
		return t.Add(2 * time.Hour)
	}
	return t.Add(time.Hour)
}

// fromWall is the moment at which clocks in Germany show a time. An hour that is skipped in
// spring counts as the one after it, an hour that comes twice as its first time.
func fromWall(shown time.Time) time.Time {
	t := shown.Add(-2 * time.Hour)
	return t.Add(shown.Sub(wall(t)))
}

// lastSunday is 01:00 UTC on the last Sunday of a month of 31 days.
func lastSunday(year int, month time.Month) time.Time {
	t := time.Date(year, month, 31, 1, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, -int(t.Weekday()))
}

// hourOf is the hour of the day with its fraction, 0 to 24.
func hourOf(wall time.Time) float64 {
	return float64(wall.Hour()) + float64(wall.Minute())/60 + float64(wall.Second())/3600
}

const daySeconds = 86_400

// dayNumber counts days since 1970, for drawing lots that belong to a date.
func dayNumber(wall time.Time) uint64 { return uint64(wall.Unix() / daySeconds) }

// dateOf is midnight of a day.
func dateOf(number uint64) time.Time { return time.Unix(int64(number)*daySeconds, 0).UTC() }

// weekNumber counts weeks from Monday to Sunday; 1 January 1970 was a Thursday.
func weekNumber(day uint64) uint64 { return (day + 3) / 7 }

// What lots are drawn for.
const (
	lotWet = iota + 1
	lotRain
	lotRainStart
	lotRainHours
	lotMood
	lotSkip
	lotTour
	lotPace
	lotFilling
	lotResidue
	lotNoise
	lotMarket
	lotFestival
	lotMatch
	lotFault
	lotStrike
	lotVersion
	lotConfirmed
)

// lot draws a number in [0, 1) that belongs to its arguments: the same whenever asked.
// The mixing is that of SplitMix64 (Steele, Lea, Flood 2014).
func lot(seed, what, number uint64) float64 {
	x := seed + what*0x9e3779b97f4a7c15
	for range 2 {
		x ^= number
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return float64(x>>11) / (1 << 53)
}

// bell draws from about the normal distribution: three even lots, mean 0, deviation 1,
// never beyond 3.
func bell(seed, what, number uint64) float64 {
	number *= 3
	return 2 * (lot(seed, what, number) + lot(seed, what, number+1) + lot(seed, what, number+2) - 1.5)
}

// noise is the error of one measurement, in standard deviations. It belongs to the moment,
// so that asking twice changes nothing.
func noise(seed uint64, t time.Time, channel uint64) float64 {
	return bell(seed+channel, lotNoise, uint64(t.UnixNano()))
}

// between draws evenly.
func between(rng *rand.Rand, low, high float64) float64 { return low + rng.Float64()*(high-low) }

// span draws a duration evenly.
func span(rng *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(rng.Int64N(int64(high-low)+1))
}

// hoursOf is a number of hours as a duration.
func hoursOf(hours float64) time.Duration {
	return time.Duration(math.Round(hours * float64(time.Hour)))
}
