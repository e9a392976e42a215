package open311

import (
	"context"
	"net/url"
	"strconv"

	"meldefunk/city"
)

const (
	// maxPages bounds a list that never ends.
	maxPages = 200
	// maxAsk bounds what is asked for in one answer, in requests.
	maxAsk = 100_000
)

// list reads GET requests to its end. That is where a page brings nothing new: servers
// have their own idea of how long a page is, and those that know no pages answer with the
// same one again. An error is Retry or Refused.
func (c *Client) list(ctx context.Context, q url.Values) ([]record, error) {
	p := c.pages
	if p.grow {
		return c.growing(ctx, q)
	}
	if p.page == "" && p.offset == "" {
		return c.page(ctx, q)
	}
	var all []record
	seen := map[string]bool{}
	if p.size != "" {
		q.Set(p.size, strconv.Itoa(p.ask))
	}
	for n, offset := 1, 0; n <= maxPages; n++ {
		if p.page != "" {
			q.Set(p.page, strconv.Itoa(n))
		}
		if p.offset != "" {
			q.Set(p.offset, strconv.Itoa(offset))
		}
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
		offset += len(page)
	}
	return nil, c.fail(city.Refused, "GET %s: more than %d pages", c.path("requests"), maxPages)
}

// growing asks for more until fewer come than were asked for.
func (c *Client) growing(ctx context.Context, q url.Values) ([]record, error) {
	before := -1
	for ask := c.pages.ask; ask <= maxAsk; ask *= 10 {
		q.Set(c.pages.size, strconv.Itoa(ask))
		all, err := c.page(ctx, q)
		if err != nil {
			return nil, err
		}
		if len(all) != ask || len(all) == before {
			return all, nil
		}
		before = len(all)
	}
	return nil, c.fail(city.Refused, "GET %s: more than %d requests", c.path("requests"), maxAsk)
}

// page reads one answer to GET requests.
func (c *Client) page(ctx context.Context, q url.Values) ([]record, error) {
	path := c.path("requests")
	tree, err := c.get(ctx, path, q)
	if err != nil {
		return nil, err
	}
	all, err := c.records(tree)
	if err != nil {
		return nil, c.fail(city.Retry, "GET %s: %v", path, err)
	}
	for _, rec := range all {
		if rec.ID == "" {
			// An error with status 200, or another resource: not an empty list.
			return nil, c.fail(city.Retry, "GET %s: answered with elements without service_request_id. %s", path, clip(said(tree), 300))
		}
	}
	return all, nil
}
