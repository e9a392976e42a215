package sim

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// truthOf has one of everything.
func truthOf() Truth {
	bin, stray := devEUI(binNumbers, 1), devEUI(strayNumbers, 1)
	return Truth{
		Uplinks: []SentUplink{
			{Device: bin, Asset: "PK-0001", Epoch: 1, FCnt: 0, At: noon, Copies: 1, Port: 85, Payload: []byte{1, 0x75, 99},
				World: []city.Value{{Quantity: city.FillLevel, Number: 91.25}},
				Sent:  []city.Value{{Quantity: city.Distance, Number: 236}, {Quantity: city.Tilt, Number: 0}}},
			{Device: stray, Epoch: 3, FCnt: 70_000, At: noon.Add(1), Lost: true, Port: 1, Payload: []byte{},
				Faults: []FaultKind{FaultNoise, FaultLoss}},
			{Device: bin, Asset: "PK-0001", Epoch: 2, FCnt: 1, At: noon.Add(time.Minute), Copies: 3, Aired: noon.Add(time.Minute + 3*time.Second + 4), Until: noon.Add(time.Hour),
				ClockError: -90500 * time.Millisecond, Port: 2, Payload: []byte{0xff},
				World: []city.Value{{Quantity: city.SoilTemperature, Number: -0.000125}}},
		},
		Episodes: []Episode{
			{Kind: BinOver, Asset: "PK-0001", Device: bin, Threshold: 90, From: noon, To: noon.Add(1234567891)},
			{Kind: DeviceDead, Device: stray, From: noon.Add(time.Hour)},
		},
	}
}

func write(t *testing.T, truth Truth) string {
	t.Helper()
	var b bytes.Buffer
	m := NewManifest(&b)
	for i := range truth.Uplinks {
		if err := m.Uplink(&truth.Uplinks[i]); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range truth.Episodes {
		if err := m.Episode(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestManifestLines(t *testing.T) {
	want := `{"uplink":"024f53fffe010001-1-0","device":"024f53fffe010001","asset":"PK-0001","epoch":1,"fcnt":0,"at":"2026-10-14T11:00:00Z","world":{"fill_level":91.25},"sent":{"distance":236,"tilt":0},"port":85,"payload":"017563"}
{"uplink":"024f53fffe0f0001-3-70000","device":"024f53fffe0f0001","epoch":3,"fcnt":70000,"at":"2026-10-14T11:00:00.000000001Z","world":{},"sent":{},"port":1,"payload":"","lost":true,"faults":["noise","loss"]}
{"uplink":"024f53fffe010001-2-1","device":"024f53fffe010001","asset":"PK-0001","epoch":2,"fcnt":1,"at":"2026-10-14T11:01:00Z","world":{"soil_temperature":-0.000125},"sent":{},"port":2,"payload":"ff","copies":3,"aired":"2026-10-14T11:01:03.000000004Z","until":"2026-10-14T12:00:00Z","clock_error":"-1m30.5s"}
{"episode":"bin_over","asset":"PK-0001","device":"024f53fffe010001","threshold":90,"from":"2026-10-14T11:00:00Z","to":"2026-10-14T11:00:01.234567891Z"}
{"episode":"device_dead","device":"024f53fffe0f0001","from":"2026-10-14T12:00:00Z"}
`
	got := write(t, truthOf())
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	read, err := ReadManifest(strings.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read, truthOf()) {
		t.Errorf("read back:\n%+v\nwant\n%+v", read, truthOf())
	}
}

func TestManifestNumbers(t *testing.T) {
	for _, c := range []struct {
		number float64
		want   string
	}{
		{0, "0"}, {math.Copysign(0, -1), "0"}, {1.0 / 3, "0.333333"}, {-1e-9, "0"}, {123456.7890123, "123456.789012"}, {4294967295, "4294967295"},
	} {
		got := write(t, Truth{Episodes: []Episode{{Kind: BinOver, Threshold: 1, From: noon}},
			Uplinks: []SentUplink{{Epoch: 1, At: noon, World: []city.Value{{Quantity: city.Count, Number: c.number}}}}})
		if !strings.Contains(got, `"count":`+c.want+`}`) {
			t.Errorf("%v: got %s, want %s", c.number, got, c.want)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestManifestErrors(t *testing.T) {
	m := NewManifest(&bytes.Buffer{})
	err := m.Uplink(&SentUplink{World: []city.Value{{Quantity: city.FillLevel, Number: math.NaN()}}})
	if err == nil || !strings.Contains(err.Error(), `NaN is no number: {"uplink":"`) {
		t.Errorf("got %v", err)
	}
	if again := m.Episode(Episode{Kind: BinOver}); !errors.Is(again, err) {
		t.Errorf("the next call gives %v", again)
	}
	m = NewManifest(full{})
	if err := m.Episode(Episode{Kind: BinOver}); err != nil {
		t.Errorf("before it is full: %v", err)
	}
	if err := m.Flush(); err == nil || err.Error() != "write the manifest: no space left" {
		t.Errorf("got %v", err)
	}
}

func TestReadManifestErrors(t *testing.T) {
	good := `{"episode":"device_dead","device":"024f53fffe0f0001","from":"2026-10-14T12:00:00Z"}` + "\n"
	up := `{"uplink":"024f53fffe010001-1-0","device":"024f53fffe010001","epoch":1,"at":"2026-10-14T12:00:00Z"`
	for name, c := range map[string]struct{ text, want string }{
		"no JSON":          {good + "{", "manifest, line 2: unexpected EOF"},
		"two on a line":    {strings.TrimSpace(good) + good, "manifest, line 1: more than one object"},
		"unknown field":    {`{"epsiode":"x"}`, `line 1: json: unknown field "epsiode"`},
		"neither":          {`{"device":"024f53fffe0f0001"}`, `want either "uplink" or "episode"`},
		"no device":        {`{"episode":"device_dead"}`, `"device" is missing`},
		"unknown episode":  {strings.Replace(good, "device_dead", "device_bored", 1), `unknown episode "device_bored": want one of [bin_over`},
		"no beginning":     {`{"episode":"device_dead","device":"024f53fffe0f0001"}`, `"from" is missing`},
		"ends too early":   {strings.Replace(good, "}", `,"to":"2020-01-01T00:00:00Z"}`, 1), `"to" is before "from"`},
		"wrong name":       {strings.Replace(up, "-1-0", "-1-7", 1) + "}", `uplink "024f53fffe010001-1-7" has device, epoch and fcnt of 024f53fffe010001-1-0`},
		"no time":          {`{"uplink":"024f53fffe010001-0-0","device":"024f53fffe010001"}`, `"at" is missing`},
		"unknown quantity": {up + `,"world":{"mood":1}}`, `world: unknown quantity "mood"`},
		"unknown value":    {up + `,"sent":{"fill":1}}`, `sent: unknown quantity "fill"`},
		"odd payload":      {up + `,"payload":"0"}`, "payload: encoding/hex: odd length"},
		"no duration":      {up + `,"clock_error":"later"}`, `clock_error: time: invalid duration "later"`},
		"unknown fault":    {up + `,"faults":["gremlins"]}`, `unknown fault "gremlins"`},
		"copies":           {up + `,"copies":-1}`, "copies is -1: want 1 to 100"},
		"after the end":    {strings.Replace(good, "2026-10-14T12:00:00Z", "9999-12-31T23:59:59-01:00", 1), "the year 10000 cannot be written"},
		"endless line":     {good + strings.Repeat(" ", 70_000), "manifest, line 2: bufio.Scanner: token too long"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ReadManifest(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	truth, err := ReadManifest(strings.NewReader(good + "nonsense"))
	if err == nil || len(truth.Episodes) != 1 {
		t.Errorf("%d episodes before the error %v, want 1", len(truth.Episodes), err)
	}
}

// FuzzReadManifest: nothing that is read makes it panic, and what it understood it writes
// and reads again as the same.
func FuzzReadManifest(f *testing.F) {
	f.Add(`{"uplink":"024f53fffe010001-1-0","device":"024f53fffe010001","epoch":1,"at":"2026-10-14T11:00:00Z","world":{"fill_level":91.25},"port":85,"payload":"017563","copies":2,"faults":["noise"]}`)
	f.Add(`{"episode":"device_dead","asset":"Kübel \"3\" <\u0007>","device":"024f53fffe010001","from":"2026-10-14T11:00:00+02:00","to":"9999-12-31T23:59:59-01:00"}`)
	f.Add(`{"episode":"bin_over","asset":"PK-0001","device":"024f53fffe010001","threshold":90,"from":"2026-10-14T11:00:00Z"}`)
	f.Fuzz(func(t *testing.T, text string) {
		truth, err := ReadManifest(strings.NewReader(text))
		if err != nil {
			return
		}
		once := write(t, truth)
		again, err := ReadManifest(strings.NewReader(once))
		if err != nil {
			t.Fatalf("%v in\n%s", err, once)
		}
		if twice := write(t, again); twice != once {
			t.Errorf("first\n%s\nthen\n%s", once, twice)
		}
	})
}

func BenchmarkManifestUplink(b *testing.B) {
	m := NewManifest(&nothing{})
	u := truthOf().Uplinks[0]
	b.ReportAllocs()
	for b.Loop() {
		u.FCnt++
		if err := m.Uplink(&u); err != nil {
			b.Fatal(err)
		}
	}
}

type nothing struct{}

func (*nothing) Write(p []byte) (int, error) { return len(p), nil }

// TestTheManifestOfAPlayCutShort: it tells of all that was published, however the play ends.
func TestTheManifestOfAPlayCutShort(t *testing.T) {
	broken := errors.New("the disk is full")
	for _, c := range []struct {
		name      string
		end, want error
	}{{"enough", ErrEnough, nil}, {"error", broken, broken}} {
		t.Run(c.name, func(t *testing.T) {
			var truth bytes.Buffer
			begin := time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)
			n := 0
			err := Play{City: New(DefaultConfig()), Encoder: &tinyEncoder{}, Manifest: NewManifest(&truth)}.Events(begin, begin.Add(24*time.Hour), func(Message) error {
				if n++; n == 2000 {
					return c.end
				}
				return nil
			})
			if !errors.Is(err, c.want) {
				t.Errorf("ends with %v, want %v", err, c.want)
			}
			m, err := ReadManifest(&truth)
			if err != nil {
				t.Fatal(err)
			}
			open := 0 // episodes that were not over
			for _, e := range m.Episodes {
				if e.To.IsZero() {
					open++
				}
			}
			if len(m.Uplinks) < 1000 || open == 0 {
				t.Errorf("%d uplinks, %d episodes under way at the end", len(m.Uplinks), open)
			}
		})
	}
}
