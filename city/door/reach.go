package door

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// CheckURL wants http or https, a host and nothing that does not belong into an address, and
// https wherever others could read what is sent there unless plaintext is "accepted". The
// errors repeat no password.
func CheckURL(address, plaintext string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("not a URL: want https://host")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, fmt.Errorf("%q: want https://host", u.Redacted())
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%q: want no user, query or fragment; a key goes to a file or an environment variable", u.Scheme+"://"+u.Host+u.Path)
	case u.Scheme == "http" && !Loopback(u.Hostname()) && plaintext != "accepted":
		return nil, fmt.Errorf("%q would send the keys readable over the network: use https, or set plaintext: accepted", u.String())
	}
	return u, nil
}

// CheckPlaintext wants "accepted" or nothing.
func CheckPlaintext(plaintext string) error {
	if plaintext != "" && plaintext != "accepted" {
		return fmt.Errorf(`plaintext %q: want "accepted" or nothing`, plaintext)
	}
	return nil
}

// Word reads what somebody else has given us to be let in: one word, that is the content of
// the file, or of the environment variable. Its errors name the place and never the content.
func (s Secret) Word() (string, error) {
	from, word := "environment variable "+EnvName(s.Env), os.Getenv(s.Env)
	if s.File != "" {
		from = "file " + s.File
		b, err := os.ReadFile(s.File)
		if err != nil {
			return "", err
		}
		word = string(b)
	}
	word = strings.TrimSpace(word)
	switch {
	case word == "":
		return "", fmt.Errorf("%s is empty", from)
	case strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", fmt.Errorf("%s holds more than one word", from)
	}
	return word, nil
}

// Roots gives the certificates that a server's one must come from; nil, those of the machine,
// where no file is named.
func Roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s: no certificate in it: want PEM", file)
	}
	return pool, nil
}
