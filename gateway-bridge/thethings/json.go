package thethings

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"meldefunk/city"
)

// decode reads the body into event. The whole body must be one JSON object without
// duplicate names; members that event does not have are skipped.
func decode(body []byte, event any) error {
	start := bytes.TrimLeft(body, " \t\r\n")
	if len(start) == 0 {
		return malformed("the message is empty")
	}
	if start[0] != '{' {
		return malformed("not a JSON object, begins with %.8q: set the format to JSON", body)
	}
	if err := json.Unmarshal(body, event); err != nil {
		return explain(body, err)
	}
	return nil
}

func malformed(format string, args ...any) *city.Rejection {
	return city.Reject(city.ReasonMalformed, format, args...)
}

// explain turns an error of the JSON decoder into words: which field, at which byte of
// the message, what was found, what is expected.
func explain(body []byte, err error) *city.Rejection {
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(e.Err, io.ErrUnexpectedEOF) {
			return malformed("the JSON is cut off at byte %d", e.ByteOffset)
		}
		return malformed("not valid JSON at byte %d: %s", e.ByteOffset, head(e.Err.Error(), 80))
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return malformed("%.60s at byte %d is %s: want %s",
			field(e.JSONPointer), e.ByteOffset, valueAt(body, e.ByteOffset), wanted(e.GoType))
	}
	return malformed("%s", head(err.Error(), 80))
}

// field writes a JSON pointer the way people do: "uplink_message.f_cnt".
func field(p jsontext.Pointer) string {
	return strings.ReplaceAll(strings.TrimPrefix(string(p), "/"), "/", ".")
}

// valueAt shows the value that begins at a byte of the body, of an object or array only
// the bracket, of a string at most 40 characters.
func valueAt(body []byte, offset int64) string {
	tok, err := jsontext.NewDecoder(bytes.NewBuffer(body[offset:])).ReadToken()
	if err != nil {
		return "unreadable"
	}
	if tok.Kind() == jsontext.KindString {
		return strconv.Quote(head(tok.String(), 40))
	}
	return head(tok.String(), 40)
}

// wanted says which JSON values a Go type takes.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[uint8]():
		return "a whole number from 0 to 255"
	case reflect.TypeFor[uint32]():
		return "a whole number from 0 to 4294967295"
	case reflect.TypeFor[hertz]():
		return "a whole number from 0 to 4294967295 in quotes"
	case reflect.TypeFor[float32](), reflect.TypeFor[float64]():
		return "a number"
	case reflect.TypeFor[bool]():
		return "true or false"
	case reflect.TypeFor[string]():
		return "a string"
	case reflect.TypeFor[[]byte]():
		return "a string in base64"
	case reflect.TypeFor[time.Time]():
		return "a time like 2026-11-21T09:16:52Z"
	case reflect.TypeFor[city.EUI]():
		return "16 hex digits"
	case reflect.TypeFor[[]any]():
		return "an array"
	}
	return "an object"
}

// head gives the first n characters of s.
func head(s string, n int) string {
	for i := range s {
		if n == 0 {
			return strings.Clone(s[:i])
		}
		n--
	}
	return s
}

// present tells that a member is there and not null, whatever it holds.
type present bool

// UnmarshalJSONFrom skips the value.
func (p *present) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*p = dec.PeekKind() != jsontext.KindNull
	return dec.SkipValue()
}

// eachIn reads an array, or null in place of an empty one; read takes the next element
// from dec. It lets a list of any length be summed up without being held.
func eachIn(dec *jsontext.Decoder, read func() error) error {
	tok, err := dec.ReadToken()
	if err != nil || tok.Kind() == jsontext.KindNull {
		return err
	}
	if tok.Kind() != jsontext.KindBeginArray {
		return &json.SemanticError{JSONKind: tok.Kind(), GoType: reflect.TypeFor[[]any]()}
	}
	for dec.PeekKind() != jsontext.KindEndArray {
		if err := read(); err != nil {
			return err
		}
	}
	_, err = dec.ReadToken()
	return err
}
