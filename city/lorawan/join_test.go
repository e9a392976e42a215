package lorawan

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"meldefunk/city"
)

func TestJoinFramesRefuse(t *testing.T) {
	request := JoinRequest{JoinEUI: city.EUI{1}, DevEUI: city.EUI{2}, DevNonce: 3}
	join := request.Seal(nil, Key{1})
	rejoin0, err := RejoinRequest{Type: 0, DevEUI: city.EUI{2}}.Seal(nil, Key{1})
	if err != nil {
		t.Fatal(err)
	}
	rejoin1, err := RejoinRequest{Type: 1, DevEUI: city.EUI{2}}.Seal(nil, Key{1})
	if err != nil {
		t.Fatal(err)
	}
	accept, err := JoinAccept{OptNeg: true}.Seal(nil, Key{1}, request.Ask())
	if err != nil {
		t.Fatal(err)
	}
	with := func(b []byte, i int, v byte) []byte { b = bytes.Clone(b); b[i] = v; return b }
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"join-request, nothing", second(ParseJoinRequest(nil)), "empty"},
		{"join-request, a byte short", second(ParseJoinRequest(join[:22])), "22 bytes, want [23]"},
		{"join-request, a byte long", second(ParseJoinRequest(append(join[:23:23], 0))), "24 bytes"},
		{"join-request, other type", second(ParseJoinRequest(rejoin0)), "is a rejoin-request, not a join-request"},
		{"join-request, other major", second(ParseJoinRequest(with(join, 0, 3))), "major version 3"},
		{"rejoin-request, a byte short", second(ParseRejoinRequest(rejoin0[:18])), "18 bytes, want [19 24]"},
		{"rejoin-request, type 0 as long as 1", second(ParseRejoinRequest(with(rejoin1, 1, 0))), "type 0 has 24 bytes"},
		{"rejoin-request, type 1 as short as 0", second(ParseRejoinRequest(with(rejoin0, 1, 1))), "type 1 has 19 bytes"},
		{"rejoin-request, type 3", second(ParseRejoinRequest(with(rejoin0, 1, 3))), "type 3"},
		{"rejoin-request, sealing type 3", second(RejoinRequest{Type: 3}.Seal(nil, Key{1})), "type 3"},
		{"join-accept, 16 bytes", second(OpenJoinAccept(accept[:16], Key{1}, request.Ask())), "want [17 33]"},
		{"join-accept, 25 bytes", second(OpenJoinAccept(append(accept[:17:17], make([]byte, 8)...), Key{1}, request.Ask())), "want [17 33]"},
		{"join-accept, nonce too large", second(JoinAccept{JoinNonce: 1 << 24}.Seal(nil, Key{1}, request.Ask())), "24 bits"},
		{"join-accept, delay too large", second(JoinAccept{RXDelay: 16}.Seal(nil, Key{1}, request.Ask())), "RXDelay 16"},
		{"join-accept, offset too large", second(JoinAccept{RX1DROffset: 8}.Seal(nil, Key{1}, request.Ask())), "RX1DROffset 8"},
		{"join-accept, data rate too large", second(JoinAccept{RX2DataRate: 16}.Seal(nil, Key{1}, request.Ask())), "RX2DataRate 16"},
		{"join-accept of 1.0 for a rejoin", second(JoinAccept{}.Seal(nil, Key{1}, JoinAsk{Type: 0})), "type 0 with OptNeg false"},
		{"join-accept for type 3", second(JoinAccept{OptNeg: true}.Seal(nil, Key{1}, JoinAsk{Type: 3})), "type 3"},
		{"channel below 100 MHz", second(NewCFList([5]uint32{0, 99e6})), "channel 1"},
		{"channel between steps", second(NewCFList([5]uint32{868100050})), "multiple of 100 Hz"},
		{"channel too high", second(NewCFList([5]uint32{1677721600})), "1677.7215 MHz"},
		{"list of masks", second(CFList{15: 1}.Frequencies()), "type 1"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, c.err, c.want)
		}
	}
}

// TestJoinBits changes every bit of every frame of a join: none passes.
func TestJoinBits(t *testing.T) {
	root := Key{1}
	request := JoinRequest{JoinEUI: city.EUI{1}, DevEUI: city.EUI{2}, DevNonce: 3}
	flip := func(name string, frame []byte, verify func([]byte) error) {
		t.Helper()
		if err := verify(frame); err != nil {
			t.Errorf("%s as sent: %v", name, err)
		}
		for i := range 8 * len(frame) {
			bad := bytes.Clone(frame)
			bad[i/8] ^= 1 << (i % 8)
			if err := verify(bad); err == nil {
				t.Errorf("%s with bit %d changed is taken", name, i)
			}
		}
	}
	flip("join-request", request.Seal(nil, root), func(b []byte) error { return second(VerifyJoinRequest(b, root)) })
	for typ := range uint8(3) {
		r := RejoinRequest{Type: typ, NetID: NetID{1}, JoinEUI: city.EUI{1}, DevEUI: city.EUI{2}, RJCount: 3}
		frame, err := r.Seal(nil, root)
		if err != nil {
			t.Fatal(err)
		}
		flip("rejoin-request", frame, func(b []byte) error { return second(VerifyRejoinRequest(b, root)) })
	}
	for _, a := range []JoinAccept{{}, {OptNeg: true}, {HasCFList: true}, {OptNeg: true, HasCFList: true}} {
		frame, err := a.Seal(nil, root, request.Ask())
		if err != nil {
			t.Fatal(err)
		}
		// The bits between type and format of the first byte are covered by the
		// integrity code, too.
		flip("join-accept", frame, func(b []byte) error { return second(OpenJoinAccept(b, root, request.Ask())) })
		if _, err := OpenJoinAccept(frame, Key{2}, request.Ask()); !errors.Is(err, ErrMIC) {
			t.Errorf("another key: %v, want %v", err, ErrMIC)
		}
	}
}

// TestJoinAcceptAnswersOne makes sure that a device of 1.1 takes no answer meant for another
// request.
func TestJoinAcceptAnswersOne(t *testing.T) {
	ask := JoinAsk{Type: AskJoin, JoinEUI: city.EUI{1}, DevEUI: city.EUI{2}, Nonce: 3}
	for _, optNeg := range []bool{false, true} {
		frame, err := JoinAccept{OptNeg: optNeg}.Seal(nil, Key{1}, ask)
		if err != nil {
			t.Fatal(err)
		}
		for name, other := range map[string]JoinAsk{
			"another nonce":   {Type: AskJoin, JoinEUI: ask.JoinEUI, DevEUI: ask.DevEUI, Nonce: 4},
			"another JoinEUI": {Type: AskJoin, JoinEUI: city.EUI{9}, DevEUI: ask.DevEUI, Nonce: 3},
		} {
			// 1.0 does not protect against it.
			if _, err := OpenJoinAccept(frame, Key{1}, other); (err == nil) == optNeg {
				t.Errorf("OptNeg %v, %s: %v", optNeg, name, err)
			}
		}
		rejoin := JoinAsk{Type: 0, JoinEUI: ask.JoinEUI, DevEUI: ask.DevEUI, Nonce: 3}
		if _, err := OpenJoinAccept(frame, Key{1}, rejoin); err == nil {
			t.Errorf("OptNeg %v: taken as the answer to a rejoin-request", optNeg)
		}
	}
}

func TestRejoinAsk(t *testing.T) {
	r := RejoinRequest{Type: 1, JoinEUI: city.EUI{1}, DevEUI: city.EUI{2}, RJCount: 5}
	if got, want := r.Ask(city.EUI{9}), (JoinAsk{Type: 1, JoinEUI: city.EUI{1}, DevEUI: city.EUI{2}, Nonce: 5}); got != want {
		t.Errorf("type 1: %+v, want %+v", got, want)
	}
	r.Type = 2
	if got, want := r.Ask(city.EUI{9}), (JoinAsk{Type: 2, JoinEUI: city.EUI{9}, DevEUI: city.EUI{2}, Nonce: 5}); got != want {
		t.Errorf("type 2: %+v, want %+v", got, want)
	}
}
