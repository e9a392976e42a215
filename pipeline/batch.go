package pipeline

import (
	"errors"

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
	*c = city.Commit{
		Sessions: c.Sessions[:0], Frames: c.Frames[:0], Retimed: c.Retimed[:0], Reheard: c.Reheard[:0], Readings: c.Readings[:0], States: c.States[:0],
		Cases: c.Cases[:0], Aside: c.Aside[:0], Events: c.Events[:0], Replaced: c.Replaced[:0], Replayed: c.Replayed[:0],
	}
	clear(r.pending)
	r.pending, r.places, r.base = r.pending[:0], r.places[:0], r.mark.Frame
	clear(r.amended)
	clear(r.reheard)
	clear(r.second)
}

// finish adds what is written once per batch, however often the batch changed it.
func (r *Road) finish() {
	for _, s := range r.touched {
		s.changed = false
		r.commit.States = append(r.commit.States, s.AssetState)
	}
	r.touched = r.touched[:0]
	r.commit.Mark = r.mark
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
