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
	"meldefunk/city/typo"
	"meldefunk/rules/calendar"
)

const (
	maxFile     = 1 << 20 // bytes: thousands of rules
	maxReadings = 1000
	maxAmong    = 8 // readings of which some must meet a condition

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
// problem, each on its own line as "name:line:column: what is wrong, and what is allowed".
func Load(name string, data []byte) (*Set, error) {
	l := &loader{problems: problems{file: name, source: strings.Split(string(data), "\n")}, of: make(map[string]fields)}
	if len(data) > maxFile {
		l.add(place{1, 1}, "the file is too large: want %d bytes at most", maxFile)
		return nil, l.join()
	}
	root, ok := l.document(data)
	if !ok {
		return nil, l.join()
	}
	set := l.file(root)
	if err := l.join(); err != nil {
		return nil, err
	}
	return set, nil
}

// loader reads one file.
type loader struct {
	problems
	zone     *time.Location
	holidays calendar.Holidays
	calendar *calendar.Calendar // of the holidays
	of       map[string]fields  // what each rule's keys are, by its id
	rules    []Rule
}

func (l *loader) file(root *yaml.Node) *Set {
	top, ok := l.mapping(root, "the file", "rules", "zone", "holidays", "extra_holidays", "overrides", "maintenance", "revoke_within")
	if !ok {
		return nil
	}
	l.place(top)
	list, ok := top.node["rules"]
	if !ok {
		l.add(begin(root), "rules: is missing: want a list of rules; \"rules: []\" says that none are wanted")
		return nil
	}
	if list.Kind != yaml.SequenceNode {
		l.add(begin(list), "rules: is %s: want a list of rules; \"rules: []\" says that none are wanted", kindOf(list))
		return nil
	}
	if len(list.Content) > maxRules {
		l.add(begin(list), "rules: %d are too many: want %d at most", len(list.Content), maxRules)
		return nil
	}
	l.list(list)
	var options Options
	l.read(top, "revoke_within", span(&options.RevokeWithin))
	options.Overrides = l.overrides(top)
	options.Maintenance = l.maintenance(top)
	if len(l.problems.list) > 0 {
		return nil
	}
	set, err := New(l.rules, options)
	l.misfits(err, root)
	return set
}

// place reads in which zone and by which holidays the file is meant.
func (l *loader) place(top fields) {
	zone := "Europe/Berlin"
	l.read(top, "zone", func(text string) error { zone = text; return nil })
	var err error
	if l.zone, err = time.LoadLocation(zone); err != nil || zone == "Local" {
		where := top.place
		if n, ok := top.node["zone"]; ok {
			where = begin(n)
		}
		l.add(where, "zone: %.40q is no time zone: want something like Europe/Berlin", zone)
		l.zone = time.UTC
	}
	l.holidays.State = calendar.LowerSaxony
	l.read(top, "holidays", func(text string) (err error) {
		l.holidays.State, err = calendar.ParseState(text)
		return err
	})
	l.each(top, "extra_holidays", func(text string) error {
		day, err := calendar.ParseMonthDay(text)
		l.holidays.Extra = append(l.holidays.Extra, day)
		return err
	})
	l.calendar = calendar.New(l.zone, l.holidays, nil, nil)
}

// list reads the rules one by one, and looks for two that would do the same.
func (l *loader) list(list *yaml.Node) {
	type matter struct {
		kind    city.Kind
		service string
	}
	matters := make(map[matter]string)
	for _, n := range list.Content {
		r, f, ok := l.rule(n)
		if !ok {
			continue
		}
		if first, twice := l.of[r.ID]; twice && r.ID != "" {
			l.add(begin(f.node["id"]), "id: %q is taken by the rule in line %d: want another", r.ID, first.line)
		} else if r.ID != "" {
			l.of[r.ID] = f
		}
		l.rules = append(l.rules, r)
		if r.Shadow || r.Over != NoGroup || r.Service == "" {
			continue // it opens nothing, or no case of a single asset
		}
		kinds := r.Kinds
		if len(kinds) == 0 {
			kinds = city.Kinds()
		}
		for _, k := range kinds {
			first, twice := matters[matter{k, r.Service}]
			if twice {
				l.add(begin(f.node["service"]), "service: rule %q opens tickets of %s for %s already: one asset would get two of them; want another service, or one rule", first, r.Service, k)
				break
			}
			matters[matter{k, r.Service}] = r.ID
		}
	}
	for i := range l.rules {
		l.inhibitors(&l.rules[i])
	}
}

// inhibitors checks the names under inhibited_by, once all rules are known.
func (l *loader) inhibitors(r *Rule) {
	l.each(l.of[r.ID], "inhibited_by", func(text string) error {
		_, err := l.find(text)
		return err
	})
}

// misfits tells of what could only be seen in all the rules together.
func (l *loader) misfits(err error, root *yaml.Node) {
	if err == nil {
		return
	}
	if several, is := err.(interface{ Unwrap() []error }); is {
		for _, e := range several.Unwrap() {
			l.misfits(e, root)
		}
		return
	}
	where := begin(root)
	var of *RuleError
	if errors.As(err, &of) {
		f, field := l.of[of.Rule], of.Field
		where = f.place
		if n, ok := f.node[field]; ok {
			where = begin(n)
		} else if n, ok := f.node["levels"]; ok {
			where = begin(n)
		}
		l.add(where, "%s: %w", field, of.Err)
		return
	}
	l.add(where, "%w", err)
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

func count(into *int) func(string) error {
	return func(text string) error {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil || n < 1 || n > maxReadings {
			return fmt.Errorf("%.40q does not fit: want a whole number from 1 to %d", text, maxReadings)
		}
		*into = int(n)
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

// hinted makes an error about a word tell which allowed word was probably meant, in place of
// all that are allowed.
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
	if hint := typo.Meant(word, names); hint != "" {
		problem, _, _ := strings.Cut(err.Error(), ": want")
		return errors.New(problem + hint)
	}
	return err
}

func contains(all []city.Quantity, q city.Quantity) bool {
	for _, a := range all {
		if a == q {
			return true
		}
	}
	return false
}
