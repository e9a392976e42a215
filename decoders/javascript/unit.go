package javascript

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"meldefunk/city"
)

// unit is one way to give a quantity: what comes times factor, plus offset, is in the
// quantity's own unit.
type unit struct{ factor, offset float64 }

// units lists, for the unit a quantity has here, the units that codecs use for it.
// Spellings are compared in lower case, with the micro sign as "u" and without the degree
// sign.
func units(own string) map[string]unit {
	same := unit{factor: 1}
	switch own {
	case "°C":
		return map[string]unit{"c": same, "f": {5. / 9, -32 * 5. / 9}, "k": {1, -273.15}}
	case "V":
		return map[string]unit{"v": same, "mv": {factor: 1e-3}}
	case "mV":
		return map[string]unit{"mv": same, "v": {factor: 1e3}}
	case "mm":
		return map[string]unit{"mm": same, "cm": {factor: 10}, "dm": {factor: 100}, "m": {factor: 1000}}
	case "%":
		return map[string]unit{"%": same, "fraction": {factor: 100}, "m3/m3": {factor: 100}, "m³/m³": {factor: 100}}
	case "kPa":
		return map[string]unit{"kpa": same, "pa": {factor: 1e-3}, "hpa": {factor: 0.1}, "mbar": {factor: 0.1}, "bar": {factor: 100}, "cbar": same}
	case "hPa":
		return map[string]unit{"hpa": same, "mbar": same, "pa": {factor: 0.01}, "kpa": {factor: 10}}
	case "bar":
		return map[string]unit{"bar": same, "mbar": {factor: 1e-3}, "kpa": {factor: 0.01}, "hpa": {factor: 1e-3}}
	case "µS/cm":
		return map[string]unit{"us/cm": same, "ms/cm": {factor: 1000}, "ds/m": {factor: 1000}}
	}
	return map[string]unit{spelling(own): same}
}

// spelling makes equal what means the same.
func spelling(s string) string {
	s = strings.NewReplacer("°", "", "µ", "u", "μ", "u", " ", "").Replace(strings.ToLower(strings.TrimSpace(s)))
	if s == "pct" || s == "percent" {
		return "%"
	}
	return s
}

// unitNames lists the units that can be given for a quantity, for messages.
func unitNames(q city.Quantity) []string {
	var names []string
	for name := range units(q.Unit()) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Numbers as codecs write them into texts: "19.57", "2799 mm", "-3.5°C".
var numberText = regexp.MustCompile(`^([+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)\s*([^0-9\s.,+-]\S{0,9})?$`)

// split reads a number and the unit behind it, "" where there is none.
func split(s string) (float64, string, bool) {
	if len(s) > 60 {
		return 0, "", false
	}
	m := numberText.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, "", false
	}
	n, err := strconv.ParseFloat(m[1], 64)
	return n, m[2], err == nil
}

// number gives the field's value in the quantity's unit.
func (f *Field) number(v any) (float64, error) {
	if f.Quantity.Boolean() {
		return f.yesOrNo(v)
	}
	unitName := f.Unit
	var n float64
	switch v := v.(type) {
	case float64:
		n = v
	case string:
		number, own, ok := split(v)
		if !ok {
			return 0, fmt.Errorf("%.40q is no number: map it to a fault if it means one", v)
		}
		n = number
		if own != "" {
			unitName = own // the device knows better than the mapping
		}
	default:
		return 0, fmt.Errorf("is %s: want a number", kindOf(v))
	}
	if unitName == "" {
		unitName = f.Quantity.Unit()
	}
	u, ok := units(f.Quantity.Unit())[spelling(unitName)]
	if !ok {
		return 0, fmt.Errorf("unit %.20q: want one of %v", unitName, unitNames(f.Quantity))
	}
	n = n*u.factor + u.offset
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, errors.New("is beyond all numbers")
	}
	return n, nil
}

// yesOrNo gives 1 or 0. The mapping's words go before the usual ones.
func (f *Field) yesOrNo(v any) (float64, error) {
	word := plain(v)
	for _, meaning := range []struct {
		words  []string
		number float64
	}{
		{f.Yes, 1},
		{f.No, 0},
		{[]string{"true", "1", "yes", "on", "occupied"}, 1},
		{[]string{"false", "0", "no", "off", "free", "vacant"}, 0},
	} {
		for _, w := range meaning.words {
			if strings.EqualFold(strings.TrimSpace(w), word) {
				return meaning.number, nil
			}
		}
	}
	return 0, fmt.Errorf("%.40q is neither yes nor no: add it to the mapping", word)
}

// fault tells whether v is one of the codes for a fault.
func (f *Field) fault(v any) (city.Fault, bool) {
	for _, c := range f.Faults {
		if c.matches(v) {
			return c.Fault, true
		}
	}
	return "", false
}

func (c *FaultCode) matches(v any) bool {
	word := plain(v)
	if strings.EqualFold(strings.TrimSpace(c.Value), word) {
		return true
	}
	want, unitName, ok := split(c.Value)
	if !ok || unitName != "" {
		return false
	}
	got, _, ok := split(word) // "20 mm" is the code 20
	return ok && got == want
}

// plain writes a value as people do; "" for what is no single value.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	}
	return "an object"
}
