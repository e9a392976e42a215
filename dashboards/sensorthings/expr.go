package sensorthings

import "slices"

// Bounds on what is asked.
const (
	maxBrackets = 40  // nested in one expression
	maxNodes    = 200 // of one option's expressions
	maxPath     = 16  // steps of a path
)

// node is a part of an expression: *literal, *path, *call, *operation, *negation, *lambda.
type node interface{ position() int }

type literal struct {
	value any
	at    int
}

// path leads from an entity over navigations to a property, and into it.
type path struct {
	steps []step
	at    int
	bound string // name of a lambda's variable that it begins at; "": the entity itself
}

type step struct {
	name string
	at   int
}

type call struct {
	fn   *function
	args []node
	at   int
}

type operation struct {
	op          string
	left, right node
	at          int
}

// negation is "not" of a truth or "-" of a number.
type negation struct {
	logical bool
	of      node
	at      int
}

// lambda is over/any(name:body).
type lambda struct {
	over path
	name string
	body node
	at   int
}

func (n *literal) position() int   { return n.at }
func (n *path) position() int      { return n.at }
func (n *call) position() int      { return n.at }
func (n *operation) position() int { return n.at }
func (n *negation) position() int  { return n.at }
func (n *lambda) position() int    { return n.at }

// levels of operators, those that bind loosest first. "not" stands between "and" and the
// comparisons, so that "not a eq b" is what people mean by it.
var levels = [][]string{{"or"}, {"and"}, {}, {"eq", "ne", "gt", "ge", "lt", "le"}, {"add", "sub"}, {"mul", "div", "mod"}}

const notLevel = 2

// expression reads one; it ends before what cannot go on with it.
func (s *scanner) expression() (node, error) {
	if s.depth++; s.depth > maxBrackets {
		return nil, s.wrong(s.next.at, "brackets are nested deeper than %d", maxBrackets)
	}
	n, err := s.level(0)
	s.depth--
	return n, err
}

func (s *scanner) count() error {
	if s.nodes++; s.nodes > maxNodes {
		return s.wrong(s.next.at, "the expression has more than %d parts: ask for less at once", maxNodes)
	}
	return nil
}

func (s *scanner) level(l int) (node, error) {
	if l == len(levels) {
		return s.unary()
	}
	if l == notLevel {
		if !s.word("not") {
			return s.level(l + 1)
		}
		at := s.next.at
		if err := s.advance(); err != nil {
			return nil, err
		}
		if err := s.count(); err != nil {
			return nil, err
		}
		of, err := s.level(l)
		return &negation{true, of, at}, err
	}
	left, err := s.level(l + 1)
	if err != nil {
		return nil, err
	}
	for s.next.kind == tokenName {
		op, at := s.next.text, s.next.at
		if !slices.Contains(levels[l], op) {
			break
		}
		if err := s.count(); err != nil {
			return nil, err
		}
		if err := s.advance(); err != nil {
			return nil, err
		}
		right, err := s.level(l + 1)
		if err != nil {
			return nil, err
		}
		left = &operation{op, left, right, at}
	}
	return left, nil
}

func (s *scanner) unary() (node, error) {
	if !s.sign("-") {
		return s.primary()
	}
	at := s.next.at
	if err := s.advance(); err != nil {
		return nil, err
	}
	if n, ok := s.next.value.(float64); ok && s.next.kind == tokenLiteral {
		if err := s.count(); err != nil {
			return nil, err
		}
		return &literal{-n, at}, s.advance()
	}
	if err := s.count(); err != nil {
		return nil, err
	}
	of, err := s.unary()
	return &negation{false, of, at}, err
}

func (s *scanner) primary() (node, error) {
	if err := s.count(); err != nil {
		return nil, err
	}
	t := s.next
	switch {
	case t.kind == tokenLiteral:
		return &literal{t.value, t.at}, s.advance()
	case s.sign("("):
		if err := s.advance(); err != nil {
			return nil, err
		}
		n, err := s.expression()
		if err != nil {
			return nil, err
		}
		return n, s.expect(")")
	case t.kind != tokenName:
		return nil, s.wrong(t.at, "want a property, a function or a value, got %s", t)
	}
	if err := s.advance(); err != nil {
		return nil, err
	}
	switch t.text {
	case "true", "false":
		return &literal{t.text == "true", t.at}, nil
	case "null":
		return &literal{nil, t.at}, nil
	}
	if s.sign("(") {
		return s.call(t)
	}
	return s.path(t)
}

func (s *scanner) call(name token) (node, error) {
	fn := functions[name.text]
	if fn == nil {
		return nil, s.wrong(name.at, "there is no function %.40q", name.text)
	}
	if err := s.advance(); err != nil {
		return nil, err
	}
	c := &call{fn: fn, at: name.at}
	for !s.sign(")") {
		if len(c.args) > 0 {
			if err := s.expect(","); err != nil {
				return nil, err
			}
		}
		arg, err := s.expression()
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, arg)
	}
	if len(c.args) < fn.least || len(c.args) > fn.most {
		return nil, s.wrong(name.at, "%s wants %s, got %d", name.text, fn.wants(), len(c.args))
	}
	return c, s.advance()
}

// path reads on from a first name.
func (s *scanner) path(first token) (node, error) {
	p := &path{steps: []step{{first.text, first.at}}, at: first.at}
	for s.sign("/") {
		if err := s.advance(); err != nil {
			return nil, err
		}
		if s.next.kind != tokenName {
			return nil, s.wrong(s.next.at, "want the name of a property, got %s", s.next)
		}
		if len(p.steps) == maxPath {
			return nil, s.wrong(s.next.at, "the path has more than %d steps", maxPath)
		}
		t := s.next
		if err := s.advance(); err != nil {
			return nil, err
		}
		if t.text == "any" && s.sign("(") {
			return s.lambda(p)
		}
		p.steps = append(p.steps, step{t.text, t.at})
	}
	return p, nil
}

func (s *scanner) lambda(over *path) (node, error) {
	if err := s.advance(); err != nil {
		return nil, err
	}
	name := s.next
	if name.kind != tokenName {
		return nil, s.wrong(name.at, "want a name, as in any(d:d/name eq 'x'), got %s", name)
	}
	if err := s.advance(); err != nil {
		return nil, err
	}
	if err := s.expect(":"); err != nil {
		return nil, err
	}
	body, err := s.expression()
	if err != nil {
		return nil, err
	}
	return &lambda{*over, name.text, body, over.at}, s.expect(")")
}
