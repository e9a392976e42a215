package enrolment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// parts is how many writes a device takes at an office, none of them together.
const parts = 4

// entry is a device as an office knows it.
type entry struct {
	parts  [parts]enrol.Device // what each of its registries has; zero: not the device
	office string
}

// cluster is what offices share: a device may stand in one of them only.
type cluster struct {
	mu      sync.Mutex
	known   map[city.EUI]*entry
	killed  bool // nothing that is asked for happens any more
	writes  int
	killAt  int // the write that does not happen any more; 0: none
	working map[city.EUI]bool
	peak    int
	calls   map[string]int // by method
}

func newCluster() *cluster {
	return &cluster{known: map[city.EUI]*entry{}, working: map[city.EUI]bool{}, calls: map[string]int{}}
}

// office is a strict network server: it refuses what a real one refuses, takes a device in
// four writes, and never two calls about one device at a time.
type office struct {
	*cluster
	name string
	// fails is asked before each write and comparison; part is 0 for a removal or comparison.
	fails func(eui city.EUI, part int) error
	takes time.Duration // each call
}

func (o *office) Name() string { return o.name }

func (o *office) enter(method string, eui city.EUI) func() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.working[eui] {
		panic(fmt.Sprintf("two calls about %s at a time", eui))
	}
	o.working[eui] = true
	o.peak = max(o.peak, len(o.working))
	o.calls[method]++
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.working, eui)
	}
}

func (o *office) before(ctx context.Context, eui city.EUI, part int) error {
	if !sleep(ctx, o.takes) {
		return &enrol.Error{Kind: enrol.Unreachable, DevEUI: eui, Step: "ask", Err: ctx.Err()}
	}
	if o.fails != nil {
		return o.fails(eui, part)
	}
	return nil
}

// write does one write, unless the kill comes before.
func (o *office) write(eui city.EUI, do func()) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writes++; o.writes == o.killAt {
		o.killed = true
	}
	if o.killed {
		return &enrol.Error{Kind: enrol.Refused, DevEUI: eui, Step: "die", Err: errors.New("killed")}
	}
	do()
	return nil
}

func (o *office) check(d enrol.Device) error {
	refuse := func(kind enrol.Kind, words string) error {
		return &enrol.Error{Kind: kind, DevEUI: d.DevEUI, Step: "describe the device", Err: errors.New(words)}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e := o.known[d.DevEUI]; {
	case d.DevEUI.IsZero() || d.Version == "" || d.Region == "" || d.Class == "" || d.Tags["model"] == "":
		return refuse(enrol.Refused, "not described")
	case !d.Keys.None() && (d.Keys.Nwk.IsZero() || d.Keys.App.IsZero() == d.Version.Two()):
		return refuse(enrol.Refused, "the keys are not those of the version")
	case d.Profile == "gone":
		return refuse(enrol.Missing, "no such profile")
	case e != nil && e.office != o.name:
		return refuse(enrol.Conflict, "it stands in "+e.office)
	}
	return nil
}

func (o *office) Enrol(ctx context.Context, want enrol.Device) error {
	defer o.enter("enrol", want.DevEUI)()
	if err := o.check(want); err != nil {
		return err
	}
	for part := 1; part <= parts; part++ {
		if err := o.before(ctx, want.DevEUI, part); err != nil {
			return err
		}
		err := o.write(want.DevEUI, func() {
			if o.known[want.DevEUI] == nil {
				o.known[want.DevEUI] = &entry{office: o.name}
			}
			o.known[want.DevEUI].parts[part-1] = want
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *office) Remove(ctx context.Context, eui city.EUI) error {
	defer o.enter("remove", eui)()
	if err := o.before(ctx, eui, 0); err != nil {
		return err
	}
	return o.write(eui, func() {
		if e := o.known[eui]; e != nil && e.office == o.name {
			delete(o.known, eui)
		}
	})
}

func (o *office) Compare(ctx context.Context, want enrol.Device) (all []enrol.Drift, err error) {
	defer o.enter("compare", want.DevEUI)()
	if err := errors.Join(o.check(want), o.before(ctx, want.DevEUI, 0)); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	e := o.known[want.DevEUI]
	if e == nil {
		return []enrol.Drift{{Part: "device"}}, nil
	}
	for i, have := range e.parts {
		if !same(have, want) {
			all = append(all, enrol.Drift{Part: fmt.Sprint("registry ", i+1), Field: "name", Have: have.Name, Want: want.Name})
		}
	}
	return all, nil
}

func same(a, b enrol.Device) bool {
	tags := maps.Equal(a.Tags, b.Tags)
	a.Tags, b.Tags = nil, nil
	return tags && fmt.Sprint(a) == fmt.Sprint(b) && a.Keys == b.Keys
}

// holds fails unless the office knows exactly these devices, each as wanted in all parts.
func (o *office) holds(t *testing.T, from Source, target Target, devices []register.Device) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, e := range o.known {
		if e.office == o.name {
			n++
		}
	}
	if n != len(devices) {
		t.Errorf("%s knows %d devices, want %d", o.name, n, len(devices))
	}
	for i := range devices {
		want, err := from.want(&devices[i], target)
		if err != nil {
			t.Fatal(err)
		}
		e := o.known[want.DevEUI]
		if e == nil {
			t.Errorf("%s does not know %s", o.name, want.DevEUI)
			continue
		}
		for part, have := range e.parts {
			if !same(have, want) {
				t.Errorf("%s has %s otherwise in part %d", o.name, want.DevEUI, part+1)
			}
		}
	}
}

// book is the record of what servers were told.
type book struct {
	mu     sync.Mutex
	rows   map[at]register.Registration
	keeps  int
	fails  error
	killed func() bool // from then on nothing reaches the disk
}

func newBook() *book { return &book{rows: map[at]register.Registration{}} }

func (b *book) keep(all []register.Registration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keeps++
	if b.fails != nil {
		return b.fails
	}
	if b.killed != nil && b.killed() {
		return nil
	}
	for _, r := range all {
		b.rows[at{r.DevEUI, r.Server}] = r
	}
	return nil
}

func (b *book) told() []register.Registration {
	return slices.Collect(maps.Values(b.rows))
}

// canary is a root key that must show nowhere.
var canary = lorawan.Key{0xc0, 0xff, 0xee, 0x00, 0xc0, 0xff, 0xee, 0x11, 0xc0, 0xff, 0xee, 0x22, 0xc0, 0xff, 0xee, 0x33}

// open stands in for a key encryption key: a wrapped key is the key behind eight bytes.
func open(k register.Keys) (enrol.RootKeys, error) {
	if k.KEK == "lost" {
		return enrol.RootKeys{}, errors.New(`key encryption key "lost" is not configured`)
	}
	var keys enrol.RootKeys
	if len(k.Nwk) == 24 {
		keys.Nwk = lorawan.Key(k.Nwk[8:])
	}
	if len(k.App) == 24 {
		keys.App = lorawan.Key(k.App[8:])
	}
	return keys, nil
}

func wrapped(k lorawan.Key) []byte { return append([]byte("wrapped!"), k[:]...) }

func device(n int) register.Device {
	k := canary
	k[15], k[14] = byte(n), byte(n>>8)
	return register.Device{
		Device: city.Device{DevEUI: city.EUI{0xa8, 6: byte(n >> 8), 7: byte(n)}, Model: "milesight/em310-udl", Asset: fmt.Sprintf("PK-%04d", n)},
		State:  register.Installed, JoinEUI: city.EUI{0xa0, 7: 1}, Version: enrol.V1_0_3, Keys: register.Keys{KEK: "stadt-kek-1", Nwk: wrapped(k)},
	}
}

// town is a register of n devices, one of them of LoRaWAN 1.1 if there are several.
func town(n int) Source {
	from := Source{Open: open, Asset: func(id string) (*city.Asset, bool) {
		return &city.Asset{ID: id, Name: "Papierkorb " + id, Address: "Domhof 4"}, id != ""
	}}
	from.Snapshot.Revision = 1
	for i := range n {
		d := device(i)
		if i == 1 {
			d.Version, d.Keys.App = enrol.V1_1_0, wrapped(canary)
		}
		from.Snapshot.Devices = append(from.Snapshot.Devices, d)
	}
	return from
}

func engine(b *book) *Engine {
	return &Engine{Config: DefaultConfig(), Keep: b.keep, Now: time.Now}
}

// run makes a plan and carries it out.
func run(t *testing.T, from Source, b *book, targets ...Target) Report {
	t.Helper()
	from.Told = b.told()
	r, err := engine(b).Apply(t.Context(), Make(from, targets))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// idle fails if anything is left to do.
func idle(t *testing.T, from Source, b *book, targets ...Target) {
	t.Helper()
	from.Told = b.told()
	if p := Make(from, targets); p.Todo() != 0 {
		t.Errorf("%d steps are left to do: %+v", p.Todo(), p.Steps[0])
	}
	for _, r := range b.rows {
		if r.Failure != "" {
			t.Errorf("%s at %s is kept as failed: %s", r.DevEUI, r.Server, r.Failure)
		}
	}
}

// report fails unless so many were done, failed and left untried, and the exit is this one.
func report(t *testing.T, r Report, done, failed, untried int, exit Exit) {
	t.Helper()
	if d, f, u := r.Count(Done), r.Count(Failed), r.Count(Untried); d != done || f != failed || u != untried || r.Exit() != exit {
		t.Errorf("%d done, %d failed, %d untried, %s; want %d, %d, %d, %s", d, f, u, r.Exit(), done, failed, untried, exit)
	}
	for _, one := range r.Results {
		if (one.Outcome == Done) != (one.Err == nil) {
			t.Errorf("%s is %s with error %v", one.DevEUI, one.Outcome, one.Err)
		}
	}
}
