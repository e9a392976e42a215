package influx

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// longestAnswer is as much of an answer as is read. InfluxDB's errors take a few hundred
// bytes; whatever else answers must not fill the memory.
const longestAnswer = 64 << 10

// carrier carries requests to InfluxDB: it adds the token and bounds the answer.
type carrier struct {
	base  http.RoundTripper
	token atomic.Pointer[string]
}

func newCarrier(base http.RoundTripper, token string) *carrier {
	c := &carrier{base: base}
	c.token.Store(&token)
	return c
}

// RoundTrip makes one request.
func (c *carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Token "+*c.token.Load())
	resp, err := c.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body := io.LimitReader(resp.Body, longestAnswer)
	if kept, ok := req.Context().Value(answerKey{}).(*bytes.Buffer); ok && resp.StatusCode >= http.StatusBadRequest {
		kept.Reset()
		body = io.TeeReader(body, kept)
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return resp, nil
}

// answerKey is where a request's context has the buffer that keeps the answer when it is an
// error: the client library gives only parts of it.
type answerKey struct{}

// keeping gives a context whose requests keep the answer when it is an error.
func keeping(ctx context.Context, answer *bytes.Buffer) context.Context {
	return context.WithValue(ctx, answerKey{}, answer)
}

// CloseIdleConnections closes what http.Client.CloseIdleConnections is meant to close.
func (c *carrier) CloseIdleConnections() {
	if base, ok := c.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// redact takes the token out of a text that somebody else wrote.
func (c *carrier) redact(text string) string {
	return strings.ReplaceAll(text, *c.token.Load(), "<secret>")
}
