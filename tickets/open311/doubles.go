package open311

import (
	"context"
	"strings"

	"meldefunk/city"
)

// Doubles gives the other requests that carry o.Marker and belong to no other ref. A request
// comes from us where its words are those of the order, and category, position and time are
// those of one of our tries; the marker alone can stand in what a citizen quotes. An error is
// Retry or Refused.
func (c *Client) Doubles(ctx context.Context, o city.Order, externalID string) ([]city.Double, error) {
	code, err := c.theirs(o)
	if err != nil {
		return nil, err
	}
	var doubles []city.Double
	seen := map[string]bool{externalID: true}
	since := o
	since.SentAt = o.Case.Opened // of the first try nothing else is known
	for _, q := range c.searches(since, code) {
		all, err := c.list(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, rec := range all {
			if seen[rec.ID] || !strings.Contains(rec.Words, o.Marker) {
				continue
			}
			seen[rec.ID] = true
			if _, linked, err := c.isLinked(ctx, rec.ID); err != nil {
				return nil, err
			} else if linked {
				continue
			}
			r, found, err := c.Status(ctx, rec.ID) // a list may tell less
			if err != nil {
				return nil, err
			}
			if found {
				doubles = append(doubles, city.Double{Remote: r, Older: lower(rec.ID, externalID), Doubt: c.doubt(o, code, rec)})
			}
		}
	}
	return doubles, nil
}

// doubt says what speaks against that a request with our marker comes from us; "": nothing.
func (c *Client) doubt(o city.Order, code string, rec record) string {
	if sent := plain(o.Title + " " + o.Text); plain(rec.Description) != sent && plain(rec.Words) != sent {
		return "anderer Text"
	}
	if rec.ServiceCode != "" && rec.ServiceCode != code {
		return "andere Kategorie"
	}
	if at, told, err := rec.requested(); !told || err != nil ||
		at.Before(o.Case.Opened.Add(-hiddenMargin)) || at.After(o.SentAt.Add(c.cfg.Timeout+hiddenMargin)) {
		return "zu anderer Zeit gemeldet"
	}
	if at, told := rec.position(); told && o.Asset != nil && o.Asset.Position != nil && metres(*o.Asset.Position, at) > near {
		return "anderer Ort"
	}
	return ""
}

// plain is a text however its lines are broken.
func plain(s string) string { return strings.Join(strings.Fields(s), " ") }
