package tickets

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"meldefunk/city"
)

// hall is a ticket system in memory with people at it. It has no idempotency of its own, and
// loses answers when told to.
type hall struct {
	clock *clock
	mu    sync.Mutex
	all   []*hallTicket
	log   []string

	lose   int // so many of the next calls that change something lose their answer
	fail   int // and so many more are refused before anything is done
	cannot map[call]bool
	before func(c call, ref, id string) // runs before a call
}

type hallTicket struct {
	id      string
	text    string
	status  city.Progress
	notes   []string
	updated time.Time
	human   bool // people have ended it
	hidden  bool
}

func newHall(c *clock) *hall { return &hall{clock: c, cannot: map[call]bool{}} }

func (*hall) Name() string { return "town" }

var errLost = errors.New("the answer was lost")

// do runs one call: it may fail before, and may lose its answer after.
func (d *hall) do(c call, ref, id string, change func() error) error {
	if d.before != nil {
		d.before(c, ref, id)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cannot[c] {
		return &city.Failure{Outcome: city.Cannot, Err: errors.New("no such function")}
	}
	if d.fail > 0 {
		d.fail--
		return &city.Failure{Outcome: city.Retry, Err: errors.New("away")}
	}
	d.log = append(d.log, string(c))
	if err := change(); err != nil {
		return err
	}
	if d.lose > 0 && c != callFind && c != callStatus {
		d.lose--
		return &city.Failure{Outcome: city.Unsure, Err: errLost}
	}
	return nil
}

func (d *hall) get(id string) *hallTicket {
	for _, t := range d.all {
		if t.id == id && !t.hidden {
			return t
		}
	}
	return nil
}

func (d *hall) Create(_ context.Context, o city.Order) (string, error) {
	id := ""
	err := d.do(callCreate, o.Case.Ref, "", func() error {
		id = fmt.Sprint(1001 + len(d.all))
		d.all = append(d.all, &hallTicket{id: id, text: o.Text, status: city.ProgressOpen, updated: d.clock.now()})
		return nil
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

func (d *hall) Find(_ context.Context, o city.Order) (id string, found bool, err error) {
	err = d.do(callFind, o.Case.Ref, "", func() error {
		for _, t := range d.all {
			if strings.Contains(t.text, o.Marker) && !t.hidden {
				id, found = t.id, true
				return nil
			}
		}
		return nil
	})
	return id, found, err
}

func (d *hall) Close(_ context.Context, o city.Order, externalID string) error {
	return d.do(callClose, o.Case.Ref, externalID, func() error {
		t := d.get(externalID)
		if t == nil {
			return &city.Failure{Outcome: city.Refused, Err: errors.New("404")}
		}
		if !t.status.Over() {
			t.status, t.updated = city.ProgressDone, d.clock.now()
			t.notes = append(t.notes, o.Closing)
		}
		return nil
	})
}

func (d *hall) Note(_ context.Context, o city.Order, externalID, key, text string) error {
	return d.do(callNote, o.Case.Ref, externalID, func() error {
		if t := d.get(externalID); t != nil {
			t.notes, t.updated = append(t.notes, text), d.clock.now()
		}
		return nil
	})
}

func (d *hall) Reopen(_ context.Context, o city.Order, externalID string) error {
	return d.do(callReopen, o.Case.Ref, externalID, func() error {
		t := d.get(externalID)
		if t == nil {
			return &city.Failure{Outcome: city.Refused, Err: errors.New("404")}
		}
		t.status, t.updated = city.ProgressOpen, d.clock.now()
		t.notes = append(t.notes, o.Text)
		return nil
	})
}

func (d *hall) Status(_ context.Context, externalID string) (r city.Remote, found bool, err error) {
	err = d.do(callStatus, "", externalID, func() error {
		if t := d.get(externalID); t != nil {
			r, found = t.remote(), true
		}
		return nil
	})
	return r, found, err
}

func (d *hall) Changes(_ context.Context, since time.Time) ([]city.Remote, error) {
	var changed []city.Remote
	err := d.do("changes", "", "", func() error {
		for _, t := range d.all {
			if !t.updated.Before(since) && !t.hidden {
				changed = append(changed, t.remote())
			}
		}
		return nil
	})
	return changed, err
}

func (t *hallTicket) remote() city.Remote {
	r := city.Remote{ID: t.id, Progress: t.status, Status: string(t.status), Updated: t.updated, Service: "ABF-1"}
	if len(t.notes) > 0 {
		r.Notes = t.notes[len(t.notes)-1]
	}
	return r
}

// people do something with a ticket.
func (d *hall) people(id string, p city.Progress, note string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.get(id)
	if t == nil {
		return
	}
	if p.Over() && !t.status.Over() {
		t.human = true
	}
	if !p.Over() {
		t.human = false
	}
	t.status, t.updated = p, d.clock.now()
	t.notes = append(t.notes, note)
}

func (d *hall) vanish(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.get(id); t != nil {
		t.hidden = true
	}
}

func (d *hall) calls(c call) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, s := range d.log {
		if s == string(c) {
			n++
		}
	}
	return n
}

func (d *hall) ticket(id string) hallTicket {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.all {
		if t.id == id {
			return *t
		}
	}
	return hallTicket{}
}
