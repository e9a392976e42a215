package javascript

import (
	"slices"
	"strings"

	"meldefunk/city"
)

// Mapping says what a codec's output means.
type Mapping struct {
	Ports  []uint8 // FPorts the model sends on; empty: any
	Fields []Field
}

// Field is one field of the output. Where several name the same quantity, the first one
// that is there counts: firmware versions call things by different names.
type Field struct {
	Path     string        // names from the outside in, with dots between them; list items by number, from 0
	Quantity city.Quantity // QuantityUnknown: the field carries faults only
	Unit     string        // what the codec gives it in; "": the quantity's own
	Yes, No  []string      // for yes-or-no quantities: words beside the usual ones
	Faults   []FaultCode
}

// FaultCode is a value with which a device says that it could not measure.
type FaultCode struct {
	Value string // a number, or a word in any case
	Fault city.Fault
}

// Result is what one uplink says.
type Result struct {
	Values   []city.Value   // in the quantity's unit and range, each quantity at most once
	Faults   []city.Fault   // each at most once
	Unmapped map[string]any // what the codec gave and no field is mapped to, JSON; nil for nothing
	Warnings []string       // the codec's, and what a value could not be read for

	Normalized any // what normalizeUplink made of it, JSON: a hint only
}

// Apply sorts a codec's output into values, faults and the rest. It takes data apart.
// Null is "not measured", as is a field that is not there.
func (m *Mapping) Apply(data map[string]any) Result {
	var r Result
	for i := range m.Fields {
		f := &m.Fields[i]
		v, found := pluck(data, f.Path)
		if !found || v == nil {
			continue
		}
		if fault, ok := f.fault(v); ok {
			r.addFault(fault)
			continue
		}
		if f.Quantity == city.QuantityUnknown || r.has(f.Quantity) {
			continue
		}
		n, err := f.number(v)
		if err != nil {
			r.addFault(city.FaultImplausible)
			r.Warnings = append(r.Warnings, clip(f.Path, maxText)+": "+err.Error())
			continue
		}
		if low, high := f.Quantity.Range(); n < low || n > high {
			r.addFault(city.FaultImplausible)
			continue
		}
		r.Values = append(r.Values, city.Value{Quantity: f.Quantity, Number: n})
	}
	if len(data) > 0 {
		r.Unmapped = data
	}
	return r
}

func (r *Result) addFault(f city.Fault) {
	if !slices.Contains(r.Faults, f) {
		r.Faults = append(r.Faults, f)
	}
}

func (r *Result) has(q city.Quantity) bool {
	return slices.ContainsFunc(r.Values, func(v city.Value) bool { return v.Quantity == q })
}

// pluck takes the value at path out of v. Names that contain dots are found too. Items stay
// in their list, or those behind would change their number; objects that become empty go.
func pluck(v any, path string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		if inner, ok := v[path]; ok {
			delete(v, path)
			return inner, true
		}
		for i := range path {
			if path[i] != '.' {
				continue
			}
			inner, ok := v[path[:i]]
			if !ok {
				continue
			}
			if found, ok := pluck(inner, path[i+1:]); ok {
				if m, isMap := inner.(map[string]any); isMap && len(m) == 0 {
					delete(v, path[:i])
				}
				return found, true
			}
		}
	case []any:
		item, rest, deeper := strings.Cut(path, ".")
		i, ok := index(item, len(v))
		if !ok {
			return nil, false
		}
		if deeper {
			return pluck(v[i], rest)
		}
		return v[i], true
	}
	return nil, false
}

// index reads an item's number below n.
func index(s string, n int) (int, bool) {
	if s == "" || len(s) > 6 {
		return 0, false
	}
	i := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		i = i*10 + int(c-'0')
	}
	return i, i < n
}
