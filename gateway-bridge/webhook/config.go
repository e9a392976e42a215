package webhook

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// Config is the one HTTP server that takes the posts of all network servers.
type Config struct {
	// Listen is host and port. Other hosts than this machine's need TLS.
	Listen string `yaml:"listen"`
	// Plaintext is "accepted" where other machines really post without TLS.
	Plaintext string    `yaml:"plaintext"`
	TLS       TLSConfig `yaml:"tls"`
	// InFlight is how many posts may be under way at once, 1 to 1024: each is held in
	// memory until its commit.
	InFlight int `yaml:"in_flight"`
}

// TLSConfig names PEM files. They are read again at every connection, so that certificates
// can be changed without a restart.
type TLSConfig struct {
	CertFile string `yaml:"cert_file"` // the server's certificate and what it was signed with
	KeyFile  string `yaml:"key_file"`
	// ClientCAFile makes client certificates obligatory, signed by one of these.
	ClientCAFile string `yaml:"client_ca_file"`
	// RevokedFile lists client certificates that are no longer good: a CRL signed by one
	// of ClientCAFile.
	RevokedFile string `yaml:"revoked_file"`
}

// DefaultConfig is what holds for fields left out.
func DefaultConfig() Config { return Config{Listen: "127.0.0.1:8090", InFlight: 256} }

const mostInFlight = 1024

// Validate gives every problem, joined, or nil. It does not open files or the network.
func (c Config) Validate() error {
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	host, port, err := net.SplitHostPort(c.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	switch {
	case err != nil:
		problem("listen: %.100q: want host and port, like 127.0.0.1:8090", c.Listen)
	case c.TLS.CertFile == "" && c.Plaintext != "accepted" && !loopback(host):
		problem("listen: %q can be reached from the network, and without tls everybody on the way can read the tokens: give tls.cert_file and tls.key_file, or, if that is known and accepted, plaintext: accepted", c.Listen)
	}
	if c.Plaintext != "" && c.Plaintext != "accepted" {
		problem("plaintext: %.40q: the only value is \"accepted\"", c.Plaintext)
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		problem("tls: cert_file and key_file: give both or neither")
	}
	if c.TLS.ClientCAFile != "" && c.TLS.CertFile == "" {
		problem("tls: client_ca_file has no effect without cert_file and key_file")
	}
	if c.TLS.RevokedFile != "" && c.TLS.ClientCAFile == "" {
		problem("tls: revoked_file has no effect without client_ca_file")
	}
	if c.InFlight < 1 || c.InFlight > mostInFlight {
		problem("in_flight: %d: want 1 to %d", c.InFlight, mostInFlight)
	}
	return errors.Join(problems...)
}

// loopback tells whether only this machine can reach a host; "" is every address.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
