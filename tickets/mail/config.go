package mail

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"strconv"
	"strings"
	"time"

	"meldefunk/city/door"
)

// How the connection is protected.
const (
	TLSImplicit = "implicit" // TLS from the first byte, port 465
	TLSStart    = "starttls" // STARTTLS or nothing, port 587
	TLSNone     = "none"     // on this machine, or where plaintext is accepted
)

// What is done when an answer was lost.
const (
	AtLeastOnce = "at-least-once"
	AtMostOnce  = "at-most-once" // a human looks
)

// Config says where mail goes.
type Config struct {
	Server string `yaml:"server"` // "mail.stadt.example:587"
	TLS    string `yaml:"tls"`    // TLSStart, TLSImplicit or TLSNone
	CAFile string `yaml:"ca_file"`
	// Username and the password, the content of a file or of an environment variable; all
	// left out where the server wants none.
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
	PasswordEnv  string `yaml:"password_env"`

	From string   `yaml:"from"` // a functional mailbox: "Stadtsensorik <sensorik@stadt.example>"
	To   []string `yaml:"to"`
	// ByService gives other recipients for some services: {"OS-GRN-01": ["gruen@stadt.example"]}.
	ByService map[string][]string `yaml:"by_service"`

	Delivery string        `yaml:"delivery"` // AtLeastOnce or AtMostOnce, where a route does not say
	Timeout  time.Duration `yaml:"timeout"`  // of one message, 1s to 5m
	// Plaintext must be "accepted" for TLSNone to another machine.
	Plaintext string `yaml:"plaintext"`
}

// DefaultConfig has everything but the server and the addresses.
func DefaultConfig() Config {
	return Config{TLS: TLSStart, Delivery: AtLeastOnce, Timeout: 30 * time.Second}
}

// Validate returns every problem, joined. It opens no file.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("mail: "+format, args...)) }
	host, _, err := c.address()
	if err != nil {
		errs = append(errs, err)
	}
	switch c.TLS {
	case TLSImplicit, TLSStart:
	case TLSNone:
		if err == nil && !door.Loopback(host) && c.Plaintext != "accepted" {
			add("tls none: everybody on the way to %s can read the cases: use %s, or set plaintext: accepted", host, TLSStart)
		}
	default:
		add("tls %.40q: want %s, %s or %s", c.TLS, TLSStart, TLSImplicit, TLSNone)
	}
	if c.Plaintext != "" && c.Plaintext != "accepted" {
		add(`plaintext %.40q: want "accepted" or nothing`, c.Plaintext)
	}
	if c.Username != "" && (c.PasswordFile == "") == (c.PasswordEnv == "") {
		add("set one of password_file and password_env for the user")
	}
	if c.Username == "" && c.PasswordFile+c.PasswordEnv != "" {
		add("username is missing for the password")
	}
	if _, err := mail.ParseAddress(c.From); err != nil {
		add("from %.100q is not an address", c.From)
	}
	if len(c.To) == 0 {
		add("to is missing: give at least one address")
	}
	for _, to := range c.To {
		if _, err := mail.ParseAddress(to); err != nil {
			add("to: %.100q is not an address", to)
		}
	}
	for service, list := range c.ByService {
		for _, to := range list {
			if _, err := mail.ParseAddress(to); err != nil {
				add("by_service: %s: %.100q is not an address", service, to)
			}
		}
		if len(list) == 0 {
			add("by_service: %s: want at least one address", service)
		}
	}
	if c.Delivery != AtLeastOnce && c.Delivery != AtMostOnce {
		add("delivery %.40q: want %s or %s", c.Delivery, AtLeastOnce, AtMostOnce)
	}
	if c.Timeout < time.Second || c.Timeout > 5*time.Minute {
		add("timeout %v: want 1s to 5m", c.Timeout)
	}
	return errors.Join(errs...)
}

// address takes Server apart.
func (c Config) address() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(c.Server)
	if err != nil || host == "" || strings.Contains(host, "@") {
		return "", 0, errors.New("mail: server: want host:port, like mail.stadt.example:587")
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("mail: server: port %.20q: want 1 to 65535", text)
	}
	return host, int(n), nil
}

// password reads the secret, "" where there is no user.
func (c Config) password() (string, error) {
	if c.Username == "" {
		return "", nil
	}
	where, text := "password_env "+c.PasswordEnv, os.Getenv(c.PasswordEnv)
	if c.PasswordFile != "" {
		where = "password_file " + c.PasswordFile
		b, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("mail: password_file: %w", err)
		}
		text = string(b)
	}
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return "", fmt.Errorf("mail: %s is empty: put the password there", where)
	}
	return text, nil
}
