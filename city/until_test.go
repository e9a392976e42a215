package city_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // test machines may have no zone files

	"meldefunk/city"
)

func TestParseUntil(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 24, 10, 0, 0, 0, time.UTC) // noon, the day before clocks are turned back
	for text, want := range map[string]string{
		"90m":                   "2026-10-24T11:30:00Z",
		"36h":                   "2026-10-25T22:00:00Z",
		"1d":                    "2026-10-25T11:00:00Z", // 25 hours
		"2w":                    "2026-11-07T11:00:00Z",
		"3 Tage":                "2026-10-27T11:00:00Z",
		"1 Woche":               "2026-10-31T11:00:00Z",
		"12 Stunden":            "2026-10-24T22:00:00Z",
		"24.12.2026":            "2026-12-24T23:00:00Z",
		"2026-12-24":            "2026-12-24T23:00:00Z",
		"24.10.2026":            "2026-10-24T22:00:00Z", // today
		"1.11.2026 6:30":        "2026-11-01T05:30:00Z",
		"24.12.2026, 18:00 Uhr": "2026-12-24T17:00:00Z",
		"2026-12-24T18:00":      "2026-12-24T17:00:00Z",
		"2026-12-24 18:00":      "2026-12-24T17:00:00Z",
		"2026-12-24T18:00:00Z":  "2026-12-24T18:00:00Z",
		"2027-10-25T09:00Z":     "is no end",
		"":                      "is no end",
		"soon":                  "is no end",
		"3 Monde":               "is no end",
		"31.2.2027":             "is no end",
		"99999999999999999999d": "is no end",
		"-1h":                   "is over already",
		"0d":                    "is over already",
		"23.10.2026":            "is over already",
		"2026-10-24T12:00":      "is over already",
		"400d":                  "more than a year off",
		"24.12.2062":            "more than a year off",
	} {
		got, err := city.ParseUntil(text, now, berlin)
		if err == nil && got.UTC().Format(time.RFC3339) != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %s", text, got.UTC(), err, want)
		}
	}
}

// FuzzParseUntil: whatever people write, an end lies within a year.
func FuzzParseUntil(f *testing.F) {
	now := time.Date(2026, 10, 24, 10, 0, 0, 0, time.UTC)
	f.Add("3 Tage")
	f.Add("24.12.2026, 18:00 Uhr")
	f.Add("2540400h10m10s")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := city.ParseUntil(text, now, time.UTC)
		if err == nil && (!got.After(now) || got.Sub(now) > city.LongestUntil) {
			t.Fatalf("%q ends %s", text, got)
		}
	})
}
