package open311

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/door"
)

// Config says where the endpoint is and what it can do.
type Config struct {
	// Endpoint is the URL in front of "/requests.json".
	Endpoint       string `yaml:"endpoint"`
	Flavour        string `yaml:"flavour"`         // one of Flavours
	JurisdictionID string `yaml:"jurisdiction_id"` // "": not sent
	// The API key is the content of a file or of an environment variable; one of them.
	APIKeyFile string `yaml:"api_key_file"`
	APIKeyEnv  string `yaml:"api_key_env"`
	// CAFile holds the certificates that the endpoint's one must come from, PEM; "":
	// those the machine trusts.
	CAFile string `yaml:"ca_file"`
	// ServiceMap gives the endpoint's service_code for each of ours.
	ServiceMap map[string]string `yaml:"service_map"`
	// ServiceNames are the names the endpoint's services are expected to have, by our
	// codes, because codes get reassigned. One that is not given is not compared.
	ServiceNames map[string]string `yaml:"service_names"`
	// Attributes give the endpoint's attribute codes for ours, where they differ.
	Attributes map[string]string `yaml:"attributes"`
	// Constants are values of the endpoint's attributes that are always the same.
	Constants map[string]string `yaml:"constants"`
	// Email is the functional mailbox that is named as reporter, where one is wanted.
	Email string `yaml:"email"`

	// What the endpoint does otherwise than its flavour; "": as the flavour says.
	Format       string `yaml:"format"`        // JSON or XML
	Updates      string `yaml:"updates"`       // an Updates…
	Paging       string `yaml:"paging"`        // a Paging…
	CloseStatus  string `yaml:"close_status"`  // status word that closes
	ReopenStatus string `yaml:"reopen_status"` // status word that reopens
	// StatusMap gives the city.Progress for the endpoint's own words of status, in lower case.
	StatusMap map[string]city.Progress `yaml:"status_map"`

	// Timeout is for one request, from connecting to the last byte; 1 s to 5 min.
	Timeout time.Duration `yaml:"timeout"`
	// TokenPolls are the waits before each look-up of a number that was promised with a
	// token. They delay all other tickets, so keep their sum small: later the token is
	// looked up with each search.
	TokenPolls []time.Duration `yaml:"token_polls"`
	// Plaintext must be "accepted" for http to another machine: the key can be read on
	// the way.
	Plaintext string `yaml:"plaintext"`
}

// DefaultConfig has everything but the endpoint, the key and the services.
func DefaultConfig() Config {
	return Config{
		Flavour:    "strict",
		Timeout:    30 * time.Second,
		TokenPolls: []time.Duration{2 * time.Second, 5 * time.Second, 15 * time.Second},
	}
}

// flavour gives the flavour with what the config says otherwise.
func (c Config) flavour() Flavour {
	f := Flavours()[c.Flavour]
	f.Format = cmp.Or(c.Format, f.Format)
	f.Updates = cmp.Or(c.Updates, f.Updates)
	f.Paging = cmp.Or(c.Paging, f.Paging)
	return f
}

// channels gives the calls that change requests, with their words.
func (c Config) channels(f Flavour) channels {
	ch := updates()[f.Updates]
	ch.close.word = cmp.Or(c.CloseStatus, ch.close.word)
	ch.reopen.word = cmp.Or(c.ReopenStatus, f.Reopened, ch.reopen.word)
	return ch
}

// Closes tells whether the endpoint lets us close what we opened.
func (c Config) Closes() bool { return c.flavour().Updates != UpdatesNone }

// Validate returns every problem, joined.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("open311: "+format, args...)) }

	u, err := url.Parse(c.Endpoint)
	switch {
	case c.Endpoint == "":
		add("endpoint is missing: give the URL in front of /requests.json")
	case err != nil:
		add("endpoint is not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		add("endpoint %q: want https://host/path", u.Redacted())
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		add("endpoint %q: want no user, query or fragment; keys go to api_key_file or api_key_env", u.Scheme+"://"+u.Host+u.Path)
	case u.Scheme == "http" && !door.Loopback(u.Hostname()) && c.Plaintext != "accepted":
		add("endpoint %q would send the API key readable over the network: use https, or set plaintext: accepted", u.String())
	}
	if c.Plaintext != "" && c.Plaintext != "accepted" {
		add(`plaintext %q: want "accepted" or nothing`, c.Plaintext)
	}
	if (c.APIKeyFile == "") == (c.APIKeyEnv == "") {
		add("set one of api_key_file and api_key_env")
	}
	if len(c.ServiceMap) == 0 {
		add("service_map is empty: give the ticket system's code for each of our services")
	}
	for ours, theirs := range c.ServiceMap {
		if ours == "" || strings.TrimSpace(theirs) == "" {
			add("service_map: %q: %q: want a code on both sides", ours, theirs)
		}
	}
	for ours := range c.ServiceNames {
		if c.ServiceMap[ours] == "" {
			add("service_names: %q is not in service_map", ours)
		}
	}
	for _, m := range []map[string]string{c.Attributes, c.Constants} {
		for code, v := range m {
			if code == "" || v == "" {
				add("attributes, constants: %q: %q: want something on both sides", code, v)
			}
		}
	}
	for word, state := range c.StatusMap {
		if !slices.Contains(degrees, state) {
			add("status_map: %q: %q: want one of %v", word, state, degrees)
		}
	}
	errs = append(errs, c.validateFlavour()...)
	if c.Timeout < time.Second || c.Timeout > 5*time.Minute {
		add("timeout %s: want 1s to 5m", c.Timeout)
	}
	var sum time.Duration
	for _, d := range c.TokenPolls {
		if d < 0 {
			add("token_polls: %s: want no negative time", d)
		}
		sum += d
	}
	if sum > 5*time.Minute {
		add("token_polls: %s in all: want at most 5m", sum)
	}
	return errors.Join(errs...)
}

func (c Config) validateFlavour() []error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("open311: "+format, args...)) }
	if _, ok := Flavours()[c.Flavour]; !ok {
		add("flavour %q: want one of %s", c.Flavour, among(Flavours()))
		return errs
	}
	f := c.flavour()
	if f.Format != JSON && f.Format != XML {
		add("format %q: want %s or %s", c.Format, JSON, XML)
	}
	if _, ok := updates()[f.Updates]; !ok {
		add("updates %q: want one of %s", c.Updates, among(updates()))
	}
	if _, ok := pagings()[f.Paging]; !ok {
		add("paging %q: want one of %s", c.Paging, among(pagings()))
	}
	if f.Updates == UpdatesTerms && (c.CloseStatus == "" || c.ReopenStatus == "") {
		add("updates %s needs close_status and reopen_status: the numbers of the two status terms", UpdatesTerms)
	}
	if f.Email && c.Email == "" {
		add("flavour %s needs email: the mailbox that stands as reporter", c.Flavour)
	}
	if c.Email != "" {
		if a, err := mail.ParseAddress(c.Email); err != nil || a.Address != c.Email {
			add("email %q: want a plain address like sensorik@stadt.example", c.Email)
		}
	}
	return errs
}

func among[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

func (c Config) apiKey() (string, error) {
	from := "environment variable " + door.EnvName(c.APIKeyEnv)
	key := os.Getenv(c.APIKeyEnv)
	if c.APIKeyFile != "" {
		from = "file " + c.APIKeyFile
		b, err := os.ReadFile(c.APIKeyFile)
		if err != nil {
			return "", fmt.Errorf("open311: API key: %w", err)
		}
		key = string(b)
	}
	if key = strings.TrimSpace(key); key == "" {
		return "", fmt.Errorf("open311: API key: %s is empty", from)
	}
	return key, nil
}
