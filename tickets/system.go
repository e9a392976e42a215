package tickets

import (
	"context"

	"meldefunk/city"
)

// System is a ticket system. It is called by one goroutine at a time, with at most one
// call in flight; ctx lives as long as the process, so a System sets its own time limit.
// An error is a *city.Failure; any other error counts as unsure.
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
