package events

import (
	"strconv"

	"meldefunk/city"
)

// V4 is ChirpStack 4.1 and later with json = true. Its JSON is that of pbjson and
// serde_json: the messages of package integration have all their scalars, those of
// packages gw and common only the ones that are not zero (api/rust/build.rs).
type V4 struct{}

// Name is chirpstack-v4.
func (V4) Name() string { return "chirpstack-v4" }

// Topic is application/{application}/device/{DevEUI}/event/{event}.
func (V4) Topic(e Event) string { return v4Topic(e) }

func v4Topic(e Event) string {
	name := v4Event(e)
	if name == "" {
		return ""
	}
	d := e.device()
	var room [128]byte
	b := append(room[:0], "application/"...)
	b = d.Application.ID.Append(b)
	return string(appendDeviceTopic(b, d.DevEUI, name))
}

func appendDeviceTopic(b []byte, devEUI city.EUI, event string) []byte {
	b = append(b, "/device/"...)
	b = appendEUI(b, devEUI)
	return append(append(b, "/event/"...), event...)
}

// v4Event is the name of an event, "" if there is none.
func v4Event(e Event) string {
	switch e := e.(type) {
	case *Up:
		return "up"
	case *Join:
		return "join"
	case *Status:
		return "status"
	case *Ack:
		return "ack"
	case *TxAck:
		return "txack"
	case *Location:
		return "location"
	case *Log:
		if _, said := v4Say(e.Cause); said {
			return "log"
		}
	}
	return ""
}

// Append writes the event in the field order of integration.proto.
func (V4) Append(b []byte, e Event) []byte {
	switch e := e.(type) {
	case *Up:
		return v4Up(b, e)
	case *Join:
		return v4Join(b, e)
	case *Status:
		return v4Status(b, e)
	case *Ack:
		return v4Ack(b, e)
	case *TxAck:
		return v4TxAck(b, e)
	case *Location:
		return v4Location(b, e)
	case *Log:
		return v4Log(b, e)
	}
	return b
}

func v4Up(b []byte, e *Up) []byte {
	b = v4ID(b, e.ID)
	b = v4Device(v4Time(b, `,"time":`, e.Time), e.Device)
	b = appendHex32(append(b, `,"devAddr":`...), e.DevAddr)
	b = appendBool(b, `,"adr":`, e.ADR)
	b = appendUint(b, `,"dr":`, uint64(e.DataRate))
	b = appendUint(b, `,"fCnt":`, uint64(e.FCnt))
	b = appendUint(b, `,"fPort":`, uint64(e.FPort))
	b = appendBool(b, `,"confirmed":`, e.Confirmed)
	b = appendBase64(append(b, `,"data":`...), e.Payload)
	if e.Object != nil {
		b = append(b, `,"object":{`...)
		for i, f := range e.Object {
			b = appendKey(b, i, f.Name)
			if f.Text != "" {
				b = appendString(b, f.Text)
			} else {
				b = appendRust(b, f.Number, 64)
			}
		}
		b = append(b, '}')
	}
	b = append(b, `,"rxInfo":[`...)
	for i := range e.Receptions {
		if i > 0 {
			b = append(b, ',')
		}
		b = v4Reception(b, &e.Receptions[i])
	}
	b = v4Radio(append(b, `],"txInfo":{`...), &e.Radio)
	b = v4Envelope(append(b, `}}}`...), e.EndToEnd)
	return v4Region(b, e.Device)
}

func v4Join(b []byte, e *Join) []byte {
	b = v4ID(b, e.ID)
	b = v4Device(v4Time(b, `,"time":`, e.Time), e.Device)
	b = appendHex32(append(b, `,"devAddr":`...), e.DevAddr)
	return v4Region(v4Envelope(b, e.EndToEnd), e.Device)
}

func v4Status(b []byte, e *Status) []byte {
	b = v4ID(b, e.ID)
	b = v4Device(v4Time(b, `,"time":`, e.Time), e.Device)
	b = appendInt(b, `,"margin":`, int64(e.Margin))
	b = appendBool(b, `,"externalPowerSource":`, e.Battery == 0)
	b = appendBool(b, `,"batteryLevelUnavailable":`, e.Battery == 255)
	b = appendRust(append(b, `,"batteryLevel":`...), float64(e.percent()), 32)
	return append(b, '}')
}

// percent is the battery level as ChirpStack v4 reckons it: 0 for a device that has no
// battery or cannot tell (chirpstack/src/maccommand/dev_status.rs).
func (e *Status) percent() float32 {
	if e.Battery == 0 || e.Battery == 255 {
		return 0
	}
	return float32(e.Battery) / 254 * 100
}

func v4Ack(b []byte, e *Ack) []byte {
	if e.Acknowledged {
		b = v4ID(b, e.Delivery)
	} else {
		b = append(b, `{"deduplicationId":""`...)
	}
	b = v4Device(v4Time(b, `,"time":`, e.Time), e.Device)
	b = v4UUID(b, `,"queueItemId":`, e.ID)
	b = appendBool(b, `,"acknowledged":`, e.Acknowledged)
	return append(appendUint(b, `,"fCntDown":`, uint64(e.FCnt)), '}')
}

func v4TxAck(b []byte, e *TxAck) []byte {
	b = appendUint(b, `{"downlinkId":`, uint64(e.Number))
	b = v4Device(v4Time(b, `,"time":`, e.Time), e.Device)
	b = v4UUID(b, `,"queueItemId":`, e.ID)
	b = appendUint(b, `,"fCntDown":`, uint64(e.FCnt))
	b = append(b, `,"gatewayId":"`...)
	b = appendEUI(b, e.Gateway.ID)
	b = append(b, `","txInfo":{"frequency":`...)
	b = strconv.AppendUint(b, uint64(e.Frequency), 10)
	b = unlessZero(b, `,"power":`, int64(e.Power))
	b = v4LoRa(b, &e.Radio)
	b = append(b, `,"polarizationInversion":true}},"timing":{"delay":{"delay":`...)
	b = durationOf(e.Delay).append(b)
	at := (&Reception{Timestamp: e.Timestamp}).context()
	b = appendBase64(append(b, `}},"context":`...), at[:])
	return append(b, `}}`...)
}

func v4Location(b []byte, e *Location) []byte {
	b = v4ID(b, e.ID)
	b = v4Device(v4Time(b, `,"time":`, e.Time), e.Device)
	b = append(b, `,"location":{`...)
	b = v4Position(b, city.Position{Lat: e.Lat, Lon: e.Lon}, 0)
	b = append(b, `"source":"GEO_RESOLVER_TDOA"`...)
	if e.Accuracy != 0 {
		b = appendRust(append(b, `,"accuracy":`...), float64(e.Accuracy), 32)
	}
	return append(b, `}}`...)
}
