package open311

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

const (
	// searchMargin is how far the server's clock may be behind ours.
	searchMargin = 10 * time.Minute
	// hiddenMargin is the same for a request that nothing but place and time speak for.
	hiddenMargin = 2 * time.Minute
	// near is how far apart two tellings of one position may be, in metres: some servers
	// keep positions with four or five decimals only.
	near = 15
)

// Find looks for the service request that carries o.Marker. An error is Retry or Refused.
//
// Each status is asked for apart, because some servers fail on "open,closed". What comes
// is searched here, because some servers ignore filters. Since some have start_date the
// wrong way round or miss records with it, and since people change categories, an empty
// result is checked without dates and without the category before it is believed.
//
// Where the endpoint hides what was not released yet, a request of the same category,
// place and time whose words are hidden may be ours or a citizen's. Then this is Refused:
// a human must look, and nothing is sent again.
func (c *Client) Find(ctx context.Context, o city.Order) (externalID string, found bool, err error) {
	code, err := c.theirs(o)
	if err != nil {
		return "", false, err
	}
	if id := c.promised(ctx, o); id != "" {
		c.forget(o.Case.Ref)
		return id, true, nil
	}
	hidden := map[string]bool{}
	for _, q := range c.searches(o, code) {
		all, err := c.list(ctx, q)
		if err != nil {
			return "", false, err
		}
		id, err := c.match(ctx, o, all)
		if err != nil {
			return "", false, err
		}
		if id != "" {
			c.forget(o.Case.Ref)
			return id, true, nil
		}
		for _, rec := range all {
			if c.hides(o, code, rec) {
				hidden[rec.ID] = true
			}
		}
	}
	return "", false, c.suspects(ctx, hidden)
}

// searches gives the lists to look through, the narrowest first.
func (c *Client) searches(o city.Order, code string) []url.Values {
	var all []url.Values
	with := func(args ...string) {
		q := c.reading()
		for i := 0; i < len(args); i += 2 {
			q.Set(args[i], args[i+1])
		}
		all = append(all, q)
	}
	if c.flavour.ByRef != "" {
		with(c.flavour.ByRef, o.Case.Ref)
	}
	if c.flavour.ByText != "" {
		with(c.flavour.ByText, o.Case.Ref)
	}
	since := stamp(o.SentAt.Add(-searchMargin))
	for _, status := range []string{"open", "closed"} {
		with("status", status, "service_code", code, "start_date", since)
	}
	for _, status := range []string{"open", "closed"} {
		with("status", status, "service_code", code)
	}
	for _, status := range []string{"open", "closed"} {
		with("status", status, "start_date", since)
	}
	return all
}

// match picks the request that carries the marker, the oldest if there are several. One
// that belongs to another ref only quotes ours.
func (c *Client) match(ctx context.Context, o city.Order, all []record) (string, error) {
	best := ""
	for _, rec := range all {
		if !strings.Contains(rec.Words, o.Marker) {
			continue
		}
		ref, linked, err := c.isLinked(ctx, rec.ID)
		if err != nil {
			return "", err
		}
		if linked && ref != o.Case.Ref {
			continue
		}
		if best == "" || lower(rec.ID, best) {
			best = rec.ID
		}
	}
	return best, nil
}

func (c *Client) isLinked(ctx context.Context, id string) (ref string, linked bool, err error) {
	ref, linked, err = c.linked(ctx, id)
	if err != nil {
		err = &city.Failure{Outcome: city.Retry, Err: fmt.Errorf("number %s: look up whether it is taken: %w", clip(id, 60), err)}
	}
	return ref, linked, err
}

// hides tells whether rec has its words hidden and may be what was sent.
func (c *Client) hides(o city.Order, code string, rec record) bool {
	if c.flavour.Hidden == "" || rec.Description != c.flavour.Hidden || rec.ServiceCode != "" && rec.ServiceCode != code {
		return false
	}
	if at, told, err := rec.requested(); told && err == nil &&
		(at.Before(o.SentAt.Add(-hiddenMargin)) || at.After(o.SentAt.Add(c.cfg.Timeout+hiddenMargin))) {
		return false
	}
	at, told := rec.position()
	if !told || o.Asset == nil || o.Asset.Position == nil {
		return true
	}
	return metres(*o.Asset.Position, at) <= near
}

// suspects refuses if there is a request that may be ours.
func (c *Client) suspects(ctx context.Context, hidden map[string]bool) error {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(hidden)) {
		_, linked, err := c.isLinked(ctx, id)
		if err != nil {
			return err
		}
		if !linked {
			ids = append(ids, clip(id, 60))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	f := c.fail(city.Refused, "category, place and time fit %s, whose text is not released yet: release it there, then have this ticket searched for again", strings.Join(ids, ", "))
	f.Ambiguous = true
	return f
}

// metres is the distance between two positions that are near each other.
func metres(a, b city.Position) float64 {
	const degree = 111_195 // metres, on a sphere of 6371 km radius
	dy := (a.Lat - b.Lat) * degree
	dx := (a.Lon - b.Lon) * degree * math.Cos(a.Lat*math.Pi/180)
	return math.Hypot(dx, dy)
}

// lower orders numbers as a server counts them, also where they are not plain numbers.
func lower(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}
