package chirpstack

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// whole is a message with a field of each wire type, one that comes twice, and a map.
func whole() message {
	return message{
		{number: 1, typ: protowire.BytesType, bytes: []byte("a")},
		{number: 2, typ: protowire.VarintType, bits: 300},
		{number: 3, typ: protowire.Fixed32Type, bits: 1},
		{number: 4, typ: protowire.Fixed64Type, bits: 1 << 40},
		{number: 1, typ: protowire.BytesType, bytes: []byte("b")},
	}.setTexts(9, map[string]string{"x": "1", "y": ""})
}

func TestMessage(t *testing.T) {
	b := whole().bytes()
	m, err := readMessage(b)
	if err != nil || !bytes.Equal(m.bytes(), b) {
		t.Fatalf("read %v, error %v; want what was written", m, err)
	}
	texts, err := m.texts(9)
	if m.text(1) != "b" || m.uint(2) != 300 || len(texts) != 2 || texts["x"] != "1" || err != nil {
		t.Errorf("read %q, %d, %v, error %v", m.text(1), m.uint(2), texts, err)
	}
	if m.text(2) != "" || m.uint(1) != 0 || m.text(77) != "" {
		t.Error("a field of another type or none is not zero")
	}
	changed := m.setText(1, "c").setUint(2, 0).setBool(5, true)
	if changed.text(1) != "c" || changed.uint(2) != 0 || !changed.bool(5) || changed.uint(3) != 0 || len(changed.without(1)) != len(m.without(1)) {
		t.Errorf("changed to %v", changed)
	}
	if !bytes.Equal(m.bytes(), b) {
		t.Error("the message that was changed is another one")
	}
	if kept := changed.last(4, protowire.Fixed64Type); kept.bits != 1<<40 {
		t.Errorf("a field that nobody knows is %v", kept)
	}
}

func TestMessageRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		body []byte
		says string
	}{
		{"cut in a number", []byte{0x10, 0x80}, "field 2 at byte 0: unexpected EOF"},
		{"cut in bytes", []byte{0x08, 1, 0x12, 5, 1}, "field 2 at byte 2: unexpected EOF"},
		{"field zero", []byte{0x00, 1}, "no field begins at byte 0"},
		{"group", []byte{0x0b, 0x0c}, "field 1 at byte 0 has the wire type 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := readMessage(c.body)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("read %v, error %v; want %q", m, err, c.says)
			}
		})
	}
}

// FuzzMessage holds that no bytes make reading panic, and that a change of one field leaves
// all others as they are.
func FuzzMessage(f *testing.F) {
	f.Add(whole().bytes())
	f.Add([]byte{0x0a, 3, 0x0a, 1, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := readMessage(b)
		if err != nil {
			return
		}
		again, err := readMessage(m.setText(1, "x").bytes())
		if err != nil || again.text(1) != "x" {
			t.Fatalf("changed: %v, error %v", again, err)
		}
		if !bytes.Equal(again.without(1).bytes(), m.without(1).bytes()) {
			t.Error("other fields changed, too")
		}
		m.texts(9)    //nolint:errcheck // it only must not panic
		m.message(1)  //nolint:errcheck // the same
		m.messages(2) //nolint:errcheck // the same
	})
}
