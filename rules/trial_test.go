package rules

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// byName gives the shipped rules for "default", or none.
func byName(name string) (*Set, error) {
	if name != "default" {
		return nil, errors.New("want default")
	}
	return Default(), nil
}

// TestShipped runs the tests of the shipped rules, in the format that users write.
func TestShipped(t *testing.T) {
	data, err := os.ReadFile("default_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	trials, err := LoadTrials("default_test.yaml", data, byName)
	if err != nil {
		t.Fatal(err)
	}
	results, err := trials.Run()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		t.Run(r.Name, func(t *testing.T) {
			for _, f := range r.Failures {
				t.Errorf("%s:%d: %s", r.File, f.Line, f.String())
			}
		})
	}
	for _, r := range Default().Rules() {
		if !strings.Contains(string(data), " opened "+r.ID+" ") && !strings.Contains(string(data), "open: ["+r.ID) &&
			!strings.Contains(string(data), ", "+r.ID+" ") {
			t.Errorf("no test opens a case of %s", r.ID)
		}
	}
}
