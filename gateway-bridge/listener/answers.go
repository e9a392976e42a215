package listener

import "encoding/binary"

// appendPacket puts the fixed header before a packet. Lengths are what Go calls a uvarint
// (section 2.2.3 of 3.1.1).
func appendPacket(to []byte, kind, flags byte, packet ...byte) []byte {
	return append(binary.AppendUvarint(append(to, kind<<4|flags), uint64(len(packet))), packet...)
}

func appendText(to []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint16(to, uint16(len(text))), text...)
}

// welcome is a CONNACK that lets somebody in (section 3.2).
type welcome struct {
	present       bool // it had a session, see memory
	version       byte
	assignedID    string // "": it brought one
	keepAlive     uint16 // seconds it has to keep; 0: its own
	maximumPacket int    // bytes
}

func (w welcome) append(to []byte) []byte {
	flags := byte(0)
	if w.present {
		flags = 1
	}
	if w.version != version5 {
		return appendPacket(to, typeConnack, 0, flags, 0)
	}
	var p []byte
	p = binary.BigEndian.AppendUint16(append(p, propReceiveMaximum), window)
	p = binary.BigEndian.AppendUint32(append(p, propMaximumPacket), uint32(w.maximumPacket))
	if w.keepAlive > 0 {
		p = binary.BigEndian.AppendUint16(append(p, propServerKeepAlive), w.keepAlive)
	}
	if w.assignedID != "" {
		p = appendText(append(p, propAssignedID), w.assignedID)
	}
	// A maximum of topic aliases that is not given is 0: there are none (3.2.2.3.8).
	return appendPacket(to, typeConnack, 0, append(binary.AppendUvarint([]byte{flags, 0}, uint64(len(p))), p...)...)
}

// appendRefusal is a CONNACK that lets nobody in. A fault without a return code of 3.1.1 has
// no answer there.
func appendRefusal(to []byte, version byte, f *fault) []byte {
	switch {
	case version == version5:
		reason := appendText([]byte{propReason}, f.text)
		return appendPacket(to, typeConnack, 0, append(binary.AppendUvarint([]byte{0, f.reason}, uint64(len(reason))), reason...)...)
	case f.code != 0:
		return appendPacket(to, typeConnack, 0, 0, f.code)
	}
	return to
}

// appendAck is PUBACK, PUBREC or PUBCOMP. Version 5 may leave out a reason of 0 (section
// 3.4.2.1), and 3.1.1 has none.
func appendAck(to []byte, kind byte, id uint16, reason byte) []byte {
	packet := binary.BigEndian.AppendUint16(make([]byte, 0, 3), id)
	if reason != 0 {
		packet = append(packet, reason)
	}
	return appendPacket(to, kind, 0, packet...)
}

func appendSuback(to []byte, version byte, id uint16, granted []byte) []byte {
	packet := binary.BigEndian.AppendUint16(nil, id)
	if version == version5 {
		packet = append(packet, 0) // no properties
	}
	return appendPacket(to, typeSuback, 0, append(packet, granted...)...)
}

func appendUnsuback(to []byte, version byte, id uint16, filters int) []byte {
	packet := binary.BigEndian.AppendUint16(nil, id)
	if version == version5 {
		packet = append(packet, make([]byte, 1+filters)...) // no properties; done, each
	}
	return appendPacket(to, typeUnsuback, 0, packet...)
}

// appendDisconnect tells a client of version 5 why (section 3.14); 3.1.1 has nothing for it.
func appendDisconnect(to []byte, version byte, f *fault) []byte {
	if version != version5 {
		return to
	}
	reason := appendText([]byte{propReason}, f.text)
	return appendPacket(to, typeDisconnect, 0, append(binary.AppendUvarint([]byte{f.reason}, uint64(len(reason))), reason...)...)
}
