package javascript

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
)

const (
	maxFile   = 256 << 10 // bytes of a mapping or of a file of examples
	maxFields = 100
)

// Model is a device model that a codec decodes, as a mapping file describes it.
type Model struct {
	Name  string // "vendor/model", as the inventory names it
	Kind  city.Kind
	File  string // where it was read
	Codec *Codec
	draft bool
}

// document is a mapping file.
type document struct {
	Model    string    `yaml:"model"`
	Reviewed *bool     `yaml:"reviewed"` // false: a draft, see Import
	Kind     city.Kind `yaml:"kind"`
	Codec    string    `yaml:"codec"`
	Strict   bool      `yaml:"strict"`
	Ports    []uint8   `yaml:"ports"`
	Values   []entry   `yaml:"values"`
}

type entry struct {
	Field    string               `yaml:"field"`
	Quantity city.Quantity        `yaml:"quantity"`
	Unit     string               `yaml:"unit"`
	Yes      []string             `yaml:"yes"`
	No       []string             `yaml:"no"`
	Faults   map[string]faultName `yaml:"faults"`
}

// faultName is a fault that a mapping may give.
type faultName city.Fault

// UnmarshalText reads one of the faults that a sensor can report about itself.
func (f *faultName) UnmarshalText(b []byte) error {
	known := []city.Fault{city.FaultNoSensor, city.FaultProbe, city.FaultTooClose, city.FaultNoEcho, city.FaultImplausible,
		city.FaultObstructed, city.FaultNoFix, city.FaultDevice, city.FaultClock, city.FaultChecksum}
	if !slices.Contains(known, city.Fault(b)) {
		return fmt.Errorf("unknown fault %.40q: want one of %v", b, known)
	}
	*f = faultName(b)
	return nil
}

var modelName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9.-]*$`)

// LoadFolder reads every mapping file (*.yaml, *.yml) below a folder, except those of which
// "reviewed: false" says that nobody has checked them yet, and what has a name that begins with
// a dot. The folder may be a link; links to folders in it are not followed. The error holds
// every problem, each on its own line; two files for one model are one.
func LoadFolder(folder string) ([]Model, error) {
	var models []Model
	var problems []error
	first := map[string]string{}
	err := walk(folder, func(path string) error {
		if !isYAML(path) {
			return nil
		}
		if text, err := readLimited(path, maxFile); err == nil && isRepository(text) {
			return nil // a vendor's examples, kept beside the script
		}
		m, err := LoadFile(path)
		if err != nil {
			problems = append(problems, err)
			return nil
		}
		if m.draft {
			return nil
		}
		if other, twice := first[m.Name]; twice {
			problems = append(problems, fmt.Errorf("%s: model %s is in %s already: want one file for each model", path, m.Name, other))
			return nil
		}
		first[m.Name] = path
		models = append(models, m)
		return nil
	})
	if err != nil {
		problems = append(problems, fmt.Errorf("read codecs: %w", err))
	}
	return models, errors.Join(problems...)
}

// walk calls do for each file below a folder, or for the one file that path is. Names that
// begin with a dot are version control's, editors' or those of a mounted volume.
func walk(path string, do func(path string) error) error {
	root := path
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		root += string(filepath.Separator) // a link is followed
	}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != root && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		return do(path)
	})
}

// isRepository tells whether the text describes a codec in the form of the LoRaWAN Device
// Repository.
func isRepository(text []byte) bool {
	var doc struct {
		UplinkDecoder yaml.Node `yaml:"uplinkDecoder"`
	}
	return yaml.Unmarshal(text, &doc) == nil && !doc.UplinkDecoder.IsZero()
}

func isYAML(path string) bool {
	return strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")
}

// LoadFile reads a mapping file and the script it names, which lies in the same folder or
// below. The error holds every problem, each on its own line as "file:line: what is wrong,
// and what is allowed". Whether the script is JavaScript shows in Sandbox.Compile.
func LoadFile(path string) (Model, error) {
	text, err := readLimited(path, maxFile)
	if err != nil {
		return Model{}, err
	}
	return parseFile(path, text)
}

func parseFile(path string, text []byte) (Model, error) {
	var doc document
	lines, err := decodeYAML(path, text, &doc)
	if err != nil {
		return Model{}, err
	}
	var problems []error
	add := func(line int, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s:%d: %w", path, line, fmt.Errorf(format, args...)))
	}
	if !modelName.MatchString(doc.Model) {
		add(lines.of("model"), "model: is %.60q: want vendor/model in lower case, as in the inventory", doc.Model)
	}
	isDraft := doc.Reviewed != nil && !*doc.Reviewed
	if doc.Kind == city.KindUnknown && !isDraft {
		add(lines.of("kind"), "kind: is missing: want one of %v", city.Kinds())
	}
	if len(doc.Values) == 0 && !isDraft {
		add(lines.of("values"), "values: is missing: want a list of fields and what they mean")
	}
	if len(doc.Values) > maxFields {
		add(lines.of("values"), "values: %d are too many: want %d at most", len(doc.Values), maxFields)
	}
	m := Mapping{Ports: doc.Ports}
	seen := map[string]bool{}
	for i := range doc.Values {
		e := &doc.Values[i]
		line := lines.item("values", i)
		for _, problem := range e.problems() {
			add(line, "%w", problem)
		}
		if seen[e.Field] {
			add(line, "field: %.60q is mapped already: want each field once", e.Field)
		}
		seen[e.Field] = true
		m.Fields = append(m.Fields, e.make())
	}
	codec, err := loadScript(path, doc, m)
	if err != nil {
		add(lines.of("codec"), "codec: %w", err)
	}
	if len(problems) > 0 {
		return Model{}, errors.Join(problems...)
	}
	return Model{Name: doc.Model, Kind: doc.Kind, File: path, Codec: codec, draft: isDraft}, nil
}

func loadScript(path string, doc document, m Mapping) (*Codec, error) {
	if !filepath.IsLocal(doc.Codec) {
		return nil, fmt.Errorf("is %.60q: want the name of a script beside the mapping", doc.Codec)
	}
	script := filepath.Join(filepath.Dir(path), doc.Codec)
	source, err := readLimited(script, maxSource)
	if err != nil {
		return nil, err
	}
	return NewCodec(script, source, doc.Strict, m)
}

// problems lists what is wrong with an entry.
func (e *entry) problems() []error {
	var list []error
	if e.Field == "" || len(e.Field) > 200 {
		list = append(list, errors.New(`field: is missing or too long: want a name in the codec's output, as "distance" or "soil.0.moisture"`))
	}
	if e.Quantity == city.QuantityUnknown {
		if len(e.Faults) == 0 {
			list = append(list, fmt.Errorf("quantity: is missing: want one of %v, or faults", city.Quantities()))
		}
		if e.Unit != "" || len(e.Yes)+len(e.No) > 0 {
			list = append(list, errors.New("unit, yes and no belong to a quantity: want a quantity, or none of them"))
		}
		return list
	}
	if e.Quantity.Boolean() && e.Unit != "" {
		list = append(list, fmt.Errorf("unit: %s is yes or no: want no unit", e.Quantity))
	}
	if !e.Quantity.Boolean() && len(e.Yes)+len(e.No) > 0 {
		list = append(list, fmt.Errorf("yes, no: %s is a number: want them for yes-or-no quantities only", e.Quantity))
	}
	if _, ok := units(e.Quantity.Unit())[spelling(e.Unit)]; e.Unit != "" && !ok {
		list = append(list, fmt.Errorf("unit: %.20q is none for %s: want one of %v", e.Unit, e.Quantity, unitNames(e.Quantity)))
	}
	for _, word := range e.Yes {
		if slices.ContainsFunc(e.No, func(other string) bool { return strings.EqualFold(word, other) }) {
			list = append(list, fmt.Errorf("yes, no: %.40q is in both: want it in one", word))
		}
	}
	return list
}

func (e *entry) make() Field {
	f := Field{Path: e.Field, Quantity: e.Quantity, Unit: e.Unit, Yes: e.Yes, No: e.No}
	for value, fault := range e.Faults {
		f.Faults = append(f.Faults, FaultCode{Value: value, Fault: city.Fault(fault)})
	}
	slices.SortFunc(f.Faults, func(a, b FaultCode) int { return strings.Compare(a.Value, b.Value) })
	return f
}

// lineNumbers says where the keys of a file stand.
type lineNumbers struct{ root *yaml.Node }

// of gives the line of a key of the top level, 1 where it is missing.
func (l lineNumbers) of(key string) int {
	if n := l.value(key); n != nil {
		return n.Line
	}
	return 1
}

// item gives the line of an item of a list.
func (l lineNumbers) item(key string, i int) int {
	if n := l.value(key); n != nil && i < len(n.Content) {
		return n.Content[i].Line
	}
	return l.of(key)
}

func (l lineNumbers) value(key string) *yaml.Node {
	for i := 0; i+1 < len(l.root.Content); i += 2 {
		if l.root.Content[i].Value == key {
			return l.root.Content[i+1]
		}
	}
	return nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line ([0-9]+): `)

// decodeYAML reads the one document of a file. Unknown keys are errors.
func decodeYAML(path string, text []byte, into any) (lineNumbers, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return lineNumbers{}, yamlError(path, err)
	}
	if len(root.Content) == 0 || root.Content[0].Kind != yaml.MappingNode {
		return lineNumbers{}, fmt.Errorf("%s:1: want keys with values (model, kind, codec, values)", path)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return lineNumbers{}, yamlError(path, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return lineNumbers{}, fmt.Errorf("%s: has a second document: want one", path)
	}
	return lineNumbers{root.Content[0]}, nil
}

// yamlError puts "file:line" in front of each problem.
func yamlError(path string, err error) error {
	texts := []string{err.Error()}
	var several *yaml.TypeError
	if errors.As(err, &several) {
		texts = several.Errors
	}
	var list []error
	for _, text := range texts {
		line := "1"
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			line, text = m[1], text[len(m[0]):]
		}
		list = append(list, fmt.Errorf("%s:%s: %s", path, line, strings.Replace(text, " in type javascript.", " in a mapping's ", 1)))
	}
	return errors.Join(list...)
}

// readLimited reads a file of at most limit bytes. What is no plain file, as a pipe, is not
// opened: nobody may ever write to it.
func readLimited(path string, limit int64) ([]byte, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is no file: want one, or a link to one", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s: is too large: want %d bytes at most", path, limit)
	}
	return text, nil
}
