package sim

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/firmware-sim/events"
	"meldefunk/firmware-sim/network"
	"meldefunk/gateway-bridge/chirpstack"
	"meldefunk/gateway-bridge/thethings"
)

// everyFault is at least one of every kind, such that they meet each other.
func everyFault() []Fault {
	return []Fault{
		{Kind: FaultStuck, Share: 0.1, From: 2 * time.Hour, For: 5 * time.Hour, Every: 20 * time.Hour},
		{Kind: FaultNoise, Share: 0.1, From: time.Hour, Size: 20, Rate: 0.5},
		{Kind: FaultBlind, Share: 0.1, From: 3 * time.Hour, For: 3 * time.Hour},
		{Kind: FaultSpike, Share: 0.1, Size: 50, Rate: 0.1},
		{Kind: FaultDrift, Share: 0.1, From: time.Hour, Size: -5},
		{Kind: FaultSilence, Share: 0.1, From: 4 * time.Hour, For: time.Hour, Every: 11 * time.Hour},
		{Kind: FaultDeath, Share: 0.05, From: 5 * time.Hour},
		{Kind: FaultTheft, Share: 0.05, From: 6 * time.Hour},
		{Kind: FaultClock, Share: 0.1, From: time.Hour, Size: -90.5},
		{Kind: FaultReboot, Share: 0.2, From: 100 * time.Minute, For: time.Minute, Every: 7 * time.Hour},
		{Kind: FaultRejoin, Share: 0.2, From: 2 * time.Hour, For: time.Minute, Every: 5 * time.Hour},
		{Kind: FaultCounters, Share: 0.1, From: 90 * time.Minute, For: time.Minute, Every: 6 * time.Hour},
		{Kind: FaultLoss, Share: 0.3, Rate: 0.3},
		{Kind: FaultDuplicate, Share: 0.2, Rate: 0.2, Size: 3},
		{Kind: FaultLate, Share: 0.3, From: 3 * time.Hour, For: 2 * time.Hour, Every: 9 * time.Hour},
		{Kind: FaultLate, Share: 0.1, From: 2 * time.Hour, For: 2 * time.Hour, Every: 13 * time.Hour, Rate: 0.5},
		{Kind: FaultGateway, Share: 0.8, From: 7 * time.Hour, For: time.Hour, Every: 10 * time.Hour},
		{Kind: FaultBackhaul, Share: 0.6, From: 8 * time.Hour, For: 2 * time.Hour, Every: 16 * time.Hour},
		{Kind: FaultGPS, Share: 0.2, From: 5 * time.Hour, For: 2 * time.Hour, Every: 9 * time.Hour, Size: 40},
		{Kind: FaultRandom, Share: 0.1, Rate: 0.2},
		{Kind: FaultTruncated, Share: 0.1, Rate: 0.2},
		{Kind: FaultPort, Share: 0.1, Rate: 0.2},
		{Kind: FaultHuge, Share: 0.1, Rate: 0.2},
	}
}

// frameKey is what the platform can know a measurement by. Devices that lose their counter
// may use one twice.
type frameKey struct {
	device  city.EUI
	fcnt    uint32
	port    uint8
	payload string
}

func keyOf(u *SentUplink) frameKey {
	return frameKey{u.Device, u.FCnt, u.Port, string(u.Payload)}
}

// heardUplink is a message of an uplink as the platform understands it.
type heardUplink struct {
	at time.Time // of the message
	city.Uplink
}

// oracle is three days of a city in which everything goes wrong, as the platform hears it
// and as it was.
type oracle struct {
	city    *City
	plan    *faultPlan
	counted map[network.Reason]uint64
	heard   map[frameKey][]heardUplink
	joins   map[city.EUI]int
	truth   Truth
	twins   map[frameKey]int // how many measurements have the same key
}

type parser interface {
	Parse(m *city.Message) (city.Event, error)
}

func newOracle(t *testing.T, cfg Config, server events.Server, dialect parser, length time.Duration) *oracle {
	t.Helper()
	o := &oracle{city: New(cfg), heard: map[frameKey][]heardUplink{}, joins: map[city.EUI]int{}}
	p, truth := playedOut(t, Play{City: o.city, Server: server}, length, func(messages []Message) {
		for _, m := range messages {
			e, err := dialect.Parse(&city.Message{Server: "sim", Topic: m.Topic, Body: bytes.Clone(m.Body), Received: m.At})
			if err != nil {
				t.Fatalf("%s: %v: %s", m.Topic, err, m.Body)
			}
			switch e.Kind {
			case city.EventUp:
				u := e.Uplink
				key := frameKey{u.DevEUI, u.FCnt, u.FPort, string(u.Payload)}
				o.heard[key] = append(o.heard[key], heardUplink{m.At, u})
			case city.EventJoin:
				o.joins[e.DevEUI]++
			}
		}
	})
	o.truth = truth
	o.twins = map[frameKey]int{}
	for i := range o.truth.Uplinks {
		o.twins[keyOf(&o.truth.Uplinks[i])]++
	}
	o.plan, o.counted = p.plan, p.network.Counted()
	return o
}

// TestTheManifestIsTheTruth plays three days with faults of every kind, lets the platform's
// own dialects read what is published, and holds that against the manifest.
func TestTheManifestIsTheTruth(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Bins, cfg.Trees, cfg.Bays, cfg.Loss, cfg.Duplicates, cfg.Faults = 60, 30, 20, 0, 0, everyFault()
	cfg.Devices.ABP, cfg.Devices.Confirmed = 0.2, 0.2
	for _, way := range []struct {
		server  events.Server
		dialect parser
	}{{events.V4{}, chirpstack.V4{}}, {events.V3{}, chirpstack.V3{}}, {events.Things{}, thethings.V3{}}} {
		t.Run(way.server.Name(), func(t *testing.T) {
			o := newOracle(t, cfg, way.server, way.dialect, 72*time.Hour)
			o.checkDelivery(t)
			o.checkLosses(t)
			o.checkEpochs(t)
			o.checkEpisodes(t)
			o.checkComplaints(t)
			if _, is := way.server.(events.V4); is {
				o.checkTimes(t)
			}
		})
	}
}

// checkDelivery: whatever is not lost is published as often as the manifest says, when it
// says, and nothing else is.
func (o *oracle) checkDelivery(t *testing.T) {
	want := map[frameKey]int{}
	kinds := map[FaultKind]int{}
	for i := range o.truth.Uplinks {
		u := &o.truth.Uplinks[i]
		key := keyOf(u)
		for _, kind := range u.Faults {
			kinds[kind]++
		}
		if u.Lost {
			want[key] += 0
			continue
		}
		want[key] += u.Copies
		if !u.Until.IsZero() && !o.endsSomething(u.Until) {
			t.Errorf("%s is late until %s, when nothing that keeps back is over", u.ID(), u.Until)
		}
		inTime := 0
		for _, h := range o.heard[key] {
			if u.Until.IsZero() && h.at.Sub(u.At) >= 0 || h.at.Equal(u.Until) {
				inTime++
			}
		}
		if inTime < u.Copies {
			t.Errorf("%s: heard %d times when it should be (late until %s), want %d", u.ID(), inTime, u.Until, u.Copies)
		}
	}
	for key, copies := range want {
		if got := len(o.heard[key]); got != copies {
			t.Errorf("%s frame %d on port %d, %x: heard %d times, want %d", key.device, key.fcnt, key.port, key.payload, got, copies)
		}
	}
	told := 0
	for key, all := range o.heard {
		// Frames without a payload, on no port or port 0, are between device and network.
		if _, known := want[key]; !known && (key.port != 0 || key.payload != "") {
			t.Errorf("%s frame %d on port %d, %x: heard %d times, the manifest knows nothing of it", key.device, key.fcnt, key.port, key.payload, len(all))
		}
		told += len(all)
	}
	for _, f := range faultTable {
		atOnce := f.kind == FaultReboot || f.kind == FaultRejoin || f.kind == FaultCounters || f.kind == FaultSilence || f.kind == FaultDeath || f.kind == FaultClock
		if kinds[f.kind] == 0 && !atOnce {
			t.Errorf("%s met no frame: the test shows nothing of it", f.kind)
		}
	}
	if len(o.truth.Uplinks) < 7000 {
		t.Errorf("%d uplinks in the manifest: too few to mean anything", len(o.truth.Uplinks))
	}
	t.Logf("%d uplinks sent, %d messages heard, frames met by %v", len(o.truth.Uplinks), told, kinds)
}

// endsSomething tells whether at a moment a fault ends that keeps frames back.
func (o *oracle) endsSomething(at time.Time) bool {
	return slices.ContainsFunc(o.city.cfg.Faults, func(f Fault) bool {
		since := at.Sub(noon) - f.From - f.For
		return (f.Kind == FaultLate || f.Kind == FaultBackhaul) && since >= 0 && since%f.Every == 0
	})
}

// checkLosses: with a good radio nothing is lost but by a fault.
func (o *oracle) checkLosses(t *testing.T) {
	lost, unexplained := 0, 0
	for i := range o.truth.Uplinks {
		u := &o.truth.Uplinks[i]
		if !u.Lost {
			continue
		}
		lost++
		if o.twins[keyOf(u)] > 1 && o.forgetful(u.Device) {
			continue // bit for bit the frame of before the restart: the network takes it for a repetition
		}
		if !slices.ContainsFunc(u.Faults, func(k FaultKind) bool {
			return k == FaultLoss || k == FaultLate || k == FaultGateway || k == FaultBackhaul
		}) {
			unexplained++
			t.Logf("%s of %s is lost, and the manifest does not say why: %v", u.ID(), u.At, u.Faults)
		}
	}
	// A join-request that was kept back is granted another session than the one the device
	// has by then, whose frames nobody knows.
	if refused := o.counted[network.UnknownAddress]; lost < 100 || uint64(unexplained) > refused {
		t.Errorf("%d lost, %d of them without a fault, and only %d frames came in a session that is over", lost, unexplained, refused)
	}
	t.Logf("%d lost, %d unexplained", lost, unexplained)
}

func (o *oracle) forgetful(id city.EUI) bool {
	_, does := o.plan.next(FaultCounters, id, time.Time{})
	return does
}

// checkEpochs: a frame's name is its own, counters rise within an epoch, and epochs rise.
func (o *oracle) checkEpochs(t *testing.T) {
	byDevice := map[city.EUI][]*SentUplink{}
	seen := map[string]bool{}
	for i := range o.truth.Uplinks {
		u := &o.truth.Uplinks[i]
		byDevice[u.Device] = append(byDevice[u.Device], u)
		if seen[u.ID()] {
			t.Errorf("%s is there twice", u.ID())
		}
		seen[u.ID()] = true
	}
	sessions := map[string]string{}
	struck := map[FaultKind]int{}
	for id, all := range byDevice {
		slices.SortStableFunc(all, func(a, b *SentUplink) int { return a.At.Compare(b.At) })
		last := all[0]
		for _, u := range all[1:] {
			if u.Epoch < last.Epoch || u.Epoch == last.Epoch && u.FCnt <= last.FCnt && !slices.Contains(u.Faults, FaultHuge) && !slices.Contains(last.Faults, FaultHuge) {
				t.Errorf("%s at %s after %s at %s", u.ID(), u.At, last.ID(), last.At)
			}
			last = u
		}
		for _, kind := range [...]FaultKind{FaultReboot, FaultRejoin, FaultCounters} {
			s, ok := o.plan.next(kind, id, noon)
			if !ok {
				continue
			}
			joins := o.joins[id] > 0
			if kind != FaultCounters && !joins { // it goes on in its session
				continue
			}
			struck[kind]++
			if all[0].At.Before(s.from) && last.At.After(s.from.Add(4*time.Hour)) && last.Epoch == all[0].Epoch {
				t.Errorf("%s: still in epoch %d after a %s", id, last.Epoch, kind)
			}
		}
		for _, u := range all {
			heard := o.heard[keyOf(u)]
			if u.Lost || o.twins[keyOf(u)] > 1 || heard[0].Session == "" || o.joins[id] == 0 {
				continue
			}
			name := fmt.Sprintf("%s-%d", id, u.Epoch)
			if before := sessions[name]; before != "" && before != heard[0].Session {
				t.Errorf("%s: sessions %s and %s in one epoch", name, before, heard[0].Session)
			}
			sessions[name] = heard[0].Session
		}
	}
	for _, kind := range [...]FaultKind{FaultReboot, FaultRejoin, FaultCounters} {
		if struck[kind] < 3 {
			t.Errorf("%s struck %d devices: too few to mean anything", kind, struck[kind])
		}
	}
}

// checkEpisodes: the manifest tells of what the faults do to devices, and of nothing else
// but the roles of the story.
func (o *oracle) checkEpisodes(t *testing.T) {
	name := func(e *Episode) string {
		return fmt.Sprintf("%s %s from %s to %s", e.Device, e.Kind, e.From.Sub(noon), e.To.Sub(noon))
	}
	want, got := map[string]int{}, map[string]int{}
	end := noon.Add(72 * time.Hour)
	for _, s := range o.city.sites {
		for _, f := range o.city.cfg.Faults {
			e := Episode{Kind: f.Kind.facts().episode, Device: s.device.DevEUI}
			if e.Kind == "" {
				continue
			}
			for from := f.From; from < 72*time.Hour; from += f.Every {
				middle := noon.Add(from + f.For/2)
				if _, now := o.plan.device(f.Kind, e.Device, middle); now {
					if e.From, e.To = noon.Add(from), (time.Time{}); f.For > 0 && noon.Add(from+f.For).Before(end) {
						e.To = noon.Add(from + f.For)
					}
					want[name(&e)]++
				}
				if f.Every == 0 {
					break
				}
			}
		}
		switch s.role {
		case blind, brokenProbe:
			want[name(&Episode{Kind: DeviceBlind, Device: s.device.DevEUI, From: noon})]++
		}
	}
	deaths := 0
	for i := range o.truth.Episodes {
		switch e := &o.truth.Episodes[i]; {
		case e.Kind == BinOver || e.Kind == TreeBelow || e.Kind == BayOccupied:
		case e.Kind == DeviceDead && e.From.Sub(noon) != 5*time.Hour: // the one of the story
			deaths++
		default:
			got[name(e)]++
		}
	}
	if deaths != 1 {
		t.Errorf("%d deaths of the story, want 1", deaths)
	}
	if !maps.Equal(want, got) {
		t.Errorf("episodes of devices:\n got %v\nwant %v", got, want)
	}
}

// checkComplaints: the network server, which is strict, has nothing to say but what follows
// from faults.
func (o *oracle) checkComplaints(t *testing.T) {
	for reason, times := range o.counted {
		switch reason {
		case network.CounterBack, network.UnknownAddress, network.BadMIC, network.NonceUsed, network.CounterReused:
			// What was kept back comes after what was sent later, or after its session.
		case network.NoAnswer, network.UnaskedAnswer:
			// Downlinks after a frame that came too late reach nobody.
		case network.AnswerRefused:
			// A device that has lost its memory has not the channels it is asked for, and
			// nobody can know before its counter shows it.
		default:
			t.Errorf("the network server complains: %s, %d times", reason, times)
		}
	}
	t.Logf("complaints: %v", o.counted)
}

// checkTimes: where a gateway has satellite time it is that of the event, to the
// millisecond; a gateway whose clock is wrong shifts it by just that.
func (o *oracle) checkTimes(t *testing.T) {
	exact, shifted, server := 0, 0, 0
	for i := range o.truth.Uplinks {
		u := &o.truth.Uplinks[i]
		if u.Lost != u.Aired.IsZero() || !u.Lost && !u.Aired.After(u.At) {
			t.Errorf("%s, measured at %s, was on air until %s; lost: %v", u.ID(), u.At, u.Aired, u.Lost)
		}
		if o.twins[keyOf(u)] > 1 {
			continue
		}
		for _, h := range o.heard[keyOf(u)] {
			end := h.at.Add(-network.CollectFor)
			if !u.Until.IsZero() {
				end = u.Aired
			}
			off := h.Time.At.Sub(end.Truncate(time.Millisecond))
			wrong := slices.Contains(u.Faults, FaultGPS)
			switch {
			case h.Time.Source == city.TimeServer:
				server++
				if !u.Until.IsZero() && !h.Time.At.Equal(u.Until) || u.Until.IsZero() && (off < 19*time.Millisecond || off > 81*time.Millisecond) {
					t.Errorf("%s: the network server says %s, the frame ended at %s", u.ID(), h.Time.At, end)
				}
			case off == 0:
				exact++
			case wrong && off == 40*time.Second:
				shifted++
			default:
				t.Errorf("%s: the gateway says %s, the frame ended at %s", u.ID(), h.Time.At, end)
			}
		}
	}
	if exact < 1000 || shifted < 20 || server < 100 {
		t.Errorf("%d times exact, %d shifted, %d of the server: too few to mean anything", exact, shifted, server)
	}
	t.Logf("%d times exact, %d shifted, %d of the server", exact, shifted, server)
}
