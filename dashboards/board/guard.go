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
	hosts := allowedHosts(b.opt.Config)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !hosts[hostname(r.Host)]:
			b.fail(w, r, wrongHost())
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			b.fail(w, r, wrongMethod())
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// allowedHosts are the configured names, and those of this machine while it is the only
// one that can reach the board.
func allowedHosts(c Config) map[string]bool {
	hosts := map[string]bool{}
	for _, name := range c.Hosts {
		hosts[hostname(name)] = true
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && loopback(host) {
		for _, name := range []string{"localhost", "127.0.0.1", "::1", host} {
			hosts[name] = true
		}
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
