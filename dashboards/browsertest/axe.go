package browsertest

import (
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// Axe is the source of the axe-core accessibility checker.
type Axe string

// LoadAxe reads axe.min.js from the path in MELDEFUNK_AXE. Where that is not set the
// test is skipped, unless MELDEFUNK_REAL=1: then it fails.
func LoadAxe(t testing.TB) Axe {
	t.Helper()
	path := os.Getenv("MELDEFUNK_AXE")
	if path == "" {
		Missing(t, "axe-core is not at hand (MELDEFUNK_AXE is not set to the path of axe.min.js)")
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read axe-core: %v", err)
	}
	return Axe(source)
}

// Violations runs every rule for WCAG 2.2 A and AA and for good practice, and says what
// breaks them: "rule: element, element".
func (a Axe) Violations(t testing.TB, p *Page) []string {
	t.Helper()
	p.do(t, "load axe-core", chromedp.Evaluate[chromedp.Void](string(a)))
	return Eval[[]string](t, p, `axe.run(document, {runOnly: {type: 'tag', values:
		['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}})
		.then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')))`)
}
