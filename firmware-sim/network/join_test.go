package network

import (
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

func TestJoin(t *testing.T) {
	versions(t, func(t *testing.T, v lorawan.Version) {
		dev := newSensor(t, 1, v)
		cfg := Config{RX1DROffset: 2, RX2DataRate: 3, RXDelay: 5, Channels: []uint32{867100000, 867300000, 867500000, 867700000, 867900000}}
		s := newServer(t, cfg, dev)
		res := s.Receive(dev.joinRequest(), heard(0))
		dev.joined(res)

		acc := dev.accept
		if acc.OptNeg != (v == lorawan.V1_1) || acc.JoinNonce != 1 || acc.NetID != testNet || !testNet.Holds(acc.DevAddr) ||
			acc.RX1DROffset != 2 || acc.RX2DataRate != 3 || acc.RXDelay != 5 || !acc.HasCFList {
			t.Errorf("join-accept %+v", acc)
		}
		if hz, err := acc.CFList.Frequencies(); err != nil || hz != [5]uint32(cfg.Channels) {
			t.Errorf("CFList %v, %v", hz, err)
		}
		w := res.Down.Windows
		if len(w) != 2 ||
			w[0] != (Window{Number: 1, At: testStart.Add(5 * time.Second), After: 5 * time.Second, Frequency: testHz, DataRate: 5, Power: 16}) ||
			w[1] != (Window{Number: 2, At: testStart.Add(6 * time.Second), After: 6 * time.Second, Frequency: 869525000, DataRate: 0, Power: 29}) {
			t.Errorf("windows %+v", w)
		}

		var introduce []lorawan.Command
		if v == lorawan.V1_1 {
			introduce = append(introduce, lorawan.RekeyInd{Minor: 1})
		}
		res = s.Receive(dev.reading("hallo", introduce...), heard(10))
		accepted(t, res)
		if string(res.Payload) != "hallo" || res.FPort != 2 || res.FCnt != 0 || res.DevEUI != dev.DevEUI || res.Version != v || res.Epoch != 1 || res.Channel != 1 || res.Lost != 0 {
			t.Errorf("result %+v", res)
		}
		if v != lorawan.V1_1 {
			if res.Down != nil {
				t.Errorf("a downlink for nothing: %+v", res.Down)
			}
		} else if _, commands := dev.hears(res); len(commands) != 1 || commands[0] != (lorawan.RekeyConf{Minor: 1}) {
			t.Errorf("commands %+v, want RekeyConf", commands)
		}
		if n := len(s.Counted()); n != 0 {
			t.Errorf("complaints: %v", s.Counted())
		}
	})
}

// A join-accept may be lost: the session at hand lives until the next one is heard.
func TestJoinAcceptLost(t *testing.T) {
	versions(t, func(t *testing.T, v lorawan.Version) {
		dev := newSensor(t, 1, v)
		s := newServer(t, Config{}, dev)
		join(t, s, dev)
		old := dev.session
		s.Receive(dev.joinRequest(), heard(20))
		dev.nonce++
		res := s.Receive(dev.reading("still here"), heard(30))
		accepted(t, res)
		if res.Epoch != 1 {
			t.Errorf("epoch %d", res.Epoch)
		}
		dev.joined(s.Receive(dev.joinRequest(), heard(40)))
		res = s.Receive(dev.reading("anew", rekey(v)...), heard(50))
		accepted(t, res)
		if res.Epoch != 3 || res.FCnt != 0 {
			t.Errorf("epoch %d, counter %d", res.Epoch, res.FCnt)
		}
		dev.session, dev.up = old, 9
		refused(t, s.Receive(dev.reading("from the past"), heard(60)), UnknownAddress)
		if len(s.sessions) != 1 {
			t.Errorf("%d addresses are kept", len(s.sessions))
		}
	})
}

func rekey(v lorawan.Version) []lorawan.Command {
	if v == lorawan.V1_1 {
		return []lorawan.Command{lorawan.RekeyInd{Minor: 1}}
	}
	return nil
}

func TestJoinRefused(t *testing.T) {
	versions(t, func(t *testing.T, v lorawan.Version) {
		fixed := newSensor(t, 9, v).personalised(9)
		for _, c := range []struct {
			name string
			want Reason
			do   func(s *Server, dev *sensor) Result
		}{
			{"unknown", UnknownDevice, func(s *Server, dev *sensor) Result {
				dev.DevEUI[3] = 7
				return s.Receive(dev.joinRequest(), heard(0))
			}},
			{"other JoinEUI", WrongJoinEUI, func(s *Server, dev *sensor) Result {
				dev.JoinEUI[3] = 7
				return s.Receive(dev.joinRequest(), heard(0))
			}},
			{"other key", BadMIC, func(s *Server, dev *sensor) Result {
				dev.AppKey, dev.NwkKey = lorawan.Key{9}, lorawan.Key{9}
				return s.Receive(dev.joinRequest(), heard(0))
			}},
			{"nonce again", NonceUsed, func(s *Server, dev *sensor) Result {
				s.Receive(dev.joinRequest(), heard(0))
				return s.Receive(dev.joinRequest(), heard(10))
			}},
			{"nonce back", NonceUsed, func(s *Server, dev *sensor) Result {
				dev.nonce = 5
				s.Receive(dev.joinRequest(), heard(0))
				if v == lorawan.V1_0_3 { // random there: only the same one twice is wrong
					dev.nonce = 4
					dev.joined(s.Receive(dev.joinRequest(), heard(10)))
				}
				dev.nonce = 4
				return s.Receive(dev.joinRequest(), heard(20))
			}},
			{"personalised", NotJoining, func(s *Server, _ *sensor) Result {
				return s.Receive(fixed.joinRequest(), heard(0))
			}},
			{"not a channel to join on", WrongRadio, func(s *Server, dev *sensor) Result {
				h := heard(0)
				h[0].Frequency = 867100000
				return s.Receive(dev.joinRequest(), h)
			}},
			{"cut off", Malformed, func(s *Server, dev *sensor) Result {
				return s.Receive(dev.joinRequest()[:22], heard(0))
			}},
		} {
			t.Run(c.name, func(t *testing.T) {
				s := newServer(t, Config{}, newSensor(t, 1, v), fixed)
				refused(t, c.do(s, newSensor(t, 1, v)), c.want)
				if s.Counted()[c.want] != 1 {
					t.Errorf("counted %v", s.Counted())
				}
			})
		}
	})
}

func TestRejoin(t *testing.T) {
	for typ := uint8(0); typ <= 2; typ++ {
		t.Run(string('0'+rune(typ)), func(t *testing.T) {
			dev := newSensor(t, 1, lorawan.V1_1)
			s := newServer(t, Config{RXDelay: 3}, dev)
			join(t, s, dev)
			request := func(count uint16, net lorawan.NetID) ([]byte, lorawan.JoinAsk) {
				req := lorawan.RejoinRequest{Type: typ, NetID: net, DevEUI: dev.DevEUI, RJCount: count}
				key := dev.session.SNwkSIntKey
				if typ == 1 {
					req.NetID, req.JoinEUI = lorawan.NetID{}, dev.JoinEUI
					key = lorawan.JSIntKey(dev.NwkKey, dev.DevEUI)
				}
				f, err := req.Seal(nil, key)
				if err != nil {
					t.Fatal(err)
				}
				return f, req.Ask(dev.JoinEUI)
			}
			f, ask := request(0, testNet)
			res := s.Receive(f, heard(20))
			dev.granted(res, ask)
			if res.RejoinType != typ || res.Epoch != 2 || res.Down.Windows[0].After != lorawan.JoinAcceptDelay1 {
				t.Errorf("result %+v, windows %+v", res, res.Down.Windows)
			}
			old := dev.session
			res = s.Receive(dev.reading("again", lorawan.RekeyInd{Minor: 1}), heard(30))
			accepted(t, res)
			if res.Epoch != 2 {
				t.Errorf("epoch %d", res.Epoch)
			}
			if typ == 1 { // its counter is for the life of the device
				refused(t, s.Receive(f, heard(40)), NonceUsed)
				return
			}
			refused(t, s.Receive(f, heard(40)), BadMIC) // of the session before
			dev.session = old
			f, _ = request(0, lorawan.NetID{9})
			refused(t, s.Receive(f, heard(50)), WrongNetID)
			f, _ = request(3, testNet)
			h := heard(55)
			h[0].Frequency = 867100000
			refused(t, s.Receive(f, h), WrongRadio)
			f, _ = request(4, testNet)
			dev.granted(s.Receive(f, heard(60)), lorawan.RejoinRequest{Type: typ, NetID: testNet, DevEUI: dev.DevEUI, RJCount: 4}.Ask(dev.JoinEUI))
			refused(t, s.Receive(f, heard(70)), NonceUsed)
		})
	}
	t.Run("of 1.0", func(t *testing.T) {
		dev := newSensor(t, 1, lorawan.V1_0_4)
		s := newServer(t, Config{}, dev)
		join(t, s, dev)
		f, err := lorawan.RejoinRequest{NetID: testNet, DevEUI: dev.DevEUI}.Seal(nil, dev.session.SNwkSIntKey)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, s.Receive(f, heard(20)), NotJoining)
	})
	t.Run("forced", func(t *testing.T) {
		dev := newSensor(t, 1, lorawan.V1_1)
		s := newServer(t, Config{}, dev)
		join(t, s, dev)
		if err := s.Ask(dev.DevEUI, lorawan.ForceRejoinReq{MaxRetries: 2}); err != nil {
			t.Fatal(err)
		}
		_, commands := dev.hears(s.Receive(dev.reading("x"), heard(20)))
		if len(commands) != 1 || commands[0] != (lorawan.ForceRejoinReq{MaxRetries: 2}) {
			t.Fatalf("commands %+v", commands)
		}
		if res := s.Receive(dev.reading("y"), heard(30)); res.Down != nil {
			t.Error("it is asked twice")
		}
	})
}

func TestSharedAddress(t *testing.T) {
	a, b := newSensor(t, 1, lorawan.V1_0_3).personalised(1), newSensor(t, 2, lorawan.V1_1).personalised(2)
	c := newSensor(t, 3, lorawan.V1_0_4).personalised(3)
	for _, dev := range []*sensor{b, c} {
		dev.session.DevAddr = a.session.DevAddr
		dev.Personalised.DevAddr = a.session.DevAddr
	}
	s := newServer(t, Config{}, a, b, c)
	for i, dev := range []*sensor{c, a, b, a} {
		res := s.Receive(dev.reading("mine"), heard(10*i))
		if res.Kind != Accepted || res.DevEUI != dev.DevEUI || string(res.Payload) != "mine" {
			t.Errorf("frame %d: %+v", i, res)
		}
	}
	if !s.Forget(b.DevEUI) || s.Forget(b.DevEUI) {
		t.Error("b is not forgotten once")
	}
	refused(t, s.Receive(b.reading("gone"), heard(50)), BadMIC)
	accepted(t, s.Receive(c.reading("there"), heard(60)))
	s.Forget(a.DevEUI)
	s.Forget(c.DevEUI)
	if len(s.sessions) != 0 || len(s.devices) != 0 {
		t.Errorf("left: %d sessions, %d devices", len(s.sessions), len(s.devices))
	}
}

func TestRegister(t *testing.T) {
	good := newSensor(t, 1, lorawan.V1_0_4).Device
	for name, spoil := range map[string]func(*Device){
		"no DevEUI":      func(d *Device) { d.DevEUI = city.EUI{} },
		"no version":     func(d *Device) { d.Version = 0 },
		"no key":         func(d *Device) { d.AppKey = lorawan.Key{} },
		"reset and join": func(d *Device) { d.AllowReset = true },
		"other version":  func(d *Device) { d.Personalised = &lorawan.Session{Version: lorawan.V1_1} },
		"session keys":   func(d *Device) { d.Personalised = &lorawan.Session{Version: lorawan.V1_0_4} },
	} {
		t.Run(name, func(t *testing.T) {
			d := good
			spoil(&d)
			if newServer(t, Config{}).Register(d) == nil {
				t.Error("it is taken")
			}
		})
	}
	s := newServer(t, Config{}, newSensor(t, 1, lorawan.V1_0_4))
	if s.Register(good) == nil {
		t.Error("it is taken twice")
	}
}

func TestConfig(t *testing.T) {
	for name, cfg := range map[string]Config{
		"offset":        {RX1DROffset: 6},
		"RX2":           {RX2DataRate: 8},
		"RX2 frequency": {RX2Frequency: 870000000},
		"delay":         {RXDelay: 16},
		"duty cycle":    {MaxDutyCycle: 16},
		"default twice": {Channels: []uint32{868100000}},
		"out of band":   {Channels: []uint32{433000000}},
		"too many":      {Channels: make([]uint32, 14)},
		"status":        {StatusEvery: -1},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(cfg); err == nil {
				t.Error("it is taken")
			}
		})
	}
}
