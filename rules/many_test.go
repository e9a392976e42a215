package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// As many rules as a set may have at one kind can all stand open at one asset and be read again.
func TestManyRulesAtOneAsset(t *testing.T) {
	file := func(n int) []byte {
		var b strings.Builder
		b.WriteString("rules:\n")
		for i := range n {
			fmt.Fprintf(&b, "  - {id: r%d, kind: bin, quantity: fill_level, open: \">= %d %%\", clear: \"<= 1 %%\", readings: 1, service: X%d, title: t}\n", i, 10+i%50, i)
		}
		return []byte(b.String())
	}
	if _, err := Load("rules.yaml", file(maxRules+1)); err == nil || !strings.Contains(err.Error(), "want 255 at most") {
		t.Errorf("one too many: %v", err)
	}
	set, err := Load("rules.yaml", file(maxRules))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	asset := &city.Asset{ID: "A", Kind: city.Bin}
	m, verdicts, _ := set.Step(nil, &city.Sight{Asset: asset, Now: at, Reading: &city.Reading{Asset: "A", Kind: city.Bin, FCnt: 1,
		Time: city.Stamp{At: at}, Values: []city.Value{{Quantity: city.FillLevel, Number: 95}}}})
	if len(verdicts) != maxRules {
		t.Errorf("%d verdicts, want %d", len(verdicts), maxRules)
	}
	kept, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := set.Recall("A", kept)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(again.Standings()); got != maxRules {
		t.Errorf("%d rules stand open after a restart, want %d", got, maxRules)
	}
}
