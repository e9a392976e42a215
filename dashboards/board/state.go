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
// The soil bands are coarse on purpose: what is dry for a tree depends on the soil type,
// which is not known here.
func states() []state {
	return []state{
		{"voll", "voll", "●", 0},
		{"fast-voll", "fast voll", "◕", 2},
		{"teilgefuellt", "teilgefüllt", "◑", 6},
		{"leer", "leer", "○", 7},
		{"trocken", "trocken", "▽", 1},
		{"feucht", "feucht", "◇", 7},
		{"nass", "nass", "▲", 6},
		{"belegt", "belegt", "■", 6},
		{"frei", "frei", "□", 7},
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

// mainQuantity is what an asset of a kind is looked at for.
func mainQuantity(k city.Kind) city.Quantity {
	switch k {
	case city.Bin:
		return city.FillLevel
	case city.Soil:
		return city.SoilMoisture
	case city.Parking:
		return city.Occupied
	}
	return city.QuantityUnknown
}

// stateKey judges a reading for display; r is nil where nothing was heard yet. A bay
// that was not heard for long is unknown, as in the city's open data; a bin or a tree
// changes slowly, so its last value is worth showing as outdated.
func stateKey(k city.Kind, r *city.Reading, now time.Time, stale time.Duration) string {
	if r == nil {
		return "ohne-daten"
	}
	if stale > 0 && now.Sub(r.Time.At) > stale {
		if k == city.Parking {
			return "unbekannt"
		}
		return "veraltet"
	}
	q := mainQuantity(k)
	v, ok := r.Value(q)
	switch {
	case !ok && len(r.Faults) > 0:
		return "stoerung"
	case !ok:
		return "unbekannt"
	}
	return band(k, shown(q, v))
}

// shown rounds a value as it is printed, so that "90,0 %" is never called less than 90.
func shown(q city.Quantity, v float64) float64 {
	p := math.Pow10(decimals(q))
	return math.Round(v*p) / p
}

func band(k city.Kind, v float64) string {
	switch {
	case math.IsNaN(v):
		return "unbekannt"
	case k == city.Bin && v < 20:
		return "leer"
	case k == city.Bin && v < 75:
		return "teilgefuellt"
	case k == city.Bin && v < 90:
		return "fast-voll"
	case k == city.Bin:
		return "voll"
	case k == city.Soil && v < 15:
		return "trocken"
	case k == city.Soil && v < 35:
		return "feucht"
	case k == city.Soil:
		return "nass"
	case k == city.Parking && v == 0:
		return "frei"
	case k == city.Parking:
		return "belegt"
	}
	return "unbekannt"
}
