package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"meldefunk/city/typo"
	"meldefunk/rules/calendar"
)

// fields is a YAML mapping: each key with its value, and where it begins.
type fields struct {
	place
	node map[string]*yaml.Node
}

// under is the same mapping, with what it does not say for itself taken from the one around it.
func (f fields) under(outer fields, keys ...string) fields {
	all := fields{f.place, maps.Clone(f.node)}
	for _, key := range keys {
		if n, ok := outer.node[key]; ok && all.node[key] == nil {
			all.node[key] = n
		}
	}
	return all
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
		p.add(place{1, 1}, "the file is empty: want a list of rules under \"rules:\"; \"rules: []\" says that none are wanted")
		return nil, false
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		p.add(begin(&second), "a second document begins here: want all rules in one, without \"---\" between them")
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
	p.add(place{line, 1}, "not YAML: %s", text)
	for i, l := range bytes.Split(data, []byte("\n")) {
		if m := foldedCondition.FindSubmatch(l); m != nil {
			p.add(place{i + 1, 1 + bytes.IndexByte(l, ':')}, "%s: a condition that begins with > must stand in quotes, like %s: \">= 90 %%\"", m[1], m[1])
		}
	}
}

// foldedCondition matches a condition that YAML takes for a folded block of text.
var foldedCondition = regexp.MustCompile(`^[\s-]*(open|clear):\s*>\s*=?\s*[\d.]`)

// mapping reads a node as keys and values.
func (p *problems) mapping(n *yaml.Node, what string, allowed ...string) (fields, bool) {
	f := fields{place: begin(n), node: make(map[string]*yaml.Node)}
	if n.Kind != yaml.MappingNode {
		p.add(begin(n), "%s is %s: want a mapping of %s", what, kindOf(n), strings.Join(allowed, ", "))
		return f, false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		_, twice := f.node[key.Value]
		switch {
		case !slices.Contains(allowed, key.Value):
			hint := typo.Meant(key.Value, allowed)
			if hint == "" {
				hint = ": want one of " + strings.Join(allowed, ", ")
			}
			p.add(begin(key), "unknown key %.40q%s", key.Value, hint)
		case twice:
			p.add(begin(key), "%s: stands here a second time: want it once", key.Value)
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
	where := begin(n)
	var within *calendar.ParseError
	if errors.As(err, &within) {
		where = p.inside(n, utf8.RuneCountInString(n.Value[:strings.Index(n.Value, text)+within.Offset]))
	}
	p.add(where, "%s: %w", key, err)
	return false
}

// each reads a key that holds one value or a list of them.
func (p *problems) each(f fields, key string, parse func(text string) error) bool {
	n, ok := f.node[key]
	if !ok {
		return false
	}
	if n.Kind != yaml.SequenceNode {
		return p.read(f, key, parse)
	}
	good := len(n.Content) > 0
	if !good {
		p.add(begin(n), "%s: is an empty list: want a value, or leave the key out", key)
	}
	for _, item := range n.Content {
		one := fields{f.place, map[string]*yaml.Node{key: item}}
		good = p.read(one, key, parse) && good
	}
	return good
}

// need is read for a key that must be there.
func (p *problems) need(f fields, key, like string, parse func(text string) error) bool {
	if _, ok := f.node[key]; !ok {
		p.add(f.place, "%s: is missing: want something like %s: %s", key, key, like)
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
