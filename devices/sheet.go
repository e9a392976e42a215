package devices

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"meldefunk/city/lorawan"
)

// Form is how a sheet is written.
type Form string

// The forms.
const (
	CSV     Form = "csv"
	YAML    Form = "yaml"
	GeoJSON Form = "geojson" // RFC 7946
)

// FormOf tells the form of a file by its name, or by how it begins where the name does not
// tell ("-").
func FormOf(name string, data []byte) (Form, error) {
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".csv":
		return CSV, nil
	case ".yaml", ".yml":
		return YAML, nil
	case ".geojson", ".json":
		return GeoJSON, nil
	case "":
	default:
		return "", fmt.Errorf("%.20q is no kind of file that is read here: want *.csv, *.yaml, *.yml, *.geojson or *.json", ext)
	}
	begin := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	switch {
	case bytes.HasPrefix(begin, []byte("{")):
		return GeoJSON, nil
	case yamlBegins.Match(begin):
		return YAML, nil
	}
	return CSV, nil
}

var yamlBegins = regexp.MustCompile(`(?m)\A(#.*\n|---.*\n|\s*\n)*(devices|assets):`)

// Sheet is a table of devices and assets that is to be imported. Its keys do not let
// themselves be printed.
type Sheet struct {
	Name string
	Form Form
	Rows []Row

	comma  bool              // decimal commas are understood
	titles map[string]string // what the file calls a column
	order  []string          // the columns as they stand there
}

// Row is what a sheet says of one device, one asset, or one device on its asset. A column
// that is absent, or empty here, says nothing.
type Row struct {
	// Number is that of the row as spreadsheets count, the header being row 1; in YAML it is
	// a line, in GeoJSON a feature.
	Number int
	Keys   RowKeys

	given    map[string]given
	problems []Problem
}

// given is what stands in a field.
type given struct {
	text  string
	clear bool // "-": what is kept is to go
}

// RowKeys are the root keys of a row, by the names of their columns: the key of LoRaWAN 1.0.x
// is App.
type RowKeys struct {
	App, Nwk           lorawan.Key
	HaveApp, HaveNwk   bool
	ClearApp, ClearNwk bool
}

// Problem is what is wrong with a row, or doubtful.
type Problem struct {
	Row     int    // 0: it is about the file
	Column  string // name as Columns gives it; "": it is about the row
	Warning bool   // the row is imported all the same
	Text    string // what is wrong and what to do; holds no key

	form  Form
	title string
}

// Error gives everything in one line.
func (p Problem) Error() string {
	var b strings.Builder
	unit := map[Form]string{YAML: "line", GeoJSON: "feature"}[p.form]
	if unit == "" {
		unit = "row"
	}
	if p.Row > 0 {
		fmt.Fprintf(&b, "%s %d", unit, p.Row)
	}
	if p.title != "" {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		if p.form == CSV {
			b.WriteString("column ")
		}
		b.WriteString(p.title)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	return b.String() + p.Text
}

// Errors leaves out the warnings.
func Errors(all []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(all), func(p Problem) bool { return p.Warning })
}

// maxRows is how many rows a sheet may have: more is no sheet that somebody looks through.
const maxRows = 100_000

// ReadSheet reads a sheet whose name is told in errors. The problems are those that keep it
// from being read at all; what is wrong with a row is told by Import.Plan, which looks at all
// of them. In a field "-" clears what is kept. Columns of an earlier result are not read.
func ReadSheet(name string, form Form, data []byte) (*Sheet, []Problem) {
	s := &Sheet{Name: name, Form: form}
	b := &builder{sheet: true}
	src := &source{name: name}
	limit := maxCSV
	if form != CSV {
		limit = maxYAML
	}
	switch line, bad := notUTF8(data); {
	case len(data) > limit:
		b.stop(place{source: src}, "the file is too large: want %d MiB at most; split it", limit>>20)
	case bad:
		b.stop(place{source: src}, "line %d is not UTF-8: save the file as UTF-8 (in a spreadsheet \"CSV UTF-8\")", line)
	case form == CSV:
		b.records(src, data, func(at place, t table, record []string) { s.csvRow(b, at, t, record) })
	case form == YAML:
		s.readYAML(b, src, data)
	case form == GeoJSON:
		s.readGeoJSON(b, src, data)
	default:
		b.stop(place{source: src}, "unknown form %.20q: want %s, %s or %s", form, CSV, YAML, GeoJSON)
	}
	s.titles = src.titles
	if problems := s.problems(b.take(), 0); len(problems) > 0 {
		return nil, problems
	}
	if len(s.Rows) == 0 {
		return nil, []Problem{{form: form, Text: name + " has no rows: there is nothing to import"}}
	}
	return s, nil
}

// take gives the problems so far, which are then forgotten.
func (p *problems) take() []problem {
	all := p.list
	p.list, p.more = nil, 0
	return all
}

// keyLike is what might be a key, or most of one.
var keyLike = regexp.MustCompile(`(?:[0-9A-Fa-f][-: ]?){24,}`)

// problems makes what is told of a row of what was found; row 0 takes the line of each.
func (s *Sheet) problems(found []problem, row int) []Problem {
	all := make([]Problem, 0, len(found))
	for i := range found {
		f := &found[i]
		p := Problem{Row: row, Column: f.key, form: s.Form, Text: keyLike.ReplaceAllString(f.err.Error(), "…")}
		if row == 0 {
			p.Row = f.at.line
		}
		if n := f.at.keys[f.key]; n != nil {
			p.Row = n.Line
		}
		if name, ok := otherNames[f.key]; ok {
			p.Column = name
		}
		p.title = f.key
		if s.Form == GeoJSON && f.key == "position" {
			p.title = p.Column
		}
		if f.at.source != nil && s.Form == CSV {
			p.title = p.Column
			if title, ok := f.at.source.titles[f.key]; ok {
				p.title = title
			}
		}
		all = append(all, p)
	}
	return all
}

// row keeps a row with what was found wrong with it on the way.
func (s *Sheet) row(b *builder, r Row) {
	r.problems = s.problems(b.take(), r.Number)
	if len(s.Rows) >= maxRows {
		if !b.full {
			b.full = true
			s.Rows = nil
			b.stop(place{source: &source{name: s.Name}, line: r.Number}, "too many: a sheet has %d rows at most; split it", maxRows)
		}
		return
	}
	s.Rows = append(s.Rows, r)
}

func (s *Sheet) csvRow(b *builder, at place, t table, record []string) {
	if s.order == nil {
		s.comma = t.comma
		s.order = slices.SortedFunc(maps.Keys(t.index), func(x, y string) int { return t.index[x] - t.index[y] })
	}
	r := Row{Number: at.line, given: make(map[string]given, len(t.index))}
	if record != nil {
		(&rowReader{b: b, at: at, t: t, record: record}).nameless()
		for _, name := range s.order {
			r.give(b, at, name, name, record[t.index[name]])
		}
	}
	s.row(b, r)
}

// give keeps what stands in a field; key is what the place calls the column. Keys go where
// nothing prints them, wherever they stand.
func (r *Row) give(b *builder, at place, key, name, text string) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
	case name == "app_key":
		r.Keys.App, r.Keys.HaveApp, r.Keys.ClearApp = rootKey(b, at, key, text)
	case name == "nwk_key":
		r.Keys.Nwk, r.Keys.HaveNwk, r.Keys.ClearNwk = rootKey(b, at, key, text)
	case looksLikeKey(text):
		b.field(at, key, "this is a key, or looks like one: keys go into the columns app_key and nwk_key")
	case text == "-":
		r.given[name] = given{clear: true}
	default:
		r.given[name] = given{text: unquoted(text)}
	}
}

// rootKey reads a key. No problem repeats a digit of it.
func rootKey(b *builder, at place, name, text string) (k lorawan.Key, have, cleared bool) {
	if text == "-" {
		return k, false, true
	}
	digits := keyDigits(text)
	k, err := lorawan.ParseKey(digits)
	switch {
	case err != nil && len(digits) != 32:
		b.field(at, name, "has %d of 32 hex digits (most significant byte first)", len(digits))
	case err != nil:
		b.field(at, name, "has other characters than 32 hex digits")
	case k.IsZero():
		b.field(at, name, "is all zeros, which is no key: want the 32 hex digits of the maker's list")
	case repeats(k):
		b.field(at, name, "is the same few bytes over and over, which anybody guesses: want the 32 hex digits of the maker's list, or a random key")
	default:
		return k, true, false
	}
	return lorawan.Key{}, false, false
}

// repeats tells whether a key is its first 1, 2 or 4 bytes over and over.
func repeats(k lorawan.Key) bool {
	return bytes.Equal(k[4:], k[:12])
}

func (s *Sheet) readYAML(b *builder, src *source, data []byte) {
	seen := make(map[string]bool)
	add := func(at place, cells map[string]string, structured func(key string) []string) {
		r := Row{Number: at.line, given: make(map[string]given, len(cells))}
		for key, n := range at.keys {
			for _, name := range structured(key) {
				seen[name] = true
				if n.Value == "-" {
					r.give(b, at, key, name, "-")
				} else if name == "app_key" || name == "nwk_key" {
					r.give(b, at, key, name, b.single(at, key))
				} else {
					r.give(b, at, key, name, cells[name])
				}
			}
		}
		s.row(b, r)
	}
	b.walkYAML(src, data,
		func(at place) {
			cleared := at.without("-")
			add(at, b.assetCells(cleared), assetColumns)
		},
		func(at place) { add(at, b.deviceCells(at), deviceColumns) })
	for _, c := range Columns() {
		if seen[c.Name] {
			s.order = append(s.order, c.Name)
		}
	}
}

// without leaves out the keys with a value.
func (at place) without(value string) place {
	keys := maps.Clone(at.keys)
	for key, n := range keys {
		if n.Value == value {
			delete(keys, key)
		}
	}
	at.keys = keys
	return at
}

// assetColumns gives the columns that a key of an asset in YAML stands for.
func assetColumns(key string) []string {
	switch key {
	case "id":
		return []string{"asset"}
	case "position":
		return []string{"lat", "lon"}
	case "empty", "full", "offset", "height":
		return []string{key + "_mm"}
	case "level":
		return []string{"zero_mm"}
	case "note":
		return []string{"asset_note"}
	}
	return []string{key}
}

// deviceColumns is assetColumns for a device.
func deviceColumns(key string) []string {
	if key == "owner" {
		return []string{"device_owner"}
	}
	return []string{key}
}

// A text that spreadsheets take for a formula, or that clears a field here, is written with
// "'" before it (OWASP, CSV injection), as is one that begins with such a quote itself.

const formula = "=+-@\t\r\n|%"

// Harmless gives a text as it is written where formulas are dangerous.
func Harmless(text string) string {
	if rest := strings.TrimLeft(text, "'"); rest != "" && strings.Contains(formula, rest[:1]) {
		return "'" + text
	}
	return text
}

// plainText is Harmless for those who know no formulas: only what would be read as something
// else is quoted.
func plainText(text string) string {
	if text == "-" || strings.HasPrefix(text, "'") {
		return Harmless(text)
	}
	return text
}

// unquoted gives the text that Harmless or plainText wrote.
func unquoted(text string) string {
	if rest := strings.TrimLeft(text, "'"); rest != text && rest != "" && strings.Contains(formula, rest[:1]) {
		return text[1:]
	}
	return text
}
