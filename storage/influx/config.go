package influx

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// Words of the configuration.
const (
	PlaintextAccepted = "accepted"
	CompressionNone   = "none"
	CompressionGzip   = "gzip"
)

// Config says which bucket readings go to. Without URL there is no InfluxDB.
type Config struct {
	URL    string `yaml:"url"` // "https://influx.stadt.example:8086"
	Org    string `yaml:"org"`
	Bucket string `yaml:"bucket"`

	// Exactly one of the two says where the token is. It needs to write the bucket and
	// nothing else. The file is read again when InfluxDB does not accept the token.
	TokenFile string `yaml:"token_file"`
	TokenEnv  string `yaml:"token_env"` // name of an environment variable

	Batch       int           `yaml:"batch"`       // readings in one write, 1 to 20000
	Timeout     time.Duration `yaml:"timeout"`     // of one write, 1s to 10m
	Compression string        `yaml:"compression"` // "none", or "gzip" for a slow line
	Plaintext   string        `yaml:"plaintext"`   // "accepted": http to another machine is what is wanted
	Spool       SpoolConfig   `yaml:"spool"`       // what waits while InfluxDB is away
}

// DefaultConfig has no InfluxDB. Batches of 5,000 are what InfluxData recommends; larger
// ones were not faster.
func DefaultConfig() Config {
	return Config{
		Batch: 5000, Timeout: 30 * time.Second, Compression: CompressionNone,
		Spool: SpoolConfig{MaxAge: 60 * 24 * time.Hour, MaxReadings: 250_000_000, Full: FullKeep},
	}
}

// Validate tells everything that is wrong.
func (c *Config) Validate() error {
	if c.URL == "" {
		if c.Org+c.Bucket+c.TokenFile+c.TokenEnv != "" {
			return errors.New("url: missing; give InfluxDB's address, like https://influx.example:8086, or leave the whole section out")
		}
		return nil
	}
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := c.validateURL(); err != nil {
		errs = append(errs, err)
	}
	if c.Org == "" {
		wrong("org: missing; give the organization's name as InfluxDB shows it")
	}
	if c.Bucket == "" {
		wrong("bucket: missing; give the name of the bucket to write to")
	}
	if (c.TokenFile == "") == (c.TokenEnv == "") {
		wrong("token_file, token_env: give exactly one of them")
	}
	if c.Batch < 1 || c.Batch > 20_000 {
		wrong("batch: %d is not between 1 and 20000", c.Batch)
	}
	if c.Timeout < time.Second || c.Timeout > 10*time.Minute {
		wrong("timeout: %v is not between 1s and 10m", c.Timeout)
	}
	if c.Compression != CompressionNone && c.Compression != CompressionGzip {
		wrong("compression: %.40q is not one of none, gzip", c.Compression)
	}
	if c.Plaintext != "" && c.Plaintext != PlaintextAccepted {
		wrong("plaintext: %.40q is not accepted; the only word is \"accepted\", or leave it out", c.Plaintext)
	}
	if err := c.Spool.validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// validateURL never repeats the address where it may hold a password.
func (c *Config) validateURL() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("url: not an address; want something like https://influx.example:8086")
	case u.User != nil:
		return errors.New("url: holds a user name or password; put the token into token_file instead")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("url: has something after ? or #; give only the address, org and bucket have keys of their own")
	case u.Scheme == "http" && !loopback(u.Hostname()) && c.Plaintext != PlaintextAccepted:
		return fmt.Errorf("url: http to %s would send the token unencrypted; use https, or set plaintext: accepted", u.Hostname())
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// token reads the token from where the configuration says. Errors do not contain it.
func (c *Config) token() (string, error) {
	where, text := "token_env "+c.TokenEnv, os.Getenv(c.TokenEnv)
	if c.TokenFile != "" {
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
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return "", fmt.Errorf("%s: is empty; put InfluxDB's token there", where)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s: is not a token; want one line of printable ASCII without blanks", where)
	}
	return text, nil
}
