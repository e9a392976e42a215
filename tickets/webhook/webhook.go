package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"meldefunk/city"
	"meldefunk/city/door"
)

// maxAnswer bounds an answer, in bytes: it names a ref and a number.
const maxAnswer = 64 << 10

// System is a receiver of messages as a ticket system. It may be used by several
// goroutines.
type System struct {
	cfg    Config
	secret door.SigningKey
	now    func() time.Time
	http   *http.Client
}

// New makes a System and reads the secret. It does not contact the receiver. now is the
// clock of the signatures.
func New(cfg Config, now func() time.Time) (*System, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	secret, err := cfg.secret()
	if err != nil {
		return nil, err
	}
	roots, err := door.Roots(cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	// HTTP/1.1 on a fresh connection each time: otherwise Go repeats a request by itself
	// when the receiver hangs up.
	var only1 http.Protocols
	only1.SetHTTP1(true)
	return &System{cfg: cfg, secret: secret, now: now, http: &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, Protocols: &only1, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		},
		// A redirect would take the cases somewhere nobody configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Name is "webhook".
func (*System) Name() string { return "webhook" }

// Closes tells that the receiver learns of closings.
func (*System) Closes() bool { return true }

// Create sends the message of an opening and gives the receiver's number.
func (s *System) Create(ctx context.Context, o city.Order) (string, error) {
	return s.send(ctx, &o, opened(&o))
}

// Find knows of no search, whatever Delivery says: what follows from that is decided for each
// case.
func (*System) Find(context.Context, city.Order) (string, bool, error) {
	return "", false, &city.Failure{Outcome: city.Cannot, Err: errors.New("webhook: the answer was lost, and a receiver cannot be searched: look whether it has the ticket")}
}

// Close sends the message of a closing.
func (s *System) Close(ctx context.Context, o city.Order, externalID string) error {
	_, err := s.send(ctx, &o, closed(&o, externalID))
	return err
}

// Note sends the message of a change.
func (s *System) Note(ctx context.Context, o city.Order, externalID, key, text string) error {
	_, err := s.send(ctx, &o, updated(&o, externalID, key, text))
	return err
}

// Reopen sends the message that a matter is back; the receiver keeps its number.
func (s *System) Reopen(ctx context.Context, o city.Order, externalID string) error {
	_, err := s.send(ctx, &o, reopened(&o, externalID))
	return err
}

// send posts one message once, and gives the receiver's number.
func (s *System) send(ctx context.Context, o *city.Order, n news) (string, error) {
	key, body, err := message(o, n)
	if err != nil {
		return "", s.failed(city.Refused, "make the message: %v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	// Before there is a connection nothing can have been done; afterwards anything can.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return "", s.failed(city.Refused, "%v", err)
	}
	req.GetBody = nil // a body that cannot be had again is not sent again
	at := s.now()
	req.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "meldefunk")
	req.Header.Set("Idempotency-Key", strconv.Quote(key))
	req.Header.Set("Webhook-Id", key)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("Webhook-Signature", s.secret.Sign(key, at, body))

	resp, err := s.http.Do(req)
	if err != nil {
		outcome := city.Retry
		if connected.Load() {
			outcome = city.Unsure
		}
		return "", s.failed(outcome, "%w", inner(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if f := s.judge(resp, answer); f != nil {
		return "", f
	}
	if err != nil {
		return "", s.failed(city.Unsure, "read the answer: %w", inner(err))
	}
	return s.number(o, n.id, answer)
}

// judge makes a failure of a status that is not 2xx; nil: it is. A receiver that says 409
// knows the key already and is asked again for its answer.
func (s *System) judge(resp *http.Response, answer []byte) *city.Failure {
	status := resp.StatusCode
	text := fmt.Sprintf("%d %s: %s", status, http.StatusText(status), tidy(answer))
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		f := s.failed(city.Retry, "%s", text)
		f.After = retryAfter(resp.Header.Get("Retry-After"), s.now())
		return f
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooEarly, status >= 500:
		return s.failed(city.Unsure, "%s", text)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		// About us and not about this case: everything waits until a human has mended it.
		return s.failed(city.Retry, "%s; the receiver does not accept the signature: check the secret and both clocks", text)
	}
	return s.failed(city.Refused, "%s", text)
}

// number takes the receiver's number from an answer, which must name the ref too.
func (s *System) number(o *city.Order, id string, answer []byte) (string, error) {
	var a struct {
		Ref string `json:"ref"`
		ID  any    `json:"id"`
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if len(answer) > maxAnswer || d.Decode(&a) != nil {
		return "", s.failed(city.Unsure, `answered with something else than {"ref": …, "id": …}: %s`, tidy(answer))
	}
	number := ""
	switch v := a.ID.(type) {
	case string:
		number = v
	case json.Number:
		number = v.String()
	}
	switch {
	case a.Ref != o.Case.Ref:
		return "", s.failed(city.Unsure, "answered for ref %.40q, sent %s", a.Ref, o.Case.Ref)
	case number == "" || len(number) > 200 || strings.ContainsFunc(number, unicode.IsControl):
		return "", s.failed(city.Unsure, "answered without a usable id")
	case id != "" && number != id:
		return "", s.failed(city.Unsure, "told of %.60q, answered for %.60q", id, number)
	}
	return number, nil
}

func (s *System) failed(outcome city.Outcome, format string, args ...any) *city.Failure {
	return &city.Failure{Outcome: outcome, Err: fmt.Errorf("webhook: "+format, args...)}
}

// inner takes the URL, whose query may be a secret, out of an error.
func inner(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// tidy makes somebody else's text fit for a log line.
func tidy(b []byte) string {
	const most = 200
	if len(b) > most {
		b = b[:most]
	}
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(string(b), "?"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
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
