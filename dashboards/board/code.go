package board

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/skip2/go-qrcode"

	"meldefunk/city"
)

// assetCode serves a QR code that leads to the page of an asset, under the name by which the
// board was called: on paper there is nothing to click.
func (b *Board) assetCode(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !slices.ContainsFunc(b.opt.Inventory.Assets(), func(a *city.Asset) bool { return a.ID == id }) {
		b.fail(w, r, &problem{http.StatusNotFound, "Anlage nicht gefunden", "Eine Anlage mit dieser Nummer steht nicht im Bestand."})
		return
	}
	scheme := "http://"
	if r.TLS != nil || b.opt.Access != nil && !loopback(hostname(r.Host)) { // a login goes only by TLS, here or at a proxy
		scheme = "https://"
	}
	body, err := qrSVG(scheme + r.Host + assetLink(id))
	if err != nil {
		b.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "private, max-age=86400")
	b.send(w, r, http.StatusOK, body)
}

// qrSVG draws a QR code, each row of dark modules that touch as one stroke.
func qrSVG(text string) ([]byte, error) {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return nil, fmt.Errorf("QR code of %.200q: %w", text, err)
	}
	modules := code.Bitmap() // with the quiet zone around it
	var path strings.Builder
	for y, row := range modules {
		for x := 0; x < len(row); {
			n := 0
			for x+n < len(row) && row[x+n] {
				n++
			}
			if n > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x, y, n, n)
			}
			x += n + 1
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`,
		len(modules), len(modules), len(modules), len(modules), path.String())
	return b.Bytes(), nil
}
