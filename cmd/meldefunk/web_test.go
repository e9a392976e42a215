package main

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

// website builds a platform with a configuration, and does not start it.
func website(t *testing.T, config string) *app {
	t.Helper()
	dir := write(t, map[string]string{"m.yaml": config,
		"inventory.yaml": "assets:\n  - {id: PK-1, kind: bin, name: Domhof, district: Innenstadt}\n  - {id: BM-1, kind: soil, name: Linde}\ndevices:\n  - {dev_eui: a840410001810001, model: milesight/em310-udl, asset: PK-1}\n"})
	s, err := loadSettings(filepath.Join(dir, "m.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), t.TempDir(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	f, err := loadFiles(t.Context(), s, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := build(s, f, store, time.Now, "", zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const (
	webRest  = "inventory: [DIR/inventory.yaml]\nnetwork_servers:\n  - {name: ns, dialect: chirpstack-v4, broker: 'mqtt://127.0.0.1:1'}\n"
	released = "open_data: {sets: [bins], address: 'https://board.example.org', publisher: Stadt, contact: a@example.org, sensorthings: everybody}\n"
)

// TestWeb asks for what lies beside the pages: at this machine, from elsewhere, with a login that
// is missing, and with tokens.
func TestWeb(t *testing.T) {
	dir := write(t, map[string]string{"m.yaml": "data: DIR\n" + good + "access: {users_file: DIR/users.csv, tokens_file: DIR/tokens.csv}\n"})
	config := filepath.Join(dir, "m.yaml")
	if _, errs, code := runWith(t, accessPassword, "user", "add", "Otto", "--role", "crew", "--password-file", "-", "-c", config); code != exitOK {
		t.Fatal(errs)
	}
	token := func(scopes string) string {
		out, errs, code := runWith(t, "", "token", "add", "Test", "--scopes", scopes, "-c", config)
		if code != exitOK {
			t.Fatal(errs)
		}
		return strings.TrimSpace(out)
	}
	readings, platform, things := token("read:readings"), token("read:platform"), token("read:sensorthings")
	login := "access: {users_file: " + filepath.Join(dir, "users.csv") + ", tokens_file: " + filepath.Join(dir, "tokens.csv") + "}\n"
	local, behind := website(t, webRest+released), website(t, webRest+login+strings.Replace(released, "everybody", "login", 1))
	closed := website(t, webRest)
	for _, test := range []struct {
		name, path, bearer, host string
		a                        *app
		status                   int
		says                     string
	}{
		{"a program at this machine", "/api/v1/assets", "", "", local, 200, `"id":"PK-1"`},
		{"the document", "/api/v1/openapi.json", "", "", behind, 200, `"openapi":"3.1.0"`},
		{"by a foreign name", "/api/v1/assets", "", "evil.example.org", local, 421, ""},
		{"open data by a foreign name", "/open/behaelter.csv", "", "evil.example.org", local, 421, ""},
		{"nobody", "/api/v1/assets", "", "", behind, 401, "takes a login"},
		{"a token that is none", "/api/v1/assets", "meldefunk_x", "", behind, 401, "unknown or has expired"},
		{"a token", "/api/v1/assets", readings, "", behind, 200, `"id":"PK-1"`},
		{"a token for something else", "/api/v1/devices", readings, "", behind, 403, "read:devices"},
		{"the state", "/api/v1/status", platform, "", behind, 200, `"name":"road"`},
		{"open data without a login", "/open/behaelter.csv", "", "", behind, 200, "PK-1,Domhof"},
		{"open data with a bad token", "/open/catalog.rdf", "x", "", behind, 200, "https://board.example.org/open/behaelter.csv"},
		{"what is not released", "/open/baeume.csv", "", "", local, 404, ""},
		{"nothing is released", "/open/", "", "", closed, 404, ""},
		{"SensorThings for everybody", "/v1.1/Things", "", "", local, 200, `"PK-1"`},
		{"SensorThings for members: nobody", "/v1.1/Things", "", "", behind, 401, "read:sensorthings"},
		{"SensorThings for members: another", "/v1.1/Things", readings, "", behind, 403, "read:sensorthings"},
		{"SensorThings for members", "/v1.1/Things", things, "", behind, 200, `"PK-1"`},
		{"SensorThings is not wanted", "/v1.1/Things", "", "", closed, 404, ""},
		{"beside the prefix", "/api/v1x", "", "", local, 404, ""},
		{"the board itself", "/healthz", "", "", behind, 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8080"+test.path, nil)
			r.RemoteAddr = "127.0.0.1:4711"
			if test.host != "" {
				r.Host = test.host
			}
			if test.bearer != "" {
				r.Header.Set("Authorization", "Bearer "+test.bearer)
			}
			w := httptest.NewRecorder()
			test.a.board.Handler().ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.says) || strings.Contains(w.Body.String(), "BM-1") && strings.HasPrefix(test.path, "/v1.1") {
				t.Errorf("%d %.400s, want %d with %q", w.Code, w.Body, test.status, test.says)
			}
		})
	}
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080/v1.1/Things", strings.NewReader("{}"))
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	if local.board.Handler().ServeHTTP(w, r); w.Code != http.StatusForbidden {
		t.Errorf("a form of a foreign site: %d", w.Code)
	}
}

// TestWebLive follows a commit to a viewer.
func TestWebLive(t *testing.T) {
	a := website(t, webRest)
	srv := httptest.NewServer(a.board.Handler())
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.hub.Run(ctx) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/api/v1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	a.follow(&city.Commit{Readings: []city.Reading{{ID: 1, Asset: "PK-1", Kind: city.Bin, Values: []city.Value{{Quantity: city.FillLevel, Number: 81}}}}})
	lines := bufio.NewScanner(resp.Body)
	found := false
	for !found && lines.Scan() {
		found = strings.HasPrefix(lines.Text(), "data: ") && strings.Contains(lines.Text(), `"asset":"PK-1"`) && strings.Contains(lines.Text(), `"fill_level":81`)
	}
	if !found {
		t.Errorf("no reading came: %v", lines.Err())
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestOpenDataSettings(t *testing.T) {
	for text, want := range map[string]string{
		"open_data: {sensorthings: alle}\n":                            `open_data: sensorthings: "alle": want everybody or login`,
		"open_data: {sensorthings: login}\n":                           "open_data: sensorthings: there are no sets",
		"open_data: {sets: [bins]}\n":                                  "open_data: publisher: missing",
		"open_data: {sets: [bins], smallest_zone: 1, color: red}\n":    "color",
		strings.Replace(released, "publisher: Stadt", "licence: x", 1): `licence: "x"`,
	} {
		if _, err := parseSettings("m.yaml", []byte(good+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := parseSettings("m.yaml", []byte(good+released)); err != nil {
		t.Error(err)
	}
}
