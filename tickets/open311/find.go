package open311

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// searchMargin is how far the server's clock may be behind ours.
	searchMargin = 10 * time.Minute
	// maxPages bounds a list that never ends.
	maxPages = 50
)

// Find looks for the service request that carries r.Marker.
//
// Each status is asked for apart, because some servers fail on "open,closed". What comes
// is searched here, because some servers ignore filters. And since some have start_date
// the wrong way round or miss records with it, an empty result is checked without dates
// before it is believed. An error is Retry or Refused.
func (c *Client) Find(ctx context.Context, r Report) (externalID string, found bool, err error) {
	code, err := c.theirs(r.Service)
	if err != nil {
		return "", false, err
	}
	for _, dated := range []bool{true, false} {
		for _, status := range []string{"open", "closed"} {
			q := c.query()
			q.Set("service_code", code)
			q.Set("status", status)
			if dated {
				q.Set("start_date", stamp(r.SentAt.Add(-searchMargin)))
			}
			all, err := c.list(ctx, q)
			if err != nil {
				return "", false, err
			}
			id, err := c.match(ctx, r, all)
			if err != nil || id != "" {
				return id, id != "", err
			}
		}
	}
	return "", false, nil
}

// list reads GET requests, all pages of it.
func (c *Client) list(ctx context.Context, q url.Values) ([]record, error) {
	if c.cfg.Paging == PagingNone {
		return c.page(ctx, q)
	}
	var all []record
	seen := map[string]bool{}
	for n := 1; n <= maxPages; n++ {
		q.Set("page", strconv.Itoa(n))
		page, err := c.page(ctx, q)
		if err != nil {
			return nil, err
		}
		fresh := false
		for _, rec := range page {
			if !seen[rec.ID] {
				seen[rec.ID], fresh = true, true
				all = append(all, rec)
			}
		}
		if !fresh {
			return all, nil
		}
	}
	return nil, &Error{Outcome: Retry, msg: fmt.Sprintf("GET /requests.json: more than %d pages", maxPages)}
}

func (c *Client) page(ctx context.Context, q url.Values) ([]record, error) {
	body, err := c.get(ctx, "/requests.json", q)
	if err != nil {
		return nil, err
	}
	all, err := records(body)
	if err != nil {
		return nil, &Error{Outcome: Retry, msg: c.hide("GET /requests.json: " + err.Error())}
	}
	for _, rec := range all {
		if rec.ID == "" {
			// An error with status 200, or another resource: not an empty list.
			return nil, &Error{Outcome: Retry, msg: c.hide("GET /requests.json: answered with elements without service_request_id. " + serverText(body))}
		}
	}
	return all, nil
}

// match picks the request that carries the marker, the oldest if there are several. One
// that belongs to another ref only quotes ours.
func (c *Client) match(ctx context.Context, r Report, all []record) (string, error) {
	best := ""
	for _, rec := range all {
		if !strings.Contains(rec.Words, r.Marker) {
			continue
		}
		ref, linked, err := c.linked(ctx, rec.ID)
		if err != nil {
			return "", &Error{Outcome: Retry, msg: fmt.Sprintf("number %s: look up whether it is taken: %v", clip(rec.ID, 60), err), err: err}
		}
		if linked && ref != r.Ref {
			continue
		}
		if best == "" || lower(rec.ID, best) {
			best = rec.ID
		}
	}
	return best, nil
}

// lower orders numbers as a server counts them, also where they are not plain numbers.
func lower(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}
