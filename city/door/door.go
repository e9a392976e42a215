// Package door is what every address needs that strangers can knock on: TLS from files with
// client certificates and their revocation, secrets that are compared without telling
// anything, and a bound on open connections; and what is needed to knock on the doors of
// others: an address that keeps secrets, a key, and whose certificates are trusted.
//
// It does not know what is said once somebody is in.
package door

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// CheckAddress wants host and port, and that the host is this machine's alone unless what is
// said there is safe from others: with TLS, or with plaintext "accepted". The problems begin
// with listen or plaintext.
func CheckAddress(listen, plaintext string, tls TLS) error {
	var problems []error
	host, port, err := net.SplitHostPort(listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	switch {
	case err != nil:
		problems = append(problems, fmt.Errorf("listen: %.100q: want host and port, like 127.0.0.1:8090", listen))
	case tls.CertFile == "" && plaintext != "accepted" && !Loopback(host):
		problems = append(problems, fmt.Errorf("listen: %q can be reached from the network, and without tls everybody on the way can read the secrets: give tls.cert_file and tls.key_file, or, if that is known and accepted, plaintext: accepted", listen))
	}
	if plaintext != "" && plaintext != "accepted" {
		problems = append(problems, fmt.Errorf("plaintext: %.40q: the only value is \"accepted\"", plaintext))
	}
	return errors.Join(problems...)
}

// Loopback tells whether only this machine can reach a host; "" is every address.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
