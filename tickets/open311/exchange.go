package open311

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"meldefunk/city"
)

// maxBody bounds an answer, in bytes: 1000 requests with 4000 characters each fit.
const maxBody = 8 << 20

const (
	formType = "application/x-www-form-urlencoded; charset=utf-8"
	jsonType = "application/json; charset=utf-8"
)

// get reads a resource. A failure is Retry or Refused.
func (c *Client) get(ctx context.Context, path string, q url.Values) (any, error) {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	body, err := c.exchange(ctx, http.MethodGet, path, "", "")
	if f := (*city.Failure)(nil); errors.As(err, &f) && f.Outcome == city.Unsure {
		f.Outcome = city.Retry // reading changes nothing
	}
	return body, err
}

// send sends a form, once.
func (c *Client) send(ctx context.Context, method, path string, form url.Values) (any, error) {
	form.Set("api_key", c.key)
	return c.exchange(ctx, method, path, formType, form.Encode())
}

// sendJSON sends an object, once. The key goes into the address, where the servers that
// take JSON look for it.
func (c *Client) sendJSON(ctx context.Context, method, path string, v map[string]any) (any, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, refuse("%s %s: %v", method, path, err)
	}
	q := c.query()
	q.Set("api_key", c.key)
	return c.exchange(ctx, method, path+"?"+q.Encode(), jsonType, string(body))
}

// exchange sends one request and reads its answer. What it returns without an error came
// with a good status and could be read.
func (c *Client) exchange(ctx context.Context, method, path, contentType, send string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	// Before there is a connection nothing can have been done; afterwards anything can.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})

	var reader io.Reader
	if contentType != "" {
		reader = strings.NewReader(send)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, reader)
	if err != nil {
		return nil, c.fail(city.Refused, "%s %s: %v", method, bare(path), inner(err))
	}
	req.GetBody = nil // a body that cannot be had again is not sent again
	req.Header.Set("Accept", map[string]string{JSON: "application/json", XML: "application/xml, text/xml"}[c.flavour.Format])
	req.Header.Set("User-Agent", "meldefunk")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}

	resp, err := c.http.Do(req)
	if err != nil {
		outcome := city.Retry
		if connected.Load() {
			outcome = city.Unsure
		}
		err = inner(err)
		return nil, &city.Failure{Outcome: outcome, Err: &answered{msg: c.hide(fmt.Sprintf("%s %s: %v", method, bare(path), err)), err: err}}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("answer is longer than %d bytes", maxBody)
	}
	tree, verdict := classify(resp, body, err)
	if verdict != nil {
		return nil, &city.Failure{
			Outcome: verdict.outcome, After: verdict.after,
			Err: &answered{status: resp.StatusCode, msg: c.hide(method + " " + bare(path) + ": " + verdict.msg)},
		}
	}
	return tree, nil
}

// wait sleeps, unless ctx ends first.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// inner takes the URL out of an error: the key may be in it.
func inner(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// hide removes the API key, which a server may have quoted.
func (c *Client) hide(s string) string {
	return strings.NewReplacer(c.key, "<secret>", url.QueryEscape(c.key), "<secret>").Replace(s)
}

func bare(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}
