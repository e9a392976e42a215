package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// What people have closed and goes on was decided by no rule.
func TestExplainRenewal(t *testing.T) {
	at := time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)
	got := Explain(&city.Decision{
		Rule: "bin-full", Asset: "PK-1", Change: city.Renewed.String(), At: at, Decided: at, Since: at.Add(-24 * time.Hour),
		From: "open", To: "open", Quantity: "fill_level", Value: 96, Limit: 90, Note: "Die Meldung wurde von Menschen geschlossen.",
	}, time.UTC)
	want := []string{
		"Am 21.11.2026 13:00:00 wurde der Fall der Regel bin-full bei PK-1 neu gemeldet.",
		"Die Bedingung gilt seit 20.11.2026 13:00:00, also seit 1 Tag.",
		"Füllstand: 96 %, Grenze 90 %.",
		"Die Meldung wurde von Menschen geschlossen.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestExplainParts(t *testing.T) {
	d := &city.Decision{Rule: "r", Asset: "PK-1", Change: city.Opened.String(), Parts: []city.Part{
		{Text: "silent for 3 periods", Value: "30.5 h of 24 h", Truth: "true"},
		{Text: "device", Value: "24e1240000000001"},
		{Text: "last heard", Value: "2026-11-21T12:00:00Z"},
		{Text: "we were deaf", Value: "2h"},
		{Text: "share >= 30 %", Value: "40 %", Truth: "true"},
		{Text: "members", Value: "4 true, 3 false, 2 unknown"},
		{Text: "reliability", Value: "high"},
		{Text: "time left", Value: "never"},
		{Text: "fill_level >= 90 %", Value: "unknown", Truth: "unknown"},
		{Text: "any fault", Value: "fault no_echo or device", Truth: "true"},
		{Text: "any fault", Value: "none", Truth: "false"},
		{Text: "occupied = true", Value: "true", Truth: "true"},
	}, Settings: []city.Setting{{Name: "open", Value: "85", Source: "tour:Altglas"}}}
	got := Explain(d, time.UTC)
	for _, want := range []string{
		"Gefragt war „silent for 3 periods“, der Wert war 30,5 h von 24 h: ja.",
		"Sensor: 24e1240000000001.",
		"Zuletzt gehört: 21.11.2026 12:00:00.",
		"Davon konnten wir selbst nichts hören: 2h.",
		"Mitglieder: 4 ja, 3 nein, 2 unbekannt.",
		"Verlässlichkeit der Vorhersage: hoch.",
		"Verbleibende Zeit: nie.",
		"Gefragt war „fill_level >= 90 %“, der Wert war unbekannt: unbekannt.",
		"Gefragt war „any fault“, der Wert war Störung no_echo und device: ja.",
		"Gefragt war „any fault“, der Wert war keine: nein.",
		"Gefragt war „occupied = true“, der Wert war ja: ja.",
		"Grenze zum Öffnen: 85 (eigener Wert für Tour Altglas).",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("lacks %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
}
