package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/pipeline"
)

// street knows two devices: 1 is quick, 2 takes its time. What it hands out changes when
// edition does, as after a reload.
type street struct{ edition atomic.Pointer[[2]place] }

type place struct {
	device city.Device
	asset  city.Asset
}

func (s *street) reload() {
	s.edition.Store(&[2]place{
		{city.Device{DevEUI: numbered(1), Model: "test/quick", Asset: "PK-1"}, city.Asset{ID: "PK-1", Kind: city.Bin}},
		{city.Device{DevEUI: numbered(2), Model: "test/slow", Asset: "PK-2"}, city.Asset{ID: "PK-2", Kind: city.Bin}},
	})
}

func (s *street) Find(_ string, devEUI city.EUI) (*city.Device, city.Hangings, bool) {
	for i, p := range s.edition.Load() {
		if p.device.DevEUI == devEUI {
			known := &s.edition.Load()[i]
			return &known.device, city.Hangings{{Asset: &known.asset}}, true
		}
	}
	return nil, nil, false
}

func (s *street) Asset(id string) (*city.Asset, bool) {
	for i := range s.edition.Load() {
		if a := &s.edition.Load()[i].asset; a.ID == id {
			return a, true
		}
	}
	return nil, false
}

func (s *street) Devices(asset string) []*city.Device {
	for i := range s.edition.Load() {
		if d := &s.edition.Load()[i].device; d.Asset == asset {
			return []*city.Device{d}
		}
	}
	return nil
}

func numbered(n byte) city.EUI { return city.EUI{7: n} }

// slowly decodes as oneByte does. A frame of the slow model waits until may gives it leave.
type slowly struct {
	oneByte
	may     chan error // an error is this machine's trouble
	decoded atomic.Int32
}

func (s *slowly) Lane(model string) string {
	if model == "test/slow" {
		return model
	}
	return ""
}

func (s *slowly) Decode(d *city.Device, a *city.Asset, u *city.Uplink, r *city.Reading) error {
	if d.Model == "test/slow" {
		s.decoded.Add(1)
		if err := <-s.may; err != nil {
			return err
		}
	}
	return s.oneByte.Decode(d, a, u, r)
}

// walking is a road that runs.
type walking struct {
	*world
	*pipeline.Road
	street  street
	decoder slowly
	stop    context.CancelFunc
	ended   chan error
}

func walk(t *testing.T, cfg pipeline.Config) *walking {
	w := &walking{world: newWorld(t), ended: make(chan error, 1)}
	w.street.reload()
	w.decoder = slowly{oneByte: oneByte{w.world}, may: make(chan error, 10)}
	w.Road = pipeline.New(cfg, pipeline.Parts{
		Inventory: &w.street, Decoder: &w.decoder, Judge: at90{}, Store: w.store, Follow: func(*city.Commit) {},
		Ref: func() string { return "S-00000001" }, Now: func() time.Time { return start.Add(time.Hour) },
	}, zerolog.Nop(), prometheus.NewRegistry())
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go func() { w.ended <- w.Run(ctx) }()
	return w
}

// from is a frame of device 1 or 2.
func (w *walking) from(device byte, fcnt uint32, level byte) city.Arrival {
	a := w.up("s", fcnt, level, time.Duration(fcnt)*time.Minute)
	a.Event.DevEUI, a.Event.Uplink.DevEUI = numbered(device), numbered(device)
	return a
}

func (w *walking) offer(a city.Arrival, to city.Acker) {
	w.t.Helper()
	a.Acker = to
	if err := w.Offer(context.Background(), a); err != nil {
		w.t.Fatal(err)
	}
}

// end stops the road and gives what it said.
func (w *walking) end() error {
	w.stop()
	return <-w.ended
}

// told is an acker that can be waited for.
type told chan struct{}

func (c told) Ack() { close(c) }

func (c told) wait(t *testing.T) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatal("not acknowledged within 10 s")
	}
}

func (c told) yet() bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestSlowDecoderDelaysNobodyElse(t *testing.T) {
	w := walk(t, pipeline.DefaultConfig())
	slow := []told{make(told), make(told), make(told)}
	for n, ack := range slow {
		w.offer(w.from(2, uint32(n), byte(10*n)), ack)
	}
	for n := range uint32(100) {
		quick := make(told)
		w.offer(w.from(1, n, 50), quick)
		quick.wait(t) // while the slow ones hang
	}
	for i, ack := range slow {
		if ack.yet() {
			t.Errorf("slow frame %d was acknowledged before it was decoded", i)
		}
		w.decoder.may <- nil
		ack.wait(t)
	}
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
	var levels []float64
	for _, r := range w.readings() {
		if r.DevEUI == numbered(2) {
			level, _ := r.Value(city.FillLevel)
			levels = append(levels, level)
		}
	}
	if len(levels) != 3 || levels[0] != 0 || levels[1] != 10 || levels[2] != 20 {
		t.Errorf("the slow device's readings are %v, want 0, 10, 20", levels)
	}
	if n := w.decoder.decoded.Load(); n != 3 {
		t.Errorf("3 frames were decoded %d times", n)
	}
}

// A join opens a session, so it must not overtake the frames of the one before.
func TestJoinWaitsInTheLane(t *testing.T) {
	w := walk(t, pipeline.DefaultConfig())
	first, joined, second := make(told), make(told), make(told)
	w.offer(w.from(2, 7, 10), first)
	join := w.join("new", time.Minute)
	join.Event.DevEUI = numbered(2)
	w.offer(join, joined)
	after := w.from(2, 7, 20)
	after.Event.Uplink.Session = "new"
	w.offer(after, second)
	if joined.yet() {
		t.Error("the join was carried before the frame in front of it")
	}
	w.decoder.may <- nil
	w.decoder.may <- nil
	second.wait(t)
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
	all := w.readings()
	if len(all) != 2 || all[0].Epoch+1 != all[1].Epoch {
		t.Errorf("want two readings, the second one session later; got %+v", all)
	}
}

func TestTroubleOfTheMachineIsTriedAgain(t *testing.T) {
	w := walk(t, pipeline.DefaultConfig())
	ack := make(told)
	w.decoder.may <- errors.New("no worker")
	w.decoder.may <- errors.New("no worker")
	w.decoder.may <- nil
	w.offer(w.from(2, 1, 40), ack)
	ack.wait(t)
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
	if r, a := w.readings(), w.asides(); len(r) != 1 || len(a) != 0 {
		t.Errorf("%d readings and %d set aside, want 1 and 0", len(r), len(a))
	}
}

func TestReloadMeanwhile(t *testing.T) {
	w := walk(t, pipeline.DefaultConfig())
	ack := make(told)
	w.offer(w.from(2, 1, 40), ack)
	for w.decoder.decoded.Load() == 0 { // it hangs in the decoder, with the old inventory
		time.Sleep(time.Millisecond)
	}
	w.street.reload()
	w.decoder.may <- nil
	w.decoder.may <- nil
	ack.wait(t)
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
	if n := w.decoder.decoded.Load(); n != 2 {
		t.Errorf("decoded %d times, want 2: once more with the new inventory", n)
	}
	if r := w.readings(); len(r) != 1 {
		t.Errorf("%d readings, want 1", len(r))
	}
}

func TestEndWaitsForLanes(t *testing.T) {
	w := walk(t, pipeline.DefaultConfig())
	ack := make(told)
	w.offer(w.from(2, 1, 40), ack)
	w.stop()
	w.decoder.may <- nil
	if err := <-w.ended; err != nil {
		t.Fatal(err)
	}
	if !ack.yet() || len(w.readings()) != 1 {
		t.Error("the road ended before what it had taken was carried")
	}
}

// What never comes out of a lane is not acknowledged, so it will be sent again.
func TestEndGivesUpAfterGrace(t *testing.T) {
	cfg := pipeline.DefaultConfig()
	cfg.Grace = 50 * time.Millisecond
	w := walk(t, cfg)
	ack := make(told)
	w.offer(w.from(2, 1, 40), ack)
	for range 20 {
		select {
		case w.decoder.may <- errors.New("no worker"):
		default:
		}
	}
	if err := w.end(); err == nil || !strings.Contains(err.Error(), "1 messages not acknowledged") {
		t.Errorf("end: %v, want that one message is not acknowledged", err)
	}
	if ack.yet() {
		t.Error("acknowledged, but never committed")
	}
	late := w.from(2, 2, 40)
	late.Acker = make(told)
	if err := w.Offer(context.Background(), late); err == nil {
		t.Error("a road that has ended took one more")
	}
}
