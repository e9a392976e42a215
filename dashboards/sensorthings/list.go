package sensorthings

import (
	"cmp"
	"container/heap"
	"errors"
	"net/http"
	"slices"
	"time"
)

// page is a piece of a set: what an address or a clause of $expand asks for.
type page struct {
	items   []*entity
	cursors []*cursor // of each item
	total   int       // all that the filter chooses; only with $count=true
	more    bool      // there are others behind, or there may be
	end     *cursor   // how far was looked, where that is behind the last item
}

// top is how many entities a page has at most.
func (o *options) pageSize() int {
	if o.top < 0 {
		return defaultTop
	}
	return min(o.top, maxTop)
}

// list gives a page of a set that lies in memory.
func (q *query) list(all []*entity, o *options) (*page, error) {
	if o.after != nil && len(o.after.keys) != len(o.orders) {
		return nil, badCursor()
	}
	type row struct {
		*entity
		*cursor
	}
	var rows []row
	p := &page{}
	for _, e := range all {
		if err := q.step(1); err != nil {
			return nil, err
		}
		at := env{q: q, at: e}
		if o.filter != nil {
			ok, err := at.holds(o.filter)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
		}
		c, err := at.cursor(o.orders)
		if err != nil {
			return nil, err
		}
		p.total++
		if o.after == nil || c.before(o.after, o.orders) > 0 {
			rows = append(rows, row{e, c})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return a.cursor.before(b.cursor, o.orders) })
	if o.after == nil {
		rows = rows[min(o.skip, len(rows)):]
	}
	if n := o.pageSize(); len(rows) > n {
		rows, p.more = rows[:n], n > 0
	}
	for _, r := range rows {
		p.items, p.cursors = append(p.items, r.entity), append(p.cursors, r.cursor)
	}
	return p, nil
}

// cursor gives where an entity stands in an order.
func (e env) cursor(orders []ordering) (*cursor, error) {
	c := &cursor{id: e.at.id}
	for _, o := range orders {
		v, err := e.one(o.by)
		if err != nil {
			return nil, err
		}
		c.keys = append(c.keys, sortable(v))
	}
	return c, nil
}

func badCursor() error {
	return refuse(http.StatusBadRequest, "$skiptoken belongs to another question: begin again without it")
}

// maxMerged is how many Datastreams are brought together by time.
const maxMerged = 1_000

// byTime is the order of observations that the store has an index for.
var byTime = []ordering{{by: &path{steps: []step{{name: "phenomenonTime"}}}}}

// observed gives a page of the observations of some Datastreams; every says that they are all.
func (q *query) observed(streams []*entity, every bool, o *options) (*page, error) {
	asked, err := q.understand(streams, o.filter)
	if err != nil {
		return nil, err
	}
	if asked.id != nil { // one at most
		e, err := q.find(*asked.id)
		if err != nil || e == nil || !slices.Contains(asked.streams, e.fields.(*observation).stream.self) {
			return &page{}, err
		}
		return q.list([]*entity{e}, o)
	}
	way, newest := wayOf(o.orders)
	narrowed := !every || len(asked.streams) < len(streams) || asked.span != span{}
	switch {
	case way == anyWay && narrowed && len(asked.streams) <= maxMerged:
		way = timeWay
	case every && (way == anyWay || way == idWay):
		way = idWay
	case way == idWay && len(asked.streams) <= maxMerged:
		way = sortWay
	case len(asked.streams) > maxMerged:
		return nil, tooMuch("the observations of more than 1000 Datastreams cannot be brought into order: name Datastreams, as in Things(1)/Datastreams?$expand=Observations($top=1;$orderby=phenomenonTime desc), or filter by Datastream/id")
	}
	if way == sortWay {
		return q.sorted(asked, o)
	}
	orders := byTime
	if way == idWay {
		orders = nil
	} else if newest {
		orders = []ordering{{by: byTime[0].by, down: true}}
	}
	if o.after != nil && len(o.after.keys) != len(orders) {
		return nil, badCursor()
	}
	p := &page{}
	if o.count {
		if p.total, err = q.total(asked); err != nil {
			return nil, err
		}
	}
	size := o.pageSize()
	if size == 0 {
		return p, nil
	}
	r, err := q.begin(asked, way, newest, o, size, len(asked.streams) == 1)
	if err != nil {
		return p.short(err, newest)
	}
	skip := o.skip
	if o.after != nil {
		skip = 0
	}
	for {
		e, err := q.nextHolding(r, asked)
		if err != nil {
			return p.short(err, newest)
		}
		if e == nil {
			return p, nil
		}
		c := &cursor{id: e.id}
		if way != idWay {
			c.keys = []any{e.fields.(*observation).at}
		}
		if o.after != nil && c.along(newest).before(o.after.along(newest), orders) <= 0 {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if len(p.items) == size {
			p.more = true
			return p, nil
		}
		p.items, p.cursors = append(p.items, e), append(p.cursors, c)
	}
}

// short ends a page before it is full, with a link to go on, if it has come as far as that.
func (p *page) short(err error, newest bool) (*page, error) {
	var costly *bound
	var none *barren
	switch {
	case errors.As(err, &none):
		p.end = none.cursor(newest)
	case !errors.As(err, &costly) || len(p.items) == 0:
		return nil, err
	}
	p.more = true
	return p, nil
}

// along turns the id round where the order is newest first: of one time the higher id comes
// first then, as it comes from the store.
func (c *cursor) along(newest bool) *cursor {
	if !newest {
		return c
	}
	return &cursor{c.keys, -c.id}
}

// nextHolding gives the next observation of a run that the filter chooses.
func (q *query) nextHolding(r run, a *asked) (*entity, error) {
	for {
		e, err := r.next(q)
		if e == nil || err != nil {
			return nil, err
		}
		if a.only != nil && !a.only[e.fields.(*observation).stream.self] {
			continue
		}
		ok := true
		for _, n := range a.rest {
			if ok, err = (env{q: q, at: e}).holds(n); err != nil {
				return nil, err
			}
			if !ok {
				break
			}
		}
		if ok {
			return e, nil
		}
	}
}

// begin opens the run that a page comes from, where the page before it has ended.
func (q *query) begin(a *asked, way way, newest bool, o *options, size int, stops bool) (run, error) {
	if way == idWay {
		after := int64(0)
		if o.after != nil {
			after = o.after.id
		}
		a.only = make(map[*entity]bool, len(a.streams))
		for _, s := range a.streams {
			a.only[s] = true
		}
		return newIDRun(q, after), nil
	}
	s := span{a.span.from, a.span.to, newest}
	if o.after != nil {
		at, ok := o.after.keys[0].(time.Time)
		if !ok {
			return nil, badCursor()
		}
		if newest && (s.to.IsZero() || at.Before(s.to)) {
			s.to = at
		} else if !newest && at.After(s.from) {
			s.from = at
		}
	}
	first := size + o.skip + 1
	if len(a.rest) > 0 {
		first = maxChunk
	}
	if len(a.streams) > 1 {
		first = min(first, 8)
	}
	m := &merge{newest: newest}
	for _, self := range a.streams {
		r := self.fields.(*stream).open(q, s, first, stops)
		e, err := r.next(q)
		if err != nil {
			return nil, err
		}
		if e != nil {
			m.heads = append(m.heads, head{e, r})
		}
	}
	heap.Init(m)
	return m, nil
}

// sorted gives a page in an order that needs all of what is asked for at once.
func (q *query) sorted(a *asked, o *options) (*page, error) {
	r, err := q.begin(a, timeWay, false, newOptions(observations), maxChunk, false)
	if err != nil {
		return nil, err
	}
	var all []*entity
	for {
		e, err := q.nextHolding(r, a)
		if err != nil {
			return nil, err
		}
		if e == nil {
			without := *o
			without.filter = nil
			return q.list(all, &without)
		}
		all = append(all, e)
	}
}

// total counts what is asked for.
func (q *query) total(a *asked) (int, error) {
	n := 0
	if len(a.rest) == 0 {
		for _, self := range a.streams {
			some, err := q.counted(self.fields.(*stream), span{from: a.span.from, to: a.span.to})
			if err != nil {
				return 0, err
			}
			n += some
		}
		return n, nil
	}
	if len(a.streams) > maxMerged {
		return 0, tooMuch("the observations of more than 1000 Datastreams cannot be counted by this filter: name fewer")
	}
	r, err := q.begin(a, timeWay, false, newOptions(observations), maxChunk, false)
	if err != nil {
		return 0, err
	}
	for {
		e, err := q.nextHolding(r, a)
		if e == nil || err != nil {
			return n, err
		}
		n++
	}
}

// eachObservation hands over the observations that an entity leads to.
func (q *query) eachObservation(of *entity, do func(*entity) error) error {
	for _, self := range q.streamsOf(of) {
		r := self.fields.(*stream).open(q, span{}, maxChunk, false)
		for {
			e, err := r.next(q)
			if err != nil {
				return err
			}
			if e == nil {
				break
			}
			if err := do(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// streamsOf gives the Datastreams whose observations an entity leads to.
func (q *query) streamsOf(of *entity) []*entity {
	switch f := of.fields.(type) {
	case *stream:
		return []*entity{of}
	case featureFields:
		return f.streams
	}
	return nil
}

// merge brings several runs into one order, by time and then by id.
type merge struct {
	heads  []head
	newest bool
	given  bool // the first of the heads has been given
}

type head struct {
	e *entity
	r run
}

func (m *merge) Len() int { return len(m.heads) }
func (m *merge) Less(i, j int) bool {
	a, b := m.heads[i].e, m.heads[j].e
	n := cmp.Or(a.fields.(*observation).at.Compare(b.fields.(*observation).at), order(a.id, b.id))
	if m.newest {
		return n > 0
	}
	return n < 0
}
func (m *merge) Swap(i, j int) { m.heads[i], m.heads[j] = m.heads[j], m.heads[i] }
func (m *merge) Push(x any)    { m.heads = append(m.heads, x.(head)) }
func (m *merge) Pop() any {
	last := m.heads[len(m.heads)-1]
	m.heads = m.heads[:len(m.heads)-1]
	return last
}

func (m *merge) next(q *query) (*entity, error) {
	// The run that gave the last one goes on only now: if that fails, the last one is out.
	if m.given {
		n, err := m.heads[0].r.next(q)
		if err != nil {
			return nil, err
		}
		m.given = false
		if n == nil {
			heap.Pop(m)
		} else {
			m.heads[0].e = n
			heap.Fix(m, 0)
		}
	}
	if len(m.heads) == 0 {
		return nil, nil
	}
	m.given = true
	return m.heads[0].e, nil
}
