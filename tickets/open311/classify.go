package open311

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// classify says of an answer what it means; nil: done, and the body is worth reading.
// bodyErr is why the body could not be read to its end.
//
// GeoReport v2 names 400, 403 and 404 only. For the rest the question is whether the
// server can have stored the request before it answered so.
func classify(resp *http.Response, body []byte, bodyErr error) *Error {
	status := resp.StatusCode
	e := &Error{Status: status, After: retryAfter(resp.Header)}
	words := fmt.Sprintf("answered %d", status)
	if t := serverText(body); t != "" {
		words += ": " + t
	}
	e.msg = words
	switch {
	case bodyErr != nil:
		// Whatever the status: the half that is missing may have said that it exists already.
		e.msg = fmt.Sprintf("answered %d, but the answer broke off: %v", status, bodyErr)
	case status == 200 || status == 201 || status == 202:
		if isJSON(resp.Header, body) {
			return nil
		}
		e.msg = fmt.Sprintf("answered %d with %q in place of JSON", status, clip(resp.Header.Get("Content-Type"), 60))
	case status >= 300 && status < 400:
		// Following would carry the key elsewhere; a moved endpoint is a matter of configuration.
		e.Outcome = Refused
		e.msg = fmt.Sprintf("answered %d, a redirect to %q: set the endpoint to where the service is now", status, clip(resp.Header.Get("Location"), 200))
	case status == http.StatusRequestTimeout:
		// The server gave up waiting; how much it had read it does not say.
	case status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		e.Outcome = Retry
	case status >= 400 && status < 500:
		e.Outcome = Refused
	case status == http.StatusNotImplemented, status == http.StatusHTTPVersionNotSupported:
		e.Outcome = Refused
	case status == http.StatusServiceUnavailable && e.After > 0:
		// Only who knows when to come back has turned the request away by intent. Without
		// that, 503 is also what a proxy says when the server behind it went silent.
		e.Outcome = Retry
	case status == http.StatusInternalServerError && keyRefused(body):
		// Klarschiff answers a wrong key with 500 and says 401 or 403 in the body.
		e.Outcome = Refused
	}
	return e
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3): seconds, or a date, which is
// compared with the server's own clock.
func retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return time.Duration(min(n, 24*60*60)) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, min(at.Sub(date), 24*time.Hour))
}

// isJSON goes by the declared type; where that says nothing, by the first character.
func isJSON(h http.Header, body []byte) bool {
	typ, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	if strings.HasSuffix(typ, "json") {
		return true
	}
	if typ != "" && typ != "text/plain" && typ != "application/octet-stream" {
		return false
	}
	s := strings.TrimSpace(string(body[:min(len(body), 64)]))
	return strings.HasPrefix(s, "[") || strings.HasPrefix(s, "{")
}

func clip(s string, n int) string {
	r := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(r) > n {
		return string(r[:n]) + "…"
	}
	return string(r)
}
