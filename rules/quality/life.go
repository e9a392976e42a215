package quality

import (
	"math"
	"math/rand/v2"
	"time"
)

// minute is the grid of the truth.
const minute = time.Minute

// life is one asset's time on earth.
type life struct {
	*rand.Rand
	minutes int
}

// between is anything from a to b.
func (l *life) between(a, b float64) float64 { return a + (b-a)*l.Float64() }

// every tells whether something happens in this minute that happens once in so many days.
func (l *life) every(days float64) bool { return l.Float64()*days*1440 < 1 }

// hour is the hour of the day at a minute.
func hour(m int) float64 { return float64(m%1440) / 60 }

// bin is a fill level in percent. Bins fill by day, in handfuls and by single bags; rubbish
// settles now and then; a tour passes every three to eight days in the morning and empties what
// is more than half full. What somebody holds before the sensor is part of what it sees,
// and too short to be the matter.
func bin(l *life) []float32 {
	perDay := min(16*math.Exp(0.5*l.NormFloat64()), 35)
	tour := 3 + l.IntN(6)
	visit := l.IntN(tour)*1440 + int(l.between(6, 12)*60)
	seen := make([]float32, l.minutes)
	level, bag := l.between(0, 60), 0
	for m := range seen {
		if h := hour(m); h >= 8 && h < 21 {
			level += perDay / 2 / (13 * 60)
			if l.every(10 * 13. / 24 / perDay) { // bags of 5 % on average make the other half
				level += l.between(2, 8)
			}
		}
		if level > 50 && l.every(4) {
			level -= l.between(3, 10)
		}
		level = min(level, 100)
		if m == visit {
			if visit += tour*1440 + int(l.between(-60, 60)); level > 50 {
				level = l.between(0, 8)
			}
		}
		if bag--; bag < 0 && l.every(10) {
			bag = int(l.between(2, 25))
		}
		if seen[m] = float32(level); bag >= 0 {
			seen[m] = 100
		}
	}
	return seen
}

// soil is the usable field capacity in percent. Soil dries the slower the dryer it is, faster
// on some days; it rains about once a week, much or little; showers wet the top for a few
// hours; and trees that have been dry for a day and a half to six days are watered.
func soil(l *life) []float32 {
	perDay := l.between(4, 9)
	seen := make([]float32, l.minutes)
	water, shower, day, thirst := l.between(40, 100), 0., 1., 0
	patience := int(l.between(2.5, 7) * 1440)
	for m := range seen {
		if m%1440 == 0 {
			day = l.between(0.5, 1.5)
		}
		water -= perDay / 1440 * day * math.Sqrt(water/60)
		shower *= 1 - 1./90
		if l.every(8) {
			water += l.between(5, 50)
		}
		if l.every(12) {
			shower += l.between(15, 35)
		}
		if thirst++; water > 30 {
			thirst = 0
		}
		if thirst > patience {
			water += l.between(45, 75)
			patience = int(l.between(2.5, 7) * 1440)
		}
		water = max(min(water, 100), 0)
		seen[m] = float32(min(water+shower, 100))
	}
	return seen
}

// bay is 1 while a car stands there, else 0. By day cars come and go, half of the nights
// somebody stays until the morning, and every other week somebody stays for days.
func bay(l *life) []float32 {
	seen := make([]float32, l.minutes)
	for m := 0; m < len(seen); {
		m += int(l.between(1, 3) + 40*l.ExpFloat64())
		if h := hour(m); h < 7 || h >= 20 {
			continue
		}
		stay := 45 * math.Exp(0.9*l.NormFloat64())
		switch {
		case l.Float64() < 1./60:
			stay = l.between(1.2, 8) * 1440
		case hour(m) >= 17 && l.Float64() < 0.35:
			stay = (24-hour(m))*60 + l.between(6.5, 9.5)*60
		}
		for end := min(len(seen), m+max(2, int(stay))); m < end; m++ {
			seen[m] = 1
		}
	}
	return seen
}
