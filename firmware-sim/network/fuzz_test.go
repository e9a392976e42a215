package network

import (
	"reflect"
	"testing"

	"meldefunk/city/lorawan"
)

// FuzzReceive gives the network any bytes on any channel. What is not genuine must leave it
// as it was, and nothing may make it grow.
func FuzzReceive(f *testing.F) {
	f.Add([]byte(nil), uint32(testHz), uint8(testDR))
	old, fixed, rogue := newSensor(f, 1, lorawan.V1_0_3), newSensor(f, 2, lorawan.V1_1).personalised(2), newSensor(f, 3, lorawan.V1_1)
	s := newServer(f, Config{ADR: true, RXDelay: 2}, old, fixed, rogue)
	join(f, s, old)
	f.Add(old.joinRequest(), uint32(868100000), uint8(0))
	f.Add(old.reading("x", lorawan.LinkCheckReq{}), uint32(testHz), uint8(testDR))
	f.Add(fixed.reading("x", lorawan.ResetInd{Minor: 1}), uint32(testHz), uint8(testDR))
	f.Add(rogue.joinRequest(), uint32(testHz), uint8(9))
	rejoin, err := lorawan.RejoinRequest{Type: 1, JoinEUI: rogue.JoinEUI, DevEUI: rogue.DevEUI}.Seal(nil, lorawan.JSIntKey(rogue.NwkKey, rogue.DevEUI))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(rejoin, uint32(0), uint8(255))
	st := s.Save()
	f.Fuzz(func(t *testing.T, frame []byte, hz uint32, dr uint8) {
		s, err := Restore(s.cfg, st)
		if err != nil {
			t.Fatal(err)
		}
		h := heard(60)
		h[0].Frequency, h[0].DataRate = hz, dr
		for range 2 {
			before := s.Save()
			res := s.Receive(frame, h)
			if res.Kind == Refused && len(res.Complaints) != 1 {
				t.Fatalf("refused with %v", res.Complaints)
			}
			if res.Kind == Refused && !reflect.DeepEqual(before, s.Save()) {
				t.Fatal("a refused frame changes the network")
			}
			if res.Down != nil && (len(res.Down.Windows) == 0 || len(res.Down.Frame) > lorawan.MaxFrame) {
				t.Fatalf("downlink %+v", res.Down)
			}
		}
		if len(s.devices) != 3 || len(s.sessions) > 4 {
			t.Fatalf("%d devices, %d addresses", len(s.devices), len(s.sessions))
		}
	})
}

// FuzzCommands gives the network any MAC commands from a device that has the keys.
func FuzzCommands(f *testing.F) {
	f.Add([]byte{2, 2, 2, 0x0d, 0x0b, 1, 3, 7}, []byte{3, 0x50, 7, 0, 1})
	f.Add([]byte{1, 1, 6, 255, 63}, []byte{5, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, up, wish []byte) {
		dev := newSensor(t, 1, lorawan.V1_1).personalised(1)
		s := newServer(t, Config{ADR: true, RXDelay: 2, Channels: []uint32{867100000}}, dev)
		wishes, _, _ := lorawan.ParseCommands(lorawan.Down, wish)
		for _, c := range wishes[:min(len(wishes), maxWishes)] {
			_ = s.Ask(dev.DevEUI, c)
		}
		for i := range 4 {
			payload := up[:min(len(up), 200)]
			res := s.Receive(dev.frame(lorawan.Data{HasPort: true, FRMPayload: payload}), heard(i))
			if res.Kind != Accepted {
				t.Fatalf("%s %v", res.Kind, res.Complaints)
			}
			if res.Down != nil {
				dev.hears(res)
			}
		}
	})
}
