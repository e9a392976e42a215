package tickets

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"meldefunk/city/typo"
	"meldefunk/tickets/csv"
	"meldefunk/tickets/mail"
	"meldefunk/tickets/open311"
	"meldefunk/tickets/webhook"
)

// SystemConfig is one ticket system: its kind, and the settings of that kind.
type SystemConfig struct {
	Kind    string // SystemLocal, SystemOpen311, …
	Open311 open311.Config
	Mail    mail.Config
	Webhook webhook.Config
	CSV     csv.Config
}

// NewSystemConfig has the defaults of every kind.
func NewSystemConfig(kind string) SystemConfig {
	return SystemConfig{
		Kind:    kind,
		Open311: open311.DefaultConfig(),
		Mail:    mail.DefaultConfig(),
		Webhook: webhook.DefaultConfig(),
		CSV:     csv.DefaultConfig(),
	}
}

// UnmarshalYAML reads a mapping with a kind, and beside it the keys that the kind has, over
// its defaults.
func (s *SystemConfig) UnmarshalYAML(n *yaml.Node) error {
	wrong := func(at *yaml.Node, format string, args ...any) error {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: ", at.Line) + fmt.Sprintf(format, args...)}}
	}
	if n.Kind != yaml.MappingNode {
		return wrong(n, "a ticket system is %s: want a mapping with its kind, one of %s, and its settings", kindOf(n), strings.Join(systems, ", "))
	}
	settings := *n
	settings.Content = nil
	var kind *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "kind" {
			kind = n.Content[i+1]
		} else {
			settings.Content = append(settings.Content, n.Content[i], n.Content[i+1])
		}
	}
	switch {
	case kind == nil:
		return wrong(n, "a ticket system has no kind: want one of %s", strings.Join(systems, ", "))
	case !slices.Contains(systems, kind.Value):
		return wrong(kind, "kind %.40q: want one of %s%s", kind.Value, strings.Join(systems, ", "), typo.Meant(kind.Value, systems))
	}
	*s = NewSystemConfig(kind.Value)
	own := s.own()
	if own == nil {
		own = &struct{}{}
	}
	// The parser's strictness does not reach into here.
	known := yamlKeys(reflect.TypeOf(own).Elem())
	for i := 0; i < len(settings.Content); i += 2 {
		if key := settings.Content[i]; !slices.Contains(known, key.Value) {
			return wrong(key, "%.40q is no key of a ticket system of the kind %s%s", key.Value, s.Kind, typo.Meant(key.Value, known))
		}
	}
	return settings.Decode(own)
}

// own gives the settings of the kind; nil where there are none.
func (s *SystemConfig) own() any {
	switch s.Kind {
	case SystemOpen311:
		return &s.Open311
	case SystemMail:
		return &s.Mail
	case SystemWebhook:
		return &s.Webhook
	case SystemCSV:
		return &s.CSV
	}
	return nil
}

func yamlKeys(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		keys = append(keys, key)
	}
	return keys
}

// validate returns every problem, each beginning with the kind.
func (s *SystemConfig) validate() error {
	switch s.Kind {
	case SystemLocal:
		return nil
	case SystemOpen311:
		return s.Open311.Validate()
	case SystemMail:
		return s.Mail.Validate()
	case SystemWebhook:
		return s.Webhook.Validate()
	case SystemCSV:
		return s.CSV.Validate()
	}
	return fmt.Errorf("kind %.40q: want one of %s", s.Kind, strings.Join(systems, ", "))
}

// closes tells whether the ticket system lets us close what we opened.
func (s *SystemConfig) closes() bool { return s.Kind != SystemOpen311 || s.Open311.Closes() }

// insists tells whether a message may be sent again where its answer was lost and it cannot
// be searched for.
func (s *SystemConfig) insists() bool {
	switch s.Kind {
	case SystemMail:
		return s.Mail.Delivery == mail.AtLeastOnce
	case SystemWebhook:
		return s.Webhook.Delivery == webhook.AtLeastOnce
	}
	return s.Kind == SystemLocal || s.Kind == SystemCSV
}

// all gives every configured ticket system by its name: the case list, those of Systems, and
// by the name of its kind each section in which something is said, or that is chosen.
func (c Config) all() map[string]SystemConfig {
	all := map[string]SystemConfig{}
	for _, kind := range systems {
		section, said := c.section(kind)
		if said || c.System == kind || kind == SystemLocal {
			all[kind] = section
		}
	}
	maps.Copy(all, c.Systems)
	return all
}

// section gives the section of a kind as a ticket system, and whether it says anything.
func (c Config) section(kind string) (s SystemConfig, said bool) {
	s = SystemConfig{kind, c.Open311, c.Mail, c.Webhook, c.CSV}
	silent := NewSystemConfig(kind)
	return s, !reflect.DeepEqual(s.own(), silent.own())
}

// names lists the configured ticket systems.
func (c Config) names() []string { return slices.Sorted(maps.Keys(c.all())) }

// systemName is how a ticket system may be called: it is a label of metrics.
var systemName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,30}$`)

// validateSystems returns every problem of the ticket systems.
func (c Config) validateSystems() []error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Systems)) {
		s := c.Systems[name]
		add := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("systems: %s: "+format, append([]any{name}, args...)...))
		}
		_, said := c.section(name)
		switch {
		case !systemName.MatchString(name):
			add("is no name: want up to 31 lower-case letters, digits, _ and -, the first a letter")
		case slices.Contains(systems, name) && s.Kind != name:
			add("has the name of another kind than %s: choose another name", s.Kind)
		case said:
			add("the section %s says something as well: want one of the two", name)
		}
		for _, err := range split(s.validate()) {
			add("%s", strings.TrimPrefix(err.Error(), s.Kind+": "))
		}
	}
	all := c.all()
	for _, kind := range systems {
		_, named := c.Systems[kind]
		if s, ok := all[kind]; ok && !named {
			errs = append(errs, s.validate())
		}
	}
	return errs
}

// split gives the single errors of a joined one.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// oneOfThem says what is wrong with the name of a ticket system; nil: it is one.
func (c Config) oneOfThem(name string) error {
	names := c.names()
	if slices.Contains(names, name) {
		return nil
	}
	if slices.Contains(systems, name) {
		return fmt.Errorf("system %q has no settings: give the section tickets.%s, or systems", name, name)
	}
	for _, kind := range systems {
		if !slices.Contains(names, kind) {
			names = append(names, kind)
		}
	}
	return fmt.Errorf("system %.40q: want one of %s%s", name, strings.Join(names, ", "), typo.Meant(name, names))
}
