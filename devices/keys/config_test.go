package keys_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"meldefunk/devices/keys"
)

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		keks []keys.KEK
		want []string // none: fine
	}{
		"none":              {nil, nil},
		"file and variable": {[]keys.KEK{{Label: "a", File: "f"}, {Label: "b", Env: "B"}}, nil},
		"no label":          {[]keys.KEK{{File: "f"}}, []string{"keks: 0: label: missing"}},
		"long label":        {[]keys.KEK{{Label: strings.Repeat("k", 257), File: "f"}}, []string{"keks: 0: label: ", "has 257 bytes: want at most 256"}},
		"label twice":       {[]keys.KEK{{Label: "a", File: "f"}, {Label: "a", Env: "B"}}, []string{`keks: 1: label: "a" stands twice`}},
		"neither":           {[]keys.KEK{{Label: "a"}}, []string{"keks: 0: file, env, credential: give exactly one"}},
		"both":              {[]keys.KEK{{Label: "a", File: "f", Env: "B"}}, []string{"keks: 0: file, env, credential: give exactly one"}},
		"credential":        {[]keys.KEK{{Label: "a", Credential: "stadt-kek-1"}}, nil},
		"two of three":      {[]keys.KEK{{Label: "a", Env: "B", Credential: "c"}}, []string{"keks: 0: file, env, credential: give exactly one"}},
		"credential's path": {[]keys.KEK{{Label: "a", Credential: "../kek"}}, []string{`keks: 0: credential: "../kek": want the name of LoadCredential=`}},
		"key as credential": {[]keys.KEK{{Label: "a", Credential: kekHex}}, []string{"keks: 0: file, env, credential: a key itself"}},
		"key as file":       {[]keys.KEK{{Label: "a", File: kekHex}}, []string{"keks: 0: file, env, credential: a key itself stands here"}},
		"key as variable":   {[]keys.KEK{{Label: "a", Env: kekHex + kekHex}}, []string{"keks: 0: file, env, credential: a key itself stands here"}},
		"every problem":     {[]keys.KEK{{}, {Label: "a"}}, []string{"keks: 0: label", "keks: 0: file", "keks: 1: file"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := keys.Config{KEKs: c.keks}.Validate()
			if (err == nil) != (len(c.want) == 0) {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.want {
				mute(t, err.Error())
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestValidateRegister(t *testing.T) {
	c := keys.Config{KEKs: []keys.KEK{{Label: "a", File: "f"}}, Register: "b"}
	if err := c.Validate(); err == nil || err.Error() != `register: "b" is no label under keks` {
		t.Errorf("got %v", err)
	}
	if c.Register = "a"; c.Validate() != nil {
		t.Error(c.Validate())
	}
}

// TestCredential reads a key as systemd hands it over: a file of the service's own in a
// folder that the environment names.
func TestCredential(t *testing.T) {
	kek := keys.KEK{Label: "stadt-kek-1", Credential: "kek"}
	load := func() (*keys.Ring, error) { return keys.Load(keys.Config{KEKs: []keys.KEK{kek}}) }
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if _, err := load(); err == nil || !strings.Contains(err.Error(), "systemd handed none over: the service's unit needs LoadCredential=") {
		t.Errorf("without systemd: %v", err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(file(t, "kek", kekHex+"\n", 0o440)))
	r, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(things.uplink(t)); err != nil {
		t.Error(err)
	}
	kek.Credential = "gone"
	if _, err := load(); err == nil || !strings.Contains(err.Error(), `keys: "stadt-kek-1": credential: `) || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	slip := "g" + kekHex[1:]
	t.Setenv("KEK_SLIP", slip)
	for name, c := range map[string]struct {
		kek  keys.KEK
		want string
	}{
		"no file":            {keys.KEK{File: filepath.Join(dir, "gone")}, "no such file"},
		"folder":             {keys.KEK{File: dir}, "is not a regular file"},
		"pipe":               {keys.KEK{File: pipe}, "is not a regular file"},
		"all may read":       {keys.KEK{File: file(t, "kek", kekHex, 0o644)}, "has mode 0644: others could read it, or its group write it; chmod 0640 or 0600"},
		"group may write":    {keys.KEK{File: file(t, "kek", kekHex, 0o660)}, "has mode 0660"},
		"empty":              {keys.KEK{File: file(t, "kek", "\n", 0o600)}, "kek is empty"},
		"too long":           {keys.KEK{File: file(t, "kek", strings.Repeat("0", 2000), 0o600)}, "has 2000 bytes: want one key"},
		"20 bytes":           {keys.KEK{File: file(t, "kek", kekHex+"01234567", 0o600)}, "want 32, 48 or 64 hex digits, got 40 characters"},
		"31 digits":          {keys.KEK{File: file(t, "kek", kekHex[1:], 0o600)}, "got 31 characters"},
		"a slip in it":       {keys.KEK{File: file(t, "kek", slip, 0o600)}, "is not a key: want 32, 48 or 64 hex digits, got 32 characters"},
		"variable not set":   {keys.KEK{Env: "KEK_NOT_SET"}, "env KEK_NOT_SET is empty or not set"},
		"slip in a variable": {keys.KEK{Env: "KEK_SLIP"}, "env KEK_SLIP is not a key"},
	} {
		t.Run(name, func(t *testing.T) {
			c.kek.Label = "stadt-kek-1"
			_, err := keys.Load(keys.Config{KEKs: []keys.KEK{c.kek}})
			if err == nil || !strings.Contains(err.Error(), `keys: "stadt-kek-1": `) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want …%s", err, c.want)
			}
			mute(t, err.Error())
		})
	}
}

func TestLoad(t *testing.T) {
	t.Setenv("KEK", " "+kekHex+"\n")
	for name, kek := range map[string]keys.KEK{
		"file of the owner's":      {File: file(t, "kek", kekHex, 0o400)},
		"file the group may read":  {File: file(t, "kek", kekHex+"\n", 0o640)},
		"environment variable":     {Env: "KEK"},
		"link, as systemd has one": {File: link(t, file(t, "kek", kekHex, 0o400))},
	} {
		t.Run(name, func(t *testing.T) {
			kek.Label = "stadt-kek-1"
			r, err := keys.Load(keys.Config{KEKs: []keys.KEK{kek}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Open(things.uplink(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

func link(t *testing.T, to string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
	return path
}
