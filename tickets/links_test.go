package tickets

import (
	"strings"
	"testing"
)

func TestLink(t *testing.T) {
	c := Config{Links: map[string]string{"emsos": "https://emsos.example/t/{id}", "rt": "http://127.0.0.1:8080/show?id={id}&x=1"}}
	for _, l := range []struct{ system, number, want string }{
		{"emsos", "2026-4711", "https://emsos.example/t/2026-4711"},
		{"emsos", "../x y?a#b%\"<ü", "https://emsos.example/t/..%2Fx%20y%3Fa%23b%25%22%3C%C3%BC"},
		{"rt", "1&x=2", "http://127.0.0.1:8080/show?id=1%26x%3D2&x=1"},
		{"emsos", "", ""},
		{"mail", "1", ""},
	} {
		if got := c.Link(l.system, l.number); got != l.want {
			t.Errorf("%s %q: %q, want %q", l.system, l.number, got, l.want)
		}
	}
}

func TestLinksAreChecked(t *testing.T) {
	for page, want := range map[string]string{
		"https://emsos.example/t/{id}":      "",
		"http://localhost:81/{id}":          "",
		"http://[::1]/{id}":                 "",
		"https://emsos.example/t/":          "with {id}",
		"http://emsos.example/{id}":         "want https",
		"javascript:alert({id})":            "want an address like",
		"javascript://x/%0aalert({id})":     "want https",
		"//emsos.example/{id}":              "want https",
		"https://u:p@emsos.example/{id}":    "want an address like",
		"https://{id}.example/":             "name of the host",
		"https://emsos.example:{id}/x/{id}": "name of the host",
		"{id}":                              "want an address like",
	} {
		cfg := DefaultConfig()
		cfg.Links = map[string]string{SystemLocal: page}
		err := cfg.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), "links: local: ") || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", page, err, want)
		}
	}
	cfg := DefaultConfig()
	cfg.Links = map[string]string{"locl": "https://emsos.example/{id}"}
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), `links: "locl" is no ticket system that is configured`) {
		t.Errorf("unknown system: %v", err)
	}
}
