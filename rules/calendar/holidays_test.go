package calendar

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestEaster(t *testing.T) {
	// With the earliest and the latest possible days, and the years of Gauss's two exceptions.
	for _, want := range []string{"1818-03-22", "1943-04-25", "1954-04-18", "1981-04-19", "2000-04-23", "2008-03-23",
		"2011-04-24", "2019-04-21", "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01",
		"2030-04-21", "2038-04-25", "2049-04-18", "2076-04-19", "2285-03-22"} {
		year, err := strconv.Atoi(want[:4])
		if err != nil {
			t.Fatal(err)
		}
		y, m, d := easter(year).date()
		if got := (Date{y, m, d}).String(); got != want {
			t.Errorf("%d: %s, want %s", year, got, want)
		}
	}
}

// TestHolidays holds the rules against the calendar of 2026, written out state by state.
func TestHolidays(t *testing.T) {
	everywhere := "01-01 04-03 04-06 05-01 05-14 05-25 10-03 12-25 12-26"
	for state, more := range map[State]string{
		BadenWuerttemberg:     "01-06 06-04 11-01",
		Bavaria:               "01-06 06-04 11-01",
		Berlin:                "03-08",
		Brandenburg:           "04-05 05-24 10-31",
		Bremen:                "10-31",
		Hamburg:               "10-31",
		Hesse:                 "06-04",
		MecklenburgVorpommern: "03-08 10-31",
		LowerSaxony:           "10-31",
		NorthRhineWestphalia:  "06-04 11-01",
		RhinelandPalatinate:   "06-04 11-01",
		Saarland:              "06-04 08-15 11-01",
		Saxony:                "10-31 11-18",
		SaxonyAnhalt:          "01-06 10-31",
		SchleswigHolstein:     "10-31",
		Thuringia:             "09-20 10-31",
	} {
		want := map[string]bool{}
		for _, d := range strings.Fields(everywhere + " " + more) {
			want[d] = true
		}
		for _, h := range (Holidays{State: state}).Of(2026) {
			d := fmt.Sprintf("%02d-%02d", h.Month, h.Day)
			if !want[d] {
				t.Errorf("%s: %s (%s) is none", state, d, h.Name)
			}
			delete(want, d)
		}
		for d := range want {
			t.Errorf("%s: %s is missing", state, d)
		}
	}
}

func TestHolidayNames(t *testing.T) {
	for _, c := range []struct {
		state State
		date  string
		want  string
	}{
		{LowerSaxony, "2017-10-31", "Reformationstag"}, // 500 years, once everywhere
		{LowerSaxony, "2016-10-31", ""},
		{LowerSaxony, "2018-10-31", "Reformationstag"},
		{Bavaria, "2017-10-31", "Reformationstag"},
		{Bavaria, "2018-10-31", ""},
		{Thuringia, "2017-10-31", "Reformationstag"},
		{Berlin, "2018-03-08", ""},
		{Berlin, "2019-03-08", "Internationaler Frauentag"},
		{MecklenburgVorpommern, "2022-03-08", ""},
		{Berlin, "2020-05-08", "Tag der Befreiung"},
		{Berlin, "2025-05-08", "Tag der Befreiung"},
		{Berlin, "2026-05-08", ""},
		{Berlin, "2028-06-17", "Jahrestag des Volksaufstandes"},
		{Thuringia, "2018-09-20", ""},
		{Saxony, "2022-11-16", "Buß- und Bettag"}, // the earliest possible day
		{Saxony, "2023-11-22", "Buß- und Bettag"}, // the latest possible day
		{Hesse, "2008-05-01", "Tag der Arbeit, Christi Himmelfahrt"},
		{LowerSaxony, "2026-04-05", ""}, // Easter Sunday is a Sunday
		{0, "2026-12-25", ""},
	} {
		at, err := time.Parse(time.DateOnly, c.date)
		if err != nil {
			t.Fatal(err)
		}
		if got := (Holidays{State: c.state}).Name(at.Date()); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.state, c.date, got, c.want)
		}
	}
}

func TestHolidaysOfAPlace(t *testing.T) {
	augsburg := Holidays{State: Bavaria, Extra: []MonthDay{{time.August, 8}, {time.December, 25}}}
	if got := augsburg.Name(2026, time.August, 8); got != "örtlicher Feiertag" {
		t.Errorf("8 August: %q", got)
	}
	if got := augsburg.Name(2026, time.December, 25); got != "1. Weihnachtstag" {
		t.Errorf("25 December: %q", got)
	}
	cal := New(berlin(t), augsburg, nil, nil)
	if got := cal.Holiday(instant(t, "2026-08-07 22:30 +0000")); got != "örtlicher Feiertag" {
		t.Errorf("half past midnight in Augsburg: %q", got)
	}
}

func TestParseState(t *testing.T) {
	for text, want := range map[string]State{"NI": LowerSaxony, "ni": LowerSaxony, "Niedersachsen": LowerSaxony, "thüringen": Thuringia, "BW": BadenWuerttemberg} {
		if got, err := ParseState(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := ParseState("Ostfriesland"); err == nil || !strings.Contains(err.Error(), "like NI for Niedersachsen") {
		t.Errorf("Ostfriesland: %v", err)
	}
}
