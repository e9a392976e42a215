package sensorthings

import "slices"

// asked is what of a question about observations the store has an index for, and the rest of
// the filter, which is held against each of them.
type asked struct {
	streams []*entity
	span    span
	id      *int64 // only this one
	rest    []node
	only    map[*entity]bool // Datastreams, where a run brings others too; nil: it does not
}

// understand takes a filter apart: parts that speak of Datastream or FeatureOfInterest alone
// choose Datastreams, comparisons of phenomenonTime or resultTime with a fixed time choose a
// span, a comparison of id chooses one.
func (q *query) understand(streams []*entity, filter node) (*asked, error) {
	a := &asked{streams: streams}
	for _, n := range parts(filter, nil) {
		ofStream, ofOther := false, false
		touches(n, func(first string, _ *path) {
			if first == "Datastream" || first == "FeatureOfInterest" {
				ofStream = true
			} else {
				ofOther = true
			}
		})
		switch {
		case ofStream && !ofOther:
			if err := q.choose(a, n); err != nil {
				return nil, err
			}
		case !ofStream:
			q.narrow(a, n)
			fallthrough
		default:
			a.rest = append(a.rest, n)
		}
	}
	return a, nil
}

// parts splits a filter at its outermost "and".
func parts(n node, all []node) []node {
	if n == nil {
		return all
	}
	if b, ok := n.(*operation); ok && b.op == "and" {
		return parts(b.right, parts(b.left, all))
	}
	return append(all, n)
}

// choose keeps the Datastreams of which a part of a filter is true.
func (q *query) choose(a *asked, n node) error {
	var kept []*entity
	for _, self := range a.streams {
		any1 := &entity{observations, 0, &observation{stream: self.fields.(*stream)}}
		ok, err := env{q: q, at: any1}.holds(n)
		if err != nil {
			return err
		}
		if ok {
			kept = append(kept, self)
		}
	}
	a.streams = kept
	return nil
}

// narrow takes a span or an id from a comparison. What it cannot use it leaves alone: the
// filter is held against every observation anyway.
func (q *query) narrow(a *asked, n node) {
	b, ok := n.(*operation)
	if !ok {
		return
	}
	op, p, fixed := b.op, b.left, b.right
	if _, ok := p.(*path); !ok {
		p, fixed = fixed, p
		op = map[string]string{"eq": "eq", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}[op]
	}
	at, ok := p.(*path)
	if !ok || at.bound != "" || len(at.steps) != 1 || !constant(fixed) {
		return
	}
	v, err := env{q: q}.one(fixed)
	if err != nil {
		return
	}
	if isID(at.steps[0].name) && op == "eq" {
		if f, ok := v.(float64); ok && f == float64(int64(f)) {
			id := int64(f)
			a.id = &id
		}
		return
	}
	if name := at.steps[0].name; name != "phenomenonTime" && name != "resultTime" {
		return
	}
	s, ok := asSpan(v)
	if !ok || !possible(s.from) || !possible(s.to) {
		return
	}
	if (op == "eq" || op == "gt" || op == "ge") && s.from.After(a.span.from) {
		a.span.from = s.from
	}
	if (op == "eq" || op == "lt" || op == "le") && (a.span.to.IsZero() || s.to.Before(a.span.to)) {
		a.span.to = s.to
	}
}

// constant tells whether an expression speaks of no entity.
func constant(n node) bool {
	fixed := true
	touches(n, func(string, *path) { fixed = false })
	return fixed
}

// way is how observations come into an order.
type way uint8

const (
	anyWay  way = iota // none is asked for
	timeWay            // by time: an index
	idWay              // by id: an index
	sortWay            // all are read and sorted
)

// wayOf tells which way an order needs, and whether the newest come first.
func wayOf(orders []ordering) (way, bool) {
	if len(orders) == 0 {
		return anyWay, false
	}
	p, ok := orders[0].by.(*path)
	if !ok || len(p.steps) != 1 || p.bound != "" || len(orders) > 2 {
		return sortWay, false
	}
	down := orders[0].down
	second := ""
	if len(orders) == 2 {
		s, ok := orders[1].by.(*path)
		if !ok || len(s.steps) != 1 || orders[1].down != down {
			return sortWay, false
		}
		second = s.steps[0].name
	}
	times := []string{"phenomenonTime", "resultTime"}
	switch first := p.steps[0].name; {
	case slices.Contains(times, first) && (second == "" || isID(second) || slices.Contains(times, second)):
		return timeWay, down
	case isID(first) && second == "" && !down:
		return idWay, false
	}
	return sortWay, false
}
