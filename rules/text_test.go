package rules

import (
	"fmt"
	"strings"
	"testing"

	"meldefunk/city"
)

const everyForm = `holidays: NI
rules:
  - {id: full, kind: bin, quantity: fill_level, open: ">= 90 %", clear: "<= 30 %", for: 30m, readings: 2 of 3, clear_readings: 2, max_gap: 2d, per_hour: 20, inhibited_by: [blind], service: A-1, title: Voll, advice: Leeren.}
  - {id: blind, kind: any, open: {fault: [no_echo, probe_broken]}, for: 6h, service: A-2, title: Blind}
  - {id: taken, kind: parking, quantity: occupied, open: "= true", evidence: hold, for: 1d, readings: 1, when: "mon-fri 07:00-18:00", quiet: ["22:00-06:00", "sun,holidays"], service: A-3, title: Belegt}
  - id: dry
    kind: soil
    quantity: usable_field_capacity
    clear: ">= 50 %"
    levels: [{open: "<= 30 %"}, {severity: 2, open: "<= 15 %", clear: ">= 30 %"}]
    season: april-october
    group_by: tour
    service: A-4
    title: Trocken
  - {id: soon, kind: bin, quantity: fill_level, open: {forecast: ">= 100 %", within: 12h, reliability: high}, clear: {rate: "<= 5 %/h", over: 2h}, shadow: true, service: A-5, title: Bald}
  - {id: silent, kind: any, open: {silent: 3 periods, at_least: 24h}, service: A-6, title: Still}
  - {id: down, kind: any, over: gateway, member: {open: {silent: 3 periods}}, open: {share: ">= 30 %", members: 5}, service: A-7, title: Weg}
  - {id: odd, kind: level, quantity: water_level, open: {stuck: 9, jump: "5000 mm/h"}, period: 15m, service: A-8, title: Seltsam}
  - {id: mixed, kind: bin, open: {expr: "fill_level >= limit && !tilt", limit: 70}, clear: {expr: "fill_level <= 30"}, service: A-9, title: Gemischt}
overrides:
  - {rule: full, tour: Altglas, open: 85 %, clear: 40.5 %, for: 2h}
  - {rule: full, asset: PK-0042, open: 75 %}
  - {rule: full, kind: bin, for: 0s, max_gap: 3d}
  - {rule: full, asset: PK-0042, open: 80 %}
  - {rule: dry, species: Tilia cordata, severity: 2, open: 20 %}
  - {rule: mixed, district: Hafen, open: 60}
maintenance:
  - {reason: Maiwoche, street: [Domhof, Markt], rules: [full], from: 2026-05-08 12:00, until: 2026-05-18}
  - {reason: Wochenmarkt, street: Ledenhof, rules: [silent], when: "sat 06:00-15:00", until: 2026-12-31}
`

func TestTexts(t *testing.T) {
	set, err := Load("rules.yaml", []byte(everyForm))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"full": `opens 1: Füllstand mindestens 90 %, bei 2 der letzten 3 Messungen, seit mindestens 30 Minuten
closes: Füllstand höchstens 30 %, bei 2 Messungen in Folge
Lücken: mehr als 2 Tage ohne Messung unterbrechen
Bremse: höchstens 20 Fälle in einer Stunde
by blind
override Anlage PK-0042: öffnet bei 80 %
override Anlage PK-0042: öffnet bei 75 %
override Tour Altglas: öffnet bei 85 %, schließt bei 40,5 %, öffnet nach 2 Stunden
override Art Behälter: öffnet nach 0 Sekunden, größte Lücke 3 Tage
maintenance Straße Domhof, Straße Markt: Maiwoche  2026-05-08 2026-05-19
`,
		"blind": `opens 1: Sensor meldet „kein Echo, Sensor sieht nichts“ oder „Messfühler meldet einen Fehler“, bei 2 Messungen in Folge, seit mindestens 6 Stunden
closes: sobald das nicht mehr gilt, bei 2 Messungen in Folge
`,
		"taken": `opens 1: Belegung: belegt, seit mindestens 1 Tag
closes: Belegung: frei, bei 2 Messungen in Folge
Sieht nur hin: Mo, Di, Mi, Do, Fr, 07:00 bis 18:00 Uhr
Ruhezeit, Fälle warten so lange: 22:00 bis 06:00 Uhr; So, Feiertage
Zwischen zwei Messungen: gilt die letzte weiter, solange sich der Sensor meldet
`,
		"dry": `group by Tour
opens 1: nutzbare Feldkapazität höchstens 30 %, bei 2 Messungen in Folge
closes: nutzbare Feldkapazität mindestens 50 %, bei 2 Messungen in Folge
opens 2: nutzbare Feldkapazität höchstens 15 %, bei 2 Messungen in Folge
closes: nutzbare Feldkapazität mindestens 30 %, bei 2 Messungen in Folge
Jahreszeit: 1. April bis 31. Oktober
override Baumart Tilia cordata: Stufe 2, öffnet bei 20 %
`,
		"soon": `shadow
opens 1: Füllstand erreicht voraussichtlich innerhalb von 12 Stunden mindestens 100 % (Verlässlichkeit der Vorhersage: hoch), bei 2 Messungen in Folge
closes: Füllstand ändert sich über 2 Stunden je Stunde um höchstens 5 %, bei 2 Messungen in Folge
`,
		"silent": `opens 1: still seit 3 Sendeabständen, seit mindestens 1 Tag
closes: sobald der Sensor wieder gehört wird
maintenance Straße Ledenhof: Wochenmarkt Sa, 06:00 bis 15:00 Uhr 0001-01-01 2027-01-01
`,
		"down": `over Gateway: still seit 3 Sendeabständen
opens 1: Anteil der Mitglieder, für die das gilt, mindestens 30 %, ab 5 Mitgliedern
closes: sobald das nicht mehr gilt
`,
		"odd": `opens 1: Wasserstand ist 9-mal derselbe Wert oder springt um mehr als 5000 mm je Stunde, bei 2 Messungen in Folge
closes: sobald das nicht mehr gilt, bei 2 Messungen in Folge
Sendeabstand: 15 Minuten
`,
		"mixed": `opens 1: Ausdruck „fill_level >= limit && !tilt“ mit der Grenze 70, bei 2 Messungen in Folge
closes: Ausdruck „fill_level <= 30“, bei 2 Messungen in Folge
override Bezirk Hafen: öffnet bei 60
`,
	}
	texts := set.Texts()
	for i := range texts {
		r := &texts[i]
		if got := written(r); got != want[r.ID] {
			t.Errorf("%s\n got %s\nwant %s", r.ID, got, want[r.ID])
		}
		if rule := &set.Rules()[i]; r.Version != rule.Version() || r.Title != rule.Title || r.Advice != rule.Advice || r.Service != rule.Service {
			t.Errorf("%s: version, title, advice or service are not the rule's: %+v", r.ID, r)
		}
	}
	if len(texts) != len(want) {
		t.Errorf("%d texts, want %d", len(texts), len(want))
	}
}

// written is a text in lines.
func written(r *city.RuleText) string {
	var b strings.Builder
	if r.Shadow {
		fmt.Fprintln(&b, "shadow")
	}
	if r.Over != "" {
		fmt.Fprintf(&b, "over %s: %s\n", r.Over, r.Member)
	}
	if r.GroupBy != "" {
		fmt.Fprintln(&b, "group by", r.GroupBy)
	}
	for _, l := range r.Levels {
		fmt.Fprintf(&b, "opens %d: %s\ncloses: %s\n", l.Severity, l.Opens, l.Closes)
	}
	for _, f := range r.Facts {
		fmt.Fprintf(&b, "%s: %s\n", f.Word, f.Text)
	}
	for _, by := range r.InhibitedBy {
		fmt.Fprintln(&b, "by", by)
	}
	for _, o := range r.Overrides {
		fmt.Fprintf(&b, "override %s: %s\n", o.Target, o.Text)
	}
	for _, m := range r.Maintenance {
		fmt.Fprintf(&b, "maintenance %s: %s %s %s %s\n", strings.Join(m.Targets, ", "), m.Reason, m.When,
			m.From.Format("2006-01-02"), m.Until.Format("2006-01-02"))
	}
	return b.String()
}

// TestShippedTexts: no rule that is shipped leaves words of the rule file or of the program.
func TestShippedTexts(t *testing.T) {
	for _, r := range Default().Texts() {
		for _, l := range r.Levels {
			for _, text := range []string{l.Opens, l.Closes, r.Member} {
				if strings.ContainsAny(text, "_<>=") || strings.Contains(text, "true") || strings.Contains(text, "unknown") {
					t.Errorf("%s: %q is not German", r.ID, text)
				}
			}
		}
	}
}
