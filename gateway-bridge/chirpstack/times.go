package chirpstack

import (
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"meldefunk/city/lorawan"
)

// sinceGPS is a time since the GPS epoch, 0 where none is told.
type sinceGPS time.Duration

// UnmarshalJSONFrom reads a google.protobuf.Duration, like "1479287830.828s", or null.
func (d *sinceGPS) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*d = 0
	tok, err := dec.ReadToken()
	if err != nil || tok.Kind() == jsontext.KindNull {
		return err
	}
	if tok.Kind() == jsontext.KindString {
		text := tok.String()
		if n, err := time.ParseDuration(text); err == nil && strings.HasSuffix(text, "s") {
			*d = sinceGPS(n)
			return nil
		}
	}
	return &json.SemanticError{JSONKind: tok.Kind(), GoType: reflect.TypeFor[sinceGPS](), Err: errors.New("no time since the GPS epoch")}
}

// time is the moment in UTC; zero where none is told.
func (d sinceGPS) time() time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return lorawan.FromGPSEpoch(time.Duration(d))
}

// earliest is what no gateway's right clock is before: without a battery, satellites or a
// network it begins at 1970, or when its software was built.
var earliest = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// span keeps the first and the last of the times that gateways told for one frame. They
// had it at the same moment, so that where they differ a clock is wrong.
type span struct{ first, last time.Time }

// add takes up a time, unless it is impossible.
func (s *span) add(t time.Time) {
	if t.Before(earliest) {
		return
	}
	if s.first.IsZero() || t.Before(s.first) {
		s.first = t
	}
	if t.After(s.last) {
		s.last = t
	}
}

// nearest is the one that is closest to what the server says, the first if it says nothing;
// zero where none was told.
func (s *span) nearest(to time.Time) time.Time {
	if to.IsZero() || s.first.Sub(to).Abs() <= s.last.Sub(to).Abs() {
		return s.first
	}
	return s.last
}
