package events

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// The variants: what a city has to tell, in all the ways in which messages differ.

var noon = time.Date(2026, 6, 1, 12, 0, 7, 219_375_123, time.UTC)

func testDevice() *Device {
	return &Device{
		Application: &Application{
			Tenant: NewUUID(1, 2), TenantName: "Stadt", ID: NewUUID(0xfeed, 4), Number: 1, Name: "stadt-sensorik", Region: "eu868",
		},
		Profile: &Profile{ID: NewUUID(0xabc, 6), Name: "dragino-lse01"},
		DevEUI:  city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, 0, 1}, JoinEUI: city.EUI{0xa0, 0, 0, 0, 0, 0, 1, 1},
		Name: "baum-17", Tags: []Tag{{"model", "dragino-lse01"}, {"straße", "Große Straße"}},
	}
}

func testSession() *Session {
	return &Session{DevAddr: 0x01c301d4, KeyID: []byte("0123456789abcdef")}
}

func testRadio() Radio { return Radio{868_300_000, 5, 7, 125_000} }

// testReceptions are those of a gateway with GPS and of one that has no time.
func testReceptions() []Reception {
	hall := &Gateway{ID: city.EUI{0x70, 0x76, 0xff, 0, 0x56, 0, 0, 1}, Name: "gw-rathaus", Located: true, Position: city.Position{Lat: 52.2799, Lon: 8.0472}, Altitude: 98}
	tower := &Gateway{ID: city.EUI{0x70, 0x76, 0xff, 0, 0x56, 0, 0, 2}, Name: "gw-wasserturm", Located: true, Position: city.Position{Lat: 52.2601, Lon: 8.0101}, Altitude: 112}
	return []Reception{
		{hall, 2576083996, NewUUID(7, 8), noon.Truncate(time.Microsecond), true, noon, 0x01020301, -77, -5, 1, 1, CRCOK},
		{tower, 549197795, NewUUID(9, 10), time.Time{}, false, noon.Add(31_000), 0x01020302, -101, 6.5, 2, 1, CRCOK},
	}
}

// testUp is heard by one gateway with GPS.
func testUp() *Up {
	return &Up{
		Device: testDevice(), Session: testSession(), Radio: testRadio(), ID: NewUUID(11, 12),
		Time: noon, Received: noon.Add(1_717_001), Published: noon.Add(201_717_001),
		FCnt: 17, FPort: 2, Payload: []byte{0x0c, 0xe5, 0x7f}, ADR: true, Airtime: 61_696 * time.Microsecond, Receptions: testReceptions()[:1],
	}
}

// ups are data frames that every dialect has a form for.
func ups() []Event {
	object := []Field{{Name: "battery", Number: 92}, {Name: "position", Text: "normal"}}
	first := testUp()
	first.FCnt = 0
	two := testUp()
	two.Receptions, two.Object = testReceptions(), object
	two.Receptions[0].Channel = 0
	confirmed := testUp()
	confirmed.Confirmed, confirmed.ADR, confirmed.Receptions = true, false, testReceptions()[1:]
	mac := testUp()
	mac.FPort, mac.Payload = 0, nil
	empty := testUp()
	empty.Payload = nil
	return []Event{testUp(), first, two, confirmed, mac, empty}
}

func v4Variants() []Event {
	zeros, old, wrapped, foreign := testUp(), testUp(), testUp(), testUp()
	zeros.DataRate, zeros.SpreadingFactor, zeros.FCnt = 0, 12, 0
	r := &zeros.Receptions[0]
	r.RSSI, r.SNR, r.Channel = 0, 0, 0
	old.Device.Application.Region = ""
	old.Receptions[0].Gateway.Metadata = []Tag{{"region_common_name", "EU868"}, {"region_config_id", "eu868"}}
	wrapped.EndToEnd = &Envelope{KEKLabel: "stadt-kek-1", WrappedKey: bytes.Repeat([]byte{0xd7}, 24)}
	foreign.EndToEnd = &Envelope{SessionKeyID: []byte{1, 2, 3, 4}}
	all := append(ups(), zeros, old, wrapped, foreign)

	plain := &Join{Device: testDevice(), Session: testSession(), ID: NewUUID(13, 14), Time: noon}
	secret := *plain
	secret.Session = wrapped.Session
	all = append(all, plain, &secret)
	for _, s := range []Status{{Battery: 241, Margin: 11}, {Battery: 255, Margin: -3}, {Battery: 0, Margin: 0}} {
		s.Device, s.ID, s.Time = testDevice(), NewUUID(15, 16), noon
		all = append(all, &s)
	}
	down := testDownlink()
	all = append(all,
		&TxAck{down, testRadio(), noon, 2876309761, testReceptions()[0].Gateway, 16, time.Second, 0x01020304},
		&Ack{down, NewUUID(17, 18), noon, true}, &Ack{down, UUID{}, noon, false},
		&Location{testDevice(), NewUUID(19, 20), noon, 52.28, 8.05, 35})
	for _, l := range []Log{
		{Cause: CauseRepeat, FCnt: 10}, {Cause: CauseReset}, {Cause: CauseCodec, Text: "JS error: Error: unknown port 99"},
		{Cause: CauseDevNonce, DevNonce: 4711}, {Cause: CauseJoinMIC}, {Cause: CauseSize, Size: 300, Max: 222, Downlink: &down}, {Cause: CauseGateway, Text: "TX_FREQ"},
	} {
		l.Device, l.ID, l.Time = testDevice(), NewUUID(21, 22), noon
		all = append(all, &l)
	}
	return all
}

func testDownlink() Downlink {
	return Downlink{
		Device: testDevice(), Session: testSession(), ID: NewUUID(23, 24), Asked: noon, FCnt: 4, FPort: 53, Payload: []byte{0, 10}, Priority: "NORMAL",
	}
}

func v3Variants() []Event {
	odd := testUp()
	odd.Receptions[0].SNR, odd.Object = -4.6, []Field{}
	odd.Receptions[0].Time = noon.Truncate(10 * time.Microsecond)
	all := append(ups(), odd)
	join := &Join{Device: testDevice(), Session: testSession(), Radio: testRadio(), Receptions: testReceptions()}
	late := *join
	late.Receptions = testReceptions()
	late.Receptions[0].Time = noon.Truncate(10 * time.Microsecond)
	all = append(all, join, &late, &Status{Device: testDevice(), Battery: 241, Margin: 11}, &TxAck{Downlink: testDownlink()}, &Ack{Downlink: testDownlink(), Acknowledged: true})
	for _, l := range []Log{
		{Cause: CauseRepeat}, {Cause: CauseFrameMIC}, {Cause: CauseCodec, Text: "execute js error: js vm error: Error: unknown port 99"},
		{Cause: CauseDevNonce}, {Cause: CauseSize}, {Cause: CauseGateway, Text: "TX_FREQ"},
	} {
		l.Device, l.FCnt = testDevice(), 7
		all = append(all, &l)
	}
	return append(all, &Log{Device: testDevice(), Cause: CauseReset})
}

func thingsVariants() []Event {
	lossy := testUp()
	lossy.Lost = 0.5
	lossy.Receptions[0].SNR, lossy.Receptions[0].Received = 0, noon.Truncate(time.Microsecond)
	all := append(ups(), lossy, &Join{Device: testDevice(), Session: testSession(), ID: NewUUID(13, 14), Received: noon, Published: noon.Add(3e9)})
	plain, high, confirmed := testDownlink(), testDownlink(), testDownlink()
	plain.Own = []string{"stadt:ticket:4711"}
	high.Priority, high.Object = "HIGH", []Field{{Name: "interval", Number: 600}}
	confirmed.Confirmed = true
	for _, d := range []Downlink{plain, high, confirmed} {
		all = append(all, &Queued{d, noon}, &TxAck{Downlink: d, Time: noon, Gateway: testReceptions()[0].Gateway})
	}
	refused := testDownlink()
	refused.Priority = ""
	portless := refused
	portless.FPort = 0
	return append(all, &Ack{confirmed, NewUUID(17, 18), noon, true},
		&Log{Device: testDevice(), Cause: CausePort, ID: NewUUID(21, 0xabc), Time: noon, Downlink: &portless},
		&Log{Device: testDevice(), Cause: CauseSize, ID: NewUUID(21, 0xabc), Time: noon, Size: 246, Max: 242, Downlink: &refused})
}

// free are objects whose keys are anybody's words.
var free = []string{".deviceInfo.tags", ".tags", ".object", ".uplink_message.decoded_payload", ".downlink_queued.decoded_payload"}

// TestShapes holds the variants against the recordings, kind by kind and field by field:
// names, types, formats, order, and what is left out. What the variants have together is
// what the recordings have together; but for those in beyond there is no exception.
func TestShapes(t *testing.T) {
	for _, tt := range []struct {
		server   Server
		file     string
		variants []Event
	}{{V4{}, v4File, v4Variants()}, {V3{}, v3File, v3Variants()}, {Things{}, thingsFile, thingsVariants()}} {
		t.Run(tt.server.Name(), func(t *testing.T) {
			got, want := map[string]*shape{}, map[string]*shape{}
			for _, r := range recordings(t, tt.file) {
				if r.Payload != nil && !slices.Contains(beyond, r.Step) && !strings.Contains(r.Topic, "/command/") {
					shapeOf(want, r.Topic).walk(t, r.Payload)
				}
			}
			for _, e := range tt.variants {
				shapeOf(got, tt.server.Topic(e)).walk(t, tt.server.Append(nil, e))
			}
			compareShapes(t, got, want)
		})
	}
}

// nested are the messages inside ChirpStack v4's events, by integration.proto.
var nested = map[string][]string{
	"up": {
		".2", ".3", ".3.9", ".11", ".11.1", ".11.1.2", ".12", ".12.3", ".12.4", ".12.12", ".12.15", ".12.17", ".13", ".13.2", ".13.2.3", ".15", ".15.2",
		"=.10", "=.12.13", "=.15.2.2",
	},
	"join": {".2", ".3", ".3.9", ".6", ".6.2", "=.6.2.2"}, "status": {".2", ".3", ".3.9"}, "ack": {".2", ".3", ".3.9"}, "location": {".2", ".3", ".3.9", ".4"},
	"txack": {".2", ".3", ".3.9", ".7", ".7.3", ".7.3.3", ".7.6", ".7.6.2", ".7.6.2.1", "=.7.7"}, "log": {".1", ".2", ".2.9", ".6"},
}

// TestProtobufShapes does the same with protobuf: field numbers, wire types, presence.
func TestProtobufShapes(t *testing.T) {
	got, want := map[string]*shape{}, map[string]*shape{}
	for _, r := range recordings(t, v4File) {
		if !slices.Contains(beyond, r.Step) {
			shapeOf(want, r.Topic).walkWire(t, "", r.Protobuf)
		}
	}
	for _, e := range v4Variants() {
		shapeOf(got, V4Protobuf{}.Topic(e)).walkWire(t, "", V4Protobuf{}.Append(nil, e))
	}
	compareShapes(t, got, want)
}

// TestGatewayShapes does it with what gateways publish to ChirpStack v3, by gw.proto.
func TestGatewayShapes(t *testing.T) {
	inside := map[string][]string{"up": {".2", ".2.3", ".3", ".3.2", ".3.3", "=.1", "=.3.1", "=.3.15", "=.3.16"}, "stats": {".2", ".3", "=.1", "=.11"}, "conn": {"=.1"}}
	got, want := map[string]*shape{}, map[string]*shape{}
	for kind, in := range inside {
		got[kind], want[kind] = newShape(nil, in), newShape(nil, in)
	}
	for _, r := range recordings(t, v3File) {
		if gatewayOf(t, &r) != nil {
			want[r.event()].walkWire(t, "", r.Binary)
		}
	}
	for _, m := range gatewayVariants() {
		kind := (&recording{Topic: BridgeV3{}.Topic(m)}).event()
		got[kind].walkWire(t, "", BridgeV3{}.Append(nil, m))
	}
	compareShapes(t, got, want)
}

func gatewayVariants() []GatewayMessage {
	both := testReceptions()
	first := both[0]
	first.Channel = 0
	located := &Stats{
		Gateway: first.Gateway, ID: NewUUID(0xfedcba9876543210, 1), Time: noon.Truncate(time.Second), Located: true, Position: first.Gateway.Position,
		Altitude: 98, Address: "192.0.2.2", Received: 71, Intact: 71,
	}
	plain := &Stats{Gateway: both[1].Gateway, ID: NewUUID(0xfedcba9876543210, 2), Time: noon.Truncate(time.Second), Address: "192.0.2.2"}
	phy := []byte{0x40, 0xd4, 1, 0xc3, 1, 0, 17, 0, 2, 0xff}
	return []GatewayMessage{
		&Frame{phy, testRadio(), first}, &Frame{phy, testRadio(), both[1]}, located, plain, &ConnState{first.Gateway, true},
	}
}

func shapeOf(all map[string]*shape, topic string) *shape {
	r := recording{Topic: topic}
	kind := r.event()
	if all[kind] == nil {
		all[kind] = newShape(free, nested[kind])
	}
	return all[kind]
}

func compareShapes(t *testing.T, got, want map[string]*shape) {
	t.Helper()
	for kind, w := range want {
		g := got[kind]
		if g == nil {
			t.Errorf("%s: recorded, never written", kind)
			continue
		}
		for _, d := range differences(g, w) {
			t.Errorf("%s%s", kind, d)
		}
	}
	for kind := range got {
		if want[kind] == nil {
			t.Errorf("%s: never recorded", kind)
		}
	}
}
