package storagetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// Register is what keeps the register and the joins of its devices.
type Register interface {
	Register(ctx context.Context) (register.Snapshot, error)
	RegisteredDevice(ctx context.Context, devEUI city.EUI) (register.Device, error)
	ChangeRegister(ctx context.Context, c register.Change) error
	Trail(ctx context.Context, t register.Trail) ([]register.Entry, error)
	Registrations(ctx context.Context, server string) ([]register.Registration, error)
	PutRegistrations(ctx context.Context, all []register.Registration) error
	JoinState(ctx context.Context, devEUI city.EUI) (register.JoinState, error)
	PutJoin(ctx context.Context, devEUI city.EUI, base int64, st register.JoinState, key *register.SessionKey) error
	SessionKey(ctx context.Context, devEUI city.EUI, id register.SessionKeyID) (register.SessionKey, error)
	RewrapSessionKeys(ctx context.Context, from, to string, rewrap func(from, to string, wrapped []byte) ([]byte, error)) (int, error)
}

// Installed makes the n-th device of a register, installed at noon on an asset of its own.
func Installed(n int) (register.Device, register.Asset, register.Binding) {
	eui := city.EUI{0x24, 0xe1, 0x24, 0, 0, byte(n >> 16), byte(n >> 8), byte(n)}
	id := fmt.Sprintf("PK-%05d", n)
	d := register.Device{
		Device: city.Device{DevEUI: eui, Model: "milesight/em310-udl", Asset: id, Server: "ns"}, State: register.Installed,
		JoinEUI: city.EUI{0x24, 0xe1, 0x24, 0xc0, 0, 0x2a, 0, 1}, Serial: fmt.Sprintf("6713B%07d", n), Version: enrol.V1_0_3, Region: "EU868", Class: enrol.ClassA,
		Interval: 20 * time.Minute, Keys: register.Keys{KEK: "stadt-1", Nwk: []byte(fmt.Sprintf("wrapped key %012d", n))},
	}
	a := register.Asset{Asset: city.Asset{
		ID: id, Kind: city.Bin, Name: "Papierkorb " + id, Address: "Domhof 4", Position: &city.Position{Lat: 52.2775, Lon: 8.0417}, District: "Innenstadt", Tour: "3",
		Bin: &city.BinCalibration{Empty: 1200, Full: 200},
	}}
	return d, a, register.Binding{DevEUI: eui, Asset: id, From: noon}
}

// registered is the n-th devices, assets and bindings as one change.
func registered(base int64, numbers ...int) register.Change {
	c := register.Change{Base: base, At: noon, By: "petra", Reason: "delivery of May", From: "cli"}
	for _, n := range numbers {
		d, a, b := Installed(n)
		c.Devices, c.Assets, c.Bindings = append(c.Devices, d), append(c.Assets, a), append(c.Bindings, b)
		c.Entries = append(c.Entries, register.Entry{Action: register.Added, DevEUI: d.DevEUI, Asset: a.ID})
	}
	return c
}

// full is a device and an asset of which everything is told.
func full() (register.Device, register.Asset) {
	d, a, _ := Installed(7)
	d.State, d.Asset = register.Planned, "BA-12"
	d.Firmware, _ = city.ParseFirmware("1.2.1")
	d.Version, d.Class, d.Profile, d.Owner, d.Note = enrol.V1_1_0, enrol.ClassC, "em310", "Stadtwerke", "Deckel klemmt\nund quietscht"
	d.Keys.App = []byte("another wrapped key 0024")
	a.Owner, a.Species, a.SoilType, a.Note, a.Groups, a.Photos = "Stadtwerke", "Tilia cordata", "Sl3", "am Tor", []string{"Maiwoche", "Wochenmarkt"}, []string{"a.jpg"}
	a.Bin = &city.BinCalibration{Offset: -15.5, Shape: city.Table, Height: 900, Strapping: &city.StrappingTable{Points: []city.LevelPoint{{Distance: 300, Level: 100}, {Distance: 2400}}}}
	a.Soil, a.Level = &city.SoilCalibration{FieldCapacity: 23, WiltingPoint: 10}, &city.LevelCalibration{Zero: 4500}
	a.Offsets = &city.Offsets{Values: []city.Value{{Quantity: city.SoilTemperature, Number: -0.5}}}
	return d, a
}

func (s *suite) register(t *testing.T) {
	ctx := t.Context()
	equal(t, "empty register", get[register.Snapshot](t)(s.store.Register(ctx)), register.Snapshot{})
	d1, a1, b1 := Installed(1)
	d7, a7 := full()
	c := registered(0, 1)
	c.Devices, c.Assets = []register.Device{d7, d1}, []register.Asset{a7, a1}
	must(t, s.store.ChangeRegister(ctx, c))
	s.reopen(t)
	for _, p := range []struct {
		revision *int64
		changed  *time.Time
	}{{&d1.Revision, &d1.Changed}, {&d7.Revision, &d7.Changed}, {&a1.Revision, &a1.Changed}, {&a7.Revision, &a7.Changed}} {
		*p.revision, *p.changed = 1, noon
	}
	want := register.Snapshot{Revision: 1, Devices: []register.Device{d1, d7}, Assets: []register.Asset{a1, a7}, Bindings: []register.Binding{b1}}
	equal(t, "register", get[register.Snapshot](t)(s.store.Register(ctx)), want)
	equal(t, "one device", get[register.Device](t)(s.store.RegisteredDevice(ctx, d7.DevEUI)), d7)
	if _, err := s.store.RegisteredDevice(ctx, Device); !errors.Is(err, register.ErrUnknown) {
		t.Errorf("a device that is not there: %v", err)
	}

	// A move: what is not told of stays, what is gets the new revision.
	moved := noon.Add(time.Hour)
	d1.Asset, b1.To = a7.ID, moved
	b2 := register.Binding{DevEUI: d1.DevEUI, Asset: a7.ID, From: moved}
	must(t, s.store.ChangeRegister(ctx, register.Change{Base: 1, At: moved, Devices: []register.Device{d1}, Bindings: []register.Binding{b2, b1}}))
	d1.Revision, d1.Changed = 2, moved
	want.Revision, want.Devices[0], want.Bindings = 2, d1, []register.Binding{b1, b2}
	equal(t, "after a move", get[register.Snapshot](t)(s.store.Register(ctx)), want)

	// It was a mistake.
	d1.Asset, b1.To = b1.Asset, time.Time{}
	must(t, s.store.ChangeRegister(ctx, register.Change{Base: 2, At: moved, Devices: []register.Device{d1}, Bindings: []register.Binding{b1}, Dropped: []register.Binding{b2}}))
	equal(t, "after it was taken back", get[register.Snapshot](t)(s.store.Register(ctx)).Bindings, []register.Binding{b1})
}

// What contradicts itself, or was made from something else, leaves nothing behind.
func (s *suite) refusedChanges(t *testing.T) {
	ctx := t.Context()
	must(t, s.store.ChangeRegister(ctx, registered(0, 1, 2)))
	was := get[register.Snapshot](t)(s.store.Register(ctx))
	bind := func(n int, asset string, from, to time.Duration) register.Binding {
		d, _, _ := Installed(n)
		b := register.Binding{DevEUI: d.DevEUI, Asset: asset, From: noon.Add(from)}
		if to != 0 {
			b.To = noon.Add(to)
		}
		return b
	}
	for name, test := range map[string]struct {
		change func(*register.Change)
		want   string
	}{
		"older base":          {func(c *register.Change) { c.Base = 0 }, register.ErrChanged.Error()},
		"newer base":          {func(c *register.Change) { c.Base = 2 }, register.ErrChanged.Error()},
		"device twice":        {func(c *register.Change) { c.Bindings = append(c.Bindings, bind(3, "PK-9", -time.Hour, time.Minute)) }, "device 24e1240000000003 hangs on PK-"},
		"asset twice":         {func(c *register.Change) { c.Devices[0].Asset, c.Bindings[0].Asset = "PK-00001", "PK-00001" }, "device 24e1240000000001 hangs on PK-00001 from 2026-11-21T12:00:00Z to now on"},
		"ends before":         {func(c *register.Change) { c.Bindings[0].To = noon }, "want an asset, and an end after the beginning"},
		"unknown device":      {func(c *register.Change) { c.Devices = nil }, register.ErrUnknown.Error()},
		"hangs elsewhere":     {func(c *register.Change) { c.Devices[0].Asset = "PK-4" }, `installed on asset "PK-4"`},
		"hangs without":       {func(c *register.Change) { c.Bindings = nil }, `installed on asset "PK-00003"`},
		"retired and hanging": {func(c *register.Change) { c.Devices[0].State = register.Retired }, "end that first"},
		"no DevEUI":           {func(c *register.Change) { c.Devices[0].DevEUI = city.EUI{} }, "without DevEUI"},
	} {
		c := registered(1, 3)
		test.change(&c)
		if err := s.store.ChangeRegister(ctx, c); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want it to say %q", name, err, test.want)
		}
	}
	if err := s.store.ChangeRegister(ctx, registered(0, 3)); !errors.Is(err, register.ErrChanged) {
		t.Errorf("%v is not ErrChanged", err)
	}
	equal(t, "after refusals", get[register.Snapshot](t)(s.store.Register(ctx)), was)
	equal(t, "entries after refusals", len(get[[]register.Entry](t)(s.store.Trail(ctx, register.Trail{}))), 2)
	// One after the other on one asset is none.
	c := registered(1, 3)
	c.Bindings = append(c.Bindings, bind(3, "PK-00001", -time.Hour, -time.Minute), bind(3, "PK-00002", -time.Minute, 0))
	c.Bindings[2].To = noon
	must(t, s.store.ChangeRegister(ctx, c))
}

func (s *suite) trail(t *testing.T) {
	ctx := t.Context()
	d1, a1, _ := Installed(1)
	d2, _, _ := Installed(2)
	must(t, s.store.ChangeRegister(ctx, registered(0, 1, 2)))
	facts := []register.Fact{{Field: "tour", Was: "3", Is: "4"}, {Field: "note", Is: "am Tor"}}
	c := register.Change{Base: 1, At: noon.Add(time.Minute), By: "jan", Reason: "new tours", From: "board", Assets: []register.Asset{a1},
		Entries: []register.Entry{{Action: register.Altered, Asset: a1.ID, Facts: facts}}}
	must(t, s.store.ChangeRegister(ctx, c))
	// Keys that somebody was shown change nothing, and hold nobody up.
	must(t, s.store.ChangeRegister(ctx, register.Change{Base: 1, At: noon.Add(time.Hour), By: "jan", From: "cli", Entries: []register.Entry{{Action: register.Revealed, DevEUI: d2.DevEUI}}}))
	s.reopen(t)
	if got := get[register.Snapshot](t)(s.store.Register(ctx)).Revision; got != 2 {
		t.Errorf("revision %d", got)
	}
	entry := func(id int64) register.Entry {
		return [...]register.Entry{
			{ID: 1, At: noon, By: "petra", Reason: "delivery of May", From: "cli", Action: register.Added, DevEUI: d1.DevEUI, Asset: "PK-00001"},
			{ID: 2, At: noon, By: "petra", Reason: "delivery of May", From: "cli", Action: register.Added, DevEUI: d2.DevEUI, Asset: "PK-00002"},
			{ID: 3, At: noon.Add(time.Minute), By: "jan", Reason: "new tours", From: "board", Action: register.Altered, Asset: "PK-00001", Facts: facts},
			{ID: 4, At: noon.Add(time.Hour), By: "jan", From: "cli", Action: register.Revealed, DevEUI: d2.DevEUI},
		}[id-1]
	}
	for name, test := range map[string]struct {
		which register.Trail
		want  []int64
	}{
		"all":    {register.Trail{}, []int64{4, 3, 2, 1}},
		"two":    {register.Trail{Limit: 2}, []int64{4, 3}},
		"before": {register.Trail{Before: 3, Limit: 9}, []int64{2, 1}},
		"device": {register.Trail{DevEUI: d2.DevEUI}, []int64{4, 2}},
		"asset":  {register.Trail{Asset: "PK-00001"}, []int64{3, 1}},
		"both":   {register.Trail{DevEUI: d2.DevEUI, Asset: "PK-00001"}, nil},
	} {
		var want []register.Entry
		for _, id := range test.want {
			want = append(want, entry(id))
		}
		equal(t, name, get[[]register.Entry](t)(s.store.Trail(ctx, test.which)), want)
	}
}

func (s *suite) registrations(t *testing.T) {
	ctx := t.Context()
	d1, _, _ := Installed(1)
	d2, _, _ := Installed(2)
	all := []register.Registration{
		{DevEUI: d1.DevEUI, Server: "a", Digest: "x", Told: noon, Tried: noon},
		{DevEUI: d1.DevEUI, Server: "b", Failure: "away", Tried: noon},
		{DevEUI: d2.DevEUI, Server: "a"},
	}
	must(t, s.store.PutRegistrations(ctx, []register.Registration{all[2], all[1], all[0]}))
	s.reopen(t)
	equal(t, "all", get[[]register.Registration](t)(s.store.Registrations(ctx, "")), all)
	all[2].Digest, all[2].Told = "y", noon.Add(time.Hour)
	must(t, s.store.PutRegistrations(ctx, all[2:]))
	equal(t, "of one server", get[[]register.Registration](t)(s.store.Registrations(ctx, "a")), []register.Registration{all[0], all[2]})
	if got := get[[]register.Registration](t)(s.store.Registrations(ctx, "c")); len(got) != 0 {
		t.Errorf("of another: %v", got)
	}
}

func (s *suite) joins(t *testing.T) {
	ctx := t.Context()
	d1, _, _ := Installed(1)
	d2, _, _ := Installed(2)
	must(t, s.store.ChangeRegister(ctx, registered(0, 1, 2)))
	equal(t, "never joined", get[register.JoinState](t)(s.store.JoinState(ctx, d1.DevEUI)), register.JoinState{})
	state := func(n uint32) register.JoinState {
		return register.JoinState{JoinNonce: n, NextDevNonce: 1 << 16, DevNonces: []uint16{65535, 0, 258}, NextRJCount1: 9, Rejoin: []byte{0xc0, 0, 1},
			DevAddr: lorawan.DevAddr{0x26, 1, 0x1b, byte(n)}, Joined: noon.Add(time.Duration(n) * time.Hour)}
	}
	key := func(n uint32) *register.SessionKey {
		return &register.SessionKey{ID: register.SessionKeyID{15: byte(n)}, KEK: "stadt-1", Wrapped: []byte{byte(n), 2, 3}, DevAddr: state(n).DevAddr}
	}
	for n := uint32(1); n <= register.KeptSessionKeys+2; n++ {
		must(t, s.store.PutJoin(ctx, d1.DevEUI, 1, state(n), key(n)))
		must(t, s.store.PutJoin(ctx, d2.DevEUI, 1, state(n), nil))
	}
	s.reopen(t)
	last := uint32(register.KeptSessionKeys + 2)
	equal(t, "state", get[register.JoinState](t)(s.store.JoinState(ctx, d1.DevEUI)), state(last))
	for _, n := range []uint32{3, last} {
		equal(t, "key", get[register.SessionKey](t)(s.store.SessionKey(ctx, d1.DevEUI, key(n).ID)), *key(n))
	}
	for name, get := range map[string]func() (register.SessionKey, error){
		"too old": func() (register.SessionKey, error) { return s.store.SessionKey(ctx, d1.DevEUI, key(2).ID) },
		"other's": func() (register.SessionKey, error) { return s.store.SessionKey(ctx, d2.DevEUI, key(last).ID) },
	} {
		if k, err := get(); !errors.Is(err, register.ErrUnknown) {
			t.Errorf("%s: %v, %v", name, k, err)
		}
	}
	for name, test := range map[string]struct {
		eui  city.EUI
		base int64
		n    uint32
		want error
	}{
		"somebody joined meanwhile": {d1.DevEUI, 1, last, register.ErrChanged},
		"a nonce left out":          {d1.DevEUI, 1, last + 2, register.ErrChanged},
		"another revision":          {d1.DevEUI, 2, last + 1, register.ErrChanged},
		"unknown":                   {Device, 0, 1, register.ErrUnknown},
	} {
		if err := s.store.PutJoin(ctx, test.eui, test.base, state(test.n), key(test.n)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	equal(t, "after refusals", get[register.JoinState](t)(s.store.JoinState(ctx, d1.DevEUI)), state(last))

	// A device that forgot its count, or has other root keys.
	must(t, s.store.ChangeRegister(ctx, register.Change{Base: 1, At: noon, Flushed: []city.EUI{d1.DevEUI}}))
	flushed := state(last)
	flushed.NextDevNonce, flushed.DevNonces, flushed.NextRJCount1, flushed.Rejoin = 0, nil, 0, nil
	equal(t, "flushed", get[register.JoinState](t)(s.store.JoinState(ctx, d1.DevEUI)), flushed)
	if err := s.store.PutJoin(ctx, d1.DevEUI, 1, state(last+1), nil); !errors.Is(err, register.ErrChanged) {
		t.Errorf("granted by the old nonces: %v", err)
	}
	must(t, s.store.PutJoin(ctx, d1.DevEUI, 2, state(last+1), nil))
}

// rewrapped takes more keys than fit into one step.
func (s *suite) rewrapped(t *testing.T) {
	ctx := t.Context()
	const devices, keys = 40, 15
	c := register.Change{At: noon}
	for n := range devices {
		d, _, _ := Installed(n)
		d.State, d.Asset = register.InStock, ""
		c.Devices = append(c.Devices, d)
	}
	must(t, s.store.ChangeRegister(ctx, c))
	id := func(device, n int) register.SessionKeyID { return register.SessionKeyID{byte(device), byte(n)} }
	for i, d := range c.Devices {
		for n := range keys {
			kek := []string{"old", "older"}[n%2]
			must(t, s.store.PutJoin(ctx, d.DevEUI, 1, register.JoinState{JoinNonce: uint32(n) + 1}, &register.SessionKey{ID: id(i, n), KEK: kek, Wrapped: []byte(kek)}))
		}
	}
	broken := errors.New("does not open")
	rewrap := func(bad bool) func(from, to string, wrapped []byte) ([]byte, error) {
		return func(from, to string, wrapped []byte) ([]byte, error) {
			if string(wrapped) != from {
				t.Errorf("%q is wrapped with %q", wrapped, from)
			}
			if bad {
				return nil, broken
			}
			return []byte(to), nil
		}
	}
	const olds, olders = devices * 8, devices * 7
	for _, step := range []struct {
		from, to string
		bad      bool
		want     int
	}{
		{"old", "new", true, 0}, {"old", "new", false, olds}, {"old", "new", false, 0}, {"gold", "new", false, 0},
		{"", "new", false, olders}, {"", "new", true, 0}, {"new", "newer", false, olds + olders},
	} {
		n, err := s.store.RewrapSessionKeys(ctx, step.from, step.to, rewrap(step.bad))
		if n != step.want || errors.Is(err, broken) != (step.bad && step.from != "") {
			t.Errorf("%+v: %d, %v", step, n, err)
		}
		if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("%d session keys stay as they were, the first that of device %s", olds, c.Devices[0].DevEUI)) {
			t.Error(err)
		}
	}
	s.reopen(t)
	for i, d := range c.Devices {
		for n := range keys {
			k := get[register.SessionKey](t)(s.store.SessionKey(ctx, d.DevEUI, id(i, n)))
			if k.KEK != "newer" || string(k.Wrapped) != "newer" {
				t.Fatalf("key %d of device %d: %+v", n, i, k)
			}
		}
	}
}
