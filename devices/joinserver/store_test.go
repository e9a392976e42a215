package joinserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/register"
)

// book is a Store that keeps what it is told in memory and finds fault with what a store must
// never be told.
type book struct {
	mu      sync.Mutex
	devices map[city.EUI]Device
	keys    map[city.EUI][]register.SessionKey
	joins   int
	faults  []error

	before, after func(Grant) error // of a write; nil: nothing happens
	meanwhile     func(*Device)     // somebody else changes the device once, after it was read
	down          error             // every call fails with it
}

func newBook(devices ...Device) *book {
	b := &book{devices: map[city.EUI]Device{}, keys: map[city.EUI][]register.SessionKey{}}
	for _, d := range devices {
		b.devices[d.DevEUI] = d
	}
	return b
}

func (b *book) Device(_ context.Context, devEUI city.EUI) (Device, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down != nil {
		return Device{}, b.down
	}
	d, ok := b.devices[devEUI]
	if !ok {
		return Device{}, fmt.Errorf("device %s: %w", devEUI, register.ErrUnknown)
	}
	if b.meanwhile != nil {
		changed := d
		b.meanwhile(&changed)
		changed.Revision++
		b.devices[devEUI], b.meanwhile = changed, nil
	}
	d.State.DevNonces, d.State.Rejoin = slices.Clone(d.State.DevNonces), bytes.Clone(d.State.Rejoin)
	return d, nil
}

func (b *book) Join(ctx context.Context, g Grant) error {
	if b.before != nil {
		if err := b.before(g); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down != nil {
		return b.down
	}
	d := b.devices[g.DevEUI]
	if d.Revision != g.Revision {
		return register.ErrChanged
	}
	b.inspect(d.State, g)
	if _, bounded := ctx.Deadline(); !bounded {
		b.fault("a write without a bound in time")
	}
	d.State = g.State
	d.Revision++
	b.devices[g.DevEUI] = d
	b.joins++
	if g.Key != nil {
		b.keys[g.DevEUI] = append(b.keys[g.DevEUI], *g.Key)
	}
	if b.after != nil {
		return b.after(g)
	}
	return nil
}

// inspect holds a new state against the old one.
func (b *book) inspect(old register.JoinState, g Grant) {
	st := g.State
	switch {
	case st.JoinNonce != old.JoinNonce+1:
		b.fault("JoinNonce went from %d to %d", old.JoinNonce, st.JoinNonce)
	case st.NextDevNonce < old.NextDevNonce || st.NextRJCount1 < old.NextRJCount1:
		b.fault("a counter went back")
	case len(st.DevNonces) > MaxDevNonces || len(st.DevNonces) < len(old.DevNonces):
		b.fault("%d DevNonces after %d", len(st.DevNonces), len(old.DevNonces))
	case st.Joined.IsZero() || st.DevAddr == lorawan.DevAddr{}:
		b.fault("time or address of the join is missing")
	case g.Key != nil && (len(g.Key.Wrapped) != 24 || g.Key.KEK == "" || g.Key.ID == register.SessionKeyID{}):
		b.fault("a session key that is not wrapped, or has no name")
	}
}

func (b *book) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Errorf(format, args...))
}

func (b *book) SessionKey(_ context.Context, devEUI city.EUI, id register.SessionKeyID) (register.SessionKey, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down != nil {
		return register.SessionKey{}, b.down
	}
	for _, k := range b.keys[devEUI] {
		if k.ID == id {
			return k, nil
		}
	}
	return register.SessionKey{}, register.ErrUnknown
}

func (b *book) state(devEUI city.EUI) register.JoinState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.devices[devEUI].State
}

func (b *book) change(devEUI city.EUI, change func(*Device)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.devices[devEUI]
	change(&d)
	d.Revision++
	b.devices[devEUI] = d
}

// bunch is key encryption keys by label.
type bunch map[string][]byte

func (b bunch) Labels() []string {
	var all []string
	for label := range b {
		all = append(all, label)
	}
	return all
}

func (b bunch) WrapKey(label string, key lorawan.Key) ([]byte, error) {
	kek, ok := b[label]
	if !ok {
		return nil, errors.New("key encryption key " + label + " is not configured")
	}
	return lorawan.WrapKey(kek, key)
}
