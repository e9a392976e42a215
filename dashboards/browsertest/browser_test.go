package browsertest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// broken is a page with one planted fault of each sort that the tests of real pages
// rely on being found.
const broken = `<!doctype html><html lang="de"><head><title>Kaputt</title><style>
p { color: #bbb; background: #fff }
div { width: 600px }
@media (prefers-color-scheme: dark) { h1 { font-size: 77px } }
@media (forced-colors: active) { h1 { font-size: 88px } }
@media print { h1 { font-size: 99px } }
</style></head>
<body><main><h1>Kaputt</h1><p>zu blass</p><div>zu breit</div><img src="/x.png">
<script>document.title = "Skript"</script></main></body></html>`

func serve(t *testing.T, page string) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestBrowserFindsFaults(t *testing.T) {
	b, url := Start(t), serve(t, broken)

	t.Run("overflow", func(t *testing.T) {
		p := b.Open(t, url, View{Width: 320, Height: 640})
		if got := p.Overflow(t); got < 200 {
			t.Errorf("Overflow() = %d on a page 600 px wide and a screen of 320", got)
		}
	})
	t.Run("views", func(t *testing.T) {
		for _, v := range []struct {
			view View
			size string
		}{
			{View{Name: "dark", Dark: true}, "77px"},
			{View{Name: "forced colors", ForcedColors: true}, "88px"},
			{View{Name: "print", Print: true}, "99px"},
		} {
			v.view.Width, v.view.Height = 800, 600
			p := b.Open(t, url, v.view)
			if got := Eval[string](t, p, `getComputedStyle(document.querySelector("h1")).fontSize`); got != v.size {
				t.Errorf("%s: h1 is %s, want %s: the view is not in force", v.view.Name, got, v.size)
			}
		}
	})
	t.Run("script", func(t *testing.T) {
		for title, v := range map[string]View{"Skript": {}, "Kaputt": {NoScript: true}} {
			v.Width, v.Height = 800, 600
			if got := Eval[string](t, b.Open(t, url, v), `document.title`); got != title {
				t.Errorf("NoScript %v: title %q, want %q", v.NoScript, got, title)
			}
		}
	})
	t.Run("axe", func(t *testing.T) {
		axe := LoadAxe(t)
		found := axe.Violations(t, b.Open(t, url, View{Width: 800, Height: 600}))
		for _, rule := range []string{"color-contrast", "image-alt"} {
			if !slices.ContainsFunc(found, func(v string) bool { return strings.HasPrefix(v, rule+": ") }) {
				t.Errorf("planted fault %s was not found, only %q", rule, found)
			}
		}
	})
}
