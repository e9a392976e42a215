package tickets

import (
	"context"
	"time"

	"meldefunk/city"
)

// System is a ticket system. It is called by one goroutine at a time, with at most one
// call in flight; ctx lives as long as the process, so a System sets its own time limit.
// An error is a *city.Failure; any other error counts as unsure. What a System can do beside
// is in the interfaces below; where an endpoint of its sort cannot, the error is Cannot.
type System interface {
	// Name is a short lower-case word for logs and metrics.
	Name() string
	// Create opens a ticket and gives the ticket system's number for it. One call is one
	// try: a System never repeats a create by itself.
	Create(ctx context.Context, o city.Order) (externalID string, err error)
	// Find looks for the ticket of o.Case.Ref, sent at or after o.SentAt.
	Find(ctx context.Context, o city.Order) (externalID string, found bool, err error)
	// Close closes the ticket. Closing a closed ticket is no error.
	Close(ctx context.Context, o city.Order, externalID string) error
}

// Noter is a System whose tickets can be added to.
type Noter interface {
	// Note adds German text to a ticket. The key is the note's own within the case.
	Note(ctx context.Context, o city.Order, externalID, key, text string) error
}

// Reopener is a System that can open a closed ticket again.
type Reopener interface {
	// Reopen opens a ticket again, for another case than it was made for; o is that case's.
	// It may be repeated.
	Reopen(ctx context.Context, o city.Order, externalID string) error
}

// Watcher is a System that can be asked how a ticket stands.
type Watcher interface {
	// Status reads one ticket. found is false where it is not there, or not shown.
	Status(ctx context.Context, externalID string) (r city.Remote, found bool, err error)
	// Changes gives those of our tickets that may have changed at since or later, each as
	// Status gives it. It may miss some. Others that carry the reference of a case and are
	// nobody's may be among them, with ID and Ref alone.
	Changes(ctx context.Context, since time.Time) ([]city.Remote, error)
}

// Doubler is a System that can tell whether a case stands there more than once: a ticket that
// no search has shown in time may turn up when the create has been repeated.
type Doubler interface {
	// Doubles gives the other tickets there that carry o.Marker and belong to no other case.
	Doubles(ctx context.Context, o city.Order, externalID string) ([]city.Double, error)
}

// Of some sorts of ticket systems not every endpoint can do what the interface promises.
type (
	closer   interface{ Closes() bool }
	noter    interface{ Notes() bool }
	reopener interface{ Reopens() bool }
)

// list is a System that is a list of all that is open: to tell it of one case more costs
// nothing, so no rate applies, and there is nothing to add to.
type list interface{ Listed() bool }

// powers are what a ticket system can do.
type powers struct {
	name    string
	known   bool // it is configured
	closes  bool
	notes   bool
	reopens bool
	watches bool
	listed  bool // see list
}

// powersOf finds out what a ticket system can do; nil: it is not configured any more.
func powersOf(name string, s System) powers {
	if s == nil {
		return powers{name: name}
	}
	p := powers{name: name, known: true, closes: true}
	if c, ok := s.(closer); ok {
		p.closes = c.Closes()
	}
	_, p.notes = s.(Noter)
	if n, ok := s.(noter); ok {
		p.notes = p.notes && n.Notes()
	}
	_, p.reopens = s.(Reopener)
	if r, ok := s.(reopener); ok {
		p.reopens = p.reopens && r.Reopens()
	}
	_, p.watches = s.(Watcher)
	l, ok := s.(list)
	p.listed = ok && l.Listed()
	return p
}
