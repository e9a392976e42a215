package tickets

import "time"

// Calendar is active at some times and not at others. It knows the holidays.
type Calendar interface {
	Active(at time.Time) bool
	// Next gives the first instant after at at which Active is no longer what it is at at;
	// zero: it stays so.
	Next(at time.Time) time.Time
}

// Hours are the times in which a ticket may be created: while Open is active and Quiet is
// not. The zero value is always.
type Hours struct {
	Open  Calendar // nil: always
	Quiet Calendar // nil: never
}

// farthest is how far Next looks: past it, nobody would still wait for a ticket.
const farthest = 2 * 366 * 24 * time.Hour

// Next gives at, or the first instant after it in which a create may go out; where there is
// none in sight, one two years ahead.
func (h Hours) Next(at time.Time) time.Time {
	t, _ := h.next(at)
	return t
}

func (h Hours) next(at time.Time) (t time.Time, found bool) {
	last := at.Add(farthest)
	for t = at; t.Before(last); {
		var change time.Time
		switch {
		case h.Open != nil && !h.Open.Active(t):
			change = h.Open.Next(t)
		case h.Quiet != nil && h.Quiet.Active(t):
			change = h.Quiet.Next(t)
		default:
			return t, true
		}
		if !change.After(t) {
			break
		}
		t = change
	}
	return last, false
}
