package sensorthings

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Values of expressions are nil, bool, float64, string, time.Time, interval, day, clockTime,
// time.Duration, *geometry, map[string]any and []any. Numbers of entities are float64: ids
// stay below 2^53.

// interval is a span of time; both ends are instants.
type interval struct{ from, to time.Time }

// day is a date, "2026-11-22", and clockTime a time of day, "07:30:00.000000000": both are
// compared as text.
type (
	day       string
	clockTime string
)

const (
	instantFormat = "2006-01-02T15:04:05.000Z"
	clockFormat   = "15:04:05.000000000"
)

// instantText writes a time as STA wants it: ISO 8601, UTC, milliseconds, or as many digits as
// are needed.
func instantText(t time.Time) string {
	t = t.UTC()
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		return t.Format(time.RFC3339Nano)
	}
	return t.Format(instantFormat)
}

func (i interval) String() string { return instantText(i.from) + "/" + instantText(i.to) }

// jsonValue is a value as encoding/json writes it.
func jsonValue(v any) any {
	switch v := v.(type) {
	case time.Time:
		return instantText(v)
	case interval:
		return v.String()
	case *geometry:
		return v.geoJSON()
	}
	return v
}

// text is a value as $value and comparisons with strings see it.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	case time.Time:
		return instantText(v), true
	case interval:
		return v.String(), true
	case day:
		return string(v), true
	case clockTime:
		return string(v), true
	}
	return "", false
}

// parseInstant reads an ISO 8601 time with date. Without an offset it is UTC.
func parseInstant(s string) (time.Time, bool) {
	for _, layout := range []string{
		"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999Z0700",
		"2006-01-02T15:04:05.999999999", "2006-01-02T15:04",
	} {
		if t, err := time.Parse(layout, s); err == nil && possible(t) {
			return t, true
		}
	}
	return time.Time{}, false
}

// possible tells whether a time can be counted in nanoseconds since 1970, as the store does.
func possible(t time.Time) bool { return t.Year() >= 1678 && t.Year() <= 2261 }

// asSpan reads a value as time: an instant is a span of no length. What is not a time is false.
func asSpan(v any) (interval, bool) {
	switch v := v.(type) {
	case time.Time:
		return interval{v, v}, true
	case interval:
		return v, true
	case day:
		t, err := time.Parse(time.DateOnly, string(v))
		return interval{t, t}, err == nil
	case string:
		if from, to, ok := strings.Cut(v, "/"); ok {
			a, ok1 := parseInstant(from)
			b, ok2 := parseInstant(to)
			return interval{a, b}, ok1 && ok2
		}
		t, ok := parseInstant(v)
		return interval{t, t}, ok
	}
	return interval{}, false
}

// compare orders two values of one sort: below 0, 0, above 0. False: they cannot be compared.
// fromText says that one of them was written as a string in the expression: then the other
// is seen as text.
func compare(a, b any, fromText bool) (int, bool) {
	switch x := a.(type) {
	case float64:
		if y, ok := b.(float64); ok {
			return order(x, y), !math.IsNaN(x) && !math.IsNaN(y)
		}
	case bool:
		if y, ok := b.(bool); ok {
			return order(number(x), number(y)), true
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), true
		}
	case clockTime:
		if y, ok := b.(clockTime); ok {
			return strings.Compare(string(x), string(y)), true
		}
	case day:
		if y, ok := b.(day); ok {
			return strings.Compare(string(x), string(y)), true
		}
	case time.Duration:
		if y, ok := b.(time.Duration); ok {
			return order(x, y), true
		}
	}
	if isTime(a) || isTime(b) {
		x, ok1 := asSpan(a)
		y, ok2 := asSpan(b)
		if ok1 && ok2 {
			return compareSpans(x, y)
		}
	}
	if fromText {
		x, ok1 := text(a)
		y, ok2 := text(b)
		return strings.Compare(x, y), ok1 && ok2
	}
	return 0, false
}

func isTime(v any) bool {
	switch v.(type) {
	case time.Time, interval, day:
		return true
	}
	return false
}

// compareSpans: a span is before another when it ends before the other begins, or as it
// begins. Spans that overlap have no order.
func compareSpans(a, b interval) (int, bool) {
	switch {
	case a.from.Equal(b.from) && a.to.Equal(b.to):
		return 0, true
	case !a.to.After(b.from):
		return -1, true
	case !a.from.Before(b.to):
		return 1, true
	}
	return 0, false
}

func order[T float64 | time.Duration | int64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// parseDuration reads an ISO 8601 duration of days and less, "P1DT2H30M5.5S".
func parseDuration(s string) (time.Duration, error) {
	wrong := fmt.Errorf("%.40q is not a duration of days, hours, minutes and seconds like PT1H30M", s)
	rest, negative := strings.CutPrefix(s, "-")
	rest, ok := strings.CutPrefix(rest, "P")
	if !ok || rest == "" || strings.HasSuffix(rest, "T") {
		return 0, wrong
	}
	var seconds float64
	units, inTime := map[byte]float64{'D': 86400}, false
	for rest != "" {
		if rest[0] == 'T' && !inTime {
			units, inTime, rest = map[byte]float64{'H': 3600, 'M': 60, 'S': 1}, true, rest[1:]
			continue
		}
		i := strings.IndexAny(rest, "DHMS")
		if i <= 0 {
			return 0, wrong
		}
		factor, known := units[rest[i]]
		n, err := strconv.ParseFloat(rest[:i], 64)
		if err != nil || !known || n < 0 || strings.ContainsAny(rest[:i], "eExXnNiI_+-") {
			return 0, wrong
		}
		delete(units, rest[i])
		seconds += n * factor
		rest = rest[i+1:]
	}
	if seconds > 250*365*86400 {
		return 0, wrong
	}
	if negative {
		seconds = -seconds
	}
	return time.Duration(seconds * float64(time.Second)), nil
}
