package profile_test

import (
	"encoding/json"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"

	"meldefunk/tickets/profile"
)

// The examples that a city reads work as they stand there: each form is posted to the
// reference server, which answers what the page says.
func TestPageForTheCity(t *testing.T) {
	page, err := os.ReadFile("../../docs/de/sensor-meldung.md")
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, func(c *profile.Config) { c.APIKey = "geheim" })
	blocks := strings.Split(string(page), "\n```form ")[1:]
	if len(blocks) < 2 {
		t.Fatalf("%d examples, want a create and an update", len(blocks))
	}
	for _, block := range blocks {
		path, rest, _ := strings.Cut(block, "\n")
		text, rest, _ := strings.Cut(rest, "\n```\n")
		_, rest, answered := strings.Cut(rest, "```json answer\n")
		wanted, _, ended := strings.Cut(rest, "\n```")
		if !answered || !ended {
			t.Fatalf("%s: no answer beside it", path)
		}
		form, last := url.Values{}, ""
		for _, line := range strings.Split(text, "\n") {
			more, indented := strings.CutPrefix(line, "  ")
			if indented || line == "" {
				form.Set(last, form.Get(last)+"\n"+more)
				continue
			}
			name, value, _ := strings.Cut(line, "=")
			form.Set(name, value)
			last = name
		}
		status, body := h.call(path, form)
		var got, want any
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(wanted), &want); err != nil {
			t.Fatalf("%s: %v", wanted, err)
		}
		if status != 200 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d %s, the page says %s", path, status, body, wanted)
		}
	}
	for _, operation := range []string{"createRequest", "updateRequest"} {
		if h.judge.Seen()[operation] == 0 {
			t.Errorf("no example of %s", operation)
		}
	}
}
