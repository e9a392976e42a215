package webhook

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"meldefunk/city/door"
)

// What is done when an answer was lost.
const (
	AtLeastOnce = "at-least-once" // send again under the same key: the receiver knows it by then
	AtMostOnce  = "at-most-once"  // a human looks: the receiver keeps no keys
)

// Config says where messages go.
type Config struct {
	URL string `yaml:"url"` // "https://meldungen.stadt.example/sensorik"
	// The key that messages are signed with, as Standard Webhooks writes it: "whsec_" and
	// base64 of 24 to 64 bytes. It is the content of a file or of an environment variable.
	SecretFile string `yaml:"secret_file"`
	SecretEnv  string `yaml:"secret_env"`
	Delivery   string `yaml:"delivery"` // AtLeastOnce or AtMostOnce, where a route does not say
	// Timeout is for one message, from connecting to the last byte of the answer; 1s to 5m.
	Timeout time.Duration `yaml:"timeout"`
	// CAFile are the authorities to trust, PEM; "": those of the system.
	CAFile string `yaml:"ca_file"`
	// Plaintext must be "accepted" for http to another machine.
	Plaintext string `yaml:"plaintext"`
}

// DefaultConfig has everything but the address and the secret.
func DefaultConfig() Config { return Config{Delivery: AtLeastOnce, Timeout: 30 * time.Second} }

// Validate returns every problem, joined. It opens no file.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("webhook: "+format, args...)) }
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		add("url is missing: give the address that takes the messages")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		add("url is not an address: want something like https://host/path")
	case u.User != nil || u.Fragment != "":
		add("url holds a user, a password or a fragment: messages are signed, put the key into secret_file")
	case u.Scheme == "http" && !door.Loopback(u.Hostname()) && c.Plaintext != "accepted":
		add("url: http to %s lets everybody on the way read the cases: use https, or set plaintext: accepted", u.Hostname())
	}
	if (c.SecretFile == "") == (c.SecretEnv == "") {
		add("set one of secret_file and secret_env")
	}
	if c.Delivery != AtLeastOnce && c.Delivery != AtMostOnce {
		add("delivery %.40q: want %s or %s", c.Delivery, AtLeastOnce, AtMostOnce)
	}
	if c.Timeout < time.Second || c.Timeout > 5*time.Minute {
		add("timeout %v: want 1s to 5m", c.Timeout)
	}
	if c.Plaintext != "" && c.Plaintext != "accepted" {
		add(`plaintext %.40q: want "accepted" or nothing`, c.Plaintext)
	}
	return errors.Join(errs...)
}

// secret reads the key. Errors do not contain it.
func (c Config) secret() (door.SigningKey, error) {
	key, err := door.ReadSigningKey(door.Secret{File: c.SecretFile, Env: c.SecretEnv})
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return key, nil
}
