package events

import (
	"encoding/base64"
	"math"
	"reflect"
	"testing"

	"meldefunk/city"
	"meldefunk/gateway-bridge/chirpstack"
	"meldefunk/gateway-bridge/thethings"
)

// dialect is what the platform reads a network server with.
type dialect interface {
	Name() string
	Parse(m *city.Message) (city.Event, error)
}

// TestRoundTrip lets the platform read what is written here.
func TestRoundTrip(t *testing.T) {
	two := testUp()
	two.Receptions, two.Confirmed = testReceptions(), true
	mac := testUp()
	mac.FPort, mac.Payload, mac.Receptions = 0, nil, testReceptions()[1:]
	secret := testUp()
	secret.EndToEnd = &Envelope{KEKLabel: "stadt-kek-1", WrappedKey: make([]byte, 24)}
	down := testDownlink()
	join := &Join{Device: testDevice(), Session: testSession(), Radio: testRadio(), ID: NewUUID(13, 14), Time: noon, Received: noon, Published: noon, Receptions: testReceptions()[:1]}
	status := &Status{Device: testDevice(), ID: NewUUID(1, 1), Time: noon, Battery: 100, Margin: 5}
	ack := &Ack{down, NewUUID(17, 18), noon, true}
	nack := &Ack{down, UUID{}, noon, false}
	txack := &TxAck{down, testRadio(), noon, 1, testReceptions()[0].Gateway, 16, 1e9, 1}
	reset := &Log{Device: testDevice(), ID: NewUUID(2, 2), Time: noon, Cause: CauseReset, FCnt: 3}
	size := &Log{Device: testDevice(), ID: NewUUID(2, 3), Time: noon, Cause: CauseSize, Size: 300, Max: 222, Downlink: &down}
	place := &Location{testDevice(), NewUUID(3, 3), noon, 52.28, 8.05, 35}

	keyID := base64.StdEncoding.EncodeToString(testSession().KeyID)
	for _, tt := range []struct {
		server  Server
		dialect dialect
		session string
	}{{V4{}, chirpstack.V4{}, "01c301d4"}, {V3{}, chirpstack.V3{}, ""}, {Things{}, thethings.V3{}, keyID}} {
		at := func(e *Up) city.Stamp {
			switch gps := e.Receptions[0].GPS; {
			case tt.server == V3{} && !gps:
				return city.Stamp{}
			case tt.server == V3{}:
				return city.Stamp{At: e.Receptions[0].Time, Source: city.TimeGateway}
			case tt.server == Things{}:
				return city.Stamp{At: e.Received, Source: city.TimeServer}
			case gps:
				return city.Stamp{At: e.Time, Source: city.TimeGPS}
			}
			return city.Stamp{At: e.Time, Source: city.TimeServer}
		}
		up := func(e *Up) city.Event {
			best := e.Receptions[len(e.Receptions)-1]
			u := city.Uplink{
				Server: "test", DevEUI: e.Device.DevEUI, Session: tt.session, FCnt: e.FCnt, FPort: e.FPort, Payload: e.Payload,
				Encrypted: e.EndToEnd != nil && tt.server != V3{}, Confirmed: e.Confirmed && tt.server != V3{}, Time: at(e),
				Received: noon.Add(1e9),
				Radio: city.Radio{
					RSSI: best.RSSI, SNR: best.SNR, SpreadingFactor: 7, DataRate: 5, HasDataRate: true, Gateways: uint8(len(e.Receptions)),
					Frequency: 868_300_000, Gateway: best.Gateway.ID.String(),
				},
			}
			for _, r := range e.Receptions {
				id := r.Gateway.ID.String()
				if (tt.server == Things{}) {
					id = r.Gateway.Name
				}
				if len(e.Receptions) > 1 {
					u.Heard = append(u.Heard, city.Reception{Gateway: id, RSSI: r.RSSI, SNR: r.SNR})
				}
			}
			if u.Time.Source == city.TimeGPS {
				u.Fallback = [2]city.Stamp{{At: e.Time, Source: city.TimeGateway}, {At: e.Receptions[0].Received, Source: city.TimeServer}}
			}
			if env := e.EndToEnd; u.Encrypted && env.KEKLabel != "" {
				u.Envelope = &city.Envelope{KEKLabel: env.KEKLabel, Wrapped: env.WrappedKey, DevAddr: [4]byte{0x01, 0xc3, 0x01, 0xd4}}
			}
			if (tt.server == Things{}) {
				u.Radio.DataRate, u.Radio.HasDataRate, u.Radio.Gateway = 0, false, best.Gateway.Name
			}
			return city.Event{Kind: city.EventUp, DevEUI: u.DevEUI, Time: u.Time, Uplink: u}
		}
		other := func(kind city.EventKind, severity city.Severity, code, detail string) city.Event {
			e := city.Event{Kind: kind, DevEUI: testDevice().DevEUI, Severity: severity, Code: code, Detail: detail}
			if (tt.server != V3{}) {
				e.Time = city.Stamp{At: noon, Source: city.TimeServer}
			}
			return e
		}
		joined := other(city.EventJoin, city.SeverityInfo, "", "")
		joined.Session = tt.session
		if (tt.server == V3{}) {
			joined.Time = city.Stamp{At: join.Receptions[0].Time, Source: city.TimeGateway}
		}
		none := city.Event{}
		sentWant, queuedWant := other(city.EventTxAck, city.SeverityInfo, "sent", ""), none
		ackWant, nackWant := other(city.EventAck, city.SeverityInfo, "ack", ""), other(city.EventAck, city.SeverityWarning, "nack", "")
		statusWant, logWant, sizeWant, placeWant := other(city.EventStatus, city.SeverityInfo, "", ""), none, none, none
		statusWant.Status = &city.Status{Battery: 39.37, HasBattery: true, Margin: 5}
		switch tt.server {
		case V4{}:
			placeWant = other(city.EventLocation, city.SeverityInfo, "", "")
			placeWant.Position = &city.Position{Lat: 52.28, Lon: 8.05}
			logWant = other(city.EventLog, city.SeverityWarning, "UPLINK_F_CNT_RESET", "Frame-counter reset or rollover detected")
			sizeWant = other(city.EventLog, city.SeverityError, "DOWNLINK_PAYLOAD_SIZE", "Device queue-item discarded because it exceeds the max. payload size")
		case V3{}:
			logWant = other(city.EventLog, city.SeverityWarning, "UPLINK_FCNT_RESET", "frame-counter reset or rollover occured")
			sizeWant = other(city.EventLog, city.SeverityError, "DOWNLINK_PAYLOAD_SIZE", "payload exceeds max payload size")
		case Things{}:
			statusWant, queuedWant = none, other(city.EventTxAck, city.SeverityInfo, "queued", "")
			sizeWant = other(city.EventTxAck, city.SeverityError, "failed", "application_downlink_too_long: application downlink payload length `{length}` exceeds maximum '{max}'")
		}
		for _, c := range []struct {
			name string
			e    Event
			want city.Event
		}{
			{"up", testUp(), up(testUp())}, {"two gateways", two, up(two)}, {"MAC only, no time", mac, up(mac)}, {"end to end", secret, up(secret)},
			{"join", join, joined}, {"status", status, statusWant}, {"ack", ack, ackWant}, {"nack", nack, nackWant},
			{"txack", txack, sentWant}, {"log", reset, logWant}, {"too large", size, sizeWant}, {"location", place, placeWant},
			{"queued", &Queued{down, noon}, queuedWant}, {"frame with wrong MIC and no port", &Log{Device: testDevice(), Cause: 99}, none},
		} {
			t.Run(tt.server.Name()+"/"+c.name, func(t *testing.T) {
				topic, body := tt.server.Topic(c.e), tt.server.Append(nil, c.e)
				if c.want.Kind == city.EventOther {
					if topic != "" || len(body) > 0 {
						t.Fatalf("published on %q: %s", topic, body)
					}
					return
				}
				got, err := tt.dialect.Parse(&city.Message{Server: "test", Topic: topic, Body: body, Received: noon.Add(1e9)})
				if err != nil {
					t.Fatalf("%v in %s", err, body)
				}
				if got.Ident == 0 {
					t.Error("no identity")
				}
				got.Ident, got.Uplink.Ident = 0, 0
				if len(got.Uplink.Payload) == 0 {
					got.Uplink.Payload = c.want.Uplink.Payload // nil or empty: both mean none
				}
				if got.Status != nil {
					got.Status.Battery = math.Round(100*got.Status.Battery) / 100
				}
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("\n got %+v\nwant %+v\nof %s", got, c.want, body)
				}
			})
		}
		if tt.server.Name() != tt.dialect.Name() {
			t.Errorf("%s is called %s by the platform", tt.server.Name(), tt.dialect.Name())
		}
	}
}
