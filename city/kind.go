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
)

var kindNames = [...]string{"unknown", "bin", "soil", "parking", "level", "weather", "air", "people", "door", "tracker", "light", "meter"}

// Kinds lists every kind an asset can have. Inventory, rules and board need a word for each
// of them; the kinds after Parking are known by sensor models only, until they have one.
func Kinds() []Kind { return []Kind{Bin, Soil, Parking} }

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// ParseKind reads "bin", "soil" or "parking".
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
