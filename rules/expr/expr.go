// Package expr judges conditions that are written as expressions (CEL): types are checked and the
// cost is bounded when a rule is loaded; what was not measured makes the answer unknown, unless
// the rest decides it. It does not know where values come from, and nothing of rules.
package expr

import (
	"reflect"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"meldefunk/city"
)

// View is what an expression gets to see: one asset at the moment of one sample. Numbers are in
// the unit of their quantity, yes or no is 1 or 0. false beside a number: not known.
type View interface {
	Time() time.Time                                            // event time of the sample
	Value(back int, q city.Quantity) (float64, bool)            // in the sample, or one so many before it
	Last(q city.Quantity) (float64, time.Duration, bool)        // newest known, and how old it is
	Previous(q city.Quantity) (float64, bool)                   // known before the newest
	Rate(q city.Quantity, over time.Duration) (float64, bool)   // change per hour within the span
	Slope(q city.Quantity) (float64, bool)                      // change per hour in all samples in sight
	Rise(q city.Quantity, within time.Duration) (float64, bool) // above the lowest value within the span
	Fall(q city.Quantity, within time.Duration) (float64, bool) // below the highest
	HoursTo(q city.Quantity, limit float64) (float64, bool)     // +Inf: not going there
	Fault(f city.Fault) bool                                    // the sample reports it; "": any fault
	Holiday() string                                            // name of the holiday, "" if there is none
	Limit() float64                                             // that the rule declares, as it holds for the asset
}

// Condition is an expression that answers with yes or no. It does not change and may be used by
// several goroutines.
type Condition struct {
	text   string
	names  map[string]city.Quantity // 0: the limit
	zone   *time.Location
	quick  cel.Program
	record cel.Program // keeps what every part came to
	parts  []part

	quantities []city.Quantity
	faults     bool
}

// Text is the expression as it was written.
func (c *Condition) Text() string { return c.text }

// Quantities lists what the expression looks at.
func (c *Condition) Quantities() []city.Quantity {
	return append([]city.Quantity(nil), c.quantities...)
}

// Faults tells whether the expression looks at what sensors report about themselves.
func (c *Condition) Faults() bool { return c.faults }

// Eval gives the answer, and whether there is one: not, if it hangs on something that was not
// measured, or cannot be computed.
func (c *Condition) Eval(v View) (yes, known bool) {
	out, _, err := c.quick.Eval(&scene{c, v})
	if err != nil {
		return false, false
	}
	answer, known := out.(types.Bool)
	return bool(answer), known
}

// scene is a condition and what it looks at, as the expression sees it.
type scene struct {
	c *Condition
	v View
}

// viewName is the name under which functions find the scene; nobody can write it.
const viewName = "@view"

// ResolveName gives the value of a name; false: not known.
func (s *scene) ResolveName(name string) (any, bool) {
	if name == viewName {
		return s, true
	}
	q, ok := s.c.names[name]
	if !ok {
		return nil, false
	}
	if q == 0 {
		return types.Double(s.v.Limit()), true
	}
	value, ok := s.v.Value(0, q)
	if q.Boolean() {
		return types.Bool(value != 0), ok
	}
	return types.Double(value), ok
}

// Parent is none.
func (s *scene) Parent() cel.Activation { return nil }

var sceneType = cel.OpaqueType("view")

// The scene is handed to functions as a value of the language, which asks for these.

// ConvertToNative does nothing: nobody can write an expression that asks for it.
func (s *scene) ConvertToNative(reflect.Type) (any, error) { return s, nil }

// ConvertToType does nothing likewise.
func (s *scene) ConvertToType(ref.Type) ref.Val { return s }

// Equal tells whether it is the same scene.
func (s *scene) Equal(other ref.Val) ref.Val { return types.Bool(s == other) }

// Type is the type of scenes.
func (s *scene) Type() ref.Type { return sceneType }

// Value is the scene itself.
func (s *scene) Value() any { return s }
