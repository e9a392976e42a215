package api

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// Bounds of what is asked for.
const (
	usualLimit  = 100
	mostLimit   = 1000
	longestWord = 200 // bytes of an argument
)

// query are the arguments of a request.
type query struct{ given map[string]string }

// readQuery refuses what the address does not know: a filter that nobody applies would give
// wrong lists.
func readQuery(r *http.Request, known []string) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, &problem{Status: http.StatusBadRequest, Detail: "the part of the address behind ? is broken: " + err.Error()}
	}
	q := query{make(map[string]string, len(values))}
	for name, all := range values {
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			return q, badArgument(shorten(name), "is not known here, nor is any other")
		case !slices.Contains(known, name):
			return q, badArgument(shorten(name), "is not known here; there are %s", strings.Join(known, ", "))
		case len(all) > 1:
			return q, badArgument(name, "comes %d times, and can be given once", len(all))
		case len(all[0]) > longestWord:
			return q, badArgument(name, "is longer than %d bytes", longestWord)
		}
		q.given[name] = all[0]
	}
	return q, nil
}

func shorten(text string) string { return strings.ToValidUTF8(text[:min(len(text), 40)], "") }

// word gives an argument, "" where it is not given.
func (q query) word(name string) string { return q.given[name] }

// limit is how many entries are wanted at once.
func (q query) limit() (int, error) {
	text, given := q.given["limit"]
	if !given {
		return usualLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostLimit {
		return 0, badArgument("limit", "%.40q: want a whole number from 1 to %d", text, mostLimit)
	}
	return n, nil
}

// time is a point in time; zero where it is not given.
func (q query) time(name string) (time.Time, error) {
	text, given := q.given[name]
	if !given {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	// What is kept are nanoseconds since 1970 in 64 bits.
	if err != nil || at.Year() < 1970 || at.Year() > 2200 {
		return time.Time{}, badArgument(name, "%.40q: want a time with its zone, like 2026-11-21T13:05:00Z (a + has to be written %%2B)", text)
	}
	return at, nil
}

// yes is whether an argument says true.
func (q query) yes(name string) (bool, error) {
	switch text := q.given[name]; text {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, badArgument(name, "%.40q: want true or false", text)
	}
}

// kind is a kind of assets; KindUnknown where none is given.
func (q query) kind() (city.Kind, error) {
	text, given := q.given["kind"]
	if !given {
		return city.KindUnknown, nil
	}
	k, err := city.ParseKind(text)
	if err != nil {
		return k, badArgument("kind", "%s", err)
	}
	return k, nil
}

// cursor is what stands behind the last entry of the page before; "" where this is the first.
func (q query) cursor() (string, error) {
	text, given := q.given["cursor"]
	if !given {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) == 0 {
		return "", badCursor()
	}
	return string(b), nil
}

func badCursor() *problem {
	return badArgument("cursor", "is none of ours: take it from the field next of the page before")
}

// list is one page.
type list struct {
	Items any    `json:"items"`
	Next  string `json:"next,omitempty"` // address of the next page
}

// page makes a list of entries that may go on behind the last of them.
func (c call) page(items any, more bool, last string) list {
	l := list{Items: items}
	if more {
		values := url.Values{}
		for name, value := range c.query.given {
			values.Set(name, value)
		}
		values.Set("cursor", base64.RawURLEncoding.EncodeToString([]byte(last)))
		l.Next = c.request.URL.EscapedPath() + "?" + values.Encode()
	}
	return l
}
