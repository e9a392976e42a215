package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"meldefunk/city"
)

// A clock that was years ahead for a while does not make us deaf for years: what is silent
// after it was put right is told of, also when a restart lies between.
func TestClockWasAheadForAWhile(t *testing.T) {
	for name, restart := range map[string]bool{"it goes on": false, "restart": true} {
		t.Run(name, func(t *testing.T) {
			b := newBlock(t, city.Bin, 1, silentRule)
			for range 6 {
				b.send(b.frame(1, 50, 0))
				b.pass(10)
			}
			const years = 10 * 365 * 24 * 60
			b.jump(years)
			b.pass(1)
			b.jump(-years)
			if restart {
				b.restart()
			}
			b.pass(20)
			b.want("nothing fires of a jump")
			b.pass(120)
			b.want("silent for two hours", "silent A-1")
		})
	}
}

// A clock that was ahead does not keep the safety brake on until its time comes.
func TestBrakeOfAClockThatWasAhead(t *testing.T) {
	b := newBlock(t, city.Bin, 4, strings.Replace(fullRule, "service:", "per_hour: 2, service:", 1))
	const days = 10 * 24 * 60
	b.jump(days)
	b.pass(10)
	b.send(b.frame(1, 95, 0), b.frame(2, 95, 0), b.frame(3, 95, 0))
	b.want("ahead", "full A-1", "full A-2", "full A-3 held", "full rule:full")
	b.jump(-days)
	b.restart()
	b.pass(50)
	b.want("put right", "full A-1", "full A-2", "full A-3 held", "full rule:full")
	b.pass(20)
	b.want("an hour later", "full A-1", "full A-2", "full A-3", "full rule:full closed")
}

// road.cases_per_hour brakes a rule that says nothing of its own, and another not.
func TestBrakeOfTheRoad(t *testing.T) {
	b := newBlock(t, city.Bin, 30, fullRule+`  - {id: half, kind: bin, quantity: fill_level, open: ">= 90 %", clear: "<= 30 %", readings: 1, clear_readings: 1, per_hour: 100, service: OS-ABF-02, title: voll}
`)
	b.end()
	b.cfg.CasesPerHour = 3
	b.begin()
	b.pass(10)
	held := func() (n int) {
		cases, err := b.store.Cases(t.Context(), true, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			if c.Case.Held {
				n++
				if c.Case.Rule != "full" || c.Ticket.State != city.TicketHeld {
					t.Errorf("%s of %s waits: %s", c.Case.Rule, c.Case.Asset, c.Ticket.State)
				}
			}
		}
		return n
	}
	var flood []city.Arrival
	for n := range byte(30) {
		flood = append(flood, b.frame(n+1, 95, 0))
	}
	b.send(flood...)
	if got := held(); got != 27 || b.gauge("meldefunk_road_held_cases") != 27 {
		t.Errorf("%d cases wait, the metric says %v, want 27", got, b.gauge("meldefunk_road_held_cases"))
	}
	b.restart()
	b.pass(10)
	if got := b.gauge("meldefunk_road_held_cases"); got != 27 {
		t.Errorf("after a restart the metric says %v wait, want 27", got)
	}
	b.rules(strings.Replace(fullRule, "id: full", "id: other", 1))
	if err := b.road.Rethink(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.pass(10)
	cases, err := b.store.Cases(t.Context(), false, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Case.Rule != "other" && c.Case.Wanted() {
			t.Errorf("%s of %s%s is open still; its rule is gone", c.Case.Rule, c.Case.Asset, c.Case.Group)
		}
	}
}

// An asset that is gone from the inventory is no member of any group: the case of its tour
// does not wait for a bin that nobody will empty.
func TestMemberGoneFromTheInventory(t *testing.T) {
	for name, restart := range map[string]bool{"it goes on": false, "restart": true} {
		t.Run(name, func(t *testing.T) {
			b := newBlock(t, city.Bin, 2, strings.Replace(fullRule, "service:", "group_by: tour, service:", 1))
			b.pass(10)
			b.send(b.frame(1, 95, 0), b.frame(2, 95, 0))
			b.want("both", "full tour:5")
			was := b.assets["A-1"]
			b.settle()
			if restart {
				b.end()
			}
			b.drop("A-1")
			if restart {
				b.begin()
			} else if err := b.road.Rethink(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.pass(10)
			b.want("one is left", "full tour:5")
			b.send(b.frame(2, 20, 0))
			b.want("none is left", "full tour:5 closed")
			b.put(was)
			b.send(b.frame(1, 96, 0))
			b.want("it is back", "full tour:5", "full tour:5 closed")
		})
	}
}

// Who moves to another tour moves to its case.
func TestMemberMoves(t *testing.T) {
	b := newBlock(t, city.Bin, 2, strings.Replace(fullRule, "service:", "group_by: tour, service:", 1))
	b.pass(10)
	b.send(b.frame(1, 95, 0), b.frame(2, 10, 0))
	b.want("tour 5", "full tour:5")
	b.put(&city.Asset{ID: "A-1", Kind: city.Bin, Tour: "6"})
	if err := b.road.Rethink(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.pass(10)
	b.want("tour 6", "full tour:5 closed", "full tour:6")
}

// More members than a case lists are counted all the same.
func TestManyMembers(t *testing.T) {
	b := newBlock(t, city.Bin, 150, strings.Replace(fullRule, "service:", "group_by: tour, service:", 1))
	b.pass(10)
	send := func(level byte) {
		var all []city.Arrival
		for n := range byte(150) {
			all = append(all, b.frame(n+1, level, 0))
		}
		b.send(all...)
	}
	send(95)
	b.want("all", "full tour:5")
	rulings, err := b.store.DecisionsAfter(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	last := rulings[len(rulings)-1]
	if last.Counted != 150 || len(last.Members) != 100 {
		t.Errorf("%d counted, %d listed, want 150 and 100", last.Counted, len(last.Members))
	}
	b.rules(strings.Replace(fullRule, "service:", "group_by: street, service:", 1))
	if err := b.road.Rethink(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.pass(10)
	b.want("another sort of group", "full tour:5 closed", "full street:Domhof")
	send(20)
	b.want("none", "full tour:5 closed", "full street:Domhof closed")
}

// A rule that is changed while its case is open neither closes nor opens anything that stands
// as before, with or without a restart.
func TestRuleChangedWhileOpen(t *testing.T) {
	change := func(old, now string) string { return strings.Replace(fullRule, old, now, 1) }
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"higher":      {change(">= 90", ">= 99"), []string{"full A-1"}},
		"longer":      {change("service:", "for: 3h, service:"), []string{"full A-1"}},
		"shadow":      {change("service:", "shadow: true, service:"), []string{"full A-1"}},
		"words":       {change("voll", "sehr voll"), []string{"full A-1"}},
		"grouped":     {change("service:", "group_by: tour, service:"), []string{"full A-1 closed", "full tour:5"}},
		"season over": {change("service:", "season: \"05-01..06-01\", service:"), []string{"full A-1"}},
		"other kind":  {change("kind: bin", "kind: soil"), []string{"full A-1 closed"}},
		"gone":        {"rules: []\n", []string{"full A-1 closed"}},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %v", name, restart), func(t *testing.T) {
				b := newBlock(t, city.Bin, 1, fullRule)
				b.pass(10)
				b.send(b.frame(1, 95, 0))
				if name == "other kind" {
					c.file = strings.Replace(c.file, "fill_level", "soil_moisture", 1)
				}
				if restart {
					b.end()
				}
				b.rules(c.file)
				if restart {
					b.begin()
				} else if err := b.road.Rethink(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.pass(30)
				b.want("changed", slices.Clone(c.want)...)
				b.rules(fullRule)
				if err := b.road.Rethink(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.pass(10)
				b.send(b.frame(1, 20, 0))
				cases, err := b.store.Cases(t.Context(), true, 10)
				if err != nil || len(cases) > 0 {
					t.Errorf("open at the end: %+v, %v", cases, err)
				}
			})
		}
	}
}

// A silence that was open before minds were kept stays until the device is heard.
func TestAdoptedSilence(t *testing.T) {
	b := newBlock(t, city.Bin, 1, silentRule)
	b.settle()
	if err := b.store.Commit(t.Context(), &city.Commit{
		Cases:  []city.Case{{Ref: "S-OLD00001", Rule: "silent", Service: "OS-SEN-01", Asset: "A-1", Since: blockStart, Opened: blockStart}},
		States: []city.AssetState{{Asset: "A-1", Judged: blockStart, Cases: []city.OpenCase{{Rule: "silent", Ref: "S-OLD00001", Since: blockStart}}}},
	}); err != nil {
		t.Fatal(err)
	}
	b.restart()
	b.pass(300)
	b.want("nobody has heard it", "silent A-1")
	b.send(b.frame(1, 50, 0))
	b.want("heard", "silent A-1 closed")
}

// One damaged mind does not hide from the board what all the others tell.
func TestPendingBesideADamagedMind(t *testing.T) {
	b := newBlock(t, city.Bin, 2, strings.Replace(fullRule, "readings: 1,", "readings: 3,", 1))
	b.pass(10)
	b.send(b.frame(1, 95, 0))
	if err := b.store.Commit(t.Context(), &city.Commit{States: []city.AssetState{{Asset: "A-2", Judged: blockStart, Mind: []byte{1, 2, 3}}}}); err != nil {
		t.Fatal(err)
	}
	f := &files{}
	f.current.Store(&edition{rules: b.set.Load()})
	board := &boardRules{files: f, store: b.store}
	pending, err := board.Pending(t.Context())
	if err != nil || pending["full"] != 1 {
		t.Errorf("%v, %v, want one that waits", pending, err)
	}
}
