package listener

import (
	"errors"
	"fmt"
	"time"

	"meldefunk/city/door"
)

// Config is the one address that all network servers publish to.
type Config struct {
	// Listen is host and port. Other hosts than this machine's need TLS.
	Listen string `yaml:"listen"`
	// Plaintext is "accepted" where other machines really publish without TLS.
	Plaintext string   `yaml:"plaintext"`
	TLS       door.TLS `yaml:"tls"`
	// MaxConnections is how many may be open at once, 1 to 4096, also of strangers that
	// have not logged in yet; further ones wait.
	MaxConnections int `yaml:"max_connections"`
	// KeepAlive is how long a line may be silent whose other end did not choose, 5s to 1h:
	// MQTT 5 can be told so.
	KeepAlive time.Duration `yaml:"keep_alive"`
	// SessionsFile keeps which client ids had a session, over restarts. It is made if need
	// be; "": they are forgotten at the end.
	SessionsFile string `yaml:"-"`
}

const (
	mostConnections   = 4096
	shortestKeepAlive = 5 * time.Second
	longestKeepAlive  = time.Hour
)

// DefaultConfig is what holds for fields left out.
func DefaultConfig() Config {
	return Config{Listen: "127.0.0.1:1884", MaxConnections: 256, KeepAlive: time.Minute}
}

// Validate gives every problem, joined, or nil. It does not open files or the network.
func (c Config) Validate() error {
	problems := []error{door.CheckAddress(c.Listen, c.Plaintext, c.TLS), c.TLS.Validate()}
	if c.MaxConnections < 1 || c.MaxConnections > mostConnections {
		problems = append(problems, fmt.Errorf("max_connections: %d: want 1 to %d", c.MaxConnections, mostConnections))
	}
	if c.KeepAlive < shortestKeepAlive || c.KeepAlive > longestKeepAlive {
		problems = append(problems, fmt.Errorf("keep_alive: %v: want %v to %v, written with a unit as in 60s", c.KeepAlive, shortestKeepAlive, longestKeepAlive))
	}
	return errors.Join(problems...)
}
