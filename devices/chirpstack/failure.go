package chirpstack

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
)

// failure is why one call did not do what it should. It holds no secret.
type failure struct {
	kind enrol.Kind
	code code // of gRPC; 0: it is not from there
	msg  string
	// after is for how long what stands before ChirpStack asks to be left alone.
	after time.Duration
	err   error // the network's, or of the context
}

func (f *failure) Error() string { return f.msg }

func (f *failure) Unwrap() error { return f.err }

// code is a status of gRPC (github.com/grpc/grpc, doc/statuscodes.md).
type code int

const (
	canceled          code = 1
	unknown           code = 2
	deadlineExceeded  code = 4
	notFound          code = 5
	alreadyExists     code = 6
	permissionDenied  code = 7
	resourceExhausted code = 8
	aborted           code = 10
	unimplemented     code = 12
	internal          code = 13
	unavailable       code = 14
	dataLoss          code = 15
	unauthenticated   code = 16
)

// classify says what is to be done about a status. ChirpStack answers with few of them
// (chirpstack/src/api/error.rs): Internal for whatever its database says, a thing that exists
// already among it, and Unauthenticated without a word for all that a key may not, and for
// what the key of a tenant cannot see because it does not exist
// (chirpstack/src/api/auth/validator.rs).
func classify(c code, said string) *failure {
	said = clip(strings.Join(strings.Fields(said), " "), 300)
	f := &failure{code: c, kind: enrol.Refused, msg: said}
	if said == "" {
		f.msg = fmt.Sprintf("answered status %d without a word", c)
	}
	if c == deadlineExceeded {
		f.err = context.DeadlineExceeded // ChirpStack may be faster than our own clock
	}
	switch c {
	case unauthenticated, permissionDenied:
		f.kind = enrol.Unauthorized
		if said == "" {
			f.msg = "the API key may not do this, or what it is about does not exist"
		} else {
			f.msg += ": make a new API key, or look whether it is of this ChirpStack"
		}
	case alreadyExists:
		f.kind = enrol.Conflict
	case notFound:
		f.kind = enrol.Missing
	case unimplemented:
		f.kind = enrol.Missing
		f.msg += ": is that ChirpStack v4?"
	case canceled, unknown, deadlineExceeded, resourceExhausted, aborted, internal, unavailable, dataLoss:
		f.kind = enrol.Unreachable
	}
	return f
}

// has tells whether a call failed with one of some statuses.
func has(err error, codes ...code) bool {
	f := (*failure)(nil)
	if !errors.As(err, &f) {
		return false
	}
	for _, c := range codes {
		if f.code == c {
			return true
		}
	}
	return false
}

// isTaken tells whether a thing could not be made because it is there already: in words of
// PostgreSQL or SQLite, because ChirpStack passes on what they say.
func isTaken(err error) bool {
	f := (*failure)(nil)
	if !errors.As(err, &f) {
		return false
	}
	return f.code == alreadyExists || f.code == internal &&
		(strings.Contains(f.msg, "duplicate key value") || strings.Contains(f.msg, "UNIQUE constraint failed"))
}

// fail tells at which step a call failed, and of which device; zero: of none.
func fail(step string, eui city.EUI, err error) error {
	e := &enrol.Error{Kind: enrol.Unreachable, DevEUI: eui, Step: step, Err: err}
	if f := (*failure)(nil); errors.As(err, &f) {
		e.Kind, e.After = f.kind, f.after
	}
	return e
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
