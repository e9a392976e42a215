package door

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Secret is where a token or password lies. It is read anew each time it is needed, so that
// it can be changed without a restart.
type Secret struct {
	// File holds the secret alone; or Env names an environment variable that does.
	File, Env string
}

// shortest is how many bytes a secret must have to keep anybody out.
const shortest = 16

// Read gives the secret. Its errors begin with kind_file or kind_env, as the configuration
// calls them, name the place and never the content.
func (s Secret) Read(kind string) (string, error) {
	where, secret := kind+"_env: "+EnvName(s.Env), os.Getenv(s.Env)
	if s.File != "" {
		b, err := os.ReadFile(s.File)
		if err != nil {
			return "", fmt.Errorf("%s_file: %w", kind, err)
		}
		where, secret = kind+"_file: "+s.File, strings.TrimRight(string(b), "\r\n")
	}
	if len(secret) < shortest {
		return "", fmt.Errorf("%s: a %s of %d bytes keeps nobody out: want at least %d", where, kind, len(secret), shortest)
	}
	return secret, nil
}

// variable is what names of environment variables look like.
var variable = regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,127}$`)

// EnvName gives the name of an environment variable for a message, unless it may be the secret
// itself that somebody has put in its place.
func EnvName(name string) string {
	if variable.MatchString(name) {
		return name
	}
	return "of a name that is not repeated here, as it may be the secret (a name has capitals, digits and _)"
}

// Same compares. How long it takes tells nothing about either.
func Same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
