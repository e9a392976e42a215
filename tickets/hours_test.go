package tickets

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"meldefunk/city"
	"meldefunk/rules/calendar"
)

func hours(t *testing.T, open, quiet []string) Hours {
	t.Helper()
	var h Hours
	make := windows(berlin(t), calendar.LowerSaxony)
	for _, w := range []struct {
		texts []string
		to    *Calendar
	}{{open, &h.Open}, {quiet, &h.Quiet}} {
		if len(w.texts) == 0 {
			continue
		}
		c, err := make(w.texts)
		if err != nil {
			t.Fatal(err)
		}
		*w.to = c
	}
	return h
}

func TestHoursNext(t *testing.T) {
	work := []string{"mon-fri except holidays 07:00-16:00", "sat except holidays 08:00-12:00"}
	tests := []struct {
		name        string
		open, quiet []string
		at, want    string
	}{
		{"always", nil, nil, "2026-11-22T03:00:00+01:00", "2026-11-22T03:00:00+01:00"},
		{"within", work, nil, "2026-11-20T15:59:59+01:00", "2026-11-20T15:59:59+01:00"},
		{"at the end", work, nil, "2026-11-20T16:00:00+01:00", "2026-11-21T08:00:00+01:00"},
		{"over Sunday", work, nil, "2026-11-21T12:00:00+01:00", "2026-11-23T07:00:00+01:00"},
		{"over Christmas and the Sunday after it", work, nil, "2026-12-24T18:00:00+01:00", "2026-12-28T07:00:00+01:00"},
		{"Reformation Day is one in Lower Saxony", work, nil, "2026-10-30T20:00:00+01:00", "2026-11-02T07:00:00+01:00"},
		{"quiet over midnight, before it", nil, []string{"22:00-07:00"}, "2026-11-21T23:30:00+01:00", "2026-11-22T07:00:00+01:00"},
		{"quiet over midnight, after it", nil, []string{"22:00-07:00"}, "2026-11-22T00:30:00+01:00", "2026-11-22T07:00:00+01:00"},
		{"quiet over midnight, not yet", nil, []string{"22:00-07:00"}, "2026-11-21T21:59:59+01:00", "2026-11-21T21:59:59+01:00"},
		{"quiet until the hours begin", work, []string{"06:00-09:30"}, "2026-11-23T05:00:00+01:00", "2026-11-23T09:30:00+01:00"},
		{"quiet all of a day", work, []string{"mon"}, "2026-11-22T05:00:00+01:00", "2026-11-24T07:00:00+01:00"},
		{"hours over midnight belong to the day they begin on", []string{"fri 20:00-04:00"}, nil, "2026-11-21T05:00:00+01:00", "2026-11-27T20:00:00+01:00"},
		{"hours over midnight, the morning after", []string{"fri 20:00-04:00"}, nil, "2026-11-21T03:00:00+01:00", "2026-11-21T03:00:00+01:00"},

		// 29 March 2026, 02:00 becomes 03:00.
		{"clocks go forward: the morning comes an hour earlier", nil, []string{"22:00-07:00"}, "2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"},
		{"clocks go forward: hours that begin in the skipped hour", []string{"02:30-06:00"}, nil, "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"clocks go forward: hours of the skipped hour only", []string{"02:15-02:45"}, nil, "2026-03-29T01:00:00+01:00", "2026-03-30T02:15:00+02:00"},
		// 25 October 2026, 03:00 becomes 02:00.
		{"clocks go back: the morning comes an hour later", nil, []string{"22:00-07:00"}, "2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"},
		{"clocks go back: begins with the first of two equal times", []string{"02:30-06:00"}, nil, "2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+02:00"},
		{"clocks go back: is not over in between", []string{"02:30-06:00"}, nil, "2026-10-25T02:10:00+01:00", "2026-10-25T02:10:00+01:00"},
		{"clocks go back: quiet ends with the last of two equal times", nil, []string{"22:00-02:30"}, "2026-10-25T02:40:00+02:00", "2026-10-25T02:30:00+01:00"},

		{"never", []string{"mon 08:00-09:00"}, []string{"mon 07:00-10:00"}, "2026-11-22T12:00:00+01:00", "2028-11-23T12:00:00+01:00"},
		{"never again", []string{"until 2026-01-31"}, nil, "2026-11-22T12:00:00+01:00", "2028-11-23T12:00:00+01:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hours(t, tt.open, tt.quiet).Next(at(tt.at)); !got.Equal(at(tt.want)) {
				t.Errorf("after %s: got %s, want %s", tt.at, got.In(berlin(t)).Format(time.RFC3339), tt.want)
			}
		})
	}
}

// Next is the first minute in which both calendars allow it.
func TestHoursNextIsTheFirst(t *testing.T) {
	texts := []string{"mon-fri 07:00-16:00", "22:00-06:00", "sun,holidays", "sat 08:00-12:00", "02:30-03:30", "daily 00:00-12:00"}
	some := rapid.SliceOfNDistinct(rapid.SampledFrom(texts), 1, 2, rapid.ID)
	starts := []time.Time{at("2026-03-27T00:00:00Z"), at("2026-10-23T00:00:00Z"), at("2026-12-23T00:00:00Z")}
	rapid.Check(t, func(r *rapid.T) {
		h := hours(t, some.Draw(r, "open"), some.Draw(r, "quiet"))
		from := rapid.SampledFrom(starts).Draw(r, "start").Add(time.Duration(rapid.IntRange(0, 3*24*60).Draw(r, "minute")) * time.Minute)
		next, found := h.next(from)
		for m := from; m.Before(from.Add(4 * 24 * time.Hour)); m = m.Add(time.Minute) {
			if h.Open.Active(m) && !h.Quiet.Active(m) {
				if !found || !next.Equal(m) {
					r.Fatalf("after %s: got %s, want %s", from, next, m)
				}
				return
			}
		}
		if found && next.Before(from.Add(4*24*time.Hour)) {
			r.Fatalf("after %s: got %s, which no minute confirms", from, next)
		}
	})
}

// What must go out at once does so in the middle of the night, and the case list never sleeps.
func TestHoursOfARoute(t *testing.T) {
	const local = "routes: [{hours: mon 08:00-09:00}]"
	const away = local + "\nsystem: csv\ncsv: {folder: x}"
	sunday := at("2026-11-22T12:00:00Z")
	for _, tt := range []struct {
		name, text string
		service    string
		grade      city.Grade
		waits      bool
	}{
		{"usual", away, "OS-ABF-01", 1, true},
		{"severe", away, "OS-ABF-01", 2, false},
		{"case list", local, "OS-ABF-01", 1, false},
		{"shipped, Sunday", "system: csv\ncsv: {folder: x}", "OS-ABF-01", 1, true},
		{"shipped, a way for fire engines", "system: csv\ncsv: {folder: x}", "OS-PRK-03", 1, false},
		{"in the night of the bays, only", "system: csv\ncsv: {folder: x}\nroutes: [{hours: '22:00-23:00'}]", "OS-PRK-01", 1, true},
		{"switched off", "system: csv\ncsv: {folder: x}\nroutes: [{hours: always}]", "OS-PRK-01", 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := city.Case{Service: tt.service, Grade: tt.grade}
			to := mustLoad(t, tt.text).Route(&c, nil)
			if waits := to.Hours.Next(sunday).After(sunday); waits != tt.waits {
				t.Errorf("waits: %v; %+v", waits, to)
			}
		})
	}

	// Hours of the city's own end the rest that is shipped, or there would be no time left.
	c := city.Case{Service: "OS-PRK-01", Grade: 1}
	to := mustLoad(t, "system: csv\ncsv: {folder: x}\nroutes: [{hours: '22:00-23:00'}]").Route(&c, nil)
	if got := to.Hours.Next(sunday); !got.Equal(at("2026-11-22T22:00:00+01:00")) {
		t.Errorf("night hours begin at %s", got)
	}
}
