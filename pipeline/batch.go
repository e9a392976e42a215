package pipeline

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"meldefunk/city"
)

// begin empties the commit for the next batch.
func (r *Road) begin() {
	c := &r.commit
	clear(c.Frames) // let go of payloads
	clear(c.Readings)
	clear(c.Aside)
	clear(c.Events)
	clear(c.Reheard)
	clear(c.Rulings)
	*c = city.Commit{
		Sessions: c.Sessions[:0], Frames: c.Frames[:0], Retimed: c.Retimed[:0], Reheard: c.Reheard[:0], Readings: c.Readings[:0], States: c.States[:0],
		Rulings: c.Rulings[:0], Updates: c.Updates[:0], Released: c.Released[:0], Deaf: c.Deaf[:0], Cases: c.Cases[:0], Aside: c.Aside[:0], Events: c.Events[:0], Replaced: c.Replaced[:0], Withdrawn: c.Withdrawn[:0], Replayed: c.Replayed[:0],
	}
	clear(r.pending)
	r.looked = 0
	r.pending, r.places, r.base = r.pending[:0], r.places[:0], r.mark.Frame
	clear(r.amended)
	clear(r.reheard)
	clear(r.second)
}

// finish adds what is written once per batch, however often the batch changed it.
func (r *Road) finish() error {
	r.minds = r.minds[:0]
	for _, s := range r.touched {
		s.changed = false
		state := s.AssetState
		if s.mind != nil {
			from := len(r.minds)
			var err error
			if r.minds, err = s.mind.AppendBinary(r.minds); err != nil {
				return fmt.Errorf("mind of %s: %w", s.subject().name(), err)
			}
			state.Mind = r.minds[from:len(r.minds):len(r.minds)]
		}
		r.commit.States = append(r.commit.States, state)
	}
	r.touched = r.touched[:0]
	// Nothing that is kept may lie in a time of which the store does not know that we were there,
	// and whom we heard.
	mark := r.mark
	mark.Alive = time.Time{}
	if r.beats || !r.commit.Empty() {
		mark.Alive = r.alive
		for _, server := range slices.Sorted(maps.Keys(r.hearing.open)) {
			r.commit.Deaf = append(r.commit.Deaf, *r.hearing.newest(server))
		}
	}
	r.commit.Mark, r.beats = mark, false
	return nil
}

// setAside stages a message that cannot become a reading, with its bytes and its reason.
func (r *Road) setAside(a *city.Arrival, err error) {
	reason, detail := why(err)
	m := &a.Message
	r.commit.Aside = append(r.commit.Aside, city.SetAside{
		Key: asideKey(m), Server: m.Server, Topic: m.Topic, Body: m.Body, Received: m.Received,
		Reason: reason, Detail: detail, DevEUI: a.Event.DevEUI,
	})
}

// why gives the reason of a rejection, and its words.
func why(err error) (city.Reason, string) {
	var rejection *city.Rejection
	if errors.As(err, &rejection) {
		return rejection.Reason, rejection.Detail
	}
	return city.ReasonMalformed, err.Error()
}
