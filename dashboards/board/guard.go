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
func (b *Board) guard(next http.Handler) http.Handler {
	hosts, posts := allowedHosts(b.opt.Config), b.posts()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers hide the origin of forms
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !hosts[hostname(r.Host)]:
			b.fail(w, r, wrongHost())
		case r.Method == http.MethodPost:
			posts.ServeHTTP(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			b.refuseMethod(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (b *Board) refuseMethod(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	b.fail(w, r, wrongMethod())
}

// allowedHosts are the names of this machine, which is the only one that can reach the
// board, and those that a proxy passes on.
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
