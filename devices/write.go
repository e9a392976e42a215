package devices

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// Style is for whom a CSV is written.
type Style uint8

// The styles.
const (
	Machine Style = iota // "," between fields, decimal points
	Excel                // what a German Excel opens: ";", decimal commas, byte order mark
)

// Export is what of a register is written. What it writes, ReadSheet reads, and an import
// into an empty register makes the same again, but for bindings that have ended: these are
// history, and in backups of the database only.
type Export struct {
	Register register.Snapshot
	// Reveal gives root keys in clear, for who asked for them; nil: none are written.
	Reveal func(register.Keys) (enrol.RootKeys, error)
}

// line is a device with its asset, or one of the two, as fields.
type line struct {
	device, asset map[string]string // nil: none
}

// lines gives every device with its asset, and then the assets without one.
func (e *Export) lines() ([]line, error) {
	hangs := make(map[city.EUI]register.Binding, len(e.Register.Devices))
	for _, b := range e.Register.Bindings {
		if b.To.IsZero() {
			hangs[b.DevEUI] = b
		}
	}
	assets := make(map[string]*register.Asset, len(e.Register.Assets))
	for i := range e.Register.Assets {
		assets[e.Register.Assets[i].ID] = &e.Register.Assets[i]
	}
	all := make([]line, 0, len(e.Register.Devices))
	used := make(map[string]bool, len(assets))
	for i := range e.Register.Devices {
		d := &e.Register.Devices[i]
		l := line{device: deviceCells(d, hangs[d.DevEUI].From)}
		if err := e.keys(d, l.device); err != nil {
			return nil, err
		}
		if a, ok := assets[d.Asset]; ok {
			l.asset = assetCells(a)
			used[d.Asset] = true
		}
		all = append(all, l)
	}
	for i := range e.Register.Assets {
		if a := &e.Register.Assets[i]; !used[a.ID] {
			all = append(all, line{asset: assetCells(a)})
		}
	}
	return all, nil
}

// keys puts the keys of a device among its fields, if they are to be written.
func (e *Export) keys(d *register.Device, cells map[string]string) error {
	if e.Reveal == nil || d.Keys.None() {
		return nil
	}
	root, err := e.Reveal(d.Keys)
	if err != nil {
		return fmt.Errorf("keys of device %s: %w", d.DevEUI, err)
	}
	if root.App.IsZero() {
		cells["app_key"] = root.Nwk.Hex()
		return nil
	}
	cells["nwk_key"], cells["app_key"] = root.Nwk.Hex(), root.App.Hex()
	return nil
}

// columns are those that some line has, in the order of Columns.
func used(all []line) []string {
	seen := make(map[string]bool)
	for _, l := range all {
		for name := range l.device {
			seen[name] = true
		}
		for name := range l.asset {
			seen[name] = true
		}
	}
	var names []string
	for _, c := range Columns() {
		if seen[c.Name] {
			names = append(names, c.Name)
		}
	}
	return names
}

// cell gives a field of a line.
func (l *line) cell(name string) string {
	if text, ok := l.device[name]; ok {
		return text
	}
	return l.asset[name]
}

// CSV writes the register as a table with a row per device and its asset.
func (e Export) CSV(to io.Writer, style Style) error {
	all, err := e.lines()
	if err != nil {
		return err
	}
	names := used(all)
	if len(names) == 0 {
		names = columnNames(true)
	}
	w, err := newTable(to, style, names)
	if err != nil {
		return err
	}
	for i := range all {
		cells := make([]string, len(names))
		for j, name := range names {
			cells[j] = style.cell(name, all[i].cell(name))
		}
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func newTable(to io.Writer, style Style, header []string) (*csv.Writer, error) {
	w := csv.NewWriter(to)
	w.UseCRLF = true
	if style == Excel {
		w.Comma = ';'
		if _, err := io.WriteString(to, "\ufeff"); err != nil {
			return nil, err
		}
	}
	return w, w.Write(header)
}

// numeric tells whether the fields of a column are numbers, so that no formula begins there.
func numeric(column string) bool {
	return column == "lat" || column == "lon" || strings.HasSuffix(column, "_mm") || column == "field_capacity" || column == "wilting_point"
}

// cell writes a field.
func (s Style) cell(column, text string) string {
	switch {
	case s == Excel && (numeric(column) || column == "points" || column == "offsets"):
		return strings.ReplaceAll(text, ".", ",")
	case numeric(column):
		return text
	case s == Excel:
		return Harmless(text)
	}
	return plainText(text)
}

// YAML writes the register as an inventory file has it, with what only the register keeps.
func (e Export) YAML(to io.Writer) error {
	all, err := e.lines()
	if err != nil {
		return err
	}
	assets, devices := sequence(), sequence()
	written := make(map[string]bool)
	for _, l := range all {
		if l.asset != nil && !written[l.asset["asset"]] {
			written[l.asset["asset"]] = true
			assets.Content = append(assets.Content, assetNode(l.asset))
		}
		if l.device != nil {
			devices.Content = append(devices.Content, deviceNode(l.device))
		}
	}
	top := mappingNode()
	pair(top, "assets", assets)
	pair(top, "devices", devices)
	w := yaml.NewEncoder(to)
	w.SetIndent(2)
	if err := w.Encode(top); err != nil {
		return err
	}
	return w.Close()
}

func sequence() *yaml.Node    { return &yaml.Node{Kind: yaml.SequenceNode} }
func mappingNode() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

func pair(m *yaml.Node, key string, value *yaml.Node) {
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
}

// textNode is a text, in quotes where it would be something else without.
func textNode(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	return n
}

func numberNode(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

func assetNode(cells map[string]string) *yaml.Node {
	m := mappingNode()
	for _, key := range assetKeys {
		text := cells[assetColumns(key)[0]]
		if text == "" {
			continue
		}
		switch key {
		case "position":
			at := sequence()
			at.Style = yaml.FlowStyle
			at.Content = []*yaml.Node{numberNode(text), numberNode(cells["lon"])}
			pair(m, key, at)
		case "empty", "full", "offset", "height":
			pair(m, key, textNode(text+" mm"))
		case "field_capacity", "wilting_point":
			pair(m, key, textNode(text+" %"))
		case "level":
			level := mappingNode()
			pair(level, "zero", textNode(text+" mm"))
			pair(m, key, level)
		case "points":
			points := sequence()
			for point := range strings.SplitSeq(text, "|") {
				distance, level, _ := strings.Cut(point, "=")
				p := mappingNode()
				p.Style = yaml.FlowStyle
				pair(p, "distance", textNode(distance+" mm"))
				pair(p, "level", textNode(level+" %"))
				points.Content = append(points.Content, p)
			}
			pair(m, key, points)
		case "offsets":
			offsets := mappingNode()
			for offset := range strings.SplitSeq(text, "|") {
				name, number, _ := strings.Cut(offset, "=")
				pair(offsets, name, numberNode(number))
			}
			pair(m, key, offsets)
		case "groups", "photos":
			words := sequence()
			for word := range strings.SplitSeq(plainText(text), "|") {
				words.Content = append(words.Content, textNode(word))
			}
			pair(m, key, words)
		default:
			pair(m, key, textNode(plainText(text)))
		}
	}
	return m
}

func deviceNode(cells map[string]string) *yaml.Node {
	m := mappingNode()
	for _, key := range deviceKeys {
		if text := cells[deviceColumns(key)[0]]; text != "" {
			pair(m, key, textNode(plainText(text)))
		}
	}
	return m
}

// GeoJSON writes the register as a FeatureCollection (RFC 7946) for maps: a point per asset
// with its device among its properties, and devices that hang nowhere without a geometry.
func (e Export) GeoJSON(to io.Writer) error {
	all, err := e.lines()
	if err != nil {
		return err
	}
	type point struct {
		Type        string         `json:"type"`
		Coordinates [2]json.Number `json:"coordinates"`
	}
	type feature struct {
		Type       string         `json:"type"`
		Geometry   *point         `json:"geometry"`
		Properties map[string]any `json:"properties"`
	}
	if _, err := io.WriteString(to, "{\"type\":\"FeatureCollection\",\"features\":["); err != nil {
		return err
	}
	names := used(all)
	for i := range all {
		f := feature{Type: "Feature", Properties: make(map[string]any)}
		for _, name := range names {
			text := all[i].cell(name)
			switch {
			case text == "" || name == "lat" || name == "lon":
			case numeric(name):
				f.Properties[name] = json.Number(text)
			default:
				f.Properties[name] = plainText(text)
			}
		}
		if lat, lon := all[i].cell("lat"), all[i].cell("lon"); lat != "" {
			f.Geometry = &point{"Point", [2]json.Number{json.Number(lon), json.Number(lat)}}
		}
		b, err := json.Marshal(f)
		if err != nil {
			return err
		}
		between := "\n"
		if i > 0 {
			between = ",\n"
		}
		if _, err := io.WriteString(to, between+string(b)); err != nil {
			return err
		}
	}
	_, err = io.WriteString(to, "\n]}\n")
	return err
}

// Result writes the sheet anew with what became of each row, fit for another import: the
// columns row, status, id and message are not read then. Keys are written only where that is
// asked for; without them the message of a row that failed says that they are missing.
func (p *Plan) Result(to io.Writer, s *Sheet, style Style, reveal bool) error {
	var names, header []string
	for _, name := range s.order {
		if secret := name == "app_key" || name == "nwk_key"; secret && !reveal {
			continue
		}
		names = append(names, name)
		title := name
		if s.Form == CSV {
			title = s.titles[name]
		}
		header = append(header, style.text(title))
	}
	w, err := newTable(to, style, slices.Concat(header, resultColumns))
	if err != nil {
		return err
	}
	for i := range s.Rows {
		r, o := &s.Rows[i], &p.Outcomes[i]
		cells := make([]string, 0, len(header)+len(resultColumns))
		for _, name := range names {
			cells = append(cells, r.cell(name, style, s.comma))
		}
		message := o.Text
		if o.Status == Failed && !reveal && (r.Keys.HaveApp || r.Keys.HaveNwk) {
			message += "; its keys are not in this file: mend the row in the sheet that was imported"
		}
		id := o.Asset
		if !o.DevEUI.IsZero() {
			id = o.DevEUI.String()
		}
		cells = append(cells, strconv.Itoa(o.Row), string(o.Status), style.text(id), style.text(message))
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// text writes a text that nobody reads back.
func (s Style) text(text string) string {
	if s == Excel {
		return Harmless(text)
	}
	return text
}

// cell gives a field as it was given.
func (r *Row) cell(name string, style Style, comma bool) string {
	g := r.given[name]
	switch {
	case name == "app_key" && r.Keys.HaveApp:
		return r.Keys.App.Hex()
	case name == "nwk_key" && r.Keys.HaveNwk:
		return r.Keys.Nwk.Hex()
	case g.clear, name == "app_key" && r.Keys.ClearApp, name == "nwk_key" && r.Keys.ClearNwk:
		return "-"
	case style == Machine && comma && (numeric(name) || name == "points" || name == "offsets"):
		return strings.ReplaceAll(g.text, ",", ".")
	}
	return style.cell(name, g.text)
}
