package tickets

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
	"meldefunk/tickets/open311"
)

func TestSystems(t *testing.T) {
	cfg := settings(t, town+"mail: {server: mail.example:25, tls: none, plaintext: accepted, from: a@b.example, to: [c@d.example]}\n")
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	want := []string{"alt", "emsos", "local", "mail", "stadtwerke"}
	if got := cfg.names(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// Defaults of its kind below, what was written above.
	if s := cfg.Systems["emsos"].Open311; s.Timeout != 30*time.Second || s.Flavour != "strict" || s.Updates != open311.UpdatesRequest {
		t.Errorf("got %+v", s)
	}
	if s := cfg.Systems["stadtwerke"].Mail; s.Delivery != "at-most-once" || s.TLS != "starttls" {
		t.Errorf("got %+v", s)
	}
	t.Setenv("K", "x")
	all, err := Open(cfg, Parts{})
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Errorf("opened %q, want %q", got, want)
	}
}

func TestBadSystems(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"no kind":          {"systems:\n  a:\n    url: x", "line 3: a ticket system has no kind: want one of local, open311"},
		"unknown kind":     {"systems:\n  a:\n    kind: opne311", `line 3: kind "opne311": want one of local, open311, mail, webhook, csv; did you mean "open311"?`},
		"unknown key":      {"systems:\n  a:\n    kind: mail\n    form: x", `line 4: "form" is no key of a ticket system of the kind mail; did you mean "from"?`},
		"key of another":   {"systems: {a: {kind: csv, endpoint: x}}", `"endpoint" is no key of a ticket system of the kind csv`},
		"key of none":      {"systems: {a: {kind: local, url: x}}", `"url" is no key of a ticket system of the kind local`},
		"wrong type":       {"systems: {a: {kind: mail, timeout: 7}}", "into time.Duration"},
		"no mapping":       {"systems: {a: mail}", `a ticket system is the single value "mail"`},
		"incomplete":       {"systems: {a: {kind: webhook}}", "systems: a: url is missing"},
		"name":             {"systems: {Stadtwerke Ost: {kind: local}}", "systems: Stadtwerke Ost: is no name"},
		"name of a kind":   {"systems: {mail: {kind: csv, folder: x}}", "systems: mail: has the name of another kind than csv"},
		"twice":            {"systems: {csv: {kind: csv, folder: x}}\ncsv: {folder: y}", "systems: csv: the section csv says something as well"},
		"chosen, not said": {"system: mail", "mail: server"},
		"said, not whole":  {"mail: {server: mail.example:25}", "mail: from"},
		"chosen, unknown":  {"system: emso\nsystems: {emsos: {kind: local}}", `system "emso": want one of emsos, local, open311, mail, webhook, csv; did you mean "emsos"?`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			d := yaml.NewDecoder(strings.NewReader(tt.text))
			d.KnownFields(true)
			err := d.Decode(&cfg)
			if err == nil {
				err = cfg.Validate()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// Two ticket systems of one kind do not get each other's cases, and ask for numbers by their
// own names.
func TestSystemsByName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"nord", "sued"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cfg := settings(t, "systems:\n  nord: {kind: csv, folder: "+dir+"/nord}\n  sued: {kind: csv, folder: "+dir+"/sued}\n")
	cfg.TimeZone = "UTC"
	all, err := Open(cfg, Parts{Orders: func(_ context.Context, system string) ([]city.Order, error) {
		return []city.Order{{Case: city.Case{Ref: "S-" + system}}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"nord", "sued"} {
		if err := all[name].(interface{ Run(context.Context) error }).Run(ctx); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, name, "offene-meldungen.csv"))
		if err != nil || strings.Count(string(b), "S-"+name) == 0 || strings.Count(string(b), "S-") != strings.Count(string(b), "S-"+name) {
			t.Errorf("%s has %s, %v", name, b, err)
		}
	}

	c := newClock()
	_, url := townHall(t, c)
	cfg = toServer(t, url)
	cfg.Systems = map[string]SystemConfig{"emsos": {Kind: SystemOpen311, Open311: cfg.Open311}}
	cfg.System, cfg.Open311 = "emsos", open311.DefaultConfig()
	var asked string
	all, err = Open(cfg, Parts{Linked: func(_ context.Context, system, _ string) (string, bool, error) {
		asked = system
		return "", false, nil
	}, Codes: func(system string) []string { return []string{"no " + system} }})
	if err != nil {
		t.Fatal(err)
	}
	o := Preview(city.Case{Ref: "S-7K3QF2PA", Service: "OS-ABF-01"}, inventory()["PK-0042"], Route{}, berlin(t))
	o.SentAt = c.now()
	if _, err := all["emsos"].Create(t.Context(), o); err != nil || asked != "emsos" {
		t.Errorf("asked for numbers of %q, %v", asked, err)
	}
	if err := all["emsos"].(Checker).Check(t.Context()); err == nil || !strings.Contains(err.Error(), `routes: code: the endpoint has no service "no emsos"`) {
		t.Errorf("got %v", err)
	}
	// The code of the route goes before the service map.
	o.Code = "no such"
	if _, err := all["emsos"].Create(t.Context(), o); err == nil || city.AsFailure(err).Outcome != city.Refused {
		t.Errorf("got %v", err)
	}
}
