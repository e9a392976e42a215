package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/rs/zerolog"

	"meldefunk/city"
)

// Handler is told what gateways say. Its methods are called by the goroutine of Run, one
// call at a time, after the gateway was told that the datagram has arrived.
type Handler interface {
	// Heard tells of frames. Those with a wrong check sum are among them.
	Heard(gateway city.EUI, heard []Heard)
	// Told tells of a gateway's status.
	Told(gateway city.EUI, s Status)
	// Answered tells whether a gateway sends what Send has asked it to under an id.
	Answered(gateway city.EUI, id uint64, r Refusal)
}

// maxGateways bounds what datagrams of unknown senders can make the server remember.
const maxGateways = 1024

// Server is the network server's side of the protocol. Whoever can reach its socket can
// claim to be any gateway: the protocol has no proof of it. Send may be called by any
// goroutine.
type Server struct {
	conn *net.UDPConn
	h    Handler
	log  zerolog.Logger

	mu       sync.Mutex
	gateways map[city.EUI]*peer
	counts   ServerCounts
}

// peer is a gateway.
type peer struct {
	downstream netip.AddrPort // where its last PULL_DATA came from
	sent       tokens
}

// ServerCounts is what a server counts.
type ServerCounts struct {
	Pushes    uint64 // PUSH_DATA
	Frames    uint64
	Pulls     uint64 // PULL_DATA
	Sent      uint64 // PULL_RESP
	Malformed uint64 // datagrams, and objects in them, that are none
	Unknown   uint64 // answers to nothing
	Refused   uint64 // datagrams of gateways beyond the 1,024th
}

// Listen opens a socket, such as on "127.0.0.1:1700", which Run closes.
func Listen(address string, h Handler, log zerolog.Logger) (*Server, error) {
	addr, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("gateway server: %w", err)
	}
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("gateway server: %w", err)
	}
	return &Server{conn: conn, h: h, log: sampled(log), gateways: map[city.EUI]*peer{}}, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.conn.LocalAddr() }

// Run takes datagrams until ctx ends. It returns nil then, and closes the socket.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		<-ctx.Done()
		_ = s.conn.Close() // ends the reading
	})
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err == nil { // else one datagram to a gateway that is gone has come back
			s.take(buf[:n], from)
		}
	}
	cancel()
	wg.Wait()
	return nil
}

// take understands a datagram and acknowledges it.
func (s *Server) take(b []byte, from netip.AddrPort) {
	d, err := parseDatagram(b)
	if err == nil && !d.kind.named() {
		err = fmt.Errorf("a %s comes from servers, not from gateways", d.kind)
	}
	if err != nil {
		s.malformed(err, from)
		return
	}
	if !s.meet(d, from) {
		return
	}
	switch d.kind {
	case pushData:
		s.write(datagram{kind: pushAck, token: d.token}, from)
		heard, status, err := parsePush(d.body)
		if err != nil {
			s.malformed(fmt.Errorf("gateway %s: %w", d.gateway, err), from)
		}
		s.mu.Lock()
		s.counts.Frames += uint64(len(heard))
		s.mu.Unlock()
		if len(heard) > 0 {
			s.h.Heard(d.gateway, heard)
		}
		if status != nil {
			s.h.Told(d.gateway, *status)
		}
	case pullData:
		s.write(datagram{kind: pullAck, token: d.token}, from)
	case txAck:
		s.answered(d, from)
	}
}

// meet remembers where a gateway is reached; false if there are too many.
func (s *Server) meet(d datagram, from netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.gateways[d.gateway]
	if p == nil {
		if len(s.gateways) >= maxGateways {
			s.counts.Refused++
			return false
		}
		p = &peer{}
		s.gateways[d.gateway] = p
	}
	switch d.kind {
	case pushData:
		s.counts.Pushes++
	case pullData:
		s.counts.Pulls++
		p.downstream = from
	}
	return true
}

func (s *Server) answered(d datagram, from netip.AddrPort) {
	r, err := parseRefusal(d.body)
	if err != nil {
		s.malformed(fmt.Errorf("gateway %s: %w", d.gateway, err), from)
		return
	}
	s.mu.Lock()
	id, known := s.gateways[d.gateway].sent.take(d.token)
	if !known {
		s.counts.Unknown++
	}
	s.mu.Unlock()
	if known {
		s.h.Answered(d.gateway, id, r)
	}
}

func (s *Server) malformed(err error, from netip.AddrPort) {
	s.mu.Lock()
	s.counts.Malformed++
	s.mu.Unlock()
	s.log.Warn().Err(err).Stringer("from", from).Msg("datagram ignored")
}

func (s *Server) write(d datagram, to netip.AddrPort) {
	if _, err := s.conn.WriteToUDPAddrPort(d.append(nil), to); err != nil {
		s.log.Debug().Err(err).Stringer("kind", d.kind).Stringer("to", to).Msg("datagram not sent")
	}
}

// Send asks a gateway to send a frame. The id is the caller's and comes back in
// Handler.Answered, perhaps before Send returns. It fails while the gateway has not said
// where it is reached (PULL_DATA), and if the socket is closed.
func (s *Server) Send(gateway city.EUI, id uint64, e Emission) error {
	s.mu.Lock()
	p := s.gateways[gateway]
	if p == nil || !p.downstream.IsValid() {
		s.mu.Unlock()
		return fmt.Errorf("gateway server: gateway %s has not said where it is reached", gateway)
	}
	token, to := p.sent.draw(id), p.downstream
	s.counts.Sent++
	s.mu.Unlock()
	d := datagram{kind: pullResp, token: token, body: e.append(nil)}
	if _, err := s.conn.WriteToUDPAddrPort(d.append(nil), to); err != nil {
		return fmt.Errorf("gateway server: gateway %s: %w", gateway, err)
	}
	return nil
}

// Counts gives what was counted.
func (s *Server) Counts() ServerCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}
