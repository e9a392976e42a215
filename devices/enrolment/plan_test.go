package enrolment

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

func TestMake(t *testing.T) {
	one, two := &office{cluster: newCluster(), name: "one"}, &office{cluster: newCluster(), name: "two"}
	a, z := Target{Server: one, Place: "sensorik"}, Target{Server: two}
	source := town(1)
	w, err := source.want(&source.Snapshot.Devices[0], a)
	if err != nil {
		t.Fatal(err)
	}
	now := digest("sensorik", w)
	for name, c := range map[string]struct {
		change  func(*register.Device)
		told    register.Registration
		targets []Target
		want    string // server action, …
		says    string
	}{
		"never told":           {targets: []Target{a}, want: "one create"},
		"in stock":             {change: func(d *register.Device) { d.State, d.Asset = register.InStock, "" }, targets: []Target{a}, want: "one create"},
		"told":                 {told: register.Registration{Digest: now}, targets: []Target{a}, want: "one nothing"},
		"told something else":  {told: register.Registration{Digest: "x"}, targets: []Target{a}, want: "one update"},
		"half told":            {told: register.Registration{Failure: "boom"}, targets: []Target{a}, want: "one create", says: "the last attempt: boom"},
		"half told again":      {told: register.Registration{Digest: now, Failure: "boom"}, targets: []Target{a}, want: "one update", says: "the last attempt: boom"},
		"removed there":        {told: register.Registration{Told: time.Unix(1, 0)}, targets: []Target{a}, want: "one create"},
		"another place":        {told: register.Registration{Digest: now}, targets: []Target{{Server: one, Place: "neu"}}, want: "one update"},
		"keys kept here":       {told: register.Registration{Digest: now}, targets: []Target{{Server: one, Place: "sensorik", KeepKeys: true}}, want: "one update"},
		"retired, never told":  {change: retire, targets: []Target{a}, want: ""},
		"retired":              {change: retire, told: register.Registration{Digest: now}, targets: []Target{a}, want: "one remove", says: "it is retired"},
		"retired, half told":   {change: retire, told: register.Registration{Failure: "boom"}, targets: []Target{a}, want: "one remove"},
		"of another server":    {change: func(d *register.Device) { d.Server = "two" }, targets: []Target{a, z}, want: "two create"},
		"moved there":          {change: func(d *register.Device) { d.Server = "two" }, told: register.Registration{Digest: now}, targets: []Target{a, z}, want: "one remove, two create", says: `it belongs to network server "two" now`},
		"of one not filled":    {change: func(d *register.Device) { d.Server = "mqtt" }, targets: []Target{a, z}, want: ""},
		"two to choose from":   {told: register.Registration{Digest: now}, targets: []Target{a, z}, want: " blocked", says: "say at the device which one"},
		"nobody to choose":     {change: func(d *register.Device) { *d = register.Device{Device: d.Device} }, targets: []Target{a, z}, want: " skip"},
		"registered by hand":   {change: func(d *register.Device) { *d = register.Device{Device: d.Device} }, targets: []Target{a}, want: "one skip", says: "nothing is told of it"},
		"keys do not open":     {change: func(d *register.Device) { d.Keys.KEK = "lost" }, targets: []Target{a}, want: "one blocked", says: `device a800000000000000: describe the device: root keys: key encryption key "lost"`},
		"server not filled":    {change: retire, told: register.Registration{Digest: "x"}, targets: []Target{z}, want: "one skip", says: `do not say how network server "one" is filled`},
		"of the register gone": {change: func(d *register.Device) { d.DevEUI[0]++ }, told: register.Registration{Digest: now}, targets: []Target{a}, want: "one remove, one create", says: "not in the register any more"},
	} {
		t.Run(name, func(t *testing.T) {
			from := town(1)
			c.told.DevEUI, c.told.Server = device(0).DevEUI, "one"
			from.Told = []register.Registration{c.told}
			if c.change != nil {
				c.change(&from.Snapshot.Devices[0])
			}
			p := Make(from, c.targets)
			var got []string
			why := ""
			for _, s := range p.Steps {
				got = append(got, s.Server+" "+string(s.Action))
				why += s.Why
				if s.Err != nil {
					why += s.Err.Error()
				}
				if (s.Action == Blocked) != (s.Err != nil) {
					t.Errorf("%s with error %v", s.Action, s.Err)
				}
			}
			if strings.Join(got, ", ") != c.want || !strings.Contains(why, c.says) {
				t.Errorf("got %q: %q", got, why)
			}
		})
	}
}

func retire(d *register.Device) { d.State = register.Retired }

// TestBlocked tells of what cannot be told as it is, and does the rest.
func TestBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, b, o := town(5), newBook(), &office{cluster: newCluster(), name: "one"}
		from.Snapshot.Devices[2].Keys.KEK = "lost"
		r := run(t, from, b, Target{Server: o})
		report(t, r, 4, 1, 0, ExitPartial)
		from.Snapshot.Devices = from.Snapshot.Devices[2:3]
		report(t, run(t, from, newBook(), Target{Server: o}), 0, 1, 0, ExitFailed)
	})
}

// TestDigest changes each thing that a server is told: none may go unnoticed. The key that
// wraps the keys is none of them.
func TestDigest(t *testing.T) {
	from := town(2)
	d := from.Snapshot.Devices[1]
	of := func(d register.Device) string {
		w, err := from.want(&d, Target{})
		if err != nil {
			t.Fatal(err)
		}
		return digest("here", w)
	}
	was := of(d)
	for name, change := range map[string]func(*register.Device){
		"DevEUI":   func(d *register.Device) { d.DevEUI[0]++ },
		"JoinEUI":  func(d *register.Device) { d.JoinEUI[0]++ },
		"asset":    func(d *register.Device) { d.Asset = "BA-7" },
		"model":    func(d *register.Device) { d.Model = "dragino/lse01" },
		"version":  func(d *register.Device) { d.Version = enrol.V1_0_4 },
		"region":   func(d *register.Device) { d.Region = "US915" },
		"class":    func(d *register.Device) { d.Class = enrol.ClassC },
		"profile":  func(d *register.Device) { d.Profile = "EM310" },
		"interval": func(d *register.Device) { d.Interval = time.Hour },
		"NwkKey":   func(d *register.Device) { d.Keys.Nwk = wrapped(canary) },
		"AppKey":   func(d *register.Device) { d.Keys.App = nil },
	} {
		changed := d
		change(&changed)
		if of(changed) == was {
			t.Errorf("another %s is not noticed", name)
		}
	}
	rewrapped := d
	rewrapped.Keys = register.Keys{KEK: "stadt-kek-2", Nwk: append([]byte("anew"), d.Keys.Nwk[4:]...), App: d.Keys.App}
	rewrapped.Note, rewrapped.Owner, rewrapped.State = "Deckel klemmt", "Stadtwerke", register.Maintenance
	if of(rewrapped) != was || of(d) != was {
		t.Error("what no server is told is noticed")
	}
	// A field that is added to what servers are told must get into the digest, too.
	if n := reflect.TypeFor[enrol.Device]().NumField(); n != 12 {
		t.Errorf("enrol.Device has %d fields: look at the digest", n)
	}
}

func TestText(t *testing.T) {
	for want, a := range map[string]*city.Asset{
		"":                               nil,
		"Papierkorb am Dom, Domhof 8":    {Name: "Papierkorb am Dom", Address: "Domhof 8"},
		"Papierkorb Domhof 4":            {Name: "Papierkorb Domhof 4", Address: "Domhof 4"},
		"Linde":                          {Name: "Linde"},
		"Martinistraße 3":                {Address: "Martinistraße 3"},
		"Papierkorb Domhof 4 (Südseite)": {Name: "Papierkorb Domhof 4 (Südseite)", Address: "Domhof 4"},
	} {
		from := Source{Asset: func(string) (*city.Asset, bool) { return a, a != nil }}
		if got := from.text("X"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestExit(t *testing.T) {
	failed := func(k enrol.Kind) Result {
		return Result{Outcome: Failed, Err: fmt.Errorf("x: %w", &enrol.Error{Kind: k, Err: errors.New("x")})}
	}
	for name, c := range map[string]struct {
		results []Result
		want    Exit
	}{
		"nothing to do":       {nil, ExitOK},
		"done":                {[]Result{{Outcome: Done}}, ExitOK},
		"some":                {[]Result{{Outcome: Done}, failed(enrol.Unauthorized)}, ExitPartial},
		"key":                 {[]Result{failed(enrol.Conflict), failed(enrol.Unreachable), failed(enrol.Unauthorized)}, ExitAuthentication},
		"unreachable":         {[]Result{failed(enrol.Conflict), failed(enrol.Unreachable)}, ExitUnreachable},
		"missing":             {[]Result{failed(enrol.Conflict), failed(enrol.Missing)}, ExitNotFound},
		"conflict":            {[]Result{failed(enrol.Refused), failed(enrol.Conflict)}, ExitConflict},
		"refused":             {[]Result{failed(enrol.Refused)}, ExitFailed},
		"our own":             {[]Result{{Outcome: Untried, Err: errors.New("disk full")}}, ExitFailed},
		"untried for the key": {[]Result{{Outcome: Untried, Err: &enrol.Error{Kind: enrol.Unauthorized, Err: errors.New("x")}}}, ExitAuthentication},
	} {
		if got := (&Report{Results: c.results}).Exit(); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// TestNoKeyIsShown prints all that a caller holds, while servers fail.
func TestNoKeyIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, b, o := town(12), newBook(), &office{cluster: newCluster(), name: "one"}
		o.fails = func(eui city.EUI, part int) error {
			if eui[7]%3 == 0 {
				return &enrol.Error{Kind: enrol.Conflict, DevEUI: eui, Step: "ask", Err: errors.New("no")}
			}
			return nil
		}
		p := Make(from, []Target{{Server: o}})
		r, err := engine(b).Apply(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		report(t, r, 8, 4, 0, ExitPartial)
		rows, err := json.Marshal(b.told())
		if err != nil {
			t.Fatal(err)
		}
		said := string(rows)
		for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%d"} {
			said += fmt.Sprintf(verb, p) + fmt.Sprintf(verb, r) + fmt.Sprintf(verb, r.Entries())
		}
		for _, one := range r.Results {
			said += fmt.Sprintf("%v%+v", one.Err, one.Step.told)
		}
		for _, digits := range []string{"c0ffee", "192 255 238", "wO/u"} {
			if strings.Contains(said, digits) {
				t.Errorf("a key is shown: %s", digits)
			}
		}
	})
}
