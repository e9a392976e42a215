package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"meldefunk/city"
)

// Part is a part of an expression and what it came to.
type Part struct {
	Text     string
	Quantity city.Quantity // whose value it is; 0: of none
	Boolean  bool
	Number   float64 // 1 or 0 where Boolean
	Known    bool
}

// part is a part that people want to see: a name, a call, a comparison.
type part struct {
	id       int64
	text     string
	quantity city.Quantity
}

// texts gives every name and call as it was written, give or take spaces and brackets.
func texts(a *ast.AST) map[int64]string {
	all := make(map[int64]string)
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.IdentKind && e.Kind() != ast.CallKind {
			return
		}
		if text, err := cel.ExprToString(e, a.SourceInfo()); err == nil {
			all[e.ID()] = text
		}
	}))
	return all
}

// take notes the parts, the inner ones before those that are made of them, and the quantities.
func (c *Condition) take(a *ast.AST, written map[int64]string) {
	info := a.SourceInfo()
	var walk func(e ast.Expr)
	walk = func(e ast.Expr) {
		p := part{id: e.ID()}
		_, ours := info.GetMacroCall(e.ID())
		switch {
		case e.Kind() == ast.IdentKind:
			q, ok := c.names[e.AsIdent()]
			if !ok {
				return
			}
			if p.quantity = q; q != 0 {
				c.uses(q, false)
			}
		case e.Kind() == ast.CallKind:
			call := e.AsCall()
			if call.IsMemberFunction() {
				walk(call.Target())
			}
			for _, arg := range call.Args() {
				walk(arg)
			}
			if t := a.GetType(e.ID()); !ours && t != cel.BoolType {
				return // sums and the like: their ends are seen
			}
		default:
			return
		}
		if p.text = written[e.ID()]; p.text == "" {
			return // what cannot be written is not shown
		}
		c.parts = append(c.parts, p)
	}
	walk(a.Expr())
}

// Parts tells what every part of the expression comes to, the inner ones before those that are
// made of them, the whole last. It is slower than Eval.
func (c *Condition) Parts(v View) []Part {
	_, details, _ := c.record.Eval(&scene{c, v})
	all := make([]Part, 0, len(c.parts))
	seen := make(map[string]bool, len(c.parts))
	for _, p := range c.parts {
		if seen[p.text] {
			continue
		}
		seen[p.text] = true
		out := Part{Text: p.text, Quantity: p.quantity, Boolean: p.quantity.Boolean()}
		if details != nil && details.State() != nil {
			if value, ok := details.State().Value(p.id); ok {
				out.set(value)
			}
		}
		all = append(all, out)
	}
	return all
}

func (p *Part) set(value ref.Val) {
	switch value := value.(type) {
	case types.Bool:
		p.Boolean, p.Number, p.Known = true, city.Bool(bool(value)), true
	case types.Double:
		p.Number, p.Known = float64(value), true
	case types.Int:
		p.Number, p.Known = float64(value), true
	}
}
