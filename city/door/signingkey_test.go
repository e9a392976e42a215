package door_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meldefunk/city/door"
)

// The example of the reference libraries of Standard Webhooks.
const (
	exampleKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	exampleID  = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	exampleAt  = 1614265330
	exampleIs  = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var exampleBody = []byte(`{"test": 2432232314}`)

func signingKey(t *testing.T, text string) (door.SigningKey, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return door.ReadSigningKey(door.Secret{File: file})
}

func TestSigningKey(t *testing.T) {
	k, err := signingKey(t, exampleKey+"\n")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(exampleAt, 0)
	if got := k.Sign(exampleID, at, exampleBody); got != exampleIs {
		t.Errorf("signed %s, want %s", got, exampleIs)
	}
	for name, c := range map[string]struct {
		id, timestamp, signatures string
		body                      string
		now                       time.Time
		want                      error
	}{
		"right":             {exampleID, "1614265330", exampleIs, string(exampleBody), at, nil},
		"one of two":        {exampleID, "1614265330", "v1,bm9wZQ== " + exampleIs, string(exampleBody), at, nil},
		"five minutes old":  {exampleID, "1614265330", exampleIs, string(exampleBody), at.Add(5 * time.Minute), nil},
		"older":             {exampleID, "1614265330", exampleIs, string(exampleBody), at.Add(5*time.Minute + time.Second), door.ErrTimestamp},
		"of the future":     {exampleID, "1614265330", exampleIs, string(exampleBody), at.Add(-5*time.Minute - time.Second), door.ErrTimestamp},
		"other id":          {"msg_2", "1614265330", exampleIs, string(exampleBody), at, door.ErrSignature},
		"other time":        {exampleID, "1614265331", exampleIs, string(exampleBody), at, door.ErrSignature},
		"other body":        {exampleID, "1614265330", exampleIs, `{"test": 2432232315}`, at, door.ErrSignature},
		"other version":     {exampleID, "1614265330", strings.Replace(exampleIs, "v1,", "v1a,", 1), string(exampleBody), at, door.ErrSignature},
		"no signature":      {exampleID, "1614265330", "", string(exampleBody), at, door.ErrSignature},
		"no timestamp":      {exampleID, "", exampleIs, string(exampleBody), at, door.ErrTimestamp},
		"timestamp in ms":   {exampleID, "1614265330000", exampleIs, string(exampleBody), at, door.ErrTimestamp},
		"timestamp signed":  {exampleID, "+1614265330", exampleIs, string(exampleBody), at, door.ErrTimestamp},
		"timestamp as date": {exampleID, "2021-02-25T15:02:10Z", exampleIs, string(exampleBody), at, door.ErrTimestamp},
	} {
		if err := k.Verify(c.id, c.timestamp, c.signatures, []byte(c.body), c.now, 5*time.Minute); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestSigningKeyRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "short": "whsec_c2hvcnQ=", "no base64": "whsec_geheim-geheim-geheim-geheim-geheim", "long": "whsec_" + strings.Repeat("QUJD", 22),
	} {
		if _, err := signingKey(t, text); err == nil || !strings.Contains(err.Error(), "24 to 64 bytes") || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := door.ReadSigningKey(door.Secret{File: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a file that is not there is no error")
	}
	if _, err := door.ReadSigningKey(door.Secret{Env: "MELDEFUNK_TEST_NO_SUCH_KEY"}); err == nil {
		t.Error("a variable that is not set is no error")
	}
}
