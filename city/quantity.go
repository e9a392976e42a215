package city

import "fmt"

// Quantity is something a device measures. Its unit is part of its meaning: a value is
// always in Unit(), whatever the device sent.
type Quantity uint8

// The quantities. Ranges are those of Range.
const (
	QuantityUnknown Quantity = iota
	FillLevel                // % of the asset's usable height, from calibration
	Distance                 // mm from sensor to contents
	Tilt                     // bool: the sensor does not hang upright
	SoilMoisture             // % volumetric water content
	SoilTemperature          // °C
	Conductivity             // µS/cm
	Occupied                 // bool: a vehicle stands in the bay
	Temperature              // °C at the device
	BatteryVoltage           // V
	BatteryLevel             // %
	quantityCount
)

type quantityFacts struct {
	name, unit string
	min, max   float64
	boolean    bool
}

// Ranges are physical limits with room for real devices, not alarm thresholds: a value
// outside means that the frame was misread or the probe is broken.
var quantities = [quantityCount]quantityFacts{
	QuantityUnknown: {name: "unknown"},
	FillLevel:       {name: "fill_level", unit: "%", min: 0, max: 100},
	Distance:        {name: "distance", unit: "mm", min: 0, max: 50_000},
	Tilt:            {name: "tilt", max: 1, boolean: true},
	SoilMoisture:    {name: "soil_moisture", unit: "%", min: 0, max: 100},
	SoilTemperature: {name: "soil_temperature", unit: "°C", min: -50, max: 90},
	Conductivity:    {name: "conductivity", unit: "µS/cm", min: 0, max: 65_000},
	Occupied:        {name: "occupied", max: 1, boolean: true},
	Temperature:     {name: "temperature", unit: "°C", min: -60, max: 125},
	BatteryVoltage:  {name: "battery_voltage", unit: "V", min: 0, max: 60},
	BatteryLevel:    {name: "battery_level", unit: "%", min: 0, max: 100},
}

// Quantities lists every quantity.
func Quantities() []Quantity {
	all := make([]Quantity, 0, quantityCount-1)
	for q := QuantityUnknown + 1; q < quantityCount; q++ {
		all = append(all, q)
	}
	return all
}

func (q Quantity) facts() quantityFacts {
	if q >= quantityCount {
		return quantities[QuantityUnknown]
	}
	return quantities[q]
}

// String is the quantity's name in configuration, storage and metrics.
func (q Quantity) String() string { return q.facts().name }

// Unit is the unit as people write it, or "" for yes-or-no and dimensionless quantities.
func (q Quantity) Unit() string { return q.facts().unit }

// Boolean tells whether the value is yes or no, carried as 1 or 0.
func (q Quantity) Boolean() bool { return q.facts().boolean }

// Range gives the physically possible values, both ends included, in Unit().
func (q Quantity) Range() (min, max float64) { f := q.facts(); return f.min, f.max }

// ParseQuantity reads a name as String gives it.
func ParseQuantity(s string) (Quantity, error) {
	for _, q := range Quantities() {
		if s == q.String() {
			return q, nil
		}
	}
	return QuantityUnknown, fmt.Errorf("unknown quantity %.40q: want one of %v", s, Quantities())
}

// UnmarshalText reads what ParseQuantity reads.
func (q *Quantity) UnmarshalText(b []byte) error {
	v, err := ParseQuantity(string(b))
	if err != nil {
		return err
	}
	*q = v
	return nil
}

// MarshalText gives the name.
func (q Quantity) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// Value is one measured quantity. Zero is a value like any other: what was not measured
// is absent from a reading, never 0.
type Value struct {
	Quantity Quantity
	Number   float64 // in Quantity.Unit(); 1 or 0 where Quantity.Boolean()
}

// Bool makes the number of a yes-or-no quantity.
func Bool(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
