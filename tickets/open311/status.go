package open311

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

var degrees = []city.Progress{city.ProgressOpen, city.ProgressWorking, city.ProgressDone, city.ProgressRejected, city.ProgressDuplicate}

// words are what servers say in place of open and closed, in lower case: mySociety,
// CitySDK, Klarschiff.
func words() map[string]city.Progress {
	return map[string]city.Progress{
		"open": city.ProgressOpen, "pending": city.ProgressOpen, "received": city.ProgressOpen, "reviewed": city.ProgressOpen, "reopen": city.ProgressOpen, "for_triage": city.ProgressOpen,
		"in_process": city.ProgressWorking, "in_progress": city.ProgressWorking, "planned": city.ProgressWorking, "action_scheduled": city.ProgressWorking, "investigating": city.ProgressWorking,
		"closed": city.ProgressDone, "processed": city.ProgressDone, "fixed": city.ProgressDone,
		"rejected": city.ProgressRejected, "not_solvable": city.ProgressRejected, "not_councils_responsibility": city.ProgressRejected, "no_further_action": city.ProgressRejected,
		"internal_referral": city.ProgressRejected, "cancelled": city.ProgressRejected,
		"duplicate": city.ProgressDuplicate,
	}
}

// Status reads one request by its number. found is false where the endpoint does not show
// it (any more, or yet): that is no sign that it is closed.
func (c *Client) Status(ctx context.Context, externalID string) (t city.Remote, found bool, err error) {
	path := c.path("requests", externalID)
	tree, err := c.get(ctx, path, c.reading())
	if statusOf(err) == http.StatusNotFound {
		return city.Remote{}, false, nil
	}
	if err != nil {
		return city.Remote{}, false, err
	}
	all, err := c.records(tree)
	if err != nil {
		return city.Remote{}, false, c.fail(city.Retry, "GET %s: %v", path, err)
	}
	for _, rec := range all {
		if rec.ID == externalID {
			return c.remote(rec), true, nil
		}
		if rec.ID == "" {
			return city.Remote{}, false, c.fail(city.Retry, "GET %s: answered with elements without service_request_id. %s", path, clip(said(tree), 300))
		}
	}
	return city.Remote{}, false, nil
}

// Changes gives those requests of ours that may have changed at since or later, the earliest
// change first, each read anew by its number. One that is not in it has not certainly
// stayed as it was: lists of real servers miss some. Ask for those by number, now and then.
// Requests that are nobody's and carry the reference of a case are there too, with ID and Ref
// alone.
func (c *Client) Changes(ctx context.Context, since time.Time) ([]city.Remote, error) {
	var changed []city.Remote
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
				if quoted := reference.FindStringSubmatch(rec.Words); quoted != nil {
					changed = append(changed, city.Remote{ID: rec.ID, Ref: quoted[1]})
				}
				continue
			}
			t, found, err := c.Status(ctx, rec.ID)
			if err != nil {
				return nil, err
			}
			if found {
				t.Ref = ref
				changed = append(changed, t)
			}
		}
	}
	slices.SortStableFunc(changed, func(a, b city.Remote) int { return a.Updated.Compare(b.Updated) })
	return changed, nil
}

// reference is how a case's ref stands in a request; see city.Order.
var reference = regexp.MustCompile(`\[Ref (S-[0-9A-Z]{8})\]`)

func (c *Client) remote(rec record) city.Remote {
	t := city.Remote{ID: rec.ID, Status: cmp.Or(rec.Detail, rec.Status), Notes: rec.Notes, Service: rec.ServiceCode, Name: rec.ServiceName}
	t.Progress = c.progress(rec)
	if at, err := time.Parse(time.RFC3339, rec.Updated); err == nil {
		t.Updated = at
	}
	return t
}

// progress goes by the finest word that is known.
func (c *Client) progress(rec record) city.Progress {
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
