package rules

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// problems gathers everything that is wrong with one file.
type problems struct {
	file   string
	source []string // its lines
	list   []problem
}

type problem struct {
	place
	err error
}

// place is a line and a column of a file, both from 1; columns are characters.
type place struct{ line, column int }

// begin is where a node of the file begins.
func begin(n *yaml.Node) place { return place{n.Line, n.Column} }

func (p *problems) add(at place, format string, args ...any) {
	text := fmt.Errorf(format, args...)
	p.list = append(p.list, problem{at, fmt.Errorf("%s:%d:%d: %w", p.file, at.line, at.column, text)})
}

// inside is where a character of a node's text stands in the file. It counts the characters
// that are no spaces, because quotes, folded lines and indentation do not change them.
func (p *problems) inside(n *yaml.Node, offset int) place {
	runes := []rune(n.Value)
	before := 0
	for _, r := range runes[:min(max(offset, 0), len(runes))] {
		if !unicode.IsSpace(r) {
			before++
		}
	}
	line, column := n.Line, n.Column-1
	switch n.Style {
	case yaml.LiteralStyle, yaml.FoldedStyle:
		line, column = line+1, 0 // the first one holds the sign only
	case yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		column++
	}
	last := begin(n)
	for ; line <= len(p.source); line, column = line+1, 0 {
		text := []rune(p.source[line-1])
		for ; column < len(text); column++ {
			if unicode.IsSpace(text[column]) {
				continue
			}
			here, space := place{line, column + 1}, false
			// Several characters that stand for one.
			switch c := text[column]; {
			case n.Style == yaml.DoubleQuotedStyle && c == '\\' && column+1 < len(text):
				column++
				space = strings.ContainsRune("nt ", text[column])
				column += map[rune]int{'x': 2, 'u': 4, 'U': 8}[text[column]]
			case n.Style == yaml.SingleQuotedStyle && c == '\'':
				column++
			}
			if space {
				continue
			}
			if last = here; before == 0 {
				return here
			}
			before--
		}
	}
	return last
}

// join makes one error of all problems, in the order of the file, each told once (what several
// levels of a rule share is read for each of them); nil if there is none.
func (p *problems) join() error {
	slices.SortStableFunc(p.list, func(a, b problem) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column)) })
	var errs []error
	told := make(map[string]bool)
	for _, one := range p.list {
		if text := one.err.Error(); !told[text] {
			told[text] = true
			errs = append(errs, one.err)
		}
	}
	return errors.Join(errs...)
}
