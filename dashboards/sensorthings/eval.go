package sensorthings

import (
	"math"
	"time"
)

// env is where an expression is looked at: an entity, and the variables of lambdas.
type env struct {
	q     *query
	at    *entity
	bound map[string]*entity
}

// maxTuples bounds the combinations of many values that one function is tried with.
const maxTuples = 10_000

// holds tells whether a filter is true of an entity.
func (e env) holds(n node) (bool, error) {
	v, err := e.values(n)
	if err != nil {
		return false, err
	}
	for _, one := range v {
		if one == true {
			return true, nil
		}
	}
	return false, nil
}

// one gives the first value of an expression, for ordering.
func (e env) one(n node) (any, error) {
	v, err := e.values(n)
	if err != nil || len(v) == 0 {
		return nil, err
	}
	return v[0], nil
}

// values gives every value of an expression: a path over many entities has many. At least
// one, nil where there is none.
func (e env) values(n node) ([]any, error) {
	if err := e.q.step(1); err != nil {
		return nil, err
	}
	switch n := n.(type) {
	case *literal:
		return []any{n.value}, nil
	case *path:
		return e.path(n)
	case *negation:
		return e.negation(n)
	case *operation:
		return e.operation(n)
	case *lambda:
		return e.lambda(n)
	case *call:
		lists := make([][]any, len(n.args))
		for i, arg := range n.args {
			var err error
			if lists[i], err = e.values(arg); err != nil {
				return nil, err
			}
		}
		return e.call(n.fn, lists)
	}
	return nil, nil
}

// call applies a function to every combination of its arguments.
func (e env) call(fn *function, lists [][]any) ([]any, error) {
	total := 1
	for _, l := range lists {
		total *= len(l)
		if total > maxTuples {
			return nil, tooMuch("a function is applied to more than 10000 combinations: navigate over fewer entities")
		}
	}
	if err := e.q.step(total); err != nil {
		return nil, err
	}
	results := make([]any, 0, total)
	args := make([]any, len(lists))
	for i := range total {
		rest, missing := i, false
		for j, l := range lists {
			args[j] = l[rest%len(l)]
			rest /= len(l)
			missing = missing || args[j] == nil
		}
		if missing {
			results = append(results, nil)
			continue
		}
		results = append(results, fn.apply(e.q, args))
	}
	return results, e.q.step(0)
}

func (e env) negation(n *negation) ([]any, error) {
	if n.logical {
		ok, err := e.holds(n.of)
		return []any{!ok}, err
	}
	values, err := e.values(n.of)
	if err != nil {
		return nil, err
	}
	results := make([]any, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case float64:
			results[i] = -v
		case time.Duration:
			results[i] = -v
		}
	}
	return results, nil
}

func (e env) operation(n *operation) ([]any, error) {
	if n.op == "and" || n.op == "or" {
		ok, err := e.holds(n.left)
		if err == nil && ok == (n.op == "and") {
			ok, err = e.holds(n.right)
		}
		return []any{ok}, err
	}
	left, err := e.values(n.left)
	if err != nil {
		return nil, err
	}
	right, err := e.values(n.right)
	if err != nil {
		return nil, err
	}
	if err := e.q.step(len(left) * len(right)); err != nil {
		return nil, err
	}
	fromText := isText(n.left) || isText(n.right)
	var results []any
	for _, a := range left {
		for _, b := range right {
			switch n.op {
			case "add", "sub", "mul", "div", "mod":
				if len(results) == maxTuples {
					return nil, tooMuch("an operator is applied to more than 10000 combinations: navigate over fewer entities")
				}
				results = append(results, arithmetic(n.op, a, b))
			default:
				if compared(n.op, a, b, fromText) {
					return []any{true}, nil
				}
			}
		}
	}
	if results == nil {
		return []any{false}, nil
	}
	return results, nil
}

func isText(n node) bool {
	l, ok := n.(*literal)
	if !ok {
		return false
	}
	_, ok = l.value.(string)
	return ok
}

// compared: what is not there equals only null, and has no order. What cannot be compared is
// not equal, and also not unequal: "result ne 3" says nothing of results that are words.
func compared(op string, a, b any, fromText bool) bool {
	if a == nil || b == nil {
		return op == "eq" && a == b || op == "ne" && a != b
	}
	c, ok := compare(a, b, fromText)
	if !ok {
		return op == "ne" && isTime(a) && isTime(b) // spans that overlap
	}
	switch op {
	case "eq":
		return c == 0
	case "ne":
		return c != 0
	case "gt":
		return c > 0
	case "ge":
		return c >= 0
	case "lt":
		return c < 0
	}
	return c <= 0
}

// arithmetic knows numbers, and times and durations as far as it makes sense. Whole numbers
// are divided as numbers; what is divided by 0 is nothing.
func arithmetic(op string, a, b any) any {
	switch x := a.(type) {
	case float64:
		if y, ok := b.(float64); ok {
			return calculate(op, x, y)
		}
		if d, ok := b.(time.Duration); ok && op == "mul" {
			return stretch(d, x)
		}
	case time.Time:
		switch y := b.(type) {
		case time.Duration:
			if op == "sub" {
				y = -y
			}
			if t := x.Add(y); (op == "add" || op == "sub") && possible(t) {
				return t
			}
		case time.Time:
			if op == "sub" {
				return x.Sub(y)
			}
		}
	case time.Duration:
		switch y := b.(type) {
		case time.Duration:
			if op == "sub" {
				y = -y
			}
			if op == "add" || op == "sub" {
				return stretch(1, float64(x)+float64(y))
			}
		case time.Time:
			if t := y.Add(x); op == "add" && possible(t) {
				return t
			}
		case float64:
			switch op {
			case "mul":
				return stretch(x, y)
			case "div":
				return stretch(x, 1/y)
			}
		}
	}
	return nil
}

func stretch(d time.Duration, by float64) any {
	n := float64(d) * by
	if math.IsNaN(n) || math.Abs(n) > math.MaxInt64/2 {
		return nil
	}
	return time.Duration(n)
}

func calculate(op string, x, y float64) any {
	var n float64
	switch op {
	case "add":
		n = x + y
	case "sub":
		n = x - y
	case "mul":
		n = x * y
	case "div":
		n = x / y
	default:
		n = math.Mod(x, y)
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return nil
	}
	return n
}

// begin gives the entity that a path begins at and the first step after it.
func (e env) begin(p *path) (*entity, []step) {
	if p.bound != "" {
		return e.bound[p.bound], p.steps[1:]
	}
	return e.at, p.steps
}

func (e env) lambda(n *lambda) ([]any, error) {
	at, steps := e.begin(&n.over)
	found := false
	err := e.walk(at, steps, func(at *entity, _ []step) error {
		if found {
			return nil
		}
		bound := map[string]*entity{n.name: at}
		for name, b := range e.bound {
			if name != n.name {
				bound[name] = b
			}
		}
		ok, err := env{e.q, e.at, bound}.holds(n.body)
		found = found || ok
		return err
	})
	return []any{found}, err
}

func (e env) path(p *path) ([]any, error) {
	at, steps := e.begin(p)
	var found []any
	err := e.walk(at, steps, func(at *entity, rest []step) error {
		if len(found) == maxTuples {
			return tooMuch("a path leads to more than 10000 entities: begin nearer to what is looked for")
		}
		v, err := e.property(at, rest)
		found = append(found, v)
		return err
	})
	if len(found) == 0 {
		found = []any{nil}
	}
	return found, err
}

// walk goes along the navigations of a path and hands over every entity at their end, with
// the steps that are left.
func (e env) walk(at *entity, steps []step, do func(*entity, []step) error) error {
	if at == nil {
		return nil
	}
	if len(steps) == 0 {
		return do(at, steps)
	}
	l, ok := at.set.link(steps[0].name)
	if !ok {
		return do(at, steps)
	}
	if l.to == observations {
		return e.q.eachObservation(at, func(o *entity) error { return e.walk(o, steps[1:], do) })
	}
	next, err := at.fields.linked(e.q, l.name)
	if err != nil {
		return err
	}
	for _, n := range next {
		if err := e.q.step(1); err != nil {
			return err
		}
		if err := e.walk(n, steps[1:], do); err != nil {
			return err
		}
	}
	return nil
}

// property reads one, and into it.
func (e env) property(at *entity, steps []step) (any, error) {
	if len(steps) == 0 {
		return float64(at.id), nil
	}
	if isID(steps[0].name) {
		return float64(at.id), nil
	}
	if steps[0].name == "@iot.selfLink" {
		return e.q.self(at), nil
	}
	v, err := at.fields.get(e.q, steps[0].name)
	if err != nil {
		return nil, err
	}
	for _, s := range steps[1:] {
		v = inner(v, s.name)
	}
	return v, nil
}

// inner looks a name up in JSON.
func inner(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[name]
	case *geometry:
		return v.geoJSON()[name]
	}
	return nil
}
