package events

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"meldefunk/city"
)

// beyond are recordings of what simulated devices never do: they send LoRa only, and
// straight to a gateway.
var beyond = []string{"LR-FHSS uplink", "relayed uplink (TS011)"}

// TestRecordingsByteForByte takes recorded messages apart and writes them again: the
// same facts must give the same bytes, zeros, number formats and order of keys included,
// on the same topic.
func TestRecordingsByteForByte(t *testing.T) {
	same := func(b []byte) []byte { return b }
	tests := []struct {
		server Server
		file   string
		want   int
		read   func(t *testing.T, r *recording) Event
		mask   func([]byte) []byte
	}{
		{V4{}, v4File, 64, func(t *testing.T, r *recording) Event { return v4Of(t, r) }, same},
		{V3{}, v3File, 118, func(t *testing.T, r *recording) Event {
			var x v3Recorded
			unmarshal(t, r, &x)
			return x.event(r.event())
		}, same},
		{Things{}, thingsFile, 82, func(t *testing.T, r *recording) Event {
			var x thingsRecorded
			unmarshal(t, r, &x)
			return x.event(t, r.event())
		}, maskThings},
	}
	for _, tt := range tests {
		t.Run(tt.server.Name(), func(t *testing.T) {
			compared := 0
			for _, r := range recordings(t, tt.file) {
				if r.Payload == nil || slices.Contains(beyond, r.Step) || bytes.Contains([]byte(r.Topic), []byte("/command/")) {
					continue
				}
				e := tt.read(t, &r)
				if topic := tt.server.Topic(e); topic != r.Topic {
					t.Errorf("line %d: topic %s, want %s", r.Line, topic, r.Topic)
				}
				got, want := tt.mask(tt.server.Append(nil, e)), tt.mask(r.Payload)
				if !bytes.Equal(got, want) {
					t.Errorf("line %d (%s):\n got %s\nwant %s", r.Line, r.Step, got, want)
				}
				compared++
			}
			if compared != tt.want {
				t.Errorf("compared %d messages, want %d", compared, tt.want)
			}
		})
	}
}

func unmarshal(t *testing.T, r *recording, to any) {
	t.Helper()
	if err := json.Unmarshal(r.Payload, to); err != nil {
		t.Fatalf("line %d: %v", r.Line, err)
	}
}

func v4Of(t *testing.T, r *recording) Event {
	t.Helper()
	var x v4Recorded
	unmarshal(t, r, &x)
	return x.event(t, r.event())
}

var chance = []*regexp.Regexp{
	regexp.MustCompile(`:[0-9A-HJKMNP-TV-Z]{26}"`),         // ULIDs
	regexp.MustCompile(`"uplink_token":"[A-Za-z0-9+/=]+"`), // has a time of its own; see TestTokens
	regexp.MustCompile(`"correlation_id":"[0-9a-f]{32}"`),
}

// maskThings takes out what is chance in the original. Of "downlink_sent" some recordings
// lack a hop, because messages inside The Things Stack overtake each other.
func maskThings(b []byte) []byte {
	for _, re := range chance {
		b = re.ReplaceAll(b, []byte(`"chance"`))
	}
	if !bytes.Contains(b, []byte(`"downlink_sent":{`)) {
		return b
	}
	return bytes.ReplaceAll(b, []byte(`"rpc:/ttn.lorawan.v3.NsAs/HandleUplink"chance",`), nil)
}

// TestProtobufByteForByte does the same with protobuf. Entries of maps come in any order
// and are put into one.
func TestProtobufByteForByte(t *testing.T) {
	compared := 0
	for _, r := range recordings(t, v4File) {
		if slices.Contains(beyond, r.Step) {
			continue
		}
		e := v4Of(t, &r)
		got, want := sorted(t, V4Protobuf{}.Append(nil, e)), sorted(t, r.Protobuf)
		if !bytes.Equal(got, want) {
			t.Errorf("line %d (%s):\n got %x\nwant %x", r.Line, r.Step, got, want)
		}
		if topic := (V4Protobuf{}).Topic(e); topic != r.Topic {
			t.Errorf("line %d: topic %s, want %s", r.Line, topic, r.Topic)
		}
		compared++
	}
	if compared != 64 {
		t.Errorf("compared %d messages, want 64", compared)
	}
}

// sorted puts neighbours of the same field into order, two messages deep: that is where
// the maps are.
func sorted(t *testing.T, b []byte) []byte {
	t.Helper()
	var deep func(b []byte, levels int) []byte
	deep = func(b []byte, levels int) []byte {
		type part struct {
			field protowire.Number
			raw   []byte
		}
		var parts []part
		for rest := b; len(rest) > 0; {
			field, kind, n := protowire.ConsumeField(rest)
			if n < 0 {
				return b // not a message
			}
			raw := rest[:n]
			_ = kind
			if _, typ, m := protowire.ConsumeTag(raw); typ == protowire.BytesType && levels > 0 {
				v, _ := protowire.ConsumeBytes(raw[m:])
				raw = protowire.AppendBytes(bytes.Clone(raw[:m]), deep(v, levels-1))
			}
			parts = append(parts, part{field, raw})
			rest = rest[n:]
		}
		slices.SortStableFunc(parts, func(a, b part) int {
			return cmp.Or(cmp.Compare(a.field, b.field), bytes.Compare(a.raw, b.raw))
		})
		var out []byte
		for _, p := range parts {
			out = append(out, p.raw...)
		}
		return out
	}
	return deep(b, 2)
}

// TestTokens compares what the masked uplink tokens say, but for the gateway server's
// clock, which nothing else tells.
func TestTokens(t *testing.T) {
	compared := 0
	for _, r := range recordings(t, thingsFile) {
		var x thingsRecorded
		var y struct {
			UplinkMessage struct {
				RxMetadata []struct {
					UplinkToken []byte `json:"uplink_token"`
				} `json:"rx_metadata"`
			} `json:"uplink_message"`
		}
		unmarshal(t, &r, &x)
		unmarshal(t, &r, &y)
		if r.event() != "up" {
			continue
		}
		up := x.event(t, "up").(*Up)
		for i, meta := range y.UplinkMessage.RxMetadata {
			reception := &up.Receptions[i]
			reception.Received = serverTime(t, meta.UplinkToken)
			if got := appendToken(nil, reception, reception.Time); !bytes.Equal(got, meta.UplinkToken) {
				t.Errorf("line %d: token\n got %x\nwant %x", r.Line, got, meta.UplinkToken)
			}
			compared++
		}
	}
	if compared < 59 {
		t.Errorf("compared only %d tokens", compared)
	}
}

func serverTime(t *testing.T, token []byte) time.Time {
	t.Helper()
	span := wireFields(t, wireFields(t, token)[3][0].([]byte))
	return time.Unix(int64(span[1][0].(uint64)), int64(span[2][0].(uint64)))
}

// wireFields reads one message: what it has of each field.
func wireFields(t *testing.T, b []byte) map[protowire.Number][]any {
	t.Helper()
	all := map[protowire.Number][]any{}
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		var v any
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			v, n = protowire.ConsumeFixed32(b)
		case protowire.Fixed64Type:
			v, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(b)
		}
		if n < 0 || v == nil {
			t.Fatalf("field %d of wire type %d: %v", field, kind, protowire.ParseError(n))
		}
		all[field] = append(all[field], v)
		b = b[n:]
	}
	return all
}

// TestGatewayRecordingsByteForByte takes apart what gateways published to ChirpStack v3
// and writes it again.
func TestGatewayRecordingsByteForByte(t *testing.T) {
	compared := map[string]int{}
	for _, r := range recordings(t, v3File) {
		m := gatewayOf(t, &r)
		if m == nil {
			continue
		}
		if topic := (BridgeV3{}).Topic(m); topic != r.Topic {
			t.Errorf("line %d: topic %s, want %s", r.Line, topic, r.Topic)
		}
		if got := (BridgeV3{}).Append(nil, m); !bytes.Equal(got, r.Binary) {
			t.Errorf("line %d (%s):\n got %x\nwant %x", r.Line, r.Topic, got, r.Binary)
		}
		compared[r.event()]++
	}
	if compared["up"] != 97 || compared["stats"] != 4 || compared["conn"] != 2 {
		t.Errorf("compared %v", compared)
	}
}

// gatewayOf reads a recorded message of a gateway with wireFields, nil if it is another.
func gatewayOf(t *testing.T, r *recording) GatewayMessage {
	t.Helper()
	if r.Binary == nil {
		return nil
	}
	all := wireFields(t, r.Binary)
	get := func(of map[protowire.Number][]any, field protowire.Number) uint64 {
		if len(of[field]) == 0 {
			return 0
		}
		return of[field][0].(uint64)
	}
	text := func(of map[protowire.Number][]any, field protowire.Number) []byte {
		if len(of[field]) == 0 {
			return nil
		}
		return of[field][0].([]byte)
	}
	float := func(of map[protowire.Number][]any, field protowire.Number) float64 {
		return math.Float64frombits(get(of, field))
	}
	when := func(b []byte) time.Time {
		if b == nil {
			return time.Time{}
		}
		span := wireFields(t, b)
		return time.Unix(int64(get(span, 1)), int64(get(span, 2)))
	}
	switch r.event() {
	case "conn":
		return &ConnState{Gateway: &Gateway{ID: city.EUI(text(all, 1))}, Online: get(all, 2) == 1}
	case "stats":
		s := &Stats{
			Gateway: &Gateway{ID: city.EUI(text(all, 1))}, ID: UUID(text(all, 11)), Time: when(text(all, 2)), Address: string(text(all, 9)),
			Received: uint32(get(all, 5)), Intact: uint32(get(all, 6)), Asked: uint32(get(all, 7)), Sent: uint32(get(all, 8)),
		}
		if place := text(all, 3); place != nil {
			at := wireFields(t, place)
			s.Located, s.Position, s.Altitude = true, city.Position{Lat: float(at, 1), Lon: float(at, 2)}, float(at, 3)
		}
		return s
	case "up":
		tx, rx := wireFields(t, text(all, 2)), wireFields(t, text(all, 3))
		lora := wireFields(t, text(tx, 3))
		return &Frame{
			PHYPayload: text(all, 1),
			Radio:      Radio{Frequency: uint32(get(tx, 1)), SpreadingFactor: uint8(get(lora, 2)), Bandwidth: uint32(get(lora, 1)) * 1000},
			Reception: Reception{
				Gateway: &Gateway{ID: city.EUI(text(rx, 1))}, ID: UUID(text(rx, 16)), Time: when(text(rx, 2)), GPS: text(rx, 3) != nil,
				Timestamp: binary.BigEndian.Uint32(text(rx, 15)), RSSI: int16(get(rx, 5)), SNR: float32(float(rx, 6)),
				Channel: uint8(get(rx, 7)), RFChain: uint8(get(rx, 8)), CRC: CRC(get(rx, 17)),
			},
		}
	}
	return nil
}
