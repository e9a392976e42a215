package grafana

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path"
	"strings"
	"time"
	"unicode/utf8"
)

// PlaintextAccepted is the only word of Config.Plaintext.
const PlaintextAccepted = "accepted"

// Config is the section grafana of the configuration. Everything may be left out.
type Config struct {
	Language Language `yaml:"language"` // what InfluxDB is asked in: "flux" or "influxql"
	Folder   string   `yaml:"folder"`   // Grafana's folder for the boards, as people read it

	// Addresses as Grafana's server reaches them, for the datasources. InfluxDB "": that of
	// the platform. Prometheus "": none, and no board of what only Prometheus knows.
	InfluxDB   string `yaml:"influxdb"`
	Prometheus string `yaml:"prometheus"`

	// Addresses as people's browsers reach them.
	Board       string `yaml:"board"`       // the built-in board, for links; "": no links
	Tiles       string `yaml:"tiles"`       // map tiles, "https://tiles.example/{z}/{x}/{y}.png"; "": an empty ground
	Attribution string `yaml:"attribution"` // what the map owes to whom
	Districts   string `yaml:"districts"`   // GeoJSON of the districts, drawn on maps; "": none

	// Path is where the dashboards' files lie on Grafana's machine.
	Path string `yaml:"path"`

	// What follows is for pushing only. Exactly one says where the token is.
	URL       string        `yaml:"url"`
	TokenFile string        `yaml:"token_file"`
	TokenEnv  string        `yaml:"token_env"`
	Timeout   time.Duration `yaml:"timeout"`   // of one request, 1s to 5m
	Plaintext string        `yaml:"plaintext"` // "accepted": http to another machine is what is wanted
}

// Bucket says where readings are, as storage/influx is configured.
type Bucket struct {
	URL, Org, Name string
}

// DefaultConfig is enough for files.
func DefaultConfig() Config {
	return Config{Language: Flux, Folder: "Meldefunk", Path: "/var/lib/grafana/dashboards/meldefunk", Timeout: 30 * time.Second}
}

// Validate tells everything that is wrong.
func (c *Config) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Language != Flux && c.Language != InfluxQL {
		wrong("language: %.40q is not one of flux, influxql", string(c.Language))
	}
	if n := utf8.RuneCountInString(c.Folder); n == 0 || n > 100 || strings.ContainsFunc(c.Folder, control) {
		wrong("folder: want a title of 1 to 100 characters on one line")
	}
	if !path.IsAbs(c.Path) || strings.ContainsFunc(c.Path, control) {
		wrong("path: %.80q is not a path from the root; give the folder on Grafana's machine", c.Path)
	}
	for _, a := range []struct{ key, address string }{
		{"influxdb", c.InfluxDB}, {"prometheus", c.Prometheus}, {"board", c.Board}, {"tiles", c.Tiles}, {"districts", c.Districts}, {"url", c.URL},
	} {
		if a.address != "" {
			if err := validateAddress(a.address); err != nil {
				wrong("%s: %w", a.key, err)
			}
		}
	}
	for _, place := range []string{"{z}", "{x}", "{y}"} {
		if c.Tiles != "" && !strings.Contains(c.Tiles, place) {
			wrong("tiles: %s is missing; want something like https://tiles.example/{z}/{x}/{y}.png", place)
		}
	}
	if strings.ContainsFunc(c.Attribution, control) || len(c.Attribution) > 500 {
		wrong("attribution: want one line of at most 500 bytes")
	}
	if c.TokenFile != "" && c.TokenEnv != "" {
		wrong("token_file, token_env: give one of them, not both")
	}
	if c.Timeout < time.Second || c.Timeout > 5*time.Minute {
		wrong("timeout: %v is not between 1s and 5m", c.Timeout)
	}
	if c.Plaintext != "" && c.Plaintext != PlaintextAccepted {
		wrong("plaintext: %.40q is not accepted; the only word is \"accepted\", or leave it out", c.Plaintext)
	}
	if u, err := url.Parse(c.URL); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) && c.Plaintext != PlaintextAccepted {
		wrong("url: http to %s would send the token unencrypted; use https, or set plaintext: accepted", u.Hostname())
	}
	return errors.Join(errs...)
}

// validate tells what boards cannot name.
func (b Bucket) validate() error {
	switch {
	case b.URL == "" || b.Org == "" || b.Name == "":
		return errors.New("influxdb: the section is missing or has no url, org and bucket; the boards show what is there")
	case strings.ContainsFunc(b.Name, control) || strings.Contains(b.Name, "$") || strings.Contains(b.Name, "[["):
		return fmt.Errorf("influxdb: bucket: %.60q cannot be named in a query of Grafana, which reads $ and [[ as variables", b.Name)
	}
	return nil
}

// validateAddress never repeats an address, because it may hold a password.
func validateAddress(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("not an address; want something like https://grafana.example")
	case u.User != nil:
		return errors.New("holds a user name or password; everybody who sees the boards could read it")
	case strings.ContainsAny(address, " \t\r\n$\"'<>"):
		return errors.New("has a blank, a quote or $, which Grafana reads as something else; write them as %20 and so on")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("has something after ? or #; give only the address")
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// token reads Grafana's token from where the configuration says. Errors do not contain it.
func (c *Config) token() (string, error) {
	var where, text string
	switch {
	case c.TokenFile != "":
		where = "token_file " + c.TokenFile
		f, err := os.Open(c.TokenFile)
		if err != nil {
			return "", fmt.Errorf("token_file: %w", err)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, 4096))
		if err != nil {
			return "", fmt.Errorf("token_file: %w", err)
		}
		text = string(b)
	case c.TokenEnv != "":
		where, text = "token_env "+c.TokenEnv, os.Getenv(c.TokenEnv)
	default:
		return "", errors.New("token_file, token_env: give one of them; Grafana makes tokens under Administration, Service accounts")
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return "", fmt.Errorf("%s: is empty; put Grafana's token there", where)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s: is not a token; want one line of printable ASCII without blanks", where)
	}
	return text, nil
}
