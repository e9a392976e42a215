package open311

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// maxBody bounds an answer, in bytes: 1000 requests with 4000 characters each fit.
const maxBody = 8 << 20

// get reads a resource. A failure is Retry or Refused.
func (c *Client) get(ctx context.Context, path string, q url.Values) ([]byte, error) {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	body, err := c.exchange(ctx, http.MethodGet, path, nil)
	var e *Error
	if errors.As(err, &e) && e.Outcome == Unsure {
		e.Outcome = Retry // reading changes nothing
	}
	return body, err
}

// post sends a form, once.
func (c *Client) post(ctx context.Context, path string, form url.Values) ([]byte, error) {
	form.Set("api_key", c.key)
	return c.exchange(ctx, http.MethodPost, path, form)
}

// exchange sends one request and reads its answer. What it returns without an error has
// a good status and claims to be JSON.
func (c *Client) exchange(ctx context.Context, method, path string, form url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	// Before there is a connection nothing can have been done; afterwards anything can.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})

	var send io.Reader
	if form != nil {
		send = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, send)
	if err != nil {
		return nil, &Error{Outcome: Refused, msg: c.hide(fmt.Sprintf("%s %s: %v", method, bare(path), err))}
	}
	req.GetBody = nil // a body that cannot be had again is not sent again
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "meldefunk")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}

	resp, err := c.http.Do(req)
	if err != nil {
		e := &Error{Outcome: Retry, err: inner(err)}
		if connected.Load() {
			e.Outcome = Unsure
		}
		e.msg = c.hide(fmt.Sprintf("%s %s: %v", method, bare(path), e.err))
		return nil, e
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("answer is longer than %d bytes", maxBody)
	}
	if e := classify(resp, body, err); e != nil {
		e.msg = c.hide(method + " " + bare(path) + ": " + e.msg)
		return nil, e
	}
	return body, nil
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

// inner takes the URL out of an error.
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
