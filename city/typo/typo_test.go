package typo

import (
	"strings"
	"testing"
)

func TestMeant(t *testing.T) {
	known := []string{"bin", "soil", "parking", "fill_level", "Altstadt", "all", "art"}
	for name, tt := range map[string]struct{ word, want string }{
		"a letter replaced":      {"bim", "bin"},
		"a letter too few":       {"fil_level", "fill_level"},
		"a letter too many":      {"soiil", "soil"},
		"two letters swapped":    {"pakring", "parking"},
		"large letters":          {"PARKING", "parking"},
		"a large one is wanted":  {"altstat", "Altstadt"},
		"nothing like it":        {"temperature", ""},
		"nothing":                {"", ""},
		"as short as its faults": {"xyz", ""},
		"no slip of the pen":     {"fill_level" + strings.Repeat("l", 60), ""},
		"two are as near":        {"alt", "all"},
	} {
		t.Run(name, func(t *testing.T) {
			want := tt.want
			if want != "" {
				want = `; did you mean "` + want + `"?`
			}
			if got := Meant(tt.word, known); got != want {
				t.Errorf("%q: got %q, want %q", tt.word, got, want)
			}
		})
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"über", "ueber", 2}} {
		if got := distance([]rune(tt.a), []rune(tt.b)); got != tt.want {
			t.Errorf("%q, %q: got %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
