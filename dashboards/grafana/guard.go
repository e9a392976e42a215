package grafana

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// longestAnswer is as much of an answer as is read: a board has some 100 KB.
const longestAnswer = 16 << 20

// refusal is an answer that is not what was asked for.
type refusal struct {
	status  int // HTTP
	message string
}

func (r *refusal) Error() string {
	hint := ""
	switch {
	case r.status == http.StatusUnauthorized:
		hint = "; the token is wrong or has expired: Grafana makes a new one under Administration, Service accounts"
	case r.status == http.StatusForbidden:
		hint = "; the token's service account needs the role Editor"
	case r.status >= 300 && r.status < 400:
		hint = "; grafana.url must be the address that answers itself, with its path if it has one"
	case r.status == http.StatusPreconditionFailed:
		hint = "; somebody has changed it meanwhile, or another object has its name: look, then try again"
	case r.status >= 500:
		hint = "; Grafana, or a proxy before it, is not well: try again later"
	}
	return fmt.Sprintf("Grafana answered %d %s: %s%s", r.status, http.StatusText(r.status), r.message, hint)
}

// guard carries requests for the client library and lets through only answers that it can
// bear: it ignores the status in some calls, dereferences what a proxy's answer does not
// have in others, and would take a token with a colon for a password. So the token is added
// here, everything but a success or a 404 becomes an error, and so does what is not JSON.
type guard struct {
	base  http.RoundTripper
	token string
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+g.token)
	req.Header.Set("User-Agent", "meldefunk")
	resp, err := g.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, longestAnswer+1))
	closeErr := resp.Body.Close()
	if err := errors.Join(err, closeErr); err != nil {
		return nil, fmt.Errorf("read Grafana's answer: %w", err)
	}
	if len(body) > longestAnswer {
		return nil, fmt.Errorf("Grafana's answer has more than %d MiB: is that Grafana?", longestAnswer>>20)
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotFound {
		return nil, &refusal{resp.StatusCode, g.redact(messageOf(resp, body))}
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); kind != "application/json" || err != nil {
		return nil, &refusal{resp.StatusCode, "not a JSON object but " + g.redact(messageOf(resp, body)) + "; is that Grafana?"}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// messageOf is what an answer says, in few words: Grafana's message, or the beginning.
func messageOf(resp *http.Response, body []byte) string {
	var told struct{ Message string }
	if err := json.Unmarshal(body, &told); err == nil && told.Message != "" {
		return short(told.Message)
	}
	if to := resp.Header.Get("Location"); to != "" {
		return "it leads to " + short(to)
	}
	text := strings.Join(strings.Fields(string(body[:min(len(body), 1000)])), " ")
	if text == "" {
		return "(nothing)"
	}
	return short(text)
}

func short(text string) string {
	text = strings.Map(func(r rune) rune {
		if control(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return text
}

// redact takes the token out of a text that somebody else wrote.
func (g *guard) redact(text string) string { return strings.ReplaceAll(text, g.token, "<secret>") }
