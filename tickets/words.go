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
	zone    *time.Location
	closes  bool   // we close it, so the text may promise that
	follows string // number of the ticket that this one goes on from; ""
	route   Route
}

// along are the words for a case on its route.
func (w words) along(r Route) words {
	w.route, w.closes = r, r.AutoClose != AutoCloseNever
	return w
}

// title is one line: what, which, where.
func (w words) title(c *city.Case, a *city.Asset) string {
	if own := w.fill(w.route.Title, c, a); own != "" {
		return cut(own, MaxTitle)
	}
	place := c.Asset
	if c.Group != "" {
		place = groupPlace(c.Group)
	}
	if a != nil {
		place = join(", ", a.ID, first(a.Address, a.Name))
	}
	return cut(join(" - ", matter(c), oneLine(place)), MaxTitle)
}

// matter is what a case is about, in the words of its rule or of its category.
func matter(c *city.Case) string {
	s, _ := FindService(c.Service)
	return first(oneLine(c.Title), first(s.Name, oneLine(c.Service)))
}

// text is the body for a ticket under this title. It always ends with the ref, whatever
// had to be cut.
func (w words) text(c *city.Case, a *city.Asset, title string) string {
	lines := []string{"Automatische Meldung der städtischen Sensorik (keine Bürgermeldung)."}
	if place := where(c, a); place != "" {
		lines = append(lines, "Standort: "+place)
	}
	lines = append(lines, "Befund: "+w.finding(c)+".")
	if len(c.Members) > 0 {
		lines = append(lines, "Betroffen: "+oneLine(strings.Join(c.Members, ", "))+".")
	}
	if w.follows != "" {
		lines = append(lines, "Folgemeldung zu "+oneLine(w.follows)+".")
	}
	if advice := first(w.fill(w.route.Advice, c, a), oneLine(c.Advice)); advice != "" {
		lines = append(lines, "Vorschlag: "+advice)
	}
	if w.closes {
		lines = append(lines, "Wird automatisch geschlossen, sobald "+relief(c)+".")
	}
	if contact := w.fill(w.route.Contact, c, a); contact != "" {
		lines = append(lines, "Rückfragen: "+contact)
	}
	ref := "\n" + Marker(c.Ref)
	room := MaxText - utf8.RuneCountInString(title) - len("\n\n") - utf8.RuneCountInString(ref)
	return cut(strings.Join(lines, "\n"), room) + ref
}

// Marker is how a case's ref stands in a ticket, and what is searched for there.
func Marker(ref string) string { return "[Ref " + ref + "]" }

func where(c *city.Case, a *city.Asset) string {
	if c.Group != "" {
		return oneLine(groupPlace(c.Group))
	}
	if a == nil {
		return oneLine(c.Asset)
	}
	name, address := oneLine(a.Name), oneLine(a.Address)
	switch {
	case strings.Contains(name, address):
		address = ""
	case strings.HasPrefix(address, name+","):
		name = "" // it is called after the street and the number
	}
	place := join(", ", name, address)
	if place == "" {
		return oneLine(a.ID)
	}
	return place + " (" + oneLine(a.ID) + ")"
}

// groupPlace is how people call a group of assets: "Tour 5".
func groupPlace(group string) string {
	sort, name, _ := strings.Cut(group, ":")
	names := map[string]string{"tour": "Tour", "street": "Straße", "district": "Stadtteil", "gateway": "Gateway", "kind": "Alle:", "rule": "Regel"}
	return join(" ", first(names[sort], sort), name)
}

// told is the quantity that a ticket may speak of. It is QuantityUnknown where the value of
// a case has no unit (a silence, a fault, a share of a group), and where it tells how long
// one person's vehicle stood.
func told(c *city.Case) city.Quantity {
	if s, _ := FindService(c.Service); s.Untimed {
		switch c.Quantity {
		case city.OccupiedSince, city.FormerDuration, city.PreviousDuration:
			return city.QuantityUnknown
		}
	}
	return c.Quantity
}

func (w words) finding(c *city.Case) string {
	q := told(c)
	switch {
	case q == city.QuantityUnknown && c.Group != "":
		return groupFinding(c) + w.since(c, c.Since)
	case q == city.QuantityUnknown:
		if at := w.moment(c, c.Since); at != "" {
			return matter(c) + ", festgestellt am " + at
		}
		return matter(c)
	}
	s := measured(q, c.Value)
	if !q.Boolean() {
		s += " (Schwelle " + number(c.Limit, 2, q.Unit()) + ")"
		if t := w.since(c, c.Since); t != "" {
			s += "," + t
		}
		return s
	}
	return s + w.since(c, c.Since)
}

// groupFinding says of how many of a group it is so.
func groupFinding(c *city.Case) string {
	if len(c.Members) == 1 {
		return "1 Standort betroffen"
	}
	return strconv.Itoa(len(c.Members)) + " Standorte betroffen"
}

// since is " seit 21.11.2026, 14:05 Uhr", or nothing where the time is not known or not
// for the public.
func (w words) since(c *city.Case, t time.Time) string {
	if at := w.moment(c, t); at != "" {
		return " seit " + at
	}
	return ""
}

func (w words) moment(c *city.Case, t time.Time) string {
	if s, _ := FindService(c.Service); s.Untimed || t.IsZero() {
		return ""
	}
	return t.In(w.zone).Format("02.01.2006, 15:04") + " Uhr"
}

// term is how a quantity is called, and how many decimals people want to read of it.
type term struct {
	name     string
	decimals int
	yes, no  string // of a yes-or-no quantity
	relief   string // what makes the case go away
}

func termOf(q city.Quantity) term {
	const (
		emptied = "der Sensor eine Leerung erkennt"
		watered = "der Sensor genügend Feuchte meldet"
		charged = "der Sensor wieder genügend Batterie meldet"
		upright = "der Sensor wieder aufrecht ist"
	)
	switch q {
	case city.FillLevel:
		return term{name: "Füllstand", decimals: 1, relief: emptied}
	case city.LevelAlarm:
		return term{yes: "eigene Schwelle des Sensors erreicht", no: "eigene Schwelle des Sensors nicht erreicht", relief: emptied}
	case city.Distance, city.Distance2, city.Distance3, city.DistanceMin, city.DistanceMax, city.DistanceMedian, city.DistanceChange:
		return term{name: q.German(), decimals: 0}
	case city.Tilt:
		return term{yes: "Sensor nicht aufrecht", no: "Sensor aufrecht", relief: upright}
	case city.TiltAngle:
		return term{name: q.German(), decimals: 0, relief: upright}
	case city.FireAlarm:
		return term{yes: "Hitze am Sensor", no: "keine Hitze am Sensor", relief: "der Sensor keine Hitze mehr meldet"}
	case city.SoilMoisture, city.UsableFieldCapacity,
		city.SoilMoistureIndex, city.SoilMoistureIndex2, city.SoilMoistureIndex3, city.SoilMoistureIndex4,
		city.SoilMoistureIndex5, city.SoilMoistureIndex6, city.SoilMoistureIndex7, city.SoilMoistureIndex8:
		return term{name: q.German(), decimals: 1, relief: watered}
	case city.SoilTension:
		return term{name: q.German(), decimals: 0, relief: watered}
	case city.Conductivity:
		return term{name: q.German(), decimals: 0}
	case city.Occupied:
		return term{yes: "belegt", no: "frei", relief: "der Sensor den Platz als frei meldet"}
	case city.WaterLevel:
		return term{name: q.German(), decimals: 0, relief: "der Sensor wieder einen gewöhnlichen Wasserstand meldet"}
	case city.Leak:
		return term{yes: "Wasser ausgetreten", no: "kein Wasser ausgetreten", relief: "der Sensor kein Wasser mehr meldet"}
	case city.DoorOpen:
		return term{yes: "Tür oder Klappe offen", no: "Tür oder Klappe geschlossen", relief: "der Sensor sie als geschlossen meldet"}
	case city.Tampered:
		return term{yes: "Gehäuse geöffnet oder abgenommen", no: "Gehäuse geschlossen", relief: "der Sensor sein Gehäuse als geschlossen meldet"}
	case city.BatteryVoltage:
		return term{name: q.German(), decimals: 2, relief: charged}
	case city.BatteryLevel:
		return term{name: q.German(), decimals: 1, relief: charged}
	case city.BatteryLow:
		return term{yes: "Batterie schwach", no: "Batterie in Ordnung", relief: charged}
	}
	return term{name: q.German(), decimals: 1, yes: q.German() + ": ja", no: q.German() + ": nein"}
}

// relief is what makes a case go away. The category knows it better than the quantity where
// a low value is the good one, or nothing is measured.
func relief(c *city.Case) string {
	switch c.Service {
	case "OS-ABF-30":
		return "der Sensor eine Auffüllung erkennt"
	case "OS-GRN-04":
		return "der Sensor weniger Feuchte meldet"
	case "OS-SEN-01":
		return "der Sensor wieder zu hören ist"
	case "OS-SEN-02":
		return "der Sensor wieder brauchbare Werte meldet"
	case "OS-GWY-01":
		return "die Sensoren in der Nähe wieder zu hören sind"
	}
	return first(termOf(told(c)).relief, "der Sensor keinen Befund mehr meldet")
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

// oneLine makes runs of white space and control characters one blank. What turns the
// direction of the text after it is left out: it would make a ticket read other than it is.
// Bytes that are not UTF-8, and characters that XML does not know, become U+FFFD.
func oneLine(s string) string {
	gap := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	known := func(r rune) rune {
		switch {
		case r >= '\u202A' && r <= '\u202E', r >= '\u2066' && r <= '\u2069':
			return -1
		case r == '\uFFFE', r == '\uFFFF':
			return utf8.RuneError
		}
		return r
	}
	return strings.Join(strings.FieldsFunc(strings.Map(known, strings.ToValidUTF8(s, "\uFFFD")), gap), " ")
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
