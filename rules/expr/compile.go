package expr

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"meldefunk/city"
)

const (
	maxText  = 2000 // characters of an expression
	maxDepth = 50   // brackets within brackets
	maxCost  = 1000 // of the language's own estimate; a comparison costs about 2
)

// limitName is what expressions call the limit that a rule declares.
const limitName = "limit"

// Env is what an expression may use.
type Env struct {
	Kind       string // of the assets, for messages
	Quantities []city.Quantity
	Limit      bool // the rule declares one: expressions call it limit
	Zone       *time.Location

	Span  func(text string) (time.Duration, error)   // reads "1h30m"
	Meant func(word string, allowed []string) string // the end of a message: which word was probably meant
}

// Problem is a mistake in an expression.
type Problem struct {
	Line   int // from 1
	Column int // from 1, in characters
	Text   string
}

// Compile checks an expression and makes it ready. Either there are problems, or a condition.
func Compile(text string, e Env) (*Condition, []Problem) {
	if n := len([]rune(text)); n > maxText {
		return nil, []Problem{{1, 1, fmt.Sprintf("has %d characters: want %d at most", n, maxText)}}
	}
	c := &Condition{text: text, zone: e.Zone, names: make(map[string]city.Quantity)}
	lang, err := e.language(c)
	if err != nil {
		return nil, []Problem{{1, 1, err.Error()}}
	}
	parsed, issues := lang.Parse(text)
	if issues.Err() != nil {
		return nil, e.problems(text, issues.Errors())
	}
	written := texts(parsed.NativeRep())
	decimal(parsed.NativeRep())
	checked, issues := lang.Check(parsed)
	if issues.Err() != nil {
		return nil, e.problems(text, issues.Errors())
	}
	if got := checked.OutputType(); got != cel.BoolType {
		return nil, []Problem{{1, 1, fmt.Sprintf("gives %s: want yes or no, so compare it with something", plain(got.String()))}}
	}
	cost, err := lang.EstimateCost(checked, nil)
	if err != nil {
		return nil, []Problem{{1, 1, err.Error()}}
	}
	if cost.Max > maxCost {
		return nil, []Problem{{1, 1, fmt.Sprintf("may cost %d steps: want %d at most, make it shorter", cost.Max, maxCost)}}
	}
	if c.quick, err = lang.Program(checked, cel.EvalOptions(cel.OptOptimize)); err != nil {
		return nil, []Problem{{1, 1, err.Error()}}
	}
	if c.record, err = lang.Program(checked, cel.EvalOptions(cel.OptExhaustiveEval)); err != nil {
		return nil, []Problem{{1, 1, err.Error()}}
	}
	c.take(checked.NativeRep(), written)
	return c, nil
}

// decimal makes every whole number that was written a decimal one: to the language 80 and 80.0
// are of different types, and fill_level >= 80, or full + 10, would be a mistake for want of ".0".
func decimal(a *ast.AST) {
	factory := ast.NewExprFactory()
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if whole, ok := literal[types.Int](e); ok {
			e.SetKindCase(factory.NewLiteral(e.ID(), types.Double(whole)))
		}
	}))
}

// language declares the names and functions that an expression may use.
func (e *Env) language(c *Condition) (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.ClearMacros(), // no loops
		cel.EnableMacroCallTracking(),
		cel.ParserRecursionLimit(maxDepth),
		cel.ParserExpressionSizeLimit(maxText),
		cel.Variable(viewName, sceneType),
	}
	for _, q := range e.Quantities {
		t := cel.DoubleType
		if q.Boolean() {
			t = cel.BoolType
		}
		options = append(options, cel.Variable(q.String(), t))
		c.names[q.String()] = q
	}
	if e.Limit {
		options = append(options, cel.Variable(limitName, cel.DoubleType))
		c.names[limitName] = 0
	}
	for i := range functions {
		options = append(options, functions[i].declare()...)
		options = append(options, cel.Macros(functions[i].macro(e, c.uses)))
	}
	return cel.NewEnv(options...)
}

// uses notes a quantity or that faults are looked at.
func (c *Condition) uses(q city.Quantity, fault bool) {
	if fault {
		c.faults = true
	} else if !slices.Contains(c.quantities, q) {
		c.quantities = append(c.quantities, q)
	}
}

func (e *Env) problems(text string, errs []*cel.Error) []Problem {
	var all []Problem
	for _, err := range errs {
		p := Problem{Line: 1, Column: 1, Text: e.explain(text, err.Message)}
		if err.Location != nil {
			p.Line, p.Column = max(err.Location.Line(), 1), max(err.Location.Column()+1, 1)
		}
		// One slip often makes several messages about the same place; the first one says it.
		if !slices.ContainsFunc(all, func(q Problem) bool { return q.Line == p.Line && q.Column == p.Column }) {
			all = append(all, p)
		}
	}
	return all
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	overload   = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'`)
	operator   = regexp.MustCompile(`^_?(\W+)_$`)
	words      = regexp.MustCompile(`(?i)\b(and|or|not|und|oder|nicht)\b`)
	unit       = regexp.MustCompile(`[0-9]\s*(%|°C|mm|V)\s*($|&&|\|\||\))`)
	single     = regexp.MustCompile(`[^=<>!]=[^=]`)
)

// explain says a message of the language in words of ours.
func (e *Env) explain(text, message string) string {
	if m := undeclared.FindStringSubmatch(message); m != nil {
		if f := strings.TrimPrefix(m[1], "@"); slices.Contains([]string{"all", "exists", "exists_one", "map", "filter"}, f) {
			return fmt.Sprintf("%s: loops are not allowed here", f)
		}
		return e.unknownName(m[1])
	}
	if m := overload.FindStringSubmatch(message); m != nil {
		name := m[1]
		if o := operator.FindStringSubmatch(name); o != nil {
			name = o[1]
		}
		types := strings.Split(strings.Trim(m[2], "()"), ", ")
		for i := range types {
			types[i] = plain(types[i])
		}
		hint := ""
		if slices.Contains(types, "yes or no") && !strings.ContainsAny(name, "&|!") {
			hint = "; yes or no is written as it is, like occupied or !occupied"
		}
		return fmt.Sprintf("%q does not go with %s%s", name, strings.Join(types, " and "), hint)
	}
	if syntax, ok := strings.CutPrefix(message, "Syntax error: "); ok {
		switch {
		case unit.MatchString(text):
			return "not understood: " + syntax + "; units are left out in expressions, fill_level is in % anyway"
		case words.MatchString(text):
			return "not understood: " + syntax + "; \"and\" is written &&, \"or\" ||, \"not\" !"
		case single.MatchString(text):
			return "not understood: " + syntax + "; \"equal\" is written =="
		}
		return "not understood: " + syntax
	}
	return message
}

// unknownName is the message for a name that nothing here has.
func (e *Env) unknownName(name string) string {
	if q, err := city.ParseQuantity(name); err == nil {
		return fmt.Sprintf("%s is not measured at assets of kind %s", q, e.Kind)
	}
	var names []string
	for _, q := range e.Quantities {
		names = append(names, q.String())
	}
	if name == limitName {
		return "limit is used, and the rule declares none: want a limit beside the expression, like limit: 85"
	}
	for i := range functions {
		names = append(names, functions[i].name)
	}
	hint := e.Meant(name, names)
	if hint == "" {
		hint = ": want a quantity of the kind, or one of the functions " + functionNames()
	}
	return fmt.Sprintf("unknown name %.40q%s", name, hint)
}

func functionNames() string {
	names := make([]string, len(functions))
	for i := range functions {
		names[i] = functions[i].name
	}
	return strings.Join(names, ", ")
}

// plain says a type of the language in plain words.
func plain(t string) string {
	switch t {
	case "bool":
		return "yes or no"
	case "double", "int", "uint":
		return "a number"
	case "string":
		return "a text"
	}
	return t
}
