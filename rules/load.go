package rules

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
)

const (
	maxFile     = 1 << 20 // bytes: thousands of rules
	maxRules    = 1000
	maxReadings = 1000

	// Two readings and two to clear are what keeps single outliers from making tickets.
	defaultReadings = 2
)

//go:embed default.yaml
var shipped []byte

// Default is the set that is shipped. The file is part of the program and commented as an
// example to start from; DefaultFile gives its text.
func Default() *Set {
	s, err := Load("default.yaml", shipped)
	if err != nil {
		panic("rules: the shipped rules are broken: " + err.Error()) // a test keeps it from happening
	}
	return s
}

// DefaultFile is the text of the shipped rules.
func DefaultFile() []byte { return append([]byte(nil), shipped...) }

// LoadFile reads a rule file, see Load.
func LoadFile(path string) (*Set, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open rules: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return Load(path, data)
}

// Load reads rules from YAML and checks that they fit together. The error holds every
// problem, each on its own line as "name:line: what is wrong, and what is allowed".
func Load(name string, data []byte) (*Set, error) {
	p := &problems{file: name}
	if len(data) > maxFile {
		p.add(1, "the file is too large: want %d bytes at most", maxFile)
		return nil, p.join()
	}
	root, ok := p.document(data)
	if !ok {
		return nil, p.join()
	}
	rules := p.rules(root)
	if err := p.join(); err != nil {
		return nil, err
	}
	return newSet(rules), nil
}

func (p *problems) rules(root *yaml.Node) []oldRule {
	top, ok := p.mapping(root, "the file", "rules")
	if !ok {
		return nil
	}
	list, ok := top.node["rules"]
	if !ok {
		p.add(root.Line, "rules: is missing: want a list of rules; \"rules: []\" says that none are wanted")
		return nil
	}
	if list.Kind != yaml.SequenceNode {
		p.add(list.Line, "rules: is %s: want a list of rules; \"rules: []\" says that none are wanted", kindOf(list))
		return nil
	}
	if len(list.Content) > maxRules {
		p.add(list.Line, "rules: %d are too many: want %d at most", len(list.Content), maxRules)
		return nil
	}

	rules := make([]oldRule, 0, len(list.Content))
	ids := make(map[string]int)
	type matter struct {
		kind    city.Kind
		service string
	}
	matters := make(map[matter]string)
	for _, n := range list.Content {
		r, f, ok := p.rule(n)
		if !ok {
			continue
		}
		rules = append(rules, r)
		if first, twice := ids[r.ID]; twice && r.ID != "" {
			p.add(f.node["id"].Line, "id: %q is taken by the rule in line %d: want another", r.ID, first)
		} else {
			ids[r.ID] = f.line
		}
		m := matter{r.Kind, r.Service}
		if first, twice := matters[m]; twice && r.Kind != city.KindUnknown && r.Service != "" {
			p.add(f.node["service"].Line, "service: rule %q opens tickets of %s for %s already: one asset would get two of them; want another service, or one rule", first, r.Service, r.Kind)
		} else {
			matters[m] = r.ID
		}
	}
	return rules
}

// rule reads one rule. What could not be read is left zero and has been reported; false:
// it is no rule at all.
func (p *problems) rule(n *yaml.Node) (oldRule, fields, bool) {
	f, ok := p.mapping(n, "a rule", "id", "kind", "quantity", "open", "clear", "for", "readings",
		"clear_for", "clear_readings", "service", "title", "advice")
	if !ok {
		return oldRule{}, f, false
	}
	r := oldRule{Readings: defaultReadings, ClearReadings: defaultReadings}
	p.need(f, "id", "bin-full", pattern(&r.ID, idPattern, "lower-case letters, digits and hyphens, 64 at most, like bin-full"))
	p.need(f, "kind", "bin", func(text string) (err error) {
		r.Kind, err = city.ParseKind(text)
		return hinted(err, text, city.Kinds())
	})
	if p.need(f, "quantity", "fill_level", func(text string) (err error) {
		r.Quantity, err = city.ParseQuantity(text)
		return hinted(err, text, city.Quantities())
	}) {
		p.conditions(f, &r)
	} else {
		p.need(f, "open", `">= 90 %"`, func(string) error { return nil })
	}
	p.read(f, "for", span(&r.For))
	p.read(f, "readings", count(&r.Readings))
	p.read(f, "clear_for", span(&r.ClearFor))
	p.read(f, "clear_readings", count(&r.ClearReadings))
	p.need(f, "service", "OS-ABF-01", pattern(&r.Service, servicePattern, "upper-case letters, digits and hyphens, 64 at most, like OS-ABF-01"))
	p.need(f, "title", "Papierkorb voll", words(&r.Title, 120))
	p.read(f, "advice", words(&r.Advice, 500))
	return r, f, true
}

// conditions reads what opens and what clears, once it is known what is measured.
func (p *problems) conditions(f fields, r *oldRule) {
	if r.Kind != city.KindUnknown && !contains(measures(r.Kind), r.Quantity) {
		p.add(f.node["quantity"].Line, "quantity: %s is not measured at assets of kind %s: want one of %v", r.Quantity, r.Kind, measures(r.Kind))
	}
	condition := func(c *Condition) func(string) error {
		return func(text string) (err error) {
			*c, err = parseCondition(text, r.Quantity)
			return err
		}
	}
	like := `">= 90 %"`
	if r.Quantity.Boolean() {
		like = `"= true"`
	} else if r.Quantity != city.FillLevel {
		like = strconv.Quote(">= " + example(r.Quantity))
	}
	opens := p.need(f, "open", like, condition(&r.Open))
	if _, given := f.node["clear"]; !given && r.Quantity.Boolean() {
		r.Clear = r.Open.opposite()
		return
	}
	like = `"<= 30 %"`
	if r.Quantity != city.FillLevel {
		like = "the other way round than open, with some distance to it"
	}
	if p.need(f, "clear", like, condition(&r.Clear)) && opens && r.Open.overlaps(r.Clear) {
		p.add(f.node["clear"].Line, "clear: %q and open %q can be true at once: want a clear that is true only where open is not, like %q",
			r.Clear.In(r.Quantity), r.Open.In(r.Quantity), r.Open.opposite().In(r.Quantity))
	}
}

var (
	idPattern      = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	servicePattern = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{0,63}$`)
)

func pattern(into *string, re *regexp.Regexp, allowed string) func(string) error {
	return func(text string) error {
		if !re.MatchString(text) {
			return fmt.Errorf("%.40q does not fit: want %s", text, allowed)
		}
		*into = text
		return nil
	}
}

func span(into *time.Duration) func(string) error {
	return func(text string) (err error) {
		*into, err = parseSpan(text)
		return err
	}
}

func count(into *uint32) func(string) error {
	return func(text string) error {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil || n < 1 || n > maxReadings {
			return fmt.Errorf("%.40q does not fit: want a whole number from 1 to %d", text, maxReadings)
		}
		*into = uint32(n)
		return nil
	}
}

func words(into *string, most int) func(string) error {
	return func(text string) error {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return errors.New("has more than one line: want one")
		}
		if n := utf8.RuneCountInString(text); n > most {
			return fmt.Errorf("has %d characters: want %d at most", n, most)
		}
		*into = text
		return nil
	}
}

// hinted adds to an error about a word which allowed word was probably meant.
func hinted[T interface {
	comparable
	String() string
}](err error, word string, allowed []T) error {
	if err == nil {
		return nil
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = a.String()
	}
	return fmt.Errorf("%w%s", err, meant(word, names))
}

func contains(all []city.Quantity, q city.Quantity) bool {
	for _, a := range all {
		if a == q {
			return true
		}
	}
	return false
}
