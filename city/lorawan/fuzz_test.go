package lorawan

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"meldefunk/city"
)

// FuzzFrame reads any bytes as every kind of frame. What can be read, written again and read
// once more, is the same.
func FuzzFrame(f *testing.F) {
	for _, s := range []string{
		"", "40f17dbe4900020001954378762b11ff0d", "40f17dbe49000300012a3518af", "60f17dbe4920020001f9d65d27",
		"0039363463336913aa05693574323831330489c65b1304", "204dd85ae608b87fc4889970b7d2042c9e72959b0057aed6094b16003df12de145",
		"c00013000008070605040302010100aabbccdd", "4006dc00fcc07400000244925050",
	} {
		f.Add(unhexT(f, s))
	}
	key := Key{1}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		if d, err := ParseData(b); err == nil {
			again, err := d.append(nil)
			if err != nil {
				t.Fatalf("%x was read and cannot be written: %v", b, err)
			}
			want := bytes.Clone(b[:len(b)-4])
			want[0] &^= 0x1c // for future use
			if !bytes.Equal(again, want) {
				t.Fatalf("%x was read and is written as %x", want, again)
			}
			s := Session10(V1_0_4, d.DevAddr, Key{1}, Key{2})
			_, _ = s.Verify(b, d.FCnt, Binding{})
			_, _ = s.Payload(d)
			s.Version = V1_1
			_, _ = s.VerifyForwarded(b, d.FCnt)
			_, _ = s.Commands(d)
		}
		if r, err := ParseJoinRequest(b); err == nil {
			if again, err := ParseJoinRequest(r.Seal(nil, key)); err != nil || again != r {
				t.Fatalf("join-request %+v is read as %+v (%v)", r, again, err)
			}
		}
		if r, err := ParseRejoinRequest(b); err == nil {
			frame, err := r.Seal(nil, key)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := ParseRejoinRequest(frame); err != nil || again != r {
				t.Fatalf("rejoin-request %+v is read as %+v (%v)", r, again, err)
			}
		}
		ask := JoinAsk{Type: AskJoin, JoinEUI: city.EUI{1}, DevEUI: city.EUI{2}, Nonce: 3}
		_, _ = OpenJoinAccept(b, key, ask)
		if !bytes.Equal(b, before) {
			t.Fatalf("reading %x changed it to %x", before, b)
		}
	})
}

// FuzzCommands reads any bytes as commands. What can be read, written again and read once
// more, is the same; nothing gets lost.
func FuzzCommands(f *testing.F) {
	for _, s := range []string{"", "02", "0307", "06ff1f", "0352ffff01", "0585d2ad84", "0d0102030405", "0e8111", "0703184f8450", "40"} {
		f.Add(true, unhexT(f, s))
		f.Add(false, unhexT(f, s))
	}
	f.Fuzz(func(t *testing.T, up bool, b []byte) {
		dir := Down
		if up {
			dir = Up
		}
		commands, rest, err := ParseCommands(dir, b)
		if (err == nil) != (len(rest) == 0) || !bytes.HasSuffix(b, rest) {
			t.Fatalf("%x leaves %x with error %v", b, rest, err)
		}
		again, err := AppendCommands(nil, commands...)
		if errors.Is(err, errFrequency) {
			return // frequencies below 100 MHz can be received, for future use
		}
		if err != nil || len(again)+len(rest) != len(b) {
			t.Fatalf("%x was read as %+v and is written as %x (%v)", b, commands, again, err)
		}
		if back, _, err := ParseCommands(dir, again); err != nil || !reflect.DeepEqual(back, commands) {
			t.Fatalf("%+v is read as %+v (%v)", commands, back, err)
		}
	})
}

// FuzzUnwrap unwraps any bytes under any key.
func FuzzUnwrap(f *testing.F) {
	f.Add(make([]byte, 16), make([]byte, 24))
	f.Fuzz(func(t *testing.T, kek, wrapped []byte) {
		data, err := Unwrap(kek, wrapped)
		if err != nil {
			return
		}
		if again, err := Wrap(kek, data); err != nil || !bytes.Equal(again, wrapped) {
			t.Fatalf("%x unwraps and wraps to %x (%v)", wrapped, again, err)
		}
	})
}
