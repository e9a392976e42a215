package storagetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"meldefunk/city"
)

// Decisions are kept whole, and are found by their case and by their asset.
func (s *suite) decisions(t *testing.T) {
	ctx := t.Context()
	ruling := func(id int64, ref, asset, group string) city.Ruling {
		return city.Ruling{ID: id, Case: ref, Decision: city.Decision{
			Rule: "bin-full", Version: "0123456789abcdef", Asset: asset, Group: group, Change: "opened", At: noon, Decided: noon.Add(time.Second),
			From: "pending", To: "open", ToSeverity: 1, Quantity: "fill_level", Value: 93, Limit: 90, Muted: "",
			Parts:    []city.Part{{Text: "fill_level >= 90 %", Value: "93 %", Truth: "true"}},
			Readings: []city.Evidence{{Time: noon, DevEUI: Device, FCnt: 7, Values: map[string]float64{"fill_level": 93}, Truth: "true"}},
			Settings: []city.Setting{{Name: "open", Value: "90", Source: "rule"}},
		}}
	}
	one, two, three := ruling(1, "", "PK-1", ""), ruling(2, "S-AAAAAAAA", "PK-1", ""), ruling(3, "S-BBBBBBBB", "", "tour:5")
	c := &city.Commit{Mark: city.Mark{Ruling: 3, Alive: noon}, Rulings: []city.Ruling{one, two, three}}
	s.commit(t, c)
	s.commit(t, c) // its outcome was unclear
	s.reopen(t)
	equal(t, "mark", get[city.Mark](t)(s.store.Mark(ctx)), city.Mark{Ruling: 3, Alive: noon})
	equal(t, "of the case", get[[]city.Ruling](t)(s.store.Decisions(ctx, "S-AAAAAAAA")), []city.Ruling{two})
	equal(t, "of no case", len(get[[]city.Ruling](t)(s.store.Decisions(ctx, ""))), 0)
	equal(t, "of the asset", get[[]city.Ruling](t)(s.store.DecisionsAt(ctx, "PK-1", "", 10)), []city.Ruling{two, one})
	equal(t, "of the group", get[[]city.Ruling](t)(s.store.DecisionsAt(ctx, "", "tour:5", 10)), []city.Ruling{three})
	equal(t, "all after the first", get[[]city.Ruling](t)(s.store.DecisionsAfter(ctx, 1, 10)), []city.Ruling{two, three})
}

// States of groups stand beside those of assets, also of assets of the same name; so does
// the time in which nobody could be heard.
func (s *suite) groups(t *testing.T) {
	ctx := t.Context()
	asset := city.AssetState{Asset: "tour:5", Reading: 1, Judged: noon, Mind: []byte{1}}
	group := city.AssetState{Group: "tour:5", Judged: noon, Mind: []byte{2}, Deadline: noon.Add(time.Hour)}
	deaf := city.Deafness{Server: "ns", Since: noon, Until: noon.Add(time.Minute)}
	s.commit(t, &city.Commit{States: []city.AssetState{asset, group}, Deaf: []city.Deafness{deaf}})
	deaf.Until = noon.Add(time.Hour)
	s.commit(t, &city.Commit{Deaf: []city.Deafness{deaf}})
	s.reopen(t)
	equal(t, "asset", get[city.AssetState](t)(s.store.State(ctx, "tour:5", "")), asset)
	equal(t, "group", get[city.AssetState](t)(s.store.State(ctx, "", "tour:5")), group)
	equal(t, "groups", get[[]city.AssetState](t)(s.store.Groups(ctx)), []city.AssetState{group})
	equal(t, "deaf", get[[]city.Deafness](t)(s.store.Deafness(ctx)), []city.Deafness{deaf})
	minds := map[string]string{}
	must(t, s.store.Minds(ctx, func(name string, kept []byte) error {
		minds[name] += string(kept)
		return nil
	}))
	if got := minds["tour:5"]; got != "\x01\x02" && got != "\x02\x01" {
		t.Errorf("minds: %q", minds)
	}
	if err := s.store.Minds(ctx, func(string, []byte) error { return context.Canceled }); !errors.Is(err, context.Canceled) {
		t.Errorf("a walk over minds that is broken off: %v", err)
	}
	var dues []city.Due
	must(t, s.store.Dues(ctx, func(d city.Due) { dues = append(dues, d) }))
	equal(t, "deadlines", dues, []city.Due{{Group: "tour:5", At: noon.Add(time.Hour)}, {Asset: "tour:5"}})
}

// Held cases have no ticket until they are let go, and never get one when they are over
// before.
func (s *suite) held(t *testing.T) {
	ctx, now := t.Context(), noon.Add(24*time.Hour)
	first, over, open := newCase("S-AAAAAAAA"), newCase("S-BBBBBBBB"), newCase("S-CCCCCCCC")
	first.Held, over.Held, over.Asset, open.Asset = true, true, "PK-2", ""
	open.Quantity = city.QuantityUnknown
	open.Group, open.Members, open.Grade = "tour:5", []string{"PK-1"}, 1
	s.commit(t, &city.Commit{Cases: []city.Case{first, over, open}})
	equal(t, "due", len(get[[]city.CaseTicket](t)(s.store.Due(ctx, "", now, 10))), 1)
	equal(t, "held", len(get[[]city.Case](t)(s.store.Held(ctx))), 2)
	equal(t, "begun", len(get[[]city.Case](t)(s.store.Begun(ctx, noon))), 1)
	s.commit(t, &city.Commit{
		Cases: []city.Case{closing("S-BBBBBBBB")}, Released: []city.Released{{Ref: "S-AAAAAAAA", At: noon.Add(3 * time.Hour)}},
		Updates: []city.CaseUpdate{{Ref: "S-CCCCCCCC", Grade: 2, Members: []string{"PK-1", "PK-2"}, Value: 2}},
	})
	due := get[[]city.CaseTicket](t)(s.store.Due(ctx, "", now, 10))
	if len(due) != 2 || due[0].Case.Ref != "S-AAAAAAAA" || due[0].Ticket.State != city.TicketQueued {
		t.Errorf("due after the release: %+v", due)
	}
	equal(t, "held", len(get[[]city.Case](t)(s.store.Held(ctx))), 0)
	begun := get[[]city.Case](t)(s.store.Begun(ctx, noon.Add(2*time.Hour)))
	equal(t, "begun lately", begun, []city.Case{{Rule: "bin-full", Opened: noon.Add(3 * time.Hour)}})
	for _, c := range get[[]city.CaseTicket](t)(s.store.Cases(ctx, false, 10)) {
		switch {
		case c.Case.Ref == "S-BBBBBBBB" && c.Ticket.State != city.TicketCancelled:
			t.Errorf("over while it was held: %+v", c)
		case c.Case.Ref == "S-CCCCCCCC" && (c.Case.Grade != 2 || len(c.Case.Members) != 2 || c.Case.Value != 2 || c.Case.Group != "tour:5"):
			t.Errorf("updated: %+v", c)
		}
	}
}
