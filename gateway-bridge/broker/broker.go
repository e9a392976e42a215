// Package broker is an MQTT broker inside this process, for the demo and for a town that
// wants to install nothing else: the MQTT side of a NATS server, with its store on disk.
//
// It speaks MQTT 3.1.1 on loopback only, because it knows no passwords and no TLS. A
// network server on another machine needs a broker that does, such as mosquitto. It does
// not know what the messages mean.
package broker

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"
)

const (
	// maxAckPending is how many messages the broker sends ahead of the acknowledgements,
	// per subscription. It must exceed the largest batch of the road, or the batch never
	// fills. A session's subscriptions may have 65,535 together, so 7 of them fit.
	maxAckPending = 8192
	// ackWait is after how long an unacknowledged message is sent again. Two things differ
	// from MQTT here: it happens on the same connection too (a repeat is harmless, the
	// road recognises it), and a new connection does not make it happen earlier. So after
	// a crash the messages in flight come this much later than others, and perhaps after
	// newer ones. Longer than any ordinary commit, short enough for that.
	ackWait = 10 * time.Second
	// storeWait is how long a write may wait for a slow disk before its publisher is
	// disconnected; NATS' own 5 s are too short for a thousand writes in a row with fsync.
	storeWait = time.Minute
	// maxStore bounds the disk used, in bytes, at about 1 KiB per uplink. When it is full,
	// publishers are disconnected without an acknowledgement and keep their messages.
	maxStore = 8 << 30
	// maxPayload is the largest message taken; the publisher of a larger one is
	// disconnected.
	maxPayload = 8 << 20

	startPatience = 20 * time.Second
)

// Broker is running from Start to Close.
type Broker struct {
	server *server.Server
	addr   string
	close  sync.Once
}

// Start opens the store in dir, which it creates, and listens. No other port is opened.
// Sessions, their subscriptions and the messages kept for them survive a restart on the
// same dir. A second process on the same dir is not detected: one process, one dir.
func Start(dir string, cfg Config, log zerolog.Logger) (*Broker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	host, port, _ := loopback(cfg.Listen)
	natsPort := port
	if port == 0 {
		natsPort = server.RANDOM_PORT // 0 would switch MQTT off
	}
	options := &server.Options{
		ServerName:         "meldefunk",
		DontListen:         true, // no port for NATS clients
		NoSigs:             true,
		JetStream:          true,
		StoreDir:           dir,
		SyncAlways:         cfg.Sync == SyncAlways,
		SyncInterval:       syncSecond,
		JetStreamMaxMemory: 64 << 20, // no stream of the MQTT side lies in memory
		JetStreamMaxStore:  maxStore,
		MaxPayload:         maxPayload,
		MQTT: server.MQTTOpts{
			Host:          host,
			Port:          natsPort,
			AckWait:       ackWait,
			MaxAckPending: maxAckPending,
			JSAPITimeout:  storeWait,
		},
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	l := &logger{log: log.With().Str("component", "broker").Logger()}
	s.SetLoggerV2(l, false, false, false)
	s.Start()
	reason := l.fatal()
	if reason == "" && !s.ReadyForConnections(startPatience) {
		reason = fmt.Sprintf("not ready after %v", startPatience)
	}
	if reason != "" {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("embedded broker on %s with store %s: %s", cfg.Listen, dir, reason)
	}
	facts, err := s.Varz(nil)
	if err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	return &Broker{server: s, addr: net.JoinHostPort(host, strconv.Itoa(facts.MQTT.Port))}, nil
}

// Addr is host:port of the MQTT listener.
func (b *Broker) Addr() string { return b.addr }

// Close disconnects everybody, closes the store and returns when all has ended. It may be
// called twice.
func (b *Broker) Close() {
	b.close.Do(func() {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	})
}
