// Package calendar says when something holds by the clock and the calendar on the wall: working
// hours, quiet hours, seasons, maintenance, the holidays of the German states. It does not know
// what time it is, and nothing of rules.
package calendar

import (
	"sync/atomic"
	"time"
)

// Calendar is active while any of its windows or spans is. It does not change and may be used
// by several goroutines.
type Calendar struct {
	zone     *time.Location
	holidays Holidays
	windows  []Window
	spans    []Span

	// What was found last: mostly the next question is about the same stretch of time.
	memo atomic.Pointer[stretch]
}

// Span is a time that comes once. To is not part of it.
type Span struct{ From, To time.Time }

// stretch is a time within which the calendar does not change.
type stretch struct {
	from, to time.Time // to zero: no change in sight
	active   bool
}

func (s *stretch) has(at time.Time) bool {
	return s != nil && !at.Before(s.from) && (s.to.IsZero() || at.Before(s.to))
}

// New makes a calendar of windows, read in the zone and with the holidays given, and of spans.
func New(zone *time.Location, holidays Holidays, windows []Window, spans []Span) *Calendar {
	return &Calendar{
		zone:     zone,
		holidays: Holidays{holidays.State, append([]MonthDay(nil), holidays.Extra...)},
		windows:  append([]Window(nil), windows...),
		spans:    append([]Span(nil), spans...),
	}
}

// Active tells whether the calendar is active at an instant.
func (c *Calendar) Active(at time.Time) bool { return c.around(at).active }

// Next gives the first instant after at at which Active is no longer what it is at at. Zero: no
// change within 41 years; nothing that comes again lets more time pass (29 February on a given
// day of the week, over a year like 2100).
func (c *Calendar) Next(at time.Time) time.Time { return c.around(at).to }

// Holiday gives the German name of the holiday at an instant, "" if there is none.
func (c *Calendar) Holiday(at time.Time) string { return c.holidays.name(dayAt(at, c.zone)) }

const horizon = 41 * 366 // days

func (c *Calendar) around(at time.Time) *stretch {
	known := c.memo.Load()
	if known.has(at) {
		return known
	}
	s := &stretch{from: at, active: c.active(at)}
	last := at.AddDate(0, 0, horizon)
	for t := c.edge(at, last); !t.IsZero(); t = c.edge(t, last) {
		if c.active(t) != s.active {
			s.to = t
			break
		}
	}
	c.memo.Store(s)
	return s
}

func (c *Calendar) active(at time.Time) bool {
	for _, s := range c.spans {
		if !at.Before(s.From) && at.Before(s.To) {
			return true
		}
	}
	// A window of yesterday may still last, and where clocks go back over midnight, tomorrow
	// may have begun once already.
	today := dayAt(at, c.zone)
	for i := range c.windows {
		w := &c.windows[i]
		for d := today - 1; d <= today+1; d++ {
			if !w.on(d, &c.holidays) {
				continue
			}
			if from, to := w.span(d, c.zone); !at.Before(from) && at.Before(to) {
				return true
			}
		}
	}
	return false
}

// edge gives the first beginning or end of a window or span after at, zero if there is none
// until last.
func (c *Calendar) edge(at, last time.Time) time.Time {
	first := time.Time{}
	consider := func(t time.Time) {
		if t.After(at) && !t.After(last) && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	for _, s := range c.spans {
		consider(s.From)
		consider(s.To)
	}
	yesterday, horizon := dayAt(at, c.zone)-1, dayAt(last, c.zone)
	for i := range c.windows {
		w := &c.windows[i]
		for d := yesterday; d <= horizon && !w.over(d); d++ {
			if !w.on(d, &c.holidays) {
				continue
			}
			from, to := w.span(d, c.zone)
			consider(from)
			consider(to)
			if to.After(at) {
				break // later ones begin later, or while this one lasts
			}
		}
	}
	return first
}
