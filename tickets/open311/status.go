package open311

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// State is how far a request has got.
type State string

// The states.
const (
	Open       State = "open"
	InProgress State = "in_progress" // somebody works on it
	Done       State = "closed"
	Rejected   State = "rejected"  // not to be done, or not by them
	Duplicate  State = "duplicate" // of another request
)

var states = []State{Open, InProgress, Done, Rejected, Duplicate}

// Over tells whether nothing more will be done.
func (s State) Over() bool { return s == Done || s == Rejected || s == Duplicate }

// words are what servers say in place of open and closed, in lower case: mySociety,
// CitySDK, Klarschiff.
func words() map[string]State {
	return map[string]State{
		"open": Open, "pending": Open, "received": Open, "reviewed": Open, "reopen": Open, "for_triage": Open,
		"in_process": InProgress, "in_progress": InProgress, "planned": InProgress, "action_scheduled": InProgress, "investigating": InProgress,
		"closed": Done, "processed": Done, "fixed": Done,
		"rejected": Rejected, "not_solvable": Rejected, "not_councils_responsibility": Rejected, "no_further_action": Rejected,
		"internal_referral": Rejected, "cancelled": Rejected,
		"duplicate": Duplicate,
	}
}

// Ticket is a request as the endpoint tells of it.
type Ticket struct {
	ID      string
	Ref     string // ours; "" in what Status gives
	State   State  // "": not told
	Status  string // the endpoint's own word, the finest it tells
	Notes   string // what they say of it
	Service string // their code; people change it, and it is theirs to change
	Name    string // of the service
	Updated time.Time
}

// Status reads one request by its number. found is false where the endpoint does not show
// it (any more, or yet): that is no sign that it is closed.
func (c *Client) Status(ctx context.Context, externalID string) (t Ticket, found bool, err error) {
	path := c.path("requests", externalID)
	tree, err := c.get(ctx, path, c.reading())
	if statusOf(err) == http.StatusNotFound {
		return Ticket{}, false, nil
	}
	if err != nil {
		return Ticket{}, false, err
	}
	all, err := c.records(tree)
	if err != nil {
		return Ticket{}, false, c.fail(city.Retry, "GET %s: %v", path, err)
	}
	for _, rec := range all {
		if rec.ID == externalID {
			return c.ticket(rec), true, nil
		}
		if rec.ID == "" {
			return Ticket{}, false, c.fail(city.Retry, "GET %s: answered with elements without service_request_id. %s", path, clip(said(tree), 300))
		}
	}
	return Ticket{}, false, nil
}

// List gives those requests of ours that may have changed at since or later, the earliest
// change first, each read anew by its number. One that is not in it has not certainly
// stayed as it was: lists of real servers miss some. Ask for those by number, now and then.
func (c *Client) List(ctx context.Context, since time.Time) ([]Ticket, error) {
	var tickets []Ticket
	seen := map[string]bool{}
	for _, status := range []string{"open", "closed"} {
		q := c.reading()
		q.Set("status", status)
		if c.flavour.Since != "" {
			q.Set(c.flavour.Since, stamp(since))
		}
		all, err := c.list(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, rec := range all {
			// Servers tell whole seconds.
			if at, err := time.Parse(time.RFC3339, rec.Updated); seen[rec.ID] || err == nil && at.Before(since.Truncate(time.Second)) {
				continue
			}
			seen[rec.ID] = true
			ref, linked, err := c.isLinked(ctx, rec.ID)
			if err != nil {
				return nil, err
			}
			if !linked {
				continue
			}
			t, found, err := c.Status(ctx, rec.ID)
			if err != nil {
				return nil, err
			}
			if found {
				t.Ref = ref
				tickets = append(tickets, t)
			}
		}
	}
	slices.SortStableFunc(tickets, func(a, b Ticket) int { return a.Updated.Compare(b.Updated) })
	return tickets, nil
}

func (c *Client) ticket(rec record) Ticket {
	t := Ticket{ID: rec.ID, Status: cmp.Or(rec.Detail, rec.Status), Notes: rec.Notes, Service: rec.ServiceCode, Name: rec.ServiceName}
	t.State = c.state(rec)
	if at, err := time.Parse(time.RFC3339, rec.Updated); err == nil {
		t.Updated = at
	}
	return t
}

// state goes by the finest word that is known.
func (c *Client) state(rec record) State {
	for _, word := range []string{strings.ToLower(rec.Detail), rec.Status} {
		if s, ok := c.cfg.StatusMap[word]; ok {
			return s
		}
		if s, ok := words()[strings.ReplaceAll(word, " ", "_")]; ok {
			return s
		}
	}
	return ""
}
