package sim

import "time"

// holiday tells whether a date is a public holiday in Lower Saxony (NFeiertagsG § 2; the
// Reformation since 2018). Crews stay at home, offices are shut.
func holiday(date time.Time) bool {
	year, month, day := date.Date()
	switch {
	case month == time.January && day == 1, month == time.May && day == 1,
		month == time.October && (day == 3 || day == 31), month == time.December && (day == 25 || day == 26):
		return true
	}
	switch date.YearDay() - easter(year).YearDay() {
	case -2, 1, 39, 50: // Good Friday, Easter Monday, Ascension, Whit Monday
		return true
	}
	return false
}

// easter is Easter Sunday of a year of the Gregorian calendar (Gauß, in the form that
// Nature printed in 1876).
func easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(year, time.Month(n/31), n%31+1, 0, 0, 0, 0, time.UTC)
}

// dayOfRest tells whether people do what they do on Sundays.
func dayOfRest(date time.Time) bool { return date.Weekday() == time.Sunday || holiday(date) }
