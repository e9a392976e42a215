package rules

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestMistakes holds what is said about a file full of mistakes against what should be said:
// where each is, to the column, and what to do.
func TestMistakes(t *testing.T) {
	data, err := os.ReadFile("testdata/mistakes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/mistakes.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Load("mistakes.yaml", data)
	if err == nil {
		t.Fatal("accepted")
	}
	got := strings.Split(err.Error(), "\n")
	for i, line := range strings.Split(strings.TrimSuffix(string(want), "\n"), "\n") {
		if i >= len(got) || got[i] != line {
			t.Fatalf("got\n%s\nwant\n%s", err, want)
		}
	}
	if len(got) < 20 {
		t.Errorf("%d mistakes were found, want 20", len(got))
	}
	hint := regexp.MustCompile(`^mistakes\.yaml:\d+:\d+: .*(want|write|did you mean|units are|written)`)
	for _, line := range got {
		if !hint.MatchString(line) {
			t.Errorf("says not where, or not what to do: %s", line)
		}
	}
}
