package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"

	"meldefunk/city"
)

// passenger is an arrival, and what was made of it before its turn.
type passenger struct {
	city.Arrival
	ahead  *decoded // nil: nothing yet
	excess bool     // more than its device may send

	tick    time.Time // instead of an arrival: time has passed until then
	rethink bool      // instead of an arrival: the rules are others
	request *request  // instead of an arrival: something is to be done with a case
}

// arrival tells whether it is one.
func (p *passenger) arrival() bool { return p.tick.IsZero() && !p.rethink && p.request == nil }

// decoded is what a frame says if it is of this device at this asset.
type decoded struct {
	device  *city.Device
	asset   *city.Asset
	reading city.Reading
	fate    city.Fate
	err     error
}

// laneLength is how many arrivals wait in a lane; then who offers has to wait.
const laneLength = 1024

// lanes are where devices wait whose payloads take long to decode: side by side, so that
// nobody waits for a slow decoder but those who need it. Within a lane order is kept.
//
//	Offer ──► lane ──► decode ──┐
//	Offer ──────────────────────┴──► road
type lanes struct {
	mu     sync.Mutex
	open   map[string]*lane
	count  int           // arrivals in all lanes
	quiet  chan struct{} // closed while there are none
	closed chan struct{} // closed at the end of the road
	ended  bool
	all    sync.WaitGroup
}

type lane struct {
	places  chan struct{}
	queue   []city.Arrival
	driving bool
}

func newLanes() *lanes {
	l := &lanes{open: map[string]*lane{}, quiet: make(chan struct{}), closed: make(chan struct{})}
	close(l.quiet)
	return l
}

// laneOf names the lane that an arrival takes, "" for the road itself. Joins wait with the
// frames of their device: they say in which session these are.
func (r *Road) laneOf(a *city.Arrival) string {
	var devEUI city.EUI
	switch {
	case a.Err != nil:
		return ""
	case a.Event.Kind == city.EventUp:
		devEUI = a.Event.Uplink.DevEUI
	case a.Event.Kind == city.EventJoin:
		devEUI = a.Event.DevEUI
	default:
		return ""
	}
	device, _, found := r.parts.Inventory.Find(a.Message.Server, devEUI)
	if !found {
		return ""
	}
	return r.parts.Decoder.Lane(device.Model)
}

// offerLane puts an arrival at the end of a lane, when there is room.
func (r *Road) offerLane(ctx context.Context, name string, a city.Arrival) error {
	l := r.lanes
	l.mu.Lock()
	on := l.open[name]
	if on == nil {
		on = &lane{places: make(chan struct{}, laneLength)}
		l.open[name] = on
	}
	l.mu.Unlock()
	select {
	case on.places <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return errors.New("the road has come to its end")
	}
	on.queue = append(on.queue, a)
	if l.count == 0 {
		l.quiet = make(chan struct{})
	}
	l.count++
	if !on.driving {
		on.driving = true
		l.all.Go(func() { r.drive(on) })
	}
	return nil
}

// drive decodes what waits in a lane, one after the other, until none is left.
func (r *Road) drive(on *lane) {
	l := r.lanes
	for {
		l.mu.Lock()
		if len(on.queue) == 0 {
			on.driving = false
			l.mu.Unlock()
			return
		}
		p := passenger{Arrival: on.queue[0]}
		on.queue[0] = city.Arrival{} // let go of the message
		on.queue = on.queue[1:]
		l.mu.Unlock()

		var ok bool
		if p.ahead, ok = r.lookAhead(&p.Arrival); !ok {
			return
		}
		select {
		case r.arrivals <- p:
		case <-l.closed:
			return
		}
		l.left()
		<-on.places
	}
}

// left counts an arrival that has reached the road.
func (l *lanes) left() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count--; l.count == 0 {
		close(l.quiet)
	}
}

// empty gives a channel that is closed when nothing is left in the lanes.
func (l *lanes) empty() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.quiet
}

// end stops all lanes and says how many arrivals never reached the road.
func (l *lanes) end() int {
	l.mu.Lock()
	l.ended = true
	close(l.closed)
	l.mu.Unlock()
	l.all.Wait()
	return l.count
}

// lookAhead decodes a frame before its turn. It tries again for as long as the machine is
// in trouble; false: the road ends.
func (r *Road) lookAhead(a *city.Arrival) (*decoded, bool) {
	if a.Event.Kind != city.EventUp {
		return nil, true
	}
	u := &a.Event.Uplink
	device, hangs, found := r.parts.Inventory.Find(u.Server, u.DevEUI)
	asset := hangs.At(r.cfg.eventTime(u.Received, u.Time, u.Fallback[0], u.Fallback[1]).At)
	if !found || asset == nil {
		return nil, true // the road says what becomes of it
	}
	const first, longest = 50 * time.Millisecond, 5 * time.Second
	last := ""
	for wait := first; ; wait = min(2*wait, longest) {
		d := &decoded{device: device, asset: asset}
		d.fate, d.err = r.decode(device, asset, u, &d.reading)
		if !trouble(d.err) {
			return d, true
		}
		if text := d.err.Error(); text != last {
			r.log.Error().Err(d.err).Str("model", device.Model).Msg("cannot decode just now; trying again, nothing is acknowledged meanwhile")
			last = text
		}
		select {
		case <-r.lanes.closed:
			return nil, false
		case <-time.After(wait):
		}
	}
}

// trouble tells whether an error of the decoder is this machine's, and not the frame's.
func trouble(err error) bool {
	var rejection *city.Rejection
	return err != nil && !errors.As(err, &rejection)
}

// say fills the reading with what the frame says: what was found out in the lane, unless
// the inventory or the event time has changed meanwhile.
func (r *Road) say(ctx context.Context, p *passenger, d *city.Device, a *city.Asset, reading *city.Reading) (fate city.Fate, rejected, err error) {
	if said := p.ahead; said != nil && said.device == d && said.asset == a {
		from := &said.reading
		reading.Values, reading.Faults, reading.History = from.Values, from.Faults, from.History
		reading.Tail, reading.Raw = from.Tail, from.Raw
		return said.fate, said.err, nil
	}
	u := &p.Event.Uplink
	blank := *reading
	if fate, rejected = r.decode(d, a, u, reading); !trouble(rejected) {
		return fate, rejected, nil
	}
	err = r.persist(ctx, "decode a frame of "+d.Model, func() error {
		*reading = blank
		if fate, rejected = r.decode(d, a, u, reading); trouble(rejected) {
			return rejected
		}
		return nil
	})
	return fate, rejected, err
}
