package network

import (
	"bytes"
	"testing"
	"time"

	"meldefunk/city/lorawan"
)

func TestCounters(t *testing.T) {
	versions(t, func(t *testing.T, v lorawan.Version) {
		ready := func(t *testing.T) (*Server, *sensor) {
			dev := newSensor(t, 1, v)
			s := newServer(t, Config{}, dev)
			join(t, s, dev)
			return s, dev
		}
		t.Run("gap", func(t *testing.T) {
			s, dev := ready(t)
			dev.up = 8
			res := s.Receive(dev.reading("x"), heard(20))
			accepted(t, res)
			if res.Lost != 7 || res.FCnt != 8 {
				t.Errorf("lost %d, counter %d", res.Lost, res.FCnt)
			}
		})
		t.Run("first frames lost", func(t *testing.T) {
			dev := newSensor(t, 1, v)
			s := newServer(t, Config{}, dev)
			dev.joined(s.Receive(dev.joinRequest(), heard(0)))
			dev.up = 3
			if res := s.Receive(dev.reading("x", rekey(v)...), heard(20)); res.Kind != Accepted || res.Lost != 3 {
				t.Errorf("%s, lost %d", res.Kind, res.Lost)
			}
		})
		t.Run("more than 16 bits", func(t *testing.T) {
			s, dev := ready(t)
			for _, up := range []uint32{16000, 32000, 48000, 64000, 65535, 65536, 70000, 86000, 102000, 118000, 131071, 131072} {
				dev.up = up
				res := s.Receive(dev.reading("x"), heard(20))
				accepted(t, res)
				if res.FCnt != up || string(res.Payload) != "x" {
					t.Fatalf("counter %d, want %d; payload %q", res.FCnt, up, res.Payload)
				}
			}
		})
		t.Run("too far", func(t *testing.T) {
			s, dev := ready(t)
			dev.up = 16385
			res := s.Receive(dev.reading("x"), heard(20))
			if v == lorawan.V1_0_3 {
				refused(t, res, CounterGap)
			} else {
				accepted(t, res)
			}
		})
		t.Run("played again", func(t *testing.T) {
			s, dev := ready(t)
			old := dev.reading("old")
			accepted(t, s.Receive(old, heard(20)))
			accepted(t, s.Receive(dev.reading("new"), heard(30)))
			res := s.Receive(old, heard(40))
			refused(t, res, CounterBack)
			if res.DevEUI != dev.DevEUI {
				t.Error("it does not say whose frame it is")
			}
		})
		t.Run("same counter", func(t *testing.T) {
			s, dev := ready(t)
			accepted(t, s.Receive(dev.reading("old"), heard(20)))
			dev.up--
			refused(t, s.Receive(dev.reading("new"), heard(30)), CounterReused)
		})
		t.Run("repeated", func(t *testing.T) {
			s, dev := ready(t)
			f := dev.reading("x")
			accepted(t, s.Receive(f, heard(20)))
			res := s.Receive(f, heard(22))
			if res.Kind != Repeated || res.Down != nil || res.Payload != nil {
				t.Errorf("%+v", res)
			}
			// On another channel its integrity code is another one in 1.1.
			f, err := dev.session.Seal(nil, dev.sent, lorawan.Binding{DataRate: testDR, Channel: 2})
			if err != nil {
				t.Fatal(err)
			}
			h := heard(24)
			h[0].Frequency = 868500000
			if res := s.Receive(f, h); res.Kind != Repeated {
				t.Errorf("%s %v", res.Kind, res.Complaints)
			}
			accepted(t, s.Receive(dev.reading("y"), heard(30)))
		})
	})
}

func TestReset(t *testing.T) {
	for _, c := range []struct {
		name   string
		v      lorawan.Version
		last   uint32
		first  uint32
		allow  bool
		reason Reason
	}{
		{"not allowed", lorawan.V1_0_3, 500, 0, false, CounterBack},
		{"allowed", lorawan.V1_0_3, 500, 0, true, 0},
		{"allowed, frames lost", lorawan.V1_0_4, 500, 3, true, 0},
		{"allowed, beyond 16 bits", lorawan.V1_0_4, 200000, 0, true, 0},
		{"same counter", lorawan.V1_0_4, 3, 3, true, 0},
		{"not allowed, beyond 16 bits", lorawan.V1_0_4, 200000, 0, false, BadMIC},
		{"of 1.1", lorawan.V1_1, 500, 0, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dev := newSensor(t, 1, c.v).personalised(1)
			dev.AllowReset = c.allow
			s := newServer(t, Config{}, dev)
			for up := uint32(29999); up < c.last; up += 29999 { // counters beyond 16 bits are reached in steps
				dev.up = up
				accepted(t, s.Receive(dev.reading("far"), heard(0)))
			}
			dev.up = c.last
			accepted(t, s.Receive(dev.reading("before"), heard(10)))
			dev.up = c.first
			res := s.Receive(dev.reading("after"), heard(20))
			if c.reason != 0 {
				refused(t, res, c.reason)
				return
			}
			accepted(t, res)
			if res.Epoch != 2 || res.FCnt != c.first || string(res.Payload) != "after" {
				t.Errorf("epoch %d, counter %d, payload %q", res.Epoch, res.FCnt, res.Payload)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	versions(t, func(t *testing.T, v lorawan.Version) {
		for _, c := range []struct {
			name string
			want Reason
			do   func(s *Server, dev *sensor) Result
		}{
			{"other address", UnknownAddress, func(s *Server, dev *sensor) Result {
				dev.session.DevAddr[3] ^= 1
				return s.Receive(dev.reading("x"), heard(20))
			}},
			{"bit flipped", BadMIC, func(s *Server, dev *sensor) Result {
				f := dev.reading("x")
				f[10] ^= 1
				return s.Receive(f, heard(20))
			}},
			{"other key", BadMIC, func(s *Server, dev *sensor) Result {
				dev.session.FNwkSIntKey[3] ^= 1
				return s.Receive(dev.reading("x"), heard(20))
			}},
			{"downlink", Malformed, func(s *Server, dev *sensor) Result {
				return s.Receive(dev.frame(lorawan.Data{MType: lorawan.UnconfirmedDown}), heard(20))
			}},
			{"join-accept", Malformed, func(s *Server, dev *sensor) Result {
				return s.Receive([]byte{0x20, 1, 2, 3}, heard(20))
			}},
			{"proprietary", Malformed, func(s *Server, dev *sensor) Result {
				return s.Receive([]byte{0xe0, 1, 2, 3}, heard(20))
			}},
			{"nothing", Malformed, func(s *Server, dev *sensor) Result { return s.Receive(nil, heard(20)) }},
			{"nobody", Malformed, func(s *Server, dev *sensor) Result { return s.Receive(dev.reading("x"), nil) }},
			{"port", BadPort, func(s *Server, dev *sensor) Result {
				return s.Receive(dev.frame(lorawan.Data{HasPort: true, FPort: 225}), heard(20))
			}},
			{"frequency", WrongRadio, func(s *Server, dev *sensor) Result {
				h := heard(20)
				h[0].Frequency = 867100000
				return s.Receive(dev.reading("x"), h)
			}},
			{"no frequency", WrongRadio, func(s *Server, dev *sensor) Result {
				h := heard(20)
				h[0].Frequency = 0
				return s.Receive(dev.reading("x"), h)
			}},
			{"data rate", WrongRadio, func(s *Server, dev *sensor) Result {
				h := heard(20)
				h[0].DataRate = 6
				return s.Receive(dev.reading("x"), h)
			}},
		} {
			t.Run(c.name, func(t *testing.T) {
				dev := newSensor(t, 1, v)
				s := newServer(t, Config{}, dev)
				join(t, s, dev)
				refused(t, c.do(s, dev), c.want)
			})
		}
	})
	t.Run("too long", func(t *testing.T) {
		dev := newSensor(t, 1, lorawan.V1_0_4)
		s := newServer(t, Config{}, dev)
		join(t, s, dev)
		h := heard(20)
		h[0].DataRate = 2
		refused(t, s.Receive(dev.frame(lorawan.Data{HasPort: true, FPort: 1, FRMPayload: make([]byte, 52)}), h), TooLong)
		accepted(t, s.Receive(dev.frame(lorawan.Data{HasPort: true, FPort: 1, FRMPayload: make([]byte, 51)}), h))
	})
	t.Run("data rate and channel lie in 1.1", func(t *testing.T) {
		dev := newSensor(t, 1, lorawan.V1_1)
		s := newServer(t, Config{}, dev)
		join(t, s, dev)
		h := heard(20)
		h[0].DataRate = 4
		refused(t, s.Receive(dev.reading("x"), h), BadMIC)
		h = heard(20)
		h[0].Frequency = 868100000
		refused(t, s.Receive(dev.reading("y"), h), BadMIC)
	})
}

func TestConfirmedUplink(t *testing.T) {
	versions(t, func(t *testing.T, v lorawan.Version) {
		dev := newSensor(t, 1, v)
		s := newServer(t, Config{}, dev)
		join(t, s, dev)
		f := dev.frame(lorawan.Data{MType: lorawan.ConfirmedUp, HasPort: true, FPort: 1})
		for i := range 3 { // the answer may be lost, and each has its own counter
			d, _ := dev.hears(s.Receive(f, heard(20+i)))
			if !d.FCtrl.ACK || d.MType != lorawan.UnconfirmedDown || d.HasPort {
				t.Errorf("downlink %+v", d)
			}
		}
		if res := s.Receive(dev.reading("x"), heard(30)); res.Down != nil {
			t.Error("what wants no answer has got one")
		}
		if d, _ := dev.hears(s.Receive(dev.frame(lorawan.Data{FCtrl: lorawan.FCtrl{ADR: true, ADRACKReq: true}}), heard(40))); d.FCtrl.ACK {
			t.Error("ADRACKReq is acknowledged")
		}
	})
}

func TestConfirmedDownlink(t *testing.T) {
	versions(t, func(t *testing.T, v lorawan.Version) {
		dev := newSensor(t, 1, v)
		s := newServer(t, Config{}, dev)
		join(t, s, dev)
		for id := uint64(1); id <= 3; id++ {
			if err := s.Queue(dev.DevEUI, Item{ID: id, Port: 85, Payload: []byte{byte(id)}, Confirmed: id < 3}); err != nil {
				t.Fatal(err)
			}
		}
		res := s.Receive(dev.reading("a"), heard(20))
		d, _ := dev.hears(res)
		if res.Down.Item != 1 || d.MType != lorawan.ConfirmedDown || d.FPort != 85 || !bytes.Equal(d.FRMPayload, []byte{1}) || !d.FCtrl.Pending {
			t.Errorf("downlink %+v, %+v", res.Down, d)
		}
		f := dev.reading("b")
		res = s.Receive(f, heard(30))
		accepted(t, res)
		if res.Ack == nil || *res.Ack != (Ack{ID: 1, FCnt: d.FCnt, Acknowledged: true}) {
			t.Errorf("ack %+v", res.Ack)
		}
		// A repeat of the frame that acknowledged still does, though another downlink was
		// sent meanwhile, which it cannot know.
		if res := s.Receive(f, heard(32)); res.Kind != Repeated {
			t.Errorf("%s %v", res.Kind, res.Complaints)
		}
		dev.hears(res)
		dev.ack = false // it does not hear the second
		res = s.Receive(dev.reading("c"), heard(40))
		accepted(t, res)
		if res.Ack == nil || res.Ack.ID != 2 || res.Ack.Acknowledged {
			t.Errorf("ack %+v", res.Ack)
		}
		if d, _ := dev.hears(res); d.MType != lorawan.UnconfirmedDown || d.FCtrl.Pending {
			t.Errorf("downlink %+v", d)
		}
		res = s.Receive(dev.reading("d"), heard(50))
		accepted(t, res)
		if res.Ack != nil || res.Down != nil {
			t.Errorf("%+v", res)
		}
		dev.ack = true
		if res = s.Receive(dev.reading("e"), heard(60)); res.Kind != Accepted || s.Counted()[UnaskedACK] != 1 {
			t.Errorf("%s %v", res.Kind, res.Complaints)
		}
	})
}

// A session that ends leaves no downlink without a verdict.
func TestConfirmedDownlinkAcrossSessions(t *testing.T) {
	confirmed := func(t *testing.T, s *Server, dev *sensor) {
		t.Helper()
		if err := s.Queue(dev.DevEUI, Item{ID: 5, Port: 85, Confirmed: true}); err != nil {
			t.Fatal(err)
		}
		dev.hears(s.Receive(dev.reading("a"), heard(20)))
		dev.ack = false // it is switched off before it can say so
	}
	unknown := func(t *testing.T, res Result) {
		t.Helper()
		accepted(t, res)
		if res.Ack == nil || res.Ack.ID != 5 || res.Ack.Acknowledged {
			t.Errorf("ack %+v", res.Ack)
		}
	}
	t.Run("join", func(t *testing.T) {
		versions(t, func(t *testing.T, v lorawan.Version) {
			dev := newSensor(t, 1, v)
			s := newServer(t, Config{}, dev)
			join(t, s, dev)
			confirmed(t, s, dev)
			dev.joined(s.Receive(dev.joinRequest(), heard(30)))
			unknown(t, s.Receive(dev.reading("b", rekey(v)...), heard(40)))
		})
	})
	t.Run("reset", func(t *testing.T) {
		dev := newSensor(t, 1, lorawan.V1_0_3).personalised(1)
		dev.AllowReset = true
		s := newServer(t, Config{}, dev)
		dev.up = 7
		confirmed(t, s, dev)
		dev.up = 0
		unknown(t, s.Receive(dev.reading("b"), heard(40)))
	})
}

func TestQueue(t *testing.T) {
	dev := newSensor(t, 1, lorawan.V1_0_4)
	s := newServer(t, Config{}, dev)
	for name, it := range map[string]Item{"port 0": {}, "port 224": {Port: 224}, "too long": {Port: 1, Payload: make([]byte, 243)}} {
		if s.Queue(dev.DevEUI, it) == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if s.Queue(gatewayA, Item{Port: 1}) == nil {
		t.Error("it is taken for a device that is not there")
	}
	for range maxQueue {
		if err := s.Queue(dev.DevEUI, Item{Port: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if s.Queue(dev.DevEUI, Item{Port: 1}) == nil {
		t.Error("the queue has no end")
	}
}

// What does not fit one window is sent in the other, and what fits neither is given up.
func TestWindows(t *testing.T) {
	for _, c := range []struct {
		name    string
		cfg     Config
		dr      uint8
		size    int
		windows []uint8
	}{
		{"both", Config{}, 5, 51, []uint8{1, 2}},
		{"the first", Config{}, 5, 52, []uint8{1}},
		{"the second", Config{RX2DataRate: 3}, 0, 115, []uint8{2}},
		{"lower by the offset", Config{RX1DROffset: 3}, 5, 116, nil},
		{"neither", Config{}, 0, 52, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dev := newSensor(t, 1, lorawan.V1_0_4)
			s := newServer(t, c.cfg, dev)
			join(t, s, dev)
			if err := s.Queue(dev.DevEUI, Item{Port: 1, Payload: make([]byte, c.size)}); err != nil {
				t.Fatal(err)
			}
			h := heard(20)
			h[0].DataRate = c.dr
			res := s.Receive(dev.reading("x"), h)
			if c.windows == nil {
				if res.Down != nil || s.Counted()[DownlinkTooBig] != 1 || len(s.devices[dev.DevEUI].Queue) != 0 {
					t.Errorf("%+v %v", res.Down, s.Counted())
				}
				return
			}
			dev.hears(res)
			var got []uint8
			for _, w := range res.Down.Windows {
				got = append(got, w.Number)
			}
			if !bytes.Equal(got, c.windows) {
				t.Errorf("windows %v, want %v", got, c.windows)
			}
		})
	}
}

func TestBestGateway(t *testing.T) {
	dev := newSensor(t, 1, lorawan.V1_0_4)
	s := newServer(t, Config{}, dev)
	join(t, s, dev)
	h := append(heard(20), heard(20)...)
	h[0].SNR, h[1].SNR, h[1].Gateway, h[1].Timestamp = -3, 4, gatewayB, 77
	h[1].At = h[1].At.Add(time.Microsecond)
	res := s.Receive(dev.frame(lorawan.Data{MType: lorawan.ConfirmedUp}), h)
	if res.Best != 1 || res.Down.Uplink != h[1] || !res.Down.Windows[0].At.Equal(h[1].At.Add(time.Second)) {
		t.Errorf("%+v", res)
	}
}

// A device of 1.1 whose AppSKey belongs to the city alone.
func TestEncryptedPayload(t *testing.T) {
	dev := newSensor(t, 1, lorawan.V1_1)
	dev.AppKey = lorawan.Key{} // the network is not told
	s := newServer(t, Config{}, dev)
	dev.AppKey = lorawan.Key{1, 1}
	dev.joined(s.Receive(dev.joinRequest(), heard(0)))
	f := dev.reading("secret", rekey(dev.Version)...)
	res := s.Receive(f, heard(10))
	accepted(t, res)
	plain := make([]byte, len(res.Payload))
	lorawan.CryptPayload(plain, res.Payload, dev.session.AppSKey, lorawan.Up, dev.session.DevAddr, 0)
	if !res.Encrypted || string(plain) != "secret" {
		t.Errorf("encrypted %v, %q", res.Encrypted, plain)
	}
	if err := s.Queue(dev.DevEUI, Item{Port: 1, Payload: []byte{1}}); err != nil {
		t.Fatal(err)
	}
	if res := s.Receive(dev.reading("x"), heard(20)); res.Down != nil || s.Counted()[NoKey] != 1 {
		t.Errorf("downlink %+v, %v", res.Down, s.Counted())
	}
}
