package enrolment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

func away(eui city.EUI, after time.Duration) error {
	return &enrol.Error{Kind: enrol.Unreachable, DevEUI: eui, Step: "ask", Err: errors.New("connection refused"), After: after}
}

// TestThousand makes 1,000 devices known while three break off, each at another write; the
// next run mends these three, and the third has nothing to do.
func TestThousand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, b := town(1000), newBook()
		o := &office{cluster: newCluster(), name: "chirpstack", takes: 20 * time.Millisecond}
		to := Target{Server: o}
		o.fails = func(eui city.EUI, part int) error {
			if n := int(eui[6])<<8 | int(eui[7]); n == 100 && part == 2 || n == 500 && part == 3 || n == 999 && part == 4 {
				return away(eui, 0)
			}
			return nil
		}
		begun := time.Now()
		seen := 0
		e := engine(b)
		e.Progress = func(done, all int, _ Result) {
			if seen++; done != seen || all != 1000 {
				t.Errorf("progress %d of %d after %d", done, all, seen)
			}
		}
		r, err := e.Apply(t.Context(), Make(from, []Target{to}))
		if err != nil {
			t.Fatal(err)
		}
		report(t, r, 997, 3, 0, ExitPartial)
		if seen != 1000 || o.peak != 8 || o.calls["enrol"] != 997+3*4 {
			t.Errorf("%d steps told, %d at a time, %d calls", seen, o.peak, o.calls["enrol"])
		}
		// 1,000 devices of four writes of 20 ms, eight at a time, are ten seconds.
		if took := time.Since(begun); took < 10*time.Second || took > 25*time.Second {
			t.Errorf("it took %s", took)
		}
		if b.keeps > 40 {
			t.Errorf("the record was written %d times", b.keeps)
		}
		if n := len(r.Entries()); n != 997 {
			t.Errorf("%d entries for the audit trail", n)
		}

		from.Told = b.told()
		p := Make(from, []Target{to})
		if p.Todo() != 3 || p.Count(Create) != 3 || !strings.Contains(p.Steps[100].Why, "connection refused") {
			t.Errorf("%d steps next, %d new; %q", p.Todo(), p.Count(Create), p.Steps[100].Why)
		}
		o.fails = nil
		report(t, run(t, from, b, to), 3, 0, 0, ExitOK)
		idle(t, from, b, to)
		o.holds(t, from, to, from.Snapshot.Devices)
	})
}

// TestKilled kills the platform at every write of a run that makes, changes and removes
// devices, and once the machine is back retires some. The next run leaves the server with
// exactly what is wanted: nothing half, nothing that nobody knows of.
func TestKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for at := 1; ; at++ {
			from, b, o := town(12), newBook(), &office{cluster: newCluster(), name: "chirpstack"}
			to := Target{Server: o}
			from.Snapshot.Devices = from.Snapshot.Devices[:8]
			report(t, run(t, from, b, to), 8, 0, 0, ExitOK)

			from.Snapshot.Devices = town(12).Snapshot.Devices
			for i := range 4 {
				from.Snapshot.Devices[i].Asset = "BA-7"
			}
			from.Snapshot.Devices[4].State = register.Retired
			from.Snapshot.Devices[5].State = register.Retired
			o.writes, o.killAt = 0, at
			b.killed = func() bool { o.mu.Lock(); defer o.mu.Unlock(); return o.killed }
			run(t, from, b, to)
			if !o.killed {
				if at < 30 {
					t.Fatalf("the run had %d writes only", at-1)
				}
				return
			}

			o.killAt, o.killed, b.killed = 0, false, nil
			// Meanwhile the new ones are not wanted any more, and the changes are taken back.
			from.Snapshot.Devices = town(12).Snapshot.Devices[:8]
			from.Snapshot.Devices[6].State = register.Retired
			left := slices.DeleteFunc(slices.Clone(from.Snapshot.Devices), func(d register.Device) bool { return d.State == register.Retired })
			if r := run(t, from, b, to); r.Exit() != ExitOK {
				t.Errorf("killed at %d: %s", at, r.Exit())
			}
			o.holds(t, from, to, left)
			idle(t, from, b, to)
			if t.Failed() {
				t.Fatalf("killed at write %d", at)
			}
		}
	})
}

func TestPatience(t *testing.T) {
	for name, c := range map[string]struct {
		failures int
		after    time.Duration
		least    time.Duration
		most     time.Duration
		exit     Exit
		calls    int
	}{
		"once":                {1, 0, 500 * time.Millisecond, 1500 * time.Millisecond, ExitOK, 2},
		"three times":         {3, 0, 3500 * time.Millisecond, 10500 * time.Millisecond, ExitOK, 4},
		"too often":           {4, 0, 3500 * time.Millisecond, 10500 * time.Millisecond, ExitUnreachable, 4},
		"asked to wait":       {1, time.Minute, time.Minute, time.Minute, ExitOK, 2},
		"asked to wait long":  {1, 3 * time.Minute, 0, 0, ExitUnreachable, 1},
		"asked to wait a bit": {1, time.Millisecond, 500 * time.Millisecond, 1500 * time.Millisecond, ExitOK, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				left := c.failures
				o := &office{cluster: newCluster(), name: "chirpstack"}
				o.fails = func(eui city.EUI, _ int) error {
					if left > 0 {
						left--
						return away(eui, c.after)
					}
					return nil
				}
				begun := time.Now()
				r := run(t, town(1), newBook(), Target{Server: o})
				if took := time.Since(begun); r.Exit() != c.exit || took < c.least || took > c.most || o.calls["enrol"] != c.calls {
					t.Errorf("%s after %s and %d calls", r.Exit(), took, o.calls["enrol"])
				}
			})
		})
	}
}

// TestNoUse lets a server fail in ways that make it no use to go on with 1,000 devices.
func TestNoUse(t *testing.T) {
	for name, c := range map[string]struct {
		fails error
		calls int // at most
		exit  Exit
		says  string
	}{
		"the key is wrong": {&enrol.Error{Kind: enrol.Unauthorized, Step: "ask", Err: errors.New("bad key")}, 8, ExitAuthentication, "did not take our key"},
		"no application":   {&enrol.Error{Kind: enrol.Missing, Step: "ask", Err: errors.New("no application")}, 8, ExitNotFound, "the same is missing"},
		"not there":        {away(city.EUI{}, 0), 15 * 4, ExitUnreachable, "could not be reached for 8 devices in a row"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				from, b, o := town(1000), newBook(), &office{cluster: newCluster(), name: "chirpstack"}
				o.fails = func(city.EUI, int) error { return c.fails }
				to := Target{Server: o}
				r := run(t, from, b, to)
				if n := o.calls["enrol"]; n > c.calls || r.Exit() != c.exit || r.Count(Done) != 0 || r.Count(Failed) > 15 || len(r.Results) != 1000 {
					t.Errorf("%d calls, %d failed, %d results, %s", n, r.Count(Failed), len(r.Results), r.Exit())
				}
				last := r.Results[999]
				if last.Outcome != Untried || !strings.Contains(last.Err.Error(), c.says) {
					t.Errorf("the last one is %s: %v", last.Outcome, last.Err)
				}
				// What was not tried is not kept as half done.
				for _, row := range b.rows {
					if row.Failure == unfinished {
						t.Errorf("%s is kept as %q", row.DevEUI, row.Failure)
					}
				}
				o.fails = nil
				report(t, run(t, from, b, to), 1000, 0, 0, ExitOK)
				o.holds(t, from, to, from.Snapshot.Devices)
				idle(t, from, b, to)
			})
		})
	}
}

// TestSomethingMissing has a profile that is not there: only its devices are held up.
func TestSomethingMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, b, o := town(100), newBook(), &office{cluster: newCluster(), name: "chirpstack"}
		for i := range 50 {
			from.Snapshot.Devices[2*i].Profile = "gone"
		}
		r := run(t, from, b, Target{Server: o})
		if r.Count(Done) != 50 || r.Exit() != ExitPartial || o.calls["enrol"] > 50+8 {
			t.Errorf("%d done, %s, %d calls", r.Count(Done), r.Exit(), o.calls["enrol"])
		}
	})
}

// TestLostHereAndThere does not reach the server for every second device: the others go on.
func TestLostHereAndThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{cluster: newCluster(), name: "chirpstack"}
		o.fails = func(eui city.EUI, _ int) error {
			if eui[7]%2 == 0 {
				return away(eui, 0)
			}
			return nil
		}
		report(t, run(t, town(60), newBook(), Target{Server: o}), 30, 30, 0, ExitPartial)
	})
}

func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, b := town(300), newBook()
		o := &office{cluster: newCluster(), name: "chirpstack", takes: time.Second}
		to := Target{Server: o}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 41500*time.Millisecond, errors.New("ctrl-C"))
		defer cancel()
		r, err := engine(b).Apply(ctx, Make(from, []Target{to}))
		if err != nil {
			t.Fatal(err)
		}
		// Ten rounds of eight devices and four seconds; eight are in the middle of it.
		report(t, r, 80, 8, 212, ExitPartial)
		if last := r.Results[299].Err; !strings.Contains(last.Error(), "not tried: ctrl-C") {
			t.Errorf("the last one: %v", last)
		}
		half := 0
		for _, row := range b.rows {
			if row.Failure != "" {
				half++
			}
		}
		if half != 8 {
			t.Errorf("%d are kept as half done", half)
		}
		report(t, run(t, from, b, to), 220, 0, 0, ExitOK)
		o.holds(t, from, to, from.Snapshot.Devices)
		idle(t, from, b, to)

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		from.Snapshot.Devices[0].Asset = "BA-7"
		from.Told = b.told()
		r, err = engine(b).Apply(ended, Make(from, []Target{to}))
		if err != nil {
			t.Fatal(err)
		}
		report(t, r, 0, 0, 1, ExitFailed)
	})
}

// TestRecordFails has a disk that is full: nothing is told that cannot be kept.
func TestRecordFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, b, o := town(200), newBook(), &office{cluster: newCluster(), name: "chirpstack"}
		b.fails = errors.New("disk full")
		r, err := engine(b).Apply(t.Context(), Make(from, []Target{{Server: o}}))
		if err == nil || err.Error() != "the record of what network servers were told: disk full" {
			t.Errorf("error %v", err)
		}
		report(t, r, 0, 0, 200, ExitFailed)
		if o.calls["enrol"] != 0 {
			t.Errorf("%d calls", o.calls["enrol"])
		}
		for i := range from.Snapshot.Devices {
			from.Told = append(from.Told, register.Registration{DevEUI: from.Snapshot.Devices[i].DevEUI, Server: "chirpstack", Digest: "x"})
		}
		from.Snapshot.Devices = from.Snapshot.Devices[:100]
		r, err = engine(b).Apply(t.Context(), Make(from, []Target{{Server: o}}))
		if err == nil || o.calls["remove"] != 0 {
			t.Errorf("error %v after %d removals", err, o.calls["remove"])
		}
		report(t, r, 0, 0, 200, ExitFailed)
	})
}

// TestMovedBetweenServers moves a device to another network server of the same cluster, which
// does not take it before the first one has let it go.
func TestMovedBetweenServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, b, c := town(20), newBook(), newCluster()
		one, two := &office{cluster: c, name: "stadt"}, &office{cluster: c, name: "stadtwerke"}
		a, z := Target{Server: one}, Target{Server: two, KeepKeys: true}
		for i := range from.Snapshot.Devices {
			from.Snapshot.Devices[i].Server = []string{"stadt", "stadtwerke"}[i%2]
		}
		report(t, run(t, from, b, a, z), 20, 0, 0, ExitOK)
		for i := range from.Snapshot.Devices {
			from.Snapshot.Devices[i].Server = []string{"stadtwerke", "stadt"}[i%2]
		}
		report(t, run(t, from, b, a, z), 40, 0, 0, ExitOK)
		idle(t, from, b, a, z)
		var even, odd []register.Device
		for i, d := range from.Snapshot.Devices {
			if i%2 == 0 {
				even = append(even, d)
			} else {
				odd = append(odd, d)
			}
		}
		one.holds(t, from, a, odd)
		two.holds(t, from, z, even)
		for eui, e := range c.known {
			if e.office == "stadtwerke" && !e.parts[0].Keys.None() {
				t.Errorf("%s: a network server that keeps no keys was given some", eui)
			}
		}

		// Where the first one does not let go, the second says whose it is.
		from.Snapshot.Devices[0].Server = "stadt"
		two.fails = func(eui city.EUI, part int) error {
			if part == 0 {
				return &enrol.Error{Kind: enrol.Refused, DevEUI: eui, Step: "remove", Err: errors.New("locked")}
			}
			return nil
		}
		r := run(t, from, b, a, z)
		report(t, r, 0, 2, 0, ExitConflict)
	})
}

func TestVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, b, o := town(10), newBook(), &office{cluster: newCluster(), name: "chirpstack"}
		to := Target{Server: o}
		run(t, from, b, to)
		verify := func() Plan {
			t.Helper()
			from.Told = b.told()
			p := Make(from, []Target{to})
			report(t, engine(b).Verify(t.Context(), &p), 10, 0, 0, ExitOK)
			return p
		}
		if p := verify(); p.Count(Nothing) != 10 || len(p.Drifts()) != 0 {
			t.Errorf("%+v", p.Drifts())
		}
		// Somebody changes one device there and removes another.
		o.known[device(3).DevEUI].parts[1].Name = "Keller"
		delete(o.known, device(4).DevEUI)
		// Of two we do not know any more what was told, and one becomes another.
		delete(b.rows, at{device(5).DevEUI, "chirpstack"})
		delete(b.rows, at{device(6).DevEUI, "chirpstack"})
		from.Snapshot.Devices[6].Asset = "BA-7"
		p := verify()
		if p.Count(Nothing) != 6 || p.Count(Update) != 2 || p.Count(Create) != 1 || p.Count(Note) != 1 || p.Todo() != 4 {
			t.Errorf("%+v", p.Steps)
		}
		var told []string
		for _, s := range p.Drifts() {
			for _, d := range s.Drift {
				told = append(told, fmt.Sprintf("%s %s", s.Name, d))
			}
		}
		if len(told) != 1+1+4 || told[0] != `PK-0003 registry 2: name is Keller, want PK-0003` || told[1] != "PK-0004 device is missing" {
			t.Errorf("drift %q", told)
		}
		calls := o.calls["enrol"]
		r, err := engine(b).Apply(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		report(t, r, 4, 0, 0, ExitOK)
		if o.calls["enrol"] != calls+3 || len(r.Entries()) != 3 {
			t.Errorf("%d calls and %d entries for what was only noted", o.calls["enrol"]-calls, len(r.Entries()))
		}
		o.holds(t, from, to, from.Snapshot.Devices)
		idle(t, from, b, to)

		// A server that cannot be asked says nothing about drift.
		o.fails = func(eui city.EUI, _ int) error { return away(eui, 0) }
		from.Told = b.told()
		p = Make(from, []Target{to})
		if r := engine(b).Verify(t.Context(), &p); r.Exit() != ExitUnreachable || p.Steps[0].Err == nil || p.Steps[9].Err == nil || p.Count(Nothing) != 10 {
			t.Errorf("%s, %+v", r.Exit(), p.Steps[9])
		}
	})
}
