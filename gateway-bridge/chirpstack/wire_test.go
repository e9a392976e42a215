package chirpstack

import (
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// pb writes protobuf: pb(nil).str(1, "x").msg(3, pb(nil).num(2, 7)).
type pb []byte

func (b pb) num(field protowire.Number, n uint64) pb {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func (b pb) str(field protowire.Number, s string) pb {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func (b pb) msg(field protowire.Number, m pb) pb { return b.str(field, string(m)) }

func (b pb) f32(field protowire.Number, f float32) pb {
	return protowire.AppendFixed32(protowire.AppendTag(b, field, protowire.Fixed32Type), math.Float32bits(f))
}

func (b pb) f64(field protowire.Number, f float64) pb {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(f))
}

// negative is a number below zero as protobuf has it in an int32.
func negative(n int64) uint64 { return uint64(n) }

// TestCutOffMessagesAreRefused cuts every recorded protobuf message at every byte. What
// is left is refused, or ends between two fields, where nothing shows that more followed.
func TestCutOffMessagesAreRefused(t *testing.T) {
	for _, tt := range []struct {
		dialect dialect
		file    string
	}{{V4{}, "chirpstack-v4-generated.jsonl"}, {V3{}, v3Generated}} {
		_, protobuf := capturedInBoth(t, tt.file)
		for _, m := range protobuf {
			ends := map[int]bool{}
			for at := 0; at < len(m.Body); {
				_, _, n := protowire.ConsumeField(m.Body[at:])
				if n < 0 {
					t.Fatalf("%s: %v", m.Topic, protowire.ParseError(n))
				}
				at += n
				ends[at] = true
			}
			whole := m.Body
			for n := range whole {
				m.Body = whole[:n]
				if ev, err := tt.dialect.Parse(&m); err == nil && !ends[n] {
					t.Fatalf("%s: of %d bytes %d gave %+v", m.Topic, len(whole), n, ev)
				}
			}
		}
	}
}

func TestAMessageWithinAMessageLeavesItsFieldAsItWas(t *testing.T) {
	body := pb(nil).msg(3, pb(nil).num(1, 5).str(8, "x")).num(7, 9)
	var fields []protowire.Number
	err := readWire(body, "a test", func(w *wire) {
		before := w.field
		if before == 3 {
			w.message("m", func() { fields = append(fields, w.field) })
		}
		if w.field != before {
			t.Errorf("field %d became %d", before, w.field)
		}
		fields = append(fields, w.field)
	})
	if want := []protowire.Number{1, 8, 3, 7}; err != nil || !slices.Equal(fields, want) {
		t.Errorf("got %v, %v: want %v", fields, err, want)
	}
}
