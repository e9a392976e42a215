package open311

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// verdict is what an answer that is not a good one means.
type verdict struct {
	outcome city.Outcome
	after   time.Duration
	msg     string
}

// classify says of an answer what it means; without a verdict: done, and tree is what the
// body says. bodyErr is why the body could not be read to its end.
//
// GeoReport v2 names 400, 403 and 404 only. For the rest the question is whether the
// server can have stored the request before it answered so. And a refusal may be about
// this request, which a human must look at, or about us (key, address of the endpoint):
// then every request would be refused, and it is tried again once that is mended.
func classify(resp *http.Response, body []byte, bodyErr error) (tree any, v *verdict) {
	status := resp.StatusCode
	v = &verdict{outcome: city.Unsure, after: retryAfter(resp.Header)}
	if bodyErr != nil {
		// Whatever the status: the half that is missing may have said that it exists already.
		v.msg = fmt.Sprintf("answered %d, but the answer broke off: %v", status, bodyErr)
		return nil, v
	}
	tree, err := parse(body)
	if status == 200 || status == 201 || status == 202 {
		switch {
		case !readable(resp.Header):
			v.msg = fmt.Sprintf("answered %d with %q in place of JSON or XML", status, clip(resp.Header.Get("Content-Type"), 60))
		case err != nil:
			v.msg = fmt.Sprintf("answered %d, but %v", status, err)
		default:
			return tree, nil
		}
		return nil, v
	}
	said := serverText(body)
	v.msg = fmt.Sprintf("answered %d", status)
	if said != "" {
		v.msg += ": " + said
	}
	switch {
	case status >= 300 && status < 400:
		// Following would carry the key elsewhere; a moved endpoint is a matter of configuration.
		// Found and See Other are also how a page says that a form was taken.
		if status != http.StatusFound && status != http.StatusSeeOther {
			v.outcome = city.Retry
		}
		v.msg = fmt.Sprintf("answered %d, a redirect to %q: set the endpoint to where the service is now", status, clip(resp.Header.Get("Location"), 200))
	case status == http.StatusRequestTimeout:
		// The server gave up waiting; how much it had read it does not say.
	case status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		v.outcome = city.Retry
	case status >= 400 && status < 500, status == http.StatusInternalServerError && saysCode(tree, "401", "403"):
		// Klarschiff answers a wrong key with 500 and says 401 or 403 in the body.
		v.outcome = city.Refused
		if aboutUs(status, tree, body) {
			v.outcome = city.Retry
			v.msg += " (this is about our key or settings, not about the request)"
		}
	case status == http.StatusNotImplemented, status == http.StatusHTTPVersionNotSupported:
		v.outcome = city.Refused
	case status == http.StatusServiceUnavailable && v.after > 0:
		// Only who knows when to come back has turned the request away by intent. Without
		// that, 503 is also what a proxy says when the server behind it went silent.
		v.outcome = city.Retry
	}
	return nil, v
}

// aboutUs tells whether a refusal would meet every request: it names the key or the
// jurisdiction, or it forbids without naming the service. What servers answer to a wrong
// key is 401, 403, 400 with a word about api_key, or 500 with 401 in the body.
func aboutUs(status int, tree any, body []byte) bool {
	if status == http.StatusUnauthorized || status == http.StatusProxyAuthRequired {
		return true
	}
	said := strings.ToLower(string(body[:min(len(body), 8<<10)]))
	names := func(word string) bool { return strings.Contains(said, word) }
	if slices.ContainsFunc([]string{"service_code", "servicecode", "service code"}, names) {
		return false
	}
	return status == http.StatusForbidden || saysCode(tree, "401", "403") ||
		slices.ContainsFunc([]string{"api_key", "api key", "jurisdiction"}, names)
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

// readable tells whether an answer claims to be data. Some servers answer a request for
// XML in JSON, so both are taken; a web page is not.
func readable(h http.Header) bool {
	typ, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	switch typ {
	case "", "text/plain", "application/octet-stream", "text/xml", "application/xml", "text/json":
		return true
	case "application/xhtml+xml":
		return false
	}
	return strings.HasSuffix(typ, "json") || strings.HasSuffix(typ, "+xml")
}

func clip(s string, n int) string {
	r := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(r) > n {
		return string(r[:n]) + "…"
	}
	return string(r)
}
