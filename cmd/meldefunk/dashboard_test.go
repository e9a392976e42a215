package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/dashboards/grafana"
)

const dashboardInflux = "influxdb: {url: \"http://127.0.0.1:8086\", org: stadt, bucket: sensorik, token_env: X}\n"

// grafanaServer is a Grafana that keeps what it is given; a strict one is in
// dashboards/grafana.
func grafanaServer(t *testing.T) (*httptest.Server, map[string]json.RawMessage) {
	kept := map[string]json.RawMessage{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		uid := filepath.Base(r.URL.Path)
		switch {
		case r.Header.Get("Authorization") != "Bearer right":
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"message":"invalid API key"}`)
		case strings.HasPrefix(r.URL.Path, "/api/folders"):
			fmt.Fprint(w, `{"id":7,"uid":"meldefunk","title":"Meldefunk"}`)
		case r.Method == http.MethodPost:
			var body struct{ Dashboard json.RawMessage }
			var head struct{ UID string }
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				t.Error(err)
			}
			if err := json.Unmarshal(body.Dashboard, &head); err != nil {
				t.Error(err)
			}
			kept[head.UID] = body.Dashboard
			fmt.Fprintf(w, `{"id":1,"uid":%q,"status":"success"}`, head.UID)
		case strings.HasPrefix(r.URL.Path, "/api/dashboards/") && kept[uid] != nil:
			fmt.Fprintf(w, `{"dashboard":%s,"meta":{}}`, kept[uid])
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message":"not found"}`)
		}
	}))
	t.Cleanup(server.Close)
	return server, kept
}

// TestDashboardCommand goes through what can be said on the command line, in order: later
// steps live on earlier ones.
func TestDashboardCommand(t *testing.T) {
	server, kept := grafanaServer(t)
	whole := good + dashboardInflux + "grafana: {prometheus: \"http://127.0.0.1:9090\", url: \"" + server.URL + "\", token_env: GRAFANA_TEST_TOKEN}\n"
	dir := write(t, map[string]string{
		"whole.yaml":  whole,
		"plain.yaml":  good,
		"influx.yaml": good + dashboardInflux,
		"bad.yaml":    good + dashboardInflux + "grafana:\n  language: sql\n",
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.MkdirAll(in("taken/dashboards"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("taken/dashboards/meldefunk-parken.json"), []byte(`{"uid":"meldefunk-parken","tags":["von mir"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		token string
		args  []string
		code  int
		want  []string
	}{
		{"no folder", "", []string{"export", "-c", in("whole.yaml")}, exitUsage, []string{"wants one folder"}},
		{"no influxdb", "", []string{"export", "-c", in("plain.yaml"), in("out")}, exitUsage, []string{"plain.yaml: influxdb: the section is missing"}},
		{"bad language", "", []string{"export", "-c", in("bad.yaml"), in("out")}, exitUsage, []string{"bad.yaml:", "grafana: language: \"sql\""}},
		{"bad flag", "", []string{"export", "-c", in("whole.yaml"), "--language", "sql", in("out")}, exitUsage, []string{`--language: language: "sql"`}},
		{"export", "", []string{"export", "-c", in("whole.yaml"), in("out")}, exitOK, []string{"written   " + in("out/dashboards/meldefunk-behaelter.json"), "written   " + in("out/provisioning/alerting/meldefunk.yaml")}},
		{"again", "", []string{"export", "-c", in("whole.yaml"), in("out")}, exitOK, []string{"unchanged " + in("out/dashboards/meldefunk-behaelter.json"), "!written"}},
		{"in the other language", "", []string{"export", "-c", in("whole.yaml"), "--language", "influxql", in("out")}, exitOK, []string{"written   " + in("out/dashboards/meldefunk-behaelter.json"), "unchanged " + in("out/dashboards/meldefunk-plattform.json")}},
		{"somebody's file", "", []string{"export", "-c", in("whole.yaml"), in("taken")}, exitFailure, []string{"nothing was written", "meldefunk-parken.json is there and was not written by an export"}},
		{"nowhere to push", "right", []string{"push", "-c", in("influx.yaml")}, exitUsage, []string{"url and token_file or token_env are needed"}},
		{"wrong token", "wrong", []string{"push", "-c", in("whole.yaml")}, exitFailure, []string{"answered 401", "!wrong token"}},
		{"dry", "right", []string{"push", "-c", in("whole.yaml"), "--dry-run"}, exitOK, []string{"created   Behälter (meldefunk-behaelter)", "no datasource with uid meldefunk-influxdb"}},
		{"push", "right", []string{"push", "-c", in("whole.yaml")}, exitOK, []string{"created   Plattform (meldefunk-plattform)"}},
		{"push again", "right", []string{"push", "-c", in("whole.yaml")}, exitOK, []string{"unchanged Plattform (meldefunk-plattform)", "!created"}},
		{"diff", "right", []string{"push", "-c", in("whole.yaml"), "--diff", "--language", "influxql"}, exitOK, []string{"changed   Behälter", "panels[0].targets[0].query: \"from(bucket"}},
		{"JSON", "right", []string{"push", "-c", in("whole.yaml"), "--dry-run", "--json"}, exitOK, []string{`"uid":"meldefunk-boden","title":"Böden und Bäume","outcome":"unchanged"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("GRAFANA_TEST_TOKEN", c.token)
			before := len(kept)
			out, code := run(t, append([]string{"dashboard"}, c.args...)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				text, absent := strings.CutPrefix(want, "!")
				if strings.Contains(out, text) == absent {
					t.Errorf("want %q in\n%s", want, out)
				}
			}
			if wrote := len(kept) > before; wrote != (c.name == "push") {
				t.Errorf("Grafana was written to: %v", wrote)
			}
		})
	}
	if there, err := filepath.Glob(in("taken/*/*")); err != nil || len(there) != 1 {
		t.Errorf("in the folder that holds somebody's file: %q, %v", there, err)
	}
	if there, err := filepath.Glob(in("out/*/*.new")); err != nil || len(there) > 0 {
		t.Errorf("left behind: %q, %v", there, err)
	}
}

var (
	metricUsed = regexp.MustCompile(`\b(meldefunk_[a-z_]+)\b`)
	labelsUsed = regexp.MustCompile(`\bby \(([a-z_, ]+)\)|\{\{(\w+)\}\}`)
)

// TestBoardsAskForMetricsThatExist holds every query to Prometheus, of boards and alerts,
// against the metrics that a platform with everything registers.
func TestBoardsAskForMetricsThatExist(t *testing.T) {
	t.Setenv("X", "token")
	dir := write(t, map[string]string{"m.yaml": strings.Replace(good, "inventory.yaml", "DIR/inventory.yaml", 1) + dashboardInflux, "inventory.yaml": "assets: []\n"})
	s, err := loadSettings(filepath.Join(dir, "m.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := loadFiles(t.Context(), s, snapshot{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	if _, err := build(s, f, nil, time.Now, "", zerolog.Nop(), registry); err != nil {
		t.Fatal(err)
	}
	all := make(chan *prometheus.Desc, 1000)
	registry.Describe(all)
	close(all)
	known := map[string]string{}
	for d := range all {
		name, _, _ := strings.Cut(strings.TrimPrefix(d.String(), `Desc{fqName: "`), `"`)
		known[name] = d.String()
	}
	cfg := grafana.DefaultConfig()
	cfg.Prometheus = "http://127.0.0.1:9090"
	files, err := grafana.Files(cfg, grafana.Bucket{URL: "http://x", Org: "o", Name: "b"})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, file := range files {
		var board struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr, LegendFormat string }
			}
		}
		texts := []string{string(file.Data)}
		if json.Unmarshal(file.Data, &board) == nil {
			texts = nil
			for _, p := range board.Panels {
				for _, q := range p.Targets {
					texts = append(texts, q.Expr+" "+q.LegendFormat)
				}
			}
		}
		for _, text := range texts {
			for _, m := range metricUsed.FindAllString(text, -1) {
				name := m
				for _, suffix := range []string{"_bucket", "_sum", "_count"} {
					if base := strings.TrimSuffix(m, suffix); known[base] != "" {
						name = base
					}
				}
				asked++
				if known[name] == "" {
					t.Errorf("%s asks for %s, which the platform does not have", file.Name, m)
					continue
				}
				for _, l := range labelsUsed.FindAllStringSubmatch(text, -1) {
					for _, label := range strings.Split(l[1]+l[2], ", ") {
						if !slices.Contains([]string{"le", "instance"}, label) && !strings.Contains(known[name], label) {
							t.Errorf("%s: %s has no label %s", file.Name, m, label)
						}
					}
				}
			}
		}
	}
	if asked < 20 {
		t.Errorf("only %d metrics found in the boards", asked)
	}
}
