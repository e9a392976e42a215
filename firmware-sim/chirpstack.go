package sim

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"meldefunk/city"
)

// This file writes what ChirpStack v4 publishes over MQTT with json = true: the order of
// keys, the number formats and what is left out are those of its pbjson and serde_json
// (package integration with all fields, package gw without zeros). It is written by hand
// because the load generator has to be faster than what it loads.

// Identity of the network server. The tenant is the one every ChirpStack starts with; the
// application is this simulator's.
const (
	tenantID        = "52f14cd4-c6f1-4fbd-8f87-4025e1d49242"
	tenantName      = "Stadt"
	applicationID   = "7d0c4a52-93be-4f5d-a6c1-5f0e2b8d9a31"
	applicationName = "stadt-sensorik"
	region          = "eu868"
)

// deduplicationDelay is how long ChirpStack waits for further gateways before it
// publishes (its default).
const deduplicationDelay = 200 * time.Millisecond

// uuid is written as such; version and variant bits are set by newUUID.
type uuid [16]byte

// newUUID makes a random one (RFC 9562, version 4) of two random numbers.
func newUUID(high, low uint64) uuid {
	var u uuid
	for i := range 8 {
		u[i], u[8+i] = byte(high>>(56-8*i)), byte(low>>(56-8*i))
	}
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

// joinEvent is what a join-accept brings about.
type joinEvent struct {
	deduplicationID uuid
	time            time.Time
	deviceInfo      []byte // as deviceInfo renders it
	devAddr         uint32
}

// upEvent is what a data frame brings about.
type upEvent struct {
	joinEvent
	spreadingFactor uint8
	fCnt            uint32
	fPort           uint8
	payload         []byte
	frequency       uint32 // Hz
	receptions      []reception
}

// eventTopic is where ChirpStack publishes by default.
func eventTopic(devEUI city.EUI, event string) string {
	return "application/" + applicationID + "/device/" + devEUI.String() + "/event/" + event
}

// deviceInfo renders the part of an event that stays the same for a device. Struct order
// is ChirpStack's; tags come in alphabetical order, of its many random ones.
func deviceInfo(profileID, profile, name string, devEUI city.EUI, tags map[string]string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // serde_json does not
	// Strings and maps of strings always encode, and a Buffer takes everything.
	_ = e.Encode(struct {
		TenantID           string            `json:"tenantId"`
		TenantName         string            `json:"tenantName"`
		ApplicationID      string            `json:"applicationId"`
		ApplicationName    string            `json:"applicationName"`
		DeviceProfileID    string            `json:"deviceProfileId"`
		DeviceProfileName  string            `json:"deviceProfileName"`
		DeviceName         string            `json:"deviceName"`
		DevEUI             string            `json:"devEui"`
		DeviceClassEnabled string            `json:"deviceClassEnabled"`
		Tags               map[string]string `json:"tags"`
	}{tenantID, tenantName, applicationID, applicationName, profileID, profile, name, devEUI.String(), "CLASS_A", tags})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (e *joinEvent) appendHead(b []byte) []byte {
	b = append(b, `{"deduplicationId":"`...)
	b = appendUUID(b, e.deduplicationID)
	b = append(b, `","time":"`...)
	b = appendTime(b, e.time)
	b = append(b, `","deviceInfo":`...)
	b = append(b, e.deviceInfo...)
	b = append(b, `,"devAddr":"`...)
	b = appendHex32(b, e.devAddr)
	return append(b, '"')
}

func (e *joinEvent) append(b []byte) []byte {
	return append(e.appendHead(b), `,"regionConfigId":"`+region+`"}`...)
}

func (e *upEvent) append(b []byte) []byte {
	b = e.appendHead(b)
	b = append(b, `,"adr":true,"dr":`...)
	b = strconv.AppendUint(b, uint64(12-e.spreadingFactor), 10)
	b = append(b, `,"fCnt":`...)
	b = strconv.AppendUint(b, uint64(e.fCnt), 10)
	b = append(b, `,"fPort":`...)
	b = strconv.AppendUint(b, uint64(e.fPort), 10)
	b = append(b, `,"confirmed":false,"data":"`...)
	b = base64.StdEncoding.AppendEncode(b, e.payload)
	b = append(b, `","rxInfo":[`...)
	for i := range e.receptions {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.receptions[i].append(b)
	}
	b = append(b, `],"txInfo":{"frequency":`...)
	b = strconv.AppendUint(b, uint64(e.frequency), 10)
	b = append(b, `,"modulation":{"lora":{"bandwidth":125000,"spreadingFactor":`...)
	b = strconv.AppendUint(b, uint64(e.spreadingFactor), 10)
	return append(b, `,"codeRate":"CR_4_5"}}},"regionConfigId":"`+region+`"}`...)
}

// append writes an element of rxInfo, in which zeros are left out.
func (r *reception) append(b []byte) []byte {
	b = append(b, `{"gatewayId":"`...)
	b = hex.AppendEncode(b, r.gateway.id[:])
	b = append(b, '"')
	b = appendUnlessZero(b, `,"uplinkId":`, int64(r.uplinkID))
	if !r.gwTime.IsZero() {
		b = append(b, `,"gwTime":"`...)
		b = appendTime(b, r.gwTime)
		b = append(b, '"')
	}
	b = append(b, `,"nsTime":"`...)
	b = appendTime(b, r.nsTime)
	b = append(b, '"')
	if !r.gwTime.IsZero() {
		b = append(b, `,"timeSinceGpsEpoch":"`...)
		b = appendGPS(b, r.gwTime)
		b = append(b, '"')
	}
	b = appendUnlessZero(b, `,"rssi":`, int64(r.rssi))
	if r.snr != 0 {
		b = append(b, `,"snr":`...)
		b = appendFloat(b, float64(r.snr), 32)
	}
	b = appendUnlessZero(b, `,"channel":`, int64(r.channel))
	b = appendUnlessZero(b, `,"rfChain":`, int64(r.rfChain))
	b = append(b, `,"location":{"latitude":`...)
	b = appendFloat(b, r.gateway.position.Lat, 64)
	b = append(b, `,"longitude":`...)
	b = appendFloat(b, r.gateway.position.Lon, 64)
	b = append(b, `,"altitude":`...)
	b = appendFloat(b, r.gateway.altitude, 64)
	b = append(b, `},"context":"`...)
	c := r.context
	b = base64.StdEncoding.AppendEncode(b, []byte{byte(c >> 24), byte(c >> 16), byte(c >> 8), byte(c)})
	return append(b, `","crcStatus":"CRC_OK"}`...)
}

func appendUnlessZero(b []byte, key string, n int64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(append(b, key...), n, 10)
}

// appendFloat writes the shortest digits and always a fraction, as Rust does.
func appendFloat(b []byte, f float64, bits int) []byte {
	from := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, bits)
	if bytes.IndexByte(b[from:], '.') < 0 {
		b = append(b, '.', '0')
	}
	return b
}

// appendTime writes RFC 3339 with 0, 3, 6 or 9 digits of fraction and a numeric offset,
// as chrono does. By hand, because Time.AppendFormat takes 2.5 times as long, five times
// per event.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = appendDigits(b, year, 4)
	b = appendDigits(append(b, '-'), int(month), 2)
	b = appendDigits(append(b, '-'), day, 2)
	b = appendDigits(append(b, 'T'), hour, 2)
	b = appendDigits(append(b, ':'), minute, 2)
	b = appendDigits(append(b, ':'), second, 2)
	b = appendFraction(b, t.Nanosecond())
	return append(b, "+00:00"...)
}

func appendFraction(b []byte, nanos int) []byte {
	switch {
	case nanos == 0:
		return b
	case nanos%1_000_000 == 0:
		return appendDigits(append(b, '.'), nanos/1_000_000, 3)
	case nanos%1_000 == 0:
		return appendDigits(append(b, '.'), nanos/1_000, 6)
	}
	return appendDigits(append(b, '.'), nanos, 9)
}

// appendDigits writes n with leading zeros.
func appendDigits(b []byte, n, width int) []byte {
	var digits [9]byte
	for i := width - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(b, digits[:width]...)
}

// GPS time began on 1980-01-06 and has no leap seconds; UTC has had 18 since (IERS
// Bulletin C, last one at the end of 2016).
const (
	gpsEpoch    = 315_964_800 // Unix time
	leapSeconds = 18
)

// appendGPS writes a protobuf duration since the GPS epoch, in the milliseconds that
// gateways report.
func appendGPS(b []byte, t time.Time) []byte {
	b = strconv.AppendInt(b, t.Unix()-gpsEpoch+leapSeconds, 10)
	b = appendFraction(b, t.Nanosecond()/1_000_000*1_000_000)
	return append(b, 's')
}

func appendHex32(b []byte, n uint32) []byte {
	return hex.AppendEncode(b, []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

func appendUUID(b []byte, u uuid) []byte {
	b = hex.AppendEncode(b, u[:4])
	b = hex.AppendEncode(append(b, '-'), u[4:6])
	b = hex.AppendEncode(append(b, '-'), u[6:8])
	b = hex.AppendEncode(append(b, '-'), u[8:10])
	return hex.AppendEncode(append(b, '-'), u[10:])
}
