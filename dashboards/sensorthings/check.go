package sensorthings

import "fmt"

// scope is what the first name of a path can be: a member of the set, or a variable of a
// lambda.
type scope struct {
	set    *set
	bound  map[string]*set
	option string
}

func (sc scope) wrong(at int, format string, args ...any) error {
	return &mistake{sc.option, at, fmt.Sprintf(format, args...)}
}

// check resolves every name of an expression and refuses those that are not there.
func (sc scope) check(n node) error {
	switch n := n.(type) {
	case *path:
		_, _, err := sc.resolve(n)
		return err
	case *call:
		for i, arg := range n.args {
			if err := sc.check(arg); err != nil {
				return err
			}
			if l, ok := arg.(*literal); ok && n.fn.refuse != nil {
				if why := n.fn.refuse(i, l.value); why != "" {
					return sc.wrong(l.at, "%s", why)
				}
			}
		}
	case *operation:
		if err := sc.check(n.left); err != nil {
			return err
		}
		return sc.check(n.right)
	case *negation:
		return sc.check(n.of)
	case *lambda:
		to, inner, err := sc.resolve(&n.over)
		if err != nil {
			return err
		}
		if to == nil || inner >= 0 {
			return sc.wrong(n.at, "any() stands behind a navigation like Datastreams, not behind a property")
		}
		bound := map[string]*set{n.name: to}
		for name, s := range sc.bound {
			if name != n.name {
				bound[name] = s
			}
		}
		return scope{sc.set, bound, sc.option}.check(n.body)
	}
	return nil
}

// resolve walks a path. It gives the set of the last entity and the index of the step that is
// its property, -1 where the path ends at the entity itself.
func (sc scope) resolve(p *path) (*set, int, error) {
	at, steps := sc.set, p.steps
	first := 0
	if s, ok := sc.bound[steps[0].name]; ok {
		p.bound, at, first = steps[0].name, s, 1
	}
	for i := first; i < len(steps); i++ {
		name := steps[i].name
		if isID(name) || name == "@iot.selfLink" {
			if i+1 < len(steps) {
				return nil, 0, sc.wrong(steps[i+1].at, "%s has no parts", name)
			}
			return at, i, nil
		}
		if prop, ok := at.property(name); ok {
			if !prop.open && i+1 < len(steps) {
				return nil, 0, sc.wrong(steps[i+1].at, "%s has no parts", name)
			}
			return at, i, nil
		}
		l, ok := at.link(name)
		if !ok {
			return nil, 0, sc.wrong(steps[i].at, "%s has no %.40q", at.one, name)
		}
		at = l.to
	}
	return at, -1, nil
}

// touches collects the first names of the paths of an expression that begin at the entity.
func touches(n node, do func(first string, p *path)) {
	switch n := n.(type) {
	case *path:
		if n.bound == "" {
			do(n.steps[0].name, n)
		}
	case *call:
		for _, arg := range n.args {
			touches(arg, do)
		}
	case *operation:
		touches(n.left, do)
		touches(n.right, do)
	case *negation:
		touches(n.of, do)
	case *lambda:
		if n.over.bound == "" {
			do(n.over.steps[0].name, &n.over)
		}
		touches(n.body, do)
	}
}
