package bridge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// session is one connection, from CONNECT to its end. Each has a paho client of its own:
// paho's reconnecting does not tell whether the broker still knew the session, and its
// pauses cannot be interrupted.
type session struct {
	server *Server
	ctx    context.Context // of Run: when it ends, nothing more is offered

	client   mqtt.Client
	cuts     *cuts // set by open
	flight   *flight
	lost     chan error    // the connection is gone, and why
	broken   chan error    // the road refused
	released chan struct{} // closed when messages held back may be let go
	refused  bool          // receive only: the road refused
	retained int           // receive only: retained messages so far
	began    time.Time

	dialError error       // why no connection could be opened
	unwatch   func() bool // ends the watch over ctx during the handshake
}

// session runs one connection until it is lost, refused, or ctx ends (nil).
func (s *Server) session(ctx context.Context) error {
	c := &session{
		server: s, ctx: ctx, flight: newFlight(), began: s.now(),
		lost: make(chan error, 1), broken: make(chan error, 1), released: make(chan struct{}),
	}
	present, err := c.connect()
	if err != nil {
		return fmt.Errorf("connect to %s: %w", s.cfg.Broker, err)
	}
	defer c.disconnect()
	s.client.Store(&c.client)
	s.connected(ctx, present)
	if err := c.subscribe(); err != nil {
		return err
	}
	_, err = c.await(nil)
	return err
}

// connect returns when the broker has accepted the session, and whether it knew it.
func (c *session) connect() (present bool, err error) {
	cfg := &c.server.cfg
	password, err := cfg.password()
	if err != nil {
		return false, err
	}
	options := mqtt.NewClientOptions().
		AddBroker(cfg.Broker).
		SetProtocolVersion(4). // or a refusal is tried again as MQTT 3.1, at once
		SetClientID(cfg.ClientID).
		SetUsername(cfg.Username).
		SetPassword(password).
		SetCleanSession(false). // the broker keeps messages while we are away
		SetAutoAckDisabled(true).
		SetOrderMatters(true). // one goroutine calls receive, and waits for it
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetConnectTimeout(handshakePatience).
		SetKeepAlive(cfg.KeepAlive).
		SetPingTimeout(c.server.ping).
		SetWriteTimeout(pingBound).
		SetStore(noStore{}).
		// Set before connecting, and instead of one per topic: messages of the stored
		// session arrive before any SUBSCRIBE, and where topic filters overlap each
		// message is still handled once.
		SetDefaultPublishHandler(c.receive).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { c.lost <- err }).
		SetCustomOpenConnectionFn(c.open)
	c.client = mqtt.NewClient(options)
	token := c.client.Connect().(*mqtt.ConnectToken)
	token.Wait() // bounded by the handshake; ctx cuts it short
	if c.unwatch != nil {
		c.unwatch()
	}
	switch err := token.Error(); {
	case c.dialError != nil:
		return false, c.dialError
	case errors.Is(err, packets.ErrorRefusedNotAuthorised), errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword):
		return false, fmt.Errorf("the broker refuses user %q: check username and password (%w)", cfg.Username, err)
	case errors.Is(err, packets.ErrorRefusedIDRejected):
		return false, fmt.Errorf("the broker refuses client_id %q (%w)", cfg.ClientID, err)
	case err != nil:
		return false, fmt.Errorf("no answer in MQTT: %w", err)
	}
	return token.SessionPresent(), nil
}

// open dials. Until the handshake is over, the end of ctx closes the connection, because
// paho's wait for the broker's answer cannot be interrupted otherwise.
func (c *session) open(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
	conn, err := dial(c.ctx, c.server.cfg)
	if err != nil {
		c.dialError = err
		return nil, err
	}
	c.cuts = conn.in.cuts
	c.unwatch = context.AfterFunc(c.ctx, func() { conn.Close() })
	return conn, nil
}

// await waits for done and tells whether it came. Otherwise the session is over: for the
// error given, or (nil) because ctx ended.
func (c *session) await(done <-chan struct{}) (bool, error) {
	select {
	case <-done:
		return true, nil
	case <-c.ctx.Done():
		return false, nil
	case err := <-c.broken:
		return false, err
	case err := <-c.lost:
		if c.server.now().Sub(c.began) < 5*time.Second {
			return false, fmt.Errorf("connection lost at once; is another client connected as %q? %w", c.server.cfg.ClientID, err)
		}
		return false, fmt.Errorf("connection lost: %w", err)
	}
}

// disconnect ends the session. After a stop it first waits for what is in flight;
// receive holds back what arrives meanwhile.
func (c *session) disconnect() {
	if c.ctx.Err() != nil && c.client.IsConnectionOpen() {
		if left := c.flight.wait(c.server.drain); left > 0 {
			c.server.log.Warn().Int64("messages", left).Dur("waited", c.server.drain).
				Msg("stopped before all messages were acknowledged; the broker will deliver them again")
		}
	}
	close(c.released)
	// PUBACKs handed over before this are on the wire before what follows: paho sends all
	// through one goroutine. An answer to anything at all shows that the broker has read
	// them; a connection that closes at once may take them along.
	if c.client.IsConnectionOpen() {
		c.client.Unsubscribe(nobodysTopic).WaitTimeout(farewell)
	}
	// The first call may give up waiting for its own goroutines, the second waits for the
	// first.
	c.client.Disconnect(1000)
	c.client.Disconnect(uint(pingBound.Milliseconds()))
	c.server.client.Store(nil)
}

// nobodysTopic is never subscribed to.
const nobodysTopic = "meldefunk/nobody"

// farewell is how long a stop waits for the broker to have read everything.
const farewell = time.Second

// noStore is paho's persistence, of which a subscriber that acknowledges by hand has no
// use: the broker keeps what is not acknowledged.
type noStore struct{}

func (noStore) Open()                             {}
func (noStore) Put(string, packets.ControlPacket) {}
func (noStore) Get(string) packets.ControlPacket  { return nil }
func (noStore) All() []string                     { return nil }
func (noStore) Del(string)                        {}
func (noStore) Close()                            {}
func (noStore) Reset()                            {}
