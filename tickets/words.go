package tickets

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"meldefunk/city"
)

// Limits of what is sent, in runes. GeoReport v2 allows 4000 for a description, and there
// the title is its first line.
const (
	MaxTitle = 80
	MaxText  = 4000 // title, a blank line and text together
)

// words makes the German texts of a ticket. They state what was measured and draw no
// conclusions; they name no person and no device.
type words struct {
	zone   *time.Location
	closes bool // the ticket system lets us close, so the text may promise it
}

// title is one line: what, which, where.
func (w words) title(c *city.Case, a *city.Asset) string {
	matter := oneLine(c.Title)
	if s, ok := FindService(c.Service); matter == "" && ok {
		matter = s.Name
	}
	if matter == "" {
		matter = c.Service
	}
	place := c.Asset
	if a != nil {
		place = join(", ", a.ID, first(a.Address, a.Name))
	}
	return cut(matter+" - "+oneLine(place), MaxTitle)
}

// text is the body for a ticket under this title. It always ends with the ref, whatever
// had to be cut.
func (w words) text(c *city.Case, a *city.Asset, title string) string {
	lines := []string{
		"Automatische Meldung der städtischen Sensorik (keine Bürgermeldung).",
		"Standort: " + where(c, a),
		"Befund: " + w.finding(c) + ".",
	}
	if advice := oneLine(c.Advice); advice != "" {
		lines = append(lines, "Vorschlag: "+advice)
	}
	if w.closes {
		lines = append(lines, "Wird automatisch geschlossen, sobald "+relief(c.Quantity)+".")
	}
	ref := "\n" + Marker(c.Ref)
	room := MaxText - utf8.RuneCountInString(title) - len("\n\n") - utf8.RuneCountInString(ref)
	return cut(strings.Join(lines, "\n"), room) + ref
}

// closing says why the ticket is closed; "" while the case is wanted.
func (w words) closing(c *city.Case) string {
	if c.Wanted() {
		return ""
	}
	what := "Der Befund besteht nicht mehr"
	if !c.ClosedSince.IsZero() {
		what = "Sensor meldet: " + measured(c.Quantity, c.ClosedValue) + w.since(c, c.ClosedSince)
	}
	return what + " - automatisch geschlossen. " + Marker(c.Ref)
}

// Marker is how a case's ref stands in a ticket, and what is searched for there.
func Marker(ref string) string { return "[Ref " + ref + "]" }

func where(c *city.Case, a *city.Asset) string {
	if a == nil {
		return oneLine(c.Asset)
	}
	name, address := oneLine(a.Name), oneLine(a.Address)
	if strings.Contains(name, address) {
		address = ""
	}
	place := join(", ", name, address)
	if place == "" {
		return oneLine(a.ID)
	}
	return place + " (" + oneLine(a.ID) + ")"
}

func (w words) finding(c *city.Case) string {
	s := measured(c.Quantity, c.Value)
	if !c.Quantity.Boolean() {
		s += " (Schwelle " + number(c.Limit, 2, c.Quantity.Unit()) + ")"
		if t := w.since(c, c.Since); t != "" {
			s += "," + t
		}
		return s
	}
	return s + w.since(c, c.Since)
}

// since is " seit 21.11.2026, 14:05 Uhr", or nothing where the time is not known or not
// for the public.
func (w words) since(c *city.Case, t time.Time) string {
	if s, _ := FindService(c.Service); s.Untimed || t.IsZero() {
		return ""
	}
	return " seit " + t.In(w.zone).Format("02.01.2006, 15:04") + " Uhr"
}

// term is how a quantity is called, and how many decimals people want to read of it.
type term struct {
	name     string
	decimals int
	yes, no  string // of a yes-or-no quantity
	relief   string // what makes the case go away
}

func termOf(q city.Quantity) term {
	switch q {
	case city.FillLevel:
		return term{name: "Füllstand", decimals: 1, relief: "der Sensor eine Leerung erkennt"}
	case city.Distance:
		return term{name: "Abstand zum Inhalt", decimals: 0}
	case city.Tilt:
		return term{yes: "Sensor nicht aufrecht", no: "Sensor aufrecht", relief: "der Sensor wieder aufrecht ist"}
	case city.SoilMoisture:
		return term{name: "Bodenfeuchte", decimals: 1, relief: "der Sensor genügend Feuchte meldet"}
	case city.SoilTemperature:
		return term{name: "Bodentemperatur", decimals: 1}
	case city.Conductivity:
		return term{name: "Leitfähigkeit des Bodens", decimals: 0}
	case city.Occupied:
		return term{yes: "belegt", no: "frei", relief: "der Sensor den Platz als frei meldet"}
	case city.WaterLevel:
		return term{name: "Wasserstand", decimals: 0, relief: "der Sensor wieder einen gewöhnlichen Wasserstand meldet"}
	case city.DoorOpen:
		return term{yes: "Tür oder Klappe offen", no: "Tür oder Klappe geschlossen", relief: "der Sensor sie als geschlossen meldet"}
	case city.Temperature:
		return term{name: "Temperatur", decimals: 1}
	case city.BatteryVoltage:
		return term{name: "Batteriespannung", decimals: 2, relief: "der Sensor wieder genügend Batterie meldet"}
	case city.BatteryLevel:
		return term{name: "Batterieladung", decimals: 1, relief: "der Sensor wieder genügend Batterie meldet"}
	}
	return term{name: q.German(), decimals: 1, yes: q.German() + ": ja", no: q.German() + ": nein"}
}

func relief(q city.Quantity) string {
	return first(termOf(q).relief, "der Sensor keinen Befund mehr meldet")
}

func measured(q city.Quantity, v float64) string {
	t := termOf(q)
	if q.Boolean() {
		if v != 0 {
			return t.yes
		}
		return t.no
	}
	return t.name + " " + number(v, t.decimals, q.Unit())
}

// number writes a value with decimal comma and unit, without superfluous zeros.
func number(v float64, decimals int, unit string) string {
	scale := math.Pow10(decimals)
	v = math.Round(v*scale)/scale + 0 // adding 0 turns -0 into 0
	s := strings.Replace(strconv.FormatFloat(v, 'f', -1, 64), ".", ",", 1)
	return join(" ", s, unit)
}

// cut shortens s to at most n runes; what was cut shows as "…".
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return strings.TrimRight(string(r[:n-1]), " \n,-") + "…"
}

// oneLine makes runs of white space and control characters one blank; bytes that are not
// UTF-8 become U+FFFD.
func oneLine(s string) string {
	gap := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), gap), " ")
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func join(sep, a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + sep + b
}
