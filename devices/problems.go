package devices

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// maxProblems is how many problems are told one by one. Who mends the first hundred has
// mostly mended the cause of the rest.
const maxProblems = 100

// source is a file that is read, or the values given to New.
type source struct {
	name   string
	order  int               // of the files, for sorting
	titles map[string]string // CSV: what the header calls a key
}

// place is where something stands.
type place struct {
	source *source
	line   int                   // from 1; 0: the source as a whole
	what   string                // what it is about, where lines do not tell
	keys   map[string]*yaml.Node // YAML: the values, each on a line of its own
}

func (at place) String() string {
	if at.line == 0 {
		return at.source.name
	}
	return fmt.Sprintf("%s:%d", at.source.name, at.line)
}

// field names a key as it is called at this place.
func (at place) field(key string) string {
	if title, ok := at.source.titles[key]; ok {
		return fmt.Sprintf("column %.40q", title)
	}
	return key
}

// problems gathers everything that is wrong.
type problems struct {
	list []problem
	more int // beyond maxProblems
}

type problem struct {
	at  place
	key string // "": not about one
	err error  // without where
}

func (p *problem) whole() error {
	where := p.at.String()
	if p.at.what != "" {
		where += ": " + p.at.what
	}
	if p.key == "" {
		return fmt.Errorf("%s: %w", where, p.err)
	}
	return fmt.Errorf("%s: %s: %w", where, p.at.field(p.key), p.err)
}

func (p *problems) add(at place, format string, args ...any) {
	p.keep(problem{at, "", fmt.Errorf(format, args...)})
}

func (p *problems) keep(one problem) {
	if len(p.list) >= maxProblems {
		p.more++
		return
	}
	p.list = append(p.list, one)
}

// field is add for a problem with one key or column.
func (p *problems) field(at place, key, format string, args ...any) {
	if n := at.keys[key]; n != nil {
		at.line = n.Line
	}
	p.keep(problem{at, key, fmt.Errorf(format, args...)})
}

// count is how many problems there are.
func (p *problems) count() int { return len(p.list) + p.more }

// join makes one error of all problems, in the order of the files; nil if there is none.
func (p *problems) join() error {
	slices.SortStableFunc(p.list, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.at.source.order, b.at.source.order), cmp.Compare(a.at.line, b.at.line))
	})
	errs := make([]error, 0, len(p.list)+1)
	for i := range p.list {
		errs = append(errs, p.list[i].whole())
	}
	if p.more > 0 {
		errs = append(errs, fmt.Errorf("and %d more problems", p.more))
	}
	return errors.Join(errs...)
}
