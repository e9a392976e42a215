package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of a password: what OWASP's Password Storage Cheat Sheet asks for at least. The
// second choice of RFC 9106 section 4 takes 64 MiB, as much as the whole platform, for each
// login.
const (
	memory  = 19 << 10 // KiB
	passes  = 2
	lanes   = 1
	saltLen = 16
	hashLen = 32
)

// Bounds of what others have written into the file: not weaker than OWASP's cheapest, and
// nothing that takes the machine away.
const (
	weakest      = (7 << 10) * 5 // KiB times passes
	mostMemory   = 128 << 10     // KiB
	mostPasses   = 16
	mostLanes    = 16
	longestHash  = 64
	shortestSalt = 8
	shortestHash = 16
)

// Bounds of a password.
const (
	shortestPassword = 12   // characters
	longestPassword  = 1024 // bytes
)

// phc is a password as the file has it: the PHC string format of Argon2id.
type phc struct {
	memory, passes uint32
	lanes          uint8
	salt, hash     []byte
}

// CheckPassword refuses what is too easily guessed, or too long.
func CheckPassword(password string) error {
	switch {
	case !utf8.ValidString(password):
		return errors.New("the password is no UTF-8")
	case utf8.RuneCountInString(password) < shortestPassword:
		return fmt.Errorf("the password has %d characters: want at least %d", utf8.RuneCountInString(password), shortestPassword)
	case len(password) > longestPassword:
		return fmt.Errorf("the password has %d bytes: want at most %d", len(password), longestPassword)
	}
	return nil
}

// HashPassword gives what a file keeps of a password.
func HashPassword(password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	p := ours()
	p.hash = p.of(password)
	return p.String(), nil
}

// ours has a new salt and no hash.
func ours() phc {
	p := phc{memory: memory, passes: passes, lanes: lanes, salt: make([]byte, saltLen), hash: make([]byte, hashLen)}
	_, _ = rand.Read(p.salt) // it never fails
	return p
}

func (p phc) of(password string) []byte {
	return argon2.IDKey([]byte(password), p.salt, p.passes, p.memory, p.lanes, uint32(len(p.hash)))
}

// fits does the same work whatever comes of it.
func (p phc) fits(password string) bool {
	return subtle.ConstantTimeCompare(p.of(password), p.hash) == 1
}

// String is the PHC string format.
func (p phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.passes, p.lanes, b64.EncodeToString(p.salt), b64.EncodeToString(p.hash))
}

var phcForm = regexp.MustCompile(`^\$argon2id\$v=19\$m=([0-9]{1,9}),t=([0-9]{1,4}),p=([0-9]{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$`)

// parsePHC reads what HashPassword and other programs write. The error never holds the text.
func parsePHC(text string) (phc, error) {
	m := phcForm.FindStringSubmatch(text)
	if m == nil || len(text) > 400 {
		return phc{}, errors.New("want a password as meldefunk user passwd writes it, $argon2id$v=19$m=…,t=…,p=…$salt$hash")
	}
	var n [3]uint64
	for i := range n {
		n[i], _ = strconv.ParseUint(m[i+1], 10, 32) // digits only
	}
	if n[0] > mostMemory || n[1] > mostPasses || n[2] > mostLanes || n[1] == 0 || n[2] == 0 || n[0]*n[1] < weakest {
		return phc{}, fmt.Errorf("the cost m=%d,t=%d,p=%d is out of bounds: want m times t at least %d, m at most %d, t at most %d, p at most %d", n[0], n[1], n[2], weakest, mostMemory, mostPasses, mostLanes)
	}
	p := phc{memory: uint32(n[0]), passes: uint32(n[1]), lanes: uint8(n[2])} //nolint:gosec // bounded just above
	var errs [2]error
	p.salt, errs[0] = base64.RawStdEncoding.Strict().DecodeString(m[4])
	p.hash, errs[1] = base64.RawStdEncoding.Strict().DecodeString(m[5])
	if errors.Join(errs[:]...) != nil || len(p.salt) < shortestSalt || len(p.hash) < shortestHash || len(p.hash) > longestHash {
		return phc{}, fmt.Errorf("salt or hash is damaged, or too short: want base64 of at least %d and %d bytes", shortestSalt, shortestHash)
	}
	return p, nil
}
