package sim

import (
	"math/rand/v2"
	"time"

	"meldefunk/city"
)

// place is one bin, tree or bay in the course of time. Calls come in order of time.
type place interface {
	// sense goes on to t and appends what a healthy sensor there measures.
	sense(t time.Time, values []city.Value) []city.Value
	// stirs is the next moment at which the place wakes its sensor by itself; the zero
	// time where the sensor only ever speaks by its own clock.
	stirs() time.Time
}

// start is what a place is given when a play begins.
type start struct {
	at      time.Time
	rng     *rand.Rand // the place's own
	role    role
	weather weather
}

// wall is the time shown by clocks in Germany, as the UTC fields of the result: CET, and
// CEST from the last Sunday of March to that of October, 01:00 UTC each (directive
// 2000/84/EC). Computed, so that a city plays the same where no zone data is installed.
func wall(t time.Time) time.Time {
	t = t.UTC()
	offset := time.Hour
	if year := t.Year(); !t.Before(lastSunday(year, time.March)) && t.Before(lastSunday(year, time.October)) {
		offset = 2 * time.Hour
	}
	return t.Add(offset)
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

// dayNumber counts days, for drawing lots that belong to a date.
func dayNumber(wall time.Time) uint64 { return uint64(wall.Unix() / 86_400) }

// What lots are drawn for.
const (
	lotWet = iota + 1
	lotRain
	lotRainStart
	lotRainHours
	lotMood
	lotSkip
	lotWatering
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

// between draws evenly.
func between(rng *rand.Rand, low, high float64) float64 { return low + rng.Float64()*(high-low) }

// span draws a duration evenly.
func span(rng *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(rng.Int64N(int64(high-low)+1))
}
