package city

import "testing"

// Every quantity can be written, read back and judged; two of the same name would be one in
// every store.
func TestQuantities(t *testing.T) {
	all := Quantities()
	if len(all) != int(quantityCount)-1 {
		t.Errorf("%d quantities, want %d", len(all), quantityCount-1)
	}
	names := make(map[string]bool)
	for _, q := range all {
		name := q.String()
		if name == "" || names[name] {
			t.Errorf("quantity %d: name %q is empty or taken", q, name)
		}
		names[name] = true
		lowest, highest := q.Range()
		if !(lowest < highest) || q.Boolean() && (lowest != 0 || highest != 1 || q.Unit() != "") {
			t.Errorf("%s: from %v to %v %s, boolean %v", name, lowest, highest, q.Unit(), q.Boolean())
		}
		if back, err := ParseQuantity(name); err != nil || back != q {
			t.Errorf("%s reads back as %v, %v", name, back, err)
		}
	}
	if _, err := ParseQuantity("unknown"); err == nil {
		t.Error(`"unknown" is read as a quantity`)
	}
	if beyond := quantityCount; beyond.String() != "unknown" {
		t.Errorf("beyond the last quantity: %s", beyond)
	}
}

func TestShape(t *testing.T) {
	for s := Linear; s <= Table; s++ {
		var back Shape
		if err := back.UnmarshalText([]byte(s.String())); err != nil || back != s {
			t.Errorf("%s reads back as %s, %v", s, back, err)
		}
	}
	var s Shape
	if err := s.UnmarshalText([]byte("cube")); err == nil {
		t.Error("a cube is read as a shape")
	}
	if (Table + 1).String() != "unknown" {
		t.Errorf("beyond the last shape: %s", Table+1)
	}
}

func TestSoilOfType(t *testing.T) {
	for _, name := range SoilTypes() {
		c, err := SoilOfType(name)
		if err != nil || !(c.WiltingPoint > 0 && c.WiltingPoint < c.FieldCapacity && c.FieldCapacity < 100) {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	for name, want := range map[string]SoilCalibration{
		"Ss":  {FieldCapacity: 12, WiltingPoint: 3},
		"uls": {FieldCapacity: 29, WiltingPoint: 11},
		"Tt":  {FieldCapacity: 41, WiltingPoint: 34},
	} {
		if got, err := SoilOfType(name); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
	}
	if _, err := SoilOfType("Humus"); err == nil {
		t.Error("humus is read as a soil type")
	}
}
