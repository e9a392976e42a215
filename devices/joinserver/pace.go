package joinserver

import (
	"sync"
	"time"

	"meldefunk/city"
)

const (
	// mostJoins is how often a device may join in joinsPer. Each join costs a write to the
	// disk and one of its nonces. A device that is not heard may spend 36 s of air in its
	// first hour on asking (L2 1.0.3 section 7): ten requests a minute at the fastest data rate.
	mostJoins = 12
	joinsPer  = time.Minute
	// mostPaced bounds the memory, to some 4 MiB. With more devices at once counting begins anew.
	mostPaced = 65536
)

// pace counts what devices were granted, in windows that begin with a join. Requests that are
// not the device's own, or recorded ones, do not count: with them others could keep it out.
type pace struct {
	mu      sync.Mutex
	devices map[city.EUI]window
}

type window struct {
	since time.Time
	count int
}

// allow counts one more, unless there were enough.
func (p *pace) allow(devEUI city.EUI, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, known := p.devices[devEUI]
	if !known || now.Sub(w.since) >= joinsPer {
		w = window{since: now}
	}
	if w.count == mostJoins {
		return false
	}
	if p.devices == nil || !known && len(p.devices) >= mostPaced {
		p.devices = map[city.EUI]window{}
	}
	w.count++
	p.devices[devEUI] = w
	return true
}
