package board

import (
	"fmt"
	"math"
	"testing"
	"time"

	"meldefunk/city"
)

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		v        float64
		decimals int
		want     string
	}{
		{0, 0, "0"}, {0, 1, "0,0"}, {82.54, 1, "82,5"}, {-0.04, 1, "0,0"}, {-2.5, 1, "−2,5"},
		{999, 0, "999"}, {1000, 0, "1.000"}, {1234567.891, 2, "1.234.567,89"}, {-12345, 0, "−12.345"},
		{math.NaN(), 1, "–"}, {math.Inf(1), 0, "–"},
	} {
		if got := number(c.v, c.decimals); got != c.want {
			t.Errorf("number(%v, %d) = %q, want %q", c.v, c.decimals, got, c.want)
		}
	}
}

func TestEveryQuantityHasUnitAndGermanName(t *testing.T) {
	for _, q := range city.Quantities() {
		if q.German() == q.String() {
			t.Errorf("%s has no German name", q)
		}
		got := amount(q, 1)
		if q.Boolean() == (got == withUnit(number(1, decimals(q)), q.Unit())) {
			t.Errorf("%s: amount is %q", q, got)
		}
	}
	for _, r := range city.Reasons() {
		if reasonWord(r) == string(r) {
			t.Errorf("reason %s has no German name", r)
		}
	}
	for _, f := range city.Faults() {
		if f.German() == string(f) {
			t.Errorf("fault %s has no German name", f)
		}
	}
}

// Every kind has a word, an address, something it is looked at for, an age at which it is
// stale, and bands whose states exist.
func TestEveryKindIsKnown(t *testing.T) {
	words, keys := map[string]bool{}, map[string]bool{}
	for _, k := range city.Kinds() {
		word, key := kindWord(k)
		if word == "unbekannt" || words[word] || keys[key] {
			t.Errorf("kind %s is called %q, in addresses %q", k, word, key)
		}
		words[word], keys[key] = true, true
		if len(looksAt(k)) == 0 {
			t.Errorf("kind %s is looked at for nothing", k)
		}
		if d := DefaultConfig().StaleAfter.of(k); d < time.Hour {
			t.Errorf("kind %s is stale after %v", k, d)
		}
		for _, q := range looksAt(k) {
			low, high := q.Range()
			for _, v := range []float64{low, (low + high) / 2, high, math.NaN()} {
				if s, ok := stateNamed(band(q, v)); !ok || s.Word == "" {
					t.Errorf("%s: %s of %v has no state", k, q, v)
				}
			}
		}
	}
}

func TestFactsJoinPositions(t *testing.T) {
	v := func(q city.Quantity, n float64) city.Value { return city.Value{Quantity: q, Number: n} }
	for _, c := range []struct {
		kind   city.Kind
		values []city.Value
		want   string
	}{
		{city.Tracker, []city.Value{v(city.Latitude, 52.2775), v(city.Longitude, 8.04166), v(city.Speed, 0)}, "[{Position 52,27750° N, 8,04166° O} {Geschwindigkeit 0 km/h}]"},
		{city.Bin, []city.Value{v(city.Longitude, -8), v(city.FillLevel, 3), v(city.Latitude, -52)}, "[{Füllstand 3,0 %} {Position 52,00000° S, 8,00000° W}]"},
		{city.Tracker, []city.Value{v(city.Latitude, 52)}, "[{Breite 52,00000 °}]"},
		{city.Tracker, []city.Value{v(city.Longitude, 8)}, "[{Länge 8,00000 °}]"},
		{city.Air, []city.Value{v(city.Temperature, 3)}, "[{Temperatur 3,0 °C}]"},
		{city.Bin, []city.Value{v(city.Temperature, 3), v(city.Distance, 3)}, "[{Temperatur am Gerät 3,0 °C} {Abstand zum Inhalt 3 mm}]"},
		{city.Level, []city.Value{v(city.Distance, 3)}, "[{Abstand zum Wasser 3 mm}]"},
		{city.Door, []city.Value{v(city.DoorOpen, 0)}, "[{Tür oder Klappe geschlossen}]"},
	} {
		if got := spaces(fmt.Sprint(new(Board).facts(c.kind, c.values))); got != c.want {
			t.Errorf("%s: %s, want %s", c.kind, got, c.want)
		}
	}
}

func TestClock(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ utc, want string }{
		{"2026-11-21T13:05:00Z", "21.11.2026, 14:05 Uhr"},
		{"2026-07-01T22:30:00Z", "02.07.2026, 00:30 Uhr"},
		// Clocks go back from 03:00 MESZ to 02:00 MEZ at 01:00 UTC.
		{"2026-10-24T23:59:59Z", "25.10.2026, 01:59 Uhr"},
		{"2026-10-25T00:00:00Z", "25.10.2026, 02:00 Uhr MESZ"},
		{"2026-10-25T00:30:00Z", "25.10.2026, 02:30 Uhr MESZ"},
		{"2026-10-25T01:00:00Z", "25.10.2026, 02:00 Uhr MEZ"},
		{"2026-10-25T01:59:59Z", "25.10.2026, 02:59 Uhr MEZ"},
		{"2026-10-25T02:00:00Z", "25.10.2026, 03:00 Uhr"},
		// Clocks go forward: no hour comes twice.
		{"2026-03-29T00:59:00Z", "29.03.2026, 01:59 Uhr"},
		{"2026-03-29T01:00:00Z", "29.03.2026, 03:00 Uhr"},
	} {
		at, err := time.Parse(time.RFC3339, c.utc)
		if err != nil {
			t.Fatal(err)
		}
		if got := spaces(clock(at, berlin)); got != c.want {
			t.Errorf("%s: %q, want %q", c.utc, got, c.want)
		}
	}
	if got := spaces(clock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.UTC)); got != "01.01.2026, 00:00 Uhr" {
		t.Errorf("in a zone without changes: %q", got)
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "in der Zukunft", -time.Second: "gerade eben", 0: "gerade eben", 59 * time.Second: "gerade eben",
		time.Minute: "vor 1 Minute", 119 * time.Second: "vor 1 Minute", 59 * time.Minute: "vor 59 Minuten",
		time.Hour: "vor 1 Stunde", 47 * time.Hour: "vor 47 Stunden", 48 * time.Hour: "vor 2 Tagen", 1500 * 24 * time.Hour: "vor 1.500 Tagen",
	} {
		if got := spaces(age(d)); got != want {
			t.Errorf("age(%v) = %q, want %q", d, got, want)
		}
	}
}

// spaces makes no-break spaces comparable by eye.
func spaces(s string) string {
	out := []rune(s)
	for i, r := range out {
		if r == '\u00a0' {
			out[i] = ' '
		}
	}
	return string(out)
}

func TestAhead(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "gleich", 59 * time.Second: "gleich", time.Minute: "in\u00a01\u00a0Minute", 59 * time.Minute: "in\u00a059\u00a0Minuten", time.Hour: "in\u00a01\u00a0Stunde",
		47*time.Hour + 59*time.Minute: "in\u00a047\u00a0Stunden", 48 * time.Hour: "in\u00a02\u00a0Tagen", 1200 * 24 * time.Hour: "in\u00a01.200\u00a0Tagen",
	} {
		if got := ahead(d); got != want {
			t.Errorf("ahead(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestSigned(t *testing.T) {
	for v, want := range map[float64]string{0: "0,0", 0.04: "0,0", 2.54: "+2,5", -0.31: "−0,3", 1234.5: "+1.234,5"} {
		if got := signed(v, 1); got != want {
			t.Errorf("signed(%v) = %q, want %q", v, got, want)
		}
	}
}

// TestDoubledHour holds every way to write a time to the hour of October that comes twice.
func TestDoubledHour(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	b := &Board{opt: Options{Location: berlin}}
	first := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		at                           time.Time
		hour, clock, german, machine string
	}{
		{first.Add(-time.Hour), "01:30\u00a0Uhr", "25.10.2026, 01:30\u00a0Uhr", "25.10.2026 01:30:00", "2026-10-25T01:30:00+02:00"},
		{first, "02:30\u00a0Uhr\u00a0MESZ", "25.10.2026, 02:30\u00a0Uhr\u00a0MESZ", "25.10.2026 02:30:00 MESZ", "2026-10-25T02:30:00+02:00"},
		{first.Add(time.Hour), "02:30\u00a0Uhr\u00a0MEZ", "25.10.2026, 02:30\u00a0Uhr\u00a0MEZ", "25.10.2026 02:30:00 MEZ", "2026-10-25T02:30:00+01:00"},
		{first.Add(2 * time.Hour), "03:30\u00a0Uhr", "25.10.2026, 03:30\u00a0Uhr", "25.10.2026 03:30:00", "2026-10-25T03:30:00+01:00"},
	} {
		if got := hour(c.at, berlin); got != c.hour {
			t.Errorf("hour: %q, want %q", got, c.hour)
		}
		if got := clock(c.at, berlin); got != c.clock {
			t.Errorf("clock: %q, want %q", got, c.clock)
		}
		if got := b.instant(c.at); got != (cell{c.german, c.machine}) {
			t.Errorf("in a table: %q, want %q and %q", got, c.german, c.machine)
		}
	}
	if got := b.instant(time.Time{}); got != (cell{}) {
		t.Errorf("no time in a table is %q", got)
	}
}

func TestHarmless(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "Domhof 4": "Domhof 4", "=1+1": "'=1+1", "+49 541": "'+49 541", "-2,5": "-2,5", "+2,5": "+2,5", "-1-1": "'-1-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "a=1": "a=1",
	} {
		if got := harmless(s); got != want {
			t.Errorf("harmless(%q) = %q, want %q", s, got, want)
		}
	}
}
