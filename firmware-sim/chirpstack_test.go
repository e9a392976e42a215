package sim

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

const captures = "../gateway-bridge/testdata/captures/chirpstack-v4-generated.jsonl"

type capture struct {
	Topic   string          `json:"topic"`
	Payload json.RawMessage `json:"payload"`
}

func readCaptures(t *testing.T) []capture {
	t.Helper()
	f, err := os.Open(captures)
	if err != nil {
		t.Fatalf("the recordings must be there: %v", err)
	}
	defer f.Close()
	var all []capture
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c capture
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatalf("%s:%d: %v", captures, len(all)+1, err)
		}
		all = append(all, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// recorded is the part of a recorded message that this package can write.
type recorded struct {
	DeduplicationID string
	Time            time.Time
	DeviceInfo      json.RawMessage
	DevAddr         string
	FCnt            uint32
	FPort           uint8
	Data            []byte
	RxInfo          []struct {
		GatewayID string
		UplinkID  uint32
		GwTime    time.Time
		NsTime    time.Time
		Rssi      int
		Snr       float32
		Channel   uint32
		RfChain   uint32
		Location  struct{ Latitude, Longitude, Altitude float64 }
		Context   []byte
	}
	TxInfo struct {
		Frequency  uint32
		Modulation struct {
			Lora struct{ SpreadingFactor uint8 }
		}
	}
}

func (r *recorded) join(t *testing.T) joinEvent {
	t.Helper()
	e := joinEvent{time: r.Time, deviceInfo: r.DeviceInfo}
	u, err := hex.DecodeString(strings.ReplaceAll(r.DeduplicationID, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	copy(e.deduplicationID[:], u)
	addr, err := strconv.ParseUint(r.DevAddr, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	e.devAddr = uint32(addr)
	return e
}

func (r *recorded) up(t *testing.T) upEvent {
	t.Helper()
	e := upEvent{
		joinEvent: r.join(t), fCnt: r.FCnt, fPort: r.FPort, payload: r.Data,
		frequency: r.TxInfo.Frequency, spreadingFactor: r.TxInfo.Modulation.Lora.SpreadingFactor,
	}
	for _, x := range r.RxInfo {
		g := &gateway{position: city.Position{Lat: x.Location.Latitude, Lon: x.Location.Longitude}, altitude: x.Location.Altitude}
		id, err := hex.DecodeString(x.GatewayID)
		if err != nil {
			t.Fatal(err)
		}
		copy(g.id[:], id)
		e.receptions = append(e.receptions, reception{
			gateway: g, uplinkID: x.UplinkID, gwTime: x.GwTime, nsTime: x.NsTime, rssi: x.Rssi, snr: x.Snr,
			channel: x.Channel, rfChain: x.RfChain, context: binary.BigEndian.Uint32(x.Context),
		})
	}
	return e
}

// beyond are fields that some recorded messages have and this simulator never writes.
var beyond = []string{`"object":`, `"joinServerContext":`, `"relayRxInfo":`, `"lrFhss":`, `"metadata":`, `"confirmed":true`, `"adr":false`, `"regionConfigId":""`, `"regionConfigId":"eu868_b"`}

// zeroLeftOut are fields whose absence means 0 (network-server side package gw).
var zeroLeftOut = map[string]bool{".rxInfo[].rssi": true, ".rxInfo[].snr": true, ".rxInfo[].channel": true, ".rxInfo[].rfChain": true}

// TestRecordingsByteForByte takes recorded messages apart and writes them again: the
// same facts must give the same bytes, zeros, number formats and order of keys included.
func TestRecordingsByteForByte(t *testing.T) {
	written := map[string]int{}
	zeros := 0
	for i, c := range readCaptures(t) {
		event := c.Topic[strings.LastIndexByte(c.Topic, '/')+1:]
		if event != "up" && event != "join" || containsAny(string(c.Payload), beyond) {
			continue
		}
		var r recorded
		if err := json.Unmarshal(c.Payload, &r); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		var got []byte
		if event == "join" {
			e := r.join(t)
			got = e.append(nil)
		} else {
			e := r.up(t)
			got = e.append(nil)
			if e.receptions[0].snr == 0 && e.receptions[0].rssi == 0 {
				zeros++
			}
		}
		if !bytes.Equal(got, c.Payload) {
			t.Errorf("line %d (%s):\n got %s\nwant %s", i+1, event, got, c.Payload)
		}
		written[event]++
	}
	if written["join"] < 10 || written["up"] < 20 || zeros == 0 {
		t.Errorf("compared only %v messages, %d of them with zeros: the recordings have more", written, zeros)
	}
}

func TestDeviceInfoAsRecorded(t *testing.T) {
	compared := 0
	for i, c := range readCaptures(t) {
		var r struct{ DeviceInfo json.RawMessage }
		if err := json.Unmarshal(c.Payload, &r); err != nil {
			t.Fatal(err)
		}
		var info struct {
			DeviceProfileID, DeviceProfileName, DeviceName, ApplicationID string
			DevEUI                                                        city.EUI
			Tags                                                          map[string]string
		}
		if err := json.Unmarshal(r.DeviceInfo, &info); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(r.DeviceInfo, []byte(`"tags":{"model"`)) {
			continue // tags in another of their random orders
		}
		got := deviceInfo(info.DeviceProfileID, info.DeviceProfileName, info.DeviceName, info.DevEUI, info.Tags)
		want := bytes.Replace(r.DeviceInfo, []byte(info.ApplicationID), []byte(applicationID), 1)
		if !bytes.Equal(got, want) {
			t.Errorf("line %d:\n got %s\nwant %s", i+1, got, want)
		}
		compared++
	}
	if compared < 20 {
		t.Errorf("only %d compared", compared)
	}
}

// TestEventShape walks what a city really publishes and what was recorded: every field
// must be one that was recorded, of the same type, always there if it always was there,
// and no zero may stand where ChirpStack leaves zeros out.
func TestEventShape(t *testing.T) {
	want, recordings := map[string]*field{}, 0
	for _, c := range readCaptures(t) {
		if strings.HasSuffix(c.Topic, "/up") && !containsAny(string(c.Payload), beyond) {
			walk(t, want, c.Payload)
			recordings++
		}
	}
	got, messages := map[string]*field{}, 0
	c := New(DefaultConfig())
	err := c.Events(noon, noon.Add(4*time.Hour), &tinyEncoder{}, func(_ time.Time, topic string, body []byte) error {
		if strings.HasSuffix(topic, "/up") {
			walk(t, got, body)
			messages++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if recordings < 20 || messages < 1000 {
		t.Fatalf("walked %d recordings and %d messages: too few to mean anything", recordings, messages)
	}
	for path, g := range got {
		w := want[path]
		switch {
		case w == nil:
			t.Errorf("%s: never recorded", path)
		case g.types != w.types:
			t.Errorf("%s: is %s, recorded as %s", path, g.types, w.types)
		case w.parents == w.times && g.parents != g.times && !zeroLeftOut[path]:
			t.Errorf("%s: sometimes left out, recorded always", path)
		case g.zeros > 0 && (strings.HasPrefix(path, ".rxInfo[]") || strings.HasPrefix(path, ".txInfo")):
			t.Errorf("%s: %d zeros written, ChirpStack leaves them out", path, g.zeros)
		}
	}
	for path, w := range want {
		if got[path] == nil {
			t.Errorf("%s: recorded %d times, never written", path, w.times)
		}
	}
}

// field is what is known of one path through many documents.
type field struct {
	types          string // "string", "int", "float" …
	times, parents int    // how often it and its object were there
	zeros          int
}

func walk(t *testing.T, fields map[string]*field, doc []byte) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v: %s", err, doc)
	}
	seen := map[string]int{}   // objects at a path, in this document
	counts := map[string]int{} // fields at a path, in this document
	var visit func(path string, v any)
	visit = func(path string, v any) {
		kind, zero := "", false
		switch v := v.(type) {
		case map[string]any:
			kind = "object"
			if strings.HasSuffix(path, ".tags") {
				break // names of the operator's choice
			}
			seen[path]++
			for k, e := range v {
				visit(path+"."+k, e)
			}
		case []any:
			kind = "array"
			for _, e := range v {
				visit(path+"[]", e)
			}
		case json.Number:
			kind = "int"
			if strings.ContainsAny(v.String(), ".eE") {
				kind = "float"
			}
			f, _ := v.Float64()
			zero = f == 0
		case string:
			kind, zero = "string", v == ""
			if strings.HasSuffix(path, "Time") || path == ".time" {
				kind = "time"
				if _, err := time.Parse("2006-01-02T15:04:05.999999999-07:00", v); err != nil || !strings.HasSuffix(v, "+00:00") {
					t.Errorf("%s: %q is no time as ChirpStack writes it", path, v)
				}
			}
		case bool:
			kind = "bool"
		case nil:
			kind = "null"
		}
		f := fields[path]
		if f == nil {
			f = &field{types: kind}
			fields[path] = f
		}
		if f.types != kind {
			t.Errorf("%s: both %s and %s", path, f.types, kind)
		}
		counts[path]++
		if zero {
			f.zeros++
		}
	}
	visit("", v)
	for path, n := range counts {
		fields[path].times += n
	}
	for path, f := range fields {
		if dot := strings.LastIndexByte(path, '.'); dot >= 0 {
			f.parents += seen[path[:dot]]
		} else {
			f.parents = f.times
		}
	}
}

func TestNumberFormats(t *testing.T) {
	at := func(nanos int) time.Time { return time.Date(2026, 11, 21, 9, 15, 55, nanos, time.UTC) }
	for name, c := range map[string]struct {
		got  []byte
		want string
	}{
		"whole second":        {appendTime(nil, at(0)), "2026-11-21T09:15:55+00:00"},
		"milliseconds":        {appendTime(nil, at(619_000_000)), "2026-11-21T09:15:55.619+00:00"},
		"microseconds":        {appendTime(nil, at(5_000)), "2026-11-21T09:15:55.000005+00:00"},
		"nanoseconds":         {appendTime(nil, at(1)), "2026-11-21T09:15:55.000000001+00:00"},
		"another zone":        {appendTime(nil, at(0).In(time.FixedZone("CET", 3600))), "2026-11-21T09:15:55+00:00"},
		"GPS, milliseconds":   {appendGPS(nil, at(619_375_000)), "1479287773.619s"},
		"GPS, whole second":   {appendGPS(nil, at(0)), "1479287773s"},
		"float without rest":  {appendFloat(nil, -5, 32), "-5.0"},
		"float of 32 bits":    {appendFloat(nil, float64(float32(-4.8)), 32), "-4.8"},
		"float of 64 bits":    {appendFloat(nil, 51.51494, 64), "51.51494"},
		"uuid of two numbers": {appendUUID(nil, newUUID(0, ^uint64(0))), "00000000-0000-4000-bfff-ffffffffffff"},
	} {
		if string(c.got) != c.want {
			t.Errorf("%s: got %s, want %s", name, c.got, c.want)
		}
	}
}

func TestDeviceInfoEscapes(t *testing.T) {
	got := deviceInfo("p", "q", `Weg "A" & B`, city.EUI{}, nil)
	if !bytes.Contains(got, []byte(`"deviceName":"Weg \"A\" & B"`)) {
		t.Errorf("got %s", got)
	}
}

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// decodeUp reads the little of an up event that tests look at.
func decodeUp(t *testing.T, body []byte) (up struct {
	Time       time.Time
	DeviceInfo struct{ DevEUI city.EUI }
	DevAddr    string
	Dr         uint8
	FCnt       uint32
	FPort      uint8
	Data       string
	RxInfo     []struct {
		Rssi int
		Snr  float64
	}
	payload []byte
}) {
	t.Helper()
	if err := json.Unmarshal(body, &up); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var err error
	if up.payload, err = base64.StdEncoding.DecodeString(up.Data); err != nil {
		t.Fatal(err)
	}
	return up
}
