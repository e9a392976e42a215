package broker

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Sync says when a message is on the disk for certain, and so survives a power cut. A
// crash of this process alone loses nothing either way.
type Sync string

// The ways.
const (
	SyncAlways Sync = "always" // before its publisher's acknowledgement; some hundred messages per second
	SyncSecond Sync = "second" // at most a second after it; some thousand per second
)

const syncSecond = time.Second

// Config says where to listen and how careful to be.
type Config struct {
	// Listen is host:port on loopback: 127.0.0.1, ::1 or localhost; port 0 is a free one.
	Listen string `yaml:"listen"`
	Sync   Sync   `yaml:"sync"`
}

// DefaultConfig loses nothing.
func DefaultConfig() Config { return Config{Listen: "127.0.0.1:1883", Sync: SyncAlways} }

// Validate gives every problem, joined, or nil.
func (c Config) Validate() error {
	_, _, err := loopback(c.Listen)
	if c.Sync != SyncAlways && c.Sync != SyncSecond {
		err = errors.Join(err, fmt.Errorf("sync: %.40q: want %s or %s", c.Sync, SyncAlways, SyncSecond))
	}
	return err
}

// loopback takes the listen address apart and refuses what others can reach.
func loopback(listen string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("listen: %.60q: want host:port", listen)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", 0, fmt.Errorf("listen: %.60q: only 127.0.0.1, ::1 or localhost, as this broker has no passwords and no TLS; for others run mosquitto", listen)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("listen: %.60q: port: want 0 to 65535", listen)
	}
	return host, int(n), nil
}
