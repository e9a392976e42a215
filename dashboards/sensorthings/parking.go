package sensorthings

import (
	"time"

	"meldefunk/city"
)

// parkCount is what a Datastream of parking tells.
type parkCount uint8

const (
	parkStatus parkCount = iota // "frei" while one bay is free, else "belegt": the words of Osnabrück's own server
	parkFree
	parkTaken
)

var parkFacts = [...]struct{ key, name, kind string }{
	parkStatus: {"belegtstatus", "Belegtstatus", omCategory},
	parkFree:   {"freie_stellplaetze", "Freie Stellplätze", omCount},
	parkTaken:  {"belegte_stellplaetze", "Belegte Stellplätze", omCount},
}

// Parking is told by the quarter of an hour, so that it does not tell when a vehicle came and
// went. Steps are counted from 1970; a block of them is worked out at once, for
// which the bays are read so much earlier as they take to go stale.
const (
	stepLength = 15 * time.Minute
	blockSteps = 24 // six hours
)

func stepTime(step int64) time.Time { return time.Unix(step*int64(stepLength/time.Second), 0).UTC() }

// stepBefore is the last step that is not after a time.
func stepBefore(t time.Time) int64 {
	s := int64(stepLength / time.Second)
	n := t.Unix() / s
	if t.Unix() < 0 && t.Unix()%s != 0 {
		n--
	}
	return n
}

// tally is how many bays of a site were known to be free or taken.
type tally struct{ free, taken int }

type blockKey struct {
	site  *site
	block int64
}

// parkRun gives the observations of a Datastream of parking.
type parkRun struct {
	stream   *stream
	step     int64
	last     int64
	backward bool
	begun    bool
	from, to int64
}

func newParkRun(q *query, f *stream, s span) *parkRun {
	r := &parkRun{stream: f, backward: s.newest, from: 0, to: stepBefore(q.now)}
	if !s.from.IsZero() {
		r.from = max(0, stepBefore(s.from.Add(stepLength-1)))
	}
	if !s.to.IsZero() {
		r.to = min(r.to, stepBefore(s.to))
	}
	return r
}

func (r *parkRun) next(q *query) (*entity, error) {
	if !r.begun {
		begin, err := q.firstStep(r.stream.site)
		if err != nil {
			return nil, err
		}
		r.from, r.begun = max(r.from, begin), true
		r.step, r.last = r.from, r.to
		if r.backward {
			r.step, r.last = r.to, r.from
		}
	}
	for r.from <= r.to && (r.backward && r.step >= r.last || !r.backward && r.step <= r.last) {
		step := r.step
		if r.backward {
			r.step--
		} else {
			r.step++
		}
		o, err := q.parkAt(r.stream, step)
		if o != nil || err != nil {
			return o, err
		}
	}
	return nil, nil
}

// parkAt gives the observation of a step, nil where too few bays were known.
func (q *query) parkAt(f *stream, step int64) (*entity, error) {
	if step < 0 || step > stepBefore(q.now) {
		return nil, nil
	}
	tallies, err := q.block(f.site, step/blockSteps)
	if err != nil {
		return nil, err
	}
	if err := q.step(1); err != nil {
		return nil, err
	}
	t := tallies[step%blockSteps]
	if t.free+t.taken < f.site.least {
		return nil, nil
	}
	var result any
	switch f.count {
	case parkFree:
		result = float64(t.free)
	case parkTaken:
		result = float64(t.taken)
	default:
		result = "belegt"
		if t.free > 0 {
			result = "frei"
		}
	}
	o := &observation{stream: f, at: stepTime(step), result: result}
	if f.site.least > 1 {
		o.quality = map[string]any{"bekannt": float64(t.free + t.taken), "unbekannt": float64(len(f.site.bays) - t.free - t.taken)}
	}
	return &entity{observations, stepID(f.self.id, step), o}, nil
}

// firstStep is the first that may have an observation; one in the future where there is none.
func (q *query) firstStep(s *site) (int64, error) {
	if first, ok := q.begins[s]; ok {
		return first, nil
	}
	first := stepBefore(q.now) + 1
	for _, bay := range s.bays {
		page, err := q.samples(city.SampleQuery{Asset: bay, Quantity: city.Occupied, Limit: 1})
		if err != nil {
			return 0, err
		}
		if len(page) > 0 {
			first = min(first, max(0, stepBefore(page[0].Time.At.Add(stepLength-1))))
		}
	}
	q.begins[s] = first
	return first, nil
}

// block works out the tallies of a block. A bay is what it last said, unless that is too long
// ago.
func (q *query) block(s *site, block int64) ([]tally, error) {
	key := blockKey{s, block}
	if done, ok := q.blocks[key]; ok {
		return done, nil
	}
	tallies := make([]tally, blockSteps)
	begin, end := stepTime(block*blockSteps), stepTime((block+1)*blockSteps-1)
	if end.After(q.now) {
		end = q.now
	}
	for _, bay := range s.bays {
		if err := q.tallyBay(bay, begin, end, tallies); err != nil {
			return nil, err
		}
	}
	q.blocks[key] = tallies
	return tallies, nil
}

func (q *query) tallyBay(bay string, begin, end time.Time, tallies []tally) error {
	stale := q.api.opt.Release.BayStale
	ask := city.SampleQuery{Asset: bay, Quantity: city.Occupied, From: begin.Add(-stale), To: end, Limit: maxChunk}
	var known *city.Sample
	step := 0
	// until counts what is known for the steps before a time.
	until := func(t time.Time) {
		for ; step < len(tallies); step++ {
			at := begin.Add(time.Duration(step) * stepLength)
			if !at.Before(t) {
				return
			}
			if known == nil || at.Sub(known.Time.At) > stale {
				continue
			}
			if known.Number != 0 {
				tallies[step].taken++
			} else {
				tallies[step].free++
			}
		}
	}
	for {
		page, err := q.samples(ask)
		if err != nil {
			return err
		}
		for i := range page {
			if page[i].Has {
				until(page[i].Time.At)
				known = &page[i]
			}
		}
		if len(page) < ask.Limit {
			until(end.Add(1))
			return nil
		}
		last := page[len(page)-1]
		ask.AfterTime, ask.AfterReading = last.Time.At, last.Reading
	}
}
