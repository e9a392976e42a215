// Package gateway speaks the UDP protocol of Semtech's packet forwarder, version 2: as the
// gateway does, which forwards what it hears to a network server and sends what that asks
// for (Forwarder), and as the server does (Server). With the first, simulated devices reach
// any real network server, such as ChirpStack through its gateway bridge; the second puts
// a network server of ours behind the same protocol.
//
// It carries frames and does not read them; it knows neither devices nor keys. The time of
// the air is given in with each frame and by a clock that the caller owns, so a simulation
// may run faster than the world.
//
// The protocol is described in PROTOCOL.TXT of Lora-net/packet_forwarder and, with the
// answers to downlinks, in packet_forwarder/PROTOCOL.md of Lora-net/sx1302_hal, cited as
// PROTOCOL. What it leaves open is done as those programs do it.
package gateway

import (
	"encoding/binary"
	"errors"
	"fmt"

	"meldefunk/city"
)

// version is the protocol's. Version 1 has no TX_ACK and is not spoken by anything of today.
const version = 2

// kind is what a datagram is (PROTOCOL sections 3 and 5).
type kind uint8

const (
	pushData kind = iota
	pushAck
	pullData
	pullResp
	pullAck
	txAck
)

var kindNames = [...]string{"PUSH_DATA", "PUSH_ACK", "PULL_DATA", "PULL_RESP", "PULL_ACK", "TX_ACK"}

func (k kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind 0x%02x", uint8(k))
}

// named tells whether datagrams of a kind carry the gateway's EUI: those from gateways do.
func (k kind) named() bool { return k == pushData || k == pullData || k == txAck }

// maxDatagram is the longest that UDP over IPv4 carries, in bytes.
const maxDatagram = 65507

// datagram is a message of the protocol.
type datagram struct {
	token   uint16
	kind    kind
	gateway city.EUI // where kind.named
	body    []byte   // JSON, of pushData, pullResp and txAck
}

// Lengths of a datagram without body in bytes.
const (
	shortHead = 4
	longHead  = 12
)

func (d datagram) append(b []byte) []byte {
	b = append(b, version)
	b = binary.LittleEndian.AppendUint16(b, d.token)
	b = append(b, byte(d.kind))
	if d.kind.named() {
		b = append(b, d.gateway[:]...)
	}
	return append(b, d.body...)
}

// parseDatagram reads one. Its body shares the memory of b.
func parseDatagram(b []byte) (datagram, error) {
	if len(b) < shortHead {
		return datagram{}, fmt.Errorf("the datagram has %d bytes: want at least %d", len(b), shortHead)
	}
	if b[0] != version {
		return datagram{}, fmt.Errorf("the datagram is of protocol version %d: want %d", b[0], version)
	}
	d := datagram{token: binary.LittleEndian.Uint16(b[1:]), kind: kind(b[3]), body: b[shortHead:]}
	if d.kind > txAck {
		return datagram{}, fmt.Errorf("the datagram is of %s: want 0x00 to 0x05", d.kind)
	}
	if d.kind.named() {
		if len(b) < longHead {
			return datagram{}, fmt.Errorf("the %s has %d bytes: want at least %d", d.kind, len(b), longHead)
		}
		d.gateway, d.body = city.EUI(b[shortHead:]), b[longHead:]
		if d.gateway.IsZero() {
			return datagram{}, fmt.Errorf("the %s is of no gateway: its EUI is zero", d.kind)
		}
	}
	switch d.kind {
	case pushAck, pullAck, pullData:
		if len(d.body) > 0 {
			return datagram{}, fmt.Errorf("the %s carries %d bytes: want none", d.kind, len(d.body))
		}
	case pushData, pullResp:
		if len(d.body) == 0 {
			return datagram{}, fmt.Errorf("the %s: %w", d.kind, errEmpty)
		}
	}
	return d, nil
}

var errEmpty = errors.New("it carries nothing: want a JSON object")
