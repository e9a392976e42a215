package tickets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
	"meldefunk/city/typo"
)

// routeReader reads routes and gathers what is wrong with them.
type routeReader struct {
	cfg      Config
	parts    RouteParts
	services []string // every category that is known
	areas    map[string]area
	file     string // that is being read
	errs     []error
}

// The keys of a route: for which cases, and what it decides.
var (
	matchKeys = []string{"services", "owners", "kinds", "districts", "tours", "areas", "grade"}
	giftKeys  = []string{"system", "unit", "code", "title", "advice", "contact", "hours", "quiet", "auto_close",
		"priority", "respect", "reopen_within", "escalate_after", "delivery"}
	routeKeys = append(append([]string{"name"}, matchKeys...), giftKeys...)
)

func (l *routeReader) add(n *yaml.Node, format string, args ...any) {
	l.errs = append(l.errs, fmt.Errorf("%s:%d: %w", l.file, max(n.Line, 1), fmt.Errorf(format, args...)))
}

// page takes a file apart.
func (l *routeReader) page(file string, data []byte) page {
	l.file = file
	p := page{file: file}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		l.errs = append(l.errs, fmt.Errorf("%s: not YAML: %s", file, strings.TrimPrefix(err.Error(), "yaml: ")))
		return p
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		l.add(&doc, "a second document begins after ---: only one is read, put everything into the first")
	}
	if len(doc.Content) == 0 || doc.Content[0].ShortTag() == "!!null" {
		l.add(&doc, `the file is empty: want a list of routes under "routes:"`)
		return p
	}
	top := l.mapping(doc.Content[0], "the file", []string{"areas", "routes"})
	if n := top["areas"]; n != nil {
		p.areas = *n
	}
	if n := top["routes"]; n != nil {
		p.routes = *n
	}
	return p
}

// mapping reads a node as keys and values.
func (l *routeReader) mapping(n *yaml.Node, what string, keys []string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		l.add(n, "%s is %s: want a mapping of %s", what, kindOf(n), strings.Join(keys, ", "))
		return found
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		hint := typo.Meant(key.Value, keys)
		if hint == "" {
			hint = ": want one of " + strings.Join(keys, ", ")
		}
		switch {
		case keys != nil && !slices.Contains(keys, key.Value):
			l.add(key, "unknown key %.40q%s", key.Value, hint)
		case found[key.Value] != nil:
			l.add(key, "%s: stands here a second time: want it once", key.Value)
		default:
			found[key.Value] = n.Content[i+1]
		}
	}
	return found
}

// readAreas reads areas by their names.
func (l *routeReader) readAreas(n *yaml.Node) {
	if n.Kind == 0 {
		return
	}
	if n.Kind != yaml.MappingNode {
		l.add(n, "areas: is %s: want a mapping of names to lists of corners, like {Altstadt: [[8.04, 52.27], [8.05, 52.27], [8.05, 52.28]]}", kindOf(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if _, twice := l.areas[key.Value]; twice {
			l.add(key, "areas: %.40q stands here a second time: want it once, in one of the files", key.Value)
			continue
		}
		var corners [][]float64
		if err := value.Decode(&corners); err != nil {
			l.add(value, "areas: %.40q: want a list of corners, each longitude and latitude, like [[8.04, 52.27], [8.05, 52.27], [8.05, 52.28]]", key.Value)
			l.areas[key.Value] = nil
			continue
		}
		a, err := newArea(corners)
		if err != nil {
			l.add(value, "areas: %.40q: %w", key.Value, err)
		}
		l.areas[key.Value] = a
	}
}

func (l *routeReader) readRoutes(n *yaml.Node) []way {
	if n.Kind == 0 || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		l.add(n, "routes: is %s: want a list of routes", kindOf(n))
		return nil
	}
	var ways []way
	for i, item := range n.Content {
		ways = append(ways, l.readRoute(item, i+1))
	}
	return ways
}

// readRoute reads the i-th route.
func (l *routeReader) readRoute(n *yaml.Node, i int) way {
	w := way{name: "route " + strconv.Itoa(i), where: fmt.Sprintf("%s:%d", l.file, n.Line)}
	before := len(l.errs)
	keys := l.mapping(n, "a route", routeKeys)
	if name := keys["name"]; name != nil {
		l.one("name", name, func(text string) error { w.name = oneLine(text); return nil })
	}
	for _, key := range matchKeys {
		if value := keys[key]; value != nil {
			l.readMatch(&w.match, key, value)
		}
	}
	for _, key := range giftKeys {
		if value := keys[key]; value != nil && key != "hours" && key != "quiet" {
			if g, ok := l.readGift(key, value); ok {
				w.gifts = append(w.gifts, g)
			}
		}
	}
	if keys["hours"] != nil || keys["quiet"] != nil {
		w.gifts = append(w.gifts, l.readHours(n, keys["hours"], keys["quiet"]))
	}
	if len(w.gifts) == 0 && len(l.errs) == before {
		l.add(n, "this route decides nothing: give at least one of %s", strings.Join(giftKeys, ", "))
	}
	return w
}

// readHours reads hours and quiet of a route. They are decided together: night hours of the
// city's own with a shipped night's rest would leave no time at all.
func (l *routeReader) readHours(route, hours, quiet *yaml.Node) gift {
	before := len(l.errs)
	open, text := l.calendar("hours", hours, "always")
	rest, not := l.calendar("quiet", quiet, "never")
	h := Hours{open, rest}
	if len(l.errs) == before {
		if _, found := h.next(l.parts.Now()); !found {
			l.add(route, "hours and quiet leave no time in the next two years in which a ticket could go out")
		}
	}
	if rest != nil {
		text += ", not " + not
	}
	return gift{"hours", text, func(r *Route) { r.Hours = h }}
}

// calendar reads a list of windows; the word none, or no node, is no calendar.
func (l *routeReader) calendar(key string, n *yaml.Node, none string) (c Calendar, text string) {
	if n == nil || n.Value == none {
		return nil, none
	}
	var windows []string
	good := l.each(key, n, func(v string) error {
		windows = append(windows, v)
		_, err := l.parts.Calendar([]string{v})
		return err
	})
	if !good {
		return nil, none
	}
	c, err := l.parts.Calendar(windows)
	if err != nil {
		l.add(n, "%s: %w", key, err)
	}
	return c, strings.Join(windows, "; ")
}

// readMatch reads for which cases a route is.
func (l *routeReader) readMatch(m *match, key string, n *yaml.Node) {
	text := func(to *[]string) func(string) error {
		return func(v string) error { *to = append(*to, v); return nil }
	}
	switch key {
	case "services":
		l.each(key, n, func(v string) error { m.services = append(m.services, v); return l.service(v) })
	case "owners":
		l.eachOrEmpty(key, n, text(&m.owners))
	case "districts":
		l.each(key, n, text(&m.districts))
	case "tours":
		l.each(key, n, text(&m.tours))
	case "kinds":
		l.each(key, n, func(v string) error {
			kind, err := city.ParseKind(v)
			m.kinds = append(m.kinds, kind)
			if err != nil {
				var names []string
				for _, k := range city.Kinds() {
					names = append(names, k.String())
				}
				return fmt.Errorf("%w%s", err, typo.Meant(v, names))
			}
			return nil
		})
	case "areas":
		l.each(key, n, func(v string) error {
			a, ok := l.areas[v]
			if !ok {
				var names []string
				for name := range l.areas {
					names = append(names, name)
				}
				slices.Sort(names)
				return fmt.Errorf("there is no area %.40q%s: areas are drawn under areas", v, typo.Meant(v, names))
			}
			if a != nil {
				m.areas = append(m.areas, a)
			}
			return nil
		})
	case "grade":
		l.one(key, n, func(v string) error {
			g, err := strconv.ParseUint(v, 10, 8)
			if err != nil || g < 1 || g > 8 {
				return fmt.Errorf("%.40q: want 1 to 8: cases at least this severe", v)
			}
			m.grade = city.Grade(g)
			return nil
		})
	}
}

// service checks a category, or a pattern of them. A city may have categories of its own,
// which its rules name; what looks like a slip of the pen is none.
func (l *routeReader) service(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil || len(pattern) > 64 {
		return fmt.Errorf("%.40q is no pattern: want a category like OS-PRK-01, or OS-PRK-* for all that begin so", pattern)
	}
	if slices.ContainsFunc(l.services, func(code string) bool { return globbed(pattern, code) }) {
		return nil
	}
	return fmt.Errorf("no rule opens cases of a category %.40q, and none is shipped%s", pattern, typo.Meant(pattern, l.services))
}

// readGift reads what a route decides.
func (l *routeReader) readGift(key string, n *yaml.Node) (gift, bool) {
	g := gift{key: key}
	before := len(l.errs)
	words := func(most int, put func(*Route, string)) {
		l.one(key, n, func(v string) error {
			if utf8.RuneCountInString(v) > most {
				return fmt.Errorf("has %d characters: want at most %d", utf8.RuneCountInString(v), most)
			}
			g.text, g.put = v, func(r *Route) { put(r, v) }
			return checkTemplate(v)
		})
	}
	choice := func(all []string, put func(*Route, string)) {
		l.one(key, n, func(v string) error {
			if !slices.Contains(all, v) {
				return fmt.Errorf("%.40q: want %s%s", v, strings.Join(all, ", "), typo.Meant(v, all))
			}
			g.text, g.put = v, func(r *Route) { put(r, v) }
			return nil
		})
	}
	wait := func(put func(*Route, time.Duration)) {
		l.one(key, n, func(v string) error {
			d, err := duration(v)
			g.text, g.put = v, func(r *Route) { put(r, d) }
			return err
		})
	}
	switch key {
	case "system":
		l.one(key, n, func(v string) error {
			g.text, g.put = v, func(r *Route) { r.System = v }
			return l.cfg.oneOfThem(v)
		})
	case "unit":
		l.one(key, n, func(v string) error {
			if utf8.RuneCountInString(v) > 80 || strings.ContainsAny(v, "{}") {
				return fmt.Errorf("%.100q: want at most 80 characters, and no placeholders", v)
			}
			g.text, g.put = v, func(r *Route) { r.Unit = v }
			return nil
		})
	case "code":
		l.one(key, n, func(v string) error {
			if n.ShortTag() != "!!str" {
				return fmt.Errorf("%s is a number to YAML, and 3.10 would become 3.1: want it in quotes", v)
			}
			g.text, g.put = v, func(r *Route) { r.Code = v }
			return nil
		})
	case "title":
		words(200, func(r *Route, v string) { r.Title = v })
	case "advice":
		words(1000, func(r *Route, v string) { r.Advice = v })
	case "contact":
		words(200, func(r *Route, v string) { r.Contact = v })
	case "auto_close":
		choice([]string{string(AutoCloseAlways), string(AutoCloseUntouched), string(AutoCloseNever)},
			func(r *Route, v string) { r.AutoClose = AutoClose(v) })
	case "priority":
		choice([]string{PriorityLow, PriorityNormal, PriorityHigh}, func(r *Route, v string) { r.Priority = v })
	case "respect":
		wait(func(r *Route, d time.Duration) { r.Respect = d })
		if d, err := duration(n.Value); err == nil && d == 0 {
			l.add(n, "respect: %s: want a time, like 24h: whoever has closed a ticket is not told the same at once", n.Value)
		}
	case "reopen_within":
		wait(func(r *Route, d time.Duration) { r.ReopenWithin = d })
	case "escalate_after":
		wait(func(r *Route, d time.Duration) { r.EscalateAfter = d })
	case "delivery":
		const atLeast, atMost = "at-least-once", "at-most-once"
		choice([]string{atLeast, atMost}, func(r *Route, v string) { r.AtLeastOnce = v == atLeast })
	}
	return g, g.put != nil && len(l.errs) == before
}

// one gives the text of a key that has one value.
func (l *routeReader) one(key string, n *yaml.Node, parse func(text string) error) bool {
	text := strings.TrimSpace(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode:
		l.add(n, "%s: is %s: want one value", key, kindOf(n))
	case text == "" || n.ShortTag() == "!!null":
		l.add(n, "%s: is empty: want a value, or leave the key out", key)
	default:
		err := parse(text)
		if err != nil {
			l.add(n, "%s: %w", key, err)
		}
		return err == nil
	}
	return false
}

// each gives the texts of a key that has a value or a list of them.
func (l *routeReader) each(key string, n *yaml.Node, parse func(text string) error) bool {
	if n.Kind != yaml.SequenceNode {
		return l.one(key, n, parse)
	}
	if len(n.Content) == 0 {
		l.add(n, "%s: is an empty list: want a value, or leave the key out", key)
		return false
	}
	good := true
	for _, item := range n.Content {
		good = l.one(key, item, parse) && good
	}
	return good
}

// eachOrEmpty is each for a key whose values may be "".
func (l *routeReader) eachOrEmpty(key string, n *yaml.Node, parse func(text string) error) {
	all := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode && len(n.Content) > 0 {
		all = n.Content
	}
	for _, item := range all {
		if item.Kind == yaml.ScalarNode && item.ShortTag() == "!!str" && item.Value == "" {
			if err := parse(""); err != nil {
				l.add(item, "%s: %w", key, err)
			}
			continue
		}
		l.one(key, item, parse)
	}
}

// maxWait bounds every wait of a route.
const maxWait = 365 * 24 * time.Hour

// duration reads "90m", "24h" or "3d"; 0 is "0s" or "never".
func duration(text string) (time.Duration, error) {
	if text == "never" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, wrong := strconv.ParseUint(days, 10, 16)
		d, err = time.Duration(n)*24*time.Hour, wrong
	}
	if err != nil || d < 0 || d > maxWait {
		return 0, fmt.Errorf("%.40q: want a time with its unit, at most 365d, like 90m, 24h or 3d, or never", text)
	}
	return d, nil
}

// kindOf says what a node is, for people.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias (not understood here)"
	case n.ShortTag() == "!!null":
		return "empty"
	}
	return fmt.Sprintf("the single value %.40q", n.Value)
}
