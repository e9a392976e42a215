package sensorthings

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxSegments bounds the depth of an address.
const maxSegments = 20

// target is what an address leads to.
type target struct {
	set    *set    // of the entities that are asked for
	parent *entity // of a collection: where it was come from; nil: all of the set
	via    link
	entity *entity // one entity; nil: a collection
	refs   bool    // only their addresses
	path   []step  // into the properties of entity; nil: the whole of it
	raw    bool    // $value
	at     string  // the address without query
}

// find walks the path of an address, "Things(1)/Datastreams(2)/Observations".
func (q *query) walkPath(escaped string) (*target, error) {
	segments := strings.Split(strings.Trim(escaped, "/"), "/")
	if len(segments) > maxSegments {
		return nil, refuse(http.StatusBadRequest, "the address has more than %d parts", maxSegments)
	}
	t := &target{at: q.api.base}
	for i, raw := range segments {
		segment, err := url.PathUnescape(raw)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "part %d of the address, %.60q, is not percent-encoded right", i+1, raw)
		}
		if t.raw || t.refs {
			return nil, refuse(http.StatusNotFound, "part %d of the address, %.60q: nothing stands behind $value or $ref", i+1, segment)
		}
		if err := q.enter(t, i, segment); err != nil {
			return nil, err
		}
		t.at += "/" + url.PathEscape(segment)
	}
	// Brackets and commas stay readable.
	t.at = strings.NewReplacer("%28", "(", "%29", ")").Replace(t.at)
	return t, nil
}

// enter goes one part further.
func (q *query) enter(t *target, i int, segment string) error {
	missing := func(what string) error {
		return refuse(http.StatusNotFound, "part %d of the address, %.60q: %s", i+1, segment, what)
	}
	if segment == "$ref" && i > 0 && t.path == nil {
		t.refs = true
		return nil
	}
	if segment == "$value" && t.path != nil {
		t.raw = true
		return nil
	}
	name, id, bracket, err := bracketed(segment)
	if err != nil {
		return missing(err.Error())
	}
	switch {
	case i == 0:
		s := setNamed(name)
		if s == nil {
			return missing("there is no such entity set")
		}
		t.set = s
		if !bracket {
			return nil
		}
		e, err := q.byID(s, id)
		if err == nil && e == nil {
			err = missing("there is no such " + s.one)
		}
		t.entity = e
		return err
	case t.entity == nil:
		return missing("a set is followed by an id in brackets, like Things(1), or by $ref")
	case t.path != nil:
		last := t.path[0].name
		if p, _ := t.set.property(last); !p.open {
			return missing(last + " has no parts")
		}
		t.path = append(t.path, step{segment, 0})
		return nil
	}
	if _, ok := t.set.property(segment); ok || isID(segment) || segment == "@iot.selfLink" {
		t.path = []step{{segment, 0}}
		return nil
	}
	l, ok := t.set.link(name)
	if !ok {
		return missing(t.set.one + " has no such property or navigation")
	}
	return q.follow(t, l, id, bracket, missing)
}

// follow goes along a navigation.
func (q *query) follow(t *target, l link, id int64, bracket bool, missing func(string) error) error {
	from := t.entity
	t.set, t.via = l.to, l
	if l.many && !bracket {
		t.parent, t.entity = from, nil
		return nil
	}
	if !l.many && bracket {
		return missing(l.name + " is one entity, without an id")
	}
	if l.to == observations {
		e, err := q.find(id)
		if err != nil {
			return err
		}
		for _, self := range q.streamsOf(from) {
			if e != nil && e.fields.(*observation).stream.self == self {
				t.entity = e
				return nil
			}
		}
		return missing("there is no such Observation here")
	}
	all, err := from.fields.linked(q, l.name)
	if err != nil {
		return err
	}
	for _, e := range all {
		if !l.many || e.id == id {
			t.entity = e
			return nil
		}
	}
	return missing("there is no such " + l.to.one + " here")
}

// bracketed splits "Things(1)".
func bracketed(segment string) (name string, id int64, bracket bool, err error) {
	name, rest, bracket := strings.Cut(segment, "(")
	if !bracket {
		return segment, 0, false, nil
	}
	digits, ok := strings.CutSuffix(rest, ")")
	id, err = strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil {
		return name, 0, true, refuse(http.StatusNotFound, "want an id that is a number, like Things(1)")
	}
	return name, id, true, nil
}

// byID gives a member of a set, nil where there is none.
func (q *query) byID(s *set, id int64) (*entity, error) {
	if s == observations {
		return q.find(id)
	}
	return q.cat.byID[s][id], nil
}
