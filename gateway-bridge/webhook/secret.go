package webhook

import (
	"net/http"
	"strings"

	"meldefunk/city/door"
)

// Secret is what a network server shows to be let in: a token. It is read anew for each
// post.
type Secret struct {
	door.Secret
	// Username makes it HTTP basic authentication, with the token as the password.
	Username string
	// Header makes it a header of this name whose value is the token. Without Header and
	// Username it is "Authorization: Bearer" and the token.
	Header string
}

func (s Secret) token() (string, error) { return s.Read("token") }

// shown tells whether a request shows the token. How long it takes tells nothing about it.
func (s Secret) shown(r *http.Request, token string) bool {
	switch {
	case s.Username != "":
		username, password, _ := r.BasicAuth()
		return door.Same(username, s.Username) && door.Same(password, token)
	case s.Header != "":
		return door.Same(r.Header.Get(s.Header), token)
	}
	bearer, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(bearer, "Bearer") && door.Same(given, token)
}

// challenge is what a request without the token is told to show.
func (s Secret) challenge() string {
	if s.Username != "" {
		return `Basic realm="meldefunk"`
	}
	return `Bearer realm="meldefunk"`
}
