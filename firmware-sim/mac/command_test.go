package mac

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"meldefunk/city/lorawan"
)

type all = []lorawan.Command

func TestCommands(t *testing.T) {
	adr := func(dr, power uint8, mask uint16, cntl, n uint8) lorawan.LinkADRReq {
		return lorawan.LinkADRReq{DataRate: dr, TXPower: power, ChMask: mask, ChMaskCntl: cntl, NbTrans: n}
	}
	adrAns := func(mask, dr, power bool) lorawan.LinkADRAns {
		return lorawan.LinkADRAns{ChannelMask: mask, DataRate: dr, Power: power}
	}
	channel := func(i uint8, hz uint32, low, high uint8) lorawan.NewChannelReq {
		return lorawan.NewChannelReq{Channel: i, Frequency: hz, MinDR: low, MaxDR: high}
	}
	const hz3 = 867100000
	for _, c := range []struct {
		name    string
		noADR   bool
		only    lorawan.Version // 0: all
		down    all
		answers all
		change  func(p *parameters) // nil: nothing changes
	}{
		{name: "LinkADR", down: all{adr(3, 2, 5, 0, 2)}, answers: all{adrAns(true, true, true)},
			change: func(p *parameters) { p.DataRate, p.Power, p.Mask, p.NbTrans = 3, 2, 5, 2 }},
		{name: "LinkADR keeps", down: all{adr(15, 15, 7, 0, 4)}, answers: all{adrAns(true, true, true)},
			change: func(p *parameters) { p.NbTrans = 4 }},
		{name: "LinkADR all channels", down: all{adr(5, 0, 0, 6, 1)}, answers: all{adrAns(true, true, true)}, change: func(*parameters) {}},
		{name: "LinkADR NbTrans 0 in 1.0", only: lorawan.V1_0_4, down: all{adr(5, 0, 7, 0, 3), adr(5, 0, 7, 0, 0)}, answers: all{adrAns(true, true, true), adrAns(true, true, true)},
			change: func(p *parameters) { p.NbTrans = 1 }},
		{name: "LinkADR undefined channel", down: all{adr(4, 1, 15, 0, 1)}, answers: all{adrAns(false, true, true)}},
		{name: "LinkADR no channel", down: all{adr(4, 1, 0, 0, 1)}, answers: all{adrAns(false, true, true)}},
		{name: "LinkADR control of another region", down: all{adr(4, 1, 7, 1, 1)}, answers: all{adrAns(false, true, true)}},
		{name: "LinkADR data rate no channel has", down: all{adr(6, 1, 7, 0, 1)}, answers: all{adrAns(true, false, true)}},
		{name: "LinkADR power there is not", down: all{adr(4, 8, 7, 0, 1)}, answers: all{adrAns(true, true, false)}},
		{name: "LinkADR nothing right", down: all{adr(9, 9, 0, 0, 1)}, answers: all{adrAns(false, false, false)}},
		{name: "LinkADR block", down: all{adr(0, 0, 1, 0, 1), adr(4, 1, 6, 0, 2)}, answers: all{adrAns(true, true, true), adrAns(true, true, true)},
			change: func(p *parameters) { p.DataRate, p.Power, p.Mask, p.NbTrans = 4, 1, 6, 2 }},
		{name: "LinkADR block with one bad mask", down: all{adr(4, 1, 8, 0, 1), adr(4, 1, 6, 0, 2)}, answers: all{adrAns(false, true, true), adrAns(false, true, true)}},
		{name: "LinkADR two blocks", down: all{adr(4, 1, 6, 0, 2), lorawan.DutyCycleReq{MaxDutyCycle: 1}, adr(3, 2, 1, 0, 1)},
			answers: all{adrAns(true, true, true), lorawan.DutyCycleAns{}, adrAns(true, true, true)},
			change:  func(p *parameters) { p.DataRate, p.Power, p.Mask, p.NbTrans, p.MaxDutyCycle = 3, 2, 1, 1, 1 }},
		{name: "LinkADR without ADR", noADR: true, down: all{adr(3, 2, 5, 0, 2)}, answers: all{adrAns(true, false, false)},
			change: func(p *parameters) { p.Mask = 5 }},
		{name: "DutyCycle", down: all{lorawan.DutyCycleReq{MaxDutyCycle: 7}}, answers: all{lorawan.DutyCycleAns{}},
			change: func(p *parameters) { p.MaxDutyCycle = 7 }},
		{name: "RXParamSetup", down: all{lorawan.RXParamSetupReq{RX1DROffset: 2, RX2DataRate: 3, Frequency: 868525000}}, answers: all{lorawan.RXParamSetupAns{Channel: true, RX2DataRate: true, RX1DROffset: true}},
			change: func(p *parameters) { p.RX1DROffset, p.RX2DataRate, p.RX2Frequency = 2, 3, 868525000 }},
		{name: "RXParamSetup frequency", down: all{lorawan.RXParamSetupReq{Frequency: 915000000}}, answers: all{lorawan.RXParamSetupAns{RX2DataRate: true, RX1DROffset: true}}},
		{name: "RXParamSetup data rate", down: all{lorawan.RXParamSetupReq{RX2DataRate: 8, Frequency: 868525000}}, answers: all{lorawan.RXParamSetupAns{Channel: true, RX1DROffset: true}}},
		{name: "RXParamSetup offset", down: all{lorawan.RXParamSetupReq{RX1DROffset: 6, Frequency: 868525000}}, answers: all{lorawan.RXParamSetupAns{Channel: true, RX2DataRate: true}}},
		{name: "DevStatus", down: all{lorawan.DevStatusReq{}}, answers: all{lorawan.DevStatusAns{Battery: 200, Margin: 7}}, change: func(*parameters) {}},
		{name: "NewChannel", down: all{channel(3, hz3, 0, 5)}, answers: all{lorawan.NewChannelAns{Frequency: true, DataRates: true}},
			change: func(p *parameters) { p.setChannel(3, hz3, 0, 5) }},
		{name: "NewChannel and away", down: all{channel(3, hz3, 0, 5), channel(3, 0, 0, 0)}, answers: all{lorawan.NewChannelAns{Frequency: true, DataRates: true}, lorawan.NewChannelAns{Frequency: true, DataRates: true}}, change: func(*parameters) {}},
		{name: "NewChannel of the band", down: all{channel(1, hz3, 0, 5)}, answers: all{lorawan.NewChannelAns{}}},
		{name: "NewChannel 16", down: all{channel(16, hz3, 0, 5)}, answers: all{lorawan.NewChannelAns{}}},
		{name: "NewChannel outside", down: all{channel(4, 868650000, 0, 5)}, answers: all{lorawan.NewChannelAns{DataRates: true}}},
		{name: "NewChannel rates upside down", down: all{channel(4, hz3, 5, 0)}, answers: all{lorawan.NewChannelAns{Frequency: true}}},
		{name: "NewChannel rate there is not", down: all{channel(4, hz3, 0, 8)}, answers: all{lorawan.NewChannelAns{Frequency: true}}},
		{name: "RXTimingSetup", down: all{lorawan.RXTimingSetupReq{Delay: 5}}, answers: all{lorawan.RXTimingSetupAns{}},
			change: func(p *parameters) { p.RXDelay = 5 }},
		{name: "RXTimingSetup 0", down: all{lorawan.RXTimingSetupReq{Delay: 0}}, answers: all{lorawan.RXTimingSetupAns{}}, change: func(*parameters) {}},
		{name: "TXParamSetup", down: all{lorawan.TXParamSetupReq{MaxEIRP: 3}, lorawan.DutyCycleReq{MaxDutyCycle: 1}}, answers: all{lorawan.DutyCycleAns{}},
			change: func(p *parameters) { p.MaxDutyCycle = 1 }},
		{name: "DLChannel", down: all{lorawan.DLChannelReq{Channel: 1, Frequency: 869525000}}, answers: all{lorawan.DLChannelAns{Frequency: true, UplinkExists: true}},
			change: func(p *parameters) { p.Down[1] = 869525000 }},
		{name: "DLChannel none", down: all{lorawan.DLChannelReq{Channel: 9, Frequency: 869525000}}, answers: all{lorawan.DLChannelAns{Frequency: true}}},
		{name: "DLChannel 200", down: all{lorawan.DLChannelReq{Channel: 200, Frequency: 869525000}}, answers: all{lorawan.DLChannelAns{Frequency: true}}},
		{name: "DLChannel outside", down: all{lorawan.DLChannelReq{Channel: 1, Frequency: 915000000}}, answers: all{lorawan.DLChannelAns{UplinkExists: true}}},
		{name: "ADRParamSetup", only: lorawan.V1_1, down: all{lorawan.ADRParamSetupReq{LimitExp: 3, DelayExp: 2}}, answers: all{lorawan.ADRParamSetupAns{}},
			change: func(p *parameters) { p.ADRLimitExp, p.ADRDelayExp = 3, 2 }},
		{name: "ADRParamSetup in 1.0 ends reading", only: lorawan.V1_0_4, down: all{lorawan.DevStatusReq{}, lorawan.ADRParamSetupReq{LimitExp: 3}, lorawan.DutyCycleReq{MaxDutyCycle: 1}}, answers: all{lorawan.DevStatusAns{Battery: 200, Margin: 7}}},
		{name: "ForceRejoin in 1.0", only: lorawan.V1_0_3, down: all{lorawan.ForceRejoinReq{}}, answers: nil},
	} {
		for _, v := range versions {
			if c.only != 0 && c.only != v {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", c.name, v), func(t *testing.T) {
				p := joined(t, v, Profile{ADR: !c.noADR, DataRate: 5})
				p.d.SetBattery(200)
				want := p.d.mem.P
				if c.change != nil {
					c.change(&want)
				}
				if got := p.command(c.down...); !slices.Equal(got, c.answers) {
					t.Errorf("answers %+v, want %+v", got, c.answers)
				}
				if p.d.mem.P != want {
					t.Errorf("settings %+v, want %+v", p.d.mem.P, want)
				}
			})
		}
	}
}

// TestNewChannelUse: the device goes where it was told, with the data rates it was told.
func TestNewChannelUse(t *testing.T) {
	p := joined(t, lorawan.V1_0_4, Profile{ADR: true, DataRate: 5})
	p.command(lorawan.NewChannelReq{Channel: 7, Frequency: 867900000, MinDR: 6, MaxDR: 7},
		lorawan.DLChannelReq{Channel: 7, Frequency: 869525000},
		lorawan.LinkADRReq{DataRate: 7, TXPower: 1, ChMaskCntl: 6, NbTrans: 1})
	tx, _ := p.say("schnell")
	if tx.Channel != 7 || tx.Frequency != 867900000 || tx.RX1.Frequency != 869525000 || tx.Modulation.BitRate != 50000 || tx.Power != 14 {
		t.Errorf("%+v", tx)
	}
}

// TestRemovalRefused: the last channel of the data rate in use stays.
func TestRemovalRefused(t *testing.T) {
	p := joined(t, lorawan.V1_0_4, Profile{ADR: true, DataRate: 5})
	p.command(lorawan.NewChannelReq{Channel: 7, Frequency: 867900000, MinDR: 6, MaxDR: 6}, lorawan.LinkADRReq{DataRate: 6, ChMaskCntl: 6})
	if got := p.command(lorawan.NewChannelReq{Channel: 7}); !slices.Contains(got, lorawan.Command(lorawan.NewChannelAns{})) {
		t.Errorf("answers %v", got)
	}
	p.say("noch da")
}

func TestAsk(t *testing.T) {
	for _, v := range versions {
		p := joined(t, v, Profile{DataRate: 5})
		p.d.AskTime()
		p.d.AskLink()
		tx, up := p.say("wie spät?")
		if !slices.Equal(up.commands, all{lorawan.DeviceTimeReq{}, lorawan.LinkCheckReq{}}) {
			t.Errorf("%s: commands %v", v, up.commands)
		}
		noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
		out := p.mustHear(tx, plainDown{port: -1, fopts: wire(t, lorawan.DeviceTimeAns{SinceGPSEpoch: lorawan.SinceGPSEpoch(noon)}, lorawan.LinkCheckAns{Margin: 12, Gateways: 3})})
		if !out.Time.Equal(noon) || out.Link != (Link{12, 3}) {
			t.Errorf("%s: %+v", v, out)
		}
		if _, up := p.say("danke"); len(up.commands) > 0 {
			t.Errorf("%s: asked again: %v", v, up.commands)
		}
	}
}

// TestManyCommands: more answers than fit FOpts go out on port 0 at once, and no more of
// them than any data rate carries.
func TestManyCommands(t *testing.T) {
	for _, v := range versions {
		p := joined(t, v, Profile{DataRate: 5})
		var many all
		for range 100 {
			many = append(many, lorawan.DevStatusReq{})
		}
		tx, _ := p.say("a")
		p.mustHear(tx, plainDown{port: 0, payload: wire(t, many...)})
		up := p.n.read(t, p.next(), 0)
		if !up.hasPort || up.port != 0 || len(up.fopts) > 0 || len(up.commands) != 16 {
			t.Errorf("%s: %+v, want 16 answers on port 0", v, up)
		}
		p.silent()
	}
}

// TestRepeated: answers on which receive windows hang are repeated until a downlink.
func TestRepeated(t *testing.T) {
	for _, v := range versions {
		p := joined(t, v, Profile{DataRate: 5})
		tx, _ := p.say("a")
		p.mustHear(tx, plainDown{port: -1, fopts: wire(t, lorawan.RXTimingSetupReq{Delay: 2}, lorawan.DevStatusReq{}, lorawan.DLChannelReq{Channel: 1, Frequency: 869525000})})
		if up := p.n.read(t, p.next(), 0); len(up.commands) != 3 || up.hasPort {
			t.Errorf("%s: %+v, want three answers at once", v, up)
		}
		var last Transmission
		for range 3 {
			var up plainUp
			if last, up = p.say("b"); !slices.Equal(up.commands, all{lorawan.RXTimingSetupAns{}, lorawan.DLChannelAns{Frequency: true, UplinkExists: true}}) {
				t.Errorf("%s: %v", v, up.commands)
			}
		}
		p.mustHear(last, plainDown{port: -1})
		if _, up := p.say("c"); len(up.commands) != 0 {
			t.Errorf("%s: %v after a downlink", v, up.commands)
		}
	}
}

func TestResetInd(t *testing.T) {
	p := newPair(t, lorawan.V1_1, true, Profile{Memory: KeepsNonces})
	for range 2 {
		for range 70 { // it never gives up
			if _, up := p.say("a"); !slices.Equal(up.commands, all{lorawan.ResetInd{Minor: 1}}) {
				t.Fatalf("%v", up.commands)
			}
		}
		tx, _ := p.say("b")
		p.mustHear(tx, plainDown{port: -1, fopts: []byte{byte(lorawan.CIDReset), 1}})
		if _, up := p.say("c"); len(up.commands) > 0 {
			t.Errorf("%v after ResetConf", up.commands)
		}
		p.d.Boot(p.now)
	}
}

func TestADRBackOff(t *testing.T) {
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			p := joined(t, v, Profile{ADR: true, DataRate: 5})
			m := &p.d.mem.P
			m.DataRate, m.Power, m.NbTrans, m.Mask = 1, 3, 1, 1
			p.d.adrCount = 0
			for n := range 200 {
				tx, up := p.say("a")
				power, dr, mask := 10, uint8(1), uint16(1)
				if n >= 96 {
					power = 16
				}
				if n >= 128 {
					dr = 0
				}
				if n >= 160 {
					mask = 7
				}
				ask := n >= 64 && (v == lorawan.V1_0_4 || n < 128)
				if tx.Power != power || tx.DataRate != dr || up.ackReq != ask || 1<<tx.Channel&mask == 0 {
					t.Fatalf("uplink %d: %d dBm, DR%d, ADRACKReq %v, channel %d; want %d, %d, %v, one of %b", n, tx.Power, tx.DataRate, up.ackReq, tx.Channel, power, dr, ask, mask)
				}
				p.now = p.now.Add(time.Hour)
			}
			if m.Mask != 7 {
				t.Errorf("mask %b at last", m.Mask)
			}
			tx, _ := p.say("a")
			p.mustHear(tx, plainDown{port: -1})
			if _, up := p.say("b"); up.ackReq {
				t.Error("it asks again after a downlink")
			}
		})
	}
	t.Run("not without ADR", func(t *testing.T) {
		p := joined(t, lorawan.V1_0_4, Profile{DataRate: 3})
		for n := range 150 {
			if tx, up := p.say("a"); tx.DataRate != 3 || up.ackReq || up.adr {
				t.Fatalf("uplink %d: %+v", n, up)
			}
			p.now = p.now.Add(time.Hour)
		}
	})
	t.Run("as told", func(t *testing.T) {
		p := joined(t, lorawan.V1_1, Profile{ADR: true, DataRate: 5})
		p.command(lorawan.ADRParamSetupReq{LimitExp: 2, DelayExp: 1})
		tx, _ := p.say("a")
		p.mustHear(tx, plainDown{port: -1})
		for n := range 8 {
			want := uint8(5)
			if n >= 6 {
				want = 4
			}
			if tx, up := p.say("a"); up.ackReq != (n >= 4) || tx.DataRate != want {
				t.Errorf("uplink %d: ADRACKReq %v, DR%d, want %d", n, up.ackReq, tx.DataRate, want)
			}
		}
	})
}
