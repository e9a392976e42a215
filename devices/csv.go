package devices

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/city/typo"
)

// Column is a column that CSV files may have.
type Column struct {
	Name     string
	Aliases  []string // other names; case, spaces, hyphens and underscores do not count
	Meaning  string
	Required bool // in the inventory files of the settings
	Of       Part
}

// Part is what a column is about.
type Part uint8

// The parts.
const (
	OfDevice Part = iota
	OfAsset
	OfBinding // of the device to its asset; only where a sheet is imported
	OfKeys    // secret; only where a sheet is imported
)

// Columns lists the columns that CSV files may have, in any order. Fields are separated by
// ";" or ",", whichever the header has; with ";" numbers may have a decimal comma.
func Columns() []Column {
	return []Column{
		{"dev_eui", []string{"eui", "geraete_eui", "geräte_eui"}, "16 hex digits as on the label", true, OfDevice},
		{"model", []string{"modell"}, "like milesight/em310-udl", true, OfDevice},
		{"asset", []string{"anlage", "nummer", "asset_id"}, "the city's own number, like PK-0042", true, OfDevice},
		{"server", nil, "only messages of this network server count", false, OfDevice},
		{"firmware", []string{"fw", "firmware_version", "firmwarestand"}, "version of the device's software, like 1.2.1", false, OfDevice},
		{"kind", []string{"art"}, "what the asset is, like bin, or a German word for it; describes the asset", false, OfAsset},
		{"name", []string{"bezeichnung"}, "as people call it", false, OfAsset},
		{"address", []string{"adresse"}, "street and number", false, OfAsset},
		{"lat", []string{"latitude", "breite", "breitengrad"}, "latitude in degrees, WGS 84", false, OfAsset},
		{"lon", []string{"lng", "longitude", "laenge", "länge", "längengrad", "laengengrad"}, "longitude in degrees, WGS 84", false, OfAsset},
		{"district", []string{"stadtteil"}, "part of the city", false, OfAsset},
		{"tour", nil, "who comes by", false, OfAsset},
		{"owner", []string{"eigentuemer", "eigentümer"}, "who it belongs to, if not the city", false, OfAsset},
		{"species", []string{"baumart", "gattung"}, "of a tree, like Tilia cordata", false, OfAsset},
		{"empty_mm", []string{"leer_mm"}, "bins: distance from the sensor to the bottom", false, OfAsset},
		{"full_mm", []string{"voll_mm"}, "bins: distance to the contents when full", false, OfAsset},
		{"offset_mm", nil, "bins: added to what the sensor measures", false, OfAsset},
		{"shape", []string{"form"}, "bins: linear (the same cross section everywhere), lying_cylinder, sphere or table", false, OfAsset},
		{"height_mm", []string{"durchmesser_mm", "innenmass_mm"}, "bins: inner diameter of a lying cylinder or sphere", false, OfAsset},
		{"points", []string{"strapping_table", "peiltabelle", "stuetzpunkte", "stützpunkte"}, "bins of shape table: distance in mm and level in %, like 1200=0|800=35|250=100", false, OfAsset},
		{"zero_mm", []string{"gauge_zero_mm", "pegelnull_mm", "nullpunkt_mm"}, "water: distance from the sensor down to the gauge zero", false, OfAsset},
		{"soil_type", []string{"bodenart"}, "soil: German soil type (KA5), like Sl3, for the usable field capacity", false, OfAsset},
		{"field_capacity", []string{"feldkapazitaet", "feldkapazität"}, "soil: % by volume, in place of soil_type", false, OfAsset},
		{"wilting_point", []string{"welkepunkt"}, "soil: % by volume, in place of soil_type", false, OfAsset},
		{"offsets", []string{"corrections", "korrekturen", "korrektur"}, "added to measured values, like temperature=-0.5|distance=20", false, OfAsset},
		{"asset_note", []string{"bemerkung_anlage", "anlagennotiz"}, "about the asset", false, OfAsset},
		{"groups", []string{"gruppen", "gruppe"}, "sets of assets that people name, like Wochenmarkt|Altstadt", false, OfAsset},
		{"photos", []string{"fotos", "bilder"}, "addresses or file names of pictures, with | between them", false, OfAsset},
		{"join_eui", []string{"app_eui"}, "16 hex digits: whom the device asks to join", false, OfDevice},
		{"serial", []string{"serial_number", "seriennummer", "sn"}, "the maker's serial number", false, OfDevice},
		{"lorawan_version", []string{"mac_version", "lorawan"}, "version of the link layer, like 1.0.3; a new device without is taken for 1.0.3", false, OfDevice},
		{"region", []string{"band"}, "radio band; a new device without is taken for EU868", false, OfDevice},
		{"class", []string{"klasse", "geraeteklasse", "geräteklasse"}, "when it listens: A, B or C; a new device without is taken for A", false, OfDevice},
		{"profile", []string{"device_profile", "profil", "geraeteprofil", "geräteprofil"}, "name of the network server's profile, if it is not made from the other columns", false, OfDevice},
		{"interval", []string{"uplink_interval", "intervall", "sendeintervall"}, "between two messages, with its unit, like 20 min", false, OfDevice},
		{"state", []string{"zustand", "betriebszustand"}, "in_stock, planned, installed, maintenance or retired, or a German word for it", false, OfDevice},
		{"device_owner", []string{"geraete_eigentuemer", "geräte_eigentümer"}, "who the device belongs to, if not the city", false, OfDevice},
		{"note", []string{"bemerkung", "notiz", "device_note"}, "about the device", false, OfDevice},
		{"since", []string{"installed", "installed_from", "seit", "montiert_am", "installiert_am"}, "from when it hangs on its asset, like 2026-05-03 or 3.5.2026 14:30; without, from the import on", false, OfBinding},
		{"app_key", nil, "32 hex digits: the root key of LoRaWAN 1.0.x, and one of the two of 1.1", false, OfKeys},
		{"nwk_key", []string{"network_key"}, "32 hex digits: the other root key of LoRaWAN 1.1", false, OfKeys},
	}
}

// resultColumns are what the result of an import has beside its sheet.
var resultColumns = []string{"row", "status", "id", "message"}

// table is a CSV file whose header is understood.
type table struct {
	index   map[string]int // column name to field; absent: no such column
	facts   []int          // fields that describe the asset
	unnamed []int          // fields whose column has no name
	ignored []int          // fields of an earlier result
	comma   bool           // decimal commas are understood
}

func (b *builder) readCSV(s *source, data []byte) {
	b.records(s, data, b.row)
}

// records reads the header and gives each row that is whole to take. A row that is not is a
// problem, and its record nil where a sheet is read.
func (b *builder) records(s *source, data []byte, take func(at place, t table, record []string)) {
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
	inside := breaks(header) // line breaks inside of quotes: of the file, not of the sheet
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
		if b.sheet {
			at.line -= inside
			inside += breaks(record)
		}
		if !slices.ContainsFunc(record, func(f string) bool { return strings.TrimSpace(f) != "" }) {
			continue // spreadsheets leave rows of nothing but separators
		}
		if len(record) != width {
			b.add(at, "the row has %d fields, the header %d: want as many; put fields that hold %q in quotes", len(record), width, r.Comma)
			if b.sheet {
				take(at, t, nil)
			}
			continue
		}
		take(at, t, record)
		if b.full {
			return
		}
	}
}

// breaks counts line breaks.
func breaks(record []string) (n int) {
	for _, f := range record {
		n += strings.Count(f, "\n")
	}
	return n
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
	of := make(map[string]Part)
	var words []string
	for _, c := range Columns() {
		of[c.Name] = c.Of
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
		if !ok && b.sheet && slices.Contains(resultColumns, plain(title)) {
			t.ignored = append(t.ignored, i)
			continue
		}
		if !ok && looksLikeKey(title) {
			b.add(at, "column %d is called like a key: is the header missing?", i+1)
			continue
		}
		if !ok {
			b.add(at, "unknown column %.40q: want one of %s%s", title, columnList(b.sheet), typo.Meant(title, words))
			continue
		}
		if _, twice := t.index[name]; twice {
			b.add(at, "column %.40q: there is a column for %s already: want one", title, name)
			continue
		}
		t.index[name], titles[name] = i, title
		switch of := of[name]; {
		case of == OfAsset:
			t.facts = append(t.facts, i)
		case of == OfKeys && !b.sheet:
			b.add(at, "column %.40q: %w", title, errKeysHere)
		case of == OfBinding && !b.sheet:
			b.add(at, "column %.40q: a device of an inventory file hangs on its asset for ever: leave the column out, or import the file with meldefunk device import", title)
		}
	}
	for key, name := range otherNames {
		if title, ok := titles[name]; ok {
			titles[key] = title
		}
	}
	at.source.titles = titles
	if b.sheet {
		_, device := t.index["dev_eui"]
		if _, asset := t.index["asset"]; !device && !asset {
			b.add(at, "columns dev_eui and asset are missing: want one of them at least, to tell what each row is about")
		}
		return t, b.count() == before
	}
	for _, name := range columnNames(true) {
		if _, ok := t.index[name]; !ok {
			b.add(at, "column %s is missing: want at least %s", name, strings.Join(columnNames(true), ", "))
		}
	}
	return t, b.count() == before
}

// otherNames are what the checks of all sources call columns by another name.
var otherNames = map[string]string{"id": "asset", "position": "lat", "empty": "empty_mm", "full": "full_mm", "offset": "offset_mm", "height": "height_mm", "level": "zero_mm"}

// row reads a device and what is said of its asset.
func (b *builder) row(at place, t table, record []string) {
	r := rowReader{b: b, at: at, t: t, record: record}
	r.nameless()
	if i := slices.IndexFunc(record, looksLikeKey); i >= 0 {
		b.add(at, "field %d: %w", i+1, errKeysHere)
		return
	}
	d := r.device()
	if r.raw("dev_eui") == "" {
		b.field(at, "dev_eui", "is empty: want 16 hex digits, like a840410001810001")
	}
	b.filed(at, &d)
	b.addDevice(at, d.Device)
	if !r.describes() {
		return
	}
	if r.raw("kind") == "" {
		b.field(at, "kind", "is empty, but the row describes its asset: want one of %v", city.Kinds())
	}
	r.clean = b.count()
	b.addAsset(at, r.asset(d.Asset).Asset)
}

// filed refuses what cannot be of a device in an inventory file.
func (b *builder) filed(at place, d *register.Device) {
	if d.State != "" && !d.Hangs() {
		b.field(at, "state", "is %s, but a device of an inventory file hangs on its asset for ever: leave it out, or import the file with meldefunk device import", d.State)
	}
}

// rowReader reads the fields of one row by the name of their column.
type rowReader struct {
	b      *builder
	at     place
	t      table
	record []string
	cells  map[string]string // in place of record
	clean  int               // how many problems there were before the asset
}

// raw gives a field without the spaces around it; "" where there is no such column.
func (r *rowReader) raw(name string) string {
	if r.cells != nil {
		return r.cells[name]
	}
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

// nameless complains about fields in a column without a name.
func (r *rowReader) nameless() {
	for _, i := range r.t.unnamed {
		if f := strings.TrimSpace(r.record[i]); f != "" && !looksLikeKey(f) {
			r.b.add(r.at, "field %d holds %.40q, but its column has no name: want one of %s", i+1, f, columnList(r.b.sheet))
		}
	}
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
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' || r == '-' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
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

// columnList names the columns of inventory files with their other names, for people; for
// those of sheets it names the command that does, since a vendor's list has many columns that
// are unknown.
func columnList(sheet bool) string {
	if sheet {
		return "those that meldefunk device import --columns lists, or leave it out"
	}
	var list []string
	for _, c := range Columns() {
		if c.Of == OfBinding || c.Of == OfKeys {
			continue
		}
		text := c.Name
		if len(c.Aliases) > 0 {
			text += " (" + strings.Join(c.Aliases, ", ") + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}
