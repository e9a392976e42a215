package tickets

import (
	"context"
	"time"

	"meldefunk/city"
)

// System is a ticket system. It is called by one goroutine at a time, with at most one
// call in flight; ctx lives as long as the process, so a System sets its own time limit.
// An error is a *Failure; any other error counts as Unsure.
type System interface {
	// Name is a short lower-case word for logs and metrics.
	Name() string
	// Create opens a ticket and gives the ticket system's number for it. One call is one
	// try: a System never repeats a create by itself.
	Create(ctx context.Context, o Order) (externalID string, err error)
	// Find looks for the ticket of o.Case.Ref, sent at or after o.SentAt.
	Find(ctx context.Context, o Order) (externalID string, found bool, err error)
	// Close closes the ticket. Closing a closed ticket is no error.
	Close(ctx context.Context, o Order, externalID string) error
}

// Order is what a ticket system is told: the case, where it is, and the words for people.
type Order struct {
	Case    city.Case
	Asset   *city.Asset // nil: no longer in the inventory
	SentAt  time.Time   // begin of the last create
	Title   string      // German, one line, at most MaxTitle runes
	Text    string      // German, ends with the ref; with the title at most MaxText runes
	Closing string      // German, why it is closed; "" while the case is wanted
}
