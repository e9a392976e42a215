package sensorthings

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"meldefunk/city"
)

// Bounds on one request.
const (
	maxRows     = 50_000    // readings looked at
	maxSteps    = 5_000_000 // parts of expressions looked at, and vertices
	maxEntities = 20_000    // in the answer
)

// refusal is an answer with a status other than 200.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// bound is the refusal of what would cost too much.
type bound struct{ message string }

func (b *bound) Error() string { return b.message }

func tooMuch(message string) error { return &bound{message} }

// query is one request and what it has cost so far. It belongs to one goroutine.
type query struct {
	ctx    context.Context
	api    *API
	cat    *catalogue
	now    time.Time
	steps  int
	rows   int
	told   int // entities
	begins map[*site]int64
	blocks map[blockKey][]tally
}

func (a *API) query(ctx context.Context) *query {
	return &query{ctx: ctx, api: a, cat: a.catalogue(), now: a.opt.Now(), begins: make(map[*site]int64), blocks: make(map[blockKey][]tally)}
}

// step is charged for every part of an expression that is looked at.
func (q *query) step(n int) error {
	before := q.steps
	q.steps += n
	if q.steps > maxSteps {
		return tooMuch("the question needs too much work: ask for fewer entities, simpler expressions or geometries")
	}
	if before>>16 != q.steps>>16 {
		return q.late()
	}
	return nil
}

// work is charged for holding geometries against each other.
func (q *query) work(a, b *geometry) {
	n := 0
	for _, g := range []*geometry{a, b} {
		for _, part := range g.parts {
			n += len(part)
		}
	}
	if (a.kind == "Point" && b.dim == 2) || (b.kind == "Point" && a.dim == 2) || a.box.apart(b.box) {
		q.steps += n
		return
	}
	q.steps += n * n
}

func (q *query) late() error {
	if q.ctx.Err() != nil {
		return refuse(http.StatusServiceUnavailable, "the answer took longer than %v: ask for less, or a shorter phenomenonTime", q.api.opt.Patience)
	}
	return nil
}

// spend is charged for every reading that is looked at.
func (q *query) spend(rows int) error {
	if q.rows += rows; q.rows > maxRows {
		return tooMuch(fmt.Sprintf("more than %d readings would have to be looked at: name one Datastream, like Datastreams(1)/Observations, or narrow phenomenonTime, or ask for fewer entities by $top", maxRows))
	}
	return q.late()
}

func (q *query) samples(ask city.SampleQuery) ([]city.Sample, error) {
	page, err := q.api.opt.Source.Samples(q.ctx, ask)
	if err != nil {
		return nil, q.failed(err)
	}
	return page, q.spend(1 + len(page))
}

func (q *query) readings(after int64, limit int) ([]city.Reading, error) {
	page, err := q.api.opt.Source.ReadingsAfter(q.ctx, after, limit)
	if err != nil {
		return nil, q.failed(err)
	}
	return page, q.spend(1 + len(page))
}

// maxCount is how far the observations of one Datastream are counted.
const maxCount = 1_000_000

func (q *query) countSamples(ask city.SampleQuery) (int, error) {
	ask.Limit = maxCount
	n, err := q.api.opt.Source.CountSamples(q.ctx, ask)
	if err != nil {
		return 0, q.failed(err)
	}
	return n, q.spend(10 + n/50)
}

// failed tells a store that does not answer from a visitor who has waited too long.
func (q *query) failed(err error) error {
	if late := q.late(); late != nil {
		return late
	}
	return err
}

// self is the address of an entity.
func (q *query) self(e *entity) string { return fmt.Sprintf("%s/%s(%d)", q.api.base, e.set.name, e.id) }
