package javascript

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
)

const (
	maxExamples = 8 << 20 // bytes of a file of examples
	maxNodes    = 200_000 // values in a YAML file of examples, aliases resolved
)

// exampleLoader gathers the examples of several files.
type exampleLoader struct {
	examples []Example
	scripts  map[string]*Codec           // by path
	models   map[string]map[string]Model // by folder and model name
}

// file reads one file. Where it was named (and not just lies in a folder) it must have a form
// that is known.
func (l *exampleLoader) file(path string, named bool) error {
	if !isYAML(path) && filepath.Ext(path) != ".json" {
		if named {
			return fmt.Errorf("%s: want a .yaml or .json file with examples, or a folder", path)
		}
		return nil
	}
	text, err := readLimited(path, maxExamples)
	if err != nil {
		return err
	}
	before := len(l.examples)
	switch {
	case isYAML(path) && isRepository(text):
		err = l.repository(path, text)
	case isYAML(path) && isMapping(text):
		if _, bad := LoadFile(path); bad != nil {
			l.broken(path, "mapping", bad)
		}
		return nil
	case filepath.Ext(path) == ".json" && !strings.HasPrefix(filepath.Base(path), "test_encode_"):
		err = l.json(path, text)
	}
	if err != nil {
		l.broken(path, "file", err)
		return nil
	}
	if named && len(l.examples) == before {
		return fmt.Errorf("%s: has no examples: want uplinkDecoder.examples, or a list of objects with \"input\" and \"expected\", or with \"model\" and \"hex\"", path)
	}
	return nil
}

func (l *exampleLoader) broken(path, name string, err error) {
	l.examples = append(l.examples, Example{File: path, Name: name, broken: err})
}

func isMapping(text []byte) bool {
	var doc struct {
		Model, Codec string
	}
	return yaml.Unmarshal(text, &doc) == nil && doc.Model != "" && doc.Codec != ""
}

// script gives the codec of a script, the same one for all examples.
func (l *exampleLoader) script(path string) (*Codec, error) {
	if c, ok := l.scripts[path]; ok {
		return c, nil
	}
	source, err := readLimited(path, maxSource)
	if err != nil {
		return nil, err
	}
	c, err := NewCodec(path, source, false, Mapping{})
	if err != nil {
		return nil, err
	}
	l.scripts[path] = c
	return c, nil
}

// repository reads a codec file of the LoRaWAN Device Repository.
func (l *exampleLoader) repository(path string, text []byte) error {
	var doc struct {
		UplinkDecoder struct {
			FileName string `yaml:"fileName"`
			Examples []struct {
				Description string
				Input       struct {
					FPort    uint8 `yaml:"fPort"`
					Bytes    []uint8
					RecvTime string `yaml:"recvTime"`
				}
				Output           yaml.Node
				NormalizedOutput yaml.Node `yaml:"normalizedOutput"`
			}
		} `yaml:"uplinkDecoder"`
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return yamlError(path, err)
	}
	nodes := maxNodes
	for i, e := range doc.UplinkDecoder.Examples {
		x := Example{File: path, Name: fmt.Sprintf("%d %s", i+1, clip(e.Description, 60)), port: e.Input.FPort, payload: e.Input.Bytes}
		x.codec, x.broken = l.script(filepath.Join(filepath.Dir(path), filepath.Clean("/"+doc.UplinkDecoder.FileName)))
		if x.broken == nil {
			x.at, x.broken = readTime(e.Input.RecvTime)
		}
		output, err := plainJSON(&e.Output, &nodes)
		if err != nil {
			return err
		}
		normalized, err := plainJSON(&e.NormalizedOutput, &nodes)
		if err != nil {
			return err
		}
		x.output = wanted(output)
		if x.output.normalized = member(normalized, "data"); x.output.normalized != nil {
			x.output.normalized = measurements(x.output.normalized)
		}
		l.examples = append(l.examples, x)
	}
	return nil
}

// json reads ChirpStack's tests and our vectors; other JSON is passed over.
func (l *exampleLoader) json(path string, text []byte) error {
	var list []struct {
		Name, Model, Hex, Rejection string
		Port                        uint8
		Values                      map[string]float64
		Faults                      []city.Fault
		Input                       *struct {
			FPort    uint8
			Bytes    payload
			RecvTime string
		}
		Expected any
	}
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 || trimmed[0] != '[' {
		return nil
	}
	if err := json.Unmarshal(text, &list); err != nil {
		// Files of ChirpStack's repository have numbers as 0x02, which YAML knows.
		if second := relaxed(text, &list); second != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for i, e := range list {
		x := Example{File: path, Name: fmt.Sprintf("%d %s", i+1, clip(e.Name, 60)), port: e.Port}
		switch {
		case e.Input != nil:
			x.port, x.payload, x.output = e.Input.FPort, e.Input.Bytes, wanted(e.Expected)
			if x.at, x.broken = readTime(e.Input.RecvTime); x.broken == nil {
				x.codec, x.broken = l.tested(path)
			}
		case e.Model != "":
			x.reading = &wantedReading{e.Values, e.Faults, e.Rejection}
			x.at = time.Unix(0, 0).UTC()
			if x.payload, x.broken = hex.DecodeString(e.Hex); x.broken == nil {
				x.codec, x.broken = l.model(filepath.Dir(path), e.Model)
			}
		default:
			return fmt.Errorf("%s: item %d has neither \"input\" nor \"model\"", path, i+1)
		}
		l.examples = append(l.examples, x)
	}
	return nil
}

// relaxed reads JSON with YAML's freedoms.
func relaxed(text []byte, into any) error {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return err
	}
	if len(root.Content) != 1 {
		return errors.New("is empty")
	}
	nodes := maxNodes
	v, err := plainJSON(root.Content[0], &nodes)
	if err != nil {
		return err
	}
	clean, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(clean, into)
}

// tested gives the script that test_decode_name.json is about: name.js beside it, or in
// the folder above.
func (l *exampleLoader) tested(path string) (*Codec, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "test_decode_"), ".json") + ".js"
	c, err := l.script(filepath.Join(filepath.Dir(path), name))
	if err != nil {
		if above, second := l.script(filepath.Join(filepath.Dir(path), "..", name)); second == nil {
			return above, nil
		}
	}
	return c, err
}

// model gives the codec of a model whose mapping lies in the folder.
func (l *exampleLoader) model(folder, name string) (*Codec, error) {
	models, ok := l.models[folder]
	if !ok {
		all, err := LoadFolder(folder)
		if err != nil && len(all) == 0 {
			return nil, err // the broken ones of several are told where they stand
		}
		models = map[string]Model{}
		for _, m := range all {
			models[m.Name] = m
		}
		l.models[folder] = models
	}
	m, ok := models[name]
	if !ok {
		return nil, fmt.Errorf("model %.60q: no mapping in %s is for it", name, folder)
	}
	return m.Codec, nil
}

// payload is a list of numbers, or hex.
type payload []byte

// UnmarshalJSON reads either.
func (p *payload) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		raw, err := hex.DecodeString(text)
		*p = raw
		return err
	}
	var numbers []int
	if err := json.Unmarshal(b, &numbers); err != nil {
		return errors.New("bytes: want a list of numbers from 0 to 255, or hex")
	}
	*p = make(payload, len(numbers))
	for i, n := range numbers {
		if n < 0 || n > 255 {
			return fmt.Errorf("bytes: %d is none: want 0 to 255", n)
		}
		(*p)[i] = byte(n)
	}
	return nil
}

// wanted takes an expected output apart.
func wanted(output any) *wantedOutput {
	return &wantedOutput{data: member(output, "data"), errors: member(output, "errors"), warnings: member(output, "warnings")}
}

func member(v any, name string) any {
	m, _ := v.(map[string]any)
	return m[name]
}

// readTime reads an RFC 3339 time; "" is 1970.
func readTime(s string) (time.Time, error) {
	if s == "" {
		return time.Unix(0, 0).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("recvTime: %.40q: want a time as in RFC 3339", s)
	}
	return t, nil
}

// plainJSON makes of YAML what JSON would be: names are texts, and so are dates. left is
// how many values may still come.
func plainJSON(n *yaml.Node, left *int) (any, error) {
	if *left--; *left < 0 {
		return nil, fmt.Errorf("has more than %d values", maxNodes)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return plainJSON(n.Alias, left)
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for pair := range slices.Chunk(n.Content, 2) {
			v, err := plainJSON(pair[1], left)
			if err != nil {
				return nil, err
			}
			m[pair[0].Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			v, err := plainJSON(item, left)
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	case yaml.ScalarNode:
		return plainScalar(n)
	}
	return nil, nil
}

func plainScalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		err := n.Decode(&b)
		return b, err
	case "!!int", "!!float":
		var f float64
		err := n.Decode(&f)
		return f, err
	}
	return n.Value, nil
}
