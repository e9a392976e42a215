package access_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meldefunk/city/visitor"
	"meldefunk/dashboards/access"
)

const goodHash = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

func TestUsersFile(t *testing.T) {
	const head = "name;role;password\n"
	for name, c := range map[string]struct {
		text  string
		wrong []string
	}{
		"good":             {"# people\n" + head + "\nErika Mustermann;dispatcher;" + goodHash + "\r\nOtto;crew;" + goodHash + "\n", nil},
		"nobody":           {head, nil},
		"empty":            {"", []string{"want the header name;role;password"}},
		"no header":        {"Otto;crew;" + goodHash, []string{":1: want the header"}},
		"fields":           {head + "Otto;crew\nMax;crew;" + goodHash + ";x\n", []string{":2: want 3 fields", ":3: want 3 fields"}},
		"twice":            {head + "Otto;crew;" + goodHash + "\nOtto;crew;" + goodHash, []string{`:3: name "Otto" stands twice`}},
		"role":             {head + "Otto;chef;" + goodHash, []string{`:2: role "chef": want one of [viewer crew dispatcher technician admin]`}},
		"name":             {head + " Otto;crew;" + goodHash + "\n;crew;" + goodHash + "\n" + strings.Repeat("o", 81) + ";crew;" + goodHash + "\nO\x1btto;crew;" + goodHash, []string{":2: name", ":3: name", ":4: name", ":5: name"}},
		"password as text": {head + "Otto;crew;geheim-geheim", []string{":2: want a password as meldefunk user passwd writes it"}},
		"bcrypt":           {head + "Otto;crew;$2y$10$abcdefghijklmnopqrstuv", []string{":2: want a password"}},
		"argon2i":          {head + "Otto;crew;" + strings.Replace(goodHash, "2id", "2i", 1), []string{":2: want a password"}},
		"weak":             {head + "Otto;crew;" + strings.Replace(goodHash, "m=19456", "m=1024", 1), []string{":2: the cost m=1024,t=2,p=1 is out of bounds"}},
		"costly":           {head + "Otto;crew;" + strings.Replace(goodHash, "m=19456", "m=99999999", 1), []string{"out of bounds"}},
		"no pass":          {head + "Otto;crew;" + strings.Replace(goodHash, "t=2", "t=0", 1), []string{"out of bounds"}},
		"no lane":          {head + "Otto;crew;" + strings.Replace(goodHash, "p=1", "p=0", 1), []string{"out of bounds"}},
		"short hash":       {head + "Otto;crew;" + goodHash[:len(goodHash)-30], []string{"salt or hash is damaged"}},
		"short salt":       {head + "Otto;crew;" + strings.Replace(goodHash, "$AAECAwQFBgcICQoLDA0ODw$", "$AAEC$", 1), []string{"salt or hash is damaged"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "users.csv")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := access.ReadUsers(path)
			if (err == nil) != (c.wrong == nil) {
				t.Fatal(err)
			}
			for _, want := range c.wrong {
				if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %s", err, want)
				}
			}
			if err != nil && strings.Contains(err.Error(), "geheim") {
				t.Error("the error tells a password")
			}
		})
	}
}

// TestUsersFileIsPrivate refuses files that everybody can read, and keeps the rights of others.
func TestUsersFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(path, []byte("name;role;password\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	us, err := access.ReadUsers(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(us.Put("Otto", visitor.Crew, goodHash), us.Save()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("after the change: %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := access.ReadUsers(path); err == nil || !strings.Contains(err.Error(), "chmod o-rwx") {
		t.Errorf("a file that everybody can read: %v", err)
	}
	if _, err := access.ReadUsers(filepath.Dir(path)); err == nil {
		t.Error("a folder was read")
	}
	if _, err := access.ReadUsers(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestUsersFileIsChanged leaves alone what it is not about.
func TestUsersFileIsChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.csv")
	const text = "# people of the ServiceBetrieb\nname;role;password\nErika Mustermann;dispatcher;" + goodHash + "\n\n# tour 3\nOtto;crew;" + goodHash + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	us, err := access.OpenUsers(path)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(us.Put("Otto", visitor.Technician, ""), us.Put("Max", visitor.Viewer, goodHash))
	if err != nil || us.Remove("Niemand") || !us.Remove("Erika Mustermann") {
		t.Fatal(err)
	}
	if err := us.Put("Neu", visitor.Viewer, ""); err == nil {
		t.Error("a user without a password was taken")
	}
	if err := us.Save(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	const want = "# people of the ServiceBetrieb\nname;role;password\n\n# tour 3\nOtto;technician;" + goodHash + "\nMax;viewer;" + goodHash + "\n"
	if err != nil || string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	if all := us.All(); len(all) != 2 || all[0].Name != "Otto" || all[1].Role != visitor.Viewer {
		t.Errorf("%v", all)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".meldefunk-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTokensFile(t *testing.T) {
	const head = "id;name;scopes;made;expires;sha256\n"
	sum := strings.Repeat("0a", 32)
	for name, c := range map[string]struct{ text, wrong string }{
		"good":    {head + "0a1b2c3d;Leitstelle;read:tickets,write:tickets;2026-11-21T13:05:00Z;2027-11-21T13:05:00Z;" + sum + "\n", ""},
		"forever": {head + "0a1b2c3d;Leitstelle;read:tickets;2026-11-21T13:05:00Z;;" + sum, ""},
		"id":      {head + "0A1B2C3D;x;read:tickets;2026-11-21T13:05:00Z;;" + sum, ":2: id"},
		"id twice": {head + "0a1b2c3d;x;read:tickets;2026-11-21T13:05:00Z;;" + sum + "\n0a1b2c3d;y;read:tickets;2026-11-21T13:05:00Z;;" + sum,
			":3: id 0a1b2c3d stands twice"},
		"name":   {head + "0a1b2c3d;;read:tickets;2026-11-21T13:05:00Z;;" + sum, ":2: name"},
		"scope":  {head + "0a1b2c3d;x;read:all;2026-11-21T13:05:00Z;;" + sum, `:2: "read:all": want some of read:readings`},
		"time":   {head + "0a1b2c3d;x;read:tickets;yesterday;tomorrow;" + sum, "yesterday"},
		"sum":    {head + "0a1b2c3d;x;read:tickets;2026-11-21T13:05:00Z;;0a0b", ":2: sha256: want 64 hex digits"},
		"header": {"name;role;password\n", ":1: want the header id;name"},
	} {
		path := filepath.Join(t.TempDir(), "tokens.csv")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := access.ReadTokens(path); (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v, want %s", name, err, c.wrong)
		}
	}
}

func TestPasswords(t *testing.T) {
	for password, ok := range map[string]bool{
		"": false, "elf Zeichen": false, "zwölf Zeiche": true, "zwölf Zeich": false, strings.Repeat("x", 1025): false, "kein UTF-8: \xff\xfe": false,
	} {
		if err := access.CheckPassword(password); (err == nil) != ok {
			t.Errorf("%q: %v", password, err)
		}
	}
	if _, err := access.HashPassword("kurz"); err == nil {
		t.Error("a short password was hashed")
	}
	one, two := hashOf(t, password), ""
	if h, err := access.HashPassword(password); err == nil {
		two = h
	}
	if one == two || !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("two hashes of a password: %s, %s", one, two)
	}
}

func TestConfig(t *testing.T) {
	openid := access.OpenID{Issuer: "https://login.example.org/realms/stadt", ClientID: "meldefunk", Address: "https://tafel.example.org", NameClaim: "name", RolesClaim: "roles", Roles: []access.RoleRule{{Value: "a", Role: "crew"}}}
	for name, c := range map[string]struct {
		change func(*access.Config)
		wanted bool
		wrong  string
	}{
		"default":           {func(*access.Config) {}, false, ""},
		"users":             {func(c *access.Config) { c.UsersFile = "u" }, true, ""},
		"openid":            {func(c *access.Config) { c.OpenID = openid }, true, ""},
		"tokens alone":      {func(c *access.Config) { c.TokensFile = "t" }, false, "tokens_file has no effect"},
		"idle":              {func(c *access.Config) { c.Idle = 25 * time.Hour }, false, "idle: 25h0m0s"},
		"brief":             {func(c *access.Config) { c.Idle = time.Second }, false, "idle: 1s"},
		"longest":           {func(c *access.Config) { c.Longest = 1000 * time.Hour }, false, "longest: 1000h"},
		"proxy":             {func(c *access.Config) { c.Proxies = []string{"127.0.0.1", "proxy.example.org"} }, false, "proxies[1]"},
		"issuer":            {func(c *access.Config) { c.OpenID = openid; c.OpenID.Issuer = "login.example.org" }, true, "openid: issuer"},
		"issuer, plaintext": {func(c *access.Config) { c.OpenID = openid; c.OpenID.Issuer = "http://login.example.org" }, true, "openid: issuer: \"http://login.example.org\": want https"},
		"address":           {func(c *access.Config) { c.OpenID = openid; c.OpenID.Address += "/tafel" }, true, "openid: address: \"https://tafel.example.org/tafel\": want it without a path"},
		"client":            {func(c *access.Config) { c.OpenID = openid; c.OpenID.ClientID = "" }, true, "openid: client_id"},
		"secrets": {func(c *access.Config) {
			c.OpenID = openid
			c.OpenID.ClientSecretEnv, c.OpenID.ClientSecretFile = "A", "b"
		}, true, "give one of them"},
		"roles":  {func(c *access.Config) { c.OpenID = openid; c.OpenID.Roles = nil }, true, "openid: roles: missing"},
		"role":   {func(c *access.Config) { c.OpenID = openid; c.OpenID.Roles = []access.RoleRule{{Role: "chef"}} }, true, "openid: roles[0]: role \"chef\""},
		"claims": {func(c *access.Config) { c.OpenID = openid; c.OpenID.RolesClaim = "" }, true, "name_claim, roles_claim"},
	} {
		cfg := access.DefaultConfig()
		c.change(&cfg)
		if err := cfg.Validate(); (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v, want %q", name, err, c.wrong)
		}
		if cfg.Wanted() != c.wanted {
			t.Errorf("%s: people have to log in: %v", name, cfg.Wanted())
		}
	}
}

func FuzzUsersFile(f *testing.F) {
	f.Add("name;role;password\nOtto;crew;" + goodHash + "\n")
	f.Add("# x\n\nname;role;password\n;;\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "users.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		us, err := access.ReadUsers(path)
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Errorf("the error does not say where: %v", err)
			}
			return
		}
		before := us.All()
		if err := us.Save(); err != nil {
			t.Fatal(err)
		}
		again, err := access.ReadUsers(path)
		if err != nil || len(again.All()) != len(before) {
			t.Errorf("%d users became %v, %v", len(before), again, err)
		}
	})
}
