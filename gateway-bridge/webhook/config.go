package webhook

import (
	"errors"
	"fmt"

	"meldefunk/city/door"
)

// Config is the one HTTP server that takes the posts of all network servers.
type Config struct {
	// Listen is host and port. Other hosts than this machine's need TLS.
	Listen string `yaml:"listen"`
	// Plaintext is "accepted" where other machines really post without TLS.
	Plaintext string   `yaml:"plaintext"`
	TLS       door.TLS `yaml:"tls"`
	// InFlight is how many posts may be under way at once, 1 to 1024: each is held in
	// memory until its commit.
	InFlight int `yaml:"in_flight"`
}

// DefaultConfig is what holds for fields left out.
func DefaultConfig() Config { return Config{Listen: "127.0.0.1:8090", InFlight: 256} }

const mostInFlight = 1024

// Validate gives every problem, joined, or nil. It does not open files or the network.
func (c Config) Validate() error {
	problems := []error{door.CheckAddress(c.Listen, c.Plaintext, c.TLS), c.TLS.Validate()}
	if c.InFlight < 1 || c.InFlight > mostInFlight {
		problems = append(problems, fmt.Errorf("in_flight: %d: want 1 to %d", c.InFlight, mostInFlight))
	}
	return errors.Join(problems...)
}
