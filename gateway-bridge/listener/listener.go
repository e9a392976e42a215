// Package listener takes what network servers publish over MQTT straight to us, in place of
// a broker between: it checks who publishes and what, reads packets within bounds, offers
// each message to the road and sends PUBACK after the commit, never before.
//
//	network server ── PUBLISH ──► Server ── Publisher.Understand ──► offer ─► (the road)
//	                     ▲                                              │
//	                     └─────────────── PUBACK ◄── Arrival.Acker.Ack ◄┘
//
// It speaks MQTT 3.1.1 and 5 as a server does, as far as a publisher needs it: subscriptions
// are granted and nothing is ever delivered to them, of a session only its name is kept, and
// wills are not published. Section numbers are those of the OASIS standards "MQTT Version
// 3.1.1" and "MQTT Version 5.0".
//
// It does not know what the bodies mean, nor what becomes of them after they were offered.
package listener

import (
	"context"

	"meldefunk/city"
	"meldefunk/city/door"
)

// Publisher is a network server that may publish here. A connection belongs to exactly one:
// the one whose every demand it meets.
type Publisher struct {
	Server string // configured name of the network server
	// Username and Password are what it logs in with; without a Username they are not
	// looked at, and Certificate must be given.
	Username string
	Password door.Secret
	// Certificate is a name that its client certificate must bear: the common name, or a
	// DNS name, address, URI or e-mail address among the alternative names. "": none.
	Certificate string
	Topics      []string // topic filters it may publish to
	MaxMessage  int      // bytes of a message; of a larger one only the head is kept
	// Understand makes an arrival of a message, without Acker. What is rejected already,
	// is not nil. It may be called by any number of goroutines.
	Understand func(m *city.Message, rejected *city.Rejection) city.Arrival
}

// Offer takes an arrival into the road; see bridge.Offer. It is called by one goroutine for
// each connection, in the order in which its messages came.
type Offer func(ctx context.Context, a city.Arrival) error
