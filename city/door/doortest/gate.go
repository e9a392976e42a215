package doortest

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"meldefunk/city/door"
)

// Gate has what an address needs that lets nobody in without a client certificate, and those
// who knock there.
type Gate struct {
	TLS          door.TLS   // with a certificate for 127.0.0.1
	Ours, Theirs *Authority // who may sign client certificates there, and who may not

	t testing.TB
}

// revoked is the serial number of a certificate of ours that is not good any more.
const revoked = 7

// NewGate writes its files.
func NewGate(t testing.TB) *Gate {
	t.Helper()
	g := &Gate{Ours: NewAuthority(t, "ours"), Theirs: NewAuthority(t, "theirs"), t: t}
	cert, key := g.Ours.Issue("meldefunk", 2, soon())
	g.TLS = door.TLS{
		CertFile: File(t, "server.pem", cert), KeyFile: File(t, "server.key", key),
		ClientCAFile: File(t, "clients.pem", g.Ours.PEM), RevokedFile: File(t, "clients.crl", g.Ours.Revoke(revoked)),
	}
	return g
}

// Client shows a certificate of ours of this name, and of others.
func (g *Gate) Client(name string, others ...string) *tls.Config {
	g.t.Helper()
	return g.client(g.Ours.Issue(name, 3, soon(), others...))
}

func (g *Gate) client(cert, key string) *tls.Config {
	g.t.Helper()
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		g.t.Fatal(err)
	}
	c := g.stranger()
	c.Certificates = []tls.Certificate{pair}
	return c
}

// stranger shows no certificate.
func (g *Gate) stranger() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(g.Ours.Cert)
	return &tls.Config{RootCAs: roots}
}

// Try has knock try to get in with a certificate of this name, and with every one that must
// keep it out. The last one is revoked while the address is open.
func (g *Gate) Try(t *testing.T, name string, knock func(t *testing.T, client *tls.Config) error) {
	old, ancient := g.Client(name), g.Client(name)
	old.MaxVersion, ancient.MaxVersion = tls.VersionTLS12, tls.VersionTLS11
	for _, test := range []struct {
		name    string
		client  *tls.Config
		refused bool
	}{
		{"good", g.Client(name), false},
		{"TLS 1.2", old, false},
		{"TLS 1.1", ancient, true},
		{"missing", g.stranger(), true},
		{"wrong CA", g.client(g.Theirs.Issue(name, 3, soon())), true},
		{"wrong CA, revoked number", g.client(g.Theirs.Issue(name, revoked, soon())), true},
		{"expired", g.client(g.Ours.Issue(name, 3, time.Now().Add(-time.Hour))), true},
		{"revoked", g.client(g.Ours.Issue(name, revoked, soon())), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := knock(t, test.client); (err != nil) != test.refused {
				t.Errorf("%v; want refused: %v", err, test.refused)
			}
		})
	}
	t.Run("revoked later", func(t *testing.T) {
		if err := os.WriteFile(g.TLS.RevokedFile, []byte(g.Ours.Revoke(revoked, 3)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := knock(t, g.Client(name)); err == nil {
			t.Error("taken")
		}
	})
}

func soon() time.Time { return time.Now().Add(time.Hour) }

// File writes a file of one test and gives its path.
func File(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
