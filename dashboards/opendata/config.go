package opendata

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Config is the section "open_data" of the configuration file. Without Sets nothing is
// published.
type Config struct {
	Sets      []string `yaml:"sets"`      // bins, trees, parking
	Address   string   `yaml:"address"`   // of the board, as the world calls it; the catalogue's links begin with it
	Publisher string   `yaml:"publisher"` // "Stadt Osnabrück"
	Contact   string   `yaml:"contact"`   // mail address for questions
	Licence   string   `yaml:"licence"`   // one of Licences

	// Contributor is what GovData has given a portal, the last part of its contributorID;
	// "": none. Region is the city's regional key, twelve digits; "": not told.
	Contributor string `yaml:"contributor"`
	Region      string `yaml:"region"`

	// Interval is how often what is published changes, at most.
	Interval time.Duration `yaml:"interval"`
	// SmallestZone is how many bays a zone of parking needs to be told by itself.
	SmallestZone int `yaml:"smallest_zone"`
	// LeaveOut are assets that are not published.
	LeaveOut []string `yaml:"leave_out"`
}

// DefaultConfig publishes nothing.
func DefaultConfig() Config {
	return Config{Licence: "dl-de/by-2-0", Interval: 15 * time.Minute, SmallestZone: 5}
}

// Wanted tells whether anything is published.
func (c Config) Wanted() bool { return len(c.Sets) > 0 }

// licence is one that DCAT-AP.de knows.
type licence struct {
	key, name string
	page      string // for people
	uri       string // for the catalogue
	byName    bool   // the publisher has to be named
}

// licences are those that a city would take (dcat-ap.de/def/licenses).
func licences() []licence {
	return []licence{
		{"dl-de/by-2-0", "Datenlizenz Deutschland – Namensnennung – Version 2.0", "https://www.govdata.de/dl-de/by-2-0", "http://dcat-ap.de/def/licenses/dl-by-de/2.0", true},
		{"dl-de/zero-2-0", "Datenlizenz Deutschland – Zero – Version 2.0", "https://www.govdata.de/dl-de/zero-2-0", "http://dcat-ap.de/def/licenses/dl-zero-de/2.0", false},
		{"cc-by/4.0", "Creative Commons Namensnennung 4.0 International", "https://creativecommons.org/licenses/by/4.0/deed.de", "http://dcat-ap.de/def/licenses/cc-by/4.0", true},
		{"cc-zero", "Creative Commons CC Zero 1.0", "https://creativecommons.org/publicdomain/zero/1.0/deed.de", "http://dcat-ap.de/def/licenses/cc-zero", false},
	}
}

func (c Config) licence() licence {
	all := licences()
	return all[max(0, slices.IndexFunc(all, func(l licence) bool { return l.key == c.Licence }))]
}

var (
	contributorID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,60}$`)
	regionalKey   = regexp.MustCompile(`^[0-9]{12}$`)
)

// Validate returns every problem, joined.
func (c Config) Validate() error {
	if !c.Wanted() {
		return nil
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	var names []string
	for _, s := range sets() {
		names = append(names, s.key)
	}
	for i, name := range c.Sets {
		if !slices.Contains(names, name) {
			bad("sets[%d]: %.40q: want some of %s", i, name, strings.Join(names, ", "))
		} else if slices.Contains(c.Sets[:i], name) {
			bad("sets[%d]: %s stands twice", i, name)
		}
	}
	if u, err := url.Parse(c.Address); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		bad("address: %.100q: want how the world calls the board, without a path, like https://board.example.org", c.Address)
	}
	if strings.TrimSpace(c.Publisher) == "" {
		bad("publisher: missing; say who publishes, like Stadt Osnabrück")
	}
	if a, err := mail.ParseAddress(c.Contact); err != nil || a.Address != c.Contact {
		bad("contact: %.100q: want a mail address for questions, like opendata@example.org", c.Contact)
	}
	if !slices.ContainsFunc(licences(), func(l licence) bool { return l.key == c.Licence }) {
		var keys []string
		for _, l := range licences() {
			keys = append(keys, l.key)
		}
		bad("licence: %.40q: want one of %s", c.Licence, strings.Join(keys, ", "))
	}
	if c.Contributor != "" && !contributorID.MatchString(c.Contributor) {
		bad("contributor: %.60q: want the last part of the contributorID that GovData gave you", c.Contributor)
	}
	if c.Region != "" && !regionalKey.MatchString(c.Region) {
		bad("region: %.40q: want the regional key, twelve digits like 034040000000", c.Region)
	}
	if c.Interval < time.Minute || c.Interval > 24*time.Hour {
		bad("interval: %v: want from 1m to 24h, like 15m", c.Interval)
	}
	if c.SmallestZone < 3 {
		bad("smallest_zone: %d: want at least 3, so that nobody learns of a single bay", c.SmallestZone)
	}
	return errors.Join(errs...)
}
