package sim

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// playedOut plays for a while and gives the play as it is then, and its truth. It tells what
// each step publishes, unless told is nil.
func playedOut(t *testing.T, p Play, length time.Duration, told func([]Message)) (*play, Truth) {
	t.Helper()
	var text bytes.Buffer
	p.Encoder, p.Manifest = &tinyEncoder{}, NewManifest(&text)
	run, err := p.begin(noon)
	if err != nil {
		t.Fatal(err)
	}
	for {
		at, ok := run.soonest()
		if !ok || !at.Before(noon.Add(length)) {
			break
		}
		messages, err := run.step()
		if err != nil {
			t.Fatal(err)
		}
		if told != nil {
			told(messages)
		}
	}
	if err := run.finish(noon.Add(length)); err != nil {
		t.Fatal(err)
	}
	truth, err := ReadManifest(&text)
	if err != nil {
		t.Fatal(err)
	}
	return run, truth
}

// mixed is a city with something of everything that LoRaWAN has.
func mixed() Config {
	return Config{Seed: 3, Bins: 80, Trees: 40, Bays: 40, Period: time.Hour,
		Devices: Devices{V104: 0.3, V11: 0.3, ABP: 0.2, Confirmed: 0.3, ADR: true}}
}

// TestDevicesOfEveryVersionSpeak: those that join do so once and have one session, those
// that never join speak at once, and with a good radio every frame arrives.
func TestDevicesOfEveryVersionSpeak(t *testing.T) {
	p, truth := playedOut(t, Play{City: New(mixed())}, 30*time.Hour, nil)
	first, frames := map[city.EUI]time.Time{}, map[city.EUI]int{}
	for _, u := range truth.Uplinks {
		if at, ok := first[u.Device]; !ok || u.At.Before(at) {
			first[u.Device] = u.At
		}
		frames[u.Device]++
		if u.Lost || u.Epoch != 1 || u.Copies != 1 {
			t.Errorf("%s: lost %v, %d copies, want one of epoch 1", u.ID(), u.Lost, u.Copies)
		}
	}
	kinds := map[string]int{}
	for i, r := range p.city.Registrations() {
		d := p.sensors[i]
		stats, joins := d.radio.Stats(), uint32(1)
		kind := "joins by " + r.Version.String()
		if r.Personalised != nil {
			joins, kind = 0, "never joins"
		}
		kinds[kind]++
		if stats.JoinRequests != joins || stats.Joins != joins {
			t.Errorf("%s, which %s: %d join-requests, %d joins", r.DevEUI, kind, stats.JoinRequests, stats.Joins)
		}
		if at := first[r.DevEUI].Sub(noon); at > DefaultConfig().Devices.BootWithin+firstWithin+20*time.Second || frames[r.DevEUI] < 27 {
			t.Errorf("%s, which %s: speaks after %s, %d times", r.DevEUI, kind, at, frames[r.DevEUI])
		}
		if stats.BadMIC+stats.BadCounter+stats.BadNonce+stats.Malformed+stats.Foreign+stats.Unheard+stats.Dropped != 0 {
			t.Errorf("%s, which %s: %+v", r.DevEUI, kind, stats)
		}
	}
	if counted := p.network.Counted(); len(counted) > 0 {
		t.Errorf("the network server complains: %v", counted)
	}
	for _, kind := range []string{"never joins", "joins by " + lorawan.V1_0_3.String(), "joins by " + lorawan.V1_0_4.String(), "joins by " + lorawan.V1_1.String()} {
		if kinds[kind] < 15 {
			t.Errorf("%d devices of the sort that %s, want at least 15", kinds[kind], kind)
		}
	}
	t.Logf("%v", kinds)
}

// TestConfirmedFramesAreAcknowledged: at once with a good radio, after repetitions with a
// bad one.
func TestConfirmedFramesAreAcknowledged(t *testing.T) {
	for name, c := range map[string]struct {
		loss        float64
		repetitions bool
		given       float64 // up, at most, as share of the frames
	}{"good": {0, false, 0}, "bad": {0.3, true, 0.45}} {
		t.Run(name, func(t *testing.T) {
			cfg := mixed()
			cfg.Loss = c.loss
			p, _ := playedOut(t, Play{City: New(cfg)}, 24*time.Hour, nil)
			var devices int
			var uplinks, downlinks, repetitions, unacknowledged uint32
			for _, d := range p.sensors {
				stats := d.radio.Stats()
				if !d.confirmed {
					if stats.Unacknowledged != 0 {
						t.Errorf("%s waits for acknowledgements: %+v", d.site.asset.ID, stats)
					}
					continue
				}
				devices++
				uplinks += stats.Uplinks
				downlinks += stats.Downlinks
				repetitions += stats.Repetitions
				unacknowledged += stats.Unacknowledged
			}
			if devices < 30 || uplinks < 600 || downlinks < uplinks/2 || repetitions > 0 != c.repetitions || float64(unacknowledged) > c.given*float64(uplinks) {
				t.Errorf("%d devices, %d frames, %d downlinks, %d repetitions, %d given up", devices, uplinks, downlinks, repetitions, unacknowledged)
			}
			t.Logf("%d devices, %d frames, %d downlinks, %d repetitions, %d given up", devices, uplinks, downlinks, repetitions, unacknowledged)
		})
	}
}

// TestTheNetworkChoosesDataRates: with ADR devices end up faster than they began, without
// it they stay as they are.
func TestTheNetworkChoosesDataRates(t *testing.T) {
	for _, adr := range []bool{true, false} {
		cfg := mixed()
		cfg.Devices.ADR, cfg.Devices.Confirmed = adr, 0 // 1.0.3 lowers the rate of what is not acknowledged
		p, _ := playedOut(t, Play{City: New(cfg)}, 72*time.Hour, nil)
		faster, slower, room := 0, 0, 0
		for _, d := range p.sensors {
			began, is := 12-d.site.link.sf, d.radio.DataRate()
			if began < 5 {
				room++
			}
			switch {
			case is > began:
				faster++
			case is < began:
				slower++
			}
		}
		if adr && (faster < room/4 || room < 20) || !adr && faster > 0 || slower > 0 {
			t.Errorf("ADR %v: %d devices became faster, %d slower; %d could be", adr, faster, slower, room)
		}
		t.Logf("ADR %v: %d devices became faster of %d that could be", adr, faster, room)
	}
}

// TestRestartsOpenEpochs: one for each that a device must forget its session in, and
// counters begin at 0 in each.
func TestRestartsOpenEpochs(t *testing.T) {
	joins := Devices{V104: 0.4, V11: 0.3}
	never := Devices{ABP: 1}
	for name, c := range map[string]struct {
		kind    FaultKind
		devices Devices
		epochs  uint32
	}{
		"reboots of devices that join":                    {FaultReboot, joins, 5},
		"reboots of devices that never join":              {FaultReboot, never, 1},
		"joins on demand":                                 {FaultRejoin, joins, 5},
		"joins of devices that never join":                {FaultRejoin, never, 1},
		"counters that begin anew":                        {FaultCounters, never, 5},
		"counters that begin anew, in a city that joins":  {FaultCounters, joins, 5},
		"counters that begin anew, with acknowledgements": {FaultCounters, Devices{ABP: 1, Confirmed: 1}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Seed: 11, Bins: 20, Trees: 10, Bays: 10, Period: 30 * time.Minute, Devices: c.devices,
				Faults: []Fault{{Kind: c.kind, Share: 1, From: 4 * time.Hour, For: time.Second, Every: 5 * time.Hour}}}
			p, truth := playedOut(t, Play{City: New(cfg)}, 24*time.Hour, nil)
			if counted := p.network.Counted(); len(counted) > 0 {
				t.Errorf("the network server complains: %v", counted)
			}
			by := map[city.EUI]map[uint32][]uint32{}
			for _, u := range truth.Uplinks {
				if by[u.Device] == nil {
					by[u.Device] = map[uint32][]uint32{}
				}
				by[u.Device][u.Epoch] = append(by[u.Device][u.Epoch], u.FCnt)
			}
			if len(by) != 40 {
				t.Errorf("%d devices, want 40", len(by))
			}
			for id, epochs := range by {
				if got := slices.Sorted(maps.Keys(epochs)); uint32(len(got)) != c.epochs || got[0] != 1 || got[len(got)-1] != c.epochs {
					t.Errorf("%s: epochs %v, want 1 to %d", id, got, c.epochs)
				}
				for epoch, counters := range epochs {
					slices.Sort(counters)
					if counters[0] > 2 || len(slices.Compact(slices.Clone(counters))) != len(counters) {
						t.Errorf("%s, epoch %d: counters %v", id, epoch, counters)
					}
				}
			}
		})
	}
}
