package opendata_test

import (
	"net/http/httptest"
	"testing"

	"meldefunk/dashboards/browsertest"
)

// TestPagesInBrowser looks at every page as people do.
func TestPagesInBrowser(t *testing.T) {
	browser := browsertest.Start(t)
	srv := httptest.NewServer(publish(t, osnabrueck(), config()))
	t.Cleanup(srv.Close)
	axe := browsertest.LoadAxe(t)
	for _, path := range []string{"/open/", "/open/parken", "/open/baeume"} {
		for _, v := range []browsertest.View{
			{Name: "desktop", Width: 1280, Height: 900}, {Name: "narrow", Width: 320, Height: 640}, {Name: "dark", Width: 1280, Height: 900, Dark: true},
			{Name: "forced", Width: 1280, Height: 900, ForcedColors: true}, {Name: "print", Width: 794, Height: 1123, Print: true},
		} {
			t.Run(path+"/"+v.Name, func(t *testing.T) {
				p := browser.Open(t, srv.URL+path, v)
				if over := p.Overflow(t); over > 0 {
					t.Errorf("the page is %d px wider than the screen", over)
				}
				for _, violation := range axe.Violations(t, p) {
					t.Errorf("axe: %s", violation)
				}
				if got := browsertest.Eval[string](t, p, `[document.documentElement.lang, document.querySelectorAll("h1").length, document.scripts.length, getComputedStyle(document.body).maxWidth].join()`); got != "de,1,0,800px" && !(v.Print && got == "de,1,0,none") {
					t.Errorf("language, heads, scripts, style: %s", got)
				}
			})
		}
	}
}
