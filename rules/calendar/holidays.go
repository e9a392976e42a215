package calendar

import (
	"slices"
	"time"
)

// Holidays are the public holidays of one state, and those that a place has besides.
type Holidays struct {
	State State      // zero: none but Extra
	Extra []MonthDay // every year: the patron's day of a town, or days on which the yard is closed
}

// MonthDay is a day of every year; 29 February is one in leap years only.
type MonthDay struct {
	Month time.Month
	Day   int
}

func (a MonthDay) before(b MonthDay) bool {
	return a.Month < b.Month || a.Month == b.Month && a.Day < b.Day
}

// Holiday is one holiday of one year.
type Holiday struct {
	Month time.Month
	Day   int
	Name  string // in German
}

// holidayRule says when a holiday is, and since and until when which states keep it.
type holidayRule struct {
	name        string
	month       time.Month // 0: by Easter, or the day of penance
	day         int        // of the month, or days after Easter Sunday
	penance     bool       // the Wednesday before 23 November
	states      []State    // nil: all
	first, last int        // years; 0: always
}

// holidayRules holds the holidays that a state keeps everywhere. Not in it are those kept in
// some municipalities only: Assumption in the mostly Catholic ones of Bavaria, the peace
// festival of Augsburg, Corpus Christi in parts of Saxony and Thuringia. Places that keep
// them name them in Holidays.Extra where they have a date.
//
// Source: the states' laws on holidays: FTG BW § 1; FTG Bayern Art. 1; Gesetz über die Sonn-
// und Feiertage Berlin § 1; FTG Brandenburg § 2; Gesetz über die Sonn- und Feiertage Bremen
// § 2; Feiertagsgesetz Hamburg § 1; HFeiertagsG Hessen § 1; FTG M-V § 2; NFeiertagsG
// (Niedersachsen) § 2; Feiertagsgesetz NW § 2; LFtG Rheinland-Pfalz § 2; SFG Saarland § 2;
// SächsSFG § 1; FeiertG LSA § 2; SFTG Schleswig-Holstein § 2; ThürFGtG § 2; for 3 October
// Art. 2 (2) of the Unification Treaty. As they have stood since 1995.
var holidayRules = []holidayRule{
	{name: "Neujahr", month: time.January, day: 1},
	{name: "Heilige Drei Könige", month: time.January, day: 6, states: []State{BadenWuerttemberg, Bavaria, SaxonyAnhalt}},
	{name: "Internationaler Frauentag", month: time.March, day: 8, states: []State{Berlin}, first: 2019},
	{name: "Internationaler Frauentag", month: time.March, day: 8, states: []State{MecklenburgVorpommern}, first: 2023},
	{name: "Karfreitag", day: -2},
	{name: "Ostersonntag", day: 0, states: []State{Brandenburg}},
	{name: "Ostermontag", day: 1},
	{name: "Tag der Arbeit", month: time.May, day: 1},
	{name: "Tag der Befreiung", month: time.May, day: 8, states: []State{Berlin}, first: 2020, last: 2020},
	{name: "Tag der Befreiung", month: time.May, day: 8, states: []State{Berlin}, first: 2025, last: 2025},
	{name: "Christi Himmelfahrt", day: 39},
	{name: "Pfingstsonntag", day: 49, states: []State{Brandenburg}},
	{name: "Pfingstmontag", day: 50},
	{name: "Fronleichnam", day: 60, states: []State{BadenWuerttemberg, Bavaria, Hesse, NorthRhineWestphalia, RhinelandPalatinate, Saarland}},
	{name: "Jahrestag des Volksaufstandes", month: time.June, day: 17, states: []State{Berlin}, first: 2028, last: 2028},
	{name: "Mariä Himmelfahrt", month: time.August, day: 15, states: []State{Saarland}},
	{name: "Weltkindertag", month: time.September, day: 20, states: []State{Thuringia}, first: 2019},
	{name: "Tag der Deutschen Einheit", month: time.October, day: 3},
	{name: "Reformationstag", month: time.October, day: 31, states: []State{Brandenburg, MecklenburgVorpommern, Saxony, SaxonyAnhalt, Thuringia}},
	{name: "Reformationstag", month: time.October, day: 31, states: []State{Bremen, Hamburg, LowerSaxony, SchleswigHolstein}, first: 2018},
	// 500 years, in all of Germany.
	{name: "Reformationstag", month: time.October, day: 31, first: 2017, last: 2017},
	{name: "Allerheiligen", month: time.November, day: 1, states: []State{BadenWuerttemberg, Bavaria, NorthRhineWestphalia, RhinelandPalatinate, Saarland}},
	{name: "Buß- und Bettag", penance: true, states: []State{Saxony}},
	{name: "1. Weihnachtstag", month: time.December, day: 25},
	{name: "2. Weihnachtstag", month: time.December, day: 26},
}

func (r *holidayRule) kept(s State, year int) bool {
	return year >= r.first && (r.last == 0 || year <= r.last) && (r.states == nil || slices.Contains(r.states, s))
}

// on gives the day of a year.
func (r *holidayRule) on(year int, easter day) day {
	switch {
	case r.penance:
		nov22 := dayOf(year, time.November, 22)
		return nov22 - day((nov22.weekday()-time.Wednesday+7)%7)
	case r.month == 0:
		return easter + day(r.day)
	}
	return dayOf(year, r.month, r.day)
}

// Name gives the holiday on a date, "" if there is none. Where two fall on one day, both are
// named.
func (h Holidays) Name(year int, month time.Month, dayOfMonth int) string {
	return h.name(dayOf(year, month, dayOfMonth))
}

func (h Holidays) name(d day) string {
	year, month, of := d.date()
	name := ""
	add := func(n string) {
		switch name {
		case "", n:
			name = n
		default:
			name += ", " + n
		}
	}
	if h.State != 0 {
		e := easter(year)
		for i := range holidayRules {
			r := &holidayRules[i]
			// Looked at first, because it is cheap: most days are none.
			if r.month != 0 && (r.month != month || r.day != of) {
				continue
			}
			if r.on(year, e) == d && r.kept(h.State, year) {
				add(r.name)
			}
		}
	}
	if name == "" && slices.Contains(h.Extra, MonthDay{month, of}) {
		return "örtlicher Feiertag"
	}
	return name
}

// Of lists the holidays of a year, in order.
func (h Holidays) Of(year int) []Holiday {
	var all []Holiday
	for d, end := dayOf(year, time.January, 1), dayOf(year+1, time.January, 1); d < end; d++ {
		if name := h.name(d); name != "" {
			_, month, of := d.date()
			all = append(all, Holiday{month, of, name})
		}
	}
	return all
}

// easter gives Easter Sunday of a year of the Gregorian calendar: the first Sunday after the
// first full moon of the church since 21 March. Source: H. Lichtenberg, Zur Interpretation der
// Gaußschen Osterformel, Historia Mathematica 24 (1997), which is Gauss's rule with its two
// exceptions worked in.
func easter(year int) day {
	century := year / 100
	moon := 15 + (3*century+3)/4 - (8*century+13)/25 // secular shift of the moon
	sun := 2 - (3*century+3)/4                       // and of the Sundays
	golden := year % 19
	germ := (19*golden + moon) % 30   // the full moon's germ
	limit := (germ + golden/11) / 29  // where it must be a day earlier
	full := 21 + germ - limit         // full moon, as a day of March
	sunday := 7 - (year+year/4+sun)%7 // first Sunday of March
	return dayOf(year, time.March, 1) - 1 + day(full+7-(full-sunday)%7)
}
