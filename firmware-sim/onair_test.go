package sim

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	semtech "meldefunk/firmware-sim/gateway"
	"meldefunk/firmware-sim/network"
)

// handler is a network server behind the UDP protocol, in the world's time.
type handler struct {
	mu        sync.Mutex
	server    *semtech.Server
	network   *network.Server
	collector network.Collector
	accepted  map[city.EUI]int
	joined    map[city.EUI]int
	refused   []string
	downs     []*network.Downlink
	done      chan struct{}
	want      int
}

func (h *handler) Heard(id city.EUI, heard []semtech.Heard) {
	for _, x := range heard {
		dr, _ := lorawan.EU868{}.DataRateOf(x.Rate)
		at := x.At
		if at.IsZero() {
			at = time.Now()
		}
		r := network.Reception{Gateway: id, At: at, Timestamp: x.Timestamp, Frequency: x.Frequency, DataRate: dr, RSSI: x.RSSI, SNR: x.SNR, Channel: x.Channel, RFChain: x.RFChain}
		h.mu.Lock()
		_ = h.collector.Add(time.Now(), x.Frame, r)
		h.mu.Unlock()
		time.AfterFunc(network.CollectFor+5*time.Millisecond, h.collect)
	}
}

func (h *handler) collect() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		frame, heard, ok := h.collector.Take(time.Now())
		if !ok {
			return
		}
		res := h.network.Receive(frame, heard)
		switch res.Kind {
		case network.Joined:
			h.joined[res.DevEUI]++
		case network.Accepted:
			h.accepted[res.DevEUI]++
			if len(h.accepted) == h.want {
				select {
				case <-h.done:
				default:
					close(h.done)
				}
			}
		case network.Refused:
			h.refused = append(h.refused, res.Complaints[0].Error())
		}
		if res.Down != nil {
			h.downs = append(h.downs, res.Down)
			h.send(uint64(len(h.downs)-1), 0)
		}
	}
}

// send asks the gateway to send a downlink in one of its windows.
func (h *handler) send(id uint64, window int) {
	down := h.downs[id]
	w := down.Windows[window]
	rate, _ := lorawan.EU868{}.DataRate(w.DataRate)
	// It fails only for gateways that are gone.
	_ = h.server.Send(down.Uplink.Gateway, id<<1|uint64(window), semtech.Emission{
		Frame: down.Frame, Timestamp: down.Uplink.Timestamp + uint32(w.After.Microseconds()), Frequency: w.Frequency, Rate: rate, Power: w.Power,
	})
}

func (h *handler) Told(city.EUI, semtech.Status) {}

// Answered tries the second window where the gateway is busy in the first.
func (h *handler) Answered(_ city.EUI, id uint64, r semtech.Refusal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r != semtech.None && id&1 == 0 && len(h.downs[id>>1].Windows) > 1 {
		h.send(id>>1, 1)
	}
}

// TestOnAir plays before a network server in real time over UDP: every device joins, or
// speaks at once if it never does, is heard, and hears what it is answered.
func TestOnAir(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Bins, cfg.Trees, cfg.Bays, cfg.Story, cfg.Loss = 3, 1, 1, false, 0
	cfg.Devices.BootWithin = 5 * time.Second

	c := New(cfg)
	h := &handler{accepted: map[city.EUI]int{}, joined: map[city.EUI]int{}, done: make(chan struct{}), want: 5}
	var err error
	if h.network, err = network.New(network.Config{NetID: netID, ADR: true, Channels: moreChannels()}); err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Registrations() {
		if err := h.network.Register(r.Device); err != nil {
			t.Fatal(err)
		}
	}
	log := zerolog.Nop()
	if h.server, err = semtech.Listen("127.0.0.1:0", h, log); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = h.server.Run(ctx) })
	var truth bytes.Buffer // read when OnAir has ended
	wg.Go(func() {
		if err := (Play{City: c, Encoder: &tinyEncoder{}, Manifest: NewManifest(&truth)}).OnAir(ctx, h.server.Addr().String(), time.Now, log); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-h.done:
	case <-time.After(3 * time.Minute):
		t.Error("no frame of each device within three minutes")
	}
	stop()
	wg.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range c.Registrations() {
		if joins := h.joined[r.DevEUI]; (joins > 0) != (r.Personalised == nil) || h.accepted[r.DevEUI] == 0 {
			t.Errorf("%s: %d joins, %d frames accepted", r.DevEUI, joins, h.accepted[r.DevEUI])
		}
	}
	if len(h.refused) > 0 {
		t.Errorf("refused: %q", h.refused)
	}
	manifest, err := ReadManifest(&truth)
	if err != nil || len(manifest.Uplinks) == 0 {
		t.Fatalf("manifest with %d uplinks: %v", len(manifest.Uplinks), err)
	}
	for _, u := range manifest.Uplinks {
		if u.Epoch != 1 {
			t.Errorf("%s is of session %d: want 1", u.ID(), u.Epoch)
		}
	}
}
