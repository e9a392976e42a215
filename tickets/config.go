package tickets

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // people read Berlin time, also on machines without a zone database

	"go.yaml.in/yaml/v3"

	"meldefunk/city/typo"
	"meldefunk/tickets/csv"
	"meldefunk/tickets/inbox"
	"meldefunk/tickets/mail"
	"meldefunk/tickets/open311"
	"meldefunk/tickets/webhook"
)

// The ticket systems to choose from.
const (
	SystemLocal   = "local"
	SystemOpen311 = "open311"
	SystemMail    = "mail"
	SystemWebhook = "webhook"
	SystemCSV     = "csv"
)

var systems = []string{SystemLocal, SystemOpen311, SystemMail, SystemWebhook, SystemCSV}

// Config says which ticket systems are told and how patiently.
type Config struct {
	// System is the name of the one that takes what no route sends elsewhere: a kind of
	// those below (SystemLocal, SystemOpen311, …), or one of Systems.
	System string `yaml:"system"`
	// A section in which something is said is a ticket system named after its kind.
	Open311 open311.Config `yaml:"open311"`
	Mail    mail.Config    `yaml:"mail"`
	Webhook webhook.Config `yaml:"webhook"`
	CSV     csv.Config     `yaml:"csv"`
	// Systems are others, by names of the city's own.
	Systems map[string]SystemConfig `yaml:"systems"`

	// Inbox is where ticket systems tell of tickets by themselves.
	Inbox inbox.Config `yaml:"inbox"`

	// Links are the addresses of tickets' pages for people, by the names of ticket systems,
	// with {id} in place of the number.
	Links map[string]string `yaml:"links"`

	// Routes and the areas they name, as they were written; see LoadRoutes.
	Routes yaml.Node `yaml:"routes"`
	Areas  yaml.Node `yaml:"areas"`
	// RoutesFile has more of both; "": there is none.
	RoutesFile string `yaml:"routes_file"`

	// Backoff are the waits after the first, second, ... failure in a row; the last one
	// repeats. While waiting nothing at all is sent.
	Backoff []time.Duration `yaml:"backoff"`
	// Jitter lengthens or shortens each wait by up to this share, 0 to 0.9.
	Jitter float64 `yaml:"jitter"`
	// SearchAfter are the times after a lost answer at which the ticket is searched for.
	// Only when the last search finds nothing a create may be repeated.
	SearchAfter []time.Duration `yaml:"search_after"`
	// MaxCreates bounds the creates of one case that may have arrived; 1 to 10.
	MaxCreates int `yaml:"max_creates"`
	// Rate is how many creates, reopenings and notes go to one ticket system in a minute;
	// 1 to 6000.
	Rate int `yaml:"rate"`
	// StatusEvery is how often a ticket system is asked what has changed, 10s to 24h.
	StatusEvery time.Duration `yaml:"status_every"`
	// ConfirmEvery is how old what is known of a ticket may get before it is asked for by its
	// number, 1m to 168h.
	ConfirmEvery time.Duration `yaml:"confirm_every"`
	// Poll is how often the store is asked for what is due, if nobody calls Wake.
	Poll time.Duration `yaml:"poll"`
	// TimeZone is that of the times in tickets, an IANA name.
	TimeZone string `yaml:"time_zone"`
}

// DefaultConfig is the local case list.
func DefaultConfig() Config {
	return Config{
		System:       SystemLocal,
		Open311:      open311.DefaultConfig(),
		Mail:         mail.DefaultConfig(),
		Webhook:      webhook.DefaultConfig(),
		CSV:          csv.DefaultConfig(),
		Backoff:      []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute},
		Jitter:       0.2,
		SearchAfter:  []time.Duration{0, 30 * time.Second, 2 * time.Minute, 10 * time.Minute},
		MaxCreates:   3,
		Rate:         60,
		StatusEvery:  5 * time.Minute,
		ConfirmEvery: time.Hour,
		Poll:         2 * time.Second,
		TimeZone:     "Europe/Berlin",
	}
}

// Validate returns every problem, joined, but for those of routes; see LoadRoutes.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("tickets: "+format, args...)) }

	if err := c.oneOfThem(c.System); err != nil {
		add("%w", err)
	}
	errs = append(errs, c.validateSystems()...)
	if err := c.Inbox.Validate(); err != nil {
		add("%w", err)
	}
	named := func(section, name string) {
		if names := c.names(); !slices.Contains(names, name) {
			add("%s: %.40q is no ticket system that is configured: want one of %s%s", section, name, strings.Join(names, ", "), typo.Meant(name, names))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Inbox.Secrets)) {
		named("inbox: secrets", name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Links)) {
		named("links", name)
		if err := checkLink(c.Links[name]); err != nil {
			add("links: %.40s: %w", name, err)
		}
	}
	if len(c.Backoff) == 0 {
		add("backoff is empty: give at least one wait")
	}
	for _, d := range c.Backoff {
		if d <= 0 || d > 24*time.Hour {
			add("backoff: %s: want more than 0, at most 24h", d)
		}
	}
	if !(c.Jitter >= 0 && c.Jitter <= 0.9) {
		add("jitter %v: want 0 to 0.9", c.Jitter)
	}
	if len(c.SearchAfter) == 0 {
		add("search_after is empty: without a search a lost answer would make a second ticket")
	}
	for i, d := range c.SearchAfter {
		if d < 0 || i > 0 && d < c.SearchAfter[i-1] {
			add("search_after: %s: want rising times, none negative", d)
		}
	}
	if c.MaxCreates < 1 || c.MaxCreates > 10 {
		add("max_creates %d: want 1 to 10", c.MaxCreates)
	}
	if c.Rate < 1 || c.Rate > 6000 {
		add("rate %d: want 1 to 6000 a minute", c.Rate)
	}
	if c.StatusEvery < 10*time.Second || c.StatusEvery > 24*time.Hour {
		add("status_every %s: want 10s to 24h", c.StatusEvery)
	}
	if c.ConfirmEvery < time.Minute || c.ConfirmEvery > 168*time.Hour {
		add("confirm_every %s: want 1m to 168h", c.ConfirmEvery)
	}
	if c.Poll <= 0 || c.Poll > time.Hour {
		add("poll %s: want more than 0, at most 1h", c.Poll)
	}
	if c.TimeZone == "" {
		add(`time_zone is missing: give an IANA name like "Europe/Berlin"`)
	} else if _, err := time.LoadLocation(c.TimeZone); err != nil {
		add("time_zone %q is not known: give an IANA name like \"Europe/Berlin\"", c.TimeZone)
	}
	return errors.Join(errs...)
}
