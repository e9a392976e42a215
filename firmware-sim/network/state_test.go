package network

import (
	"bytes"
	"encoding/gob"
	"reflect"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// thaw carries a state through bytes, so that nothing is shared but what was written.
func thaw(t *testing.T, cfg Config, s *Server) *Server {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(s.Save()); err != nil {
		t.Fatal(err)
	}
	var st State
	if err := gob.NewDecoder(&b).Decode(&st); err != nil {
		t.Fatal(err)
	}
	cfg.NetID = testNet
	s, err := Restore(cfg, st)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Two networks get the same frames; one of them is restarted before each.
func TestRestart(t *testing.T) {
	versions(t, func(t *testing.T, v lorawan.Version) {
		cfg := Config{RXDelay: 3, Channels: []uint32{867100000}, StatusEvery: time.Hour, ADR: true}
		dev := newSensor(t, 1, v)
		steady, shaky := newServer(t, cfg, dev), newServer(t, cfg, dev)
		both := func(frame []byte, n int) Result {
			t.Helper()
			shaky = thaw(t, cfg, shaky)
			a, b := steady.Receive(frame, heard(n)), shaky.Receive(frame, heard(n))
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("at %d s: %+v, after a restart %+v", n, a, b)
			}
			return a
		}
		request := dev.joinRequest()
		dev.joined(both(request, 0))
		refused(t, both(request, 5), NonceUsed)
		for _, s := range []*Server{steady, shaky} {
			if err := s.Queue(dev.DevEUI, Item{ID: 7, Port: 3, Payload: []byte{1}, Confirmed: true}); err != nil {
				t.Fatal(err)
			}
			if err := s.Ask(dev.DevEUI, lorawan.DLChannelReq{Channel: 1, Frequency: 868500000}); err != nil {
				t.Fatal(err)
			}
		}
		_, requests := dev.hears(both(dev.reading("x", rekey(v)...), 10))
		for i := range 5 {
			var answers []lorawan.Command
			for _, req := range requests {
				if req.CID() != lorawan.CIDRekey {
					answers = append(answers, yes(t, req))
				}
			}
			requests = nil
			if res := both(dev.reading("x", answers...), 20+10*i); res.Down != nil {
				_, requests = dev.hears(res)
			}
		}
		f := dev.reading("y")
		accepted(t, both(f, 100))
		if res := both(f, 102); res.Kind != Repeated {
			t.Errorf("%s", res.Kind)
		}
		if len(steady.Counted()) != 1 { // the nonce
			t.Errorf("counted %v", steady.Counted())
		}
		if !reflect.DeepEqual(thaw(t, cfg, steady).Save(), thaw(t, cfg, shaky).Save()) {
			t.Error("the states differ in the end")
		}
	})
}

func TestSaveSharesNothing(t *testing.T) {
	dev := newSensor(t, 1, lorawan.V1_0_3)
	s := newServer(t, Config{}, dev)
	join(t, s, dev)
	if err := s.Queue(dev.DevEUI, Item{Port: 1, Payload: []byte{1}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Ask(dev.DevEUI, lorawan.DevStatusReq{}); err != nil {
		t.Fatal(err)
	}
	s.devices[dev.DevEUI].current.DownChannels = map[uint8]uint32{1: 868500000}
	want := s.Save()
	st := s.Save()
	d := &st.Devices[0]
	d.UsedNonces[0]++
	d.Queue[0].Payload[0]++
	d.Wishes[0].Command[0]++
	d.Current.DownChannels[1]++
	d.Current.Up++
	if !reflect.DeepEqual(s.Save(), want) {
		t.Error("a change of what was saved changes the network")
	}
}

func TestRestoreRefuses(t *testing.T) {
	dev := newSensor(t, 1, lorawan.V1_0_3)
	s := newServer(t, Config{}, dev)
	join(t, s, dev)
	for name, spoil := range map[string]func(*State){
		"twice":    func(st *State) { st.Devices = append(st.Devices, st.Devices[0]) },
		"device":   func(st *State) { st.Devices[0].DevEUI = city.EUI{} },
		"keys":     func(st *State) { st.Devices[0].Current.Keys.NwkSEncKey = lorawan.Key{} },
		"requests": func(st *State) { st.Devices[0].Current.Requested = []byte{0x7f} },
	} {
		t.Run(name, func(t *testing.T) {
			st := s.Save()
			spoil(&st)
			if _, err := Restore(Config{}, st); err == nil {
				t.Error("it is taken")
			}
		})
	}
	if _, err := Restore(Config{RXDelay: 16}, s.Save()); err == nil {
		t.Error("a bad configuration is taken")
	}
}
