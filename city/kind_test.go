package city

import "testing"

func TestKinds(t *testing.T) {
	seen := map[string]bool{KindUnknown.String(): true}
	for _, k := range Kinds() {
		if name := k.String(); name == "" || seen[name] {
			t.Errorf("kind %d is called %q", k, name)
		} else {
			seen[name] = true
		}
		if got, err := ParseKind(k.String()); err != nil || got != k {
			t.Errorf("%s is read as %s, %v", k, got, err)
		}
	}
	for _, text := range []string{"", "unknown", "Bin", "lamp"} {
		if k, err := ParseKind(text); err == nil {
			t.Errorf("%q is read as %s", text, k)
		}
	}
}
