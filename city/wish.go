package city

import "time"

// WishKind is what somebody can want done with a ticket.
type WishKind string

// The kinds.
const (
	WishAcknowledge WishKind = "acknowledge" // I look after it
	WishHold        WishKind = "hold"        // do nothing with it, until Until if that is given
	WishRelease     WishKind = "release"     // go on with it: ends a hold, and the safety brake's
	WishRetry       WishKind = "retry"       // what it was parked for is mended: search, then send
	WishLink        WishKind = "link"        // it was sent by hand, or found: Number is the ticket's
	WishClose       WishKind = "close"       // close it although the matter may go on
	WishCheck       WishKind = "check"       // ask the ticket system for it now
)

// Wish is what a human wants done with a ticket. It is kept until the reconciler has granted
// it, or has said in the ticket's history why it cannot.
type Wish struct {
	ID     int64 // rising
	Ref    string
	At     time.Time
	By     string // name of a human
	Kind   WishKind
	Reason string
	Until  time.Time // of a hold; zero: until it is released
	Number string    // of a link
}

// Mute keeps new tickets from being sent. What is empty fits everything, but one of them is
// given.
type Mute struct {
	ID       int64
	Service  string
	Asset    string // or the name of a group: the cases of the whole, and not of its members
	Tour     string
	District string
	Since    time.Time
	Until    time.Time // zero: until somebody lifts it
	By       string    // name of a human, or of the ticket system where a ticket was rejected
	Reason   string
	Lifted   time.Time // zero: not lifted
	LiftedBy string
}

// Covers tells whether a case falls under the mute at a time. The asset is nil of a group, or
// when it is no longer in the inventory. A tour and a district cover the groups that are
// named after them too.
func (m *Mute) Covers(c *Case, a *Asset, at time.Time) bool {
	if at.Before(m.Since) || !m.Lifted.IsZero() || !m.Until.IsZero() && !at.Before(m.Until) {
		return false
	}
	if m.Service == "" && m.Asset == "" && m.Tour == "" && m.District == "" {
		return false
	}
	return fits(m.Service, c.Service) && (fits(m.Asset, c.Asset) || m.Asset == c.Group) &&
		(m.Tour == "" || a != nil && a.Tour == m.Tour || c.Group == "tour:"+m.Tour) &&
		(m.District == "" || a != nil && a.District == m.District || c.Group == "district:"+m.District)
}

func fits(want, is string) bool { return want == "" || want == is }
