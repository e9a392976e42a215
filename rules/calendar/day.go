package calendar

import "time"

// day counts days since 1 January 1970, so that walking from one to the next is addition.
type day int32

const secondsOfDay = 24 * 60 * 60

// dayOf gives the day of a date; dates that a month does not have run over, as in time.Date.
func dayOf(year int, month time.Month, of int) day {
	return day(floorDiv(time.Date(year, month, of, 0, 0, 0, 0, time.UTC).Unix(), secondsOfDay))
}

// dayAt gives the day that the calendar on the wall shows.
func dayAt(at time.Time, zone *time.Location) day {
	local := at.In(zone)
	_, offset := local.Zone()
	return day(floorDiv(local.Unix()+int64(offset), secondsOfDay))
}

func (d day) date() (year int, month time.Month, of int) {
	return time.Unix(int64(d)*secondsOfDay, 0).UTC().Date()
}

func (d day) weekday() time.Weekday {
	return time.Weekday((int(d)%7 + 7 + int(time.Thursday)) % 7) // 1 January 1970 was a Thursday
}

// clock gives the instant at which the clock on the wall shows so many minutes after midnight
// of the day (1440 is midnight at its end). A time that clocks skip in spring is the instant of
// the jump. Of one that they show twice in autumn it is the first for a beginning, and for an
// end the last, if earlier times have been shown again before it.
func (d day) clock(minutes int, zone *time.Location, end bool) time.Time {
	wall := int64(d)*secondsOfDay + int64(minutes)*60
	// One change of the clocks at most lies between these two.
	before, after := offsetAt(wall-secondsOfDay, zone), offsetAt(wall+secondsOfDay, zone)
	early, late := wall-max(before, after), wall-min(before, after)
	switch {
	case before == after:
		return time.Unix(wall-before, 0).In(zone)
	case before > after: // clocks go back: is the time shown before the change, after it, or both?
		shownEarly, shownLate := offsetAt(early, zone) == before, offsetAt(late, zone) == after
		if shownLate && (!shownEarly || end && offsetAt(late-1, zone) == after) {
			return time.Unix(late, 0).In(zone)
		}
		return time.Unix(early, 0).In(zone)
	case offsetAt(late, zone) == before: // clocks go forward, and have not yet
		return time.Unix(late, 0).In(zone)
	case offsetAt(early, zone) == after: // they have
		return time.Unix(early, 0).In(zone)
	}
	jump, _ := time.Unix(late, 0).In(zone).ZoneBounds()
	return jump
}

func offsetAt(unix int64, zone *time.Location) int64 {
	_, offset := time.Unix(unix, 0).In(zone).Zone()
	return int64(offset)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
