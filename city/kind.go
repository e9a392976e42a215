package city

import "fmt"

// Kind says what sort of thing an asset is, and with it what its readings are about.
type Kind uint8

// The kinds of assets.
const (
	KindUnknown Kind = iota
	Bin              // waste bin, container: fill level
	Soil             // tree, lawn, bed: moisture of the soil
	Parking          // one bay: occupied or free
	Level            // river, basin, shaft, cellar: water
	Weather          // weather station
	Air              // quality of the air
	People           // people or vehicles that pass
	Door             // door, lid, gate: open or shut
	Tracker          // something that moves: position
	Light            // street lamp
	Meter            // water, heat, electricity
	kindCount
)

var kindNames = [kindCount]string{"unknown", "bin", "soil", "parking", "level", "weather", "air", "people", "door", "tracker", "light", "meter"}

// Kinds lists every kind an asset can have. Inventory, rules and board have words for each
// of them; their tests fail for a kind without.
func Kinds() []Kind {
	all := make([]Kind, 0, kindCount-1)
	for k := KindUnknown + 1; k < kindCount; k++ {
		all = append(all, k)
	}
	return all
}

func (k Kind) String() string {
	if k < kindCount {
		return kindNames[k]
	}
	return kindNames[KindUnknown]
}

// ParseKind reads a name as String gives it, of a kind that Kinds lists.
func ParseKind(s string) (Kind, error) {
	for _, k := range Kinds() {
		if s == k.String() {
			return k, nil
		}
	}
	return KindUnknown, fmt.Errorf("unknown kind %.40q: want one of %v", s, Kinds())
}

// UnmarshalText reads what ParseKind reads.
func (k *Kind) UnmarshalText(b []byte) error {
	v, err := ParseKind(string(b))
	if err != nil {
		return err
	}
	*k = v
	return nil
}

// MarshalText gives the name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// OnChange tells whether the sensors of assets of this kind send when something happens,
// and not in a period: the time between two of their frames says nothing about the next.
func (k Kind) OnChange() bool { return k == Parking || k == Door || k == People || k == Tracker }

// German is the kind as people read it.
func (k Kind) German() string {
	switch k {
	case Bin:
		return "Behälter"
	case Soil:
		return "Boden"
	case Parking:
		return "Stellplatz"
	case Level:
		return "Wasserstand"
	case Weather:
		return "Wetterstation"
	case Air:
		return "Luftgüte"
	case People:
		return "Zählstelle"
	case Door:
		return "Tür oder Klappe"
	case Tracker:
		return "Fahrzeug"
	case Light:
		return "Leuchte"
	case Meter:
		return "Zähler"
	}
	return "unbekannt"
}
