package calendar

import "testing"

func TestWindowGerman(t *testing.T) {
	for text, want := range map[string]string{
		"22:00-06:00":                           "22:00 bis 06:00 Uhr",
		"mon-fri 07:00-16:30":                   "Mo, Di, Mi, Do, Fr, 07:00 bis 16:30 Uhr",
		"sun,holidays":                          "So, Feiertage",
		"holidays":                              "Feiertage",
		"mon-sat except holidays":               "Mo, Di, Mi, Do, Fr, Sa, außer an Feiertagen",
		"mon-sun":                               "immer",
		"april-october":                         "1. April bis 31. Oktober",
		"12-24":                                 "am 24. Dezember",
		"sat 22:00-04:00 from 2026-03-01":       "Sa, 22:00 bis 04:00 Uhr, ab 01.03.2026",
		"november-february until 2026-10-31":    "1. November bis 29. Februar, bis einschließlich 31.10.2026",
		"daily 00:00-24:00":                     "immer",
		"Mo-Fr März from 2026-03-01 08:00-9:00": "Mo, Di, Mi, Do, Fr, 08:00 bis 09:00 Uhr, 1. März bis 31. März, ab 01.03.2026",
	} {
		w, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := w.German(); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}
