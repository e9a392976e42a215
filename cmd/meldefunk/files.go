package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
	"meldefunk/decoders/javascript"
	"meldefunk/devices"
	"meldefunk/devices/keys"
	"meldefunk/rules"
	"meldefunk/tickets"
)

// files are what operators edit while the platform runs: inventory, rules, routes, codecs and
// keys. The inventory is what stands in files and in the register. A reload changes all of it at
// once or nothing.
type files struct {
	sandbox *javascript.Sandbox // nil: there are no codecs
	kept    keeper
	current atomic.Pointer[edition]

	mu       sync.Mutex // held while loading
	settings settings   // of the current edition
}

// keeper has the register.
type keeper interface {
	Register(ctx context.Context) (register.Snapshot, error)
}

// snapshot is a register that was read already.
type snapshot register.Snapshot

func (s snapshot) Register(context.Context) (register.Snapshot, error) {
	return register.Snapshot(s), nil
}

// edition is one state of the files.
type edition struct {
	inventory *devices.Inventory
	rules     *rules.Set
	models    *models
	ring      *keys.Ring
	routes    *tickets.Routes
}

func newFiles(models *models, inventory *devices.Inventory, set *rules.Set, routes *tickets.Routes) *files {
	f := &files{kept: snapshot{}}
	f.current.Store(&edition{inventory, set, models, &keys.Ring{}, routes})
	return f
}

// loadFiles reads what the settings name, and the register, and gives every problem of them.
// Codecs run in sandbox.
func loadFiles(ctx context.Context, s settings, kept keeper, sandbox *javascript.Sandbox) (*files, error) {
	f := &files{sandbox: sandbox, kept: kept}
	return f, f.load(ctx, s)
}

// Change has a change of the register kept, if the inventory is sound with it, and counts it
// from then on. The error is a contradiction where it is not.
func (f *files) Change(ctx context.Context, c register.Change, keep func(context.Context, register.Change) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	was, err := f.kept.Register(ctx)
	if err != nil {
		return err
	}
	if was.Revision != c.Base {
		return register.ErrChanged
	}
	next := *f.current.Load()
	if next.inventory, err = soundWith(f.settings, was, &c, next.models); err != nil {
		return err
	}
	if err := next.compile(ctx, f.settings); err != nil {
		return contradiction{err}
	}
	if err := keep(ctx, c); err != nil {
		return err
	}
	f.current.Store(&next)
	return nil
}

// ground gives the settings and models that changes of the register are made with.
func (f *files) ground() (settings, *models) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settings, f.current.Load().models
}

// contradiction says that a change does not go together with what is there.
type contradiction struct{ error }

func (c contradiction) Unwrap() error { return c.error }

// soundWith gives the inventory as it is after a change of the register. The error is a
// contradiction.
func soundWith(s settings, was register.Snapshot, c *register.Change, models *models) (*devices.Inventory, error) {
	inventory, err := devices.Load(s.Inventory, was.With(c), models)
	if err == nil {
		err = knownServers(inventory, s)
	}
	if err != nil {
		return nil, contradiction{err}
	}
	return inventory, nil
}

// load reads the files and the register anew. If anything is wrong with them the running
// edition stays.
func (f *files) load(ctx context.Context, s settings) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	models, err := loadModels(s.Codecs.Folder, f.sandbox)
	if err != nil {
		return err
	}
	kept, err := f.kept.Register(ctx)
	if err != nil {
		return err
	}
	inventory, inventoryErr := devices.Load(s.Inventory, kept, models)
	set, rulesErr := rules.Default(), error(nil)
	if s.Rules != "" {
		set, rulesErr = rules.LoadFile(s.Rules)
	}
	ring, keysErr := keys.Load(s.Keys)
	if err := errors.Join(inventoryErr, rulesErr, keysErr); err != nil {
		return err
	}
	routes, err := loadRoutes(s, set)
	if err != nil {
		return err
	}
	if err := knownServers(inventory, s); err != nil {
		return err
	}
	next := &edition{inventory, set, models, ring, routes}
	if err := next.compile(ctx, s); err != nil {
		return err
	}
	f.current.Store(next)
	f.settings = s
	return nil
}

// compile has the codecs that the inventory's devices need read by the engine, each once,
// and gives every problem.
func (e *edition) compile(ctx context.Context, s settings) error {
	needed := map[string]javascript.Model{}
	e.inventory.Each(func(d *city.Device, _ city.Hangings) {
		if c, ok := e.models.codecs[d.Model]; ok {
			needed[d.Model] = c
		}
	})
	if len(needed) == 0 {
		return nil
	}
	var errs []error
	err := withSandbox(ctx, s.Codecs.Config, func(sandbox *javascript.Sandbox) {
		for _, name := range slices.Sorted(maps.Keys(needed)) {
			if err := sandbox.Compile(ctx, needed[name].Codec); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", needed[name].File, err))
			}
		}
	})
	return errors.Join(append(errs, err)...)
}

// Decode is the models'.
func (f *files) Decode(d *city.Device, a *city.Asset, u *city.Uplink, r *city.Reading) error {
	return f.current.Load().models.Decode(d, a, u, r)
}

// Lane is the models'.
func (f *files) Lane(model string) string { return f.current.Load().models.Lane(model) }

// Open is the keys'.
func (f *files) Open(u *city.Uplink) ([]byte, error) { return f.current.Load().ring.Open(u) }

// OpenFrame is the keys'.
func (f *files) OpenFrame(raw *city.RawFrame, last func(city.EUI, string) (uint32, bool)) (city.Uplink, error) {
	return f.current.Load().ring.OpenFrame(raw, last)
}

// OpenRoot is the keys'.
func (f *files) OpenRoot(k register.Keys) (enrol.RootKeys, error) {
	return f.current.Load().ring.OpenRoot(k)
}

// Labels is the keys'.
func (f *files) Labels() []string { return f.current.Load().ring.Labels() }

// RewrapKey is the keys'.
func (f *files) RewrapKey(from, to string, wrapped []byte) ([]byte, error) {
	return f.current.Load().ring.RewrapKey(from, to, wrapped)
}

// WrapKey is the keys'.
func (f *files) WrapKey(label string, key lorawan.Key) ([]byte, error) {
	return f.current.Load().ring.WrapKey(label, key)
}

// Find is the inventory's.
func (f *files) Find(server string, devEUI city.EUI) (*city.Device, city.Hangings, bool) {
	return f.current.Load().inventory.Find(server, devEUI)
}

// Asset is the inventory's.
func (f *files) Asset(id string) (*city.Asset, bool) { return f.current.Load().inventory.Asset(id) }

// Assets is the inventory's.
func (f *files) Assets() []*city.Asset { return f.current.Load().inventory.Assets() }

// Devices is the inventory's.
func (f *files) Devices(asset string) []*city.Device {
	return f.current.Load().inventory.Devices(asset)
}

// Recall is the rules'.
func (f *files) Recall(name string, kept []byte) (city.Mind, error) {
	return f.current.Load().rules.Recall(name, kept)
}

// Adopt is the rules'.
func (f *files) Adopt(asset *city.Asset, open []city.Standing) (city.Mind, []city.Verdict) {
	return f.current.Load().rules.Adopt(asset, open)
}

// Step is the rules'.
func (f *files) Step(was city.Mind, s *city.Sight) (city.Mind, []city.Verdict, []city.Share) {
	return f.current.Load().rules.Step(was, s)
}

// PerHour is the rules'.
func (f *files) PerHour(rule string) int { return f.current.Load().rules.PerHour(rule) }

// Route is the routes'.
func (f *files) Route(c *city.Case, a *city.Asset) tickets.Route {
	return f.current.Load().routes.Route(c, a)
}

// Codes is the routes'.
func (f *files) Codes(system string) []string { return f.current.Load().routes.Codes(system) }

// knownServers refuses devices that are tied to a network server nobody configured: their
// uplinks would be set aside as unknown.
func knownServers(inventory *devices.Inventory, s settings) error {
	var names []string
	for _, c := range s.NetworkServers {
		names = append(names, c.Name)
	}
	var errs []error
	for _, name := range inventory.Servers() {
		if !slices.Contains(names, name) {
			errs = append(errs, fmt.Errorf("inventory: server %q is not configured: want one of %q, or leave it out", name, names))
		}
	}
	return errors.Join(errs...)
}
