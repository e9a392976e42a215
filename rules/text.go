package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// Texts tells every rule in German words, in the order of the file, with the overrides and
// maintenance windows that are about it.
func (s *Set) Texts() []city.RuleText {
	all := make([]city.RuleText, len(s.rules))
	for i := range s.rules {
		all[i] = s.text(&s.rules[i])
	}
	return all
}

func (s *Set) text(r *Rule) city.RuleText {
	t := city.RuleText{ID: r.ID, Version: r.Version(), Title: r.Title, Advice: r.Advice, Service: r.Service, Kinds: r.Kinds,
		Shadow: r.Shadow, Over: r.Over.german(), GroupBy: r.GroupBy.german(), InhibitedBy: r.InhibitedBy, Facts: r.facts()}
	if r.Member != nil {
		t.Member = r.Member.opens()
	}
	for i := range r.Levels {
		l := &r.Levels[i]
		t.Levels = append(t.Levels, city.LevelText{Severity: l.Severity, Opens: l.opens(), Closes: l.closes()})
	}
	t.Overrides = s.overrideTexts(r)
	for i := range s.maintenance {
		m := &s.maintenance[i]
		if len(m.Rules) > 0 && !slices.Contains(m.Rules, r.ID) {
			continue
		}
		text := city.MaintenanceText{Reason: m.Reason, When: m.When.German, From: m.From, Until: m.Until}
		for _, target := range m.Targets {
			text.Targets = append(text.Targets, target.german())
		}
		t.Maintenance = append(t.Maintenance, text)
	}
	return t
}

// facts lists what a rule says beside its levels, where it says something.
func (r *Rule) facts() []city.RuleFact {
	var all []city.RuleFact
	add := func(say bool, word, text string) {
		if say {
			all = append(all, city.RuleFact{Word: word, Text: text})
		}
	}
	add(r.When.Calendar != nil, "Sieht nur hin", r.When.German)
	add(r.Season.Calendar != nil, "Jahreszeit", r.Season.German)
	add(r.Quiet.Calendar != nil, "Ruhezeit, Fälle warten so lange", r.Quiet.German)
	add(r.Evidence == Hold, "Zwischen zwei Messungen", "gilt die letzte weiter, solange sich der Sensor meldet")
	add(r.MaxGap > 0, "Lücken", "mehr als "+germanLength(r.MaxGap)+" ohne Messung unterbrechen")
	add(r.Period > 0, "Sendeabstand", germanLength(r.Period))
	add(r.PerHour > 0, "Bremse", fmt.Sprintf("höchstens %d Fälle in einer Stunde", r.PerHour))
	return all
}

func (l *Level) opens() string { return germanSignal(l.Open) + lasts(l.Readings, l.Of, l.For) }

func (l *Level) closes() string {
	text := "sobald das nicht mehr gilt"
	if _, silence := l.Open.(Silence); silence {
		return "sobald der Sensor wieder gehört wird"
	}
	if l.Clear != nil {
		text = germanSignal(l.Clear)
	}
	return text + lasts(l.ClearReadings, l.ClearOf, l.ClearFor)
}

// lasts says how often and for how long a condition must have held.
func lasts(readings, of int, span time.Duration) string {
	text := ""
	switch {
	case of > 0:
		text = fmt.Sprintf(", bei %d der letzten %d Messungen", max(readings, 1), of)
	case readings > 1:
		text = fmt.Sprintf(", bei %d Messungen in Folge", readings)
	}
	if span > 0 {
		text += ", seit mindestens " + germanSpan(span)
	}
	return text
}

// overrideTexts lists the overrides of a rule, the one that counts first first.
func (s *Set) overrideTexts(r *Rule) []city.OverrideText {
	var mine []int
	for i := range s.all {
		if s.all[i].Rule == r.ID {
			mine = append(mine, i)
		}
	}
	slices.SortFunc(mine, func(x, y int) int { // of equals the later one in the file has the last word
		return cmp.Or(cmp.Compare(s.all[x].Target.By, s.all[y].Target.By), cmp.Compare(y, x))
	})
	var all []city.OverrideText
	for _, i := range mine {
		o := &s.all[i]
		all = append(all, city.OverrideText{Target: o.Target.german(), Text: o.german(r)})
	}
	return all
}

func (o *Override) german(r *Rule) string {
	level := &r.Levels[0]
	var words []string
	if o.Severity != 0 {
		words = append(words, "Stufe "+strconv.Itoa(int(o.Severity)))
		level = r.level(o.Severity)
	}
	f := &o.Figures
	for _, limit := range []struct {
		word   string
		value  *float64
		signal Signal
	}{{"öffnet bei ", f.Open, level.Open}, {"schließt bei ", f.Clear, level.Clear}} {
		if limit.value != nil {
			words = append(words, limit.word+germanLimit(limit.signal, *limit.value))
		}
	}
	for _, span := range []struct {
		word  string
		value *time.Duration
	}{{"öffnet nach ", f.For}, {"schließt nach ", f.ClearFor}, {"größte Lücke ", f.MaxGap}, {"Sendeabstand ", f.Period}} {
		switch {
		case span.value == nil:
		case *span.value == 0:
			words = append(words, span.word+"0 Sekunden")
		case strings.HasSuffix(span.word, "nach "):
			words = append(words, span.word+germanSpan(*span.value))
		default:
			words = append(words, span.word+germanLength(*span.value))
		}
	}
	return strings.Join(words, ", ")
}

// level is the one of a severity; check has seen that there is one.
func (r *Rule) level(severity city.Grade) *Level {
	return &r.Levels[slices.IndexFunc(r.Levels, func(l Level) bool { return l.Severity == severity })]
}

// german is the target as people say it: "Tour 5".
func (t Target) german() string {
	name := t.Name
	if k, err := city.ParseKind(name); t.By == TargetKind && err == nil {
		name = k.German()
	}
	return [targetCount]string{"Anlage", "Tour", "Straße", "Bezirk", "Baumart", "Bodenart", "Art"}[t.By] + " " + name
}

// german is the group as people say it, "" for none.
func (g Group) german() string {
	return [...]string{"", "Tour", "Straße", "Bezirk", "Gateway", "Art"}[g]
}

// germanLength writes a span where it is not "seit" or "nach" it.
func germanLength(d time.Duration) string { return strings.ReplaceAll(germanSpan(d), "Tagen", "Tage") }
