package network

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"meldefunk/city/lorawan"
)

// State is all that a network has to remember to go on after a restart. It holds keys, and
// shares no memory with the server it came from. The order of devices is that of their
// DevEUIs. It is plain data: encoding/gob writes and reads it.
type State struct {
	Granted uint32
	Devices []DeviceState
}

// Save gives the state of the network.
func (s *Server) Save() State {
	st := State{Granted: s.granted, Devices: make([]DeviceState, 0, len(s.devices))}
	for _, dev := range s.devices {
		d := dev.DeviceState.clone()
		d.Current, d.Next = dev.current.save(), dev.next.save()
		st.Devices = append(st.Devices, d)
	}
	slices.SortFunc(st.Devices, func(a, b DeviceState) int {
		return strings.Compare(string(a.DevEUI[:]), string(b.DevEUI[:]))
	})
	return st
}

func (ses *session) save() *SessionState {
	if ses == nil {
		return nil
	}
	st := ses.SessionState.clone()
	return &st
}

// Restore makes a network that goes on where another was saved. The configuration may be
// another one: devices are then asked to follow. It fails for a configuration that New does
// not take and for a device that Register does not take.
func Restore(cfg Config, st State) (*Server, error) {
	s, err := New(cfg)
	if err != nil {
		return nil, err
	}
	s.granted = st.Granted
	for _, d := range st.Devices {
		if err := d.check(); err != nil {
			return nil, fmt.Errorf("restore %s: %w", d.DevEUI, err)
		}
		if s.devices[d.DevEUI] != nil {
			return nil, fmt.Errorf("restore %s: it is there twice", d.DevEUI)
		}
		dev := &device{DeviceState: d.clone()}
		for _, slot := range [...]struct {
			from *SessionState
			to   **session
		}{{d.Current, &dev.current}, {d.Next, &dev.next}} {
			if slot.from == nil {
				continue
			}
			if k := slot.from.Keys; k.FNwkSIntKey.IsZero() || k.SNwkSIntKey.IsZero() || k.NwkSEncKey.IsZero() {
				return nil, fmt.Errorf("restore %s: session %d lacks network keys", d.DevEUI, slot.from.Epoch)
			}
			if _, _, err := lorawan.ParseCommands(lorawan.Down, slot.from.Requested); err != nil {
				return nil, fmt.Errorf("restore %s: requests of session %d: %w", d.DevEUI, slot.from.Epoch, err)
			}
			*slot.to = s.open(dev, slot.from.clone())
		}
		s.devices[d.DevEUI] = dev
	}
	return s, nil
}

// clone copies all but the sessions.
func (d *DeviceState) clone() DeviceState {
	c := *d
	if d.Personalised != nil {
		keys := *d.Personalised
		c.Personalised = &keys
	}
	c.UsedNonces = slices.Clone(d.UsedNonces)
	c.Queue = slices.Clone(d.Queue)
	for i := range c.Queue {
		c.Queue[i].Payload = slices.Clone(c.Queue[i].Payload)
	}
	c.Wishes = slices.Clone(d.Wishes)
	for i := range c.Wishes {
		c.Wishes[i].Command = slices.Clone(c.Wishes[i].Command)
	}
	c.Current, c.Next = nil, nil
	return c
}

func (st *SessionState) clone() SessionState {
	c := *st
	c.Requested = slices.Clone(st.Requested)
	c.DownChannels = maps.Clone(st.DownChannels)
	return c
}
