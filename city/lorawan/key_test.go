package lorawan

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestKeyHides(t *testing.T) {
	key := Key{0xca, 0xfe, 0xba, 0xbe}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%U"} {
		for _, what := range []any{key, &key, []Key{key}, struct{ K Key }{key}, map[string]Key{"k": key}} {
			if got := fmt.Sprintf(verb, what); strings.Contains(strings.ToLower(got), "cafe") || strings.Contains(got, "202") {
				t.Errorf("%s of %T prints %s", verb, what, got)
			}
		}
	}
	if b, err := json.Marshal(struct{ K Key }{key}); err == nil {
		t.Errorf("json gives %s", b)
	}
	if got := key.Hex(); got != "cafebabe"+strings.Repeat("0", 24) {
		t.Errorf("Hex gives %s", got)
	}
}

func TestParseText(t *testing.T) {
	for _, c := range []struct {
		name  string
		parse func(string) (string, error)
		good  string
		bad   []string
	}{
		{"key", func(s string) (string, error) { k, err := ParseKey(s); return k.Hex(), err }, "00112233445566778899aabbccddeeff",
			[]string{"", "00112233445566778899aabbccddeef", "00112233445566778899aabbccddeeff0", "g0112233445566778899aabbccddeeff"}},
		{"address", func(s string) (string, error) { a, err := ParseDevAddr(s); return a.String(), err }, "26011bda",
			[]string{"", "26011bd", "26011bda0", "26011bdx"}},
		{"NetID", func(s string) (string, error) { n, err := ParseNetID(s); return n.String(), err }, "c00013",
			[]string{"", "00013", "0000130", "00001x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, s := range []string{c.good, strings.ToUpper(c.good)} {
				if got, err := c.parse(s); err != nil || got != c.good {
					t.Errorf("%s is read as %s (%v)", s, got, err)
				}
			}
			for _, s := range c.bad {
				got, err := c.parse(s)
				if err == nil {
					t.Errorf("%q is read as %s", s, got)
				}
				if c.name == "key" && s != "" && strings.Contains(fmt.Sprint(err), s[:8]) {
					t.Errorf("the error repeats the key: %v", err)
				}
			}
		})
	}
	var k Key
	if err := k.UnmarshalText([]byte("zz")); !errors.Is(err, errKeyText) || !k.IsZero() {
		t.Errorf("text of two letters: %v", err)
	}
}
