package rules

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
)

// fields is a YAML mapping: each key with its value, and where it begins.
type fields struct {
	line int
	node map[string]*yaml.Node
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// document reads the one YAML document of a file. Nodes are walked by hand, because
// decoding into structs would tell neither the line of every problem nor, where a node is
// involved, of unknown keys.
func (p *problems) document(data []byte) (root *yaml.Node, ok bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		p.syntax(err, data)
		return nil, false
	}
	if len(doc.Content) == 0 || doc.Content[0].ShortTag() == "!!null" {
		p.add(1, "the file is empty: want a list of rules under \"rules:\"; \"rules: []\" says that none are wanted")
		return nil, false
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		p.add(second.Line, "a second document begins here: want all rules in one, without \"---\" between them")
		return nil, false
	case !errors.Is(err, io.EOF):
		p.syntax(err, data)
		return nil, false
	}
	return doc.Content[0], true
}

// syntax reports what the YAML parser did not understand, with the most likely cause.
func (p *problems) syntax(err error, data []byte) {
	text, line := err.Error(), 1
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		line, _ = strconv.Atoi(m[1])
		line = max(line, 1)
	}
	p.add(line, "not YAML: %s", text)
	for i, l := range bytes.Split(data, []byte("\n")) {
		if m := foldedCondition.FindSubmatch(l); m != nil {
			p.add(i+1, "%s: a condition that begins with > must stand in quotes, like %s: \">= 90 %%\"", m[1], m[1])
		}
	}
}

// foldedCondition matches a condition that YAML takes for a folded block of text.
var foldedCondition = regexp.MustCompile(`^[\s-]*(open|clear):\s*>\s*=?\s*[\d.]`)

// mapping reads a node as keys and values.
func (p *problems) mapping(n *yaml.Node, what string, allowed ...string) (fields, bool) {
	f := fields{line: n.Line, node: make(map[string]*yaml.Node)}
	if n.Kind != yaml.MappingNode {
		p.add(n.Line, "%s is %s: want a mapping of %s", what, kindOf(n), strings.Join(allowed, ", "))
		return f, false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		_, twice := f.node[key.Value]
		switch {
		case !slices.Contains(allowed, key.Value):
			p.add(key.Line, "unknown key %.40q: want one of %s%s", key.Value, strings.Join(allowed, ", "), meant(key.Value, allowed))
		case twice:
			p.add(key.Line, "%s: stands here a second time: want it once per rule", key.Value)
		default:
			f.node[key.Value] = value
		}
	}
	return f, true
}

// read gives the text of a key to a parser and reports what the parser says. It does
// nothing and gives false where the key is absent.
func (p *problems) read(f fields, key string, parse func(text string) error) bool {
	n, ok := f.node[key]
	if !ok {
		return false
	}
	text := strings.TrimSpace(n.Value)
	var err error
	switch {
	case n.Kind != yaml.ScalarNode:
		err = fmt.Errorf("is %s: want one value", kindOf(n))
	case text == "" || n.ShortTag() == "!!null":
		err = errors.New("is empty: want a value")
	default:
		err = parse(text)
	}
	if err == nil {
		return true
	}
	p.add(n.Line, "%s: %w", key, err)
	return false
}

// need is read for a key that must be there.
func (p *problems) need(f fields, key, like string, parse func(text string) error) bool {
	if _, ok := f.node[key]; !ok {
		p.add(f.line, "%s: is missing: want something like %s: %s", key, key, like)
		return false
	}
	return p.read(f, key, parse)
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias (not understood here)"
	}
	if n.ShortTag() == "!!null" {
		return "empty"
	}
	return fmt.Sprintf("the single value %.40q", n.Value)
}
