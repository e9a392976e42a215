package rules

import (
	"math"
	"slices"
	"time"

	"meldefunk/city"
)

// line is the straight line that fits some readings best, found by Theil–Sen: the median
// of the slopes between all pairs. Almost a third of the readings may be nonsense.
type line struct {
	n     int
	hours [context + 1]float64 // before the reading at hand, so 0 or less; newest first
	value [context + 1]float64
}

// gather takes the values of a quantity from the reading at hand back to a span before it.
func (l *line) gather(v *View, q city.Quantity, over time.Duration) {
	l.n = 0
	for back := 0; back < v.Len(); back++ {
		before := v.Before(back)
		if before > over {
			return
		}
		if value, measured := v.Value(back, q); measured {
			l.hours[l.n], l.value[l.n] = -before.Hours(), value
			l.n++
		}
	}
}

// span is the time between the oldest value and the newest.
func (l *line) span() time.Duration {
	if l.n == 0 {
		return 0
	}
	return time.Duration((l.hours[0] - l.hours[l.n-1]) * float64(time.Hour))
}

// slope is the change per hour; 0 where no two values have different times.
func (l *line) slope() float64 {
	var slopes [(context + 1) * context / 2]float64
	n := 0
	for i := 0; i < l.n; i++ {
		for j := i + 1; j < l.n; j++ {
			if dt := l.hours[i] - l.hours[j]; dt > 0 {
				slopes[n] = (l.value[i] - l.value[j]) / dt
				n++
			}
		}
	}
	return median(slopes[:n])
}

// level is where the line of a slope stands at the reading at hand.
func (l *line) level(slope float64) float64 {
	var at [context + 1]float64
	for i := 0; i < l.n; i++ {
		at[i] = l.value[i] - slope*l.hours[i]
	}
	return median(at[:l.n])
}

// spread is how far values lie from the line, in the middle (median absolute deviation).
func (l *line) spread(slope, level float64) float64 {
	var off [context + 1]float64
	for i := 0; i < l.n; i++ {
		off[i] = math.Abs(l.value[i] - level - slope*l.hours[i])
	}
	return median(off[:l.n])
}

// median sorts all; 0 of nothing.
func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	if m := len(all) / 2; len(all)%2 == 1 {
		return all[m]
	} else {
		return (all[m-1] + all[m]) / 2
	}
}
