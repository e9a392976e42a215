package thethings

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
)

// failure is why one request did not do what it should. It holds no secret.
type failure struct {
	kind   enrol.Kind
	status int    // of HTTP; 0: no answer
	name   string // of the error in The Things Stack, "device_not_found"
	owner  owner  // of the EUIs, where another device has them
	msg    string
	after  time.Duration // for how long the cluster asks to be left alone
	err    error         // the network's, where there was no answer
}

// owner is the device that has what another one wants.
type owner struct{ application, device string }

func (f *failure) Error() string { return f.msg }

func (f *failure) Unwrap() error { return f.err }

// fail tells at which step a request failed.
func fail(step string, err error) error {
	e := &enrol.Error{Kind: enrol.Unreachable, Step: step, Err: err}
	if f := (*failure)(nil); errors.As(err, &f) {
		e.Kind, e.After = f.kind, f.after
	}
	return e
}

// about adds the device to an error.
func about(eui city.EUI, err error) error {
	if e := (*enrol.Error)(nil); errors.As(err, &e) {
		e.DevEUI = eui
	}
	return err
}

// isAbsent tells whether a registry said that it does not have the device.
func isAbsent(err error) bool {
	f := (*failure)(nil)
	return errors.As(err, &f) && f.status == http.StatusNotFound && f.kind != enrol.Missing
}

// status is the body of an answer that is not a good one: google.rpc.Status with an
// ErrorDetails of api/ttn/lorawan/v3/error.proto.
type status struct {
	Code    int      `json:"code"`
	Message string   `json:"message"`
	Details []detail `json:"details"`
}

type detail struct {
	Namespace  string         `json:"namespace"`
	Name       string         `json:"name"`
	Attributes map[string]any `json:"attributes"`
	Cause      *detail        `json:"cause"`
}

// aborted is the code of a transaction that another one got in the way of
// (pkg/redis/errors.go); pkg/errors/http.go gives it 409, as it does AlreadyExists.
const aborted = 10

// classify says of an answer what is wrong with it; nil: nothing.
func classify(resp *http.Response, body []byte) *failure {
	f := &failure{status: resp.StatusCode}
	var st status
	data := isJSON(resp.Header) && json.Unmarshal(body, &st) == nil
	if f.status == http.StatusOK {
		if data {
			return nil
		}
		f.kind = enrol.Missing
		f.msg = fmt.Sprintf("answered 200 with %q in place of JSON: is %s The Things Stack?", clip(resp.Header.Get("Content-Type"), 60), host(resp))
		return f
	}
	var d detail
	if i := slices.IndexFunc(st.Details, func(d detail) bool { return d.Name != "" }); i >= 0 {
		d = st.Details[i]
	}
	f.name = d.Name
	f.msg = fmt.Sprintf("answered %d", f.status)
	if said := said(st.Message, d); said != "" {
		f.msg += ": " + said
	}
	switch s := f.status; {
	case s >= 300 && s < 400:
		f.kind = enrol.Missing
		f.msg = fmt.Sprintf("answered %d, a redirect to %q: set the address to where the cluster is now", s, clip(resp.Header.Get("Location"), 200))
	case s == http.StatusUnauthorized:
		f.kind = enrol.Unauthorized
		f.msg += ": the API key is not valid there: make a new one, or look whether it is of this cluster"
	case s == http.StatusForbidden:
		f.kind = enrol.Unauthorized
		f.msg += ": " + lacks(d)
	case s == http.StatusNotFound && (d.Name == "" || d.Name == "application_not_found"):
		// Without details it is the path that nobody knows, not the device.
		f.kind = enrol.Missing
		if d.Name == "" {
			f.msg += fmt.Sprintf(": there is no such registry at %s: look at the addresses", host(resp))
		}
	case s == http.StatusNotFound:
		f.kind = enrol.Refused
	case s == http.StatusConflict && st.Code == aborted:
		f.kind = enrol.Unreachable
	case s == http.StatusConflict:
		f.kind = enrol.Conflict
		f.owner = owner{application: text(d.Attributes["application_id"]), device: text(d.Attributes["device_id"])}
	case s == http.StatusNotImplemented, s == http.StatusMethodNotAllowed:
		f.kind = enrol.Missing
		f.msg += fmt.Sprintf(": there is no such registry at %s: look at the addresses", host(resp))
	case s == http.StatusRequestTimeout, s == http.StatusTooManyRequests, s >= 500:
		f.kind = enrol.Unreachable
		if after := retryAfter(resp.Header); after > 0 {
			f.after = after
			f.msg += fmt.Sprintf(" (try again in %s)", after.Round(time.Second))
		}
	default:
		f.kind = enrol.Refused
	}
	return f
}

// lacks says what an API key may not, by what pkg/auth/rights/require.go tells.
func lacks(d detail) string {
	if missing, ok := d.Attributes["missing"].([]any); ok && len(missing) > 0 {
		var names []string
		for _, m := range missing[:min(len(missing), 10)] {
			names = append(names, clip(text(m), 60))
		}
		return "give the API key the rights it lacks: " + strings.Join(names, ", ")
	}
	return "the API key has no rights on this application: look at its id and at the key"
}

// said puts together what an error and its causes say.
func said(message string, d detail) string {
	parts := []string{clip(strings.Join(strings.Fields(message), " "), 300)}
	// What says which field is wrong stands in the attributes, of the error or of its cause.
	for cause := &d; cause != nil && len(parts) < 6; cause = cause.Cause {
		for _, name := range []string{"field", "reason", "forbidden_paths"} {
			if v := clip(text(cause.Attributes[name]), 200); v != "" && !strings.Contains(parts[0], v) {
				parts = append(parts, name+" "+v)
			}
		}
	}
	return strings.TrimSpace(strings.Join(parts, "; "))
}

// text gives an attribute as text; "" for what is none.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var all []string
		for _, e := range v[:min(len(v), 20)] {
			if s, ok := e.(string); ok {
				all = append(all, s)
			}
		}
		return strings.Join(all, ", ")
	}
	return ""
}

func isJSON(h http.Header) bool {
	typ, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return typ == "application/json" || strings.HasSuffix(typ, "+json")
}

func host(resp *http.Response) string {
	if resp.Request == nil || resp.Request.URL == nil {
		return "the address"
	}
	return resp.Request.URL.Host
}

// keyLike is what may be a root key in somebody else's words.
var keyLike = regexp.MustCompile(`[0-9A-Fa-f]{32,}`)

// hide removes secrets that a server may have quoted: the API key, and whatever looks like a
// root key.
func (c *Client) hide(s string) string {
	return keyLike.ReplaceAllString(strings.ReplaceAll(s, c.key, "<secret>"), "<secret>")
}

func clip(s string, n int) string {
	r := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(r) > n {
		return string(r[:n]) + "…"
	}
	return string(r)
}
