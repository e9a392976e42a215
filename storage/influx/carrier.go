package influx

import (
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
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, longestAnswer), resp.Body}
	return resp, nil
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
