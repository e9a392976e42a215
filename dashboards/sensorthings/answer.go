package sensorthings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object whose members stay in order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encode(&b, m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := encode(&b, jsonValue(m.value)); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode writes JSON as people read it, with < and & as they are: it never stands in HTML.
func encode(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the line break
	return nil
}

// collection answers with a page of a set, at an address without query.
func (q *query) collection(p *page, o *options, at string, render func(*entity) (any, error)) (object, error) {
	values := make([]any, 0, len(p.items))
	more, last := p.more, len(p.items)-1
	for i, e := range p.items {
		v, err := render(e)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		// A page may be shorter than what was asked for, with a link to the rest. So a large
		// expand costs more requests and not more memory.
		if q.told > maxEntities/2 || q.rows > maxRows/2 || q.steps > maxSteps/2 {
			if i < last {
				more, last = true, i
				break
			}
		}
	}
	var answer object
	if o.count {
		answer = append(answer, member{"@iot.count", p.total})
	}
	if more {
		answer = append(answer, member{"@iot.nextLink", q.next(p, o, at, last)})
	}
	return append(answer, member{"value", values}), nil
}

// next is the address of what stands behind the entity of an index.
func (q *query) next(p *page, o *options, at string, last int) string {
	var b strings.Builder
	b.WriteString(at)
	sign := byte('?')
	write := func(name, text string) {
		b.WriteByte(sign)
		b.WriteString(name + "=" + queryEscape(text))
		sign = '&'
	}
	for _, g := range o.given {
		if g.name != "$skip" && g.name != "$skiptoken" {
			write(g.name, g.text)
		}
	}
	// $skip is for clients that go by it; the place is in $skiptoken.
	write("$skip", strconv.Itoa(o.skip+last+1))
	end := p.end
	if end == nil || last < len(p.items)-1 {
		end = p.cursors[last]
	}
	write("$skiptoken", end.String())
	return b.String()
}

// render writes an entity, with what is expanded.
func (q *query) render(e *entity, o *options) (object, error) {
	if q.told++; q.told > maxEntities {
		return nil, tooMuch(fmt.Sprintf("the answer would have more than %d entities: expand fewer, or ask for fewer by $top", maxEntities))
	}
	var answer object
	var err error
	if o.selects == nil {
		answer = append(answer, member{"@iot.id", e.id}, member{"@iot.selfLink", q.self(e)})
		for _, p := range e.set.properties {
			v, err := e.fields.get(q, p.name)
			if err != nil {
				return nil, err
			}
			if v != nil || p.name == "result" {
				answer = append(answer, member{p.name, v})
			}
		}
	} else if answer, err = q.selected(e, o.selects); err != nil {
		return nil, err
	}
	for _, l := range e.set.links {
		x := o.expanded(l.name)
		if x == nil {
			if o.selects == nil || o.selectsLink(l.name) {
				answer = append(answer, member{l.name + "@iot.navigationLink", q.self(e) + "/" + l.name})
			}
			continue
		}
		if answer, err = q.expand(answer, e, x); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

func (o *options) expanded(name string) *expansion {
	for _, x := range o.expands {
		if x.link.name == name {
			return x
		}
	}
	return nil
}

func (o *options) selectsLink(name string) bool {
	for _, p := range o.selects {
		if p.steps[0].name == name {
			return true
		}
	}
	return false
}

// selected writes the selected properties. Of parts of one property it makes one object.
func (q *query) selected(e *entity, selects []*path) (object, error) {
	var answer object
	put := func(name string, v any) {
		for i := range answer {
			if answer[i].name == name {
				old, ok1 := answer[i].value.(map[string]any)
				more, ok2 := v.(map[string]any)
				if ok1 && ok2 {
					answer[i].value = joined(old, more)
				}
				return
			}
		}
		answer = append(answer, member{name, v})
	}
	for _, p := range selects {
		name := p.steps[0].name
		if _, ok := e.set.link(name); ok {
			continue
		}
		switch {
		case isID(name):
			put("@iot.id", e.id)
			continue
		case name == "@iot.selfLink":
			put(name, q.self(e))
			continue
		}
		v, err := env{q: q, at: e}.property(e, p.steps)
		if err != nil {
			return nil, err
		}
		for i := len(p.steps) - 1; i > 0; i-- {
			v = map[string]any{p.steps[i].name: jsonValue(v)}
		}
		put(name, v)
	}
	return answer, nil
}

// joined puts two objects together, and what both have.
func joined(a, b map[string]any) map[string]any {
	all := make(map[string]any, len(a)+len(b))
	for name, v := range a {
		all[name] = v
	}
	for name, v := range b {
		x, ok1 := all[name].(map[string]any)
		y, ok2 := v.(map[string]any)
		if ok1 && ok2 {
			v = joined(x, y)
		}
		all[name] = v
	}
	return all
}

func (q *query) expand(answer object, e *entity, x *expansion) (object, error) {
	name := x.link.name
	if !x.link.many {
		to, err := e.fields.linked(q, name)
		if err != nil || len(to) == 0 {
			return answer, err
		}
		v, err := q.render(to[0], x.options)
		return append(answer, member{name, v}), err
	}
	p, err := q.page(e, x.link, x.options)
	if err != nil {
		return nil, err
	}
	at := q.self(e) + "/" + name
	inner, err := q.collection(p, x.options, at, func(e *entity) (any, error) { return q.render(e, x.options) })
	if err != nil {
		return nil, err
	}
	for _, m := range inner {
		if m.name == "value" {
			answer = append(answer, member{name, m.value})
		} else {
			answer = append(answer, member{name + m.name, m.value})
		}
	}
	return answer, nil
}

// page gives what an entity leads to.
func (q *query) page(e *entity, l link, o *options) (*page, error) {
	if l.to == observations {
		return q.observed(q.streamsOf(e), false, o)
	}
	all, err := e.fields.linked(q, l.name)
	if err != nil {
		return nil, err
	}
	return q.list(all, o)
}

// arrays answers with $resultFormat=dataArray (OGC 18-088, 13.2): the observations of each
// Datastream as rows.
func (q *query) arrays(p *page, o *options, at string) (object, error) {
	components := []string{"id", "phenomenonTime", "resultTime", "result", "resultQuality"}
	if o.selects != nil {
		components = nil
		for _, s := range o.selects {
			if _, link := observations.link(s.steps[0].name); !link && !slices.Contains(components, s.steps[0].name) {
				components = append(components, s.steps[0].name)
			}
		}
	}
	if len(o.expands) > 0 {
		return nil, refuse(400, "$expand does not fit to $resultFormat=dataArray: its rows have no place for other entities")
	}
	var groups []object
	index := make(map[*entity]int)
	rows := make(map[*entity][]any)
	var streams []*entity
	for _, e := range p.items {
		q.told++
		self := e.fields.(*observation).stream.self
		if _, ok := index[self]; !ok {
			index[self] = len(streams)
			streams = append(streams, self)
		}
		row := make([]any, len(components))
		for i, name := range components {
			switch {
			case isID(name):
				row[i] = e.id
			case name == "@iot.selfLink":
				row[i] = q.self(e)
			default:
				v, err := e.fields.get(q, name)
				if err != nil {
					return nil, err
				}
				row[i] = jsonValue(v)
			}
		}
		rows[self] = append(rows[self], row)
	}
	for _, self := range streams {
		groups = append(groups, object{
			{"Datastream@iot.navigationLink", q.self(self)}, {"components", components},
			{"dataArray@iot.count", len(rows[self])}, {"dataArray", rows[self]},
		})
	}
	var answer object
	if o.count {
		answer = append(answer, member{"@iot.count", p.total})
	}
	if p.more {
		answer = append(answer, member{"@iot.nextLink", q.next(p, o, at, len(p.items)-1)})
	}
	if groups == nil {
		groups = []object{}
	}
	return append(answer, member{"value", groups}), nil
}

// queryEscape encodes what has a meaning of its own in the query of an address.
func queryEscape(s string) string {
	const plain = "-._~!'()*,;:@/$="
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func pathEscape(s string) string { return url.PathEscape(s) }
