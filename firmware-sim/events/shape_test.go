package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// shape is what messages of one kind have in common, by the path of each field. It is
// filled by walk (JSON) and walkWire (protobuf), and two of them are held against each
// other by differences.
type shape struct {
	fields map[string]*trait
	free   []string        // objects whose keys are anybody's words: their members are summed up
	nested map[string]bool // protobuf: fields that are messages
	order  map[string]bool // "path: a before b"
}

// trait is what is known of a field.
type trait struct {
	seen  int
	texts []string
	kinds map[string]bool // what kinds of values were seen, and whether zero
}

func newShape(free, nested []string) *shape {
	s := &shape{fields: map[string]*trait{}, order: map[string]bool{}, free: free, nested: map[string]bool{}}
	for _, p := range nested {
		s.nested[p] = true
	}
	return s
}

func (s *shape) at(path string) *trait {
	t := s.fields[path]
	if t == nil {
		t = &trait{kinds: map[string]bool{}}
		s.fields[path] = t
	}
	return t
}

// saw notes one value.
func (s *shape) saw(path, kind string, zero bool) *trait {
	t := s.at(path)
	t.seen++
	if zero {
		kind += ", zero"
	}
	t.kinds[kind] = true
	return t
}

// object notes the keys of one object, in their order.
func (s *shape) object(path string, keys []string) {
	s.saw(path, "object", len(keys) == 0)
	if slices.Contains(s.free, path) {
		return
	}
	for i, a := range keys {
		for _, b := range keys[i+1:] {
			s.order[path+": "+a+" before "+b] = true
		}
	}
}

func (s *shape) below(path, key string) string {
	if slices.Contains(s.free, path) {
		return path + ".*"
	}
	return path + "." + key
}

// walk reads one JSON value into the shape.
func (s *shape) walk(t *testing.T, body []byte) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := s.value(d, ""); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if d.More() {
		t.Fatalf("more than one value in %s", body)
	}
}

func (s *shape) value(d *json.Decoder, path string) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case nil:
		s.saw(path, "null", false)
	case bool:
		s.saw(path, "bool", !v)
	case json.Number:
		kind := "whole number"
		if strings.ContainsAny(v.String(), ".eE") {
			kind = "number with fraction"
		}
		f, _ := v.Float64()
		s.saw(path, kind, f == 0)
	case string:
		f := s.saw(path, "text", v == "")
		f.texts = append(f.texts, v)
	case json.Delim:
		if v == '[' {
			n := 0
			for ; d.More(); n++ {
				if err := s.value(d, path+"[]"); err != nil {
					return err
				}
			}
			s.saw(path, "array", n == 0)
		} else {
			var keys []string
			for d.More() {
				key, err := d.Token()
				if err != nil {
					return err
				}
				keys = append(keys, key.(string))
				if err := s.value(d, s.below(path, key.(string))); err != nil {
					return err
				}
			}
			s.object(path, keys)
		}
		_, err = d.Token()
	}
	return err
}

// walkWire reads one protobuf message into the shape.
func (s *shape) walkWire(t *testing.T, path string, b []byte) {
	t.Helper()
	var keys []string
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatalf("message at %q: %v", path, protowire.ParseError(n))
		}
		b = b[n:]
		key := fmt.Sprint(field)
		at := path + "." + key
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
		switch kind {
		case protowire.VarintType:
			v, m := protowire.ConsumeVarint(b)
			n = m
			s.saw(at, "varint", v == 0)
		case protowire.Fixed32Type:
			v, m := protowire.ConsumeFixed32(b)
			n = m
			s.saw(at, "fixed32", math.Float32frombits(v) == 0)
		case protowire.Fixed64Type:
			v, m := protowire.ConsumeFixed64(b)
			n = m
			s.saw(at, "fixed64", math.Float64frombits(v) == 0)
		case protowire.BytesType:
			v, m := protowire.ConsumeBytes(b)
			n = m
			switch {
			case n < 0:
			case s.nested[at]:
				s.walkWire(t, at, v)
			case s.nested["="+at]:
				s.saw(at, "bytes", len(v) == 0)
			case utf8.Valid(v) && !slices.ContainsFunc(v, func(c byte) bool { return c < ' ' }):
				f := s.saw(at, "text", len(v) == 0)
				f.texts = append(f.texts, string(v))
			default:
				s.saw(at, "bytes", false)
			}
		default:
			t.Fatalf("%s has wire type %d", at, kind)
		}
		if n < 0 {
			t.Fatalf("%s: %v", at, protowire.ParseError(n))
		}
		b = b[n:]
	}
	s.object(path, keys)
}

var classes = []struct {
	name string
	re   *regexp.Regexp
}{
	{"uuid", regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)},
	{"hex", regexp.MustCompile(`^[0-9a-f]{6,}$`)},
	{"HEX", regexp.MustCompile(`^[0-9A-F]{6,}$`)},
	{"time", regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$`)},
	{"duration", regexp.MustCompile(`^-?\d+(\.\d+)?s$`)},
	{"WORD", regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)},
	{"correlation", regexp.MustCompile(`^[a-zA-Z0-9.:/_]+:[0-9A-HJKMNP-TV-Z]{26}$`)},
	{"digits", regexp.MustCompile(`^\d+$`)},
	{"base64", regexp.MustCompile(`^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`)},
}

var fraction = regexp.MustCompile(`\.(\d+)`)

// class names the narrowest kind that all texts belong to, with what tells its formats
// apart: digits of a fraction, the zone, the words of an enumeration, the places of
// correlation ids, the length of hex.
func class(texts []string) string {
	texts = slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return s == "" })
	if len(texts) == 0 {
		return ""
	}
	for _, c := range classes {
		if slices.ContainsFunc(texts, func(s string) bool { return !c.re.MatchString(s) }) {
			continue
		}
		of := map[string]bool{}
		for _, s := range texts {
			switch c.name {
			case "hex", "HEX":
				of[fmt.Sprint(len(s))] = true
			case "time", "duration":
				digits := ""
				if m := fraction.FindStringSubmatch(s); m != nil {
					digits = m[1]
				}
				of[fmt.Sprintf("%d digits %s", len(digits), strings.TrimLeft(s[max(0, len(s)-6):], "0123456789."))] = true
			case "WORD":
				of[s] = true
			case "correlation":
				of[s[:len(s)-26]] = true
			}
		}
		return c.name + " " + strings.Join(slices.Sorted(maps.Keys(of)), "|")
	}
	return "words"
}

// presence says whether a field is always there where its object is.
func (s *shape) presence(path string) string {
	parent := path[:max(0, strings.LastIndexByte(path, '.'))]
	p, f := s.fields[parent], s.fields[path]
	if strings.HasSuffix(path, "[]") || strings.HasSuffix(path, "*") || p == nil || f.seen >= p.seen {
		return "always there"
	}
	return "sometimes there"
}

// differences lists what differs between two shapes, path by path.
func differences(got, want *shape) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	paths := map[string]bool{}
	for p := range got.fields {
		paths[p] = true
	}
	for p := range want.fields {
		paths[p] = true
	}
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		g, w := got.fields[p], want.fields[p]
		switch {
		case w == nil:
			say("%s: never recorded", p)
		case g == nil:
			say("%s: recorded, never written", p)
		default:
			if a, b := slices.Sorted(maps.Keys(g.kinds)), slices.Sorted(maps.Keys(w.kinds)); !slices.Equal(a, b) {
				say("%s: is %s, recorded as %s", p, strings.Join(a, " | "), strings.Join(b, " | "))
			}
			if a, b := class(g.texts), class(w.texts); a != b {
				say("%s: is %q, recorded as %q", p, a, b)
			}
			if a, b := got.presence(p), want.presence(p); a != b {
				say("%s: is %s, recorded as %s", p, a, b)
			}
		}
	}
	for o := range got.order {
		path, pair, _ := strings.Cut(o, ": ")
		a, b, _ := strings.Cut(pair, " before ")
		if back := path + ": " + b + " before " + a; want.order[back] && !want.order[o] {
			say("%s: %s comes before %s, recorded the other way", path, a, b)
		}
	}
	slices.Sort(all)
	return all
}
