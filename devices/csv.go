package devices

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"meldefunk/city"
)

// Column is a column that CSV files may have.
type Column struct {
	Name     string
	Aliases  []string // other names; case, spaces, hyphens and underscores do not count
	Meaning  string
	Required bool
}

// Columns lists the columns that CSV files may have, in any order. Fields are separated by
// ";" or ",", whichever the header has; with ";" numbers may have a decimal comma.
func Columns() []Column {
	return []Column{
		{"dev_eui", []string{"eui", "geraete_eui", "geräte_eui"}, "16 hex digits as on the label", true},
		{"model", []string{"modell"}, "like milesight/em310-udl", true},
		{"asset", []string{"anlage", "nummer", "asset_id"}, "the city's own number, like PK-0042", true},
		{"server", nil, "only messages of this network server count", false},
		{"firmware", []string{"fw", "firmware_version", "firmwarestand"}, "version of the device's software, like 1.2.1", false},
		{"kind", []string{"art"}, "what the asset is, like bin, or a German word for it; describes the asset", false},
		{"name", []string{"bezeichnung"}, "as people call it", false},
		{"address", []string{"adresse"}, "street and number", false},
		{"lat", []string{"latitude", "breite", "breitengrad"}, "latitude in degrees, WGS 84", false},
		{"lon", []string{"lng", "longitude", "laenge", "länge", "längengrad", "laengengrad"}, "longitude in degrees, WGS 84", false},
		{"district", []string{"stadtteil"}, "part of the city", false},
		{"tour", nil, "who comes by", false},
		{"owner", []string{"eigentuemer", "eigentümer"}, "who it belongs to, if not the city", false},
		{"empty_mm", []string{"leer_mm"}, "bins: distance from the sensor to the bottom", false},
		{"full_mm", []string{"voll_mm"}, "bins: distance to the contents when full", false},
		{"offset_mm", nil, "bins: added to what the sensor measures", false},
		{"shape", []string{"form"}, "bins: linear (the same cross section everywhere), lying_cylinder, sphere or table", false},
		{"height_mm", []string{"durchmesser_mm", "innenmass_mm"}, "bins: inner diameter of a lying cylinder or sphere", false},
		{"points", []string{"strapping_table", "peiltabelle", "stuetzpunkte", "stützpunkte"}, "bins of shape table: distance in mm and level in %, like 1200=0|800=35|250=100", false},
		{"zero_mm", []string{"gauge_zero_mm", "pegelnull_mm", "nullpunkt_mm"}, "water: distance from the sensor down to the gauge zero", false},
		{"soil_type", []string{"bodenart"}, "soil: German soil type (KA5), like Sl3, for the usable field capacity", false},
		{"field_capacity", []string{"feldkapazitaet", "feldkapazität"}, "soil: % by volume, in place of soil_type", false},
		{"wilting_point", []string{"welkepunkt"}, "soil: % by volume, in place of soil_type", false},
		{"offsets", []string{"corrections", "korrekturen", "korrektur"}, "added to measured values, like temperature=-0.5|distance=20", false},
	}
}

// table is a CSV file whose header is understood.
type table struct {
	index   map[string]int // column name to field; absent: no such column
	facts   []int          // fields that describe the asset
	unnamed []int          // fields whose column has no name
	comma   bool           // decimal commas are understood
}

func (b *builder) readCSV(s *source, data []byte) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(bytes.TrimSpace(data)) == 0 {
		b.stop(place{source: s, line: 1}, "the file is empty: want a header with the columns %s", strings.Join(columnNames(true), ", "))
		return
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = separator(data)
	r.FieldsPerRecord = -1
	r.ReuseRecord = true

	header, err := r.Read()
	if err != nil {
		b.syntax(s, err)
		return
	}
	width := len(header)
	line, _ := r.FieldPos(0)
	t, ok := b.header(place{source: s, line: line}, header, r.Comma)
	if !ok {
		b.blind = true
		return
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			b.syntax(s, err)
			return
		}
		line, _ := r.FieldPos(0)
		at := place{source: s, line: line}
		if !slices.ContainsFunc(record, func(f string) bool { return strings.TrimSpace(f) != "" }) {
			continue // spreadsheets leave rows of nothing but separators
		}
		if len(record) != width {
			b.add(at, "the row has %d fields, the header %d: want as many; put fields that hold %q in quotes", len(record), width, r.Comma)
			continue
		}
		b.row(at, t, record)
		if b.full {
			return
		}
	}
}

// syntax reports what the CSV parser did not understand. What follows is not read: quotes
// that do not close make nonsense of it.
func (b *builder) syntax(s *source, err error) {
	var e *csv.ParseError
	if !errors.As(err, &e) {
		b.stop(place{source: s, line: 0}, "%w", err)
		return
	}
	b.stop(place{source: s, line: e.StartLine}, "not CSV, byte %d of line %d: %w: want a quote inside a quoted field doubled; nothing after this line was read", e.Column, e.Line, e.Err)
}

// separator is ";" or ",", whichever the first line has more of.
func separator(data []byte) rune {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.Count(first, []byte(";")) >= bytes.Count(first, []byte(",")) {
		return ';'
	}
	return ','
}

// header finds out which column is which.
func (b *builder) header(at place, header []string, comma rune) (table, bool) {
	before := b.count()
	t := table{index: make(map[string]int), comma: comma == ';'}
	titles := make(map[string]string)
	names := make(map[string]string)
	var words []string
	for _, c := range Columns() {
		for _, word := range append([]string{c.Name}, c.Aliases...) {
			names[plain(word)] = c.Name
			words = append(words, word)
		}
	}
	for i, title := range header {
		title = strings.TrimSpace(title)
		if title == "" {
			t.unnamed = append(t.unnamed, i) // a spreadsheet's empty column
			continue
		}
		name, ok := names[plain(title)]
		if !ok {
			b.add(at, "unknown column %.40q: want one of %s%s", title, columnList(), meant(strings.ToLower(title), words))
			continue
		}
		if _, twice := t.index[name]; twice {
			b.add(at, "column %.40q: there is a column for %s already: want one", title, name)
			continue
		}
		t.index[name], titles[name] = i, title
		if !slices.Contains(deviceKeys, name) {
			t.facts = append(t.facts, i)
		}
	}
	// What the checks of all sources call by another name.
	for key, name := range map[string]string{"id": "asset", "position": "lat", "empty": "empty_mm", "full": "full_mm", "offset": "offset_mm", "height": "height_mm", "level": "zero_mm"} {
		if title, ok := titles[name]; ok {
			titles[key] = title
		}
	}
	at.source.titles = titles
	for _, name := range columnNames(true) {
		if _, ok := t.index[name]; !ok {
			b.add(at, "column %s is missing: want at least %s", name, strings.Join(columnNames(true), ", "))
		}
	}
	return t, b.count() == before
}

// row reads a device and what is said of its asset.
func (b *builder) row(at place, t table, record []string) {
	r := rowReader{b: b, at: at, t: t, record: record}
	for _, i := range t.unnamed {
		if f := strings.TrimSpace(record[i]); f != "" {
			b.add(at, "field %d holds %.40q, but its column has no name: want one of %s", i+1, f, columnList())
		}
	}

	d := city.Device{Model: r.text("model"), Asset: r.text("asset"), Server: r.text("server")}
	if text := r.raw("dev_eui"); text == "" {
		b.field(at, "dev_eui", "is empty: want 16 hex digits, like a840410001810001")
	} else if eui, err := parseEUI(text); err != nil {
		b.field(at, "dev_eui", "%w", err)
	} else {
		d.DevEUI = eui
	}
	if text := r.raw("firmware"); text != "" {
		f, err := city.ParseFirmware(text)
		if err != nil {
			b.field(at, "firmware", "%w; spreadsheets make dates of versions unless the column is text", err)
		}
		d.Firmware = f
	}
	b.addDevice(at, d)

	if !r.describes() {
		return
	}
	before := b.count()
	a := city.Asset{
		ID: d.Asset, Name: r.text("name"), Address: r.text("address"),
		District: r.text("district"), Tour: r.text("tour"), Owner: r.text("owner"),
	}
	if text := r.raw("kind"); text == "" {
		b.field(at, "kind", "is empty, but the row describes its asset: want one of %v", city.Kinds())
	} else if kind, err := parseKind(text); err != nil {
		b.field(at, "kind", "%w", err)
	} else {
		a.Kind = kind
	}
	lat, lon := r.number("lat"), r.number("lon")
	if (lat == nil) != (lon == nil) && b.count() == before {
		b.field(at, "lat", "is one half of a position: want latitude and longitude, or neither")
	}
	if lat != nil && lon != nil {
		a.Position = &city.Position{Lat: *lat, Lon: *lon}
	}
	said := container{
		empty: r.number("empty_mm"), full: r.number("full_mm"), offset: r.number("offset_mm"), height: r.number("height_mm"),
		shape: r.raw("shape"), points: listed(&r, "points", parsePoints),
	}
	c, key, err := said.calibration()
	if err != nil && b.count() == before {
		b.field(at, key, "%w", err)
	}
	a.Bin = c
	if zero := r.number("zero_mm"); zero != nil {
		a.Level = &city.LevelCalibration{Zero: *zero}
	}
	soil, err := soilCalibration(r.raw("soil_type"), r.number("field_capacity"), r.number("wilting_point"))
	if err != nil && b.count() == before {
		b.field(at, "soil_type", "%w", err)
	}
	a.Soil = soil
	a.Offsets = listed(&r, "offsets", parseOffsets)
	b.checkFacts(at, &a)
	b.addAsset(at, a)
}

// rowReader reads the fields of one row by the name of their column.
type rowReader struct {
	b      *builder
	at     place
	t      table
	record []string
}

// raw gives a field without the spaces around it; "" where there is no such column.
func (r *rowReader) raw(name string) string {
	if i, ok := r.t.index[name]; ok {
		return strings.TrimSpace(r.record[i])
	}
	return ""
}

func (r *rowReader) text(name string) string {
	text, err := parseText(r.raw(name))
	if err != nil {
		r.b.field(r.at, name, "%w", err)
	}
	return text
}

// number gives nil for an empty field, and after a complaint.
func (r *rowReader) number(name string) *float64 {
	text := r.raw(name)
	if text == "" {
		return nil
	}
	n, err := parseNumber(text, r.t.comma)
	if err != nil {
		r.b.field(r.at, name, "%w", err)
		return nil
	}
	return &n
}

// listed reads a field that holds several things; zero for an empty one, and after a
// complaint.
func listed[T any](r *rowReader, name string, parse func(text string, comma bool) (T, error)) (all T) {
	if text := r.raw(name); text != "" {
		var err error
		if all, err = parse(text, r.t.comma); err != nil {
			r.b.field(r.at, name, "%w", err)
		}
	}
	return all
}

// describes tells whether the row says anything about its asset.
func (r *rowReader) describes() bool {
	for _, i := range r.t.facts {
		if strings.TrimSpace(r.record[i]) != "" {
			return true
		}
	}
	return false
}

// plain is a column name without what does not count in it.
func plain(name string) string {
	return strings.NewReplacer(" ", "", "_", "", "-", "").Replace(strings.ToLower(name))
}

func columnNames(required bool) []string {
	var names []string
	for _, c := range Columns() {
		if c.Required || !required {
			names = append(names, c.Name)
		}
	}
	return names
}

// columnList names the columns with their other names, for people.
func columnList() string {
	var list []string
	for _, c := range Columns() {
		text := c.Name
		if len(c.Aliases) > 0 {
			text += " (" + strings.Join(c.Aliases, ", ") + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}
