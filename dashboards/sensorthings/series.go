package sensorthings

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"meldefunk/city"
)

// span is a piece of a stream: both ends are in it, zero ones are open.
type span struct {
	from, to time.Time
	newest   bool // newest first
}

// run gives the observations of a stream one after the other, by time and then by id; nil is
// the end.
type run interface {
	next(q *query) (*entity, error)
}

// open begins a run. first is how many will be wanted, as far as is known; stops says that it
// may end with a barren.
func (f *stream) open(q *query, s span, first int, stops bool) run {
	if f.site.bays != nil {
		return newParkRun(q, f, s)
	}
	return &seriesRun{stream: f, left: true, stops: stops, chunk: min(max(first, 4), maxChunk), ask: city.SampleQuery{
		Asset: f.site.asset(), Quantity: f.quantity, From: s.from, To: s.to, NewestFirst: s.newest,
	}}
}

const (
	maxChunk  = 500
	maxBarren = 2_000
)

// barren is what a run says that has looked at maxBarren readings, one after the other,
// without the quantity: a sensor may have sent other things for years.
type barren struct {
	at      time.Time // of the last reading that was looked at
	reading int64
}

func (b *barren) Error() string {
	return fmt.Sprintf("%d readings up to %s have no such value", maxBarren, instantText(b.at))
}

// cursor is the place behind all values of that reading.
func (b *barren) cursor(newest bool) *cursor {
	id := b.reading << quantityBits
	if !newest {
		id |= 1<<quantityBits - 1
	}
	return &cursor{[]any{b.at}, id}
}

// seriesRun reads the samples of one asset, a chunk at a time.
type seriesRun struct {
	stream *stream
	ask    city.SampleQuery
	chunk  int
	page   []city.Sample
	left   bool
	stops  bool // when it is barren
	missed int  // readings in a row without the quantity
}

func (r *seriesRun) next(q *query) (*entity, error) {
	for {
		for len(r.page) > 0 {
			s := &r.page[0]
			r.page = r.page[1:]
			if s.Has && s.Reading <= maxReading {
				r.missed = 0
				return r.stream.observation(s), nil
			}
			if r.missed++; r.stops && r.missed == maxBarren {
				return nil, &barren{s.Time.At, s.Reading}
			}
		}
		if !r.left {
			return nil, nil
		}
		r.ask.Limit = r.chunk
		page, err := q.samples(r.ask)
		if err != nil {
			return nil, err
		}
		r.left = len(page) == r.ask.Limit
		if len(page) > 0 {
			last := &page[len(page)-1]
			r.ask.AfterTime, r.ask.AfterReading = last.Time.At, last.Reading
		}
		r.page, r.chunk = page, min(4*r.chunk, maxChunk)
	}
}

func (f *stream) observation(s *city.Sample) *entity {
	var result any = s.Number
	if f.quantity.Boolean() {
		result = s.Number != 0
	}
	return &entity{observations, sampleID(s.Reading, f.quantity), &observation{f, s.Time.At, result, quality(s)}}
}

// quality says how far a value can be trusted, and who claims its time.
func quality(s *city.Sample) map[string]any {
	state := "ok"
	var faults []any
	for _, f := range s.Faults {
		faults = append(faults, string(f))
		state = "doubtful"
	}
	if s.Conflict {
		state = "doubtful"
	}
	q := map[string]any{"state": state, "timeSource": s.Time.Source.String()}
	if faults != nil {
		q["faults"] = faults
	}
	if s.Late {
		q["late"] = true
	}
	return q
}

// asset is the id of the asset that a site is.
func (s *site) asset() string { return s.key[len("asset "):] }

// find gives the observation of an id, nil where there is none.
func (q *query) find(id int64) (*entity, error) {
	if id&parkingBit != 0 && id < parkingBit<<1 {
		self := q.cat.parks[id>>stepBits&(1<<streamBits-1)]
		if self == nil {
			return nil, nil
		}
		return q.parkAt(self.fields.(*stream), id&(1<<stepBits-1))
	}
	reading := id >> quantityBits
	if id <= 0 || reading == 0 || reading > maxReading {
		return nil, nil
	}
	page, err := q.readings(reading-1, 1)
	if err != nil || len(page) == 0 || page[0].ID != reading {
		return nil, err
	}
	for _, o := range q.observationsOf(&page[0]) {
		if o.id == id {
			return o, nil
		}
	}
	return nil, nil
}

// observationsOf gives what is released of a reading, by id.
func (q *query) observationsOf(r *city.Reading) []*entity {
	if r.Simulated || r.ID > maxReading {
		return nil
	}
	var all []*entity
	for _, self := range q.cat.series[r.Asset] {
		f := self.fields.(*stream)
		if v, ok := r.Value(f.quantity); ok {
			all = append(all, f.observation(&city.Sample{Reading: r.ID, Time: r.Time, Number: v, Has: true, Faults: r.Faults, Late: r.Late, Conflict: r.Conflict}))
		}
	}
	if len(all) > 1 {
		slices.SortFunc(all, byID)
	}
	return all
}

// idRun gives all observations by rising id: those of the readings, then those of parking.
type idRun struct {
	after   int64 // id: what is not above it is passed over
	reading int64 // number of the last reading that was read
	ready   []*entity
	done    bool // there are no more readings
	parks   []*entity
	park    run
}

func newIDRun(q *query, after int64) *idRun {
	r := &idRun{after: after, reading: max(0, after>>quantityBits-1), done: after&parkingBit != 0}
	for _, self := range q.cat.parks {
		r.parks = append(r.parks, self)
	}
	slices.SortFunc(r.parks, func(a, b *entity) int { return order(parkKey(a), parkKey(b)) })
	if !r.done {
		return r
	}
	key := after >> stepBits & (1<<streamBits - 1)
	for len(r.parks) > 0 && parkKey(r.parks[0]) < key {
		r.parks = r.parks[1:]
	}
	if len(r.parks) > 0 && parkKey(r.parks[0]) == key {
		r.park = r.parks[0].fields.(*stream).open(q, span{from: stepTime(after&(1<<stepBits-1) + 1)}, 1, false)
		r.parks = r.parks[1:]
	}
	return r
}

// parkKey is what of the id of a Datastream is in the ids of its observations.
func parkKey(self *entity) int64 { return self.id & (1<<streamBits - 1) }

func (r *idRun) next(q *query) (*entity, error) {
	for {
		for len(r.ready) > 0 {
			o := r.ready[0]
			r.ready = r.ready[1:]
			if o.id > r.after {
				return o, nil
			}
		}
		if r.done {
			return r.nextPark(q)
		}
		page, err := q.readings(r.reading, maxChunk)
		if err != nil {
			return nil, err
		}
		for i := range page {
			r.ready = append(r.ready, q.observationsOf(&page[i])...)
			r.reading = page[i].ID
		}
		r.done = len(page) < maxChunk || r.reading >= maxReading
	}
}

func (r *idRun) nextPark(q *query) (*entity, error) {
	for {
		if r.park == nil {
			if len(r.parks) == 0 {
				return nil, nil
			}
			r.park, r.parks = r.parks[0].fields.(*stream).open(q, span{}, maxChunk, false), r.parks[1:]
		}
		o, err := r.park.next(q)
		if o != nil || err != nil {
			return o, err
		}
		r.park = nil
	}
}

// extent is the time from the first to the last observation of a stream, nil where there is
// none, or none near.
func (q *query) extent(f *stream) (any, error) {
	var ends [2]time.Time
	for i, newest := range []bool{false, true} {
		o, err := f.open(q, span{newest: newest}, 1, true).next(q)
		if none := (*barren)(nil); errors.As(err, &none) {
			return nil, nil // STA leaves it to the server whether to tell
		}
		if o == nil || err != nil {
			return nil, err
		}
		ends[i] = o.fields.(*observation).at
	}
	return interval{ends[0], ends[1]}, nil
}

// counted counts the observations of a stream in a span.
func (q *query) counted(f *stream, s span) (int, error) {
	if f.site.bays == nil {
		return q.countSamples(city.SampleQuery{Asset: f.site.asset(), Quantity: f.quantity, From: s.from, To: s.to})
	}
	n, r := 0, f.open(q, s, math.MaxInt, false)
	for {
		o, err := r.next(q)
		if o == nil || err != nil {
			return n, err
		}
		n++
	}
}
