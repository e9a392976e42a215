package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
)

// Config is one gateway.
type Config struct {
	EUI       city.EUI
	Server    string        // host:port of the network server or its bridge, UDP
	KeepAlive time.Duration // between two PULL_DATA, in the time of the world; 0 means 5 s
	GPS       bool          // it knows the time from satellites

	Located  bool // the status says where it stands
	Position city.Position
	Altitude int // m

	// Now is the time of the air, Booted when the concentrator's counter was zero. Now is
	// called by several goroutines.
	Now    func() time.Time
	Booted time.Time
	// Emit is given each frame that the gateway will send, once it has told the server so.
	// It is called by the goroutine of Run, one call at a time, and should return soon.
	Emit func(Sending)
}

// Counts is what a gateway counts, since it was made.
type Counts struct {
	Forwarded  uint64 // frames
	Sent       uint64 // PUSH_DATA
	Acked      uint64 // of those
	Unsent     uint64 // datagrams that the network did not take, such as while the server is down
	Pulls      uint64 // PULL_DATA
	PullsAcked uint64
	Asked      uint64 // PULL_RESP
	Emitted    uint64 // of those
	Malformed  uint64 // datagrams that are none
	Unknown    uint64 // acknowledgements of nothing
}

// Forwarder is the gateway's side of the protocol. Its methods may be called by several
// goroutines.
type Forwarder struct {
	cfg  Config
	log  zerolog.Logger
	conn net.Conn

	mu           sync.Mutex
	push, pull   tokens
	plan         plan
	counts, told Counts // told: as of the last status
	buf          []byte
}

// Dial makes a gateway and opens its socket, which Run closes. It fails if the
// configuration lacks something or the server's name is not known.
func Dial(ctx context.Context, cfg Config, log zerolog.Logger) (*Forwarder, error) {
	switch {
	case cfg.EUI.IsZero():
		return nil, errors.New("gateway: it has no EUI")
	case cfg.Now == nil || cfg.Emit == nil:
		return nil, fmt.Errorf("gateway %s: it needs a clock (Now) and somebody who hears it (Emit)", cfg.EUI)
	case cfg.KeepAlive < 0:
		return nil, fmt.Errorf("gateway %s: KeepAlive %s is negative", cfg.EUI, cfg.KeepAlive)
	}
	if cfg.KeepAlive == 0 {
		cfg.KeepAlive = 5 * time.Second
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "udp", cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("gateway %s: %w", cfg.EUI, err)
	}
	return &Forwarder{
		cfg: cfg, conn: conn,
		log:  sampled(log.With().Stringer("gateway", cfg.EUI).Logger()),
		plan: plan{booted: cfg.Booted, gps: cfg.GPS},
	}, nil
}

// sampled keeps a flood of bad datagrams from becoming a flood of lines.
func sampled(log zerolog.Logger) zerolog.Logger {
	return log.Sample(&zerolog.BurstSampler{Burst: 10, Period: time.Minute})
}

// Run keeps the way from the server open and sends what it asks for, until ctx ends. It
// returns nil then, and closes the socket.
func (f *Forwarder) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		<-ctx.Done()
		_ = f.conn.Close() // ends the reading
	})
	wg.Go(func() { f.keepAlive(ctx) })
	buf := make([]byte, maxDatagram)
	var err error
	for {
		var n int
		n, err = f.conn.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err == nil { // else the system tells that nobody listens there: the next PULL_DATA tries again
			f.take(buf[:n])
		}
	}
	cancel()
	wg.Wait()
	return nil
}

func (f *Forwarder) keepAlive(ctx context.Context) {
	ticker := time.NewTicker(f.cfg.KeepAlive)
	defer ticker.Stop()
	for {
		f.mu.Lock()
		f.counts.Pulls++
		f.send(datagram{kind: pullData, token: f.pull.draw(0), gateway: f.cfg.EUI})
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// send writes a datagram. One that is lost is lost: the protocol repeats nothing.
func (f *Forwarder) send(d datagram) {
	f.buf = d.append(f.buf[:0])
	if _, err := f.conn.Write(f.buf); err != nil {
		f.counts.Unsent++
		f.log.Debug().Err(err).Stringer("kind", d.kind).Msg("datagram not sent")
	}
}

// Forward tells the server of frames that the gateway has heard, at most 64, in one
// datagram. Of each, At is the end of the frame in the time of the air: the counter is set
// from it, and without GPS it is not told.
func (f *Forwarder) Forward(heard ...Heard) error {
	if len(heard) == 0 || len(heard) > maxHeard {
		return fmt.Errorf("gateway %s: %d frames at once, want 1 to %d", f.cfg.EUI, len(heard), maxHeard)
	}
	told := make([]Heard, len(heard))
	for i, h := range heard {
		if len(h.Frame) == 0 || len(h.Frame) > 255 {
			return fmt.Errorf("gateway %s: frame %d has %d bytes, want 1 to 255", f.cfg.EUI, i, len(h.Frame))
		}
		h.Timestamp = f.plan.counter(h.At)
		if !f.cfg.GPS {
			h.At = time.Time{}
		}
		told[i] = h
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts.Forwarded += uint64(len(told))
	f.pushed(appendPush(nil, told, nil))
	return nil
}

func (f *Forwarder) pushed(body []byte) {
	f.counts.Sent++
	f.send(datagram{kind: pushData, token: f.push.draw(0), gateway: f.cfg.EUI, body: body})
}

// Report tells the server the gateway's status, of the time since the last report. Packet
// forwarders do so every 30 seconds.
func (f *Forwarder) Report() {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, t := f.counts, f.told
	f.told = c
	s := Status{
		Time: f.cfg.Now(), Located: f.cfg.Located, Lat: f.cfg.Position.Lat, Lon: f.cfg.Position.Lon, Altitude: f.cfg.Altitude,
		Received: uint32(c.Forwarded - t.Forwarded), OK: uint32(c.Forwarded - t.Forwarded), Forwarded: uint32(c.Forwarded - t.Forwarded),
		Asked: uint32(c.Asked - t.Asked), Sent: uint32(c.Emitted - t.Emitted),
	}
	if sent := c.Sent - t.Sent; sent > 0 {
		s.AckShare = min(100, 100*float64(c.Acked-t.Acked)/float64(sent))
	}
	f.pushed(appendPush(nil, nil, &s))
}

// take understands a datagram of the server.
func (f *Forwarder) take(b []byte) {
	d, err := parseDatagram(b)
	if err == nil && (d.kind.named()) {
		err = fmt.Errorf("a %s comes from gateways, not from servers", d.kind)
	}
	if err != nil {
		f.malformed(err)
		return
	}
	switch d.kind {
	case pushAck:
		f.acked(&f.push, d.token, &f.counts.Acked)
	case pullAck:
		f.acked(&f.pull, d.token, &f.counts.PullsAcked)
	case pullResp:
		f.asked(d)
	}
}

func (f *Forwarder) malformed(err error) {
	f.mu.Lock()
	f.counts.Malformed++
	f.mu.Unlock()
	f.log.Warn().Err(err).Stringer("from", f.conn.RemoteAddr()).Msg("datagram ignored")
}

func (f *Forwarder) acked(open *tokens, token uint16, count *uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := open.take(token); ok {
		*count++
	} else {
		f.counts.Unknown++
	}
}

// asked plans an emission and answers whether it will be sent.
func (f *Forwarder) asked(d datagram) {
	e, err := parseEmission(d.body)
	if err != nil {
		f.malformed(err)
		return
	}
	f.mu.Lock()
	f.counts.Asked++
	s, refusal := f.plan.add(e, f.cfg.Now())
	if refusal == None {
		f.counts.Emitted++
	}
	f.send(datagram{kind: txAck, token: d.token, gateway: f.cfg.EUI, body: appendAnswer(nil, refusal, e.Power)})
	f.mu.Unlock()
	if refusal == None {
		f.cfg.Emit(s)
	}
}

// appendAnswer writes the body of TX_ACK. Power beyond the transmitter's is a warning.
func appendAnswer(b []byte, r Refusal, power int) []byte {
	if r == None && power > maxPower {
		return fmt.Appendf(b, `{"txpk_ack":{"warn":%q,"value":%d}}`, TXPower, maxPower)
	}
	return appendRefusal(b, r)
}

// Counts gives what was counted.
func (f *Forwarder) Counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}
