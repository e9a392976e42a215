package devices

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
	"meldefunk/city/typo"
)

var (
	assetKeys = []string{"id", "kind", "name", "address", "position", "district", "tour", "owner", "empty", "full", "offset",
		"shape", "height", "points", "level", "soil_type", "field_capacity", "wilting_point", "offsets", "species", "note", "groups", "photos"}
	deviceKeys = []string{"dev_eui", "model", "asset", "server", "firmware", "join_eui", "serial", "lorawan_version", "region", "class",
		"profile", "interval", "state", "owner", "note", "since", "app_key", "nwk_key"}
)

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// readYAML walks the nodes by hand: decoding into structs would not tell the line of every
// problem, and would read an unquoted DevEUI like 24e1247130000042 as a number.
func (b *builder) readYAML(s *source, data []byte) {
	b.walkYAML(s, data, b.yamlAsset, b.yamlDevice)
}

// walkYAML gives each asset and then each device to its function.
func (b *builder) walkYAML(s *source, data []byte, asset, device func(at place)) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		b.notYAML(s, err)
		return
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		b.stop(place{source: s, line: 1}, "the file is empty: want the lists \"assets:\" and \"devices:\"")
		return
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		b.stop(place{source: s, line: second.Line}, "a second document begins here: want one, without \"---\"")
		return
	case !errors.Is(err, io.EOF):
		b.notYAML(s, err)
		return
	}
	top, ok := b.mapping(s, doc.Content[0], "the file", []string{"assets", "devices"})
	if !ok {
		b.blind = true
		return
	}
	for _, n := range b.list(top, "assets") {
		if b.full {
			return
		}
		if at, ok := b.mapping(s, n, "an asset", assetKeys); ok {
			asset(at)
		}
	}
	for _, n := range b.list(top, "devices") {
		if b.full {
			return
		}
		if at, ok := b.mapping(s, n, "a device", deviceKeys); ok {
			device(at)
		}
	}
}

func (b *builder) notYAML(s *source, err error) {
	text, line := err.Error(), 1
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		line, _ = strconv.Atoi(m[1])
		line = max(line, 1)
	}
	b.stop(place{source: s, line: line}, "not YAML: %s", text)
}

func (b *builder) yamlAsset(at place) {
	r := rowReader{b: b, at: at, clean: b.count()}
	r.cells = b.assetCells(at)
	if at.keys["id"] == nil {
		b.field(at, "id", "is missing: want the city's number of it, like PK-0042")
	}
	if at.keys["kind"] == nil {
		b.field(at, "kind", "is missing: want one of %v", city.Kinds())
	}
	a := r.asset(b.text(at, "id"))
	b.addAsset(at, a.Asset)
}

func (b *builder) yamlDevice(at place) {
	r := rowReader{b: b, at: at, cells: b.deviceCells(at)}
	if at.keys["dev_eui"] == nil {
		b.field(at, "dev_eui", "is missing: want 16 hex digits, like a840410001810001")
	}
	for _, key := range []string{"app_key", "nwk_key"} {
		if at.keys[key] != nil {
			b.field(at, key, "%w", errKeysHere)
		}
	}
	if at.keys["since"] != nil {
		b.field(at, "since", "a device of an inventory file hangs on its asset for ever: leave it out, or import the file with meldefunk device import")
	}
	d := r.device()
	b.filed(at, &d)
	b.addDevice(at, d.Device)
}

// assetCells gives what is said of an asset as the fields of a CSV row.
func (b *builder) assetCells(at place) map[string]string {
	cells := make(map[string]string, len(at.keys)+1)
	put := func(key, text string) {
		if text != "" {
			cells[key] = text
		}
	}
	number := func(column string, n *float64) {
		if n != nil {
			cells[column] = numberText(*n)
		}
	}
	for _, key := range assetKeys {
		n := at.keys[key]
		switch {
		case n == nil:
		case key == "empty" || key == "full" || key == "offset" || key == "height":
			number(key+"_mm", b.length(at, key))
		case key == "field_capacity" || key == "wilting_point":
			number(key, b.percent(at, key))
		case key == "position":
			if p := b.position(at); p != nil {
				cells["lat"], cells["lon"] = numberText(p.Lat), numberText(p.Lon)
			}
		case key == "points":
			put(key, pointsText(b.points(at)))
		case key == "level":
			if l := b.gauge(at); l != nil {
				number("zero_mm", &l.Zero)
			}
		case key == "offsets":
			put(key, offsetsText(b.offsets(at)))
		case key == "groups" || key == "photos":
			put(key, b.words(at, key))
		case key == "note":
			put("asset_note", b.single(at, key))
		case key == "id":
			put("asset", b.single(at, key))
		default:
			put(key, b.single(at, key))
		}
	}
	return cells
}

// deviceCells gives what is said of a device as the fields of a CSV row, without its keys.
func (b *builder) deviceCells(at place) map[string]string {
	cells := make(map[string]string, len(at.keys))
	for _, key := range deviceKeys {
		switch {
		case at.keys[key] == nil || key == "app_key" || key == "nwk_key":
		case key == "owner":
			cells["device_owner"] = b.single(at, key)
		default:
			cells[key] = b.single(at, key)
		}
	}
	return cells
}

// single gives the text of a key as it stands there.
func (b *builder) single(at place, key string) (text string) {
	b.scalar(at, key, func(given string) error {
		text = given
		return nil
	})
	return text
}

// words reads a list of texts, or one with "|" between them.
func (b *builder) words(at place, key string) string {
	if at.keys[key].Kind == yaml.ScalarNode {
		return b.single(at, key)
	}
	var words []string
	for _, n := range b.list(at, key) {
		if n.Kind != yaml.ScalarNode || strings.Contains(n.Value, "|") {
			b.field(at, key, "holds %s: want single values without \"|\"", kindOf(n))
			return ""
		}
		words = append(words, n.Value)
	}
	return strings.Join(words, "|")
}

// points reads a list of distances and levels; nil where there is none, and after a complaint.
func (b *builder) points(at place) []city.LevelPoint {
	if at.keys["points"] == nil {
		return nil
	}
	before := b.count()
	points := []city.LevelPoint{}
	for _, n := range b.list(at, "points") {
		point, ok := b.mapping(at.source, n, "a point", []string{"distance", "level"})
		if !ok {
			continue
		}
		distance, level := b.length(point, "distance"), b.percent(point, "level")
		if point.keys["distance"] == nil || point.keys["level"] == nil {
			b.add(point, "a point is not whole: want its distance and level, like {distance: 800 mm, level: 35 %%}")
		}
		if distance != nil && level != nil {
			points = append(points, city.LevelPoint{Distance: *distance, Level: *level})
		}
	}
	if b.count() > before {
		return nil // the rest makes another table than was meant
	}
	return points
}

// gauge reads where the zero of a gauge is.
func (b *builder) gauge(at place) *city.LevelCalibration {
	n := at.keys["level"]
	if n == nil {
		return nil
	}
	gauge, ok := b.mapping(at.source, n, "level", []string{"zero"})
	if !ok {
		return nil
	}
	if gauge.keys["zero"] == nil {
		b.field(at, "level", "zero is missing: want the distance from the sensor down to the gauge zero, like {zero: 4500 mm}")
		return nil
	}
	zero := b.length(gauge, "zero")
	if zero == nil {
		return nil
	}
	return &city.LevelCalibration{Zero: *zero}
}

// offsets reads a mapping of quantities to numbers.
func (b *builder) offsets(at place) *city.Offsets {
	n := at.keys["offsets"]
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		b.field(at, "offsets", "is %s: want quantities and what is added to them, like {temperature: -0.5}", kindOf(n))
		return nil
	}
	var values []city.Value
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, number := n.Content[i], n.Content[i+1]
		v, err := parseOffset(name.Value, strings.TrimSpace(number.Value), false)
		if err != nil {
			b.add(place{source: at.source, line: name.Line}, "offsets: %w", err)
			continue
		}
		values = append(values, v)
	}
	return offsetsOf(values)
}

// position reads a list of latitude and longitude.
func (b *builder) position(at place) *city.Position {
	n := at.keys["position"]
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) != 2 {
		b.field(at, "position", "is %s: want latitude and longitude, like [52.2775, 8.0417]", kindOf(n))
		return nil
	}
	var degrees [2]float64
	for i, c := range n.Content {
		number, err := parseNumber(strings.TrimSpace(c.Value), false)
		if err != nil {
			b.field(at, "position", "%w: want latitude and longitude, like [52.2775, 8.0417]", err)
			return nil
		}
		degrees[i] = number
	}
	return &city.Position{Lat: degrees[0], Lon: degrees[1]}
}

// mapping reads a node as keys and values; keys without a value count as absent.
func (b *builder) mapping(s *source, n *yaml.Node, what string, allowed []string) (place, bool) {
	at := place{source: s, line: n.Line, keys: make(map[string]*yaml.Node, min(len(n.Content)/2, len(allowed)))}
	if n.Kind != yaml.MappingNode {
		b.add(at, "%s is %s: want a mapping of %s", what, kindOf(n), strings.Join(allowed, ", "))
		return at, false
	}
	seen := make(map[string]bool, len(allowed))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch twice := seen[key.Value]; {
		case !slices.Contains(allowed, key.Value):
			b.add(place{source: s, line: key.Line}, "unknown key %.40q: want one of %s%s", key.Value, strings.Join(allowed, ", "), typo.Meant(key.Value, allowed))
		case twice:
			b.add(place{source: s, line: key.Line}, "%s: stands here a second time: want it once", key.Value)
		case value.Kind == yaml.ScalarNode && (isNull(value) || strings.TrimSpace(value.Value) == ""):
			// As an empty field of a CSV file: nothing is said.
		default:
			at.keys[key.Value] = value
		}
		seen[key.Value] = true
	}
	return at, true
}

// list gives the elements of a list; nothing where it is absent.
func (b *builder) list(at place, key string) []*yaml.Node {
	n := at.keys[key]
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		b.field(at, key, "is %s: want a list; \"%s: []\" says that there are none", kindOf(n), key)
		return nil
	}
	return n.Content
}

// scalar gives the text of a key to a parser and reports what the parser says. It does
// nothing where the key is absent.
func (b *builder) scalar(at place, key string, parse func(text string) error) {
	n := at.keys[key]
	if n == nil {
		return
	}
	if n.Kind != yaml.ScalarNode {
		b.field(at, key, "is %s: want one value", kindOf(n))
		return
	}
	if err := parse(strings.TrimSpace(n.Value)); err != nil {
		b.field(at, key, "%w", err)
	}
}

func (b *builder) text(at place, key string) (text string) {
	b.scalar(at, key, func(given string) (err error) {
		text, err = parseText(given)
		return err
	})
	return text
}

func (b *builder) length(at place, key string) (mm *float64) {
	b.scalar(at, key, func(text string) error {
		n, err := parseLength(text)
		if err == nil {
			mm = &n
		}
		return err
	})
	return mm
}

// percent reads a number with its unit, "25 %".
func (b *builder) percent(at place, key string) (share *float64) {
	b.scalar(at, key, func(text string) error {
		digits, ok := strings.CutSuffix(text, "%")
		if !ok {
			return fmt.Errorf("%.40q has no unit: want %%, like \"25 %%\"", text)
		}
		n, err := parseNumber(strings.TrimSpace(digits), false)
		if err == nil {
			share = &n
		}
		return err
	})
	return share
}

func isNull(n *yaml.Node) bool { return n.ShortTag() == "!!null" }

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return fmt.Sprintf("a list of %d", len(n.Content))
	case yaml.AliasNode:
		return "an alias (not understood here)"
	}
	if isNull(n) {
		return "empty"
	}
	return fmt.Sprintf("the single value %.40q", n.Value)
}
