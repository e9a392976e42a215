package keys

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"meldefunk/city"
	"meldefunk/city/door"
	"meldefunk/city/lorawan"
)

// Config names the key encryption keys, and the sessions of devices whose raw frames come
// from gateways.
type Config struct {
	KEKs []KEK `yaml:"keks"`
	// Register is the label of the one that wraps root keys in the register of devices; "":
	// the only one there is.
	Register string `yaml:"register"`
	// Sessions are CSV files with the session keys of devices, wrapped with a KEK.
	Sessions []string `yaml:"sessions"`
	// Addresses are those of the city's devices, as prefixes like 26011b00/24: a frame of one
	// of these without a session is set aside, others without one are foreign and dropped.
	Addresses []Prefix `yaml:"addresses"`
}

// KEK is a key encryption key: AES with 16, 24 or 32 bytes, written as hex digits.
type KEK struct {
	// Label is what the join server calls it, 1 to city.MaxKEKLabel bytes. Case counts.
	Label string `yaml:"label"`
	// The key is the content of a file, which only its owner may write and others may not
	// read, of an environment variable, or of a credential that systemd hands to the service
	// under this name; one of them.
	File       string `yaml:"file"`
	Env        string `yaml:"env"`
	Credential string `yaml:"credential"`
}

// Validate gives every problem, joined, or nil. It does not read keys.
func (c Config) Validate() error {
	var errs []error
	seen := map[string]bool{}
	for i, k := range c.KEKs {
		problem := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("keks: %d: "+format, append([]any{i}, args...)...))
		}
		switch {
		case k.Label == "":
			problem("label: missing; want what the join server calls the key")
		case len(k.Label) > city.MaxKEKLabel:
			problem("label: %.40q has %d bytes: want at most %d", k.Label, len(k.Label), city.MaxKEKLabel)
		case seen[k.Label]:
			problem("label: %.60q stands twice", k.Label)
		}
		seen[k.Label] = true
		switch {
		case k.sources() != 1:
			problem("file, env, credential: give exactly one of them")
		case isKey(k.File + k.Env + k.Credential): // not repeated
			problem("file, env, credential: a key itself stands here: make a new one, put it into a file and give the file's name")
		case k.Credential != "" && !credentialForm.MatchString(k.Credential):
			problem("credential: %.60q: want the name of LoadCredential= or LoadCredentialEncrypted=, not a path", k.Credential)
		}
	}
	if c.Register != "" && !seen[c.Register] {
		errs = append(errs, fmt.Errorf("register: %.60q is no label under keks", c.Register))
	}
	for _, file := range c.Sessions {
		if file == "" {
			errs = append(errs, errors.New("sessions: a name of a file is empty"))
		}
	}
	return errors.Join(errs...)
}

// sources is how many places are named that the key might lie in.
func (k KEK) sources() (n int) {
	for _, s := range []string{k.File, k.Env, k.Credential} {
		if s != "" {
			n++
		}
	}
	return n
}

// credentialForm is that of names of credentials which are no path (systemd.exec(5),
// LoadCredential=).
var credentialForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$`)

// Load reads the keys of a valid configuration, and gives every problem with them. Its
// errors name the place and no digit of a key.
func Load(c Config) (*Ring, error) {
	r := &Ring{keks: make(map[string]kek, len(c.KEKs)), register: c.Register, addresses: c.Addresses}
	var errs []error
	for _, k := range c.KEKs {
		key, err := k.read()
		if err != nil {
			errs = append(errs, fmt.Errorf("keys: %.60q: %w", k.Label, err))
			continue
		}
		r.keks[k.Label] = kek{
			wrap:   func(k lorawan.Key) ([]byte, error) { return lorawan.WrapKey(key, k) },
			unwrap: func(wrapped []byte) (lorawan.Key, error) { return lorawan.UnwrapKey(key, wrapped) },
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := r.loadSessions(c.Sessions); err != nil {
		return nil, err
	}
	return r, nil
}

func (k KEK) read() ([]byte, error) {
	where, text, err := k.text()
	if err != nil {
		return nil, err
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, fmt.Errorf("%s is empty or not set", where)
	}
	if !isKey(text) { // not repeated: it might be a key with a slip in it
		return nil, fmt.Errorf("%s is not a key: want 32, 48 or 64 hex digits, got %d characters", where, len(text))
	}
	return hex.DecodeString(text)
}

// text reads what holds the key, and says where that is.
func (k KEK) text() (where, text string, err error) {
	switch {
	case k.File != "":
		if text, err = readSecret(k.File); err != nil {
			err = fmt.Errorf("file: %w", err)
		}
		return "file " + k.File, text, err
	case k.Credential != "":
		folder := os.Getenv("CREDENTIALS_DIRECTORY")
		if folder == "" {
			return "", "", fmt.Errorf("credential: %s: systemd handed none over: the service's unit needs LoadCredential= or LoadCredentialEncrypted=, and a command line beside it systemd-run with the same", k.Credential)
		}
		if text, err = readSecret(filepath.Join(folder, k.Credential)); err != nil {
			err = fmt.Errorf("credential: %w", err)
		}
		return "credential " + k.Credential, text, err
	}
	return "env " + door.EnvName(k.Env), os.Getenv(k.Env), nil
}

func isKey(text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && (len(b) == 16 || len(b) == 24 || len(b) == 32)
}

// secretSize is more than a key and white space around it need.
const secretSize = 1 << 10

// readSecret reads a small file that only its owner, and maybe its group, may read.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a regular file", path) // a pipe would be waited for
	case info.Mode().Perm()&0o027 != 0:
		return "", fmt.Errorf("%s has mode %#o: others could read it, or its group write it; chmod 0640 or 0600", path, info.Mode().Perm())
	case info.Size() > secretSize:
		return "", fmt.Errorf("%s has %d bytes: want one key", path, info.Size())
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, secretSize))
	return string(b), err
}
