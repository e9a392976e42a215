package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
	"meldefunk/city/typo"
	"meldefunk/rules/calendar"
)

// The keys of a level; a rule without levels has them itself, and one with levels may say
// there what is the same for all of them.
var (
	levelKeys = []string{"quantity", "open", "clear", "for", "readings", "clear_for", "clear_readings"}
	ruleKeys  = slices.Concat([]string{"id", "kind"}, levelKeys, []string{"levels", "evidence", "period", "max_gap", "when", "season",
		"quiet", "inhibited_by", "over", "member", "group_by", "shadow", "per_hour", "service", "title", "advice"})
)

// rule reads one rule. What could not be read is left zero and has been reported; false:
// it is no rule at all.
func (l *loader) rule(n *yaml.Node) (Rule, fields, bool) {
	f, ok := l.mapping(n, "a rule", ruleKeys...)
	if !ok {
		return Rule{}, f, false
	}
	var r Rule
	l.need(f, "id", "bin-full", pattern(&r.ID, idPattern, "lower-case letters, digits and hyphens, 64 at most, like bin-full"))
	if _, given := f.node["kind"]; given {
		l.each(f, "kind", l.kinds(&r))
	} else {
		l.need(f, "kind", "bin", nil)
	}
	l.groups(f, &r)
	l.levels(f, &r)
	l.read(f, "evidence", oneOf(&r.Evidence, Samples, Hold))
	l.read(f, "period", span(&r.Period))
	l.read(f, "max_gap", span(&r.MaxGap))
	l.read(f, "shadow", yes(&r.Shadow))
	l.read(f, "per_hour", count(&r.PerHour))
	l.window(f, "when", &r.When)
	l.window(f, "season", &r.Season)
	l.window(f, "quiet", &r.Quiet)
	l.each(f, "inhibited_by", func(text string) error {
		r.InhibitedBy = append(r.InhibitedBy, text)
		return nil
	})
	l.need(f, "service", "OS-ABF-01", pattern(&r.Service, servicePattern, "upper-case letters, digits and hyphens, 64 at most, like OS-ABF-01"))
	l.need(f, "title", "Papierkorb voll", words(&r.Title, 120))
	l.read(f, "advice", words(&r.Advice, 500))
	return r, f, true
}

// kinds reads one of the kinds that a rule looks at, or "any".
func (l *loader) kinds(r *Rule) func(string) error {
	return func(text string) error {
		if text == "any" {
			return nil
		}
		k, err := city.ParseKind(text)
		if err != nil {
			return hinted(err, text, city.Kinds())
		}
		r.Kinds = append(r.Kinds, k)
		return nil
	}
}

// groups reads whether the rule is about groups, or makes one case of several.
func (l *loader) groups(f fields, r *Rule) {
	l.read(f, "over", oneOf(&r.Over, Groups()...))
	l.read(f, "group_by", oneOf(&r.GroupBy, ByTour, ByStreet, ByDistrict))
	n, given := f.node["member"]
	switch {
	case given && r.Over == NoGroup && f.node["over"] == nil:
		l.add(begin(n), "member: goes only with over, like over: gateway")
	case !given && r.Over != NoGroup:
		l.add(begin(f.node["over"]), "over: wants member beside it: what is asked of each member, like member: {quantity: occupied, open: \"= true\"}")
	case given:
		if m, ok := l.mapping(n, "member", levelKeys...); ok {
			r.Member = &Level{Severity: 1}
			l.level(m, r, r.Member, false)
		}
	}
}

// levels reads the one level that a rule has itself, or the list of them.
func (l *loader) levels(f fields, r *Rule) {
	n, given := f.node["levels"]
	if !given {
		level := Level{Severity: 1}
		l.level(f, r, &level, r.Over != NoGroup)
		r.Levels = []Level{level}
		return
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		l.add(begin(n), "levels: is %s: want a list of levels, the mildest first, each with its severity and open", kindOf(n))
		return
	}
	for _, item := range n.Content {
		own, ok := l.mapping(item, "a level", append([]string{"severity"}, levelKeys...)...)
		if !ok {
			continue
		}
		level := Level{Severity: city.Grade(len(r.Levels) + 1)}
		severity := int(level.Severity)
		if l.read(own, "severity", count(&severity)) {
			if severity > 8 || len(r.Levels) > 0 && city.Grade(severity) <= r.Levels[len(r.Levels)-1].Severity {
				l.add(begin(own.node["severity"]), "severity: %d does not fit: want 1 to 8, each level more than the one before it", severity)
			}
			level.Severity = city.Grade(min(severity, 8))
		}
		l.level(own.under(f, levelKeys...), r, &level, r.Over != NoGroup)
		r.Levels = append(r.Levels, level)
	}
}

// level reads what opens and what closes, and how much of either is enough.
func (l *loader) level(f fields, r *Rule, level *Level, ofGroup bool) {
	a := asking{loader: l, kinds: r.Kinds, ofGroup: ofGroup}
	level.Open = a.open(f)
	level.Clear = a.clear(f, level.Open)
	level.Readings, level.ClearReadings = defaultReadings, defaultReadings
	switch level.Open.(type) {
	case Silence, Aggregate: // not decided by readings
		level.Readings, level.ClearReadings = 1, 1
	}
	l.read(f, "for", span(&level.For))
	l.read(f, "clear_for", span(&level.ClearFor))
	l.read(f, "readings", among(&level.Readings, &level.Of))
	l.read(f, "clear_readings", among(&level.ClearReadings, &level.ClearOf))
}

// among reads "2" or "2 of 3".
func among(into, of *int) func(string) error {
	return func(text string) error {
		some, all, is := strings.Cut(text, " of ")
		if !is {
			return count(into)(text)
		}
		m, errSome := strconv.Atoi(strings.TrimSpace(some))
		n, errAll := strconv.Atoi(strings.TrimSpace(all))
		if errSome != nil || errAll != nil || m < 1 || n > maxAmong || m > n {
			return fmt.Errorf("%.40q does not fit: want a whole number, or some of the last %d at most, like 2 of 3", text, maxAmong)
		}
		*into, *of = m, n
		return nil
	}
}

// window reads windows of the calendar: one text or a list of them.
func (l *loader) window(f fields, key string, into *Window) {
	var list []calendar.Window
	good := l.each(f, key, func(text string) error {
		w, err := calendar.Parse(text)
		if err == nil && key == "season" && w.FirstDay == (calendar.MonthDay{}) {
			return errors.New("names no part of the year: want something like april-october or 04-15..10-15")
		}
		list = append(list, w)
		return err
	})
	if good {
		*into = l.calendarOf(list)
	}
}

func (l *loader) calendarOf(list []calendar.Window) Window {
	texts, german := make([]string, len(list)), make([]string, len(list))
	for i, w := range list {
		german[i] = w.German()
		texts[i] = w.String()
		if w.Holidays || w.NotHolidays {
			texts[i] += " in " + l.holidays.State.String()
			for _, d := range l.holidays.Extra {
				texts[i] += fmt.Sprintf("+%02d-%02d", d.Month, d.Day)
			}
		}
	}
	text := strings.Join(texts, "; ")
	if l.zone.String() != "Europe/Berlin" {
		text += ", " + l.zone.String()
	}
	return Window{calendar.New(l.zone, l.holidays, list, nil), text, strings.Join(german, "; ")}
}

// oneOf reads one of some words.
func oneOf[T interface {
	comparable
	String() string
}](into *T, allowed ...T) func(string) error {
	return func(text string) error {
		names := make([]string, len(allowed))
		for i, a := range allowed {
			if names[i] = a.String(); names[i] == text {
				*into = a
				return nil
			}
		}
		return fmt.Errorf("%.40q does not fit: want %s%s", text, strings.Join(names, " or "), typo.Meant(text, names))
	}
}

func yes(into *bool) func(string) error {
	return func(text string) error {
		switch strings.ToLower(text) {
		case "true", "yes", "ja":
			*into = true
		case "false", "no", "nein":
			*into = false
		default:
			return fmt.Errorf("%.40q does not fit: want true or false", text)
		}
		return nil
	}
}

// instant reads a day, or a day and a time of it, by the clock on the wall.
func (l *loader) instant(into *time.Time, ends bool) func(string) error {
	return func(text string) error {
		for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04"} {
			if t, err := time.ParseInLocation(layout, text, l.zone); err == nil {
				*into = t
				return nil
			}
		}
		t, err := time.ParseInLocation(time.DateOnly, text, l.zone)
		if err != nil {
			return fmt.Errorf("%.40q is no time: want a day, or a day and a time, like 2026-11-22 or 2026-11-22 18:00", text)
		}
		if ends {
			t = t.AddDate(0, 0, 1)
		}
		*into = t
		return nil
	}
}
