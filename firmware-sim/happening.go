package sim

import "time"

// happening is something that brings people to a district on one day: bins there fill
// factor times as fast between two hours.
type happening struct {
	from, to float64
	factor   float64
}

// happenings of one day in one district, as many as there are at most.
type happenings struct {
	list [3]happening
	n    int
}

func (h *happenings) add(from, to, factor float64) {
	h.list[h.n] = happening{from, to, factor}
	h.n++
}

// factor at an hour: the largest, because a crowd does not count twice.
func (h *happenings) factor(hour float64) float64 {
	factor := 1.0
	for _, a := range h.list[:h.n] {
		if hour >= a.from && hour < a.to {
			factor = max(factor, a.factor)
		}
	}
	return factor
}

// Figures of the calendar. Assumed, in the manner of the city: a market on Saturdays, ten
// days of festival in May, a Christmas market, a summer festival in each district, and
// football every second weekend from August to May. Dates are drawn from the seed.
const (
	oldTown  = "Innenstadt"
	stadium  = "Schinkel"
	festival = 2.2
	market   = 1.6
	advent   = 1.7
	match    = 3.0
)

// happeningsOn gives what takes place in a district on a day.
func happeningsOn(seed, number uint64, district string) happenings {
	var h happenings
	date := dateOf(number)
	year, month, dayOfMonth := date.Date()
	if district == oldTown {
		if date.Weekday() == time.Saturday && !holiday(date) {
			h.add(7, 15, market)
		}
		// The festival begins on a Friday between 8 and 14 May.
		first := int64(dayNumber(time.Date(year, time.May, 8, 0, 0, 0, 0, time.UTC)))
		for dateOf(uint64(first)).Weekday() != time.Friday {
			first++
		}
		if since := int64(number) - first; since >= 0 && since < 10 {
			h.add(12, 23, festival)
		}
		// From the Monday before the first Sunday of Advent to 22 December.
		if month == time.November && dayOfMonth >= 22 || month == time.December && dayOfMonth <= 22 {
			christmas := time.Date(year, time.December, 25, 0, 0, 0, 0, time.UTC)
			fourth := christmas.AddDate(0, 0, -(int(christmas.Weekday())+6)%7-1)
			if !date.Before(fourth.AddDate(0, 0, -27)) {
				h.add(12, 21, advent)
			}
		}
		return h
	}
	if month >= time.June && month <= time.September {
		week := weekNumber(number)
		first := weekNumber(dayNumber(time.Date(year, time.June, 8, 0, 0, 0, 0, time.UTC)))
		const weeks = 15
		drawn := first + uint64(weeks*lot(seed+textNumber(district), lotFestival, uint64(year)))
		if weekday := date.Weekday(); week == drawn && (weekday == time.Saturday || weekday == time.Sunday) {
			h.add(11, 22, festival)
		}
	}
	if district == stadium && (month <= time.May || month >= time.August) {
		week := weekNumber(number)
		even := lot(seed, lotMatch, 0) < 0.5
		if (week%2 == 0) == even {
			draw := lot(seed, lotMatch, week)
			weekday, kickOff := time.Saturday, 14.0
			switch {
			case draw < 0.25:
				weekday, kickOff = time.Friday, 19
			case draw > 0.7:
				weekday = time.Sunday
			}
			if date.Weekday() == weekday {
				h.add(kickOff-2.5, kickOff+3.5, match)
			}
		}
	}
	return h
}

// textNumber makes a number of a word, for drawing lots (FNV-1a, 64 bit).
func textNumber(s string) uint64 {
	x := uint64(14695981039346656037)
	for i := range len(s) {
		x = (x ^ uint64(s[i])) * 1099511628211
	}
	return x
}
