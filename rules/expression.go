package rules

import (
	"math"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/rules/calendar"
	"meldefunk/rules/expr"
)

// Expression is a condition written in the language of package expr, for what no other signal
// can say.
type Expression struct {
	Condition *expr.Condition
	Quantity  city.Quantity      // whose value is shown as the deciding one; 0: of none
	Calendar  *calendar.Calendar // knows the holidays; nil: there are none
}

// String is the expression as it was written.
func (e Expression) String() string {
	return "expr " + strings.Join(strings.Fields(e.Condition.Text()), " ")
}

// Needs is what the expression looks at.
func (e Expression) Needs() Needs {
	n := Needs{Quantities: e.Condition.Quantities(), Faults: e.Condition.Faults()}
	if e.Quantity != city.QuantityUnknown {
		n.Quantities = append(n.Quantities, e.Quantity)
	}
	return n
}

// Eval gives the answer of the expression.
func (e Expression) Eval(v *View) Outcome { return e.eval(v, 0) }

// Explain tells every part of the expression.
func (e Expression) Explain(v *View) []city.Part { return e.explain(v, 0) }

// LimitedExpression is an Expression that has a limit, by the name of limit.
type LimitedExpression struct {
	Expression
	Value float64
}

// String names the limit as well.
func (e LimitedExpression) String() string {
	return e.Expression.String() + ", limit " + number(e.Value)
}

// Limit is what the expression calls limit.
func (e LimitedExpression) Limit() float64 { return e.Value }

// WithLimit is the same with another limit.
func (e LimitedExpression) WithLimit(limit float64) Signal { e.Value = limit; return e }

// Eval gives the answer of the expression.
func (e LimitedExpression) Eval(v *View) Outcome { return e.eval(v, e.Value) }

// Explain tells every part of the expression.
func (e LimitedExpression) Explain(v *View) []city.Part { return e.explain(v, e.Value) }

func (e *Expression) eval(v *View, limit float64) Outcome {
	o := Outcome{Quantity: e.Quantity, Limit: limit}
	if e.Quantity != city.QuantityUnknown {
		o.Value, _, _ = v.Last(e.Quantity)
	}
	if yes, known := e.Condition.Eval(expressionView{v, e, limit}); known {
		o.Truth = city.Known(yes)
	}
	return o
}

func (e *Expression) explain(v *View, limit float64) []city.Part {
	var parts []city.Part
	for _, p := range e.Condition.Parts(expressionView{v, e, limit}) {
		part := city.Part{Text: p.Text, Value: "unknown"}
		switch {
		case p.Boolean && p.Known:
			part.Value = amount(p.Number, city.Occupied) // any yes-or-no
			part.Truth = city.Known(p.Number != 0).String()
		case p.Boolean:
			part.Truth = city.Unknown.String()
		case p.Known:
			part.Value = amount(rounded(p.Number), p.Quantity)
		}
		parts = append(parts, part)
	}
	return parts
}

// expressionView is a View as expressions see it.
type expressionView struct {
	*View
	e     *Expression
	limit float64
}

func (v expressionView) Limit() float64 { return v.limit }

func (v expressionView) Holiday() string {
	if v.e.Calendar == nil {
		return ""
	}
	return v.e.Calendar.Holiday(v.Time())
}

func (v expressionView) Fault(f city.Fault) bool {
	if f == "" {
		return len(v.Faults(0)) > 0
	}
	return v.Has(f)
}

func (v expressionView) Previous(q city.Quantity) (float64, bool) {
	seen := false
	for back := 0; back < v.Len(); back++ {
		if value, measured := v.Value(back, q); measured {
			if seen {
				return value, true
			}
			seen = true
		}
	}
	return 0, false
}

func (v expressionView) Slope(q city.Quantity) (float64, bool) {
	var l line
	l.gather(v.View, q, math.MaxInt64)
	return l.slope(), l.n >= 3
}

func (v expressionView) Rise(q city.Quantity, within time.Duration) (float64, bool) {
	o := Change{Quantity: q, By: 1, Within: within}.Eval(v.View)
	return math.Max(o.Value, 0), o.Truth != city.Unknown
}

func (v expressionView) Fall(q city.Quantity, within time.Duration) (float64, bool) {
	o := Change{Quantity: q, By: -1, Within: within}.Eval(v.View)
	return math.Max(-o.Value, 0), o.Truth != city.Unknown
}
