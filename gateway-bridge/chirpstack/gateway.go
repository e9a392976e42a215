package chirpstack

import (
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// Gateway is the dialect of gateways that speak MQTT with ChirpStack: what the ChirpStack
// Gateway Bridge v3 and v4 and the ChirpStack MQTT Forwarder publish, in protobuf (their
// default) or JSON; each message shows which. The messages are those of gw/gw.proto.
type Gateway struct{}

// Name is what the dialect is called in configuration and metrics.
func (Gateway) Name() string { return "chirpstack-gateway" }

// Topics gives the MQTT filters for the default topics of v3, and of v4, which puts the
// name of a region before them.
func (Gateway) Topics() []string {
	return []string{"gateway/+/event/+", "gateway/+/state/+", "+/gateway/+/event/+", "+/gateway/+/state/+"}
}

// Parse says what a gateway tells. A data frame of a device gives EventRaw, whoever's it is;
// everything else EventOther with some words: join requests, frames that are damaged or no
// LoRaWAN, statistics, and whether the gateway is connected. Of m.Body nothing is kept. An
// error is a *city.Rejection. The time is the gateway's claim, or zero.
func (Gateway) Parse(m *city.Message) (city.Event, error) {
	named := gatewayOf(m.Topic)
	switch _, event := cutLast(m.Topic); event {
	case "up":
		var f gatewayFrame
		if err := readEither(m.Body, f.readJSON, f.readWire); err != nil {
			return city.Event{}, err
		}
		if err := checkGateway(f.gateway, named); err != nil {
			return city.Event{}, err
		}
		return f.event(m)
	case "conn":
		var s gatewayState
		if err := readEither(m.Body, s.readJSON, s.readWire); err != nil {
			return city.Event{}, err
		}
		if err := checkGateway(s.gateway, named); err != nil {
			return city.Event{}, err
		}
		return city.Event{Gateway: s.gateway, Detail: s.words()}, nil
	case "stats", "ack":
		return city.Event{Gateway: named, Detail: event}, nil
	}
	return city.Event{Gateway: named}, nil
}

// gatewayOf gives the id of the gateway that a topic names, "" if it names none.
func gatewayOf(topic string) string {
	_, rest, ok := strings.Cut("/"+topic, "/gateway/")
	id, _, _ := strings.Cut(rest, "/")
	if !ok || !isHex(id, 16) {
		return ""
	}
	return strings.ToLower(id)
}

// checkGateway refuses a message without a gateway, and one that somebody publishes for a
// gateway that is not theirs.
func checkGateway(id, named string) error {
	switch {
	case id == "":
		return malformed("gatewayId is missing: neither v3 nor v4 of the gateway bridge wrote this")
	case !isHex(id, 16):
		return malformed("a gateway is called %.40q: want 16 hex digits", id)
	case named != "" && id != named:
		return malformed("the message is of gateway %s, its topic of gateway %s", id, named)
	}
	return nil
}

// gatewayFrame is what the platform reads of a gw.UplinkFrame of either version.
type gatewayFrame struct {
	phy     []byte
	gateway string // lower-case hex digits
	uplink  []byte // what tells receptions apart: the uplink id
	damaged bool   // the check sum of the radio is wrong
	rssi    int16
	snr     float32

	clock time.Time     // the gateway's, where it has one that it trusts
	gps   time.Duration // since the GPS epoch, likewise

	frequency, bandwidth uint32 // Hz
	spreadingFactor      uint8  // 0: not LoRa
}

// event says what was heard.
func (f *gatewayFrame) event(m *city.Message) (city.Event, error) {
	if len(f.phy) == 0 {
		return city.Event{}, malformed("phyPayload is missing: this is not an uplink frame of a gateway")
	}
	other := func(what string) (city.Event, error) {
		return city.Event{Gateway: f.gateway, Detail: what}, nil
	}
	if f.damaged {
		return other("damaged frame")
	}
	switch t, err := lorawan.TypeOf(f.phy); {
	case err != nil:
		return other("no LoRaWAN frame")
	case !t.IsData() || t.Direction() != lorawan.Up:
		return other(t.String())
	}
	if _, err := lorawan.ParseData(f.phy); err != nil {
		return other("no LoRaWAN frame")
	}
	if sf := f.spreadingFactor; sf != 0 && (sf < 5 || sf > 12) {
		return city.Event{}, malformed("spreadingFactor is %d: want 5 to 12", sf)
	}
	id := append(make([]byte, 0, 320), f.gateway...)
	id = append(append(id, f.uplink...), f.phy...)
	raw := &city.RawFrame{
		Server: m.Server, PHYPayload: f.phy, Time: f.stamp(), Received: m.Received, Ident: ident(id), Radio: f.heard(),
	}
	return city.Event{Kind: city.EventRaw, Time: raw.Time, Ident: raw.Ident, Gateway: f.gateway, Raw: raw}, nil
}

// stamp gives the time of GPS or, without it, of the gateway; zero if it told none.
func (f *gatewayFrame) stamp() city.Stamp {
	switch {
	case f.gps != 0:
		return city.Stamp{At: lorawan.FromGPSEpoch(f.gps).UTC(), Source: city.TimeGPS}
	case !f.clock.IsZero():
		return city.Stamp{At: f.clock.UTC(), Source: city.TimeGateway}
	}
	return city.Stamp{}
}

// heard says how the gateway heard the frame. The number of the data rate is Europe's: the
// integrity code of LoRaWAN 1.1 needs it.
func (f *gatewayFrame) heard() city.Radio {
	radio := city.Radio{Frequency: f.frequency, SpreadingFactor: f.spreadingFactor}
	if f.spreadingFactor != 0 {
		radio.DataRate, radio.HasDataRate = lorawan.EU868{}.DataRateOf(lorawan.DataRate{SpreadingFactor: f.spreadingFactor, Bandwidth: f.bandwidth})
	}
	radio.Hear(nil, city.Reception{Gateway: f.gateway, RSSI: f.rssi, SNR: f.snr})
	return radio
}

// gatewayState is what the platform reads of a gw.ConnState of either version.
type gatewayState struct {
	gateway string
	online  bool
}

func (s *gatewayState) words() string {
	if s.online {
		return "online"
	}
	return "offline"
}
