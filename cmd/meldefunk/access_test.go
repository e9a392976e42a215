package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city/door/doortest"
)

// runWith is run with something on standard input; what is printed comes in two parts.
func runWith(t *testing.T, in string, args ...string) (out, errs string, code int) {
	t.Helper()
	c := command()
	var stdout, stderr bytes.Buffer
	c.SetOut(&stdout)
	c.SetErr(&stderr)
	c.SetIn(strings.NewReader(in))
	c.SetArgs(args)
	code = exitCode(c.ExecuteContext(t.Context()), &stderr)
	return stdout.String(), stderr.String(), code
}

const accessPassword = "Kastanie-Fähre-77"

func TestUserCommand(t *testing.T) {
	dir := write(t, map[string]string{
		"m.yaml":    good + "access: {users_file: DIR/users.csv}\n",
		"none.yaml": good,
		"bad.yaml":  good + "access: {users_file: DIR/bad.csv}\n",
		"bad.csv":   "name;role;password\nOtto;chef;x\n",
		"pw":        accessPassword + "\nmore\n",
	})
	config, users := filepath.Join(dir, "m.yaml"), filepath.Join(dir, "users.csv")
	for _, c := range []struct {
		name, in string
		args     []string
		code     int
		want     string
	}{
		{"list nobody", "", []string{"list"}, exitOK, "ROLE  NAME"},
		{"add", accessPassword + "\n", []string{"add", "Erika Mustermann", "--role", "dispatcher", "--password-file", "-"}, exitOK, "Erika Mustermann: dispatcher; a running platform takes it up at SIGHUP"},
		{"add, password of a file", "", []string{"add", "Otto", "--role", "crew", "--password-file", filepath.Join(dir, "pw")}, exitOK, "Otto: crew"},
		{"add twice", "", []string{"add", "Otto", "--role", "crew"}, exitUsage, `there is a user "Otto" already`},
		{"no role", "", []string{"add", "Max"}, exitUsage, "--role: role \"\": want one of [viewer"},
		{"short password", "kurz\n", []string{"add", "Max", "--role", "viewer", "--password-file", "-"}, exitUsage, "the password has 4 characters: want at least 12"},
		{"no terminal", "", []string{"add", "Max", "--role", "viewer"}, exitUsage, "there is no terminal to ask"},
		{"no such file", "", []string{"add", "Max", "--role", "viewer", "--password-file", filepath.Join(dir, "x")}, exitUsage, "no such file"},
		{"a name that cannot be", accessPassword, []string{"add", "a;b", "--role", "viewer", "--password-file", "-"}, exitUsage, "without semicolons"},
		{"two names", "", []string{"add", "Erika", "Mustermann"}, exitUsage, "put quotes around a name with blanks"},
		{"passwd of nobody", "", []string{"passwd", "Max"}, exitUsage, `there is no user "Max"`},
		{"passwd", "ein neues Passwort", []string{"passwd", "Otto", "--password-file", "-"}, exitOK, "Otto: crew"},
		{"role", "", []string{"role", "Otto", "--role", "technician"}, exitOK, "Otto: technician"},
		{"list", "", []string{"list"}, exitOK, "dispatcher  Erika Mustermann\ntechnician  Otto\n"},
		{"list as JSON", "", []string{"list", "--json"}, exitOK, `[{"name":"Erika Mustermann","role":"dispatcher"},{"name":"Otto","role":"technician"}]`},
		{"remove", "", []string{"remove", "Otto"}, exitOK, "Otto: removed"},
		{"remove twice", "", []string{"remove", "Otto"}, exitUsage, `there is no user "Otto"`},
		{"no file of users", "", []string{"list", "-c", filepath.Join(dir, "none.yaml")}, exitUsage, "access.users_file is missing"},
		{"a file with mistakes", "", []string{"list", "-c", filepath.Join(dir, "bad.yaml")}, exitUsage, `bad.csv:2: role "chef"`},
	} {
		args := append([]string{"user"}, c.args...)
		if !slices.Contains(args, "-c") {
			args = append(args, "-c", config)
		}
		out, errs, code := runWith(t, c.in, args...)
		if code != c.code || !strings.Contains(out+errs, c.want) {
			t.Errorf("%s: exit code %d, want %d with %q: %s%s", c.name, code, c.code, c.want, out, errs)
		}
		if strings.Contains(out+errs, "v=19$m=19456") || strings.Contains(out+errs, accessPassword) {
			t.Errorf("%s prints a password or its hash", c.name)
		}
	}
	kept, err := os.ReadFile(users)
	if err != nil || strings.Count(string(kept), "\n") != 2 || !strings.Contains(string(kept), "Erika Mustermann;dispatcher;$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("%s, %v", kept, err)
	}
	if info, err := os.Stat(users); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestTokenCommand(t *testing.T) {
	dir := write(t, map[string]string{"m.yaml": "data: DIR\n" + good + "access: {users_file: DIR/users.csv, tokens_file: DIR/tokens.csv}\n", "none.yaml": good})
	config := filepath.Join(dir, "m.yaml")
	out, errs, code := runWith(t, "", "token", "add", "Leitstelle Nord", "--scopes", "read:tickets,write:tickets", "--until", "never", "-c", config)
	token := strings.TrimSpace(out)
	if code != exitOK || !regexp.MustCompile(`^meldefunk_[0-9a-f]{8}_[A-Za-z0-9_-]{43}\n$`).MatchString(out) || !strings.Contains(errs, "until never; it is not shown again") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	if out, errs, code := runWith(t, "", "token", "add", "Prometheus", "--scopes", "read:platform", "-c", config); code != exitOK || strings.Contains(errs, "never") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	id := token[10:18]
	if err := os.WriteFile(filepath.Join(dir, tokenUseFile), []byte(`{"`+id+`":"2026-11-21T13:05:00Z"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"list", "-c", config}, exitOK, "2026-11-21T13:05:00Z  Leitstelle Nord  read:tickets,write:tickets\n"},
		{[]string{"list", "--json", "-c", config}, exitOK, `"used":"2026-11-21T13:05:00Z"`},
		{[]string{"add", "x", "--scopes", "all", "-c", config}, exitUsage, `--scopes: "all": want some of read:readings`},
		{[]string{"add", "x", "--scopes", "admin", "--until", "gestern", "-c", config}, exitUsage, "--until"},
		{[]string{"remove", "00000000", "-c", config}, exitUsage, `there is no token "00000000"`},
		{[]string{"remove", id, "-c", config}, exitOK, id + ": removed"},
		{[]string{"remove", id, "-c", config}, exitUsage, "there is no token"},
		{[]string{"list", "-c", filepath.Join(dir, "none.yaml")}, exitUsage, "access.tokens_file is missing"},
	} {
		out, errs, code := runWith(t, "", append([]string{"token"}, c.args...)...)
		if code != c.code || !strings.Contains(out+errs, c.want) || strings.Contains(out+errs, token[19:]) {
			t.Errorf("%v: exit code %d, want %d with %q: %s%s", c.args, code, c.code, c.want, out, errs)
		}
	}
}

// TestAccess opens the board to the network: with TLS, a login and a token, and takes them away
// again while it runs.
func TestAccess(t *testing.T) {
	const config = "inventory: [DIR/inventory.yaml]\nnetwork_servers:\n  - {name: ns, dialect: chirpstack-v4, broker: 'mqtt://127.0.0.1:1'}\n" +
		"access: {users_file: DIR/users.csv, tokens_file: DIR/tokens.csv}\n"
	p := newPlatform(t, buildBinary(t, true), config, map[string]string{
		"inventory.yaml": "assets:\n  - {id: PK-1, kind: bin, name: Domhof}\ndevices:\n  - {dev_eui: a840410001810001, model: milesight/em310-udl, asset: PK-1}\n"})
	authority := doortest.NewAuthority(t, "test")
	cert, key := authority.Issue("tafel", 2, time.Now().Add(time.Hour))
	p.write("cert.pem", cert)
	p.write("key.pem", key)
	text, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	p.write("meldefunk.yaml", strings.Replace(string(text), `board: {listen: "127.0.0.1:0"}`,
		"board: {listen: \"0.0.0.0:0\", hosts: [tafel.example.org], tls: {cert_file: "+p.path("cert.pem")+", key_file: "+p.path("key.pem")+"}}", 1))
	if _, errs, code := runWith(t, accessPassword, "user", "add", "Erika Mustermann", "--role", "dispatcher", "--password-file", "-", "-c", p.config); code != exitOK {
		t.Fatal(errs)
	}
	token, errs, code := runWith(t, "", "token", "add", "Prometheus", "--scopes", "read:platform", "-c", p.config)
	if code != exitOK {
		t.Fatal(errs)
	}
	token = strings.TrimSpace(token)
	p.launch()
	board, err := url.Parse(p.board)
	if err != nil || board.Scheme != "https" {
		t.Fatalf("the board is at %s, %v", p.board, err)
	}

	roots := x509.NewCertPool()
	roots.AddCert(authority.Cert)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 10 * time.Second,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	ask := func(method, path string, form url.Values, bearer string) (int, http.Header, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(context.Background(), method, "https://127.0.0.1:"+board.Port()+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "https://127.0.0.1:"+board.Port())
		}
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header, string(body)
	}
	seal := func() string {
		_, _, page := ask("GET", "/anmelden", nil, "")
		all := regexp.MustCompile(`name="siegel" value="([^"]+)"`).FindAllStringSubmatch(page, -1)
		return all[len(all)-1][1]
	}
	if code, header, _ := ask("GET", "/", nil, ""); code != 303 || header.Get("Location") != "/anmelden?weiter=%2F" || !strings.HasPrefix(header.Get("Strict-Transport-Security"), "max-age=") {
		t.Errorf("nobody: %d %v", code, header)
	}
	if code, _, body := ask("GET", "/metrics", nil, token); code != 200 || !strings.Contains(body, "meldefunk_access_sessions 0") {
		t.Errorf("a program: %d %.200s", code, body)
	}
	login := url.Values{"siegel": {seal()}, "name": {"Erika Mustermann"}, "passwort": {accessPassword}}
	if code, header, body := ask("POST", "/anmelden", login, ""); code != 303 || header.Get("Location") != "/" {
		t.Fatalf("login: %d %s", code, body)
	}
	if code, _, page := ask("GET", "/", nil, ""); code != 200 || !strings.Contains(page, "Disposition") || !strings.Contains(page, "Domhof") {
		t.Errorf("logged in: %d %.300s", code, page)
	}

	if _, errs, code := runWith(t, "", "user", "role", "Erika Mustermann", "--role", "technician", "-c", p.config); code != exitOK {
		t.Fatal(errs)
	}
	p.reload("reloaded users and tokens")
	if code, _, page := ask("GET", "/", nil, ""); code != 200 || !strings.Contains(page, "Gerätetechnik") {
		t.Errorf("with another role: %d", code)
	}
	p.write("inventory.yaml", "no inventory") // a mistake elsewhere keeps nobody in
	for _, args := range [][]string{{"user", "remove", "Erika Mustermann"}, {"token", "remove", token[10:18]}} {
		if _, errs, code := runWith(t, "", append(args, "-c", p.config)...); code != exitOK {
			t.Fatal(errs)
		}
	}
	p.reload("reload refused; the running inventory")
	if code, _, _ := ask("GET", "/", nil, ""); code != 303 {
		t.Errorf("removed, and still in: %d", code)
	}
	if code, _, _ := ask("GET", "/metrics", nil, token); code != 401 {
		t.Errorf("a token that was removed: %d", code)
	}
	p.stop()
	p.wantNoKeys([]string{hex.EncodeToString([]byte(accessPassword)), hex.EncodeToString([]byte(token[19:]))})
	if used, err := os.ReadFile(filepath.Join(p.path("data"), tokenUseFile)); err != nil || !strings.Contains(string(used), token[10:18]) {
		t.Errorf("when the token was used: %s, %v", used, err)
	}
	for _, want := range []string{"somebody has logged in", "the role of somebody who is logged in has changed", "session ended: the user is gone"} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}
