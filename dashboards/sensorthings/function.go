package sensorthings

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// function is one of the built-in query functions of OGC 18-088, 9.3.3.5.2, and of the
// relations in time that FROST knows beside them.
type function struct {
	least, most int
	// apply is only called with values that are there; of what it cannot be applied to, it
	// gives nil.
	apply  func(q *query, args []any) any
	refuse func(i int, v any) string // why a literal cannot be an argument; nil: none is refused
}

func (f *function) wants() string {
	switch {
	case f.most == 0:
		return "no arguments"
	case f.least == f.most:
		return fmt.Sprintf("%d arguments", f.least)
	}
	return fmt.Sprintf("%d to %d arguments", f.least, f.most)
}

// maxText bounds texts that functions put together, in bytes.
const maxText = 64 << 10

// functions by name.
var functions = nameFunctions()

func nameFunctions() map[string]*function {
	all := make(map[string]*function)
	texts := func(name string, n int, apply func(a []string) any) {
		all[name] = &function{least: n, most: n, apply: func(_ *query, args []any) any {
			a := make([]string, len(args))
			for i := range args {
				var ok bool
				if a[i], ok = text(args[i]); !ok {
					return nil
				}
			}
			return apply(a)
		}}
	}
	texts("substringof", 2, func(a []string) any { return strings.Contains(a[1], a[0]) })
	texts("endswith", 2, func(a []string) any { return strings.HasSuffix(a[0], a[1]) })
	texts("startswith", 2, func(a []string) any { return strings.HasPrefix(a[0], a[1]) })
	texts("length", 1, func(a []string) any { return float64(utf8.RuneCountInString(a[0])) })
	texts("indexof", 2, func(a []string) any {
		i := strings.Index(a[0], a[1])
		if i < 0 {
			return -1.0
		}
		return float64(utf8.RuneCountInString(a[0][:i]))
	})
	texts("tolower", 1, func(a []string) any { return strings.ToLower(a[0]) })
	texts("toupper", 1, func(a []string) any { return strings.ToUpper(a[0]) })
	texts("trim", 1, func(a []string) any { return strings.TrimSpace(a[0]) })
	texts("concat", 2, func(a []string) any {
		if len(a[0])+len(a[1]) > maxText {
			return nil
		}
		return a[0] + a[1]
	})
	all["substring"] = &function{least: 2, most: 3, apply: substring}

	times := func(name string, apply func(t time.Time) any) {
		all[name] = &function{least: 1, most: 1, apply: func(_ *query, args []any) any {
			span, ok := asSpan(args[0])
			if !ok {
				return nil
			}
			return apply(span.from.UTC())
		}}
	}
	times("year", func(t time.Time) any { return float64(t.Year()) })
	times("month", func(t time.Time) any { return float64(t.Month()) })
	times("day", func(t time.Time) any { return float64(t.Day()) })
	times("hour", func(t time.Time) any { return float64(t.Hour()) })
	times("minute", func(t time.Time) any { return float64(t.Minute()) })
	times("second", func(t time.Time) any { return float64(t.Second()) })
	times("fractionalseconds", func(t time.Time) any { return float64(t.Nanosecond()) / 1e9 })
	times("date", func(t time.Time) any { return day(t.Format(time.DateOnly)) })
	times("time", func(t time.Time) any { return clockTime(t.Format(clockFormat)) })
	times("totaloffsetminutes", func(time.Time) any { return 0.0 }) // all times are kept in UTC
	constant := func(name string, value func(q *query) any) {
		all[name] = &function{apply: func(q *query, _ []any) any { return value(q) }}
	}
	constant("now", func(q *query) any { return q.now })
	constant("mindatetime", func(*query) any { return time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC) })
	constant("maxdatetime", func(*query) any { return time.Date(2261, 12, 31, 23, 59, 59, 0, time.UTC) })

	numbers := func(name string, apply func(float64) float64) {
		all[name] = &function{least: 1, most: 1, apply: func(_ *query, args []any) any {
			n, ok := args[0].(float64)
			if !ok {
				return nil
			}
			return apply(n)
		}}
	}
	numbers("round", math.Round)
	numbers("floor", math.Floor)
	numbers("ceiling", math.Ceil)

	shapes := func(name string, n int, apply func(a []*geometry) any) {
		all[name] = &function{least: n, most: n, refuse: wantShape, apply: func(q *query, args []any) any {
			a := make([]*geometry, n)
			for i := range a {
				var ok bool
				if a[i], ok = asGeometry(args[i]); !ok {
					return nil
				}
			}
			if n == 2 {
				q.work(a[0], a[1])
			}
			return apply(a)
		}}
	}
	shapes("geo.length", 1, func(a []*geometry) any { return a[0].length() })
	shapes("geo.distance", 2, func(a []*geometry) any { return a[0].distance(a[1]) })
	for _, name := range []string{"geo.intersects", "st_equals", "st_disjoint", "st_touches", "st_within", "st_overlaps", "st_crosses", "st_intersects", "st_contains"} {
		shapes(name, 2, func(a []*geometry) any { return related(name, a[0], a[1]) })
	}
	all["st_relate"] = &function{least: 3, most: 3, apply: relatedBy, refuse: func(i int, v any) string {
		if i < 2 {
			return wantShape(i, v)
		}
		if s, ok := v.(string); !ok || !validPattern(s) {
			return "want a pattern of nine of T F * 0 1 2, like 'T*F**F***'"
		}
		return ""
	}}

	spans := func(name string, apply func(a, b interval) bool) {
		all[name] = &function{least: 2, most: 2, apply: func(_ *query, args []any) any {
			a, ok1 := asSpan(args[0])
			b, ok2 := asSpan(args[1])
			if !ok1 || !ok2 {
				return nil
			}
			return apply(a, b)
		}}
	}
	spans("before", func(a, b interval) bool { return a.to.Before(b.from) })
	spans("after", func(a, b interval) bool { return a.from.After(b.to) })
	spans("meets", func(a, b interval) bool { return a.to.Equal(b.from) || a.from.Equal(b.to) })
	spans("during", func(a, b interval) bool { return !a.from.Before(b.from) && !a.to.After(b.to) })
	spans("overlaps", func(a, b interval) bool { return !a.from.After(b.to) && !b.from.After(a.to) })
	spans("starts", func(a, b interval) bool { return a.from.Equal(b.from) })
	spans("finishes", func(a, b interval) bool { return a.to.Equal(b.to) })
	return all
}

func wantShape(_ int, v any) string {
	if _, ok := v.(*geometry); ok || v == nil {
		return ""
	}
	return "want a geometry like geography'POINT (8.05 52.28)'"
}

// substring counts characters from 0.
func substring(_ *query, args []any) any {
	s, ok := text(args[0])
	if !ok {
		return nil
	}
	runes := []rune(s)
	from, ok := args[1].(float64)
	if !ok {
		return nil
	}
	begin, end := clip(from, len(runes)), len(runes)
	if len(args) == 3 {
		n, ok := args[2].(float64)
		if !ok {
			return nil
		}
		end = begin + clip(n, len(runes)-begin)
	}
	return string(runes[begin:end])
}

// clip makes an index of a number, 0 to most.
func clip(n float64, most int) int { return int(math.Max(0, math.Min(n, float64(most)))) }

func relatedBy(q *query, args []any) any {
	a, ok1 := asGeometry(args[0])
	b, ok2 := asGeometry(args[1])
	pattern, ok3 := args[2].(string)
	if !ok1 || !ok2 || !ok3 || !validPattern(pattern) {
		return nil
	}
	q.work(a, b)
	return a.relate(b).matches(pattern)
}
