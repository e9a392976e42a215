package board

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzFilter: whatever stands in an address is either refused as the visitor's mistake,
// or is a view whose own address leads back to it.
func FuzzFilter(f *testing.F) {
	f.Add("")
	f.Add("art=behaelter&bezirk=W%C3%BCste&tour=1&zustand=fast-voll&sortierung=alter&seite=7")
	f.Add("seite=-1&art=%ff&art=")
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		want, err := parseFilter(q)
		var p *problem
		if err != nil {
			if !errors.As(err, &p) || p.status != http.StatusBadRequest {
				t.Fatalf("%q: %v is not a bad request", query, err)
			}
			return
		}
		back, err := url.Parse(want.address())
		if err != nil || back.Path != "/" {
			t.Fatalf("%q has the address %q: %v", query, want.address(), err)
		}
		if got, err := parseFilter(back.Query()); err != nil || got != want {
			t.Fatalf("%q: %+v became %+v (%v) by way of %q", query, want, got, err, want.address())
		}
	})
}

// FuzzLegible: whatever the bytes of a message, what is shown is visible text.
func FuzzLegible(f *testing.F) {
	f.Add([]byte("{\"a\":1}\n\tStraße"))
	f.Add([]byte{0, 0xff})
	f.Add([]byte("\u202e\x1b[31m\x7f"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := legible(body)
		if !utf8.ValidString(got) || len(body) > 0 && got == "" {
			t.Fatalf("%q became %q", body, got)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) && r != '\n' && r != '\t' {
				t.Fatalf("%q is shown with %U", body, r)
			}
		}
	})
}
