package tickets

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"meldefunk/city"
)

// chaos is a town in which anything happens, and what must hold all the same.
type chaos struct {
	rt     *rapid.T
	c      *clock
	l      *ledger
	d      *hall
	r      *Reconciler
	route  Route
	serial int
	wishes []int64
}

// Whatever people, sensors, crashes and lost answers do: one ticket for an episode, none while
// muted or held, nothing of others touched, nothing opened again that a human closed, and
// every wish heard once.
func TestWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newClock()
		x := &chaos{rt: rt, c: c, l: newLedger(), d: newHall(c)}
		x.l.now = c.now
		x.route = Route{
			System:       "town",
			AutoClose:    rapid.SampledFrom([]AutoClose{AutoCloseAlways, AutoCloseUntouched, AutoCloseNever}).Draw(rt, "auto_close"),
			ReopenWithin: rapid.SampledFrom([]time.Duration{0, 2 * time.Hour, 48 * time.Hour}).Draw(rt, "reopen_within"),
		}
		for _, k := range []call{callReopen, callNote} {
			x.d.cannot[k] = rapid.IntRange(0, 4).Draw(rt, "cannot "+string(k)) == 0
		}
		x.d.all = append(x.d.all, &hallTicket{id: "9001", text: "von einer Bürgerin", status: city.ProgressOpen})
		x.d.before = x.judge
		x.start()
		for range rapid.IntRange(5, 60).Draw(rt, "steps") {
			x.happen()
			x.turn()
		}
		x.settle()
	})
}

func (x *chaos) start() {
	tools := around(x.l, x.d, x.c)
	tools.Router = straight(x.route)
	r, err := New(config(), tools, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		x.rt.Fatal(err)
	}
	x.r = r
	x.survive(r.takeOver(x.rt.Context()))
}

// survive starts a new process where the old one has died.
func (x *chaos) survive(err error) {
	if err == nil {
		return
	}
	if !errors.Is(err, errDead) {
		x.rt.Fatal(err)
	}
	x.l.revive()
	x.start()
}

func (x *chaos) turn() {
	x.survive(x.r.pass(x.rt.Context()))
	x.survive(x.r.lanes["town"].watch(x.rt.Context()))
	x.survive(x.r.pass(x.rt.Context()))
}

func (x *chaos) pass(d time.Duration) {
	for end := x.c.now().Add(d); x.c.now().Before(end); {
		x.c.advance(10 * time.Minute)
		x.turn()
	}
}

// wanted gives the ref of the case that is wanted; "": there is none.
func (x *chaos) wanted() string {
	for _, c := range x.l.cases {
		if c.Wanted() {
			return c.Ref
		}
	}
	return ""
}

func (x *chaos) anyRef() string {
	if len(x.l.cases) == 0 {
		return ""
	}
	return x.l.cases[rapid.IntRange(0, len(x.l.cases)-1).Draw(x.rt, "case")].Ref
}

// happen lets one thing happen.
func (x *chaos) happen() {
	rt := x.rt
	switch rapid.SampledFrom([]string{
		"open", "open", "close", "close", "worse", "people", "people", "vanish", "lose", "away", "crash", "crash",
		"wish", "wish", "mute", "unmute", "time", "time", "time",
	}).Draw(rt, "what") {
	case "open":
		if x.wanted() == "" {
			x.serial++
			ref := fmt.Sprintf("S-%08d", x.serial)
			x.l.open(ref)
			x.l.change(ref, func(c *city.Case) { c.Opened = x.c.now() })
		}
	case "close":
		x.l.closeAt(x.c.now(), x.wanted())
	case "worse":
		x.l.change(x.wanted(), func(c *city.Case) { c.Grade++ })
	case "people":
		id := x.d.all[rapid.IntRange(0, len(x.d.all)-1).Draw(rt, "ticket")].id
		p := rapid.SampledFrom([]city.Progress{city.ProgressWorking, city.ProgressDone, city.ProgressDone, city.ProgressRejected, city.ProgressDuplicate, city.ProgressOpen}).Draw(rt, "progress")
		if id != "9001" {
			x.c.advance(2 * slack) // nobody is as fast as the platform
			x.d.people(id, p, rapid.SampledFrom([]string{"", "erledigt", "siehe oben"}).Draw(rt, "notes"))
		}
	case "vanish":
		ct := x.l.ticket(x.anyRef())
		if ct.ExternalID != "" {
			x.d.vanish(ct.ExternalID)
		}
	case "lose":
		x.d.lose = rapid.IntRange(1, 3).Draw(rt, "lost")
	case "away":
		x.d.fail = rapid.IntRange(1, 5).Draw(rt, "failures")
	case "crash":
		x.l.dieAt = x.l.writes + rapid.IntRange(1, 4).Draw(rt, "writes from now")
		x.l.written = rapid.Bool().Draw(rt, "written")
	case "wish":
		x.wish()
	case "mute":
		m := city.Mute{Since: x.c.now(), Until: x.c.now().Add(time.Duration(rapid.IntRange(1, 30).Draw(rt, "hours")) * time.Hour), By: "A. Beispiel", Reason: "Fest"}
		if rapid.Bool().Draw(rt, "asset") {
			m.Asset = "PK-0042"
		} else {
			m.Service = "OS-ABF-01"
		}
		if _, err := x.l.Mute(rt.Context(), m); err != nil && !errors.Is(err, errDead) {
			rt.Fatal(err)
		}
	case "unmute":
		if len(x.l.mutes) > 0 {
			x.l.unmute(x.l.mutes[rapid.IntRange(0, len(x.l.mutes)-1).Draw(rt, "mute")].ID, x.c.now())
		}
	case "time":
		x.pass(time.Duration(rapid.SampledFrom([]int{1, 10, 60, 300, 1500}).Draw(rt, "minutes")) * time.Minute)
	}
}

func (x *chaos) wish() {
	ref := x.anyRef()
	if ref == "" {
		return
	}
	w := city.Wish{Ref: ref, At: x.c.now(), By: "B. Beispiel", Reason: "weil"}
	w.Kind = rapid.SampledFrom([]city.WishKind{
		city.WishAcknowledge, city.WishHold, city.WishRelease, city.WishRelease, city.WishRetry, city.WishClose, city.WishCheck, city.WishLink,
	}).Draw(x.rt, "wish")
	if w.Kind == city.WishHold && rapid.Bool().Draw(x.rt, "for a while") {
		w.Until = x.c.now().Add(2 * time.Hour)
	}
	if w.Kind == city.WishLink {
		w.Number = x.d.all[rapid.IntRange(0, len(x.d.all)-1).Draw(x.rt, "number")].id
		if w.Number == "9001" {
			w.Number = ""
		}
	}
	x.wishes = append(x.wishes, x.l.wish(w))
}

// judge looks at every call as it goes out.
func (x *chaos) judge(k call, ref, id string) {
	t := x.l.ticket(ref)
	if k.sends() || k == callClose {
		if t.Hold != "" && (t.HoldUntil.IsZero() || x.c.now().Before(t.HoldUntil)) {
			x.rt.Fatalf("%s of %s while it is on hold", k, ref)
		}
		if id == "9001" {
			x.rt.Fatalf("%s of somebody else's ticket", k)
		}
		if id != "" && id != t.ExternalID {
			x.rt.Fatalf("%s of %s for %s, which has %q", k, id, ref, t.ExternalID)
		}
	}
	switch k {
	case callCreate:
		var theCase city.Case
		for _, c := range x.l.cases {
			if c.Ref == ref {
				theCase = c
			}
		}
		for _, m := range x.l.mutes {
			if m.Covers(&theCase, nil, x.c.now()) {
				x.rt.Fatalf("create of %s while %+v", ref, m)
			}
		}
		if !theCase.Wanted() {
			x.rt.Fatalf("create of %s, which is over", ref)
		}
		if t.State != city.TicketSending {
			x.rt.Fatalf("create of %s, which is %s on the disk", ref, t.State)
		}
	case callReopen:
		if there := x.d.get(id); there != nil && there.human {
			x.rt.Fatalf("%s opens %s again, which a human closed; %q", ref, id, x.l.history(ref))
		}
	}
}

// settle lets everything go well for days, and looks at what came of it.
func (x *chaos) settle() {
	x.d.lose, x.d.fail, x.l.dieAt = 0, 0, 0
	x.pass(12 * time.Hour)
	for _, m := range x.l.mutes {
		x.l.unmute(m.ID, x.c.now())
	}
	for _, c := range x.l.cases {
		if x.l.ticket(c.Ref).Hold != "" {
			x.wishes = append(x.wishes, x.l.wish(city.Wish{Ref: c.Ref, At: x.c.now(), By: "B. Beispiel", Kind: city.WishRelease}))
		}
	}
	x.pass(12 * time.Hour)
	for _, id := range x.wishes {
		if n := x.l.judged[id]; n != 1 {
			x.rt.Fatalf("wish %d was heard %d times", id, n)
		}
	}
	for _, c := range x.l.cases {
		t := x.l.ticket(c.Ref)
		made := 0
		for _, there := range x.d.all {
			if strings.Contains(there.text, Marker(c.Ref)) {
				made++
			}
		}
		history := strings.Join(x.l.history(c.Ref), "\n")
		if made > 1 {
			x.rt.Fatalf("%d tickets for %s:\n%s", made, c.Ref, history)
		}
		waits := []city.TicketState{city.TicketParked, city.TicketManual, city.TicketClosed, city.TicketCancelled}
		if c.Wanted() {
			waits = []city.TicketState{city.TicketOpen, city.TicketAcknowledged, city.TicketParked, city.TicketManual, city.TicketClosed}
		}
		if !slices.Contains(waits, t.State) && (c.Wanted() || t.State != city.TicketCleared) {
			x.rt.Fatalf("%s is %s in the end (wanted %v, next %v, now %v):\n%s", c.Ref, t.State, c.Wanted(), t.Next, x.c.now(), history)
		}
		if t.End == city.EndUs && t.State == city.TicketClosed {
			x.rt.Logf("%s closed by us", c.Ref)
			if there := x.d.get(t.ExternalID); there != nil && !there.status.Over() && !x.shared(c.Ref, t.ExternalID) && !touched(there) {
				x.rt.Fatalf("%s is closed and %s is open there:\n%s\n%q", c.Ref, t.ExternalID, history, there.notes)
			}
		}
	}
}

// shared tells whether a later case has the ticket now.
func (x *chaos) shared(ref, id string) bool {
	newest, _, _ := x.l.Linked(x.rt.Context(), "town", id)
	return newest != ref
}

// touched tells whether people were the last to do something with it.
func touched(t *hallTicket) bool {
	last := t.notes[len(t.notes)-1]
	return last == "" || last == "erledigt" || last == "siehe oben"
}
