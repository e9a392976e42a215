package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"meldefunk/city"
	"meldefunk/city/visitor"
)

// Pulse is how a Hub spends its time.
type Pulse struct {
	Pace time.Duration // viewers are told at most so often
	Beat time.Duration // of silence until a sign of life
	Life time.Duration // of a stream; then the browser comes again, and has to prove again who it is
	Most int           // viewers at once
}

// DefaultPulse is what people bear and proxies keep open: many cut a connection that is silent
// for a minute.
func DefaultPulse() Pulse {
	return Pulse{Pace: time.Second, Beat: 20 * time.Second, Life: 15 * time.Minute, Most: 500}
}

// remembered is how many events are kept for viewers that are late. Who is later reloads.
const remembered = 2048

// forgets is how long events are kept although nobody listens: a viewer may be on the way back.
const forgets = time.Minute

// Hub tells viewers what is new. Each event is spelled once, and kept once, for all of them:
// what a viewer costs is what it takes to send, and one that does not take it costs no more.
type Hub struct {
	pulse Pulse
	now   func() time.Time
	boot  string // tells this run of the program from others
	wake  chan struct{}
	done  chan struct{} // closed when the hub stops
	lost  prometheus.Counter

	mu      sync.RWMutex
	events  [remembered]event // by number
	first   int64             // the oldest that is kept
	next    int64             // number of the next
	news    chan struct{}     // closed when there is something new
	viewers int
	left    time.Time // when the last viewer went
}

// event is something new.
type event struct {
	may         visitor.Permission
	asset, kind string // of a reading
	text        []byte // as it is sent
}

// NewHub makes a hub. It tells nobody anything until Run.
func NewHub(p Pulse, now func() time.Time, reg prometheus.Registerer) (*Hub, error) {
	h := &Hub{pulse: p, now: now, boot: rand.Text()[:8], wake: make(chan struct{}, 1), done: make(chan struct{}), news: make(chan struct{}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "meldefunk_live_lost_total", Help: "Viewers of what is new that were too slow, and were told to reload.",
		})}
	if err := reg.Register(h.lost); err != nil {
		return nil, err
	}
	return h, reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "meldefunk_live_viewers", Help: "Viewers of what is new.",
	}, func() float64 { return float64(h.Viewers()) }))
}

// Viewers is how many there are.
func (h *Hub) Viewers() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.viewers
}

// Run tells viewers at the hub's pace until ctx ends, and then sends them away.
func (h *Hub) Run(ctx context.Context) error {
	defer close(h.done)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.wake:
		}
		h.mu.Lock()
		close(h.news)
		h.news = make(chan struct{})
		h.mu.Unlock()
		pause.Reset(h.pulse.Pace)
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
	}
}

// Tell passes on what was committed. It blocks for no viewer.
func (h *Hub) Tell(c *city.Commit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.next
	heard := h.viewers > 0 || h.now().Sub(h.left) < forgets
	for i := range c.Readings {
		// What is late, or was sent by hand, is not how things are now.
		if r := &c.Readings[i]; !r.Late && !r.Simulated && !r.Withdrawn {
			h.add(heard, visitor.ReadReadings, r.Asset, r.Kind.String(), "reading", func() any { return bodyOfReading(r, false) })
		}
	}
	for i := range c.Cases {
		k := &c.Cases[i]
		h.add(heard, visitor.ReadTickets, "", "", "case", func() any { return bodyOfChange(k) })
	}
	if h.next == was {
		return
	}
	if !heard {
		h.first = h.next
	}
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// caseChange is a case that was opened or closed.
type caseChange struct {
	Ref    string     `json:"ref"`
	Change string     `json:"change"`
	At     time.Time  `json:"at"`
	Rule   string     `json:"rule,omitempty"` // this and what follows: of one that was opened
	Asset  string     `json:"asset,omitempty"`
	Group  string     `json:"group,omitempty"`
	Title  string     `json:"title,omitempty"`
	Grade  city.Grade `json:"severity,omitempty"`
}

func bodyOfChange(c *city.Case) caseChange {
	if !c.Wanted() {
		return caseChange{Ref: c.Ref, Change: "closed", At: c.Closed.UTC()}
	}
	return caseChange{c.Ref, "opened", c.Opened.UTC(), c.Rule, c.Asset, c.Group, c.Title, c.Grade}
}

// add numbers an event, and spells it if anybody will hear it.
func (h *Hub) add(heard bool, may visitor.Permission, asset, kind, name string, body func() any) {
	n := h.next
	h.next++
	if !heard {
		return
	}
	text, err := json.Marshal(body())
	if err != nil { // a number that JSON does not have
		h.first = h.next // viewers who would miss it reload
		return
	}
	h.events[n%remembered] = event{may, asset, kind, fmt.Appendf(nil, "id: %s-%d\nevent: %s\ndata: %s\n\n", h.boot, n, name, text)}
	h.first = max(h.first, h.next-remembered)
}

// enter lets a viewer in that has seen everything up to an id, "" for one that has seen
// nothing. It gives the number of the first event to send, less than 0: it has to reload;
// false: the house is full.
func (h *Hub) enter(seen string) (int64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.viewers >= h.pulse.Most {
		return 0, false
	}
	h.viewers++
	if seen == "" {
		return h.next, true
	}
	boot, text, _ := strings.Cut(seen, "-")
	n, err := strconv.ParseInt(text, 10, 64)
	if boot != h.boot || err != nil || n < -1 || n >= h.next || n+1 < h.first {
		return -1, true
	}
	return n + 1, true
}

func (h *Hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.viewers--; h.viewers == 0 {
		h.left = h.now()
	}
}

// from appends the events from a number on that a viewer wants, and gives the number after
// them and what is closed when there are more; false: some of them are gone.
func (h *Hub) from(b []byte, n int64, wants func(*event) bool) ([]byte, int64, <-chan struct{}, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if n < h.first {
		return b, n, nil, false
	}
	for ; n < h.next; n++ {
		if e := &h.events[n%remembered]; wants(e) {
			b = append(b, e.text...)
		}
	}
	return b, n, h.news, true
}

// head is the id of the newest event.
func (h *Hub) head() string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return fmt.Sprintf("%s-%d", h.boot, h.next-1)
}

// mark is what has a viewer remember that it has seen everything before a number. It is no
// event to the viewer, and so a sign of life as well.
func (h *Hub) mark(n int64) string { return fmt.Sprintf("id: %s-%d\n\n", h.boot, n-1) }
