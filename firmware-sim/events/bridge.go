package events

import (
	"time"

	"meldefunk/city"
)

// Bridge is how gateways speak MQTT to their network server.
type Bridge interface {
	// Topic is where the message is published by default. Only a ConnState is retained.
	Topic(m GatewayMessage) string
	// Append appends the body of the message to dst and returns it.
	Append(dst []byte, m GatewayMessage) []byte
}

// GatewayMessage is something a gateway tells: *Frame, *Stats or *ConnState.
type GatewayMessage interface {
	gateway() *Gateway
	path() string
}

// Frame is a frame as one gateway heard it, before anybody has looked into it.
type Frame struct {
	PHYPayload []byte
	Radio
	Reception
}

// Stats is how a gateway has fared since it last told.
type Stats struct {
	Gateway   *Gateway
	ID        UUID      // ChirpStack v3
	Time      time.Time // whole seconds
	Located   bool      // the gateway knows by GPS where it is
	Position  city.Position
	Altitude  float64 // m
	Address   string  // IP address of the packet forwarder; ChirpStack v3
	Received  uint32  // frames heard
	Intact    uint32  // of these, with a right check sum
	Asked     uint32  // downlinks it was to send
	Sent      uint32
	Frequency []Count // frames heard per channel, in ascending order; ChirpStack v4
}

// Count is how many frames were heard on a channel.
type Count struct{ Hz, Frames uint32 }

// ConnState tells whether a gateway is connected. The broker keeps it, and has the
// offline one as the gateway's last will.
type ConnState struct {
	Gateway *Gateway
	Online  bool
}

func (m *Frame) gateway() *Gateway     { return m.Gateway }
func (m *Stats) gateway() *Gateway     { return m.Gateway }
func (m *ConnState) gateway() *Gateway { return m.Gateway }

func (m *Frame) path() string     { return "/event/up" }
func (m *Stats) path() string     { return "/event/stats" }
func (m *ConnState) path() string { return "/state/conn" }

func gatewayTopic(prefix string, m GatewayMessage) string {
	var room [96]byte
	b := room[:0]
	if prefix != "" {
		b = append(append(b, prefix...), '/')
	}
	b = appendEUI(append(b, "gateway/"...), m.gateway().ID)
	return string(append(b, m.path()...))
}
