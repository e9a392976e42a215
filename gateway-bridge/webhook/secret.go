package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// Secret is what a network server shows to be let in. The token is read anew for each
// post, so that it can be changed without a restart.
type Secret struct {
	// File holds the token alone; or Env names an environment variable that does.
	File, Env string
	// Username makes it HTTP basic authentication, with the token as the password.
	Username string
	// Header makes it a header of this name whose value is the token. Without Header and
	// Username it is "Authorization: Bearer" and the token.
	Header string
}

// shortest is how many bytes a token must have to keep anybody out.
const shortest = 16

// token reads the secret. Its errors name the place and never the content.
func (s Secret) token() (string, error) {
	where, token := "token_env: "+s.Env, os.Getenv(s.Env)
	if s.File != "" {
		b, err := os.ReadFile(s.File)
		if err != nil {
			return "", fmt.Errorf("token_file: %w", err)
		}
		where, token = "token_file: "+s.File, strings.TrimRight(string(b), "\r\n")
	}
	if len(token) < shortest {
		return "", fmt.Errorf("%s: a token of %d bytes keeps nobody out: want at least %d", where, len(token), shortest)
	}
	return token, nil
}

// shown tells whether a request shows the token. How long it takes tells nothing about it.
func (s Secret) shown(r *http.Request, token string) bool {
	switch {
	case s.Username != "":
		username, password, _ := r.BasicAuth()
		return same(username, s.Username) && same(password, token)
	case s.Header != "":
		return same(r.Header.Get(s.Header), token)
	}
	bearer, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(bearer, "Bearer") && same(given, token)
}

// challenge is what a request without the token is told to show.
func (s Secret) challenge() string {
	if s.Username != "" {
		return `Basic realm="meldefunk"`
	}
	return `Bearer realm="meldefunk"`
}

func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
