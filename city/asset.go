package city

import "fmt"

// Asset is a thing of the city that a sensor watches: a bin, a tree, a parking bay.
type Asset struct {
	ID       string // the city's own number, "PK-0042"
	Kind     Kind
	Name     string // as people call it, "Papierkorb Domhof 4"
	Address  string
	Position *Position // nil: not surveyed
	District string
	Tour     string
	Owner    string            // who it belongs to, "Stadtwerke"; "": the city
	Species  string            // of a tree, "Tilia cordata"
	SoilType string            // German soil type, "Sl3"; what follows from it is in Soil
	Bin      *BinCalibration   // nil: fill level cannot be computed
	Soil     *SoilCalibration  // nil: usable field capacity cannot be computed
	Level    *LevelCalibration // nil: the water level cannot be computed from a distance
	Offsets  *Offsets          // nil: none
}

// Offsets correct what the sensors of one asset measure.
type Offsets struct {
	Values []Value // added to the measured numbers, each quantity at most once; not to yes-or-no
}

// Position is WGS 84, degrees.
type Position struct{ Lat, Lon float64 }

// BinCalibration turns distance into fill level. All lengths in mm, measured along the
// sensor's axis.
type BinCalibration struct {
	Empty  float64 // distance from the sensor to the empty container's bottom
	Full   float64 // distance at which the container counts as full, less than Empty
	Offset float64 // added to every measured distance: a sensor mounted deeper is positive

	Shape Shape // how the contents grow with their height; the zero value is Linear
	// Height is the inner diameter of a LyingCylinder or Sphere; 0: Empty - Full.
	Height float64
	// Strapping is what Shape Table goes by; Empty and Full are not used then.
	Strapping *StrappingTable
}

// LevelCalibration turns the distance from a sensor down to the water into the water level.
type LevelCalibration struct {
	Zero float64 // mm from the sensor down to the zero of the gauge, more than 0
}

// StrappingTable is a container's fill level as somebody measured it.
type StrappingTable struct {
	Points []LevelPoint // by rising Distance, at least two; in between in proportion
}

// LevelPoint is one line of a StrappingTable.
type LevelPoint struct {
	Distance float64 // mm, Offset included
	Level    float64 // fill level there, 0 to 100 %
}

// Shape says how the contents of a container grow with their height.
type Shape uint8

// The shapes.
const (
	Linear        Shape = iota // the same cross section everywhere
	LyingCylinder              // a tank on its side, flat ends
	Sphere                     // a round tank
	Table                      // as measured: BinCalibration.Strapping
)

var shapeNames = [...]string{"linear", "lying_cylinder", "sphere", "table"}

func (s Shape) String() string {
	if int(s) < len(shapeNames) {
		return shapeNames[s]
	}
	return "unknown"
}

// UnmarshalText reads a name as String gives it.
func (s *Shape) UnmarshalText(b []byte) error {
	for i, name := range shapeNames {
		if string(b) == name {
			*s = Shape(i)
			return nil
		}
	}
	return fmt.Errorf("unknown shape %.40q: want one of %v", b, shapeNames)
}

// MarshalText gives the name.
func (s Shape) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Device is a sensor: which model it is and on which asset it hangs.
type Device struct {
	DevEUI   EUI
	Model    string   // "milesight/em310-udl": the key of the decoder table
	Asset    string   // Asset.ID
	Server   string   // only this network server's messages count; "": any
	Firmware Firmware // zero: not told, and taken for the newest
}
