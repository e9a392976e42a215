package chirpstack

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/firmware-sim/events"
)

// townHall is a gateway, and heardFrame a data frame as it hears it.
var townHall = &events.Gateway{ID: city.EUI{0x70, 0x76, 0xff, 0, 0x56, 0, 0, 1}}

func heardFrame() *events.Frame {
	phy, _ := hex.DecodeString("803bef133d20c600830b4a8de94476b3a3a2a7b8184085da6236bbf98df7")
	return &events.Frame{
		PHYPayload: phy,
		Radio:      events.Radio{Frequency: 868300000, DataRate: 5, SpreadingFactor: 7, Bandwidth: 125000},
		Reception: events.Reception{
			Gateway: townHall, Uplink: 4217106255, ID: events.UUID{1, 2, 3}, Time: time.Date(2026, 11, 21, 21, 38, 9, 78e6, time.UTC), GPS: true,
			RSSI: -67, SNR: 6.5, Channel: 1, CRC: events.CRCOK,
		},
	}
}

// bridges are the programs that write such messages, in every form they have. A frame in
// JSON of v3 is not simulated: its text is made here.
var bridges = map[string]events.Bridge{
	"v3 protobuf":       events.BridgeV3{},
	"v4 protobuf":       events.BridgeV4{Prefix: "eu868"},
	"v4 JSON":           events.BridgeV4{Prefix: "eu868", Encoding: events.JSONOfBridge},
	"v4 JSON forwarder": events.BridgeV4{Prefix: "eu868", Encoding: events.JSONOfForwarder},
	"v3 JSON":           v3JSON{},
}

// v3JSON is the ChirpStack Gateway Bridge 3 with marshaler json.
type v3JSON struct{ events.BridgeV3 }

func (b v3JSON) Append(dst []byte, m events.GatewayMessage) []byte {
	base := base64.StdEncoding.EncodeToString
	switch m := m.(type) {
	case *events.Frame:
		crc := [...]string{"NO_CRC", "BAD_CRC", "CRC_OK"}[m.CRC]
		clock := "null"
		if !m.Time.IsZero() {
			clock = m.Time.Format(`"2006-01-02T15:04:05.999999999Z07:00"`)
		}
		return fmt.Appendf(dst, `{"phyPayload":"%s","txInfo":{"frequency":%d,"modulation":"LORA","loRaModulationInfo":{"bandwidth":%d,"spreadingFactor":%d,"codeRate":"4/5","polarizationInversion":false}},`+
			`"rxInfo":{"gatewayID":"%s","time":%s,"timeSinceGPSEpoch":null,"rssi":%d,"loRaSNR":%v,"channel":1,"rfChain":0,"board":0,"antenna":0,"location":null,"fineTimestampType":"NONE","context":"AAAAAA==","uplinkID":"%s","crcStatus":"%s"}}`,
			base(m.PHYPayload), m.Frequency, m.Bandwidth/1000, m.SpreadingFactor, base(m.Gateway.ID[:]), clock, m.RSSI, m.SNR, base(m.ID[:]), crc)
	case *events.ConnState:
		state := map[bool]string{true: "ONLINE", false: "OFFLINE"}[m.Online]
		return fmt.Appendf(dst, `{"gatewayID":"%s","state":"%s"}`, base(m.Gateway.ID[:]), state)
	}
	return fmt.Append(dst, `{}`)
}

// tell parses what a bridge publishes.
func tell(t testing.TB, b events.Bridge, m events.GatewayMessage) city.Event {
	t.Helper()
	ev, err := Gateway{}.Parse(&city.Message{Server: "gw", Topic: b.Topic(m), Body: b.Append(nil, m), Received: time.Unix(7, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

func TestGatewayFrame(t *testing.T) {
	for name, b := range bridges {
		t.Run(name, func(t *testing.T) {
			m := heardFrame()
			ev := tell(t, b, m)
			at := city.Stamp{At: m.Time, Source: city.TimeGPS}
			if name == "v3 JSON" { // it tells of no GPS time
				at.Source = city.TimeGateway
			}
			want := &city.RawFrame{
				Server: "gw", PHYPayload: m.PHYPayload, Time: at, Received: time.Unix(7, 0), Ident: ev.Ident,
				Radio: city.Radio{RSSI: -67, SNR: 6.5, SpreadingFactor: 7, DataRate: 5, HasDataRate: true, Gateways: 1, Frequency: 868300000, Gateway: "7076ff0056000001"},
			}
			if ev.Kind != city.EventRaw || ev.Gateway != "7076ff0056000001" || ev.Ident == 0 || ev.Time != at || !reflect.DeepEqual(ev.Raw, want) {
				t.Errorf("got %+v with %+v, want %+v", ev, ev.Raw, want)
			}
			if again := tell(t, b, heardFrame()); again.Ident != ev.Ident {
				t.Error("a redelivery has another identity")
			}
			m.Uplink, m.ID = 1, events.UUID{9}
			if other := tell(t, b, m); other.Ident == ev.Ident {
				t.Error("another reception has the same identity")
			}
		})
	}
}

func TestGatewayWithoutClock(t *testing.T) {
	for name, b := range bridges {
		m := heardFrame()
		m.Time, m.GPS = time.Time{}, false
		if ev := tell(t, b, m); ev.Raw == nil || ev.Raw.Time != (city.Stamp{}) {
			t.Errorf("%s: got %+v", name, ev.Raw)
		}
	}
	// One that tells the time since the GPS epoch only, in both forms.
	want := time.Date(2026, 11, 21, 21, 39, 56, 973e6, time.UTC)
	j := bytes.Replace(v3JSON{}.Append(nil, heardFrame()), []byte(`"time":"2026-11-21T21:38:09.078Z","timeSinceGPSEpoch":null`), []byte(`"timeSinceGPSEpoch":"1479332414.973s"`), 1)
	ev, err := Gateway{}.Parse(&city.Message{Topic: "gateway/7076ff0056000001/event/up", Body: j})
	if err != nil || !ev.Time.At.Equal(want) {
		t.Errorf("got %v, %v, want %v", ev.Time, err, want)
	}
}

// TestGatewayOther has what is no data frame of a device.
func TestGatewayOther(t *testing.T) {
	frame := func(change func(m *events.Frame)) *events.Frame {
		m := heardFrame()
		change(m)
		return m
	}
	first := func(b byte) func(m *events.Frame) {
		return func(m *events.Frame) { m.PHYPayload = append([]byte{b}, m.PHYPayload[1:]...) }
	}
	for name, c := range map[string]struct {
		message events.GatewayMessage
		want    string
	}{
		"join request":    {frame(first(0x00)), "join-request"},
		"downlink":        {frame(first(0x60)), "unconfirmed data down"},
		"proprietary":     {frame(first(0xe0)), "proprietary"},
		"other version":   {frame(first(0x41)), "no LoRaWAN frame"},
		"too short":       {frame(func(m *events.Frame) { m.PHYPayload = m.PHYPayload[:11] }), "no LoRaWAN frame"},
		"too long":        {frame(func(m *events.Frame) { m.PHYPayload = make([]byte, 256) }), "no LoRaWAN frame"},
		"wrong check sum": {frame(func(m *events.Frame) { m.CRC = events.CRCBad }), "damaged frame"},
		"statistics":      {&events.Stats{Gateway: townHall}, "stats"},
		"gateway came":    {&events.ConnState{Gateway: townHall, Online: true}, "online"},
		"gateway is away": {&events.ConnState{Gateway: townHall}, "offline"},
	} {
		t.Run(name, func(t *testing.T) {
			for form, b := range bridges {
				ev := tell(t, b, c.message)
				if ev.Kind != city.EventOther || ev.Detail != c.want || ev.Gateway != "7076ff0056000001" || ev.Raw != nil {
					t.Errorf("%s: got %+v, want %q", form, ev, c.want)
				}
			}
		})
	}
	ev, err := Gateway{}.Parse(&city.Message{Topic: "eu868/gateway/7076ff0056000001/event/mesh", Body: []byte("?")})
	if err != nil || ev.Kind != city.EventOther {
		t.Errorf("got %+v, %v", ev, err)
	}
}

func TestGatewayRefuses(t *testing.T) {
	const topic = "eu868/gateway/7076ff0056000001/event/up"
	good := string(bridges["v4 JSON"].Append(nil, heardFrame()))
	for name, c := range map[string]struct{ topic, body, want string }{
		"empty":              {topic, "", "the message is empty"},
		"no JSON":            {topic, "{", "the JSON is cut off at byte 1"},
		"no protobuf":        {topic, "hello", "as protobuf, "},
		"cut off":            {topic, string(events.BridgeV4{}.Append(nil, heardFrame())[:40]), "as protobuf, cut off"},
		"no gateway":         {topic, `{"phyPayload":"QA=="}`, "gatewayId is missing"},
		"gateway with names": {topic, strings.Replace(good, "7076ff0056000001", "rathaus", 1), `a gateway is called "rathaus": want 16 hex digits`},
		"another gateway":    {topic, strings.Replace(good, "7076ff0056000001", "7076ff0056000002", 1), "the message is of gateway 7076ff0056000002, its topic of gateway 7076ff0056000001"},
		"no frame":           {topic, strings.Replace(good, "phyPayload", "payload", 1), "phyPayload is missing"},
		"no base64":          {topic, strings.Replace(good, `"phyPayload":"`, `"phyPayload":"!`, 1), "phyPayload at byte "},
		"impossible":         {topic, strings.Replace(good, `"spreadingFactor":7`, `"spreadingFactor":13`, 1), "spreadingFactor is 13: want 5 to 12"},
		"time in words":      {topic, strings.Replace(good, `"timeSinceGpsEpoch":"`, `"timeSinceGpsEpoch":"noon `, 1), `timeSinceGpsEpoch is "noon `},
		"id of 7 bytes":      {"gateway/7076ff0056000001/state/conn", `{"gatewayID":"AAAAAAAAAA==","state":"ONLINE"}`, "gatewayID is"},
		"state of nobody":    {"gateway/7076ff0056000001/state/conn", `{"state":"ONLINE"}`, "gatewayId is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			ev, err := Gateway{}.Parse(&city.Message{Topic: c.topic, Body: []byte(c.body)})
			rejection, ok := errors.AsType[*city.Rejection](err)
			if !ok || rejection.Reason != city.ReasonMalformed || !strings.Contains(rejection.Detail, c.want) {
				t.Errorf("got %+v, %v, want …%s…", ev, err, c.want)
			}
		})
	}
}

// TestGatewayRecording has what two gateways of ChirpStack v3 told for an hour.
func TestGatewayRecording(t *testing.T) {
	got, details := map[city.EventKind]int{}, map[string]int{}
	for i, m := range captured(t, "chirpstack-v3.jsonl") {
		if gatewayOf(m.Topic) == "" || strings.Contains(m.Topic, "/command/") {
			continue
		}
		ev, err := Gateway{}.Parse(&m)
		if err != nil {
			t.Errorf("line %d, %s: %v", i+1, m.Topic, err)
			continue
		}
		got[ev.Kind]++
		details[ev.Detail]++
		if ev.Raw != nil && (ev.Raw.Radio.SpreadingFactor != 7 || !ev.Raw.Radio.HasDataRate || ev.Raw.Radio.DataRate != 5) {
			t.Errorf("line %d: radio %+v", i+1, ev.Raw.Radio)
		}
	}
	if want := map[city.EventKind]int{city.EventRaw: 79, city.EventOther: 82}; !maps.Equal(got, want) {
		t.Errorf("kinds %v, want %v", got, want)
	}
	if want := map[string]int{"": 79, "join-request": 18, "stats": 4, "ack": 58, "online": 2}; !maps.Equal(details, want) {
		t.Errorf("details %v, want %v", details, want)
	}
}

func FuzzGateway(f *testing.F) {
	for _, b := range bridges {
		f.Add("gateway/7076ff0056000001/event/up", b.Append(nil, heardFrame()))
		f.Add("gateway/7076ff0056000001/state/conn", b.Append(nil, &events.ConnState{Gateway: townHall, Online: true}))
	}
	f.Fuzz(func(t *testing.T, topic string, body []byte) {
		ev, err := Gateway{}.Parse(&city.Message{Topic: topic, Body: body})
		rejection, ok := errors.AsType[*city.Rejection](err)
		switch {
		case err != nil && (!ok || len(rejection.Detail) > 400):
			t.Fatalf("error %v", err)
		case err == nil && (ev.Kind == city.EventRaw) != (ev.Raw != nil):
			t.Fatalf("event %+v", ev)
		case ev.Raw != nil && (len(ev.Raw.PHYPayload) < 12 || len(ev.Raw.PHYPayload) > 255 || ev.Ident == 0 || len(ev.Gateway) != 16):
			t.Fatalf("frame %+v", ev.Raw)
		}
	})
}
