package javascript

import (
	"strings"
	"testing"
	"time"
)

// TestExamples runs the examples of all forms that lie in testdata.
func TestExamples(t *testing.T) {
	s := startSandbox(t, DefaultConfig(), time.Now)
	examples, err := LoadExamples("testdata/acme")
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]int{}
	for _, x := range examples {
		forms[x.File[strings.LastIndexByte(x.File, '/')+1:]]++
		t.Run(x.Name, func(t *testing.T) {
			if err := s.Try(t.Context(), x); err != nil {
				t.Error(err)
			}
		})
	}
	for _, file := range []string{"vectors.json", "tank-sonar-codec.yaml", "test_decode_moisture.json"} {
		if forms[file] == 0 {
			t.Errorf("no example from %s", file)
		}
	}
}
