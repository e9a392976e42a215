package enrolment

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// at names a device at a network server.
type at struct {
	devEUI city.EUI
	server string
}

// Make makes a plan and asks no server. A device belongs to the network server that it names,
// or, if it names none, to the only one there is; it is told there in every state but
// retired, so that it can be tried on the workbench.
func Make(from Source, targets []Target) Plan {
	told := make(map[at]register.Registration, len(from.Told))
	for _, r := range from.Told {
		told[at{r.DevEUI, r.Server}] = r
	}
	inRegister := make(map[city.EUI]bool, len(from.Snapshot.Devices))
	var p Plan
	for _, t := range targets {
		for i := range from.Snapshot.Devices {
			d := &from.Snapshot.Devices[i]
			inRegister[d.DevEUI] = true
			if s, ok := from.step(d, t, targets, told[at{d.DevEUI, t.Name()}]); ok {
				p.Steps = append(p.Steps, s)
			}
		}
	}
	if len(targets) > 1 {
		p.Steps = append(p.Steps, from.homeless()...)
	}
	p.Steps = append(p.Steps, from.leftOver(targets, inRegister)...)
	order := map[string]int{}
	for i, t := range targets {
		order[t.Name()] = i + 1
	}
	slices.SortStableFunc(p.Steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(order[a.Server], order[b.Server]), cmp.Compare(a.Server, b.Server), bytes.Compare(a.DevEUI[:], b.DevEUI[:]))
	})
	return p
}

// knows tells whether the server may know the device, be it in part.
func knows(r register.Registration) bool { return r.Digest != "" || r.Failure != "" }

const notDescribed = "nothing is told of it that a network server needs: LoRaWAN version, JoinEUI, keys"

// step says what is to be done about a device at a server; ok is false where it has nothing
// to do with it.
func (from *Source) step(d *register.Device, t Target, targets []Target, told register.Registration) (s Step, ok bool) {
	told.DevEUI, told.Server = d.DevEUI, t.Name()
	s = Step{DevEUI: d.DevEUI, Name: name(d), Server: t.Name(), target: t, told: told, class: class{t.Name(), d.Profile, d.Region}}
	switch {
	case d.State == register.Retired:
		s.Action, s.Why = Remove, "it is retired"
		return s, knows(told)
	case d.Server == "" && len(targets) > 1:
		return s, false // see homeless
	case d.Server != "" && d.Server != t.Name():
		s.Action, s.Why = Remove, fmt.Sprintf("it belongs to network server %q now", d.Server)
		return s, knows(told)
	case undescribed(d) && !knows(told):
		s.Action, s.Why = Skip, notDescribed
		return s, true
	}
	s.want = func() (enrol.Device, error) { return from.want(d, t) }
	w, err := s.want()
	if err != nil {
		s.Action, s.Err = Blocked, err
		return s, true
	}
	s.digest = digest(t.Place, w)
	switch {
	case told.Failure != "" && told.Digest == "":
		s.Action, s.Why = Create, "the last attempt: "+told.Failure
	case told.Failure != "":
		s.Action, s.Why = Update, "the last attempt: "+told.Failure
	case told.Digest == "":
		s.Action = Create
	case told.Digest != s.digest:
		s.Action = Update
	default:
		s.Action = Nothing
	}
	return s, true
}

// homeless are devices for which there are several servers and that name none.
func (from *Source) homeless() (all []Step) {
	for i := range from.Snapshot.Devices {
		d := &from.Snapshot.Devices[i]
		if d.Server != "" || d.State == register.Retired {
			continue
		}
		s := Step{DevEUI: d.DevEUI, Name: name(d), Action: Skip, Why: notDescribed}
		if !undescribed(d) {
			s.Action, s.Why = Blocked, ""
			s.Err = refuse(d.DevEUI, errors.New("several network servers are filled from here: say at the device which one is its own"))
		}
		all = append(all, s)
	}
	return all
}

// leftOver is what servers were told of devices that are not in the register any more, and
// what was told to servers that nobody fills any more.
func (from *Source) leftOver(targets []Target, inRegister map[city.EUI]bool) (all []Step) {
	byName := map[string]Target{}
	for _, t := range targets {
		byName[t.Name()] = t
	}
	for _, r := range from.Told {
		t, filled := byName[r.Server]
		s := Step{DevEUI: r.DevEUI, Server: r.Server, target: t, told: r}
		switch {
		case !knows(r):
			continue
		case !filled:
			s.Action, s.Why = Skip, fmt.Sprintf("the settings do not say how network server %q is filled: it still knows the device", r.Server)
		case !inRegister[r.DevEUI]:
			s.Action, s.Why = Remove, "it is not in the register any more"
		default:
			continue
		}
		all = append(all, s)
	}
	return all
}
