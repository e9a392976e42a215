package events

import (
	"math"
	"strconv"
)

// V3 is ChirpStack v3 (application server) with marshaler json_v3, its default: JSON of
// Go's encoding/json from the structs of internal/integration/models/models.go.
type V3 struct{}

// Name is chirpstack-v3.
func (V3) Name() string { return "chirpstack-v3" }

// Topic is application/{number}/device/{DevEUI}/event/{event}.
func (V3) Topic(e Event) string {
	name := v3Event(e)
	if name == "" {
		return ""
	}
	d := e.device()
	var room [128]byte
	b := appendUint(room[:0], "application/", d.Application.Number)
	return string(appendDeviceTopic(b, d.DevEUI, name))
}

// v3Event is the name of an event, "" if there is none.
func v3Event(e Event) string {
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
	case *Log:
		if code, _ := v3Say(e); code != "" {
			return "error"
		}
	}
	return ""
}

// Append writes the event in the order of the structs.
func (V3) Append(b []byte, e Event) []byte {
	switch e := e.(type) {
	case *Up:
		return v3Up(b, e)
	case *Join:
		return v3Join(b, e)
	case *Status:
		b = v3Head(b, e.Device)
		b = appendInt(b, `,"margin":`, int64(e.Margin))
		b = appendBool(b, `,"externalPowerSource":`, e.Battery == 0)
		percent := float32(math.Round(float64(e.percent()*100))) / 100 // internal/api/as/as.go
		b = appendNumber(append(b, `,"batteryLevel":`...), float64(percent), 32)
		b = appendBool(b, `,"batteryLevelUnavailable":`, e.Battery == 255)
		return v3Tags(b, e.Device.Tags)
	case *Ack:
		b = appendBool(v3Head(b, e.Device), `,"acknowledged":`, e.Acknowledged)
		return v3Tags(appendUint(b, `,"fCnt":`, uint64(e.FCnt)), e.Device.Tags)
	case *TxAck:
		b = appendUint(v3Head(b, e.Device), `,"fCnt":`, uint64(e.FCnt))
		return v3Tags(b, e.Device.Tags)
	case *Log:
		return v3Error(b, e)
	}
	return b
}

func v3Up(b []byte, e *Up) []byte {
	d := e.Device
	b = v3Application(b, d)
	b = appendWeb(append(b, `,"deviceProfileName":`...), d.Profile.Name)
	b = v4UUID(b, `,"deviceProfileID":`, d.Profile.ID)
	b = v3DevEUI(b, d)
	b = v3Receptions(b, e.Receptions)
	b = v3Radio(b, &e.Radio)
	b = appendBool(b, `,"adr":`, e.ADR)
	b = appendUint(b, `,"fCnt":`, uint64(e.FCnt))
	b = appendUint(b, `,"fPort":`, uint64(e.FPort))
	if len(e.Payload) == 0 {
		b = append(b, `,"data":null`...)
	} else {
		b = appendBase64(append(b, `,"data":`...), e.Payload)
	}
	if e.Object != nil {
		b = append(b, `,"object":{`...)
		for i, f := range e.Object {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendWeb(b, f.Name), ':')
			if f.Text != "" {
				b = appendWeb(b, f.Text)
			} else {
				b = appendNumber(b, f.Number, 64)
			}
		}
		b = append(b, '}')
	}
	return v3Tags(b, d.Tags)
}

func v3Join(b []byte, e *Join) []byte {
	b = v3Head(b, e.Device)
	b = appendHex32(append(b, `,"devAddr":`...), e.DevAddr)
	b = v3Receptions(b, e.Receptions)
	return v3Tags(v3Radio(b, &e.Radio), e.Device.Tags)
}

func v3Error(b []byte, e *Log) []byte {
	code, text := v3Say(e)
	if code == "" {
		return b
	}
	b = appendWeb(append(v3Head(b, e.Device), `,"type":`...), code)
	b = appendWeb(append(b, `,"error":`...), text)
	if e.Cause != CauseDevNonce && e.Cause != CauseJoinMIC {
		b = unlessZero(b, `,"fCnt":`, int64(e.FCnt))
	}
	return v3Tags(b, e.Device.Tags)
}

// v3Say gives type and text of an error, "" where ChirpStack v3 says nothing. The texts
// are those of the network server; that of a join comes from the join server.
func v3Say(e *Log) (code, text string) {
	switch e.Cause {
	case CauseRepeat:
		return "UPLINK_FCNT_RETRANSMISSION", "frame-counter did not increment"
	case CauseReset:
		return "UPLINK_FCNT_RESET", "frame-counter reset or rollover occured" //nolint:misspell // because ChirpStack v3 writes it so
	case CauseFrameMIC:
		return "UPLINK_MIC", "invalid MIC"
	case CauseJoinMIC:
		return "OTAA", "join-server returned error: response error, code: MICFailed, description: invalid mic"
	case CauseDevNonce:
		return "OTAA", "validate dev-nonce error"
	case CauseCodec:
		return "UPLINK_CODEC", e.Text
	case CauseSize:
		return "DOWNLINK_PAYLOAD_SIZE", "payload exceeds max payload size"
	case CauseGateway:
		return "DOWNLINK_GATEWAY", e.Text
	}
	return "", ""
}

// v3Head opens an event.
func v3Head(b []byte, d *Device) []byte { return v3DevEUI(v3Application(b, d), d) }

func v3Application(b []byte, d *Device) []byte {
	b = appendUint(b, `{"applicationID":"`, d.Application.Number)
	b = appendWeb(append(b, `","applicationName":`...), d.Application.Name)
	return appendWeb(append(b, `,"deviceName":`...), d.Name)
}

func v3DevEUI(b []byte, d *Device) []byte {
	return append(appendEUI(append(b, `,"devEUI":"`...), d.DevEUI), '"')
}

// v3Tags closes an event. Go sorts the keys of a map.
func v3Tags(b []byte, tags []Tag) []byte {
	if len(tags) == 0 {
		return append(b, '}')
	}
	b = append(b, `,"tags":{`...)
	for i, t := range tags {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendWeb(append(appendWeb(b, t.Key), ':'), t.Value)
	}
	return append(b, '}', '}')
}

func v3Receptions(b []byte, receptions []Reception) []byte {
	if len(receptions) == 0 {
		return b
	}
	b = append(b, `,"rxInfo":[`...)
	for i := range receptions {
		r := &receptions[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = appendEUI(append(b, `{"gatewayID":"`...), r.Gateway.ID)
		b = v4UUID(b, `","uplinkID":`, r.ID)
		b = appendWeb(append(b, `,"name":`...), r.Gateway.Name)
		if !r.Time.IsZero() {
			b = appendGoTime(append(b, `,"time":`...), r.Time)
		}
		b = appendInt(b, `,"rssi":`, int64(r.RSSI))
		b = appendNumber(append(b, `,"loRaSNR":`...), float64(r.SNR), 32)
		b = v3Position(b, r.Gateway)
		b = append(b, '}')
	}
	return append(b, ']')
}

func v3Position(b []byte, g *Gateway) []byte {
	if !g.Located {
		return append(b, `,"location":null`...)
	}
	b = appendNumber(append(b, `,"location":{"latitude":`...), g.Position.Lat, 64)
	b = appendNumber(append(b, `,"longitude":`...), g.Position.Lon, 64)
	b = appendNumber(append(b, `,"altitude":`...), g.Altitude, 64)
	return append(b, '}')
}

func v3Radio(b []byte, r *Radio) []byte {
	b = appendUint(b, `,"txInfo":{"frequency":`, uint64(r.Frequency))
	b = strconv.AppendUint(append(b, `,"dr":`...), uint64(r.DataRate), 10)
	return append(b, '}')
}
