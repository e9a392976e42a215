package influx

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"
)

// outcome is what became of one write. It is also a metric label.
type outcome uint8

const (
	taken         outcome = iota
	unreachable           // no answer, or one that says nothing about the readings: later
	misconfigured         // address, token, organization or bucket: later, and a human must look
	refused               // InfluxDB will never take some reading of the batch
	tooLarge              // the batch is too large
	outcomes
)

var outcomeNames = [outcomes]string{"taken", "unreachable", "misconfigured", "refused", "too_large"}

func (o outcome) String() string { return outcomeNames[o] }

// failure is a write that went wrong.
type failure struct {
	outcome outcome
	text    string        // for people, without secrets
	after   time.Duration // InfluxDB asks not to come back earlier; 0: it does not
	slow    bool          // no answer in time: perhaps the batch is too large for it
	answer  []byte        // the whole answer to a write, where it is the server's word on lines
	message string        // its words, not made fit for a log
}

func (f *failure) Error() string { return f.text }

// judge makes sense of an error of the client library, and of the answer to a write behind
// it if there is one.
func (w *Writer) judge(err error, body []byte) *failure {
	var answer *influxhttp.Error
	if !errors.As(err, &answer) || answer.StatusCode == 0 {
		if late(err) {
			return &failure{outcome: unreachable, text: fmt.Sprintf("no answer within %v", w.cfg.Timeout), slow: true}
		}
		return &failure{outcome: unreachable, text: w.tidy(cause(err))}
	}
	f := &failure{outcome: unreachable, text: w.tidy(words(answer))}
	switch answer.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		// Only InfluxDB itself can judge a reading. A proxy that says 400 to everything
		// must not cost a single one.
		if f.answer, f.message = body, answer.Message; byInfluxDB(answer) || len(listed(body)) > 0 {
			f.outcome = refused
		}
	case http.StatusRequestEntityTooLarge:
		f.outcome = tooLarge
	case http.StatusUnauthorized:
		f.outcome = misconfigured
		f.text += "; InfluxDB does not know the token: check token_file or token_env"
	case http.StatusForbidden:
		f.outcome = misconfigured
		f.text += fmt.Sprintf("; the token may not write to bucket %q: give it that permission", w.cfg.Bucket)
	case http.StatusNotFound:
		f.outcome = misconfigured
		f.text += fmt.Sprintf("; check url, org %q and bucket %q, and that the token may write there", w.cfg.Org, w.cfg.Bucket)
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		f.outcome = misconfigured
		f.text += w.tidy("; InfluxDB is said to be at " + answer.Header.Get("Location") + ": give its own address as url")
	}
	f.after = retryAfter(answer.Header.Get("Retry-After"), w.now())
	return f
}

// byInfluxDB tells InfluxDB's answers from those of a proxy in front of it: 2.x sends its
// error code as a header, 1.x its version.
func byInfluxDB(e *influxhttp.Error) bool {
	for _, name := range []string{"X-Platform-Error-Code", "X-Influxdb-Version", "X-Influxdb-Error"} {
		if e.Header.Get(name) != "" {
			return true
		}
	}
	return e.Code == "invalid" || e.Code == "unprocessable entity"
}

// words renders an answer: "400 Bad Request: unable to parse …".
func words(e *influxhttp.Error) string {
	text := fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode))
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// late tells whether there was a connection but no answer in time.
func late(err error) bool {
	var dial *net.OpError
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout() && (!errors.As(err, &dial) || dial.Op != "dial")
}

// cause is what lies behind an error of net/http, without what changes from one try to the
// next: the local port.
func cause(err error) string {
	var dial *net.OpError
	var request *url.Error
	switch {
	case errors.As(err, &dial) && dial.Addr != nil:
		return fmt.Sprintf("%s %s: %v", dial.Op, dial.Addr, dial.Err)
	case errors.As(err, &request):
		return request.Err.Error()
	}
	return err.Error()
}

// tidy makes a text of somebody else's fit for a log line: no secret, no line breaks, an
// end.
func (w *Writer) tidy(text string) string {
	const most = 400
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, w.carrier.redact(text))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strings.TrimSpace(text)
}

// retryAfter reads the header (RFC 9110 section 10.2.3): seconds, or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
