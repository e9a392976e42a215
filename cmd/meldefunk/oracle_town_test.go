package main

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/decoders"
	sim "meldefunk/firmware-sim"
	"meldefunk/firmware-sim/network"
	"meldefunk/gateway-bridge/chirpstack"
)

// oracleBegin is when the day of the oracle begins. The play depends on it.
var oracleBegin = time.Date(2024, time.November, 18, 4, 0, 0, 0, time.UTC)

// oracleTown is a day of 500 sensors in which much goes wrong: what the network server
// publishes, and the truth about each frame.
type oracleTown struct {
	messages  []published
	inventory string
	known     map[city.EUI]bool
	periodic  map[city.EUI]bool // sends by its own clock only
	frames    []*toldFrame      // distinct, in the order in which they were first told
	until     []int             // for each message, how many frames of known devices have come with it
	joins     map[uint64]bool
	end       time.Time // of what is told
}

// toldFrame is a frame that the network server told of, by its identity.
type toldFrame struct {
	city.Uplink
	at     time.Time // of the first message
	copies int
	truth  *sim.SentUplink // nil: it was between device and network server
	again  bool            // told of before: a repetition by a device whose counter the network server does not check
}

// oracleFaults has every way in which a frame can come late, twice, not at all, in another
// session, with a wrong time or with a payload that no firmware sends.
func oracleFaults() []sim.Fault {
	return []sim.Fault{
		{Kind: sim.FaultLate, Share: 0.2, From: 5 * time.Hour, For: 3 * time.Hour, Every: 9 * time.Hour},
		{Kind: sim.FaultLate, Share: 0.1, From: 2 * time.Hour, For: 2 * time.Hour, Every: 7 * time.Hour, Rate: 0.5},
		{Kind: sim.FaultBackhaul, Share: 0.6, From: 15 * time.Hour, For: 2 * time.Hour},
		{Kind: sim.FaultGateway, Share: 0.4, From: 11 * time.Hour, For: time.Hour},
		{Kind: sim.FaultDuplicate, Share: 0.2, Rate: 0.2, Size: 3},
		{Kind: sim.FaultLoss, Share: 0.2, Rate: 0.2},
		{Kind: sim.FaultReboot, Share: 0.1, From: 4 * time.Hour, For: time.Minute, Every: 8 * time.Hour},
		{Kind: sim.FaultRejoin, Share: 0.1, From: 6 * time.Hour, For: time.Minute, Every: 7 * time.Hour},
		{Kind: sim.FaultCounters, Share: 0.1, From: 200 * time.Minute, For: time.Minute, Every: 6 * time.Hour},
		{Kind: sim.FaultGPS, Share: 0.2, From: 7 * time.Hour, For: 2 * time.Hour, Size: 40},
		{Kind: sim.FaultGPS, Share: 0.4, From: 13 * time.Hour, For: 20 * time.Minute, Size: -9e8}, // in 1996
		{Kind: sim.FaultClock, Share: 0.1, From: time.Hour, Size: -90.5},
		{Kind: sim.FaultRandom, Share: 0.05, Rate: 0.1},
		{Kind: sim.FaultTruncated, Share: 0.05, Rate: 0.1},
		{Kind: sim.FaultPort, Share: 0.05, Rate: 0.1},
		{Kind: sim.FaultHuge, Share: 0.05, Rate: 0.1},
	}
}

// newOracleTown plays until so many measurements have been accepted by the network server.
func newOracleTown(t *testing.T, accepted int) *oracleTown {
	t.Helper()
	cfg := sim.DefaultConfig()
	cfg.Seed, cfg.Bins, cfg.Trees, cfg.Bays, cfg.Period = 5, 250, 150, 100, 30*time.Minute
	cfg.Loss, cfg.Duplicates, cfg.Faults = 0.03, 0.02, oracleFaults()
	cfg.Devices.ABP, cfg.Devices.Confirmed = 0.2, 0.1
	town := sim.New(cfg)
	o := &oracleTown{known: map[city.EUI]bool{}, periodic: map[city.EUI]bool{}, joins: map[uint64]bool{}}
	kinds := map[string]city.Kind{}
	for _, a := range town.Assets() {
		kinds[a.ID] = a.Kind
	}
	for _, d := range town.Devices() {
		o.known[d.DevEUI], o.periodic[d.DevEUI] = true, kinds[d.Asset] != city.Parking
	}
	var inventory, manifest bytes.Buffer
	w := csv.NewWriter(&inventory)
	w.Comma = ';'
	if err := w.WriteAll(inventoryRows(town)); err != nil {
		t.Fatal(err)
	}
	o.inventory = inventory.String()

	byIdent, frames := map[uint64]*toldFrame{}, 0
	play := sim.Play{City: town, Encoder: decoders.New(), Manifest: sim.NewManifest(&manifest)}
	err := play.Events(oracleBegin, oracleBegin.Add(48*time.Hour), func(m sim.Message) error {
		message := published{m.Topic, slices.Clone(m.Body)}
		e, err := chirpstack.V4{}.Parse(&city.Message{Server: "city", Topic: m.Topic, Body: message.body})
		if err != nil {
			t.Fatalf("%s: %v", m.Topic, err)
		}
		switch e.Kind {
		case city.EventUp:
			f := byIdent[e.Ident]
			if f == nil && len(o.frames) >= accepted+accepted/50 { // some are between device and network server, or of an unknown device
				o.end = m.At
				return sim.ErrEnough
			}
			if f == nil {
				f = &toldFrame{Uplink: e.Uplink, at: m.At}
				byIdent[e.Ident], o.frames = f, append(o.frames, f)
				if o.known[e.DevEUI] {
					frames++
				}
			}
			f.copies++
		case city.EventJoin:
			o.joins[e.Ident] = o.joins[e.Ident] || o.known[e.DevEUI]
		}
		o.messages, o.until = append(o.messages, message), append(o.until, frames)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	truth, err := sim.ReadManifest(&manifest)
	if err != nil {
		t.Fatal(err)
	}
	o.match(t, truth.Uplinks)
	return o
}

// airKey is what a frame shows of itself. A device that loses its counter may send two
// frames that differ in time only.
type airKey struct {
	device  city.EUI
	fcnt    uint32
	port    uint8
	payload string
}

// match finds the truth of each frame.
func (o *oracleTown) match(t *testing.T, truths []sim.SentUplink) {
	t.Helper()
	frames, sent := map[airKey][]*toldFrame{}, map[airKey][]*sim.SentUplink{}
	for _, f := range o.frames {
		k := airKey{f.DevEUI, f.FCnt, f.FPort, string(f.Payload)}
		frames[k] = append(frames[k], f)
	}
	told := map[*sim.SentUplink]int{}
	for i := range truths {
		u := &truths[i]
		if u.Lost {
			continue
		}
		at := u.Aired.Add(network.CollectFor)
		if !u.Until.IsZero() {
			at = u.Until
		}
		if !at.Before(o.end) {
			continue
		}
		k := airKey{u.Device, u.FCnt, u.Port, string(u.Payload)}
		sent[k] = append(sent[k], u)
		for _, f := range frames[k] {
			if f.truth == nil && f.at.Equal(at) {
				f.truth, told[u] = u, f.copies
				break
			}
		}
		if told[u] == 0 {
			t.Errorf("%s of %s (until %s) was not told of", u.ID(), u.At, u.Until)
		}
	}
	for _, f := range o.frames {
		if f.truth != nil || len(f.Payload) == 0 || f.FPort == 0 {
			continue
		}
		for _, u := range sent[airKey{f.DevEUI, f.FCnt, f.FPort, string(f.Payload)}] {
			if u.At.Before(f.at) {
				f.truth, f.again = u, true
			}
		}
		if f.truth == nil {
			t.Errorf("%s frame %d: the manifest knows nothing of it", f.DevEUI, f.FCnt)
			continue
		}
		told[f.truth] += f.copies
	}
	for u, copies := range told {
		if copies < u.Copies {
			t.Errorf("%s was told of %d times, the manifest says %d", u.ID(), copies, u.Copies)
		}
	}
}
