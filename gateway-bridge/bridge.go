// Package bridge takes what network servers send. It keeps the MQTT sessions with them (or
// has them post or publish here, see NewWebhooks and NewListener), has each message
// understood by the network server's dialect, offers it to the road and acknowledges it when
// the road says so, never before.
//
//	network server ─► broker ─► Server ── Dialect.Parse ──► offer ─► (the road)
//	                    ▲                                               │
//	                    └────────────── PUBACK ◄── Arrival.Acker.Ack ◄──┘
//
// It does not know devices, payload layouts, or what becomes of a message after it was
// offered.
package bridge

import "meldefunk/city"

// Dialect is how one make of network server speaks. It may be called by any number of
// goroutines, must not block, and works on zero configuration.
type Dialect interface {
	// Name is what the configuration calls it, "chirpstack-v4".
	Name() string
	// Topics are the MQTT topic filters of a network server with default settings.
	Topics() []string
	// Parse understands one message. It may keep parts of m.Body and does not change it.
	// The topic is one of MQTT, or "webhook/{server}/{event}" of what was posted, where the
	// event is what the URL says and may be missing.
	// An error is a *city.Rejection: it is permanent for these bytes.
	Parse(m *city.Message) (city.Event, error)
}
