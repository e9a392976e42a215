package calendar

import (
	"fmt"
	"strings"
	"time"
)

// Window is a time that comes again, in local time: on which days, and from when to when. The
// zero value is always.
//
// A window that goes over midnight belongs to the day on which it begins. It begins and ends by
// the clock on the wall: the night in which clocks go back makes a window over that hour an hour
// longer, the night in which they go forward an hour shorter. A window is never torn in two: it
// begins at the first and ends at the last of two equal times; one that lies within the skipped
// hour is left out that day.
type Window struct {
	Days        Weekdays // none, with Holidays not set either: every day
	Holidays    bool     // holidays as well, whatever day of the week they are
	NotHolidays bool     // no holidays, whatever day of the week they are

	// Minutes after midnight. To is 1440 for midnight; To not above From: of the next day;
	// both 0: the whole day.
	From, To int

	// Both included, in every year; FirstDay above LastDay goes over the turn of the year;
	// zero: all year.
	FirstDay, LastDay MonthDay

	// Both included, zero: open.
	First, Last Date
}

// Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

func (d Date) day() day { return dayOf(d.Year, d.Month, d.Day) }

// String is like 2026-11-22.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// Weekdays is a set of days of the week: 1 << time.Monday and so on.
type Weekdays uint8

// Has tells whether a day is in the set.
func (w Weekdays) Has(d time.Weekday) bool { return w>>d&1 != 0 }

// on tells whether the window begins on a day.
func (w *Window) on(d day, h *Holidays) bool {
	if w.First != (Date{}) && d < w.First.day() || w.Last != (Date{}) && d > w.Last.day() {
		return false
	}
	if w.FirstDay != (MonthDay{}) {
		_, month, of := d.date()
		md := MonthDay{month, of}
		early, late := md.before(w.FirstDay), w.LastDay.before(md)
		if w.LastDay.before(w.FirstDay) { // over the turn of the year
			if early && late {
				return false
			}
		} else if early || late {
			return false
		}
	}
	every := w.Days == 0 && !w.Holidays
	listed := every || w.Days.Has(d.weekday())
	switch {
	case listed && w.NotHolidays:
		return h.name(d) == ""
	case !listed && w.Holidays:
		return h.name(d) != ""
	}
	return listed
}

// span gives the beginning and the end of the window that begins on a day.
func (w *Window) span(d day, zone *time.Location) (from, to time.Time) {
	end := d
	if w.To <= w.From {
		end++
	}
	return d.clock(w.From, zone, false), end.clock(w.To, zone, true)
}

// over tells that the window does not begin again on this day or any later one.
func (w *Window) over(d day) bool { return w.Last != (Date{}) && d > w.Last.day() }

// String writes the window as Parse reads it.
func (w Window) String() string {
	var words []string
	days := w.days()
	if w.Holidays {
		days = append(days, "holidays")
	}
	if len(days) > 0 {
		words = append(words, strings.Join(days, ","))
	}
	if w.NotHolidays {
		words = append(words, "except holidays")
	}
	if w.From != 0 || w.To != 0 {
		words = append(words, fmt.Sprintf("%02d:%02d-%02d:%02d", w.From/60, w.From%60, w.To/60, w.To%60))
	}
	if w.FirstDay != (MonthDay{}) {
		words = append(words, fmt.Sprintf("%02d-%02d..%02d-%02d", w.FirstDay.Month, w.FirstDay.Day, w.LastDay.Month, w.LastDay.Day))
	}
	if w.First != (Date{}) {
		words = append(words, "from "+w.First.String())
	}
	if w.Last != (Date{}) {
		words = append(words, "until "+w.Last.String())
	}
	if len(words) == 0 {
		return "always"
	}
	return strings.Join(words, " ")
}

func (w *Window) days() (names []string) {
	for i := range 7 {
		if d := time.Weekday((i + 1) % 7); w.Days.Has(d) {
			names = append(names, strings.ToLower(d.String()[:3]))
		}
	}
	return names
}
