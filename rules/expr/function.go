package expr

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"

	"meldefunk/city"
)

// argument is what a function wants at a place.
type argument uint8

const (
	anyQuantity argument = iota // fill_level
	measured                    // a quantity that is no yes-or-no
	span                        // "1h"
	faultName                   // "no_echo"
	limit                       // a number, computed if need be
)

// function is one that expressions may call. What stands between its brackets is not computed
// beforehand, because a name there means the quantity and not its value in the sample at hand:
// the call is rewritten to an internal one with the number of the quantity (unsigned, as nobody writes numbers) in place
// of its name.
type function struct {
	name  string
	args  []argument
	like  string    // how it is used
	gives *cel.Type // nil: what the quantity is, a number or yes or no
	call  func(s *scene, args []ref.Val) ref.Val
}

var functions = []function{
	{"last", []argument{anyQuantity}, "last(battery_level)", nil, func(s *scene, args []ref.Val) ref.Val {
		q := asQuantity(args[0])
		value, _, ok := s.v.Last(q)
		return asValue(q, value, ok)
	}},
	{"previous", []argument{anyQuantity}, "previous(fill_level)", nil, func(s *scene, args []ref.Val) ref.Val {
		q := asQuantity(args[0])
		value, ok := s.v.Previous(q)
		return asValue(q, value, ok)
	}},
	{"age", []argument{anyQuantity}, "age(battery_level)", cel.DoubleType, func(s *scene, args []ref.Val) ref.Val {
		_, age, ok := s.v.Last(asQuantity(args[0]))
		return asNumber(age.Hours(), ok)
	}},
	{"rate", []argument{measured, span}, `rate(fill_level, "2h")`, cel.DoubleType, func(s *scene, args []ref.Val) ref.Val {
		return asNumber(s.v.Rate(asQuantity(args[0]), asSpan(args[1])))
	}},
	{"rise", []argument{measured, span}, `rise(fill_level, "2h")`, cel.DoubleType, func(s *scene, args []ref.Val) ref.Val {
		return asNumber(s.v.Rise(asQuantity(args[0]), asSpan(args[1])))
	}},
	{"fall", []argument{measured, span}, `fall(fill_level, "2h")`, cel.DoubleType, func(s *scene, args []ref.Val) ref.Val {
		return asNumber(s.v.Fall(asQuantity(args[0]), asSpan(args[1])))
	}},
	{"slope", []argument{measured}, "slope(fill_level)", cel.DoubleType, func(s *scene, args []ref.Val) ref.Val {
		return asNumber(s.v.Slope(asQuantity(args[0])))
	}},
	{"hours_to", []argument{measured, limit}, "hours_to(fill_level, 100)", cel.DoubleType, func(s *scene, args []ref.Val) ref.Val {
		return asNumber(s.v.HoursTo(asQuantity(args[0]), float64(args[1].(types.Double))))
	}},
	{"fault", []argument{faultName}, `fault("no_echo")`, cel.BoolType, func(s *scene, args []ref.Val) ref.Val {
		return types.Bool(s.v.Fault(city.Fault(args[0].(types.String))))
	}},
	{"is_holiday", nil, "is_holiday()", cel.BoolType, func(s *scene, _ []ref.Val) ref.Val {
		return types.Bool(s.v.Holiday() != "")
	}},
	{"hour", nil, "hour()", cel.DoubleType, func(s *scene, _ []ref.Val) ref.Val {
		at := s.v.Time().In(s.c.zone)
		return types.Double(float64(at.Hour()) + float64(at.Minute())/60)
	}},
	{"weekday", nil, "weekday()", cel.DoubleType, func(s *scene, _ []ref.Val) ref.Val {
		return types.Double((s.v.Time().In(s.c.zone).Weekday()+6)%7 + 1)
	}},
	{"month", nil, "month()", cel.DoubleType, func(s *scene, _ []ref.Val) ref.Val {
		return types.Double(s.v.Time().In(s.c.zone).Month())
	}},
}

var errUnknown = errors.New("not known")

func asNumber(value float64, ok bool) ref.Val {
	if !ok || math.IsNaN(value) {
		return types.WrapErr(errUnknown)
	}
	return types.Double(value)
}

func asValue(q city.Quantity, value float64, ok bool) ref.Val {
	if ok && q.Boolean() {
		return types.Bool(value != 0)
	}
	return asNumber(value, ok)
}

func asQuantity(v ref.Val) city.Quantity { return city.Quantity(v.(types.Uint)) }
func asSpan(v ref.Val) time.Duration     { return time.Duration(v.(types.Uint)) }

// internal is the name under which a call is carried out. Nobody can write it.
func (f *function) internal(gives *cel.Type) string {
	if gives == cel.BoolType {
		return "@" + f.name + "_yes"
	}
	return "@" + f.name
}

// declare gives the language the internal functions.
func (f *function) declare() []cel.EnvOption {
	kinds := []*cel.Type{f.gives}
	if f.gives == nil {
		kinds = []*cel.Type{cel.DoubleType, cel.BoolType}
	}
	var all []cel.EnvOption
	for _, gives := range kinds {
		name, args := f.internal(gives), []*cel.Type{sceneType}
		for _, a := range f.args {
			switch a {
			case faultName:
				args = append(args, cel.StringType)
			case limit:
				args = append(args, cel.DoubleType)
			default:
				args = append(args, cel.UintType)
			}
		}
		all = append(all, cel.Function(name, cel.Overload(name+"_with_scene", args, gives, cel.FunctionBinding(func(values ...ref.Val) ref.Val {
			return f.call(values[0].(*scene), values[1:])
		}))))
	}
	return all
}

// macro rewrites calls of the function; used notes what they look at.
func (f *function) macro(e *Env, used func(city.Quantity, bool)) cel.Macro {
	return cel.GlobalVarArgMacro(f.name, func(eh parser.ExprHelper, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
		// fault() without a name is any fault.
		if f.name == "fault" && len(args) == 0 {
			args = []ast.Expr{eh.NewLiteral(types.String(""))}
		}
		if len(args) != len(f.args) {
			return nil, &common.Error{Message: fmt.Sprintf("%s: has %d arguments: want %d, like %s", f.name, len(args), len(f.args), f.like)}
		}
		gives, values := f.gives, []ast.Expr{eh.NewIdent(viewName)}
		for i, a := range f.args {
			value, q, text := a.read(eh, e, args[i])
			if text != "" {
				return nil, eh.NewError(args[i].ID(), fmt.Sprintf("%s: %s, like %s", f.name, text, f.like))
			}
			if q != 0 {
				used(q, false)
				if gives == nil && q.Boolean() {
					gives = cel.BoolType
				}
			}
			if a == faultName {
				used(0, true)
			}
			values = append(values, value)
		}
		return eh.NewCall(f.internal(gives), values...), nil
	})
}

// read turns what was written at a place into what the internal function takes; a text says
// what is wrong with it.
func (a argument) read(eh parser.ExprHelper, e *Env, arg ast.Expr) (value ast.Expr, q city.Quantity, wrong string) {
	switch a {
	case anyQuantity, measured:
		if arg.Kind() != ast.IdentKind {
			return nil, 0, "wants the name of a quantity"
		}
		for _, q := range e.Quantities {
			if q.String() != arg.AsIdent() {
				continue
			}
			if a == measured && q.Boolean() {
				return nil, 0, fmt.Sprintf("wants a number, and %s is yes or no", q)
			}
			return eh.NewLiteral(types.Uint(q)), q, ""
		}
		return nil, 0, e.unknownName(arg.AsIdent())
	case span:
		text, ok := literal[types.String](arg)
		if !ok {
			return nil, 0, `wants a span of time in quotes, "2h"`
		}
		over, err := e.Span(string(text))
		if err != nil {
			return nil, 0, err.Error()
		}
		if over <= 0 {
			return nil, 0, "wants a span of time above 0"
		}
		return eh.NewLiteral(types.Uint(over)), 0, ""
	case faultName:
		text, ok := literal[types.String](arg)
		if name := city.Fault(text); !ok || name != "" && !slices.Contains(city.Faults(), name) {
			return nil, 0, fmt.Sprintf("wants a fault in quotes, one of %v%s", city.Faults(), meantFault(string(text), e))
		}
		return arg, 0, ""
	}
	return arg, 0, ""
}

func meantFault(text string, e *Env) string {
	names := make([]string, len(city.Faults()))
	for i, f := range city.Faults() {
		names[i] = string(f)
	}
	return e.Meant(strings.ToLower(text), names)
}

func literal[T ref.Val](arg ast.Expr) (value T, ok bool) {
	if arg.Kind() != ast.LiteralKind {
		return value, false
	}
	value, ok = arg.AsLiteral().(T)
	return value, ok
}
