package change

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meldefunk/city"
	"meldefunk/city/register"
)

var start = time.Date(2026, 5, 3, 8, 0, 0, 0, time.UTC)

func eui(n byte) city.EUI { return city.EUI{0xa8, 0x40, 0x41, 0, 0, 0, 0, n} }

func bin(id string) register.Asset {
	return register.Asset{Asset: city.Asset{ID: id, Kind: city.Bin}}
}

// town has device 1 on PK-0042 since 3 May, 2 in stock, 3 planned for PK-0043, 4 retired, and
// 5 on PK-0044 in maintenance; PK-0045 and the tree BA-1 have none. Device 9 hangs on PK-0099
// by the files.
func town() (register.Snapshot, Ground) {
	device := func(n byte, state register.State, asset string) register.Device {
		return register.Device{Device: city.Device{DevEUI: eui(n), Model: "m/bin", Asset: asset}, State: state, Revision: 3}
	}
	tree := register.Asset{Asset: city.Asset{ID: "BA-1", Kind: city.Soil}}
	s := register.Snapshot{
		Revision: 7,
		Devices: []register.Device{
			device(1, register.Installed, "PK-0042"), device(2, register.InStock, ""), device(3, register.Planned, "PK-0043"),
			device(4, register.Retired, ""), device(5, register.Maintenance, "PK-0044"),
		},
		Assets: []register.Asset{tree, bin("PK-0042"), bin("PK-0043"), bin("PK-0044"), bin("PK-0045")},
		Bindings: []register.Binding{
			{DevEUI: eui(1), Asset: "PK-0042", From: start},
			{DevEUI: eui(4), Asset: "PK-0045", From: start, To: start.Add(48 * time.Hour)},
			{DevEUI: eui(5), Asset: "PK-0044", From: start},
		},
	}
	g := Ground{
		Assets:  map[string]*city.Asset{"PK-0099": {ID: "PK-0099", Kind: city.Bin}, "PK-0100": {ID: "PK-0100", Kind: city.Bin}},
		Devices: map[city.EUI]*city.Device{eui(9): {DevEUI: eui(9), Model: "m/bin", Asset: "PK-0099"}},
		Kinds:   func(string) []city.Kind { return []city.Kind{city.Bin} },
	}
	return s, g
}

// told says in short what a change does.
func told(c register.Change) string {
	var lines []string
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format("2.1.")
	}
	for _, d := range c.Devices {
		lines = append(lines, fmt.Sprintf("%d %s %s", d.DevEUI[7], d.State, d.Asset))
	}
	for _, a := range c.Assets {
		lines = append(lines, a.ID)
	}
	for _, b := range c.Bindings {
		lines = append(lines, fmt.Sprintf("%d@%s %s-%s", b.DevEUI[7], b.Asset, day(b.From), day(b.To)))
	}
	for _, b := range c.Dropped {
		lines = append(lines, fmt.Sprintf("drop %d@%s %s-", b.DevEUI[7], b.Asset, day(b.From)))
	}
	for _, e := range c.Entries {
		line := fmt.Sprintf("%s %d %s", e.Action, e.DevEUI[7], e.Asset)
		for _, f := range e.Facts {
			line += fmt.Sprintf(" %s:%s>%s", f.Field, f.Was, f.Is)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestActions(t *testing.T) {
	now := start.AddDate(0, 0, 20)
	day := func(n int) time.Time { return start.AddDate(0, 0, n) }
	device := func(n byte, state register.State, asset string) register.Device {
		return register.Device{Device: city.Device{DevEUI: eui(n), Model: "m/bin", Asset: asset}, State: state}
	}
	for _, c := range []struct {
		name string
		do   func(d *Draft) error
		want string // what is told, or
		err  string
	}{
		{"add to the shelf", func(d *Draft) error { return d.Add(device(6, "", ""), time.Time{}) },
			"6 in_stock \nadded 6 ", ""},
		{"add where it hangs", func(d *Draft) error { return d.Add(device(6, "", "PK-0043"), day(1)) },
			"6 installed PK-0043\n6@PK-0043 4.5.-\nadded 6 PK-0043 asset:>PK-0043 state:in_stock>installed", ""},
		{"add on an asset of the files", func(d *Draft) error { return d.Add(device(6, "", "PK-0100"), time.Time{}) },
			"6 installed PK-0100\n6@PK-0100 23.5.-\nadded 6 PK-0100 asset:>PK-0100 state:in_stock>installed", ""},
		{"add a known one", func(d *Draft) error { return d.Add(device(1, "", ""), time.Time{}) },
			"", "device a840410000000001 is in the register already: alter it, or move it"},
		{"add without an EUI", func(d *Draft) error { return d.Add(register.Device{}, time.Time{}) }, "", "has no DevEUI"},
		{"add where one hangs", func(d *Draft) error { return d.Add(device(6, "", "PK-0042"), time.Time{}) },
			"", "PK-0042 has device a840410000000001 since 3 May 2026 08:00: replace it, or move that one first"},
		{"add where one of the files hangs", func(d *Draft) error { return d.Add(device(6, "", "PK-0099"), time.Time{}) },
			"", "PK-0099 has device a840410000000009, by the inventory files: take that one out there first"},
		{"add to nothing known", func(d *Draft) error { return d.Add(device(6, "", "PK-9"), time.Time{}) },
			"", `unknown asset "PK-9": describe it first, with its kind`},
		{"add to another kind", func(d *Draft) error { return d.Add(device(6, "", "BA-1"), time.Time{}) },
			"", `m/bin is made for assets of kind bin, but "BA-1" is soil`},
		{"add into a history", func(d *Draft) error { return d.Add(device(6, "", "PK-0045"), day(1)) },
			"", "PK-0045 had device a840410000000004 until 5 May 2026 08:00, which is after 4 May 2026 08:00: want a later time"},
		{"add after a history", func(d *Draft) error { return d.Add(device(6, "", "PK-0045"), day(2)) },
			"6 installed PK-0045\n6@PK-0045 5.5.-\nadded 6 PK-0045 asset:>PK-0045 state:in_stock>installed", ""},
		{"move", func(d *Draft) error { return d.Move(eui(1), "PK-0043", day(3)) },
			"1 installed PK-0043\n1@PK-0042 3.5.-6.5.\n1@PK-0043 6.5.-\nmoved 1 PK-0043 asset:PK-0042>PK-0043", ""},
		{"move what is in maintenance", func(d *Draft) error { return d.Move(eui(5), "PK-0043", day(3)) },
			"5 maintenance PK-0043\n5@PK-0044 3.5.-6.5.\n5@PK-0043 6.5.-\nmoved 5 PK-0043 asset:PK-0044>PK-0043", ""},
		{"move from the first day", func(d *Draft) error { return d.Move(eui(1), "PK-0043", day(0)) },
			"1 installed PK-0043\n1@PK-0043 3.5.-\nmoved 1 PK-0043 asset:PK-0042>PK-0043", ""},
		{"move before it hung there", func(d *Draft) error { return d.Move(eui(1), "PK-0043", day(-1)) },
			"", "device a840410000000001 hangs on PK-0042 since 3 May 2026 08:00, which is after 2 May 2026 08:00: want a later time"},
		{"move to where it is", func(d *Draft) error { return d.Move(eui(1), "PK-0042", day(1)) }, "", "hangs on PK-0042 already, since 3 May 2026 08:00"},
		{"move what hangs nowhere", func(d *Draft) error { return d.Move(eui(2), "PK-0043", day(1)) }, "", "hangs nowhere, it is in_stock: install it"},
		{"move in the future", func(d *Draft) error { return d.Move(eui(1), "PK-0043", day(30)) }, "", "2 June 2026 08:00 is still to come"},
		{"move one of the files", func(d *Draft) error { return d.Move(eui(9), "PK-0043", day(1)) }, "", "stands in the inventory files: change it there"},
		{"move nothing known", func(d *Draft) error { return d.Move(eui(77), "PK-0043", day(1)) }, "", "is not in the register: add it first"},
		{"replace", func(d *Draft) error { return d.Replace(eui(1), eui(2), register.Retired, day(3)) },
			"1 retired \n2 installed PK-0042\n1@PK-0042 3.5.-6.5.\n2@PK-0042 6.5.-\nwithdrawn 1  asset:PK-0042> state:installed>retired\n" +
				"replaced 2 PK-0042 device:a840410000000001>a840410000000002", ""},
		{"replace by a planned one", func(d *Draft) error { return d.Replace(eui(1), eui(3), register.InStock, day(3)) },
			"1 in_stock \n3 installed PK-0042\n1@PK-0042 3.5.-6.5.\n3@PK-0042 6.5.-\nmoved 1  asset:PK-0042> state:installed>in_stock\n" +
				"replaced 3 PK-0042 device:a840410000000001>a840410000000003", ""},
		{"replace by one in use", func(d *Draft) error { return d.Replace(eui(1), eui(5), register.InStock, day(3)) },
			"", "device a840410000000005 hangs on PK-0044 since 3 May 2026 08:00: take one that hangs nowhere"},
		{"replace by itself", func(d *Draft) error { return d.Replace(eui(1), eui(1), register.InStock, day(3)) }, "", "cannot replace itself"},
		{"replace what hangs nowhere", func(d *Draft) error { return d.Replace(eui(2), eui(3), register.InStock, day(3)) }, "", "there is nothing to replace"},
		{"replace into maintenance", func(d *Draft) error { return d.Replace(eui(1), eui(2), register.Maintenance, day(3)) }, "", `cannot be "maintenance"`},
		{"retire", func(d *Draft) error { return d.Retire(eui(1), time.Time{}) },
			"1 retired \n1@PK-0042 3.5.-23.5.\nwithdrawn 1  asset:PK-0042> state:installed>retired", ""},
		{"retire twice", func(d *Draft) error { return d.Retire(eui(4), time.Time{}) }, "", "is retired already"},
		{"install", func(d *Draft) error { return d.Install(eui(2), "PK-0045", day(5)) },
			"2 installed PK-0045\n2@PK-0045 8.5.-\nmoved 2 PK-0045 asset:>PK-0045 state:in_stock>installed", ""},
		{"install as planned", func(d *Draft) error { return d.Install(eui(3), "", day(5)) },
			"3 installed PK-0043\n3@PK-0043 8.5.-\naltered 3 PK-0043 state:planned>installed", ""},
		{"install nowhere", func(d *Draft) error { return d.Install(eui(2), "", day(5)) }, "", "is to be installed, but on which asset? Name one"},
		{"install what hangs", func(d *Draft) error { return d.Install(eui(1), "PK-0045", day(5)) }, "", "hangs on PK-0042 since 3 May 2026 08:00: move it"},
		{"plan", func(d *Draft) error { return d.Plan(eui(2), "PK-0042") },
			"2 planned PK-0042\nmoved 2 PK-0042 asset:>PK-0042 state:in_stock>planned", ""},
		{"plan what hangs", func(d *Draft) error { return d.Plan(eui(1), "PK-0043") }, "", "hangs on PK-0042: move it"},
		{"maintenance", func(d *Draft) error { return d.SetState(eui(1), register.Maintenance, day(3)) },
			"1 maintenance PK-0042\naltered 1 PK-0042 state:installed>maintenance", ""},
		{"to the shelf", func(d *Draft) error { return d.SetState(eui(5), register.InStock, day(3)) },
			"5 in_stock \n5@PK-0044 3.5.-6.5.\nmoved 5  asset:PK-0044> state:maintenance>in_stock", ""},
		{"no such state", func(d *Draft) error { return d.SetState(eui(5), "broken", day(3)) }, "", `unknown state "broken": want one of [in_stock planned installed maintenance retired]`},
		{"the same state", func(d *Draft) error { return d.SetState(eui(1), register.Installed, day(3)) }, "", "is installed already"},
		{"change places", func(d *Draft) error {
			return d.place(Placement{DevEUI: eui(1), State: register.Installed, Asset: "PK-0044", At: day(3)},
				Placement{DevEUI: eui(5), State: register.Installed, Asset: "PK-0042", At: day(3)})
		}, "1 installed PK-0044\n5 installed PK-0042\n1@PK-0042 3.5.-6.5.\n1@PK-0044 6.5.-\n5@PK-0044 3.5.-6.5.\n5@PK-0042 6.5.-\n" +
			"moved 1 PK-0044 asset:PK-0042>PK-0044\nmoved 5 PK-0042 asset:PK-0044>PK-0042 state:maintenance>installed", ""},
		{"hangs there for longer", func(d *Draft) error {
			return d.place(Placement{DevEUI: eui(1), State: register.Installed, Asset: "PK-0042", At: day(-2)})
		}, "1@PK-0042 1.5.-\ndrop 1@PK-0042 3.5.-\naltered 1 PK-0042 since:>2026-05-01T08:00:00Z", ""},
		{"there and back", func(d *Draft) error {
			if err := d.Move(eui(1), "PK-0043", day(3)); err != nil {
				return err
			}
			return d.Move(eui(1), "PK-0042", day(3))
		}, "1 installed PK-0042\n1@PK-0042 3.5.-6.5.\n1@PK-0042 6.5.-\nmoved 1 PK-0043 asset:PK-0042>PK-0043\nmoved 1 PK-0042 asset:PK-0043>PK-0042", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, g := town()
			d := New(s, g, Stamp{At: now, By: "k", Reason: "r", From: "cli"})
			err := c.do(d)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			change := d.Change()
			if got := told(change); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if change.Base != 7 || change.By != "k" || change.Entries != nil && change.Entries[0].Reason != "r" {
				t.Errorf("stamp %+v", change)
			}
			if again, _ := town(); !reflect.DeepEqual(s, again) {
				t.Error("the snapshot was changed")
			}
		})
	}
}

// Nonces begin anew with other root keys, and with nothing else: a device that goes on
// counting must not be let in by what was recorded of it.
func TestFlushed(t *testing.T) {
	keys := []register.Fact{{Field: KeysField, Was: "set", Is: "set"}}
	had := register.Keys{KEK: "a", Nwk: []byte{1}, App: []byte{2}}
	for name, test := range map[string]struct {
		is    register.Keys
		facts []register.Fact
		want  []city.EUI
	}{
		"other keys":               {register.Keys{KEK: "a", Nwk: []byte{9}, App: []byte{8}}, keys, []city.EUI{eui(1)}},
		"other ones under another": {register.Keys{KEK: "b", Nwk: []byte{1}}, keys, []city.EUI{eui(1)}},
		"none":                     {register.Keys{}, keys, []city.EUI{eui(1)}},
		"another AppKey alone":     {register.Keys{KEK: "a", Nwk: []byte{1}, App: []byte{8}}, keys, nil},
		"another note":             {had, []register.Fact{{Field: "note", Is: "neu"}}, nil},
	} {
		s, g := town()
		s.Devices[0].Keys = had
		d := New(s, g, Stamp{At: start})
		device := s.Devices[0]
		device.Keys = test.is
		d.Put(device, test.facts)
		if c := d.Change(); !slices.Equal(c.Flushed, test.want) || len(c.Devices) != 1 {
			t.Errorf("%s: flushed %v of %d", name, c.Flushed, len(c.Devices))
		}
	}
}

// TestRefusals holds what somebody needs who tells a refusal in another language.
func TestRefusals(t *testing.T) {
	now, never := start.AddDate(0, 1, 0), time.Time{}
	for _, c := range []struct {
		do   func(d *Draft) error
		want register.Refusal
	}{
		{func(d *Draft) error { return d.Install(eui(2), "PK-0042", never) }, register.Refusal{Why: register.Taken, DevEUI: eui(2), Other: eui(1), Asset: "PK-0042", Since: start}},
		{func(d *Draft) error { return d.Install(eui(1), "PK-0043", never) }, register.Refusal{Why: register.HangsAlready, DevEUI: eui(1), Asset: "PK-0042", Since: start}},
		{func(d *Draft) error { return d.Install(eui(2), "", never) }, register.Refusal{Why: register.NoAsset, DevEUI: eui(2), State: register.Installed}},
		{func(d *Draft) error { return d.Install(eui(2), "PK-0099", never) }, register.Refusal{Why: register.TakenByFile, DevEUI: eui(2), Other: eui(9), Asset: "PK-0099"}},
		{func(d *Draft) error { return d.Install(eui(2), "BA-1", never) }, register.Refusal{Why: register.WrongKind, DevEUI: eui(2), Asset: "BA-1", Model: "m/bin", Kind: city.Soil, Kinds: []city.Kind{city.Bin}}},
		{func(d *Draft) error { return d.Install(eui(2), "PK-0045", start) }, register.Refusal{Why: register.TooEarly, DevEUI: eui(4), Asset: "PK-0045", Since: start.Add(48 * time.Hour), At: start}},
		{func(d *Draft) error { return d.Install(eui(4), "PK-0045", start) }, register.Refusal{Why: register.TooEarly, DevEUI: eui(4), Asset: "PK-0045", Since: start.Add(48 * time.Hour), At: start}},
		{func(d *Draft) error { return d.Move(eui(1), "nowhere", never) }, register.Refusal{Why: register.UnknownAsset, DevEUI: eui(1), Asset: "nowhere"}},
		{func(d *Draft) error { return d.Move(eui(1), "PK-0042", never) }, register.Refusal{Why: register.HangsThere, DevEUI: eui(1), Asset: "PK-0042", Since: start}},
		{func(d *Draft) error { return d.Move(eui(2), "PK-0043", never) }, register.Refusal{Why: register.HangsNowhere, DevEUI: eui(2), State: register.InStock}},
		{func(d *Draft) error { return d.Move(eui(1), "PK-0043", start.Add(-1)) }, register.Refusal{Why: register.TooEarly, DevEUI: eui(1), Asset: "PK-0042", Since: start, At: start.Add(-1)}},
		{func(d *Draft) error { return d.Move(eui(1), "PK-0043", now.Add(1)) }, register.Refusal{Why: register.StillToCome, DevEUI: eui(1), At: now.Add(1)}},
		{func(d *Draft) error { return d.Move(eui(9), "PK-0043", never) }, register.Refusal{Why: register.FiledDevice, DevEUI: eui(9)}},
		{func(d *Draft) error { return d.Move(eui(77), "PK-0043", never) }, register.Refusal{Why: register.UnknownDevice, DevEUI: eui(77)}},
		{func(d *Draft) error { return d.Replace(eui(1), eui(1), register.InStock, never) }, register.Refusal{Why: register.SameDevice, DevEUI: eui(1)}},
		{func(d *Draft) error { return d.Replace(eui(2), eui(3), register.InStock, never) }, register.Refusal{Why: register.HangsNowhere, DevEUI: eui(2), State: register.InStock}},
		{func(d *Draft) error { return d.Replace(eui(1), eui(5), register.InStock, never) }, register.Refusal{Why: register.HangsAlready, DevEUI: eui(5), Asset: "PK-0044", Since: start}},
		{func(d *Draft) error { return d.Replace(eui(1), eui(2), register.Planned, never) }, register.Refusal{Why: register.UnknownState, DevEUI: eui(1), State: register.Planned}},
		{func(d *Draft) error { return d.Retire(eui(4), never) }, register.Refusal{Why: register.SameState, DevEUI: eui(4), State: register.Retired}},
		{func(d *Draft) error { return d.SetState(eui(2), register.InStock, never) }, register.Refusal{Why: register.SameState, DevEUI: eui(2), State: register.InStock}},
		{func(d *Draft) error { return d.SetState(eui(2), "asleep", never) }, register.Refusal{Why: register.UnknownState, DevEUI: eui(2), State: "asleep"}},
	} {
		s, g := town()
		err := c.do(New(s, g, Stamp{At: now}))
		got, ok := errors.AsType[*register.Refusal](err)
		if !ok || got.Text != err.Error() || got.Text == "" {
			t.Errorf("got %v, want %+v", err, c.want)
			continue
		}
		plain := *got
		plain.Text = ""
		if !reflect.DeepEqual(plain, c.want) {
			t.Errorf("got  %+v\nwant %+v", plain, c.want)
		}
	}
}

// apply keeps a change as the store does.
func apply(t interface{ Fatalf(string, ...any) }, s register.Snapshot, c register.Change) register.Snapshot {
	if c.Base != s.Revision {
		t.Fatalf("base %d of %d", c.Base, s.Revision)
	}
	for _, d := range c.Dropped {
		if !slices.ContainsFunc(s.Bindings, func(b register.Binding) bool { return b.DevEUI == d.DevEUI && b.From.Equal(d.From) }) {
			t.Fatalf("drops %+v, which is not there", d)
		}
	}
	out := s.With(&c)
	out.Revision++
	return out
}

// Whatever is done in whatever order: no two bindings of a device or an asset overlap, and a
// device hangs where its open binding says.
func TestBindingsNeverOverlap(t *testing.T) {
	done := 0
	rapid.Check(t, func(t *rapid.T) {
		s, g := town()
		now := start.AddDate(0, 0, 20)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "wait")) * time.Hour)
			d := New(s, g, Stamp{At: now})
			a, b := eui(byte(rapid.IntRange(1, 8).Draw(t, "a"))), eui(byte(rapid.IntRange(1, 8).Draw(t, "b")))
			asset := rapid.SampledFrom([]string{"", "PK-0042", "PK-0043", "PK-0044", "PK-0045", "PK-0099", "PK-0100", "BA-1"}).Draw(t, "asset")
			state := rapid.SampledFrom(register.States()).Draw(t, "state")
			at := now.Add(-time.Duration(rapid.IntRange(-1, 500).Draw(t, "ago")) * time.Hour)
			if rapid.Bool().Draw(t, "now") {
				at = time.Time{}
			}
			var err error
			switch rapid.IntRange(0, 8).Draw(t, "what") {
			case 0:
				err = d.Add(register.Device{Device: city.Device{DevEUI: a, Model: "m/bin", Asset: asset}, State: state}, at)
			case 1:
				err = d.Move(a, asset, at)
			case 2:
				err = d.Replace(a, b, state, at)
			case 3:
				err = d.Retire(a, at)
			case 4:
				err = d.Install(a, asset, at)
			case 5:
				err = d.SetState(a, state, at)
			case 6:
				err = d.Plan(a, asset)
			default:
				err = d.place(Placement{a, state, asset, at}, Placement{b, rapid.SampledFrom(register.States()).Draw(t, "other"), "PK-0043", at})
				if a == b {
					continue
				}
			}
			if err != nil {
				continue
			}
			done++
			s = apply(t, s, d.Change())
			check(t, s, g)
		}
	})
	if done < 100 {
		t.Errorf("only %d steps were possible: this tests nothing", done)
	}
}

func check(t *rapid.T, s register.Snapshot, g Ground) {
	overlap := func(a, b register.Binding) bool {
		return (b.To.IsZero() || a.From.Before(b.To)) && (a.To.IsZero() || b.From.Before(a.To))
	}
	open := map[city.EUI]string{}
	for i, a := range s.Bindings {
		if !a.To.IsZero() && !a.From.Before(a.To) {
			t.Fatalf("%+v ends before it begins", a)
		}
		if a.To.IsZero() {
			open[a.DevEUI] = a.Asset
		}
		for _, device := range g.Devices {
			if device.Asset == a.Asset {
				t.Fatalf("%+v is on an asset of the files' device", a)
			}
		}
		for _, b := range s.Bindings[i+1:] {
			if (a.DevEUI == b.DevEUI || a.Asset == b.Asset) && overlap(a, b) {
				t.Fatalf("%+v and %+v overlap", a, b)
			}
		}
	}
	for _, d := range s.Devices {
		if on, hangs := open[d.DevEUI]; hangs != d.Hangs() || hangs && on != d.Asset {
			t.Fatalf("%s is %s on %q, its binding is to %q", d.DevEUI, d.State, d.Asset, on)
		}
	}
}
