package network

import (
	"fmt"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// sensor is a device as far as these tests need one: it makes frames, and reads those it is
// sent. It decides nothing.
type sensor struct {
	t testing.TB
	Device
	nonce   uint16
	rj0     uint16
	session lorawan.Session
	up      uint32
	down    uint32 // counters that it has seen, plus one
	appDown uint32
	ack     bool
	conf    uint32
	accept  lorawan.JoinAccept
	sent    lorawan.Data
}

const (
	testHz = 868300000
	testDR = 5
)

var (
	testStart = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	testNet   = lorawan.NetID{0, 0, 0x13}
	gatewayA  = city.EUI{2, 0, 0, 0, 0, 0, 0, 0xa}
	gatewayB  = city.EUI{2, 0, 0, 0, 0, 0, 0, 0xb}
)

func newSensor(t testing.TB, n byte, v lorawan.Version) *sensor {
	s := &sensor{t: t, Device: Device{
		DevEUI: city.EUI{0xa8, 0x40, 7: n}, JoinEUI: city.EUI{0xa0, 7: 1}, Version: v, AppKey: lorawan.Key{1, n},
	}}
	if v == lorawan.V1_1 {
		s.NwkKey = lorawan.Key{2, n}
	}
	return s
}

// personalised makes it a device that does not join.
func (s *sensor) personalised(n byte) *sensor {
	s.session = lorawan.Session10(s.Version, lorawan.DevAddr{0x26, 1, 2, n}, lorawan.Key{3, n}, lorawan.Key{4, n})
	if s.Version == lorawan.V1_1 {
		s.session.SNwkSIntKey, s.session.NwkSEncKey = lorawan.Key{5, n}, lorawan.Key{6, n}
	}
	keys := s.session
	s.Personalised = &keys
	return s
}

func (s *sensor) joinRequest() []byte {
	return lorawan.JoinRequest{JoinEUI: s.JoinEUI, DevEUI: s.DevEUI, DevNonce: s.nonce}.Seal(nil, s.root())
}

// joined takes the join-accept of a result.
func (s *sensor) joined(res Result) {
	s.t.Helper()
	s.granted(res, lorawan.JoinRequest{JoinEUI: s.JoinEUI, DevEUI: s.DevEUI, DevNonce: s.nonce}.Ask())
	s.nonce++
}

func (s *sensor) granted(res Result, ask lorawan.JoinAsk) {
	s.t.Helper()
	if res.Kind != Joined || res.Down == nil || !res.Down.Join {
		s.t.Fatalf("want a join-accept, got %s %v", res.Kind, res.Complaints)
	}
	acc, err := lorawan.OpenJoinAccept(res.Down.Frame, s.root(), ask)
	if err != nil {
		s.t.Fatal(err)
	}
	s.accept, s.session = acc, acc.Session(s.Version, s.root(), s.AppKey, ask)
	s.up, s.down, s.appDown, s.rj0 = 0, 0, 0, 0
}

// frame makes an uplink for DR5 on 868.3 MHz, which is channel 1. Its counter is the next.
func (s *sensor) frame(d lorawan.Data, commands ...lorawan.Command) []byte {
	s.t.Helper()
	if d.MType == 0 {
		d.MType = lorawan.UnconfirmedUp
	}
	options, err := lorawan.AppendCommands(nil, commands...)
	if err != nil {
		s.t.Fatal(err)
	}
	d.DevAddr, d.FCnt, d.FOpts = s.session.DevAddr, s.up, options
	d.FCtrl.ACK = s.ack
	s.ack, s.sent = false, d
	s.up++
	f, err := s.session.Seal(nil, d, lorawan.Binding{ConfFCnt: s.conf, DataRate: testDR, Channel: 1})
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// reading is a frame with a payload on port 2.
func (s *sensor) reading(payload string, commands ...lorawan.Command) []byte {
	return s.frame(lorawan.Data{HasPort: true, FPort: 2, FRMPayload: []byte(payload)}, commands...)
}

// hears reads the downlink of a result, checking integrity code and counter.
func (s *sensor) hears(res Result) (lorawan.Data, []lorawan.Command) {
	s.t.Helper()
	if res.Down == nil {
		s.t.Fatalf("no downlink: %s %v", res.Kind, res.Complaints)
	}
	d, err := lorawan.ParseData(res.Down.Frame)
	if err != nil {
		s.t.Fatal(err)
	}
	next := &s.down
	if s.Version == lorawan.V1_1 && d.HasPort && d.FPort > 0 {
		next = &s.appDown
	}
	if d, err = s.session.Verify(res.Down.Frame, *next, lorawan.Binding{ConfFCnt: s.sent.FCnt}); err != nil {
		s.t.Fatal(err)
	}
	if d.MType == lorawan.ConfirmedDown {
		s.ack, s.conf = true, *next
	}
	*next++
	raw, err := s.session.Commands(d)
	if err != nil {
		s.t.Fatal(err)
	}
	commands, _, err := lorawan.ParseCommands(lorawan.Down, raw)
	if err != nil {
		s.t.Fatal(err)
	}
	if d.FRMPayload, err = s.session.Payload(d); err != nil {
		s.t.Fatal(err)
	}
	return d, commands
}

// heard is one reception at DR5 on 868.3 MHz, n seconds after the start.
func heard(n int) []Reception {
	return []Reception{{
		Gateway: gatewayA, At: testStart.Add(time.Duration(n) * time.Second), Frequency: testHz, DataRate: testDR, RSSI: -90, SNR: 6,
	}}
}

func newServer(t testing.TB, cfg Config, sensors ...*sensor) *Server {
	t.Helper()
	cfg.NetID = testNet
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, dev := range sensors {
		if err := s.Register(dev.Device); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// join makes a session and leaves the sensor after its first uplink, introduced.
func join(t testing.TB, s *Server, dev *sensor) {
	t.Helper()
	dev.joined(s.Receive(dev.joinRequest(), heard(0)))
	var commands []lorawan.Command
	if dev.Version == lorawan.V1_1 {
		commands = append(commands, lorawan.RekeyInd{Minor: 1})
	}
	res := s.Receive(dev.reading("first", commands...), heard(10))
	accepted(t, res)
	if res.Down != nil {
		dev.hears(res)
	}
}

func accepted(t testing.TB, res Result) {
	t.Helper()
	if res.Kind != Accepted || len(res.Complaints) > 0 {
		t.Fatalf("got %s %v, want accepted", res.Kind, res.Complaints)
	}
}

func refused(t testing.TB, res Result, want Reason) {
	t.Helper()
	if res.Kind != Refused || len(res.Complaints) != 1 || res.Complaints[0].Reason != want {
		t.Fatalf("got %s %v, want refused: %s", res.Kind, res.Complaints, want)
	}
	if res.Down != nil {
		t.Fatal("a refused frame is answered")
	}
}

// versions runs a test for each version.
func versions(t *testing.T, test func(t *testing.T, v lorawan.Version)) {
	for _, v := range []lorawan.Version{lorawan.V1_0_3, lorawan.V1_0_4, lorawan.V1_1} {
		t.Run(fmt.Sprint(v), func(t *testing.T) { test(t, v) })
	}
}
