package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// Explain tells a decision in German sentences: what was decided, on what, by which figures
// and where they come from, and why no case came of it where none did. Times are of a zone.
func Explain(d *city.Decision, zone *time.Location) []string {
	e := explainer{d: d, zone: zone}
	e.what()
	e.value()
	e.parts()
	e.readings()
	e.settings()
	e.members()
	e.why()
	return e.all
}

type explainer struct {
	d    *city.Decision
	zone *time.Location
	all  []string
}

func (e *explainer) say(format string, args ...any) {
	e.all = append(e.all, fmt.Sprintf(format, args...))
}

func (e *explainer) when(t time.Time) string { return t.In(e.zone).Format("02.01.2006 15:04:05") }

// what tells what was decided, and when.
func (e *explainer) what() {
	d := e.d
	whose := d.Asset
	if d.Group != "" {
		whose = "der Gruppe " + d.Group
	}
	done := map[string]string{
		city.Opened.String():      "wollte die Regel %s bei %s einen Fall",
		city.Closed.String():      "war für die Regel %s die Sache bei %s erledigt",
		city.Revoked.String():     "nahm die Regel %s den Fall bei %s zurück",
		city.Escalated.String():   "wurde der Fall der Regel %s bei %s schwerer",
		city.Deescalated.String(): "wurde der Fall der Regel %s bei %s leichter",
		city.Renewed.String():     "wurde der Fall der Regel %s bei %s neu gemeldet",
	}[d.Change]
	if done == "" {
		done = "hat die Regel %s bei %s ihren Stand geändert: " + germanPhase(d.From) + " → " + germanPhase(d.To)
	}
	text := "Am " + e.when(d.At) + " " + fmt.Sprintf(done, d.Rule, whose)
	if d.FromSeverity != d.ToSeverity && d.ToSeverity > 0 && d.FromSeverity > 0 {
		text += fmt.Sprintf(" (Stufe %d → %d)", d.FromSeverity, d.ToSeverity)
	} else if d.ToSeverity > 1 {
		text += fmt.Sprintf(" (Stufe %d)", d.ToSeverity)
	}
	e.say("%s.", text)
	if !d.Since.IsZero() && !d.Since.Equal(d.At) {
		e.say("Die Bedingung gilt seit %s, also seit %s.", e.when(d.Since), germanSpan(d.At.Sub(d.Since)))
	}
	if late := d.Decided.Sub(d.At); late > time.Minute {
		e.say("Entschieden wurde das erst am %s, %s später.", e.when(d.Decided), germanSpan(late))
	}
}

func germanPhase(p string) string {
	switch p {
	case city.PhaseIdle.String():
		return "ruht"
	case city.PhasePending.String():
		return "wartet ab"
	case city.PhaseOpen.String():
		return "trifft zu"
	case city.PhaseClearing.String():
		return "wartet auf das Ende"
	}
	return p
}

// value tells the deciding value and its limit.
func (e *explainer) value() {
	q, err := city.ParseQuantity(e.d.Quantity)
	if err != nil {
		return
	}
	if q.Boolean() {
		e.say("%s: %s.", q.German(), germanAmount(e.d.Value, q))
		return
	}
	e.say("%s: %s, Grenze %s.", q.German(), germanAmount(e.d.Value, q), germanAmount(e.d.Limit, q))
}

func germanAmount(f float64, q city.Quantity) string {
	if q.Boolean() {
		return q.GermanYesNo(f != 0)
	}
	return strings.Replace(amount(rounded(f), q), ".", ",", 1)
}

func germanTruth(t string) string {
	switch t {
	case city.True.String():
		return "ja"
	case city.False.String():
		return "nein"
	}
	return "unbekannt"
}

// parts tells what was asked, and what came out.
func (e *explainer) parts() {
	for _, p := range e.d.Parts {
		if p.Truth == "" {
			e.say("%s: %s.", germanPart(p.Text), e.partValue(p))
			continue
		}
		e.say("Gefragt war „%s“, der Wert war %s: %s.", p.Text, e.partValue(p), germanTruth(p.Truth))
	}
}

// partValue is what came out, in German.
func (e *explainer) partValue(p city.Part) string {
	switch p.Text {
	case "device":
		return p.Value
	case "reliability":
		return germanReliability(p.Value)
	case "last heard":
		if at, err := time.Parse(time.RFC3339, p.Value); err == nil {
			return e.when(at)
		}
	}
	switch p.Value {
	case "true", "false", "unknown":
		return germanTruth(p.Value)
	case "never":
		return "nie"
	case "none":
		return "keine"
	}
	if names, is := strings.CutPrefix(p.Value, "fault "); is {
		return "Störung " + strings.ReplaceAll(names, " or ", " und ")
	}
	return germanValue.Replace(p.Value)
}

var germanValue = strings.NewReplacer(" true", " ja", " false", " nein", " unknown", " unbekannt", " of ", " von ", ".", ",")

func germanPart(text string) string {
	switch text {
	case "time left":
		return "Verbleibende Zeit"
	case "reliability":
		return "Verlässlichkeit der Vorhersage"
	case "device":
		return "Sensor"
	case "last heard":
		return "Zuletzt gehört"
	case "period":
		return "Sendet sonst alle"
	case "we were deaf":
		return "Davon konnten wir selbst nichts hören"
	case "members":
		return "Mitglieder"
	}
	if rest, is := strings.CutPrefix(text, "rate of "); is {
		return "Änderung von " + rest
	}
	return text
}

// readings lists the evidence.
func (e *explainer) readings() {
	for i := range e.d.Readings {
		r := &e.d.Readings[i]
		var words []string
		for _, q := range city.Quantities() {
			if v, ok := r.Values[q.String()]; ok {
				words = append(words, q.German()+" "+germanAmount(v, q))
			}
		}
		for _, f := range r.Faults {
			words = append(words, "Störung: "+f.German())
		}
		if words == nil {
			words = []string{"nichts zur Sache"}
		}
		text := fmt.Sprintf("Messung vom %s (Zähler %d): %s", e.when(r.Time), r.FCnt, strings.Join(words, ", "))
		switch r.Truth {
		case city.True.String():
			text += ", trifft zu"
		case city.False.String():
			text += ", trifft nicht zu"
		}
		e.say("%s.", text)
	}
}

// settings tells where the figures come from that are not simply the rule's.
func (e *explainer) settings() {
	names := map[string]string{"open": "Grenze zum Öffnen", "clear": "Grenze zum Schließen", "for": "Dauer bis zum Öffnen",
		"readings": "Messungen bis zum Öffnen", "clear_for": "Dauer bis zum Schließen", "clear_readings": "Messungen bis zum Schließen",
		"max_gap": "Größte Lücke"}
	for _, s := range e.d.Settings {
		name := names[s.Name]
		if rest, is := strings.CutPrefix(s.Name, "period "); is {
			name = "Sendeabstand von " + rest
		}
		source := "aus der Regel"
		switch s.Source {
		case "rule":
		case "learned":
			source = "aus den Messungen gelernt"
		case "model":
			source = "laut Gerätemodell"
		default:
			source = "eigener Wert für " + germanSource(s.Source)
		}
		e.say("%s: %s (%s).", name, s.Value, source)
	}
}

// germanSource writes "tour:5" as "Tour 5".
func germanSource(source string) string {
	by, name, _ := strings.Cut(source, ":")
	for _, t := range Targets() {
		if by == t.String() {
			return Target{t, name}.german()
		}
	}
	return source
}

func (e *explainer) members() {
	if e.d.Total == 0 {
		return
	}
	e.say("Betroffen sind %d von %d: %s.", e.d.Counted, e.d.Total, strings.Join(e.d.Members, ", "))
}

// why tells what else had a part in it.
func (e *explainer) why() {
	d := e.d
	if d.Muted != "" {
		e.say("Es wurde kein Fall eröffnet: %s.", d.Muted)
	} else if d.Shadow {
		e.say("Die Regel läuft im Probebetrieb und eröffnet keine Fälle.")
	}
	if d.Late {
		e.say("Anlass war eine verspätete Messung; alles danach wurde neu bewertet.")
	}
	if d.Flapping {
		e.say("Der Stand wechselt zu oft: Das Schließen wartet viermal so lange.")
	}
	if d.Note != "" {
		e.say("%s", d.Note)
	}
	if d.Version != "" { // else no rule has decided it
		e.say("Fassung der Regel: %s.", d.Version)
	}
}

// germanSpan writes a span as people say it, to the two biggest units.
func germanSpan(d time.Duration) string {
	var words []string
	for _, u := range []struct {
		one, more string
		length    time.Duration
	}{{"Tag", "Tagen", 24 * time.Hour}, {"Stunde", "Stunden", time.Hour}, {"Minute", "Minuten", time.Minute}, {"Sekunde", "Sekunden", time.Second}} {
		n := d / u.length
		d -= n * u.length
		switch {
		case n == 1:
			words = append(words, "1 "+u.one)
		case n > 1:
			words = append(words, strconv.FormatInt(int64(n), 10)+" "+u.more)
		}
	}
	if len(words) == 0 {
		return "weniger als einer Sekunde"
	}
	return strings.Join(words[:min(2, len(words))], " und ")
}
