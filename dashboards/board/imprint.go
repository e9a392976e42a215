package board

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"meldefunk/city"
)

// Imprint says who answers for the board. What is empty is said to be missing: nothing is made
// up.
type Imprint struct {
	Operator    string `yaml:"operator"`    // who runs it: "Stadt Osnabrück, Fachbereich …"
	Contact     string `yaml:"contact"`     // for barriers and questions: a mailbox, a telephone number
	Form        string `yaml:"form"`        // address of a page where barriers can be told
	Enforcement string `yaml:"enforcement"` // the body that settles disputes about barriers, with its address
	Privacy     string `yaml:"privacy"`     // the data protection officer, with address
	Authority   string `yaml:"authority"`   // the data protection authority, with address
}

// Validate gives every problem, joined.
func (i Imprint) Validate() error {
	var errs []error
	for _, x := range []struct{ name, text string }{{"operator", i.Operator}, {"contact", i.Contact}, {"form", i.Form}, {"enforcement", i.Enforcement}, {"privacy", i.Privacy}, {"authority", i.Authority}} {
		if utf8.RuneCountInString(x.text) > longestReason || !utf8.ValidString(x.text) || strings.ContainsFunc(x.text, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' }) {
			errs = append(errs, fmt.Errorf("imprint.%s: want text of at most %d characters", x.name, longestReason))
		}
	}
	if u, err := url.Parse(i.Form); i.Form != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		errs = append(errs, fmt.Errorf("imprint.form: %.60q: want an address like https://www.example.org/barriere-melden", i.Form))
	}
	return errors.Join(errs...)
}

// Retention is how long something is kept.
type Retention struct {
	What string        // German
	Keep time.Duration // 0: until somebody deletes it
}

// statementPage is the content of the statement about accessibility.
type statementPage struct{ Imprint Imprint }

// privacyPage is the content of the page about data protection.
type privacyPage struct {
	Imprint  Imprint
	Measured []purpose
	Kept     []fact
	Login    bool // people log in
}

// purpose is what is measured at one kind of asset, and what for.
type purpose struct{ Kind, Count, Measured, Not, For string }

func (b *Board) statement(*http.Request) (content, error) {
	return content{title: "Barrierefreiheit", body: statementPage{b.opt.Config.Imprint}}, nil
}

func (b *Board) privacy(*http.Request) (content, error) {
	p := privacyPage{Imprint: b.opt.Config.Imprint, Login: b.opt.Access != nil}
	counts := map[city.Kind]int{}
	for _, a := range b.opt.Inventory.Assets() {
		counts[a.Kind]++
	}
	for _, k := range city.Kinds() {
		if n := counts[k]; n > 0 {
			x := purposeOf(k)
			x.Kind, x.Count = k.German(), counted(n, "Anlage", "Anlagen")
			p.Measured = append(p.Measured, x)
		}
	}
	for _, r := range b.opt.Retention {
		keep := "bis es jemand löscht"
		if r.Keep > 0 {
			keep = span(r.Keep)
		}
		p.Kept = append(p.Kept, fact{r.What, keep})
	}
	return content{title: "Datenschutz", body: p}, nil
}

// span writes how long something is kept.
func span(d time.Duration) string {
	if day := 24 * time.Hour; d >= 2*day {
		return counted(int(d/day), "Tag", "Tage")
	}
	return counted(int(max(1, d/time.Hour)), "Stunde", "Stunden")
}

// purposeOf says what sensors at a kind of asset measure and do not, and what for.
func purposeOf(k city.Kind) purpose {
	switch k {
	case city.Bin:
		return purpose{Measured: "Abstand zum Inhalt, daraus der Füllstand; Neigung, Temperatur", Not: "keine Bilder, keine Töne, niemand, der etwas einwirft", For: "leeren, wenn es nötig ist"}
	case city.Soil:
		return purpose{Measured: "Feuchte und Temperatur des Bodens", Not: "nichts über Menschen", For: "wässern, wenn es nötig ist"}
	case city.Parking:
		return purpose{Measured: "ob ein Stellplatz frei oder belegt ist, und seit wann", Not: "keine Kennzeichen, keine Bilder, keine Personen, keine Wege von Fahrzeugen", For: "freie Plätze zeigen, Ladezonen und Behindertenplätze freihalten"}
	case city.Level:
		return purpose{Measured: "Wasserstand oder Nässe", Not: "nichts über Menschen", For: "vor Überflutung warnen"}
	case city.Weather, city.Air:
		return purpose{Measured: "Wetter, Luft und Schall als Zahlenwerte", Not: "keine Tonaufnahmen, nichts über Menschen", For: "Umwelt beobachten, Wässern planen"}
	case city.People:
		return purpose{Measured: "wie viele vorbeikommen, als Zahl", Not: "keine Bilder, keine Gesichter, keine Kennungen von Telefonen, keine Wege", For: "Wege und Plätze planen"}
	case city.Door:
		return purpose{Measured: "ob offen oder geschlossen ist", Not: "nicht, wer öffnet", For: "Anlagen sichern"}
	case city.Tracker:
		return purpose{Measured: "Ort und Bewegung städtischer Fahrzeuge und Anhänger", Not: "nicht, wer fährt; mit einem Dienstplan ließe es sich aber zuordnen", For: "Gerät wiederfinden, Einsätze planen"}
	case city.Light, city.Meter:
		return purpose{Measured: "Betrieb und Verbrauch städtischer Anlagen", Not: "nichts über Haushalte, solange es keine Zähler von Wohnungen sind", For: "Störungen finden, Verbrauch senken"}
	}
	return purpose{Measured: "Zahlenwerte von Sensoren", Not: "keine Bilder, keine Töne", For: "Aufgaben der Stadt"}
}
