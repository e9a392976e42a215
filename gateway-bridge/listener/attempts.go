package listener

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	mostFailures = 20 // of one address in attemptsPer
	attemptsPer  = time.Minute
	// mostSources bounds the memory for addresses. With more of them at once the oldest
	// knowledge is dropped, all of it: guessing a secret of 16 bytes stays hopeless.
	mostSources = 4096
)

// attempts counts failed logins by address.
type attempts struct {
	mu       sync.Mutex
	failures map[netip.Prefix]failures
}

type failures struct {
	count int
	since time.Time
}

// allowed tells whether an address may try, though not whether it will succeed.
func (a *attempts) allowed(from netip.Prefix, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, known := a.failures[from]
	return !known || f.count < mostFailures || now.Sub(f.since) >= attemptsPer
}

func (a *attempts) failed(from netip.Prefix, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, known := a.failures[from]
	if !known || now.Sub(f.since) >= attemptsPer {
		f = failures{since: now}
	}
	if a.failures == nil || !known && len(a.failures) >= mostSources {
		a.failures = map[netip.Prefix]failures{}
	}
	f.count++
	a.failures[from] = f
}

// source is where a connection comes from: the address, or the /64 of IPv6, of which
// everybody has all addresses.
func source(addr net.Addr) netip.Prefix {
	tcp, is := addr.(*net.TCPAddr)
	if !is {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	prefix, _ := ip.Prefix(bits) // a length of its own kind
	return prefix
}
