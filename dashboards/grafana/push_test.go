package grafana

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testToken = "glsa_s3cr3t:with-a-colon"

// standIn is the part of Grafana that is pushed to, as strict as the real one: unknown
// fields, wrong methods and wrong tokens are refused, versions are compared, names in a
// folder are unique (pkg/api and pkg/services/dashboards of Grafana 10).
type standIn struct {
	t       *testing.T
	mu      sync.Mutex
	folder  map[string]any
	boards  map[string]map[string]any
	sources []string
	writes  []string
	// odd, where set, may answer in place of Grafana by returning true.
	odd func(w http.ResponseWriter, r *http.Request) bool
}

func newStandIn(t *testing.T) (*standIn, Config) {
	s := &standIn{t: t, boards: map[string]map[string]any{}, sources: []string{influxUID, prometheusUID}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	cfg := whole(Flux)
	cfg.URL, cfg.TokenFile, cfg.Timeout = server.URL+"/grafana/", filepath.Join(t.TempDir(), "token"), 5*time.Second
	if err := os.WriteFile(cfg.TokenFile, []byte(testToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, cfg
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.odd != nil && s.odd(w, r) {
		return
	}
	path, below := strings.CutPrefix(r.URL.Path, "/grafana")
	_, _, basic := r.BasicAuth()
	if !below || basic || r.Header.Get("Authorization") != "Bearer "+testToken {
		answer(w, http.StatusUnauthorized, map[string]any{"message": "invalid API key"})
		return
	}
	switch {
	case r.Method == http.MethodGet && path == "/api/folders/"+folderUID:
		if s.folder == nil {
			answer(w, http.StatusNotFound, map[string]any{"message": "folder not found"})
			return
		}
		answer(w, http.StatusOK, s.folder)
	case r.Method == http.MethodPost && path == "/api/folders":
		body := s.body(r)
		if s.folder != nil {
			answer(w, http.StatusPreconditionFailed, map[string]any{"message": "a folder with that uid exists"})
			return
		}
		s.folder = map[string]any{"id": 7, "uid": body["uid"], "title": body["title"]}
		s.writes = append(s.writes, "folder")
		answer(w, http.StatusOK, s.folder)
	case r.Method == http.MethodGet && strings.HasPrefix(path, "/api/datasources/uid/"):
		if !slices.Contains(s.sources, strings.TrimPrefix(path, "/api/datasources/uid/")) {
			answer(w, http.StatusNotFound, map[string]any{"message": "Data source not found"})
			return
		}
		answer(w, http.StatusOK, map[string]any{"uid": "x"})
	case r.Method == http.MethodGet && strings.HasPrefix(path, "/api/dashboards/uid/"):
		b := s.boards[strings.TrimPrefix(path, "/api/dashboards/uid/")]
		if b == nil {
			answer(w, http.StatusNotFound, map[string]any{"message": "Dashboard not found"})
			return
		}
		answer(w, http.StatusOK, map[string]any{"dashboard": b, "meta": map[string]any{"folderId": 7}})
	case r.Method == http.MethodPost && path == "/api/dashboards/db":
		s.save(w, r)
	default:
		answer(w, http.StatusNotFound, map[string]any{"message": "Not found"})
	}
}

func (s *standIn) save(w http.ResponseWriter, r *http.Request) {
	body := s.body(r)
	if body == nil {
		return
	}
	b, _ := body["dashboard"].(map[string]any)
	uid, _ := b["uid"].(string)
	if b["id"] != nil && b["id"] != float64(0) {
		s.t.Errorf("a board was sent with id %v: it would write over whatever has that number", b["id"])
	}
	if body["Overwrite"] != false || body["FolderID"] != s.folder["id"] && body["FolderID"] != float64(7) {
		s.t.Errorf("sent with %v, %v", body["Overwrite"], body["FolderID"])
	}
	old := s.boards[uid]
	if old != nil && old["version"] != b["version"] {
		answer(w, http.StatusPreconditionFailed, map[string]any{"status": "version-mismatch", "message": "The dashboard has been changed by someone else"})
		return
	}
	for other, there := range s.boards {
		if other != uid && there["title"] == b["title"] {
			answer(w, http.StatusPreconditionFailed, map[string]any{"status": "name-exists", "message": "A dashboard with the same name in the folder already exists"})
			return
		}
	}
	version := 1.0
	if old != nil {
		version = old["version"].(float64) + 1
	}
	b["id"], b["version"] = 40+len(s.boards), version
	b["fiscalYearStartMonth"] = 0 // Grafana adds fields of its own
	s.boards[uid] = b
	s.writes = append(s.writes, uid)
	answer(w, http.StatusOK, map[string]any{"id": b["id"], "uid": uid, "status": "success", "version": version, "slug": "x", "url": "/d/x"})
}

func (s *standIn) body(r *http.Request) map[string]any {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil && r.Context().Err() == nil || r.Header.Get("Content-Type") != "application/json" {
		s.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	return body
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func outcomes(r Report) string {
	var all []string
	for _, b := range r.Boards {
		all = append(all, string(b.Outcome))
	}
	return strings.Join(all, " ")
}

// TestPush goes through the life of our boards in a Grafana.
func TestPush(t *testing.T) {
	s, cfg := newStandIn(t)
	boards := boardsOf(t, cfg)[:3]
	push := func(what string, dry bool, folder Outcome, want string, writes int) Report {
		t.Helper()
		s.writes = nil
		r, err := Push(t.Context(), cfg, boards, dry)
		if err != nil || r.Folder != folder || outcomes(r) != want || len(s.writes) != writes {
			t.Errorf("%s: folder %s, boards %s, written %q, %v; want %s, %s, %d", what, r.Folder, outcomes(r), s.writes, err, folder, want, writes)
		}
		return r
	}
	push("dry", true, Created, "created created created", 0)
	push("first", false, Created, "created created created", 4)
	push("again", false, Unchanged, "unchanged unchanged unchanged", 0)

	s.boards[boards[1].UID]["title"] = "Von Hand geändert"
	s.boards[boards[1].UID]["version"] = 9.0
	r := push("dry, after somebody's change", true, Unchanged, "unchanged changed unchanged", 0)
	if want := `title: "Von Hand geändert" → "Behälter"`; len(r.Boards[1].Diff) != 1 || r.Boards[1].Diff[0] != want {
		t.Errorf("differences: %q, want %q", r.Boards[1].Diff, want)
	}
	push("after somebody's change", false, Unchanged, "unchanged changed unchanged", 1)

	s.sources = []string{prometheusUID}
	if r := push("a datasource is missing", false, Unchanged, "unchanged unchanged unchanged", 0); !slices.Equal(r.Missing, []string{influxUID}) {
		t.Errorf("missing: %q", r.Missing)
	}
	s.odd = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/datasources/") {
			answer(w, http.StatusForbidden, map[string]any{"message": "You'll need additional permissions"})
			return true
		}
		return false
	}
	if r := push("datasources may not be asked for", false, Unchanged, "unchanged unchanged unchanged", 0); r.Missing != nil {
		t.Errorf("missing: %q", r.Missing)
	}
}

// TestPushLeavesOthersAlone has objects of others where ours would go.
func TestPushLeavesOthersAlone(t *testing.T) {
	s, cfg := newStandIn(t)
	boards := boardsOf(t, cfg)[:3]
	s.boards[boards[0].UID] = map[string]any{"uid": boards[0].UID, "title": "Ganz anderes", "version": 3.0, "tags": []any{"x"}}
	s.boards["other"] = map[string]any{"uid": "other", "title": boards[1].Title, "version": 3.0}
	r, err := Push(t.Context(), cfg, boards, false)
	if got := outcomes(r); got != "foreign failed created" || err == nil {
		t.Errorf("outcomes %s, %v; want foreign failed created", got, err)
	}
	for _, want := range []string{"not ours", "Ganz anderes", "412", "same name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	if s.boards[boards[0].UID]["title"] != "Ganz anderes" || s.boards["other"]["version"] != 3.0 {
		t.Error("a board of somebody else was written over")
	}

	changed := false
	s.odd = func(_ http.ResponseWriter, r *http.Request) bool { // somebody saves between our question and our write
		if uid := boards[2].UID; r.Method == http.MethodPost && !changed {
			changed = true
			s.boards[uid]["version"] = 5.0
		}
		return false
	}
	s.boards[boards[2].UID]["refresh"] = "5m"
	if r, err = Push(t.Context(), cfg, boards[2:], false); outcomes(r) != "failed" || !strings.Contains(fmt.Sprint(err), "412") || s.boards[boards[2].UID]["refresh"] != "5m" {
		t.Errorf("a change in between: %s, %v", outcomes(r), err)
	}
}

// TestPushOddAnswers has each of what proxies and other versions answer, at each of the
// requests: an error that says so, no panic, no secret, and nothing written afterwards.
func TestPushOddAnswers(t *testing.T) {
	text := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	const jsonType, html = "application/json", "text/html; charset=utf-8"
	for _, c := range []struct {
		name string
		odd  http.HandlerFunc
		want string
	}{
		{"401", text(401, jsonType, `{"message":"invalid API key"}`), "answered 401 Unauthorized: invalid API key; the token is wrong"},
		{"401 that repeats the token", text(401, jsonType, `{"message":"no such key `+testToken+`"}`), "no such key <secret>"},
		{"403", text(403, jsonType, `{"message":"Permission denied"}`), "needs the role Editor"},
		{"409", text(409, jsonType, `{"message":"exists"}`), "answered 409 Conflict: exists"},
		{"412", text(412, jsonType, `{"status":"version-mismatch","message":"changed"}`), "answered 412 Precondition Failed: changed; somebody has changed it"},
		{"422", text(422, jsonType, `[{"fieldNames":["x"]}]`), "answered 422"},
		{"500", text(500, jsonType, `{"message":"database is locked"}`), "database is locked; Grafana, or a proxy before it, is not well"},
		{"502 with {}", text(502, jsonType, `{}`), "answered 502 Bad Gateway: {}"},
		{"502 with null", text(502, jsonType, `null`), "answered 502 Bad Gateway: null"},
		{"502 with HTML", text(502, html, "<html>\n<h1>502</h1>"), "answered 502 Bad Gateway: <html> <h1>502</h1>"},
		{"503 with nothing", text(503, html, ""), "answered 503 Service Unavailable: (nothing)"},
		{"404 with HTML", text(404, html, "<html>nginx"), "answered 404 Not Found: not a JSON object but <html>nginx; is that Grafana?"},
		{"200 with HTML", text(200, html, "<html>Anmelden"), "not a JSON object but <html>Anmelden; is that Grafana?"},
		{"200 with a list", text(200, jsonType, `[]`), "not a JSON object but []"},
		{"200 with null", text(200, jsonType, `null`), ""},
		{"200 with {}", text(200, jsonType, `{}`), ""},
		{"200 with other types", text(200, jsonType, `{"id":"seven","uid":[],"dashboard":3,"status":1}`), ""},
		{"200 cut off", text(200, jsonType, `{"id":`), "not a JSON object"},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login?x="+testToken, http.StatusFound)
		}, "grafana.url must be the address that answers itself"},
		{"a closed connection", func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = c.Close()
			}
		}, ""},
		{"no answer in time", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that nobody listens
			<-r.Context().Done()
		}, "did not answer within"},
		{"without end", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", jsonType)
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for range 2 * longestAnswer >> 20 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, "more than 16 MiB"},
	} {
		for _, at := range []struct{ name, method, path string }{
			{"folder", http.MethodGet, "/grafana/api/folders/"}, {"making the folder", http.MethodPost, "/grafana/api/folders"},
			{"board", http.MethodGet, "/grafana/api/dashboards/"}, {"saving", http.MethodPost, "/grafana/api/dashboards/db"},
		} {
			t.Run(c.name+"/"+at.name, func(t *testing.T) {
				s, cfg := newStandIn(t)
				boards := boardsOf(t, cfg)[:1]
				if c.name == "no answer in time" {
					cfg.Timeout = 100 * time.Millisecond
				}
				hit := 0
				s.odd = func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method != at.method || !strings.HasPrefix(r.URL.Path, at.path) {
						return false
					}
					hit++
					s.mu.Unlock() // it may wait for the client
					defer s.mu.Lock()
					c.odd(w, r)
					return true
				}
				report, err := Push(t.Context(), cfg, boards, false)
				s.mu.Lock() // a handler whose connection is gone may still be at work
				defer s.mu.Unlock()
				if hit != 1 && (hit == 0 || at.method == http.MethodPost) { // a GET may go out again on another connection
					t.Errorf("asked %d times, want once", hit)
				}
				said := fmt.Sprint(err)
				if err == nil || !strings.Contains(said, c.want) {
					t.Errorf("error %v, want one with %q", err, c.want)
				}
				if strings.Contains(said, testToken) {
					t.Errorf("the token is in %s", said)
				}
				if len(s.boards) > 0 || len(report.Boards) == 1 && report.Boards[0].Outcome != Failed {
					t.Errorf("%d boards saved, outcomes %s", len(s.boards), outcomes(report))
				}
			})
		}
	}
}

// TestPushEndsWithContext stops in the middle.
func TestPushEndsWithContext(t *testing.T) {
	s, cfg := newStandIn(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.odd = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/db") {
			cancel()
		}
		return false
	}
	boards := boardsOf(t, cfg)
	r, err := Push(ctx, cfg, boards, false)
	if err == nil || len(r.Boards) != 1 {
		t.Errorf("%d boards tried, %v; want it to end with the first", len(r.Boards), err)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(c *Config)
		want   string
	}{
		{"defaults", func(*Config) {}, ""},
		{"whole", func(c *Config) { *c = whole(InfluxQL); c.URL = "https://grafana.example/g"; c.TokenEnv = "X" }, ""},
		{"http here", func(c *Config) { c.URL = "http://127.0.0.1:3000" }, ""},
		{"http elsewhere, wanted", func(c *Config) { c.URL, c.Plaintext = "http://grafana.example", PlaintextAccepted }, ""},
		{"http elsewhere", func(c *Config) { c.URL = "http://grafana.example" }, "unencrypted"},
		{"language", func(c *Config) { c.Language = "sql" }, `language: "sql" is not one of flux, influxql`},
		{"folder", func(c *Config) { c.Folder = "" }, "folder:"},
		{"path", func(c *Config) { c.Path = "dashboards" }, "path:"},
		{"no address", func(c *Config) { c.Board = "tafel" }, "board: not an address"},
		{"password", func(c *Config) { c.Prometheus = "https://u:secret@p.example" }, "prometheus: holds a user name"},
		{"question mark", func(c *Config) { c.Districts = "https://x.example/d?key=1" }, "districts: has something after"},
		{"dollar", func(c *Config) { c.Board = "https://x.example/${x}" }, "board: has a blank"},
		{"tiles", func(c *Config) { c.Tiles = "https://x.example/{z}/{x}.png" }, "tiles: {y} is missing"},
		{"two tokens", func(c *Config) { c.TokenFile, c.TokenEnv = "a", "b" }, "give one of them"},
		{"timeout", func(c *Config) { c.Timeout = time.Hour }, "timeout:"},
		{"plaintext", func(c *Config) { c.Plaintext = "yes" }, "plaintext:"},
		{"attribution", func(c *Config) { c.Attribution = "a\nb" }, "attribution:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := DefaultConfig()
			c.change(&cfg)
			err := cfg.Validate()
			if c.want == "" && err != nil || c.want != "" && !strings.Contains(fmt.Sprint(err), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if strings.Contains(fmt.Sprint(err), "secret") {
				t.Errorf("a password is in %v", err)
			}
		})
	}
	for _, b := range []Bucket{{}, {URL: "http://x", Org: "o", Name: "a$b"}, {URL: "http://x", Org: "o", Name: "a\nb"}, {URL: "http://x", Org: "o", Name: "a[[b"}} {
		if _, err := Boards(DefaultConfig(), b); err == nil {
			t.Errorf("boards of bucket %q", b.Name)
		}
	}
}

func TestToken(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("MELDEFUNK_TEST_TOKEN", " glsa_x ")
	for _, c := range []struct {
		name, file, env, want, problem string
	}{
		{"file", file("good", "glsa_x\n"), "", "glsa_x", ""},
		{"environment", "", "MELDEFUNK_TEST_TOKEN", "glsa_x", ""},
		{"none", "", "", "", "token_file, token_env: give one"},
		{"not set", "", "MELDEFUNK_NOT_SET", "", "is empty"},
		{"no file", filepath.Join(dir, "nowhere"), "", "", "no such file"},
		{"empty", file("empty", "\n"), "", "", "is empty"},
		{"two lines", file("two", "secret\nsecret"), "", "", "is not a token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{TokenFile: c.file, TokenEnv: c.env}
			got, err := cfg.token()
			if got != c.want || !strings.Contains(fmt.Sprint(err), c.problem) || (err == nil) != (c.problem == "") {
				t.Errorf("got %q, %v; want %q, %q", got, err, c.want, c.problem)
			}
			if strings.Contains(fmt.Sprint(err), "secret") {
				t.Errorf("the token is in %v", err)
			}
		})
	}
}

// TestEmptyTile is the ground of maps without tiles.
func TestEmptyTile(t *testing.T) {
	img := decodeTile(t)
	if b := img.Bounds(); b.Dx() != 1 || b.Dy() != 1 {
		t.Errorf("%v, want one pixel", b)
	}
	if _, _, _, alpha := img.At(0, 0).RGBA(); alpha != 0 {
		t.Errorf("alpha %d, want it transparent", alpha)
	}
}

// FuzzDifferences wants a board that Grafana gives back, whatever it is, compared without a
// panic, and no difference from itself.
func FuzzDifferences(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}],"c":"x"}`), []byte(`{"a":[1,2],"d":null}`))
	f.Add([]byte(`{"panels":[{"id":1}]}`), []byte(`{"panels":{"id":1}}`))
	f.Fuzz(func(t *testing.T, has, want []byte) {
		var a, b map[string]any
		if json.Unmarshal(has, &a) != nil || json.Unmarshal(want, &b) != nil {
			return
		}
		if found := differences(a, b); len(found) > longestDiff+1 {
			t.Errorf("%d differences told", len(found))
		}
		if found := differences(b, b); len(found) != 0 {
			t.Errorf("differs from itself: %q", found)
		}
	})
}
