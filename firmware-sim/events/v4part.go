package events

import (
	"encoding/hex"
	"strconv"
	"time"

	"meldefunk/city"
)

// This file has the parts that ChirpStack v4's events in JSON are made of. Inside rxInfo,
// txInfo and location zeros are left out.

// v4ID opens an event.
func v4ID(b []byte, id UUID) []byte { return v4UUID(b, `{"deduplicationId":`, id) }

func v4UUID(b []byte, key string, id UUID) []byte {
	b = append(append(b, key...), '"')
	return append(id.Append(b), '"')
}

func v4Time(b []byte, key string, t time.Time) []byte {
	return appendTime(append(b, key...), t, "+00:00")
}

func v4Device(b []byte, d *Device) []byte {
	a, p := d.Application, d.Profile
	b = v4UUID(b, `,"deviceInfo":{"tenantId":`, a.Tenant)
	b = appendString(append(b, `,"tenantName":`...), a.TenantName)
	b = v4UUID(b, `,"applicationId":`, a.ID)
	b = appendString(append(b, `,"applicationName":`...), a.Name)
	b = v4UUID(b, `,"deviceProfileId":`, p.ID)
	b = appendString(append(b, `,"deviceProfileName":`...), p.Name)
	b = appendString(append(b, `,"deviceName":`...), d.Name)
	b = appendEUI(append(b, `,"devEui":"`...), d.DevEUI)
	b = append(b, `","deviceClassEnabled":"CLASS_`...)
	b = append(b, 'A'+byte(p.Class))
	b = v4Tags(append(b, `","tags":`...), d.Tags)
	return append(b, '}')
}

// v4Tags writes a map of strings. Rust's comes in any order.
func v4Tags(b []byte, tags []Tag) []byte {
	b = append(b, '{')
	for i, t := range tags {
		b = appendString(appendKey(b, i, t.Key), t.Value)
	}
	return append(b, '}')
}

// appendKey appends the key of an object's member with what belongs around it.
func appendKey(b []byte, i int, key string) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return append(appendString(b, key), ':')
}

func appendEUI(b []byte, e city.EUI) []byte { return hex.AppendEncode(b, e[:]) }

// v4Envelope writes which key the application has to use where the network server has
// none. What is unset is left out.
func v4Envelope(b []byte, e *Envelope) []byte {
	if e == nil {
		return b
	}
	b = append(b, `,"joinServerContext":{`...)
	if len(e.SessionKeyID) > 0 {
		b = appendHex(append(b, `"sessionKeyId":`...), e.SessionKeyID)
		if len(e.WrappedKey) > 0 {
			b = append(b, ',')
		}
	}
	if len(e.WrappedKey) > 0 {
		b = appendString(append(b, `"appSKey":{"kekLabel":`...), e.KEKLabel)
		b = append(appendBase64(append(b, `,"aesKey":`...), e.WrappedKey), '}')
	}
	return append(b, '}')
}

// v4Region closes an event.
func v4Region(b []byte, d *Device) []byte {
	b = appendString(append(b, `,"regionConfigId":`...), d.Application.Region)
	return append(b, '}')
}

// v4Reception writes gw.UplinkRxInfo as events have it.
func v4Reception(b []byte, r *Reception) []byte {
	b = v4RxTimes(b, r, "+00:00", true)
	b = unlessZero(b, `,"rssi":`, int64(r.RSSI))
	if r.SNR != 0 {
		b = appendRust(append(b, `,"snr":`...), float64(r.SNR), 32)
	}
	b = v4RxChannel(b, r)
	b = append(b, `,"location":{`...)
	if g := r.Gateway; g.Located {
		b = v4Position(b, g.Position, g.Altitude)
	}
	return v4RxEnd(closeObject(b), r)
}

// v4RxTimes opens a gw.UplinkRxInfo. When the network server had a frame is for the
// network server to say.
func v4RxTimes(b []byte, r *Reception, zone string, server bool) []byte {
	b = appendEUI(append(b, `{"gatewayId":"`...), r.Gateway.ID)
	b = append(b, '"')
	b = unlessZero(b, `,"uplinkId":`, int64(r.Uplink))
	if !r.Time.IsZero() {
		b = appendTime(append(b, `,"gwTime":`...), r.Time, zone)
	}
	if server {
		b = appendTime(append(b, `,"nsTime":`...), r.Received, zone)
	}
	if r.GPS && !r.Time.IsZero() {
		b = sinceGPS(r.Time).append(append(b, `,"timeSinceGpsEpoch":`...))
	}
	return b
}

func v4RxChannel(b []byte, r *Reception) []byte {
	b = unlessZero(b, `,"channel":`, int64(r.Channel))
	return unlessZero(b, `,"rfChain":`, int64(r.RFChain))
}

// v4RxEnd closes a gw.UplinkRxInfo.
func v4RxEnd(b []byte, r *Reception) []byte {
	at := r.context()
	b = appendBase64(append(b, `,"context":`...), at[:])
	if len(r.Gateway.Metadata) > 0 {
		b = v4Tags(append(b, `,"metadata":`...), r.Gateway.Metadata)
	}
	switch r.CRC {
	case CRCOK:
		b = append(b, `,"crcStatus":"CRC_OK"`...)
	case CRCBad:
		b = append(b, `,"crcStatus":"BAD_CRC"`...)
	}
	return append(b, '}')
}

// v4Position writes the coordinates of a common.Location, each with a comma behind it.
func v4Position(b []byte, p city.Position, altitude float64) []byte {
	b = v4Coordinate(b, `"latitude":`, p.Lat)
	b = v4Coordinate(b, `"longitude":`, p.Lon)
	return v4Coordinate(b, `"altitude":`, altitude)
}

func v4Coordinate(b []byte, key string, f float64) []byte {
	if f == 0 {
		return b
	}
	return append(appendRust(append(b, key...), f, 64), ',')
}

// closeObject puts the brace where the last comma is.
func closeObject(b []byte) []byte {
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

// v4Radio writes gw.UplinkTxInfo but for its closing braces.
func v4Radio(b []byte, r *Radio) []byte {
	return v4LoRa(appendUint(b, `"frequency":`, uint64(r.Frequency)), r)
}

// v4LoRa writes gw.Modulation but for its closing braces.
func v4LoRa(b []byte, r *Radio) []byte {
	b = appendUint(b, `,"modulation":{"lora":{"bandwidth":`, uint64(r.Bandwidth))
	b = appendUint(b, `,"spreadingFactor":`, uint64(r.SpreadingFactor))
	return append(b, `,"codeRate":"CR_4_5"`...)
}

func unlessZero(b []byte, key string, n int64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(append(b, key...), n, 10)
}
