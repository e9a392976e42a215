package open311

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// How to close a service request; GeoReport v2 itself has no way.
const (
	UpdatesRequest = "servicerequestupdates" // the extension by mySociety: POST servicerequestupdates
	UpdatesNone    = "none"                  // not at all: a human closes
)

// How long a list is read.
const (
	PagingNone = "none" // one answer is the whole list
	PagingPage = "page" // page=1, 2, ... until a page brings nothing new
)

// Config says where the endpoint is and what it can do.
type Config struct {
	// Endpoint is the URL in front of "/requests.json".
	Endpoint       string `yaml:"endpoint"`
	JurisdictionID string `yaml:"jurisdiction_id"` // "": not sent
	// The API key is the content of a file or of an environment variable; one of them.
	APIKeyFile string `yaml:"api_key_file"`
	APIKeyEnv  string `yaml:"api_key_env"`
	// ServiceMap gives the endpoint's service_code for each of ours.
	ServiceMap map[string]string `yaml:"service_map"`
	Updates    string            `yaml:"updates"` // UpdatesRequest or UpdatesNone
	Paging     string            `yaml:"paging"`  // PagingNone or PagingPage
	// Timeout is for one request, from connecting to the last byte; 1 s to 5 min.
	Timeout time.Duration `yaml:"timeout"`
	// TokenPolls are the waits before each look-up of a number that was promised with a
	// token. They delay all other tickets, so keep their sum small.
	TokenPolls []time.Duration `yaml:"token_polls"`
	// Plaintext must be "accepted" for http to another machine: the key can be read on
	// the way.
	Plaintext string `yaml:"plaintext"`
}

// DefaultConfig has everything but the endpoint, the key and the services.
func DefaultConfig() Config {
	return Config{
		Updates:    UpdatesNone,
		Paging:     PagingNone,
		Timeout:    30 * time.Second,
		TokenPolls: []time.Duration{2 * time.Second, 5 * time.Second, 15 * time.Second},
	}
}

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
	case u.Scheme == "http" && !loopback(u.Hostname()) && c.Plaintext != "accepted":
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
	if c.Updates != UpdatesRequest && c.Updates != UpdatesNone {
		add("updates %q: want %s or %s", c.Updates, UpdatesRequest, UpdatesNone)
	}
	if c.Paging != PagingNone && c.Paging != PagingPage {
		add("paging %q: want %s or %s", c.Paging, PagingNone, PagingPage)
	}
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

func (c Config) apiKey() (string, error) {
	from := "environment variable " + c.APIKeyEnv
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

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
