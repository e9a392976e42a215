package access

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// address is where a request comes from: an address, or the /64 of IPv6, of which everybody
// has all addresses. Behind a proxy that the settings name it is what the proxy says, from the
// end on: what stands before may be anybody's invention.
func (a *Access) address(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	ip := from.Addr().Unmap().WithZone("")
	told := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(told) {
		if !a.isProxy(ip) {
			break
		}
		before, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			break
		}
		ip = before.Unmap().WithZone("")
	}
	if ip.Is6() {
		p, _ := ip.Prefix(64) // a length that it has
		return p.String()
	}
	return ip.String()
}

func (a *Access) isProxy(ip netip.Addr) bool {
	return slices.ContainsFunc(a.cfg.Proxies, func(text string) bool {
		p, err := netip.ParseAddr(text)
		return err == nil && p.Unmap() == ip
	})
}
