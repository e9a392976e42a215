package board

import (
	"math"
	"time"

	"meldefunk/city"
)

// state is how things stand at an asset, in one word. It is for reading at a glance; what
// becomes a case is decided by rules, never here.
type state struct {
	Key    string // in URLs and class names
	Word   string
	Symbol string // beside the word, so that color is never needed
	rank   int    // how urgent, 0 first: the default order of the overview
}

// states lists every state, in the order in which counts are shown.
//
// Display bands, lower end included:
//
//	bin      leer  20 %  teilgefüllt  75 %  fast voll  90 %  voll
//	soil     trocken  15 %  feucht  35 %  nass     volumetric water content
//
// Basins with a fill level have the bands of bins. What has no band and is neither open nor
// shut, neither taken nor free "meldet sich": how high is too high, how warm too warm, depends
// on the place and is a matter of rules.
//
// The soil bands are coarse on purpose: what is dry for a tree depends on the soil type,
// which is not known here.
func states() []state {
	return []state{
		{"wasser", "Wasser", "≈", 0},
		{"voll", "voll", "●", 0},
		{"fast-voll", "fast voll", "◕", 2},
		{"teilgefuellt", "teilgefüllt", "◑", 6},
		{"leer", "leer", "○", 7},
		{"trocken", "trocken", "▽", 1},
		{"feucht", "feucht", "◇", 7},
		{"nass", "nass", "▲", 6},
		{"belegt", "belegt", "■", 6},
		{"frei", "frei", "□", 7},
		{"offen", "offen", "◁", 6},
		{"geschlossen", "geschlossen", "◀", 7},
		{"meldet", "meldet sich", "◆", 7},
		{"stoerung", "Störung", "✕", 3},
		{"veraltet", "veraltet", "◷", 4},
		{"unbekannt", "unbekannt", "?", 4},
		{"ohne-daten", "noch keine Daten", "…", 5},
	}
}

// stateNamed finds a state by its key.
func stateNamed(key string) (state, bool) {
	for _, s := range states() {
		if s.Key == key {
			return s, true
		}
	}
	return state{}, false
}

// looksAt lists what an asset of a kind is looked at for, what matters most first: sensors
// for one kind do not all measure the same.
func looksAt(k city.Kind) []city.Quantity {
	switch k {
	case city.Bin:
		return []city.Quantity{city.FillLevel}
	case city.Soil:
		return []city.Quantity{city.SoilMoisture, city.SoilTension}
	case city.Parking:
		return []city.Quantity{city.Occupied}
	case city.Level:
		return []city.Quantity{city.WaterLevel, city.FillLevel, city.Leak, city.WaterPressure}
	case city.Weather:
		return []city.Quantity{city.Temperature, city.Humidity, city.WindSpeed, city.Rain, city.RainTotal, city.Pressure}
	case city.Air:
		return []city.Quantity{city.CO2, city.PM25, city.PM10, city.Noise, city.Temperature, city.Humidity}
	case city.People:
		return []city.Quantity{city.PeoplePresent, city.PeopleIn, city.PeopleOut, city.PeopleInLately, city.PeopleOutLately, city.Count}
	case city.Door:
		return []city.Quantity{city.DoorOpen, city.Leak}
	case city.Tracker:
		return []city.Quantity{city.Latitude, city.Longitude, city.Speed}
	case city.Light:
		return []city.Quantity{city.DimLevel, city.Power, city.Energy}
	case city.Meter:
		return []city.Quantity{city.Volume, city.Energy}
	}
	return nil
}

// seen lists the values of a reading that an asset of a kind is looked at for, what matters
// most first.
func seen(k city.Kind, r *city.Reading) []city.Value {
	var all []city.Value
	for _, q := range looksAt(k) {
		if v, ok := r.Value(q); ok {
			all = append(all, city.Value{Quantity: q, Number: v})
		}
	}
	return all
}

// sudden tells whether assets of a kind change from one moment to the next: bays and doors.
// What was heard of them long ago says nothing of the present.
func sudden(k city.Kind) bool { return k == city.Parking || k == city.Door }

// stateKey judges a reading for display; r is nil where nothing was heard yet. A bay
// that was not heard for long is unknown, as in the city's open data; a bin or a tree
// changes slowly, so its last value is worth showing as outdated.
func stateKey(k city.Kind, r *city.Reading, now time.Time, stale time.Duration) string {
	if r == nil {
		return "ohne-daten"
	}
	if stale > 0 && now.Sub(r.Time.At) > stale {
		if sudden(k) {
			return "unbekannt"
		}
		return "veraltet"
	}
	values := seen(k, r)
	switch {
	case len(values) == 0 && len(r.Faults) > 0:
		return "stoerung"
	case len(values) == 0:
		return "unbekannt"
	}
	q := values[0].Quantity
	return band(q, shown(q, values[0].Number))
}

// shown rounds a value as it is printed, so that "90,0 %" is never called less than 90.
func shown(q city.Quantity, v float64) float64 {
	p := math.Pow10(decimals(q))
	return math.Round(v*p) / p
}

func band(q city.Quantity, v float64) string {
	switch {
	case math.IsNaN(v):
		return "unbekannt"
	case q == city.FillLevel && v < 20:
		return "leer"
	case q == city.FillLevel && v < 75:
		return "teilgefuellt"
	case q == city.FillLevel && v < 90:
		return "fast-voll"
	case q == city.FillLevel:
		return "voll"
	case q == city.SoilMoisture && v < 15:
		return "trocken"
	case q == city.SoilMoisture && v < 35:
		return "feucht"
	case q == city.SoilMoisture:
		return "nass"
	case q == city.Occupied && v == 0:
		return "frei"
	case q == city.Occupied:
		return "belegt"
	case q == city.DoorOpen && v == 0:
		return "geschlossen"
	case q == city.DoorOpen:
		return "offen"
	case q == city.Leak && v != 0:
		return "wasser"
	}
	return "meldet"
}
