package listener

import (
	"errors"
	"fmt"
	"strings"
)

// Types of control packets (section 2.2.1 of 3.1.1, 2.1.2 of version 5).
const (
	typeConnect     = 1
	typeConnack     = 2
	typePublish     = 3
	typePuback      = 4
	typePubrec      = 5
	typePubrel      = 6
	typePubcomp     = 7
	typeSubscribe   = 8
	typeSuback      = 9
	typeUnsubscribe = 10
	typeUnsuback    = 11
	typePingreq     = 12
	typePingresp    = 13
	typeDisconnect  = 14
)

const (
	version311 = 4
	version5   = 5
)

// fault is why a connection ends from here: the reason code of version 5 (section 2.4) and,
// in the answer to CONNECT, the return code of 3.1.1 (section 3.2.2.3; 0: no answer).
type fault struct {
	reason, code byte
	text         string
}

func (f *fault) Error() string { return f.text }

// The faults. What a stranger got wrong is not told in detail.
var (
	errMalformed   = &fault{0x81, 0, "malformed packet"}
	errProtocol    = &fault{0x82, 0, "this packet has no place here"}
	errVersion     = &fault{0x84, 1, "want MQTT 3.1.1 or 5"}
	errClientID    = &fault{0x85, 2, "an empty client id needs a clean session"}
	errCredentials = &fault{0x86, 4, "username, password or client certificate are not those of a network server here"}
	errAuthMethod  = &fault{0x8c, 5, "enhanced authentication is not offered: want username and password"}
	errAttempts    = &fault{0x9f, 3, "too many failed logins from this address: try again in a minute"}
	errBusy        = &fault{0x88, 3, "nothing can be taken just now"}
	errStopping    = &fault{0x8b, 3, "stopping"}
	errKeepAlive   = &fault{0x8d, 0, "silent for longer than the keep-alive"}
	errTakenOver   = &fault{0x8e, 0, "another connection has the same client id"}
	errTopic       = &fault{0x90, 0, "a topic name with wildcards, or none"}
	errAlias       = &fault{0x94, 0, "a topic alias, though none was offered"}
	errNotYours    = &fault{0x87, 0, "a topic that this network server may not publish to"}
)

// connect is what a CONNECT packet says (section 3.1), as far as it matters here.
type connect struct {
	version            byte
	clean              bool
	keepAlive          uint16 // seconds; 0: off
	clientID           string
	username, password string
}

// parseConnect reads the packet without its fixed header.
func parseConnect(packet []byte) (connect, error) {
	f := fields{rest: packet}
	name, version := f.text(), f.byte()
	c := connect{version: version}
	if f.bad || name != "MQTT" && name != "MQIsdp" {
		return connect{}, errors.New("not MQTT")
	}
	if name != "MQTT" || version != version311 && version != version5 {
		return c, errVersion
	}
	flags := f.byte()
	c.clean, c.keepAlive = flags&0x02 != 0, f.uint16()
	var seen uint64
	if version == version5 {
		seen = f.properties()
	}
	c.clientID = f.text()
	will := flags&0x04 != 0
	if flags&0x01 != 0 || !will && flags&0x38 != 0 || flags&0x18 == 0x18 {
		return c, errMalformed
	}
	if will {
		if version == version5 {
			f.properties()
		}
		f.text()
		f.binary()
	}
	if flags&0x80 != 0 {
		c.username = f.text()
	}
	if flags&0x40 != 0 {
		c.password = string(f.binary())
	}
	switch {
	case f.bad || len(f.rest) > 0:
		return c, errMalformed
	case has(seen, propAuthMethod):
		return c, errAuthMethod
	case c.clientID == "" && !c.clean && version == version311:
		return c, errClientID
	}
	return c, nil
}

// publish is a PUBLISH packet (section 3.3). Whether it is a repeat does not matter: the
// road knows by what is in it.
type publish struct {
	qos     byte
	id      uint16 // 0 with QoS 0
	topic   string
	payload []byte // part of the packet
}

// parsePublish reads a packet, or its front part if the payload is longer.
func parsePublish(version, flags byte, packet []byte) (publish, error) {
	f := fields{rest: packet}
	p := publish{qos: flags >> 1 & 3}
	p.topic = f.text()
	if p.qos > 0 {
		p.id = f.uint16()
	}
	var seen uint64
	if version == version5 {
		seen = f.properties()
	}
	switch {
	case f.bad || p.qos == 3 || p.qos > 0 && p.id == 0 || p.qos == 0 && flags&0x08 != 0:
		return p, errMalformed
	case has(seen, propTopicAlias):
		return p, errAlias
	case p.topic == "" || strings.ContainsAny(p.topic, "+#"):
		return p, errTopic
	}
	p.payload = f.rest
	return p, nil
}

// parseSubscribe gives the packet's id and what is granted: every filter, with the QoS it
// asks for (section 3.8).
func parseSubscribe(version, flags byte, packet []byte) (id uint16, granted []byte, err error) {
	f := fields{rest: packet}
	id = f.uint16()
	if version == version5 {
		f.properties()
	}
	for len(f.rest) > 0 {
		filter, qos := f.text(), f.byte()&3
		if f.bad || filter == "" || qos == 3 {
			return 0, nil, errMalformed
		}
		granted = append(granted, qos)
	}
	if f.bad || id == 0 || flags != 2 || len(granted) == 0 {
		return 0, nil, errMalformed
	}
	return id, granted, nil
}

// parseUnsubscribe gives the packet's id and how many filters it names (section 3.10).
func parseUnsubscribe(version, flags byte, packet []byte) (id uint16, filters int, err error) {
	f := fields{rest: packet}
	id = f.uint16()
	if version == version5 {
		f.properties()
	}
	for len(f.rest) > 0 {
		if f.text() == "" {
			return 0, 0, errMalformed
		}
		filters++
	}
	if f.bad || id == 0 || flags != 2 || filters == 0 {
		return 0, 0, errMalformed
	}
	return id, filters, nil
}

// parsePubrel gives the packet's id (section 3.6).
func parsePubrel(flags byte, packet []byte) (uint16, error) {
	f := fields{rest: packet}
	id := f.uint16()
	if f.bad || id == 0 || flags != 2 {
		return 0, errMalformed
	}
	return id, nil
}

// parseDisconnect gives what a publisher says as it leaves, "" if nothing is wrong.
func parseDisconnect(packet []byte) string {
	if len(packet) == 0 || packet[0] == 0 {
		return ""
	}
	return fmt.Sprintf("it left with reason code 0x%02x", packet[0])
}
