package door_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meldefunk/city/door"
)

func TestCheckURL(t *testing.T) {
	for name, c := range map[string]struct{ address, plaintext, says string }{
		"https":                {"https://lns.stadt.example", "", ""},
		"path":                 {"https://stadt.example/lns", "", ""},
		"loopback":             {"http://localhost:8080/", "", ""},
		"IPv4 loopback":        {"http://127.0.0.1:8080", "", ""},
		"IPv6 loopback":        {"http://[::1]:8080", "", ""},
		"accepted":             {"http://10.0.0.5:8080", "accepted", ""},
		"plaintext":            {"http://10.0.0.5:8080", "", `"http://10.0.0.5:8080" would send the keys readable over the network`},
		"not quite accepted":   {"http://10.0.0.5:8080", "yes", "would send the keys readable over the network"},
		"empty":                {"", "", "want https://host"},
		"without scheme":       {"lns.stadt.example:8080", "", "want https://host"},
		"port alone":           {"https://:8080", "", "want https://host"},
		"other scheme":         {"ftp://lns.stadt.example", "", "want https://host"},
		"key as user":          {"https://x:CANARY@stadt.example", "", `"https://stadt.example": want no user`},
		"key as query":         {"https://stadt.example?key=CANARY", "", "want no user, query or fragment"},
		"key behind a scheme":  {"ftp://x:CANARY@stadt.example", "", "want https://host"},
		"control character":    {"https://\x7fCANARY", "", "not a URL"},
		"http with a key, too": {"http://x:CANARY@10.0.0.5", "", "want no user"},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := door.CheckURL(c.address, c.plaintext)
			switch {
			case c.says == "" && (err != nil || u.String() != c.address):
				t.Errorf("%v, error %v", u, err)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
				t.Errorf("error %v, want %q", err, c.says)
			case err != nil && strings.Contains(err.Error(), "CANARY"):
				t.Errorf("error %q shows the key", err)
			}
		})
	}
	for plaintext, fine := range map[string]bool{"": true, "accepted": true, "yes": false, "Accepted": false} {
		if err := door.CheckPlaintext(plaintext); (err == nil) != fine {
			t.Errorf("plaintext %q: %v", plaintext, err)
		}
	}
}

func TestWord(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	for name, c := range map[string]struct{ content, says string }{
		"line feed at the end": {"CANARY\n", ""},
		"empty":                {" \n", " is empty"},
		"two lines":            {"CANARY\nCANARY", " holds more than one word"},
		"not ASCII":            {"CANARYü", " holds more than one word"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("DOOR_KEY", c.content)
			for from, s := range map[string]door.Secret{"file " + file: {File: file}, "environment variable DOOR_KEY": {Env: "DOOR_KEY"}} {
				word, err := s.Word()
				switch {
				case c.says == "" && (err != nil || word != "CANARY"):
					t.Errorf("%s: error %v", from, err)
				case c.says != "" && (err == nil || err.Error() != from+c.says || word != ""):
					t.Errorf("error %v, want %s%s", err, from, c.says)
				}
			}
		})
	}
	if _, err := (door.Secret{File: file + "x"}).Word(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v for a file that is not there", err)
	}
}

// A secret in the place of the name of its environment variable is not repeated.
func TestEnvName(t *testing.T) {
	for _, name := range []string{"A", "STADT_KEK_2", "_X"} {
		if got := door.EnvName(name); got != name {
			t.Errorf("%s became %s", name, got)
		}
	}
	for _, secret := range []string{"token-9c26d97a", "8f0c", "Geheim", "X Y", ""} {
		if got := door.EnvName(secret); secret != "" && strings.Contains(got, secret) || got == secret {
			t.Errorf("%q is told: %s", secret, got)
		}
		s := door.Secret{Env: secret}
		_, read := s.Read("token")
		_, word := s.Word()
		for _, err := range []error{read, word} {
			if err == nil || secret != "" && strings.Contains(err.Error(), secret) {
				t.Errorf("error %v", err)
			}
		}
	}
}

func TestRoots(t *testing.T) {
	if pool, err := door.Roots(""); pool != nil || err != nil {
		t.Errorf("without a file: %v, %v", pool, err)
	}
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	pool, err := door.Roots(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Certificate().Verify(x509.VerifyOptions{Roots: pool}); err != nil {
		t.Errorf("the certificate of the file is not trusted: %v", err)
	}
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := door.Roots(file); err == nil || err.Error() != "ca_file "+file+": no certificate in it: want PEM" {
		t.Errorf("error %v", err)
	}
	if _, err := door.Roots(file + "x"); err == nil || !strings.Contains(err.Error(), "ca_file: open ") {
		t.Errorf("error %v", err)
	}
}
