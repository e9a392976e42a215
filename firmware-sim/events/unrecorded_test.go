package events

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// This file has what no recording shows, with the source it follows.

// TestWithoutPosition: ChirpStack v4 gives every gateway it knows a location, zeros left
// out (update_gateway_metadata in chirpstack/src/uplink/mod.rs); v3 writes null
// (internal/integration/models/models.go); The Things Stack has none.
func TestWithoutPosition(t *testing.T) {
	e := testUp()
	e.Receptions[0].Gateway.Located = false
	for s, want := range map[Server]string{
		V4{}: `,"location":{},"context":`, V3{}: `"loRaSNR":-5,"location":null}`, Things{}: `"snr":-5,"uplink_token"`,
	} {
		if body := s.Append(nil, e); !bytes.Contains(body, []byte(want)) {
			t.Errorf("%s: no %s in %s", s.Name(), want, body)
		}
	}
	rx := wireFields(t, wireFields(t, V4Protobuf{}.Append(nil, e))[12][0].([]byte))
	if at := rx[12]; len(at) != 1 || len(at[0].([]byte)) != 0 {
		t.Errorf("location %v, want one that is empty", at)
	}
}

// TestOddities: odd words of operators, and what an event has nothing of, still give JSON.
func TestOddities(t *testing.T) {
	e := testUp()
	e.Device.Name, e.Device.Tags = "\"Am <Dom>\" \\ \x00\xff", []Tag{{"a\nb", "ü"}}
	e.Device.Profile.Name, e.Device.Application.Region = "", ""
	bare := &Up{Device: testDevice(), Session: &Session{}}
	bare.Device.Tags = nil
	for _, s := range servers() {
		if (s == V4Protobuf{}) {
			continue
		}
		for _, e := range []Event{e, bare, &Join{Device: testDevice(), Session: &Session{}}, &Ack{Downlink: testDownlink()}} {
			if body := s.Append(nil, e); !json.Valid(body) {
				t.Errorf("%s: %s", s.Name(), body)
			}
		}
	}
	if body := (V3{}).Append(nil, bare); strings.Contains(string(body), "tags") || strings.Contains(string(body), "rxInfo") {
		t.Errorf("empty lists are left out by v3: %s", body)
	}
}

// TestTopics names those of events that are nowhere recorded.
func TestTopics(t *testing.T) {
	named := testDevice()
	named.ID = "baum-17"
	for _, tt := range []struct {
		server Server
		event  Event
		want   string
	}{
		{Things{}, &Up{Device: named}, "v3/stadt-sensorik/devices/baum-17/up"},
		{Things{}, &Ack{Downlink: testDownlink()}, "v3/stadt-sensorik/devices/eui-a840410001810001/down/nack"},
		{V3{}, &Log{Device: testDevice(), Cause: CauseJoinMIC}, "application/1/device/a840410001810001/event/error"},
		{V4{}, &Log{Device: testDevice(), Cause: CauseFrameMIC}, ""},
		{V3{}, &Location{Device: testDevice()}, ""},
		{Things{}, &Status{Device: testDevice()}, ""},
	} {
		if got := tt.server.Topic(tt.event); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.server.Name(), got, tt.want)
		}
	}
}

// TestAppends: what stood in the buffer stays, and the same event gives the same bytes.
func TestAppends(t *testing.T) {
	for _, s := range servers() {
		for _, e := range slices.Concat(v4Variants(), thingsVariants()) {
			alone := s.Append(nil, e)
			behind := s.Append([]byte("x,"), e)
			if !bytes.Equal(behind, append([]byte("x,"), alone...)) {
				t.Errorf("%s: alone %s, behind something %s", s.Name(), alone, behind)
			}
		}
	}
}

// TestBridgeV4Protobuf: what a gateway sends is in the recorded events, which hand on
// rxInfo and txInfo as they came; only location and nsTime are the network server's.
func TestBridgeV4Protobuf(t *testing.T) {
	compared := 0
	for _, r := range recordings(t, v4File) {
		if r.event() != "up" || slices.Contains(beyond, r.Step) {
			continue
		}
		up := v4Of(t, &r).(*Up)
		recorded := wireFields(t, r.Protobuf)
		for i := range up.Receptions {
			m := &Frame{[]byte{0x40, 1, 2, 3}, up.Radio, up.Receptions[i]}
			got := wireFields(t, BridgeV4{Prefix: "eu868"}.Append(nil, m))
			if len(got) != 3 || !bytes.Equal(got[1][0].([]byte), m.PHYPayload) {
				t.Errorf("line %d: %v", r.Line, got)
			}
			if tx := recorded[13][0].([]byte); !bytes.Equal(got[4][0].([]byte), tx) {
				t.Errorf("line %d: tx_info\n got %x\nwant %x", r.Line, got[4][0], tx)
			}
			rx := sorted(t, without(t, recorded[12][i].([]byte), 12, 17))
			if !bytes.Equal(sorted(t, got[5][0].([]byte)), rx) {
				t.Errorf("line %d: rx_info\n got %x\nwant %x", r.Line, got[5][0], rx)
			}
			compared++
		}
	}
	if compared < 40 {
		t.Errorf("compared only %d frames", compared)
	}
}

func without(t *testing.T, b []byte, fields ...protowire.Number) []byte {
	t.Helper()
	var out []byte
	for len(b) > 0 {
		field, _, n := protowire.ConsumeField(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		if !slices.Contains(fields, field) {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}

// TestBridgeV4 has the two JSON forms and the field numbers of gw.proto.
func TestBridgeV4(t *testing.T) {
	rx := testReceptions()
	zero := rx[1]
	zero.SNR, zero.RSSI, zero.Channel, zero.RFChain, zero.CRC = 0, 0, 0, 0, CRCBad
	stats := &Stats{
		Gateway: rx[0].Gateway, Time: noon.Truncate(time.Second), Located: true, Position: rx[0].Gateway.Position, Altitude: 98, Received: 5, Intact: 4,
		Asked: 2, Sent: 1, Frequency: []Count{{868_100_000, 3}, {868_300_000, 2}},
	}
	for _, tt := range []struct {
		name  string
		m     GatewayMessage
		topic string
		goes  string
		rust  string
		wire  string
	}{
		{
			"frame", &Frame{[]byte{0x40, 0xff}, testRadio(), rx[0]}, "eu868/gateway/7076ff0056000001/event/up",
			`{"phyPayload":"QP8=","txInfo":{"frequency":868300000,"modulation":{"lora":{"bandwidth":125000,"spreadingFactor":7,"codeRate":"CR_4_5"}}},` +
				`"rxInfo":{"gatewayId":"7076ff0056000001","uplinkId":2576083996,"gwTime":"2026-06-01T12:00:07.219375Z","timeSinceGpsEpoch":"1464350425.219s",` +
				`"rssi":-77,"snr":-5,"channel":1,"rfChain":1,"context":"AQIDAQ==","crcStatus":"CRC_OK"}}`,
			`{"phyPayload":"QP8=","txInfo":{"frequency":868300000,"modulation":{"lora":{"bandwidth":125000,"spreadingFactor":7,"codeRate":"CR_4_5"}}},` +
				`"rxInfo":{"gatewayId":"7076ff0056000001","uplinkId":2576083996,"gwTime":"2026-06-01T12:00:07.219375+00:00","timeSinceGpsEpoch":"1464350425.219s",` +
				`"rssi":-77,"snr":-5.0,"channel":1,"rfChain":1,"context":"AQIDAQ==","crcStatus":"CRC_OK"}}`, "",
		},
		{
			"zeros", &Frame{[]byte{1}, testRadio(), zero}, "eu868/gateway/7076ff0056000002/event/up",
			`{"phyPayload":"AQ==","txInfo":{"frequency":868300000,"modulation":{"lora":{"bandwidth":125000,"spreadingFactor":7,"codeRate":"CR_4_5"}}},` +
				`"rxInfo":{"gatewayId":"7076ff0056000002","uplinkId":549197795,"context":"AQIDAg==","crcStatus":"BAD_CRC"}}`, "=", "",
		},
		{
			"stats", stats, "eu868/gateway/7076ff0056000001/event/stats",
			`{"gatewayId":"7076ff0056000001","time":"2026-06-01T12:00:07Z","location":{"latitude":52.2799,"longitude":8.0472,"altitude":98,"source":"GPS"},` +
				`"rxPacketsReceived":5,"rxPacketsReceivedOk":4,"txPacketsReceived":2,"txPacketsEmitted":1,"rxPacketsPerFrequency":{"868100000":3,"868300000":2}}`,
			`{"gatewayId":"7076ff0056000001","time":"2026-06-01T12:00:07+00:00","location":{"latitude":52.2799,"longitude":8.0472,"altitude":98.0,"source":"GPS"},` +
				`"rxPacketsReceived":5,"rxPacketsReceivedOk":4,"txPacketsReceived":2,"txPacketsEmitted":1,"rxPacketsPerFrequency":{"868100000":3,"868300000":2}}`,
			"",
		},
		{"online", &ConnState{rx[0].Gateway, true}, "eu868/gateway/7076ff0056000001/state/conn", `{"gatewayId":"7076ff0056000001","state":"ONLINE"}`, "=", "10011a10" + "37303736666630303536303030303031"},
		{"offline", &ConnState{rx[0].Gateway, false}, "eu868/gateway/7076ff0056000001/state/conn", `{"gatewayId":"7076ff0056000001"}`, "=", "1a10" + "37303736666630303536303030303031"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.rust == "=" {
				tt.rust = tt.goes
			}
			for encoding, want := range map[Encoding]string{JSONOfBridge: tt.goes, JSONOfForwarder: tt.rust} {
				if got := string(BridgeV4{"eu868", encoding}.Append(nil, tt.m)); got != want {
					t.Errorf("\n got %s\nwant %s", got, want)
				}
			}
			if got := (BridgeV4{Prefix: "eu868"}).Topic(tt.m); got != tt.topic {
				t.Errorf("topic %s, want %s", got, tt.topic)
			}
			if tt.wire != "" && !bytes.Equal(BridgeV4{}.Append(nil, tt.m), mustHex(t, tt.wire)) {
				t.Errorf("protobuf %x, want %s", BridgeV4{}.Append(nil, tt.m), tt.wire)
			}
		})
	}
	all := wireFields(t, BridgeV4{}.Append(nil, stats))
	if string(all[17][0].([]byte)) != "7076ff0056000001" || all[5][0] != uint64(5) || all[6][0] != uint64(4) || all[7][0] != uint64(2) || all[8][0] != uint64(1) || len(all[13]) != 2 || len(all) != 8 {
		t.Errorf("stats %v", all)
	}
}
