package pipeline

import (
	"fmt"
	"sync"
	"time"

	"meldefunk/city"
)

// Bounds of what is remembered for throttling (docs/adr/0013).
const (
	// remembered is how many windows of event time are counted for a device at once: more
	// than clocks of gateways that disagree.
	remembered = 4
	// maxPaces bounds the devices that are counted. Beyond it counting begins anew, which
	// gives everybody a new allowance and takes none away.
	maxPaces = 1 << 16
	// keptThrottled is how many throttled messages of a device are kept in a day with their
	// bytes. What exceeds it is counted.
	keptThrottled = 10_000
	// tellThrottled is how often the log tells of the same device.
	tellThrottled = time.Minute
)

// throttle says which arrivals are more than a device may send. It counts each device's
// messages in windows of event time and of arrival, and only what is too much in both is
// too much: a backlog that comes at once was sent over a long time, and a gateway whose
// clock stands still does not make its devices wild. It may be used by any goroutine.
type throttle struct {
	most   uint32 // in one window; 0: any number
	window int64  // ns

	mu    sync.Mutex
	paces map[city.EUI]pace
}

// pace is what a device has sent of late.
type pace struct {
	arrival tally
	event   [remembered]tally
	next    uint8 // the tally that is forgotten next
}

// tally counts the messages of one window.
type tally struct {
	window int64 // which; Unix time in windows
	n      uint32
}

func newThrottle(cfg *Config) *throttle {
	t := &throttle{paces: map[city.EUI]pace{}}
	if cfg.DeviceRate > 0 {
		t.most = uint32(cfg.DeviceBurst)
		t.window = int64(cfg.deviceWindow())
	}
	return t
}

// over counts an arrival and tells whether it is too much. A replay never is: it was asked
// for.
func (t *throttle) over(a *city.Arrival, ahead time.Duration) bool {
	if t.most == 0 || a.Err != nil || a.Replay {
		return false
	}
	devEUI, at := a.Event.DevEUI, a.Event.Time.At
	switch a.Event.Kind {
	case city.EventUp:
		devEUI, at = a.Event.Uplink.DevEUI, a.Event.Uplink.Time.At
	case city.EventJoin:
	default:
		return false
	}
	received := a.Message.Received
	if at.IsZero() || at.After(received.Add(ahead)) {
		at = received
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p, known := t.paces[devEUI]
	if !known && len(t.paces) >= maxPaces {
		clear(t.paces)
	}
	sent, came := p.sent(at.UnixNano()/t.window), p.came(received.UnixNano()/t.window)
	t.paces[devEUI] = p
	return sent > t.most && came > t.most
}

// came counts one more in a window of arrival.
func (p *pace) came(window int64) uint32 {
	if p.arrival.window != window {
		p.arrival = tally{window: window}
	}
	return p.arrival.more()
}

// sent counts one more in a window of event time.
func (p *pace) sent(window int64) uint32 {
	for i := range p.event {
		if t := &p.event[i]; t.window == window && t.n > 0 {
			return t.more()
		}
	}
	t := &p.event[p.next]
	p.next = (p.next + 1) % remembered
	*t = tally{window: window}
	return t.more()
}

func (t *tally) more() uint32 {
	if t.n++; t.n == 0 {
		t.n-- // full
	}
	return t.n
}

// excess is what the road knows of a device that is throttled.
type excess struct {
	day   int64 // Unix time in days, of arrival
	kept  int   // messages of that day with their bytes
	entry int   // where in the present commit those without are counted
	told  time.Time
	since int64 // messages since the log told of it
	lost  int64 // without bytes among them
}

// setThrottled stages a message that was more than its device may send: with its bytes, or,
// where many are kept of this day, as one more of an entry that counts the rest.
func (r *Road) setThrottled(a *city.Arrival) {
	devEUI, received := a.Event.DevEUI, a.Message.Received
	if a.Event.Kind == city.EventUp {
		devEUI = a.Event.Uplink.DevEUI
	}
	e := r.excess[devEUI]
	if e == nil {
		if len(r.excess) >= maxPaces {
			clear(r.excess)
		}
		e = &excess{}
		r.excess[devEUI] = e
	}
	if day := received.Unix() / 86_400; day != e.day {
		e.day, e.kept = day, 0
	}
	e.since++
	r.metrics.throttled.Inc()
	limit := fmt.Sprintf("device %s sends more than %d messages in %s", devEUI, r.cfg.DeviceBurst, r.cfg.deviceWindow())
	if e.kept < keptThrottled {
		e.kept++
		r.setAside(a, city.Reject(city.ReasonThrottled, "%s; replay takes this one up", limit))
	} else {
		e.lost++
		r.metrics.unkept.Inc()
		r.countThrottled(a, e, devEUI, limit)
	}
	if now := r.parts.Now(); now.Sub(e.told).Abs() >= tellThrottled {
		r.log.Warn().Stringer("dev_eui", devEUI).Str("server", a.Message.Server).Int64("throttled", e.since).Int64("not_kept", e.lost).
			Msg("a device sends more than it may (road.device_rate, road.device_burst); the excess is set aside")
		e.told, e.since, e.lost = now, 0, 0
	}
}

// countThrottled adds a message to the entry that counts those of a device and day whose
// bytes are not kept. It has the bytes of the first.
func (r *Road) countThrottled(a *city.Arrival, e *excess, devEUI city.EUI, limit string) {
	m := &a.Message
	day := m.Received.UTC().Format(time.DateOnly)
	key := asideKey(&city.Message{Server: m.Server, Topic: "throttled " + devEUI.String() + " " + day})
	if all := r.commit.Aside; e.entry < len(all) && all[e.entry].Key == key {
		all[e.entry].Count++
		all[e.entry].LastSeen = m.Received
		return
	}
	e.entry = len(r.commit.Aside)
	r.commit.Aside = append(r.commit.Aside, city.SetAside{
		Key: key, Server: m.Server, Topic: m.Topic, Body: m.Body, Received: m.Received, Count: 1,
		Reason: city.ReasonThrottled, DevEUI: devEUI,
		Detail: fmt.Sprintf("%s; %d of %s are kept, this entry counts the others and has the bytes of the first", limit, keptThrottled, day),
	})
}
