package network

import (
	"reflect"
	"testing"
	"time"

	"meldefunk/city/lorawan"
)

func TestAnswers(t *testing.T) {
	versions(t, func(t *testing.T, v lorawan.Version) {
		dev := newSensor(t, 1, v)
		s := newServer(t, Config{}, dev)
		join(t, s, dev)
		h := append(heard(20), heard(20)...)
		h[1].Gateway, h[1].SNR = gatewayB, -2
		_, got := dev.hears(s.Receive(dev.reading("x", lorawan.LinkCheckReq{}, lorawan.DeviceTimeReq{}, lorawan.LinkCheckReq{}), h))
		want := []lorawan.Command{
			lorawan.LinkCheckAns{Margin: 14, Gateways: 2}, // 6 dB of -7.5 dB, rounded up
			lorawan.DeviceTimeAns{SinceGPSEpoch: lorawan.SinceGPSEpoch(h[0].At)},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("answers %+v, want %+v", got, want)
		}
		if n := len(s.Counted()); n != 0 {
			t.Errorf("complaints %v", s.Counted())
		}
	})
}

// What the network wants and the device has not is asked for until it is so.
func TestRequests(t *testing.T) {
	cfg := Config{
		RX1DROffset: 1, RX2DataRate: 3, RX2Frequency: 869475000, RXDelay: 4, MaxDutyCycle: 7,
		Channels: []uint32{867100000, 867300000, 867500000, 867700000, 867900000, 868850000}, StatusEvery: 24 * time.Hour,
	}
	versions(t, func(t *testing.T, v lorawan.Version) {
		dev := newSensor(t, 1, v).personalised(1)
		s := newServer(t, cfg, dev)
		asked := map[lorawan.CID]int{}
		var answers []lorawan.Command
		var status *DeviceStatus
		for i := range 10 {
			res := s.Receive(dev.reading("x", answers...), heard(10*i))
			accepted(t, res)
			if res.Status != nil {
				status = res.Status
			}
			answers = nil
			if res.Down == nil {
				break
			}
			_, requests := dev.hears(res)
			for _, req := range requests {
				asked[req.CID()]++
				answers = append(answers, yes(t, req))
			}
		}
		want := map[lorawan.CID]int{
			lorawan.CIDRXParamSetup: 1, lorawan.CIDRXTimingSetup: 1, lorawan.CIDNewChannel: 6, lorawan.CIDDutyCycle: 1, lorawan.CIDDevStatus: 1,
		}
		if !reflect.DeepEqual(asked, want) {
			t.Errorf("asked %v, want %v", asked, want)
		}
		if status == nil || *status != (DeviceStatus{Battery: 200, Margin: -7}) {
			t.Errorf("status %+v", status)
		}
		// All of it has come true.
		h := heard(100)
		h[0].Frequency, h[0].DataRate = 868850000, 5
		d := lorawan.Data{MType: lorawan.ConfirmedUp, DevAddr: dev.session.DevAddr, FCnt: dev.up}
		f, err := dev.session.Seal(nil, d, lorawan.Binding{DataRate: 5, Channel: 8})
		if err != nil {
			t.Fatal(err)
		}
		dev.up++
		dev.sent = d
		res := s.Receive(f, h)
		accepted(t, res)
		w := res.Down.Windows
		if res.Channel != 8 || w[0].After != 4*time.Second || w[0].DataRate != 4 || w[0].Frequency != 868850000 ||
			w[1].After != 5*time.Second || w[1].DataRate != 3 || w[1].Frequency != 869475000 {
			t.Errorf("channel %d, windows %+v", res.Channel, w)
		}
		dev.hears(res)
		if res := s.Receive(dev.reading("x"), heard(24*3600)); res.Down != nil {
			t.Error("the status is asked for too early")
		}
		if _, requests := dev.hears(s.Receive(dev.reading("x"), heard(24*3600+100))); len(requests) != 1 || requests[0] != (lorawan.DevStatusReq{}) {
			t.Errorf("a day later: %+v", requests)
		}
	})
}

// yes is the answer of a device that does what it is asked.
func yes(t *testing.T, req lorawan.Command) lorawan.Command {
	t.Helper()
	switch req.(type) {
	case lorawan.LinkADRReq:
		return lorawan.LinkADRAns{ChannelMask: true, DataRate: true, Power: true}
	case lorawan.DutyCycleReq:
		return lorawan.DutyCycleAns{}
	case lorawan.RXParamSetupReq:
		return lorawan.RXParamSetupAns{Channel: true, RX2DataRate: true, RX1DROffset: true}
	case lorawan.DevStatusReq:
		return lorawan.DevStatusAns{Battery: 200, Margin: -7}
	case lorawan.NewChannelReq:
		return lorawan.NewChannelAns{Frequency: true, DataRates: true}
	case lorawan.RXTimingSetupReq:
		return lorawan.RXTimingSetupAns{}
	case lorawan.DLChannelReq:
		return lorawan.DLChannelAns{Frequency: true, UplinkExists: true}
	case lorawan.ADRParamSetupReq:
		return lorawan.ADRParamSetupAns{}
	case lorawan.RejoinParamSetupReq:
		return lorawan.RejoinParamSetupAns{}
	case lorawan.TXParamSetupReq:
		return lorawan.TXParamSetupAns{}
	}
	t.Fatalf("no answer to %T", req)
	return nil
}

// Requests that are not answered are sent again, ever less often; those declined are not.
func TestUnanswered(t *testing.T) {
	dev := newSensor(t, 1, lorawan.V1_0_4)
	s := newServer(t, Config{}, dev)
	join(t, s, dev)
	s.cfg.MaxDutyCycle = 3
	var sent []int
	for i := range 40 {
		res := s.Receive(dev.reading("x"), heard(20+i))
		accepted(t, res)
		if res.Down != nil {
			dev.hears(res)
			sent = append(sent, i)
		}
	}
	if want := []int{0, 2, 6, 14, 30}; !reflect.DeepEqual(sent, want) {
		t.Errorf("asked after uplinks %v, want %v", sent, want)
	}
}

func TestDeclined(t *testing.T) {
	dev := newSensor(t, 1, lorawan.V1_0_4)
	s := newServer(t, Config{RX2Frequency: 869475000}, dev)
	dev.joined(s.Receive(dev.joinRequest(), heard(0)))
	dev.hears(s.Receive(dev.reading("x"), heard(10)))
	res := s.Receive(dev.reading("x", lorawan.RXParamSetupAns{RX2DataRate: true, RX1DROffset: true}), heard(20))
	if res.Kind != Accepted || s.Counted()[AnswerRefused] != 1 {
		t.Fatalf("%s %v", res.Kind, res.Complaints)
	}
	if _, requests := dev.hears(res); len(requests) != 0 { // the answer is one that is repeated until a downlink comes
		t.Errorf("requests %+v", requests)
	}
	res = s.Receive(dev.frame(lorawan.Data{MType: lorawan.ConfirmedUp}), heard(30))
	if _, requests := dev.hears(res); len(requests) != 0 || res.Down.Windows[1].Frequency != 869525000 {
		t.Errorf("requests %+v, windows %+v", requests, res.Down.Windows)
	}
}

// Answers about windows are repeated until a downlink comes (L2 1.0.4 sections 5.4, 5.7).
func TestStickyAnswers(t *testing.T) {
	dev := newSensor(t, 1, lorawan.V1_0_4)
	s := newServer(t, Config{}, dev)
	join(t, s, dev)
	s.cfg.RXDelay = 3
	dev.hears(s.Receive(dev.reading("x"), heard(20)))
	for i := range 3 {
		res := s.Receive(dev.reading("x", lorawan.RXTimingSetupAns{}), heard(30+i))
		accepted(t, res)
		if res.Down == nil {
			t.Fatalf("answer %d is not confirmed", i)
		}
	}
	if res := s.Receive(dev.reading("x"), heard(40)); res.Down != nil {
		t.Error("a downlink for nothing")
	}
	s.Receive(dev.reading("x", lorawan.RXTimingSetupAns{}), heard(50))
	if s.Counted()[UnaskedAnswer] != 1 {
		t.Errorf("counted %v", s.Counted())
	}
}

func TestBadCommands(t *testing.T) {
	for _, c := range []struct {
		name     string
		v        lorawan.Version
		abp      bool
		commands []lorawan.Command
		want     Reason
	}{
		{"unasked", lorawan.V1_0_3, false, []lorawan.Command{lorawan.DevStatusAns{}}, UnaskedAnswer},
		{"RekeyInd of 1.0", lorawan.V1_0_4, false, []lorawan.Command{lorawan.RekeyInd{Minor: 1}}, BadCommand},
		{"RekeyInd of ABP", lorawan.V1_1, true, []lorawan.Command{lorawan.RekeyInd{Minor: 1}}, BadCommand},
		{"ResetInd after a join", lorawan.V1_1, false, []lorawan.Command{lorawan.ResetInd{Minor: 1}}, BadCommand},
	} {
		t.Run(c.name, func(t *testing.T) {
			dev := newSensor(t, 1, c.v)
			if c.abp {
				dev.personalised(1)
			}
			s := newServer(t, Config{}, dev)
			if !c.abp {
				join(t, s, dev)
			}
			res := s.Receive(dev.reading("x", c.commands...), heard(20))
			if res.Kind != Accepted || len(res.Complaints) != 1 || res.Complaints[0].Reason != c.want || string(res.Payload) != "x" {
				t.Errorf("%s %v", res.Kind, res.Complaints)
			}
		})
	}
	t.Run("unknown", func(t *testing.T) {
		dev := newSensor(t, 1, lorawan.V1_0_3)
		s := newServer(t, Config{}, dev)
		join(t, s, dev)
		d := lorawan.Data{MType: lorawan.UnconfirmedUp, DevAddr: dev.session.DevAddr, FCnt: dev.up, HasPort: true, FRMPayload: []byte{2, 0x7f, 1}}
		f, err := dev.session.Seal(nil, d, lorawan.Binding{})
		if err != nil {
			t.Fatal(err)
		}
		dev.sent = d
		res := s.Receive(f, heard(20))
		if res.Kind != Accepted || s.Counted()[BadCommand] != 1 || res.Payload != nil {
			t.Errorf("%s %v %x", res.Kind, res.Complaints, res.Payload)
		}
		if _, answers := dev.hears(res); len(answers) != 1 {
			t.Errorf("what stands before it is not answered: %v", answers)
		}
	})
	t.Run("RekeyInd missing", func(t *testing.T) {
		dev := newSensor(t, 1, lorawan.V1_1)
		s := newServer(t, Config{}, dev)
		dev.joined(s.Receive(dev.joinRequest(), heard(0)))
		if res := s.Receive(dev.reading("x"), heard(10)); res.Kind != Accepted || s.Counted()[MissingRekey] != 1 {
			t.Errorf("%s %v", res.Kind, res.Complaints)
		}
	})
}

// A personalised device of 1.1 that was switched on again has forgotten what it was asked.
func TestResetInd(t *testing.T) {
	dev := newSensor(t, 1, lorawan.V1_1).personalised(1)
	s := newServer(t, Config{RXDelay: 2}, dev)
	_, requests := dev.hears(s.Receive(dev.reading("x", lorawan.ResetInd{Minor: 1}), heard(10)))
	want := []lorawan.Command{lorawan.ResetConf{Minor: 1}, lorawan.RXTimingSetupReq{Delay: 2}}
	if !reflect.DeepEqual(requests, want) {
		t.Fatalf("%+v, want %+v", requests, want)
	}
	res := s.Receive(dev.reading("x", lorawan.RXTimingSetupAns{}), heard(20))
	if res.Down.Windows[0].After != 2*time.Second {
		t.Errorf("RX1 after %s", res.Down.Windows[0].After)
	}
	dev.hears(res)
	res = s.Receive(dev.reading("x", lorawan.ResetInd{Minor: 1}), heard(30))
	accepted(t, res)
	if res.Down.Windows[0].After != time.Second {
		t.Errorf("RX1 after %s", res.Down.Windows[0].After)
	}
	if _, requests = dev.hears(res); !reflect.DeepEqual(requests, want) {
		t.Errorf("%+v, want %+v", requests, want)
	}
}

func TestAsk(t *testing.T) {
	dev := newSensor(t, 1, lorawan.V1_1)
	old := newSensor(t, 2, lorawan.V1_0_4)
	s := newServer(t, Config{}, dev, old)
	join(t, s, dev)
	join(t, s, old)
	if s.Ask(dev.DevEUI, lorawan.ResetConf{}) == nil || s.Ask(old.DevEUI, lorawan.ForceRejoinReq{}) == nil ||
		s.Ask(gatewayA, lorawan.DevStatusReq{}) == nil || s.Ask(dev.DevEUI, lorawan.DutyCycleReq{MaxDutyCycle: 16}) == nil {
		t.Error("what cannot be asked is")
	}
	for i, req := range []lorawan.Command{
		lorawan.DLChannelReq{Channel: 1, Frequency: 868700000}, lorawan.ADRParamSetupReq{LimitExp: 5, DelayExp: 4},
		lorawan.RejoinParamSetupReq{MaxTimeN: 3}, lorawan.TXParamSetupReq{MaxEIRP: 5}, lorawan.LinkADRReq{DataRate: 5, TXPower: 1, ChMask: 7, NbTrans: 2},
	} {
		if err := s.Ask(dev.DevEUI, req); err != nil {
			t.Fatal(err)
		}
		_, got := dev.hears(s.Receive(dev.reading("x"), heard(20+20*i)))
		if len(got) != 1 || got[0] != req {
			t.Fatalf("asked %+v, want %+v", got, req)
		}
		res := s.Receive(dev.reading("x", yes(t, req)), heard(30+20*i))
		accepted(t, res)
		if res.Down != nil { // the answer to DLChannelReq is one that is confirmed
			if _, got = dev.hears(res); len(got) != 0 {
				t.Errorf("asked again: %+v", got)
			}
		}
	}
	ses := s.devices[dev.DevEUI].current
	if ses.Power != 1 || ses.NbTrans != 2 {
		t.Errorf("power %d, NbTrans %d", ses.Power, ses.NbTrans)
	}
	res := s.Receive(dev.frame(lorawan.Data{MType: lorawan.ConfirmedUp}), heard(200))
	if w := res.Down.Windows[0]; w.Frequency != 868700000 {
		t.Errorf("RX1 at %d Hz", w.Frequency)
	}

	if err := s.Ask(old.DevEUI, lorawan.DevStatusReq{}); err != nil {
		t.Fatal(err)
	}
	for i := range 600 {
		s.Receive(old.reading("x"), heard(20+i))
	}
	if s.Counted()[NoAnswer] != 1 || len(s.devices[old.DevEUI].Wishes) != 0 {
		t.Errorf("counted %v", s.Counted())
	}
	for range maxWishes {
		if err := s.Ask(old.DevEUI, lorawan.DevStatusReq{}); err != nil {
			t.Fatal(err)
		}
	}
	if s.Ask(old.DevEUI, lorawan.DevStatusReq{}) == nil {
		t.Error("wishes have no end")
	}
}

func TestADR(t *testing.T) {
	for _, c := range []struct {
		name string
		dr   uint8
		snr  float32
		lose int // after every frame
		want lorawan.LinkADRReq
	}{
		{"near", 0, 12, 0, lorawan.LinkADRReq{DataRate: 5, TXPower: 2, ChMask: 7, NbTrans: 1}}, // 22 dB to spare: 7 steps
		{"middle", 0, -4, 0, lorawan.LinkADRReq{DataRate: 2, ChMask: 7, NbTrans: 1}},
		{"right", 3, -3, 0, lorawan.LinkADRReq{}},
		{"fast and near", 5, 12, 0, lorawan.LinkADRReq{DataRate: 5, TXPower: 3, ChMask: 7, NbTrans: 1}},
		{"lossy", 3, -3, 1, lorawan.LinkADRReq{DataRate: 3, ChMask: 7, NbTrans: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dev := newSensor(t, 1, lorawan.V1_0_4)
			s := newServer(t, Config{ADR: true}, dev)
			join(t, s, dev)
			for i := range historyLen + 2 {
				h := heard(20 + i)
				h[0].DataRate, h[0].SNR = c.dr, c.snr-float32(i%3)
				dev.up += uint32(c.lose)
				res := s.Receive(dev.frame(lorawan.Data{HasPort: true, FPort: 1, FCtrl: lorawan.FCtrl{ADR: true}}), h)
				accepted(t, res)
				if res.Down == nil {
					continue
				}
				if i != historyLen-1 {
					t.Fatalf("asked after %d frames", i+1)
				}
				d, got := dev.hears(res)
				if len(got) != 1 || got[0] != c.want || !d.FCtrl.ADR {
					t.Fatalf("asked %+v, want %+v", got, c.want)
				}
				return
			}
			if c.want != (lorawan.LinkADRReq{}) {
				t.Errorf("nothing was asked, want %+v", c.want)
			}
		})
	}
}

// Less power is taken back when the device is not heard well any more, and repeats when
// nothing is lost.
func TestADRBack(t *testing.T) {
	ses := &session{}
	ses.Power, ses.NbTrans, ses.Histories = 4, 3, historyLen
	ses.Channels[0] = 868100000
	for i := range ses.History {
		ses.History[i] = -3
	}
	got, ok := ses.adapt(5) // 5.5 dB below what is wanted
	if want := (lorawan.LinkADRReq{DataRate: 5, TXPower: 3, ChMask: 1, NbTrans: 2}); !ok || got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// What was lost long ago asks for no repeats: only the frames that are looked at count.
func TestADROldLosses(t *testing.T) {
	dev := newSensor(t, 1, lorawan.V1_0_4)
	s := newServer(t, Config{ADR: true}, dev)
	join(t, s, dev)
	for i := range 60 * historyLen {
		if i%historyLen == 0 {
			dev.up++ // one in twenty is lost
		}
		h := heard(20 + i)
		h[0].DataRate, h[0].SNR = 3, -3
		if res := s.Receive(dev.frame(lorawan.Data{HasPort: true, FPort: 1, FCtrl: lorawan.FCtrl{ADR: true}}), h); res.Down != nil {
			_, got := dev.hears(res)
			t.Fatalf("asked %+v after %d frames", got, i+1)
		}
	}
}
