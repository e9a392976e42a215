package events

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

func TestStrings(t *testing.T) {
	for _, tt := range []struct{ name, in, rust, web string }{
		{"empty", "", `""`, `""`},
		{"plain", "Große Straße 1", `"Große Straße 1"`, `"Große Straße 1"`},
		{"quotes", `a"b\c`, `"a\"b\\c"`, `"a\"b\\c"`},
		{"lines", "a\nb\rc\td", `"a\nb\rc\td"`, `"a\nb\rc\td"`},
		{"control", "\b\f\x01\x1f\x7f", `"\b\f\u0001\u001f` + "\x7f\"", `"\u0008\u000c\u0001\u001f` + "\x7f\""},
		{"browser", "<b>&</b>", `"<b>&</b>"`, `"\u003cb\u003e\u0026\u003c/b\u003e"`},
		{"line separators", "a\u2028b\u2029c", "\"a\u2028b\u2029c\"", `"a\u2028b\u2029c"`},
		{"not UTF-8", "a\xffb\xe2\x80", "\"a\uFFFDb\uFFFD\uFFFD\"", `"a\ufffdb\ufffd\ufffd"`},
		{"replacement character", "\uFFFD", "\"\uFFFD\"", "\"\uFFFD\""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(appendString(nil, tt.in)); got != tt.rust {
				t.Errorf("serde_json: got %s, want %s", got, tt.rust)
			}
			if got := string(appendWeb(nil, tt.in)); got != tt.web {
				t.Errorf("encoding/json: got %s, want %s", got, tt.web)
			}
		})
	}
}

// FuzzStrings lets encoding/json read what is written, and holds appendWeb against it.
func FuzzStrings(f *testing.F) {
	for _, s := range []string{"", "Große Straße", "<&>\u2028\\\"\x00", "\xff\xe2\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want string
		reference, err := json.Marshal(s)
		if err != nil || json.Unmarshal(reference, &want) != nil {
			t.Skip()
		}
		for name, got := range map[string][]byte{"serde_json": appendString([]byte("x"), s), "encoding/json": appendWeb([]byte("x"), s)} {
			var back string
			if err := json.Unmarshal(got[1:], &back); err != nil || back != want || !utf8.Valid(got) || got[0] != 'x' {
				t.Errorf("%s: %q became %s, read as %q, %v", name, s, got, back, err)
			}
		}
		// Go writes these two shorter since 1.22.
		old := bytes.ReplaceAll(bytes.ReplaceAll(reference, []byte(`\b`), []byte(`\u0008`)), []byte(`\f`), []byte(`\u000c`))
		if got := appendWeb(nil, s); !strings.Contains(s, `\`) && !bytes.Equal(got, old) {
			t.Errorf("%q: got %s, want %s", s, got, old)
		}
	})
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		f            float64
		bits         int
		rust, golang string
	}{
		{0, 32, "0.0", "0"}, {92, 64, "92.0", "92"}, {-5, 32, "-5.0", "-5"}, {float64(float32(-4.6)), 32, "-4.6", "-4.6"},
		{51.51494, 64, "51.51494", "51.51494"}, {float64(float32(241) / 254 * 100), 32, "94.88189", "94.88189"},
	} {
		if got := string(appendRust(nil, tt.f, tt.bits)); got != tt.rust {
			t.Errorf("Rust: got %s, want %s", got, tt.rust)
		}
		if got := string(appendNumber(nil, tt.f, tt.bits)); got != tt.golang {
			t.Errorf("Go: got %s, want %s", got, tt.golang)
		}
	}
}

func TestTimes(t *testing.T) {
	day := time.Date(2026, 11, 21, 9, 5, 3, 0, time.FixedZone("CET", 3600))
	for _, tt := range []struct {
		nanos             int
		rust, proto, goes string
	}{
		{0, `"2026-11-21T08:05:03+00:00"`, `"2026-11-21T08:05:03Z"`, `"2026-11-21T08:05:03Z"`},
		{120_000_000, `"2026-11-21T08:05:03.120+00:00"`, `"2026-11-21T08:05:03.120Z"`, `"2026-11-21T08:05:03.12Z"`},
		{120_500_000, `"2026-11-21T08:05:03.120500+00:00"`, `"2026-11-21T08:05:03.120500Z"`, `"2026-11-21T08:05:03.1205Z"`},
		{1, `"2026-11-21T08:05:03.000000001+00:00"`, `"2026-11-21T08:05:03.000000001Z"`, `"2026-11-21T08:05:03.000000001Z"`},
	} {
		at := day.Add(time.Duration(tt.nanos))
		if got := string(appendTime(nil, at, "+00:00")); got != tt.rust {
			t.Errorf("chrono: got %s, want %s", got, tt.rust)
		}
		if got := string(appendTime(nil, at, "Z")); got != tt.proto {
			t.Errorf("protobuf: got %s, want %s", got, tt.proto)
		}
		if got := string(appendGoTime(nil, at)); got != tt.goes || got != `"`+at.UTC().Format(time.RFC3339Nano)+`"` {
			t.Errorf("Go: got %s, want %s", got, tt.goes)
		}
	}
	// The first second of 2017 came after the last leap second: 1167264018 s of GPS time.
	newYear := sinceGPS(time.Date(2017, 1, 1, 0, 0, 0, 618_999_999, time.UTC))
	if got := string(newYear.append(nil)); got != `"1167264018.618s"` {
		t.Errorf("GPS: got %s", got)
	}
}

// TestEventTime: a gateway whose GPS is wrong shifts the event, one whose clock is far
// off without GPS does not (chirpstack issue 732).
func TestEventTime(t *testing.T) {
	at := func(d time.Duration, gps bool) Reception { return Reception{Time: noon.Add(d), GPS: gps} }
	for _, tt := range []struct {
		name       string
		receptions []Reception
		want       time.Time
	}{
		{"no gateway has a time", []Reception{{}, {GPS: true}}, noon},
		{"GPS in milliseconds", []Reception{{}, at(0, true)}, noon.Truncate(time.Millisecond)},
		{"GPS goes first", []Reception{at(time.Second, false), at(2*time.Second, true)}, noon.Add(2 * time.Second).Truncate(time.Millisecond)},
		{"GPS half an hour off", []Reception{at(-30*time.Minute, true)}, noon.Add(-30 * time.Minute).Truncate(time.Millisecond)},
		{"clock a little off", []Reception{at(-29*time.Second, false)}, noon.Add(-29 * time.Second)},
		{"clock far off", []Reception{at(31*time.Second, false), at(-3*time.Second, false)}, noon.Add(-3 * time.Second)},
		{"all far off", []Reception{at(-time.Hour, false)}, noon},
	} {
		if got := EventTime(noon, tt.receptions); !got.Equal(tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestLongMessages(t *testing.T) {
	for _, n := range []int{0, 127, 128, 16383, 16384, 70000} {
		content := bytes.Repeat([]byte{0xa5}, n)
		b, start := wireOpen([]byte("before"), 3)
		b = append(wireClose(append(b, content...), start), "after"...)
		want := protowire.AppendBytes(protowire.AppendTag([]byte("before"), 3, protowire.BytesType), content)
		if !bytes.Equal(b, append(want, "after"...)) {
			t.Errorf("%d bytes: %x…", n, b[:min(len(b), 40)])
		}
	}
}

func TestCorrelation(t *testing.T) {
	p := path{hops: hopsUp, id: NewUUID(1, 2), heard: time.UnixMilli(1469918176385), told: time.UnixMilli(1469918176385)}
	var ids []string
	if err := json.Unmarshal(p.append(nil), &ids); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, id := range ids {
		// The example of the ULID specification: these milliseconds are 01ARYZ6S41.
		ulid := id[strings.LastIndexByte(id, ':')+1:]
		if !strings.HasPrefix(ulid, "01ARYZ6S41") || len(ulid) != 26 || seen[ulid] {
			t.Errorf("ULID %s", ulid)
		}
		seen[ulid] = true
	}
	if len(ids) != 3 {
		t.Errorf("got %q", ids)
	}
	own := path{hops: hopQueue | hopUplink, asked: noon, heard: noon, own: []string{"a", "bb", "zz"}}
	var names []string
	if err := json.Unmarshal(own.append(nil), &names); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"a", "as:downlink:", "bb", "gs:uplink:", "zz"} {
		if !strings.HasPrefix(names[i], want) {
			t.Errorf("got %q, want %s in place %d", names, want, i)
		}
	}
}

func TestNewUUID(t *testing.T) {
	if got := NewUUID(0x0123456789abcdef, 0xfedcba9876543210).String(); got != "01234567-89ab-4def-bedc-ba9876543210" {
		t.Error(got)
	}
}
