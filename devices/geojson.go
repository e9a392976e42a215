package devices

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"meldefunk/city/typo"
)

// feature is one of a GeoJSON FeatureCollection (RFC 7946 section 3.2).
type feature struct {
	Type     string `json:"type"`
	Geometry *struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
	Properties map[string]any `json:"properties"`
}

// readGeoJSON reads a FeatureCollection: each feature is a row, its properties are the
// fields, by the names of the columns, and its point is the position.
func (s *Sheet) readGeoJSON(b *builder, src *source, data []byte) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	at := place{source: src}
	var all struct {
		Type     string            `json:"type"`
		Features []json.RawMessage `json:"features"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line := 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
			b.stop(at, "not JSON, line %d: %w", line, syntax)
			return
		}
		b.stop(at, "not GeoJSON: want an object with type FeatureCollection and features")
		return
	}
	if all.Type != "FeatureCollection" {
		b.stop(at, "not a GeoJSON FeatureCollection, but %.40q: export the layer as GeoJSON (RFC 7946)", all.Type)
		return
	}
	names := make(map[string]string)
	var words []string
	for _, c := range Columns() {
		for _, word := range append([]string{c.Name}, c.Aliases...) {
			names[plain(word)] = c.Name
			words = append(words, word)
		}
	}
	seen := make(map[string]bool)
	for i, raw := range all.Features {
		if b.full {
			return
		}
		at.line = i + 1
		s.feature(b, at, raw, names, words, seen)
	}
	for _, c := range Columns() {
		if seen[c.Name] {
			s.order = append(s.order, c.Name)
		}
	}
}

func (s *Sheet) feature(b *builder, at place, raw json.RawMessage, names map[string]string, words []string, seen map[string]bool) {
	r := Row{Number: at.line, given: make(map[string]given)}
	var f feature
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&f); err != nil || f.Type != "Feature" {
		b.add(at, "is no GeoJSON feature: want an object with type Feature, geometry and properties")
		s.row(b, r)
		return
	}
	from := make(map[string]string) // column to property
	put := func(property, name, text string) {
		if other, twice := from[name]; twice {
			b.field(at, property, "%s stands there as %.40q already: want one", name, other)
			return
		}
		from[name], seen[name] = property, true
		r.give(b, at, property, name, text)
	}
	if g := f.Geometry; g != nil {
		var point []json.Number
		switch err := decodeNumbers(g.Coordinates, &point); {
		case g.Type != "Point":
			b.field(at, "geometry", "is a %.40q: want a Point", g.Type)
		case err != nil || len(point) < 2 || len(point) > 3: // the third would be the height
			b.field(at, "geometry", "has no coordinates: want longitude and latitude, like [8.0417, 52.2775]")
		default:
			put("geometry", "lon", plainNumber(point[0]))
			put("geometry", "lat", plainNumber(point[1]))
		}
	}
	for _, property := range slices.Sorted(maps.Keys(f.Properties)) {
		value := f.Properties[property]
		name, ok := names[plain(property)]
		switch {
		case value == nil:
		case !ok && slices.Contains(resultColumns, plain(property)):
		case !ok && looksLikeKey(property):
			b.add(at, "a property is called like a key")
		case !ok:
			b.add(at, "unknown property %.40q: want one of %s%s", property, columnList(true), typo.Meant(property, words))
		default:
			text, ok := propertyText(value)
			if !ok {
				b.field(at, property, "want a text, a number, or a list of texts")
				continue
			}
			put(property, name, text)
		}
	}
	s.row(b, r)
}

func decodeNumbers(raw json.RawMessage, into *[]json.Number) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if len(raw) == 0 {
		return io.ErrUnexpectedEOF
	}
	return d.Decode(into)
}

// propertyText gives a property as the field of a CSV row.
func propertyText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return plainNumber(v), true
	case []any:
		words := make([]string, len(v))
		for i := range v {
			word, ok := v[i].(string)
			if !ok || strings.Contains(word, "|") {
				return "", false
			}
			words[i] = word
		}
		return strings.Join(words, "|"), true
	}
	return "", false
}

// plainNumber writes 1e3 as 1000: exponents in tables are spreadsheets' doing.
func plainNumber(n json.Number) string {
	if f, err := n.Float64(); err == nil && strings.ContainsAny(n.String(), "eE") {
		return numberText(f)
	}
	return n.String()
}
