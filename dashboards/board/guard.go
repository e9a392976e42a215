package board

import (
	"net"
	"net/http"
	"strings"
)

// contentPolicy allows what the pages need and nothing else: one stylesheet, one icon,
// forms back to here. There is no script to allow.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard stands in front of every path.
func (b *Board) guard(muxes map[string]*http.ServeMux) http.Handler {
	hosts := allowedHosts(b.opt.Config)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers hide the origin of forms
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		other, lent := b.mounted(r.URL.Path)
		switch {
		case !hosts[hostname(r.Host)]:
			b.fail(w, r, wrongHost())
		case lent:
			b.lend(other, w, r)
		case r.Method == http.MethodPost:
			muxes["POST"].ServeHTTP(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			b.refuseMethod(w, r)
		default:
			muxes["GET"].ServeHTTP(w, r)
		}
	})
}

func (b *Board) refuseMethod(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	b.fail(w, r, wrongMethod())
}

// allowedHosts are the names of this machine, and those by which others call it.
func allowedHosts(c Config) map[string]bool {
	hosts := map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true}
	for _, name := range c.Hosts {
		hosts[hostname(name)] = true
	}
	return hosts
}

// hostname cuts the port off a Host header and brackets off an address.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
