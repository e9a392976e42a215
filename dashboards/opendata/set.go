package opendata

import (
	"cmp"
	"math"
	"slices"
	"time"

	"meldefunk/city"
)

// set is one set of data: what it is called, what stands in it, and how it is made.
type set struct {
	key, path   string // in the settings, in addresses
	title       string // German, without place and time
	description string // German
	keywords    []string
	theme       string // of the EU's data themes
	gaps        []string
	fields      []field // the first tells one row from another
	rows        func(c Config, w world) []row
}

// field is a column.
type field struct {
	name string // ASCII
	unit string
	text string // German, what it is
}

// row is one line. Its values are those of the fields; nil where there is none.
type row struct {
	at     *city.Position
	values []any // string, float64, int, bool or time.Time
}

// world is what rows are made of.
type world struct {
	assets []*city.Asset
	newest map[string]*city.Reading
	stale  func(city.Kind) time.Duration
	now    time.Time
}

// sets are all that can be released.
func sets() []set {
	const (
		number  = "Nummer der Anlage bei der Stadt; bleibt"
		taken   = "Zeit der Messung"
		current = "ob die Messung noch als Gegenwart gilt"
		rarely  = "Funkmeldungen gehen gelegentlich verloren; dann bleibt der Wert davor stehen, mit seiner Zeit."
	)
	return []set{
		{
			key: "bins", path: "behaelter", title: "Füllstände öffentlicher Abfallbehälter", theme: "ENVI",
			description: "Standort und gemessener Füllstand von Papierkörben und Containern mit Sensor.",
			keywords:    []string{"Abfall", "Container", "Füllstand", "Papierkorb", "Sensorik"},
			gaps:        []string{"Nur Behälter mit Sensor.", "Der Sensor misst von oben den Abstand zum Inhalt. Sperriges täuscht einen vollen Behälter vor.", rarely},
			fields: []field{
				{"nummer", "", number}, {"name", "", "wie der Behälter heißt"}, {"adresse", "", "Straße und Hausnummer"}, {"bezirk", "", "Stadtbezirk"},
				{"fuellstand", "%", "Füllstand der nutzbaren Höhe; leer, wo der Sensor nicht messen konnte"}, {"gemessen", "", taken}, {"aktuell", "", current},
			},
			rows: func(c Config, w world) []row {
				return w.each(c, city.Bin, func(a *city.Asset, r *city.Reading) []any {
					return []any{a.ID, a.Name, text(a.Address), text(a.District), value(r, city.FillLevel), timeOf(r), w.current(a, r)}
				})
			},
		},
		{
			key: "trees", path: "baeume", title: "Bodenfeuchte an Bäumen und Grünflächen", theme: "ENVI",
			description: "Standort, Baumart und gemessene Bodenfeuchte von Bäumen, Beeten und Rasen mit Sensor.",
			keywords:    []string{"Baum", "Bodenfeuchte", "Bewässerung", "nutzbare Feldkapazität", "Sensorik"},
			gaps:        []string{"Nur Orte mit Sensor.", "Die nutzbare Feldkapazität folgt aus der Bodenart und ist auf einige Prozentpunkte genau.", "Ein Sensor misst an einer Stelle, nicht im ganzen Wurzelraum.", rarely},
			fields: []field{
				{"nummer", "", number}, {"baumart", "", "botanischer Name"}, {"bezirk", "", "Stadtbezirk"}, {"bodenart", "", "deutsche Bodenart, KA5"},
				{"nfk", "%", "Wasser, das Pflanzen erreichen, als Anteil der nutzbaren Feldkapazität"}, {"bodenfeuchte", "%", "volumetrischer Wassergehalt, oberste Tiefe"},
				{"saugspannung", "kPa", "wie fest der Boden das Wasser hält"}, {"bodentemperatur", "°C", "oberste Tiefe"}, {"gemessen", "", taken}, {"aktuell", "", current},
			},
			rows: func(c Config, w world) []row {
				return w.each(c, city.Soil, func(a *city.Asset, r *city.Reading) []any {
					// No name and no address: people's names stand on trees that were given.
					return []any{a.ID, text(a.Species), text(a.District), text(a.SoilType), value(r, city.UsableFieldCapacity), value(r, city.SoilMoisture),
						value(r, city.SoilTension), value(r, city.SoilTemperature), timeOf(r), w.current(a, r)}
				})
			},
		},
		{
			key: "parking", path: "parken", title: "Belegung öffentlicher Stellplätze nach Zonen", theme: "TRAN",
			description: "Wie viele Stellplätze mit Sensor in einer Zone frei, belegt oder unbekannt sind. Einzelne Stellplätze, Fahrzeuge und Parkdauern werden nicht veröffentlicht.",
			keywords:    []string{"Belegung", "Parken", "Parkplatz", "Sensorik", "Stellplatz"},
			gaps: []string{"Nur Stellplätze mit Sensor.", "Von wem lange nichts zu hören war, zählt als unbekannt.", "Kleine Zonen sind unter „übrige“ zusammengefasst, oder fehlen.",
				"Die Lage ist die Mitte der Stellplätze einer Zone, auf etwa 100 m gerundet."},
			fields: []field{
				{"zone", "", "Stadtbezirk"}, {"stellplaetze", "", "Stellplätze mit Sensor"}, {"frei", "", "davon frei"}, {"belegt", "", "davon belegt"},
				{"unbekannt", "", "davon unbekannt"}, {"stand", "", "wann gezählt wurde"},
			},
			rows: zones,
		},
	}
}

// others is the zone of those that are too small.
const others = "übrige"

// zones counts bays. A zone that is too small goes with the others, and these are left out
// where they are too few as well.
func zones(c Config, w world) []row {
	type zone struct {
		name                  string
		bays, free, taken     int
		placed                int
		latitudes, longitudes float64
	}
	byName := map[string]*zone{}
	add := func(name string, by zone) {
		z := byName[name]
		if z == nil {
			z = &zone{name: name}
			byName[name] = z
		}
		z.bays, z.free, z.taken, z.placed = z.bays+by.bays, z.free+by.free, z.taken+by.taken, z.placed+by.placed
		z.latitudes, z.longitudes = z.latitudes+by.latitudes, z.longitudes+by.longitudes
	}
	for _, a := range w.assets {
		if a.Kind != city.Parking || slices.Contains(c.LeaveOut, a.ID) {
			continue
		}
		one := zone{bays: 1}
		r := w.newest[a.ID]
		if occupied, is := value(r, city.Occupied).(bool); is && w.current(a, r) == true {
			one.free, one.taken = int(city.Bool(!occupied)), int(city.Bool(occupied))
		}
		if a.Position != nil {
			one.placed, one.latitudes, one.longitudes = 1, a.Position.Lat, a.Position.Lon
		}
		add(a.District, one)
	}
	for name, z := range byName {
		if (z.bays < c.SmallestZone || name == "") && name != others {
			delete(byName, name)
			z.placed, z.latitudes, z.longitudes = 0, 0, 0 // the middle of what lies apart is nowhere
			add(others, *z)
		}
	}
	var rows []row
	for _, z := range byName {
		if z.bays < c.SmallestZone {
			continue
		}
		one := row{values: []any{z.name, z.bays, z.free, z.taken, z.bays - z.free - z.taken, w.now}}
		if z.placed >= c.SmallestZone && z.name != others {
			one.at = &city.Position{Lat: math.Round(z.latitudes/float64(z.placed)*1000) / 1000, Lon: math.Round(z.longitudes/float64(z.placed)*1000) / 1000}
		}
		rows = append(rows, one)
	}
	slices.SortFunc(rows, func(x, y row) int {
		a, b := x.values[0].(string), y.values[0].(string)
		return cmp.Or(cmp.Compare(city.Bool(a == others), city.Bool(b == others)), cmp.Compare(a, b))
	})
	return rows
}

// each makes a row of every asset of a kind that is published.
func (w world) each(c Config, k city.Kind, values func(*city.Asset, *city.Reading) []any) []row {
	var rows []row
	for _, a := range w.assets {
		if a.Kind == k && !slices.Contains(c.LeaveOut, a.ID) {
			rows = append(rows, row{a.Position, values(a, w.newest[a.ID])})
		}
	}
	slices.SortFunc(rows, func(x, y row) int { return cmp.Compare(x.values[0].(string), y.values[0].(string)) })
	return rows
}

// current tells whether a reading still counts as the present; nil: there is none.
func (w world) current(a *city.Asset, r *city.Reading) any {
	if r == nil {
		return nil
	}
	limit := w.stale(a.Kind)
	return limit <= 0 || w.now.Sub(r.Time.At) <= limit
}

// value is what a reading measured; nil: nothing.
func value(r *city.Reading, q city.Quantity) any {
	if r == nil {
		return nil
	}
	n, measured := r.Value(q)
	switch {
	case !measured || math.IsNaN(n) || math.IsInf(n, 0):
		return nil
	case q.Boolean():
		return n != 0
	}
	return math.Round(n*10) / 10
}

func timeOf(r *city.Reading) any {
	if r == nil {
		return nil
	}
	return r.Time.At
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
