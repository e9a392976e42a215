package door

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Bounds of a signing key, in bytes, as Standard Webhooks has them.
const (
	shortestKey = 24
	longestKey  = 64
)

// SigningKey signs what is posted, after Standard Webhooks 1.0
// (standard-webhooks/standard-webhooks, spec/standard-webhooks.md): HMAC-SHA256.
type SigningKey []byte

// ReadSigningKey reads a key: "whsec_" and base64 of 24 to 64 bytes. Its errors begin with
// secret_file or secret_env, name the place and never the content.
func ReadSigningKey(s Secret) (SigningKey, error) {
	where, text := "secret_env: "+EnvName(s.Env), os.Getenv(s.Env)
	if s.File != "" {
		b, err := os.ReadFile(s.File)
		if err != nil {
			return nil, fmt.Errorf("secret_file: %w", err)
		}
		where, text = "secret_file: "+s.File, string(b)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(text), "whsec_"))
	if err != nil || len(key) < shortestKey || len(key) > longestKey {
		return nil, fmt.Errorf(`%s: want "whsec_" and base64 of %d to %d bytes`, where, shortestKey, longestKey)
	}
	return key, nil
}

// Sign gives the signature of a message sent at a time: "v1," and base64 over
// "id.timestamp.body".
func (k SigningKey) Sign(id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, k)
	_, _ = mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	_, _ = mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// What Verify says is wrong.
var (
	ErrTimestamp = errors.New("the timestamp is missing, or too far from the time here: want Unix seconds, and check both clocks")
	ErrSignature = errors.New("the signature is missing or wrong")
)

// Verify tells whether a message is what somebody with the key has sent, at most so long ago
// or ahead. The signatures stand in a row, with blanks between them, while a key is being
// changed; one of them must fit. How long it takes tells nothing about the key.
func (k SigningKey) Verify(id, timestamp, signatures string, body []byte, now time.Time, tolerance time.Duration) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != timestamp {
		return ErrTimestamp
	}
	at := time.Unix(seconds, 0)
	if at.Before(now.Add(-tolerance)) || at.After(now.Add(tolerance)) {
		return ErrTimestamp
	}
	want, fits := k.Sign(id, at, body), false
	for given := range strings.FieldsSeq(signatures) {
		fits = Same(given, want) || fits
	}
	if !fits {
		return ErrSignature
	}
	return nil
}
