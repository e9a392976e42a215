package calendar

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseError says what is wrong with a window, and where.
type ParseError struct {
	Offset int // bytes before the word that is meant
	Text   string
}

func (e *ParseError) Error() string { return e.Text }

const windowHint = `want days, times and a season, like "mon-fri 07:00-16:00", "22:00-06:00", "april-october" or "sun,holidays"`

// Parse reads a window from words, in any order and any case: days of the week and holidays
// ("mon-fri", "sat,sun", "sun,holidays", "except holidays", "daily"), one span of time
// ("22:00-06:00"), one season ("april-october", "04-15..10-15", "12-24"), and from when and until
// when it holds ("from 2026-03-01", "until 2026-10-31"). Days and months may be German. The error
// is a *ParseError.
func Parse(text string) (Window, error) {
	p := parser{text: text}
	p.split()
	if len(p.words) == 0 {
		return Window{}, &ParseError{0, "is empty: " + windowHint}
	}
	for p.err == nil && len(p.words) > 0 {
		p.next()
	}
	if p.err == nil {
		p.check()
	}
	if p.err != nil {
		return Window{}, p.err
	}
	return p.w, nil
}

type word struct {
	offset int
	text   string // in lower case
}

type parser struct {
	text  string
	words []word
	w     Window
	seen  struct{ days, times, season bool }
	err   error
}

func (p *parser) split() {
	begin := -1
	for i, r := range p.text + " " {
		switch apart := r == ' ' || r == ',' || r == '\t' || r == '\n'; {
		case apart && begin >= 0:
			p.words = append(p.words, word{begin, strings.ToLower(p.text[begin:i])})
			begin = -1
		case !apart && begin < 0:
			begin = i
		}
	}
}

func (p *parser) fail(w word, format string, args ...any) {
	if p.err == nil {
		p.err = &ParseError{w.offset, fmt.Sprintf(format, args...)}
	}
}

// next reads the next word, and the one that belongs to it.
func (p *parser) next() {
	w := p.words[0]
	p.words = p.words[1:]
	switch w.text {
	case "and", "und":
		return
	case "daily", "always", "täglich", "immer":
		p.seen.days = true
		return
	case "holidays", "holiday", "feiertags", "feiertage":
		p.w.Holidays, p.seen.days = true, true
		return
	case "except", "not", "außer", "ohne":
		if len(p.words) == 0 || !strings.HasPrefix(p.words[0].text, "holiday") && !strings.HasPrefix(p.words[0].text, "feiertag") {
			p.fail(w, "%.20q wants holidays after it: write \"except holidays\"", w.text)
			return
		}
		p.words = p.words[1:]
		p.w.NotHolidays = true
		return
	case "from", "ab", "von", "until", "bis":
		p.date(w)
		return
	}
	switch {
	case strings.Contains(w.text, ":"):
		p.times(w)
	case p.days(w), p.season(w):
	default:
		p.fail(w, "%.40q is no day, time or season: %s", w.text, windowHint)
	}
}

func (p *parser) check() {
	switch first := (word{}); {
	case p.w.Holidays && p.w.NotHolidays:
		p.fail(first, "has holidays and no holidays at once: want one of the two")
	case p.w.First != (Date{}) && p.w.Last != (Date{}) && p.w.Last.day() < p.w.First.day():
		p.fail(first, "ends on %s, before it begins on %s", p.w.Last, p.w.First)
	}
}

// days reads "mon" and "mon-fri"; false: these are no days.
func (p *parser) days(w word) bool {
	from, to, ranged := strings.Cut(w.text, "-")
	a, ok := weekday(from)
	if !ok {
		return false
	}
	b := a
	if ranged {
		if b, ok = weekday(to); !ok {
			p.fail(w, "%.40q is no span of days: want something like mon-fri", w.text)
			return true
		}
	}
	for d := a; ; d = (d + 1) % 7 {
		p.w.Days |= 1 << d
		if d == b {
			break
		}
	}
	p.seen.days = true
	return true
}

func (p *parser) times(w word) {
	if p.seen.times {
		p.fail(w, "%.40q is a second span of time: write a window of its own for it", w.text)
		return
	}
	p.seen.times = true
	from, to, ok := strings.Cut(strings.ReplaceAll(w.text, "–", "-"), "-")
	a, okFrom := clock(from)
	b, okTo := clock(to)
	switch {
	case !ok || !okFrom || !okTo || a == 24*60:
		p.fail(w, "%.40q is no span of time: want hours and minutes, like 07:00-16:30, midnight at the end is 24:00", w.text)
	case a == b:
		p.fail(w, "%.40q ends when it begins: want 00:00-24:00 for the whole day, or leave it out", w.text)
	case a == 0 && b == 24*60: // the whole day
	default:
		p.w.From, p.w.To = a, b
	}
}

func (p *parser) season(w word) bool {
	from, to, ranged := strings.Cut(w.text, "..")
	if !ranged {
		if _, isMonth := month(w.text); !isMonth && !monthDayShaped(w.text) {
			from, to, ranged = strings.Cut(w.text, "-") // april-october
		}
	}
	if !ranged {
		to = from
	}
	a, _, ok := monthDay(from)
	_, b, okTo := monthDay(to)
	switch {
	case !ok && !okTo:
		if monthDayShaped(from) {
			p.fail(w, "%.40q is no day of the year: want month and day, like 04-15", w.text)
			return true
		}
		return false
	case !ok || !okTo:
		p.fail(w, "%.40q is no season: want months or days of the year, like april-october or 04-15..10-15", w.text)
	case p.seen.season:
		p.fail(w, "%.40q is a second season: write a window of its own for it", w.text)
	}
	p.w.FirstDay, p.w.LastDay, p.seen.season = a, b, true
	return true
}

func (p *parser) date(w word) {
	if len(p.words) == 0 {
		p.fail(w, "%.20q wants a date after it, like 2026-11-22", w.text)
		return
	}
	text := p.words[0]
	p.words = p.words[1:]
	t, err := time.Parse(time.DateOnly, text.text)
	if err != nil || t.Year() < 2000 || t.Year() > 2200 {
		p.fail(text, "%.40q is no date: want year, month and day, like 2026-11-22", text.text)
		return
	}
	year, month, of := t.Date()
	if w.text == "until" || w.text == "bis" {
		p.w.Last = Date{year, month, of}
	} else {
		p.w.First = Date{year, month, of}
	}
}

// ParseClock reads a time of day, "07:30", as minutes after midnight; "24:00" is midnight at the
// end of the day.
func ParseClock(text string) (int, error) {
	minutes, ok := clock(text)
	if !ok {
		return 0, fmt.Errorf("%.40q is no time of day: want hours and minutes, like 07:30", text)
	}
	return minutes, nil
}

func clock(text string) (int, bool) {
	hours, minutes, ok := strings.Cut(text, ":")
	h, errH := strconv.ParseUint(hours, 10, 8)
	m, errM := strconv.ParseUint(minutes, 10, 8)
	if !ok || errH != nil || errM != nil || len(minutes) != 2 || m > 59 || h > 24 || h == 24 && m > 0 {
		return 0, false
	}
	return int(h)*60 + int(m), true
}

// ParseMonthDay reads a day of every year, "12-24".
func ParseMonthDay(text string) (MonthDay, error) {
	if monthDayShaped(text) {
		if first, _, ok := monthDay(text); ok {
			return first, nil
		}
	}
	return MonthDay{}, fmt.Errorf("%.40q is no day of the year: want month and day, like 12-24", text)
}

func monthDayShaped(text string) bool {
	return len(text) == 5 && text[2] == '-' && strings.Trim(text, "0123456789-") == ""
}

// monthDay reads a day of the year, or a month as its first and last day.
func monthDay(text string) (first, last MonthDay, ok bool) {
	if m, ok := month(text); ok {
		return MonthDay{m, 1}, MonthDay{m, lengths[m]}, true
	}
	if !monthDayShaped(text) {
		return first, last, false
	}
	m, errM := strconv.Atoi(text[:2])
	of, errD := strconv.Atoi(text[3:])
	if errM != nil || errD != nil || m < 1 || m > 12 || of < 1 || of > lengths[m] {
		return first, last, false
	}
	day := MonthDay{time.Month(m), of}
	return day, day, true
}

// lengths of the months in a leap year.
var lengths = [...]int{time.January: 31, time.February: 29, time.March: 31, time.April: 30, time.May: 31, time.June: 30,
	time.July: 31, time.August: 31, time.September: 30, time.October: 31, time.November: 30, time.December: 31}

func weekday(text string) (time.Weekday, bool) {
	for d, german := range [...]string{"sonntag", "montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag"} {
		if english := strings.ToLower(time.Weekday(d).String()); abbreviates(text, english, 2) || abbreviates(text, german, 2) {
			return time.Weekday(d), true
		}
	}
	return 0, false
}

func month(text string) (time.Month, bool) {
	for i, german := range [...]string{"januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "dezember"} {
		if english := strings.ToLower(time.Month(i + 1).String()); abbreviates(text, english, 3) || abbreviates(text, german, 3) {
			return time.Month(i + 1), true
		}
	}
	return 0, false
}

// abbreviates tells whether a text is a word or the beginning of it, of some length.
func abbreviates(text, word string, least int) bool {
	text = strings.TrimSuffix(text, ".")
	return len(text) >= least && strings.HasPrefix(word, text)
}
