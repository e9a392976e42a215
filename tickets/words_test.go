package tickets

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"meldefunk/city"
)

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestWords(t *testing.T) {
	bin := &city.Asset{ID: "PK-0042", Kind: city.Bin, Name: "Papierkorb Domhof 4", Address: "Domhof 4"}
	tree := &city.Asset{ID: "BA-1204", Kind: city.Soil, Name: "Linde", Address: "Große Straße 12"}
	bay := &city.Asset{ID: "EL-07", Kind: city.Parking, Name: "Ladesäule Öwer de Hase", Address: "Öwer de Hase 1"}
	tests := []struct {
		name       string
		c          city.Case
		a          *city.Asset
		mute       bool // the ticket system does not let us close
		title      string
		text       string
		closing    string
		mustNotSay string
	}{
		{
			name: "full bin, emptied",
			c: city.Case{Ref: "S-7K3QF2PA", Service: "OS-ABF-01", Asset: "PK-0042", Quantity: city.FillLevel, Value: 96, Limit: 90,
				Since: at("2026-11-21T13:05:00Z"), Title: "Papierkorb voll", Advice: "Leerung mit der nächsten Tour.",
				Closed: at("2026-11-22T15:00:00Z"), ClosedValue: 12, ClosedSince: at("2026-11-22T14:40:00Z")},
			a:     bin,
			title: "Papierkorb voll - PK-0042, Domhof 4",
			text: `Automatische Meldung der städtischen Sensorik (keine Bürgermeldung).
Standort: Papierkorb Domhof 4 (PK-0042)
Befund: Füllstand 96 % (Schwelle 90 %), seit 21.11.2026, 14:05 Uhr.
Vorschlag: Leerung mit der nächsten Tour.
Wird automatisch geschlossen, sobald der Sensor eine Leerung erkennt.
[Ref S-7K3QF2PA]`,
			closing: "Sensor meldet: Füllstand 12 % seit 22.11.2026, 15:40 Uhr - automatisch geschlossen. [Ref S-7K3QF2PA]",
		},
		{
			name: "dry tree in summer time, decimal comma, zero is a value",
			c: city.Case{Ref: "S-00000001", Service: "OS-GRN-01", Asset: "BA-1204", Quantity: city.SoilMoisture, Value: 0, Limit: 12.5,
				Since: at("2026-07-01T22:30:00Z"), Title: "Straßenbaum: Bewässerung nötig"},
			a:     tree,
			title: "Straßenbaum: Bewässerung nötig - BA-1204, Große Straße 12",
			text: `Automatische Meldung der städtischen Sensorik (keine Bürgermeldung).
Standort: Linde, Große Straße 12 (BA-1204)
Befund: Bodenfeuchte 0 % (Schwelle 12,5 %), seit 02.07.2026, 00:30 Uhr.
Wird automatisch geschlossen, sobald der Sensor genügend Feuchte meldet.
[Ref S-00000001]`,
		},
		{
			name: "called as its address begins",
			c: city.Case{Ref: "S-00000001", Service: "OS-GRN-01", Asset: "BA-1204", Quantity: city.SoilMoisture, Value: 0, Limit: 12.5,
				Since: at("2026-07-01T22:30:00Z"), Title: "Straßenbaum: Bewässerung nötig"},
			a:     &city.Asset{ID: "BA-1204", Kind: city.Soil, Name: "Große Straße 12", Address: "Große Straße 12, Osnabrück"},
			title: "Straßenbaum: Bewässerung nötig - BA-1204, Große Straße 12, Osnabrück",
			text: `Automatische Meldung der städtischen Sensorik (keine Bürgermeldung).
Standort: Große Straße 12, Osnabrück (BA-1204)
Befund: Bodenfeuchte 0 % (Schwelle 12,5 %), seit 02.07.2026, 00:30 Uhr.
Wird automatisch geschlossen, sobald der Sensor genügend Feuchte meldet.
[Ref S-00000001]`,
		},
		{
			name: "charging bay, closes elsewhere",
			c: city.Case{Ref: "S-00000002", Service: "OS-PRK-01", Asset: "EL-07", Quantity: city.Occupied, Value: 1, Limit: 1,
				Since: at("2026-11-21T13:05:00Z"), Closed: at("2026-11-21T14:05:00Z"), ClosedSince: at("2026-11-21T14:00:00Z")},
			a:     bay,
			mute:  true,
			title: "E-Ladeplatz dauerbelegt - EL-07, Öwer de Hase 1",
			text: `Automatische Meldung der städtischen Sensorik (keine Bürgermeldung).
Standort: Ladesäule Öwer de Hase, Öwer de Hase 1 (EL-07)
Befund: belegt seit 21.11.2026, 14:05 Uhr.
[Ref S-00000002]`,
			closing: "Sensor meldet: frei seit 21.11.2026, 15:00 Uhr - automatisch geschlossen. [Ref S-00000002]",
		},
		{
			name: "a bay that may belong to one person has no times",
			c: city.Case{Ref: "S-00000003", Service: "OS-PRK-02", Asset: "BP-1", Quantity: city.Occupied, Value: 1,
				Since: at("2026-11-21T13:05:00Z"), Closed: at("2026-11-21T14:05:00Z"), ClosedSince: at("2026-11-21T14:00:00Z")},
			title: "Behindertenparkplatz dauerbelegt - BP-1",
			text: `Automatische Meldung der städtischen Sensorik (keine Bürgermeldung).
Standort: BP-1
Befund: belegt.
Wird automatisch geschlossen, sobald der Sensor den Platz als frei meldet.
[Ref S-00000003]`,
			closing:    "Sensor meldet: frei - automatisch geschlossen. [Ref S-00000003]",
			mustNotSay: "Uhr",
		},
		{
			name: "unknown service, asset gone, closed without a value, line breaks and NUL",
			c: city.Case{Ref: "S-00000004", Service: "X-1", Asset: "A\n1", Quantity: city.BatteryVoltage, Value: 2.956, Limit: 3,
				Advice: "Batterie\r\n\x00tauschen", Closed: at("2026-11-21T14:05:00Z")},
			title: "X-1 - A 1",
			text: `Automatische Meldung der städtischen Sensorik (keine Bürgermeldung).
Standort: A 1
Befund: Batteriespannung 2,96 V (Schwelle 3 V).
Vorschlag: Batterie tauschen
Wird automatisch geschlossen, sobald der Sensor wieder genügend Batterie meldet.
[Ref S-00000004]`,
			closing: "Der Befund besteht nicht mehr - automatisch geschlossen. [Ref S-00000004]",
		},
		{
			name: "tilted sensor",
			c: city.Case{Ref: "S-00000005", Service: "OS-ABF-02", Asset: "PK-0042", Quantity: city.Tilt, Value: 1,
				Since: at("2026-03-29T01:00:00Z"), Title: "Papierkorb umgekippt"},
			a:     bin,
			title: "Papierkorb umgekippt - PK-0042, Domhof 4",
			text: `Automatische Meldung der städtischen Sensorik (keine Bürgermeldung).
Standort: Papierkorb Domhof 4 (PK-0042)
Befund: Sensor nicht aufrecht seit 29.03.2026, 03:00 Uhr.
Wird automatisch geschlossen, sobald der Sensor wieder aufrecht ist.
[Ref S-00000005]`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := words{zone: berlin(t), closes: !tt.mute}
			title := w.title(&tt.c, tt.a)
			text := w.text(&tt.c, tt.a, title)
			closing := w.closing(&tt.c)
			if title != tt.title {
				t.Errorf("title\n got %q\nwant %q", title, tt.title)
			}
			if text != tt.text {
				t.Errorf("text\n got %q\nwant %q", text, tt.text)
			}
			if closing != tt.closing {
				t.Errorf("closing\n got %q\nwant %q", closing, tt.closing)
			}
			if tt.mustNotSay != "" && strings.Contains(title+text+closing, tt.mustNotSay) {
				t.Errorf("says %q", tt.mustNotSay)
			}
		})
	}
}

func TestWordsAreCutAtARune(t *testing.T) {
	w := words{zone: berlin(t), closes: true}
	c := city.Case{Ref: "S-7K3QF2PA", Asset: "PK-1", Title: strings.Repeat("ü", 300), Advice: strings.Repeat("ß€😀", 3000)}
	title := w.title(&c, nil)
	text := w.text(&c, nil, title)
	if n := utf8.RuneCountInString(title); n != MaxTitle || !utf8.ValidString(title) || !strings.HasSuffix(title, "ü…") {
		t.Errorf("title has %d runes: %q", n, title)
	}
	if n := utf8.RuneCountInString(title + "\n\n" + text); n != MaxText || !utf8.ValidString(text) {
		t.Errorf("title and text have %d runes, want %d", n, MaxText)
	}
	if !strings.HasSuffix(text, "…\n[Ref S-7K3QF2PA]") {
		t.Errorf("text ends with %q", text[len(text)-40:])
	}
}

func TestNumber(t *testing.T) {
	tests := []struct {
		v        float64
		decimals int
		unit     string
		want     string
	}{
		{96, 1, "%", "96 %"},
		{96.04, 1, "%", "96 %"},
		{96.25, 1, "%", "96,3 %"},
		{-0.04, 1, "°C", "0 °C"},
		{-3.5, 1, "°C", "-3,5 °C"},
		{1234.6, 0, "mm", "1235 mm"},
		{3.6, 2, "", "3,6"},
	}
	for _, tt := range tests {
		if got := number(tt.v, tt.decimals, tt.unit); got != tt.want {
			t.Errorf("number(%v, %d, %q) = %q, want %q", tt.v, tt.decimals, tt.unit, got, tt.want)
		}
	}
}

// Every quantity that a rule can be about has words of its own.
func TestEveryQuantityHasWords(t *testing.T) {
	for _, q := range city.Quantities() {
		if q.Boolean() {
			if termOf(q).yes == "" || termOf(q).no == "" {
				t.Errorf("%v: no words for yes and no", q)
			}
		} else if name := termOf(q).name; name == "" || name == q.String() {
			t.Errorf("%v: no name", q)
		}
	}
}

func TestServices(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Services() {
		if seen[s.Code] || !strings.HasPrefix(s.Code, "OS-") || len(s.Code) != len("OS-ABF-01") || s.Name == "" || s.Group == "" {
			t.Errorf("%+v: want a code of its own, a name and a group", s)
		}
		seen[s.Code] = true
		if got, ok := FindService(s.Code); !ok || got != s {
			t.Errorf("FindService(%q) = %+v, %v", s.Code, got, ok)
		}
	}
	if _, ok := FindService("OS-ZZZ-99"); ok {
		t.Error("found a service that is not there")
	}
}
