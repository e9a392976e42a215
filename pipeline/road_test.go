package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"meldefunk/city"
	"meldefunk/pipeline"
	"meldefunk/storage/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	start  = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	sensor = city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, 0, 1}
	second = city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, 0, 2} // on the same asset
)

// inventory knows two devices on one asset.
type inventory struct{}

func (inventory) Find(_ string, devEUI city.EUI) (*city.Device, city.Hangings, bool) {
	return &city.Device{DevEUI: devEUI, Model: "test/one-byte", Asset: "PK-1"}, city.Hangings{{Asset: &city.Asset{ID: "PK-1", Kind: city.Bin}}}, devEUI == sensor || devEUI == second
}

// oneByte is a model whose only byte is the fill level; 0xff is no such thing. The offset of a
// bin is added to it.
type oneByte struct{ w *world }

func (d oneByte) Decode(_ *city.Device, a *city.Asset, u *city.Uplink, r *city.Reading) error {
	offset := 0.0
	if a.Bin != nil {
		offset = a.Bin.Offset
	}
	if u.FPort == 2 { // with memory
		r.History = append([]city.Record(nil), d.w.history...)
		for i := range r.History {
			if values := slices.Clone(r.History[i].Values); offset != 0 {
				values[0].Number += offset
				r.History[i].Values = values
			}
		}
	}
	switch {
	case u.FPort == 3: // a bay
		r.Values = append(r.Values, city.Value{Quantity: city.Occupied, Number: float64(u.Payload[0])})
		return nil
	case u.FPort > 3:
		return city.Reject(city.ReasonUnknownPort, "port %d, want 1", u.FPort)
	case u.Payload[0] == 0xff:
		return city.Reject(city.ReasonUndecodable, "ff is no fill level")
	case u.Payload[0] == 0xfe:
		return nil // device information
	case u.Payload[0] == 0xfd:
		r.Values = append(r.Values, city.Value{Quantity: city.FillLevel, Number: math.NaN()})
		return nil
	}
	r.Values = append(r.Values, city.Value{Quantity: city.FillLevel, Number: float64(u.Payload[0]) + offset})
	return nil
}

func (oneByte) Lane(string) string { return "" }

// flip is the city's key: it turns every bit of what came in an envelope with its label.
type flip struct{ w *world }

func (k flip) Open(u *city.Uplink) ([]byte, error) {
	if u.Envelope == nil || u.Envelope.KEKLabel != k.w.label {
		return nil, city.Reject(city.ReasonEncrypted, "no key")
	}
	plain := make([]byte, len(u.Payload))
	for i, b := range u.Payload {
		plain[i] = ^b
	}
	return plain, nil
}

func (inventory) Asset(id string) (*city.Asset, bool) {
	return &city.Asset{ID: id, Kind: city.Bin}, id == "PK-1"
}

func (inventory) Devices(asset string) []*city.Device {
	return []*city.Device{{DevEUI: sensor, Asset: asset}}
}

// at90 opens at 90 or more and closes at 30 or less, at once. What is older than what it has
// seen it overlooks.
type at90 struct{}

// level is what at90 remembers.
type level struct {
	open   bool
	newest int64
}

func (l level) AppendBinary(b []byte) ([]byte, error) {
	return fmt.Appendf(b, "%v %d", l.open, l.newest), nil
}
func (level) Deadline() time.Time        { return time.Time{} }
func (level) Standings() []city.Standing { return nil }

func (at90) PerHour(string) int { return 0 }

func (at90) Recall(_ string, kept []byte) (city.Mind, error) {
	if kept == nil {
		return nil, nil
	}
	var l level
	_, err := fmt.Sscan(string(kept), &l.open, &l.newest)
	return l, err
}

func (at90) Adopt(_ *city.Asset, open []city.Standing) (city.Mind, []city.Verdict) {
	return level{open: len(open) > 0}, nil
}

func (at90) Step(was city.Mind, s *city.Sight) (city.Mind, []city.Verdict, []city.Share) {
	l, _ := was.(level)
	r := s.Reading
	if r == nil {
		return was, nil, nil
	}
	if r.Time.At.UnixNano() <= l.newest {
		return l, []city.Verdict{{Change: city.Overlooked}}, nil
	}
	l.newest = r.Time.At.UnixNano()
	n, ok := r.Value(city.FillLevel)
	v := city.Verdict{Rule: "full", Service: "OS-ABF-01", Quantity: city.FillLevel, Value: n, Limit: 90, Since: r.Time.At, Title: "voll"}
	switch {
	case ok && !l.open && n >= 90:
		l.open, v.Change = true, city.Opened
		return l, []city.Verdict{v}, nil
	case ok && l.open && n <= 30:
		l.open, v.Change = false, city.Closed
		return l, []city.Verdict{v}, nil
	}
	return l, nil, nil
}

// acker counts acknowledgements.
type acker struct {
	mu sync.Mutex
	n  int
}

func (a *acker) Ack() {
	a.mu.Lock()
	a.n++
	a.mu.Unlock()
}

// world is a road on a real store.
type world struct {
	t      testing.TB
	dir    string
	store  *sqlite.Store
	acks   acker
	refs   int
	reg    *prometheus.Registry
	serial uint64

	history []city.Record // what frames on port 2 bring along
	label   string        // of the city's key
	batch   int           // the most arrivals in a commit; 0: as usual
	closed  bool

	inventory pipeline.Inventory // nil: as it is for most
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, dir: t.TempDir()}
	w.openStore()
	t.Cleanup(func() { w.closeStore() })
	return w
}

func (w *world) openStore() {
	w.closed = false
	var err error
	if w.store, err = sqlite.Open(context.Background(), w.dir, zerolog.Nop()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) closeStore() {
	if w.closed {
		return
	}
	w.closed = true
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// carry runs a new road, as after a restart, over arrivals and lets it end.
func (w *world) carry(arrivals ...city.Arrival) {
	w.t.Helper()
	w.carryWith(w.store, arrivals...)
}

func (w *world) carryWith(store pipeline.Store, arrivals ...city.Arrival) {
	w.t.Helper()
	w.reg = prometheus.NewRegistry()
	cfg := pipeline.DefaultConfig()
	cfg.Grace = time.Minute // a busy machine is no failing store
	if w.batch > 0 {
		cfg.Batch = w.batch
	}
	road := pipeline.New(cfg, pipeline.Parts{
		Inventory: w.known(), Keys: flip{w}, Frames: frames{}, Decoder: oneByte{w}, Judge: at90{}, Store: store, Follow: func(*city.Commit) {},
		Ref: func() string { w.refs++; return fmt.Sprintf("S-%08d", w.refs) },
		Now: func() time.Time { return start.Add(365 * 24 * time.Hour) },
	}, zerolog.Nop(), w.reg)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- road.Run(ctx) }()
	for _, a := range arrivals {
		a.Acker = &w.acks
		if err := road.Offer(ctx, a); err != nil {
			w.t.Fatal(err)
		}
	}
	stop()
	if err := <-done; err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) readings() []city.Reading {
	w.t.Helper()
	readings, err := w.store.ReadingsAfter(context.Background(), 0, 1e6)
	if err != nil {
		w.t.Fatal(err)
	}
	return readings
}

func (w *world) asides() []city.SetAside {
	w.t.Helper()
	asides, _, err := w.store.Asides(context.Background(), 1000, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return asides
}

// up is a data frame; every call is another delivery.
func (w *world) up(session string, fcnt uint32, level byte, at time.Duration) city.Arrival {
	w.serial++
	body := fmt.Sprintf("up %d", w.serial)
	received := start.Add(at)
	return city.Arrival{
		Message: city.Message{Server: "ns", Topic: "t", Body: []byte(body), Received: received},
		Event: city.Event{Kind: city.EventUp, DevEUI: sensor, Uplink: city.Uplink{
			Server: "ns", DevEUI: sensor, Session: session, FCnt: fcnt, FPort: 1, Payload: []byte{level},
			Time: city.Stamp{At: received, Source: city.TimeServer}, Received: received, Ident: w.serial,
		}},
	}
}

func (w *world) join(session string, at time.Duration) city.Arrival {
	w.serial++
	return city.Arrival{
		Message: city.Message{Server: "ns", Topic: "t", Body: fmt.Appendf(nil, "join %d", w.serial), Received: start.Add(at)},
		Event: city.Event{Kind: city.EventJoin, DevEUI: sensor, Session: session, Ident: w.serial,
			Time: city.Stamp{At: start.Add(at), Source: city.TimeServer}},
	}
}

func TestEverythingOffedIsAcknowledgedAfterItsCommit(t *testing.T) {
	w := newWorld(t)
	var arrivals []city.Arrival
	for n := range uint32(2000) {
		arrivals = append(arrivals, w.up("s", n, byte(n%80), time.Duration(n)*time.Minute))
	}
	w.carry(arrivals...)
	if got := len(w.readings()); got != 2000 || w.acks.n != 2000 {
		t.Errorf("%d readings, %d acknowledgements, want 2000 of each", got, w.acks.n)
	}
}

func TestFates(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*city.Arrival)
		reason city.Reason // "": not set aside
		values int         // -1: no reading
	}{
		"read":           {func(*city.Arrival) {}, "", 1},
		"zero":           {func(a *city.Arrival) { a.Event.Uplink.Payload = []byte{0} }, "", 1},
		"no payload":     {func(a *city.Arrival) { a.Event.Uplink.Payload = nil }, "", -1},
		"MAC commands":   {func(a *city.Arrival) { a.Event.Uplink.FPort = 0 }, "", -1},
		"device info":    {func(a *city.Arrival) { a.Event.Uplink.Payload = []byte{0xfe} }, "", -1},
		"not a number":   {func(a *city.Arrival) { a.Event.Uplink.Payload = []byte{0xfd} }, "", 0},
		"undecodable":    {func(a *city.Arrival) { a.Event.Uplink.Payload = []byte{0xff} }, city.ReasonUndecodable, -1},
		"unknown port":   {func(a *city.Arrival) { a.Event.Uplink.FPort = 9 }, city.ReasonUnknownPort, -1},
		"encrypted":      {func(a *city.Arrival) { a.Event.Uplink.Encrypted = true }, city.ReasonEncrypted, -1},
		"decrypted":      {func(a *city.Arrival) { encrypt(a, "k", 50) }, "", 1},
		"another key":    {func(a *city.Arrival) { encrypt(a, "other", 50) }, city.ReasonEncrypted, -1},
		"decrypted junk": {func(a *city.Arrival) { encrypt(a, "k", 0xff) }, city.ReasonUndecodable, -1},
		"encrypted MAC":  {func(a *city.Arrival) { encrypt(a, "other", 50); a.Event.Uplink.FPort = 0 }, "", -1},
		"unknown device": {func(a *city.Arrival) { a.Event.Uplink.DevEUI[0]++ }, city.ReasonUnknownDevice, -1},
		"malformed":      {func(a *city.Arrival) { a.Err = city.Reject(city.ReasonMalformed, "no JSON") }, city.ReasonMalformed, -1},
		"plain error":    {func(a *city.Arrival) { a.Err = errors.New("odd") }, city.ReasonMalformed, -1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.label = "k"
			a := w.up("s", 1, 50, 0)
			c.change(&a)
			w.carry(a, a) // twice: a redelivery changes nothing
			readings, asides := w.readings(), w.asides()
			if c.values < 0 && len(readings) != 0 || c.values >= 0 && (len(readings) != 1 || len(readings[0].Values) != c.values) {
				t.Errorf("readings: %+v", readings)
			}
			if c.reason == "" && len(asides) != 0 || c.reason != "" && (len(asides) != 1 || asides[0].Reason != c.reason) {
				t.Errorf("set aside: %+v", asides)
			}
			if w.acks.n != 2 {
				t.Errorf("%d acknowledgements, want 2", w.acks.n)
			}
		})
	}
}

// encrypt puts one byte into an arrival as flip opens it.
func encrypt(a *city.Arrival, label string, b byte) {
	u := &a.Event.Uplink
	u.Payload, u.Encrypted, u.Envelope = []byte{^b}, true, &city.Envelope{KEKLabel: label, Wrapped: []byte{1, 2, 3}, DevAddr: [4]byte{1, 2, 3, 4}}
}

// TestEncryptedAtRest: what is kept of a frame stays encrypted, and once the key is there
// both the set-aside message and the stored frame can be read.
func TestEncryptedAtRest(t *testing.T) {
	for name, redo := range map[string]bool{"replay": false, "decode again": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := w.up("s", 1, 50, 0)
			encrypt(&a, "k", 50)
			sent := a.Event.Uplink
			w.carry(a)
			if r, s := w.readings(), w.asides(); len(r) != 0 || len(s) != 1 || s[0].Reason != city.ReasonEncrypted {
				t.Fatalf("without the key: readings %+v, set aside %+v", r, s)
			}
			w.closeStore()
			w.openStore()
			w.label = "k"
			if redo {
				w.redo(redone{})
			} else {
				a.Replay = true
				w.carry(a)
				if s := w.asides(); len(s) != 0 {
					t.Errorf("still set aside: %+v", s)
				}
			}
			r := w.readings()
			if len(r) != 1 || len(r[0].Values) != 1 || r[0].Values[0].Number != 50 {
				t.Errorf("with the key: readings %+v", r)
			}
			frames, err := w.store.FramesOf(t.Context(), sent.DevEUI, 0, 10)
			if err != nil || len(frames) != 1 {
				t.Fatalf("frames %+v, %v", frames, err)
			}
			u := frames[0].Uplink
			if !u.Encrypted || !bytes.Equal(u.Payload, sent.Payload) || !reflect.DeepEqual(u.Envelope, sent.Envelope) || frames[0].Fate != city.FateRead {
				t.Errorf("kept: %+v with %+v, want it read and as encrypted as it came", frames[0], u.Envelope)
			}
		})
	}
}

func TestEventTime(t *testing.T) {
	received := start
	for name, c := range map[string]struct {
		claim time.Time
		want  city.Stamp
	}{
		"believed":     {start.Add(-time.Hour), city.Stamp{At: start.Add(-time.Hour), Source: city.TimeGateway}},
		"none":         {time.Time{}, city.Stamp{At: received, Source: city.TimeReceived}},
		"1970":         {time.Unix(0, 0), city.Stamp{At: received, Source: city.TimeReceived}},
		"2099":         {time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), city.Stamp{At: received, Source: city.TimeReceived}},
		"a bit ahead":  {start.Add(90 * time.Second), city.Stamp{At: start.Add(90 * time.Second), Source: city.TimeGateway}},
		"eight days":   {start.Add(-8 * 24 * time.Hour), city.Stamp{At: received, Source: city.TimeReceived}},
		"other zone":   {start.In(time.FixedZone("CET", 3600)), city.Stamp{At: start, Source: city.TimeGateway}},
		"three days":   {start.Add(-72 * time.Hour), city.Stamp{At: start.Add(-72 * time.Hour), Source: city.TimeGateway}},
		"well ahead":   {start.Add(3 * time.Minute), city.Stamp{At: received, Source: city.TimeReceived}},
		"beyond int64": {time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), city.Stamp{At: received, Source: city.TimeReceived}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := w.up("s", 1, 50, 0)
			a.Event.Uplink.Time = city.Stamp{At: c.claim, Source: city.TimeGateway}
			w.carry(a)
			got := w.readings()[0].Time
			if !got.At.Equal(c.want.At) || got.Source != c.want.Source {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestOneTimePerDevice(t *testing.T) {
	w := newWorld(t)
	var burst []city.Arrival
	for n := range uint32(20) { // a gateway hands over what it has buffered, all with the server's time
		burst = append(burst, w.up("s", n, 50, 0))
	}
	w.carry(burst[:10]...)
	w.carry(burst[10:]...)
	seen := map[int64]bool{}
	for _, r := range w.readings() {
		seen[r.Time.At.UnixNano()] = true
	}
	if len(seen) != 20 {
		t.Errorf("20 frames have %d different times", len(seen))
	}
}

func TestLateReadingIsKeptNotJudged(t *testing.T) {
	w := newWorld(t)
	w.carry(w.up("s", 2, 50, time.Hour), w.up("s", 1, 95, 0))
	readings := w.readings()
	if len(readings) != 2 || readings[0].Late || !readings[1].Late {
		t.Errorf("want both kept and the second late: %+v", readings)
	}
	cases, err := w.store.Cases(t.Context(), false, 10)
	if err != nil || len(cases) != 0 {
		t.Errorf("a late reading opened a case: %v, %v", cases, err)
	}
	latest, err := w.store.Latest(t.Context())
	if err != nil || len(latest) != 1 || latest[0].FCnt != 2 {
		t.Errorf("latest: %+v, %v", latest, err)
	}
}

func TestSimulatedIsKeptNotJudged(t *testing.T) {
	w := newWorld(t)
	a := w.up("s", 1, 95, 0)
	a.Event.Uplink.Simulated = true
	w.carry(a)
	cases, err := w.store.Cases(t.Context(), false, 10)
	if err != nil || len(cases) != 0 || len(w.readings()) != 1 {
		t.Errorf("cases %v, readings %d, %v", cases, len(w.readings()), err)
	}
}

// Frames sent by hand belong to no session: they must not push the real ones out.
func TestSimulatedLeavesSessionsAlone(t *testing.T) {
	w := newWorld(t)
	arrivals := []city.Arrival{w.up("real", 7, 50, 0)}
	for n := range 8 {
		a := w.up(fmt.Sprint("console ", n), 0, 50, time.Duration(n+1)*time.Minute)
		a.Event.Uplink.Simulated = true
		arrivals = append(arrivals, a)
	}
	second := w.up("real", 7, 50, 2*time.Second) // another gateway's copy
	arrivals = append(arrivals, second, w.up("real", 8, 50, time.Hour))
	w.carry(append(arrivals, arrivals...)...)
	real := 0
	for _, r := range w.readings() {
		if !r.Simulated {
			real++
		}
	}
	if real != 2 || len(w.readings()) != 10 {
		t.Errorf("%d real readings of %d, want 2 of 10", real, len(w.readings()))
	}
}

// A clock of ours that was wrong for a while must not silence an asset for years.
func TestClockThatWasWrong(t *testing.T) {
	w := newWorld(t)
	future := w.up("s", 1, 50, 4*365*24*time.Hour)
	w.carry(future, w.up("s", 2, 95, time.Hour))
	cases, err := w.store.Cases(t.Context(), true, 10)
	if err != nil || len(cases) != 1 || w.readings()[1].Late {
		t.Errorf("cases %+v, readings %+v, %v", cases, w.readings(), err)
	}
}

// A device that was out of range sends what it has kept: readings of their own time, judged
// in order, each once however often it is sent.
func TestHistory(t *testing.T) {
	w := newWorld(t)
	kept := []city.Record{
		{Time: start.Add(2 * time.Hour), Values: []city.Value{{Quantity: city.FillLevel, Number: 96}}},
		{Time: start.Add(time.Hour), Values: []city.Value{{Quantity: city.FillLevel, Number: 95}}},
	}
	decoded := func(n int, level byte, at time.Duration) city.Arrival {
		a := w.up("s", uint32(n), level, at)
		a.Event.Uplink.FPort = 2 // the model's port for memory, see oneByte
		w.history = kept
		return a
	}
	w.carry(w.up("s", 1, 50, 0))
	w.carry(decoded(2, 20, 3*time.Hour))
	w.carry(decoded(3, 21, 4*time.Hour))
	var levels []float64
	for _, r := range w.readings() {
		n, _ := r.Value(city.FillLevel)
		levels = append(levels, n)
		if (n > 90) != (r.Time.Source == city.TimeDevice) || r.Late {
			t.Errorf("reading %+v", r)
		}
	}
	if fmt.Sprint(levels) != "[50 95 96 20 21]" {
		t.Errorf("levels %v", levels)
	}
	cases, err := w.store.Cases(t.Context(), false, 10)
	if err != nil || len(cases) != 1 || !cases[0].Case.Since.Equal(start.Add(time.Hour)) || cases[0].Case.Wanted() {
		t.Errorf("want one case, open from the kept reading until now: %+v, %v", cases, err)
	}
}

func TestCasesOpenAndCloseOnce(t *testing.T) {
	w := newWorld(t)
	levels := []byte{50, 95, 96, 97, 20, 95, 10, 40}
	var arrivals []city.Arrival
	for n, level := range levels {
		arrivals = append(arrivals, w.up("s", uint32(n), level, time.Duration(n)*time.Hour))
	}
	for _, a := range arrivals { // a restart before each
		w.carry(a)
	}
	w.carry(arrivals...) // everything once more
	cases, err := w.store.Cases(t.Context(), false, 10)
	if err != nil || len(cases) != 2 {
		t.Fatalf("want two cases, got %+v, %v", cases, err)
	}
	for _, c := range cases {
		if c.Case.Wanted() || c.Case.Value != 95 || c.Case.Asset != "PK-1" || c.Ticket.State != city.TicketQueued {
			t.Errorf("case %+v", c)
		}
	}
}

func TestCasesOfOneBatch(t *testing.T) {
	w := newWorld(t)
	w.carry(w.up("s", 1, 95, 0), w.up("s", 2, 20, time.Hour), w.up("s", 3, 99, 2*time.Hour))
	open, err := w.store.Cases(t.Context(), true, 10)
	if err != nil || len(open) != 1 || open[0].Case.Value != 99 {
		t.Errorf("open: %+v, %v", open, err)
	}
}

func TestReplay(t *testing.T) {
	w := newWorld(t)
	broken := w.up("s", 1, 0xff, 0)
	w.carry(broken)
	mended := broken
	mended.Replay = true
	w.carry(mended)
	if a := w.asides(); len(a) != 1 || a[0].Count != 1 {
		t.Fatalf("a replay that fails again leaves the entry as it is, got %+v", a)
	}
	mended.Event.Uplink.Payload = []byte{42} // stands for a mended decoder
	w.carry(mended, mended)
	if a := w.asides(); len(a) != 0 {
		t.Errorf("still set aside: %+v", a)
	}
	if r := w.readings(); len(r) != 1 || r[0].Values[0].Number != 42 {
		t.Errorf("readings %+v", r)
	}
	if kept, _, err := w.store.Frame(t.Context(), sensor, 1, 1, broken.Event.Uplink.Ident); err != nil || kept.Fate != city.FateRead {
		t.Errorf("frame %+v, %v", kept, err)
	}
}

// Whatever a set-aside message turns out to be, it is done with.
func TestReplayOfWhatIsNoReading(t *testing.T) {
	for name, change := range map[string]func(w *world, a *city.Arrival){
		"device info": func(_ *world, a *city.Arrival) { a.Event.Uplink.Payload = []byte{0xfe} },
		"join":        func(w *world, a *city.Arrival) { a.Event = w.join("s", 0).Event },
		"status":      func(_ *world, a *city.Arrival) { a.Event.Kind = city.EventStatus },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := w.up("s", 1, 0xff, 0)
			w.carry(a)
			a.Replay = true
			change(w, &a)
			w.carry(a)
			if left := w.asides(); len(left) != 0 {
				t.Errorf("still set aside: %+v", left)
			}
		})
	}
}

// flaky fails commits: before they are written, or after, when only the answer is lost.
type flaky struct {
	*sqlite.Store
	n int
}

func (f *flaky) Commit(ctx context.Context, c *city.Commit) error {
	f.n++
	switch f.n % 3 {
	case 1:
		return errors.New("disk full")
	case 2:
		return errors.Join(f.Store.Commit(ctx, c), errors.New("answer lost"))
	}
	return f.Store.Commit(ctx, c)
}

func TestStoreThatFails(t *testing.T) {
	w := newWorld(t)
	var arrivals []city.Arrival
	for n := range uint32(50) {
		arrivals = append(arrivals, w.up("s", n, 95-90*byte(n%2), time.Duration(n)*time.Hour))
	}
	for i := 0; i < len(arrivals); i += 25 {
		w.carryWith(&flaky{Store: w.store}, arrivals[i:i+25]...)
	}
	cases, err := w.store.Cases(t.Context(), false, 100)
	if err != nil || len(w.readings()) != 50 || len(cases) != 25 || w.acks.n != 50 {
		t.Errorf("%d readings, %d cases, %d acknowledgements, %v; want 50, 25, 50", len(w.readings()), len(cases), w.acks.n, err)
	}
}

// dead never works.
type dead struct{ pipeline.Store }

func (dead) Mark(context.Context) (city.Mark, error) { return city.Mark{}, errors.New("gone") }

func TestStopDoesNotWaitForADeadStore(t *testing.T) {
	cfg := pipeline.DefaultConfig()
	cfg.Grace = 10 * time.Millisecond
	road := pipeline.New(cfg, pipeline.Parts{Store: dead{}, Follow: func(*city.Commit) {}}, zerolog.Nop(), prometheus.NewRegistry())
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := road.Run(ctx); err == nil {
		t.Error("want an error that says what failed")
	}
}
