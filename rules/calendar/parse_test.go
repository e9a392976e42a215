package calendar

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"mon-fri 07:00-16:00":          "mon,tue,wed,thu,fri 07:00-16:00",
		"Mo-Fr 7:00-16:00":             "mon,tue,wed,thu,fri 07:00-16:00",
		"Montag, Mittwoch und Freitag": "mon,wed,fri",
		"sat-mon":                      "mon,sat,sun",
		"22:00-06:00":                  "22:00-06:00",
		"22:00–06:00 daily":            "22:00-06:00",
		"00:00-24:00":                  "always",
		"immer":                        "always",
		"18:00-24:00":                  "18:00-24:00",
		"Sun, holidays":                "sun,holidays",
		"holidays":                     "holidays",
		"mon-sat except holidays":      "mon,tue,wed,thu,fri,sat except holidays",
		"außer Feiertage 06:00-22:00":  "except holidays 06:00-22:00",
		"april-october":                "04-01..10-31",
		"märz..okt":                    "03-01..10-31",
		"February":                     "02-01..02-29",
		"04-15..10-15":                 "04-15..10-15",
		"12-24":                        "12-24..12-24",
		"wed 08:00-10:00 from 2026-03-01 until 2026-10-31": "wed 08:00-10:00 from 2026-03-01 until 2026-10-31",
		"bis 2027-01-01": "until 2027-01-01",
	} {
		w, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if w.String() != want {
			t.Errorf("%q: %q, want %q", text, w, want)
		}
		if again, err := Parse(w.String()); err != nil || again != w {
			t.Errorf("%q read again: %v, %v", w, again, err)
		}
	}
}

func TestParseBad(t *testing.T) {
	for _, c := range []struct {
		text   string
		offset int
		want   string
	}{
		{"", 0, "is empty"},
		{"mon-fri 7-16", 8, `"7-16" is no day, time or season`},
		{"mon-fri 07:00", 8, "is no span of time"},
		{"07:00-25:00", 0, "is no span of time"},
		{"07:00-07:60", 0, "is no span of time"},
		{"24:00-06:00", 0, "is no span of time"},
		{"08:00-08:00", 0, "ends when it begins"},
		{"08:00-10:00, 12:00-14:00", 13, "a window of its own"},
		{"mon-april", 0, "no span of days"},
		{"monn", 0, "is no day, time or season"},
		{"april-22", 0, "is no season"},
		{"02-30", 0, "no day of the year"},
		{"02-30..03-05", 0, "no season"},
		{"april june", 6, "a second season"},
		{"except mon", 0, "except holidays"},
		{"sun,holidays except holidays", 0, "one of the two"},
		{"from", 0, "wants a date"},
		{"mon from 22.11.2026", 9, "is no date"},
		{"until 1926-11-22", 6, "is no date"},
		{"from 2026-11-22 until 2026-11-21", 0, "before it begins"},
	} {
		_, err := Parse(c.text)
		var at *ParseError
		if !errors.As(err, &at) || at.Offset != c.offset || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v at %+v, want %q at %d", c.text, err, at, c.want, c.offset)
		}
	}
}

func TestParseClockAndDay(t *testing.T) {
	if m, err := ParseClock("07:30"); err != nil || m != 450 {
		t.Errorf("%d, %v", m, err)
	}
	if _, err := ParseClock("7.30"); err == nil {
		t.Error("7.30 was taken for a time of day")
	}
	if d, err := ParseMonthDay("12-24"); err != nil || d != (MonthDay{12, 24}) {
		t.Errorf("%v, %v", d, err)
	}
	for _, text := range []string{"24.12.", "12-32", "december", "1224", "1-1-1"} {
		if d, err := ParseMonthDay(text); err == nil {
			t.Errorf("%q was taken for %v", text, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"mon-fri 07:00-16:00", "sun,holidays", "april-october", "02-29..03-10 except holidays", "from 2026-03-01 until 2026-10-31", "mo–so"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := Parse(text)
		if err != nil {
			var at *ParseError
			if !errors.As(err, &at) || at.Offset < 0 || at.Offset > len(text) {
				t.Fatalf("%q: %v at %+v", text, err, at)
			}
			return
		}
		if again, err := Parse(w.String()); err != nil || again != w {
			t.Fatalf("%q: %+v is written as %q and read again as %+v, %v", text, w, w, again, err)
		}
	})
}
