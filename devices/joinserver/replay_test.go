package joinserver

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// Frames that somebody recorded and sends again are refused, however long ago they were.
func TestReplays(t *testing.T) {
	for _, v := range []enrol.Version{enrol.V1_0_0, enrol.V1_0_3, enrol.V1_0_4, enrol.V1_1_0} {
		t.Run(string(v), func(t *testing.T) {
			mac := string(v)
			o, s := open(t, device(v)), &sensor{Device: device(v), nonce: 5}
			var recorded []message
			nonces := map[uint32]bool{}
			for range 6 {
				m, ask := s.request(mac)
				s.opens(t, o.gets(m), ask)
				recorded = append(recorded, m)
				nonces[o.state(testEUI).JoinNonce] = true
				o.clock.pass(24 * time.Hour)
			}
			if len(nonces) != 6 {
				t.Errorf("JoinNonces %v", nonces)
			}
			for i, m := range recorded {
				m = maps.Clone(m)
				m["DevAddr"], m["TransactionID"] = "26000001", 99
				if a := o.gets(m); a.Result.ResultCode != "JoinReqFailed" || !strings.Contains(a.Result.Description, "was used before") {
					t.Errorf("frame %d: %+v", i, a.Result)
				}
			}
			s.nonce = 4 // one never used, below the others
			m, ask := s.request(mac)
			a := o.gets(m)
			if v == enrol.V1_0_0 || v == enrol.V1_0_3 { // made up there
				s.opens(t, a, ask)
			} else if a.Result.ResultCode != "JoinReqFailed" {
				t.Errorf("a count that went back: %+v", a.Result)
			}
		})
	}
}

// The DevNonces of devices that make them up are remembered up to a bound, the newest ones.
func TestDevNoncesAreBounded(t *testing.T) {
	var st register.JoinState
	for n := range MaxDevNonces + 10 {
		if err := use(&st, uint16(n), lorawan.V1_0_3); err != nil {
			t.Fatal(err)
		}
	}
	if len(st.DevNonces) != MaxDevNonces || st.DevNonces[0] != 10 {
		t.Errorf("%d, the oldest %d", len(st.DevNonces), st.DevNonces[0])
	}
	if err := use(&st, 10, lorawan.V1_0_3); err == nil {
		t.Error("the oldest that is remembered was taken")
	}
	if err := use(&st, 9, lorawan.V1_0_3); err != nil {
		t.Error(err)
	}

	roomy := register.JoinState{DevNonces: make([]uint16, 1, 8)} // two tries from one state of a store
	one, two := roomy, roomy
	if err := errors.Join(use(&one, 1, lorawan.V1_0_3), use(&two, 2, lorawan.V1_0_3)); err != nil || !slices.Equal(one.DevNonces, []uint16{0, 1}) {
		t.Errorf("%v, %v", one.DevNonces, err)
	}
}

// A message that comes again because its answer was lost gets that answer, for a while and
// from nobody else.
func TestSameMessageSameAnswer(t *testing.T) {
	o, s := open(t, device(enrol.V1_0_4)), &sensor{Device: device(enrol.V1_0_4)}
	m, ask := s.request("1.0.4")
	first := o.asks(nsToken, m).Body.Bytes()
	o.clock.pass(repeatsFor - 1)
	if again := o.asks(nsToken, m).Body.Bytes(); !bytes.Equal(first, again) || o.joins != 1 {
		t.Errorf("first %s\nagain %s\n%d joins", first, again, o.joins)
	}
	s.opens(t, read(t, bytes.NewReader(first)), ask)
	other := maps.Clone(m)
	other["TransactionID"] = 8
	if a := o.gets(other); a.Result.ResultCode != "JoinReqFailed" {
		t.Errorf("another message with the same frame: %+v", a.Result)
	}
	o.clock.pass(1)
	if a := o.gets(m); a.Result.ResultCode != "JoinReqFailed" {
		t.Errorf("too late: %+v", a.Result)
	}
}

// Copies of a message that come at once are one join.
func TestCopiesAtOnce(t *testing.T) {
	o, s := open(t, device(enrol.V1_0_3)), &sensor{Device: device(enrol.V1_0_3)}
	m, _ := s.request("1.0.3")
	var wg sync.WaitGroup
	var begun atomic.Int32
	answers := make([]string, 16)
	o.before = func(Grant) error {
		for begun.Load() < int32(len(answers)) {
			runtime.Gosched()
		}
		for range 1000 { // time for the others to come as far as they can
			runtime.Gosched()
		}
		return nil
	}
	for i := range answers {
		wg.Go(func() {
			begun.Add(1)
			answers[i] = o.asks(nsToken, m).Body.String()
		})
	}
	wg.Wait()
	for _, a := range answers {
		if a != answers[0] || !strings.Contains(a, `"Success"`) {
			t.Errorf("%s\n%s", answers[0], a)
		}
	}
	if o.joins != 1 {
		t.Errorf("%d joins", o.joins)
	}
}

// Different requests of one device that come at once are joins of their own.
func TestJoinsAtOnce(t *testing.T) {
	o, s := open(t, device(enrol.V1_0_3)), &sensor{Device: device(enrol.V1_0_3)}
	var wg sync.WaitGroup
	for range mostJoins {
		m, _ := s.request("1.0.3")
		wg.Go(func() {
			if a := o.asks(nsToken, m).Body.String(); !strings.Contains(a, `"Success"`) {
				t.Error(a)
			}
		})
	}
	wg.Wait()
	if st := o.state(testEUI); st.JoinNonce != mostJoins || o.joins != mostJoins {
		t.Errorf("JoinNonce %d, %d joins", st.JoinNonce, o.joins)
	}
}

// The answer leaves after the write. If that fails, nothing leaves; and whatever was kept, no
// nonce is given out twice.
func TestKeptBeforeAnswered(t *testing.T) {
	broken := errors.New("power cut")
	for _, test := range []struct {
		name   string
		break_ func(*book)
		joins  int
		again  string
	}{
		{"before the write", func(b *book) { b.before = func(Grant) error { return broken } }, 0, "Success"},
		{"after the write", func(b *book) { b.after = func(Grant) error { return broken } }, 1, "JoinReqFailed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, s := open(t, device(enrol.V1_0_4)), &sensor{Device: device(enrol.V1_0_4)}
			test.break_(o.book)
			m, _ := s.request("1.0.4")
			if a := o.gets(m); a.Result.ResultCode != "Other" || a.PHYPayload != "" || a.NwkSKey != nil || a.AppSKey != nil || o.joins != test.joins {
				t.Fatalf("%+v, %d joins", a, o.joins)
			}
			o.before, o.after = nil, nil
			if a := o.gets(m); a.Result.ResultCode != test.again {
				t.Errorf("again: %+v", a.Result)
			}
			m, ask := s.request("1.0.4")
			s.opens(t, o.gets(m), ask)
			if st := o.state(testEUI); int(st.JoinNonce) != o.joins {
				t.Errorf("JoinNonce %d after %d joins", st.JoinNonce, o.joins)
			}
		})
	}
}

// Another server on the same store remembers everything: a restart opens no door.
func TestRestart(t *testing.T) {
	first, s := open(t, device(enrol.V1_1_0)), &sensor{Device: device(enrol.V1_1_0)}
	m, ask := s.request("1.1")
	s.opens(t, first.gets(m), ask)
	second := open(t)
	second.devices = first.devices
	if a := second.gets(m); a.Result.ResultCode != "JoinReqFailed" {
		t.Errorf("replayed after a restart: %+v", a.Result)
	}
	m, ask = s.request("1.1")
	s.opens(t, second.gets(m), ask)
}

// Somebody changes the device between reading and writing.
func TestChangedMeanwhile(t *testing.T) {
	o, s := open(t, device(enrol.V1_0_4)), &sensor{Device: device(enrol.V1_0_4)}
	o.meanwhile = func(d *Device) { d.State.NextDevNonce = 0; d.State.JoinNonce = 9 }
	m, ask := s.request("1.0.4")
	s.opens(t, o.gets(m), ask)
	if st := o.state(testEUI); st.JoinNonce != 10 || o.joins != 1 {
		t.Errorf("%+v, %d joins", st, o.joins)
	}
	o.meanwhile = func(d *Device) { d.Disabled = true }
	m, _ = s.request("1.0.4")
	if a := o.gets(m); a.Result.ResultCode != "ActivationDisallowed" || o.joins != 1 {
		t.Errorf("%+v, %d joins", a.Result, o.joins)
	}
	o.change(testEUI, func(d *Device) { d.Disabled = false })
	o.before = func(Grant) error { return fmt.Errorf("kept: %w", register.ErrChanged) }
	m, _ = s.request("1.0.4")
	if a := o.gets(m); a.Result.ResultCode != "Other" || !strings.Contains(a.Result.Description, "ask again") {
		t.Errorf("changed all the time: %+v", a.Result)
	}
}

// A device gone wild is slowed down; the others are not, nor is it slowed down by others who
// send made-up or recorded frames.
func TestPace(t *testing.T) {
	calm := device(enrol.V1_0_4)
	calm.DevEUI[7] = 2
	o, s, c := open(t, device(enrol.V1_0_4), calm), &sensor{Device: device(enrol.V1_0_4)}, &sensor{Device: calm}
	forged := &sensor{Device: device(enrol.V1_0_4)}
	forged.Keys.Nwk = lorawan.Key{1}
	for range 3 * mostJoins {
		m, _ := forged.request("1.0.4")
		if a := o.gets(m); a.Result.ResultCode != "MICFailed" {
			t.Fatalf("%+v", a.Result)
		}
	}
	for range mostJoins {
		m, ask := s.request("1.0.4")
		s.opens(t, o.gets(m), ask)
		m["TransactionID"] = 8
		o.gets(m)
	}
	m, _ := s.request("1.0.4")
	if a := o.gets(m); a.Result.ResultCode != "JoinReqFailed" || !strings.Contains(a.Result.Description, "has to wait") || o.joins != mostJoins {
		t.Errorf("%+v, %d joins", a.Result, o.joins)
	}
	m, ask := c.request("1.0.4")
	c.opens(t, o.gets(m), ask)
	o.clock.pass(joinsPer)
	m, ask = s.request("1.0.4")
	s.opens(t, o.gets(m), ask)
}

// What is remembered has bounds.
func TestMemoryIsBounded(t *testing.T) {
	var p pace
	for i := range mostPaced + 5 {
		if !p.allow(city.EUI{byte(i), byte(i >> 8), byte(i >> 16)}, start) {
			t.Fatal("refused")
		}
	}
	if len(p.devices) > mostPaced || len(p.devices) == 0 {
		t.Errorf("%d paced", len(p.devices))
	}
	var r repeats
	ask := func(i int) *asking { return &asking{devEUI: city.EUI{byte(i), byte(i >> 8)}} }
	for i := range mostRepeats + 5 {
		r.keep(ask(i), body{}, start)
	}
	if len(r.answers) != 5 {
		t.Errorf("%d answers", len(r.answers))
	}
	for i := range mostRepeats - 5 {
		r.keep(ask(i), body{}, start.Add(time.Duration(i)*time.Millisecond))
	}
	for i := range 10 { // there are old ones now, so the young ones stay
		r.keep(ask(mostRepeats+100+i), body{}, start.Add(repeatsFor+time.Second))
	}
	if _, ok := r.find(ask(mostRepeats-6), start.Add(repeatsFor+time.Second)); !ok {
		t.Error("a young one is gone")
	}
}
