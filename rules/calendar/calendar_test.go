package calendar

import (
	"testing"
	"time"
	_ "time/tzdata" // test machines may have no zone files

	"pgregory.net/rapid"
)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04 -0700", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func windows(t testing.TB, texts ...string) []Window {
	t.Helper()
	var all []Window
	for _, text := range texts {
		w, err := Parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		all = append(all, w)
	}
	return all
}

// TestNext names the expected instants of both nights in which clocks change, of a leap day, the
// turn of the year, holidays, and quiet hours over midnight.
func TestNext(t *testing.T) {
	for _, c := range []struct {
		name    string
		windows []string
		at      string
		active  bool
		next    []string // the changes that follow one another
	}{
		{"quiet hours over midnight", []string{"22:00-06:00"}, "2026-11-22 21:59 +0100", false,
			[]string{"2026-11-22 22:00 +0100", "2026-11-23 06:00 +0100", "2026-11-23 22:00 +0100"}},
		{"quiet hours after midnight", []string{"22:00-06:00"}, "2026-11-23 00:30 +0100", true,
			[]string{"2026-11-23 06:00 +0100"}},
		{"at its end a window is over", []string{"22:00-06:00"}, "2026-11-23 06:00 +0100", false,
			[]string{"2026-11-23 22:00 +0100"}},
		{"quiet hours in the night that loses an hour", []string{"22:00-06:00"}, "2027-03-27 22:00 +0100", true,
			[]string{"2027-03-28 06:00 +0200", "2027-03-28 22:00 +0200"}}, // 7 h
		{"quiet hours in the night that gains an hour", []string{"22:00-06:00"}, "2026-10-24 22:00 +0200", true,
			[]string{"2026-10-25 06:00 +0100", "2026-10-25 22:00 +0100"}}, // 9 h
		{"end within the lost hour", []string{"22:00-02:30"}, "2027-03-27 23:00 +0100", true,
			[]string{"2027-03-28 03:00 +0200", "2027-03-28 22:00 +0200", "2027-03-29 02:30 +0200"}},
		{"begin within the lost hour", []string{"02:30-05:00"}, "2027-03-28 00:00 +0100", false,
			[]string{"2027-03-28 03:00 +0200", "2027-03-28 05:00 +0200", "2027-03-29 02:30 +0200"}},
		{"all of it within the lost hour", []string{"02:15-02:45"}, "2027-03-27 12:00 +0100", false,
			[]string{"2027-03-29 02:15 +0200"}},
		{"end within the doubled hour", []string{"22:00-02:30"}, "2026-10-24 23:00 +0200", true,
			[]string{"2026-10-25 02:30 +0100", "2026-10-25 22:00 +0100"}},
		{"end before the doubled hour", []string{"22:00-02:00"}, "2026-10-24 23:00 +0200", true,
			[]string{"2026-10-25 02:00 +0200", "2026-10-25 22:00 +0100"}},
		{"end after the doubled hour", []string{"22:00-03:00"}, "2026-10-24 23:00 +0200", true,
			[]string{"2026-10-25 03:00 +0100"}},
		{"begin within the doubled hour", []string{"02:30-05:00"}, "2026-10-25 00:00 +0200", false,
			[]string{"2026-10-25 02:30 +0200", "2026-10-25 05:00 +0100"}},
		{"all of it within the doubled hour", []string{"02:15-02:45"}, "2026-10-25 00:00 +0200", false,
			[]string{"2026-10-25 02:15 +0200", "2026-10-25 02:45 +0100", "2026-10-26 02:15 +0100"}},
		{"whole days of 23 and 25 hours", []string{"sun"}, "2026-10-25 12:00 +0100", true,
			[]string{"2026-10-26 00:00 +0100", "2026-11-01 00:00 +0100"}},
		{"a Sunday of 23 hours", []string{"sun"}, "2027-03-27 12:00 +0100", false,
			[]string{"2027-03-28 00:00 +0100", "2027-03-29 00:00 +0200"}},

		{"working days", []string{"mon-sat 06:00-20:00"}, "2026-11-21 21:00 +0100", false,
			[]string{"2026-11-23 06:00 +0100", "2026-11-23 20:00 +0100"}},
		{"Friday night lasts into Saturday", []string{"fri 22:00-04:00"}, "2026-11-21 03:59 +0100", true,
			[]string{"2026-11-21 04:00 +0100", "2026-11-27 22:00 +0100"}},
		{"touching windows are one", []string{"mon-fri 00:00-12:00", "mon-fri 12:00-24:00"}, "2026-11-20 11:00 +0100", true,
			[]string{"2026-11-21 00:00 +0100", "2026-11-23 00:00 +0100", "2026-11-28 00:00 +0100"}},
		{"overlapping windows are one", []string{"08:00-14:00", "12:00-18:00"}, "2026-11-20 09:00 +0100", true,
			[]string{"2026-11-20 18:00 +0100"}},
		{"always", []string{"daily"}, "2026-11-20 11:00 +0100", true, []string{""}},

		{"season", []string{"april-october"}, "2026-06-01 00:00 +0200", true,
			[]string{"2026-11-01 00:00 +0100", "2027-04-01 00:00 +0200"}},
		{"season over the turn of the year", []string{"11-15..02-15"}, "2026-11-22 00:00 +0100", true,
			[]string{"2027-02-16 00:00 +0100", "2027-11-15 00:00 +0100"}},
		{"until the end of February, leap year", []string{"november-february"}, "2027-12-01 00:00 +0100", true,
			[]string{"2028-03-01 00:00 +0100"}},
		{"until the end of February, other year", []string{"november-february"}, "2026-12-01 00:00 +0100", true,
			[]string{"2027-03-01 00:00 +0100"}},
		{"leap day", []string{"02-29"}, "2026-11-22 00:00 +0100", false,
			[]string{"2028-02-29 00:00 +0100", "2028-03-01 00:00 +0100", "2032-02-29 00:00 +0100"}},
		{"leap day over 2100", []string{"02-29"}, "2096-03-01 00:00 +0100", false,
			[]string{"2104-02-29 00:00 +0100"}},
		{"Monday the 29th of February over 2100", []string{"mon 02-29"}, "2072-03-01 00:00 +0100", false,
			[]string{"2112-02-29 00:00 +0100"}},
		{"from leap day on, other year", []string{"02-29..03-10"}, "2027-02-01 00:00 +0100", false,
			[]string{"2027-03-01 00:00 +0100", "2027-03-11 00:00 +0100"}},
		{"turn of the year", []string{"22:00-06:00 12-31"}, "2026-12-31 23:59 +0100", true,
			[]string{"2027-01-01 06:00 +0100", "2027-12-31 22:00 +0100"}},

		{"no holidays", []string{"mon-fri except holidays 07:00-16:00"}, "2026-04-02 16:00 +0200", false, // Maundy Thursday
			[]string{"2026-04-07 07:00 +0200", "2026-04-07 16:00 +0200"}},
		{"holidays and Sundays", []string{"sun,holidays"}, "2026-12-24 12:00 +0100", false,
			[]string{"2026-12-25 00:00 +0100", "2026-12-28 00:00 +0100", "2027-01-01 00:00 +0100", "2027-01-02 00:00 +0100"}},
		{"Reformation day in Lower Saxony", []string{"holidays"}, "2026-10-04 00:00 +0200", false,
			[]string{"2026-10-31 00:00 +0100", "2026-11-01 00:00 +0100", "2026-12-25 00:00 +0100"}},
		{"the eve of a holiday lasts into it", []string{"except holidays 22:00-06:00"}, "2026-12-24 23:00 +0100", true,
			[]string{"2026-12-25 06:00 +0100", "2026-12-27 22:00 +0100"}},

		{"first and last day", []string{"22:00-06:00 from 2026-11-23 until 2026-11-24"}, "2026-11-22 23:00 +0100", false,
			[]string{"2026-11-23 22:00 +0100", "2026-11-24 06:00 +0100", "2026-11-24 22:00 +0100", "2026-11-25 06:00 +0100", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cal := New(berlin(t), Holidays{State: LowerSaxony}, windows(t, c.windows...), nil)
			at, active := instant(t, c.at), c.active
			if got := cal.Active(at); got != active {
				t.Errorf("active at %s: %t", c.at, got)
			}
			for _, want := range c.next {
				next := cal.Next(at)
				if want == "" {
					if !next.IsZero() {
						t.Errorf("changes at %s, want never", next)
					}
					return
				}
				if !next.Equal(instant(t, want)) {
					t.Fatalf("after %s changes at %s, want %s", at, next, want)
				}
				active = !active
				if cal.Active(next.Add(-time.Nanosecond)) == active || cal.Active(next) != active {
					t.Errorf("no change to %t at %s", active, next)
				}
				at = next
			}
		})
	}
}

func TestSpans(t *testing.T) {
	from, to := instant(t, "2026-11-24 08:00 +0100"), instant(t, "2026-11-26 12:00 +0100")
	cal := New(berlin(t), Holidays{}, nil, []Span{{from, to}})
	for _, c := range []struct {
		at     time.Time
		active bool
		next   time.Time
	}{
		{from.Add(-1), false, from},
		{from, true, to},
		{to.Add(-1), true, to},
		{to, false, time.Time{}},
	} {
		if active, next := cal.Active(c.at), cal.Next(c.at); active != c.active || !next.Equal(c.next) {
			t.Errorf("at %s: %t until %s, want %t until %s", c.at, active, next, c.active, c.next)
		}
	}
}

// TestWalk holds Active and Next against a clock that is watched minute by minute. What a
// window means is written down anew here: from the first to the last minute of the walk that
// shows a time within it.
func TestWalk(t *testing.T) {
	zones := []string{"Europe/Berlin", "America/St_Johns", "America/Havana", "Australia/Lord_Howe", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		// Near a change of the clocks, the turn of the year or a leap day.
		noon := rapid.SampledFrom([]time.Time{
			time.Date(2026, 3, 29, 12, 0, 0, 0, zone), time.Date(2026, 10, 25, 12, 0, 0, 0, zone),
			time.Date(2026, 3, 8, 12, 0, 0, 0, zone), time.Date(2026, 11, 1, 12, 0, 0, 0, zone),
			time.Date(2026, 4, 5, 12, 0, 0, 0, zone), time.Date(2026, 10, 4, 12, 0, 0, 0, zone),
			time.Date(2027, 1, 1, 12, 0, 0, 0, zone), time.Date(2028, 2, 29, 12, 0, 0, 0, zone),
		}).Draw(t, "noon")
		holidays := Holidays{State: rapid.SampledFrom(States()).Draw(t, "state")}
		list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Window {
			minute := rapid.OneOf(rapid.IntRange(0, 1439), rapid.IntRange(0, 4*60), rapid.Map(rapid.IntRange(0, 23), func(h int) int { return h * 60 }))
			w := Window{
				Days:     Weekdays(rapid.IntRange(0, 127).Draw(t, "days")),
				Holidays: rapid.Bool().Draw(t, "holidays"),
				From:     minute.Draw(t, "from"),
				To:       minute.Draw(t, "to"),
			}
			w.NotHolidays = !w.Holidays && rapid.Bool().Draw(t, "not holidays")
			if w.To == w.From {
				w.From, w.To = 0, 0
			}
			if rapid.IntRange(0, 3).Draw(t, "season") == 0 {
				w.FirstDay, w.LastDay = MonthDay{time.March, 29}, MonthDay{time.October, 25}
				if rapid.Bool().Draw(t, "winter") {
					w.FirstDay, w.LastDay = MonthDay{time.October, 26}, MonthDay{time.February, 29}
				}
			}
			return w
		}), 1, 3).Draw(t, "windows")
		cal := New(zone, holidays, list, nil)

		const half, margin = 3 * 24 * 60, 36 * 60 // minutes
		minute := func(i int) time.Time { return noon.Add(time.Duration(i-half) * time.Minute) }
		shown, wall := make([]bool, 2*half), make([]int64, 2*half)
		for i := range wall {
			local := minute(i)
			wall[i] = time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC).Unix()
		}
		for _, w := range list {
			for dayOff := -5; dayOff <= 5; dayOff++ {
				date := time.Date(noon.Year(), noon.Month(), noon.Day()+dayOff, 12, 0, 0, 0, time.UTC)
				if !meant(w, date, holidays) {
					continue
				}
				from := date.Add(time.Duration(w.From-12*60) * time.Minute)
				to := date.Add(time.Duration(w.To-12*60) * time.Minute)
				if w.To <= w.From {
					to = to.Add(24 * time.Hour)
				}
				first, last := -1, -1
				for i := range shown {
					if wall[i] >= from.Unix() && wall[i] < to.Unix() {
						if first < 0 {
							first = i
						}
						last = i
					}
				}
				for i := first; first >= 0 && i <= last; i++ {
					shown[i] = true
				}
			}
		}
		// The first and the last days of the walk may be cut off.
		for i, end := margin, len(shown)-margin; i < end; i++ {
			if got := cal.active(minute(i)); got != shown[i] {
				t.Fatalf("%s: active %t, the clock says %t", minute(i), got, shown[i])
			}
		}
		start := rapid.IntRange(margin, half).Draw(t, "start")
		change := start
		for change < len(shown)-margin && shown[change] == shown[start] {
			change++
		}
		next := cal.Next(minute(start))
		if change < len(shown)-margin && !next.Equal(minute(change)) {
			t.Fatalf("from %s the next change is %s, the clock says %s", minute(start), next, minute(change))
		}
		if change == len(shown)-margin && !next.IsZero() && next.Before(minute(change)) {
			t.Fatalf("from %s the next change is %s, the clock says later", minute(start), next)
		}
	})
}

// meant tells whether a window begins on a date.
func meant(w Window, date time.Time, h Holidays) bool {
	if w.FirstDay != (MonthDay{}) {
		n, first, last := int(date.Month())*100+date.Day(), int(w.FirstDay.Month)*100+w.FirstDay.Day, int(w.LastDay.Month)*100+w.LastDay.Day
		if in := n >= first && n <= last; first <= last && !in {
			return false
		}
		if out := n < first && n > last; first > last && out {
			return false
		}
	}
	holiday := h.Name(date.Year(), date.Month(), date.Day()) != ""
	if holiday && w.Holidays {
		return true
	}
	if holiday && w.NotHolidays {
		return false
	}
	return w.Days == 0 && !w.Holidays || w.Days&(1<<date.Weekday()) != 0
}

func BenchmarkActive(b *testing.B) {
	cal := New(berlin(b), Holidays{State: LowerSaxony}, windows(b, "mon-fri except holidays 07:00-16:00", "sat 08:00-12:00"), nil)
	at := instant(b, "2026-11-20 11:00 +0100")
	b.ReportAllocs()
	for b.Loop() {
		if !cal.Active(at) {
			b.Fatal("not active")
		}
	}
}
