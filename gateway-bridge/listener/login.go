package listener

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"meldefunk/city/door"
)

const (
	// loginBound is how long TLS and CONNECT may take, together.
	loginBound = 10 * time.Second
	// largestConnect is in bytes. Names, password and will of a network server fit in well.
	largestConnect = 16 << 10
)

// login takes a connection up to its CONNECT and finds out whose it is.
func (s *Server) login(conn net.Conn, in *bufio.Reader) (connect, *Publisher, error) {
	var certificate *x509.Certificate
	if secure, is := conn.(*tls.Conn); is {
		if err := secure.Handshake(); err != nil {
			return connect{}, nil, fmt.Errorf("tls: %w", err)
		}
		if shown := secure.ConnectionState().PeerCertificates; len(shown) > 0 {
			certificate = shown[0] // verified: see door.TLS
		}
	}
	kind, flags, n, err := header(in)
	switch {
	case err != nil:
		return connect{}, nil, fmt.Errorf("wait for CONNECT: %w", err)
	case kind != typeConnect || flags != 0 || n > largestConnect:
		return connect{}, nil, errors.New("not MQTT, or not a CONNECT packet that can be taken")
	}
	packet := make([]byte, n)
	if _, err := io.ReadFull(in, packet); err != nil {
		return connect{}, nil, fmt.Errorf("read CONNECT: %w", err)
	}
	c, err := parseConnect(packet)
	if err != nil {
		return c, nil, err
	}
	from := source(conn.RemoteAddr())
	if !s.attempts.allowed(from, s.now()) {
		return c, nil, errAttempts
	}
	p := s.admit(c, certificate)
	if p == nil {
		s.attempts.failed(from, s.now())
		return c, nil, errCredentials
	}
	return c, p, nil
}

// admit gives the publisher whose every demand is met, nil if there is none. One that wants
// a username goes before one that does not.
func (s *Server) admit(c connect, certificate *x509.Certificate) (found *Publisher) {
	for i := range s.publishers {
		p := &s.publishers[i]
		if p.Certificate != "" && !bears(certificate, p.Certificate) {
			continue
		}
		if p.Username == "" {
			if found == nil {
				found = p
			}
			continue
		}
		password, err := p.Password.Read("password")
		if err != nil {
			s.log.Error().Err(err).Str("server", p.Server).Msg("the password cannot be read: nobody can log in with it")
			continue
		}
		name, secret := door.Same(c.username, p.Username), door.Same(c.password, password)
		if name && secret {
			found = p
		}
	}
	return found
}

// bears tells whether a client certificate has a name.
func bears(c *x509.Certificate, name string) bool {
	if c == nil {
		return false
	}
	if c.Subject.CommonName == name || slices.Contains(c.DNSNames, name) || slices.Contains(c.EmailAddresses, name) {
		return true
	}
	for _, ip := range c.IPAddresses {
		if ip.String() == name {
			return true
		}
	}
	for _, uri := range c.URIs {
		if uri.String() == name {
			return true
		}
	}
	return false
}
