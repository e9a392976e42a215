package events

import (
	"encoding/binary"
	"time"
)

// hops are the places a message of The Things Stack passes. Each gives it an id, by which
// operators find it in the logs.
type hops uint8

// The hops, in the alphabetical order in which a message names them.
const (
	hopQueue hops = 1 << iota
	hopTxAck
	hopUplink
	hopTransmit
	hopHandle
	hopReport
	hopTell
	hopSchedule

	hopsUp   = hopUplink | hopHandle | hopTell
	hopsSent = hopQueue | hopTxAck | hopUplink | hopTransmit | hopHandle | hopReport | hopTell | hopSchedule
	hopsAck  = hopQueue | hopUplink | hopHandle | hopTell
)

func hopName(i int) string {
	return [...]string{
		"as:downlink:",
		"gs:tx_ack:",
		"gs:uplink:",
		"ns:transmission:",
		"rpc:/ttn.lorawan.v3.GsNs/HandleUplink:",
		"rpc:/ttn.lorawan.v3.GsNs/ReportTxAcknowledgment:",
		"rpc:/ttn.lorawan.v3.NsAs/HandleUplink:",
		"rpc:/ttn.lorawan.v3.NsGs/ScheduleDownlink:",
	}[i]
}

// path is how a message went through The Things Stack.
type path struct {
	hops  hops
	id    UUID      // of the message: the ids of its hops follow from it
	asked time.Time // when a downlink was put into the queue
	heard time.Time // when the gateway server had it
	told  time.Time // when the application server had it
	own   []string  // ids of the sender, in alphabetical order
}

// append writes the array of correlation ids.
func (p path) append(b []byte) []byte {
	b = append(b, '[')
	own := p.own
	for i := range 8 {
		if p.hops&(1<<i) == 0 {
			continue
		}
		name := hopName(i)
		for len(own) > 0 && own[0] < name {
			b = append(appendString(b, own[0]), ',')
			own = own[1:]
		}
		at := p.heard
		switch hops(1 << i) {
		case hopQueue:
			at = p.asked
		case hopTell:
			at = p.told
		}
		b = append(append(b, '"'), name...)
		b = append(appendULID(b, p.id, at, uint64(i)), '"', ',')
	}
	for _, id := range own {
		b = append(appendString(b, id), ',')
	}
	return append(b[:len(b)-1], ']')
}

// appendULID appends an id that starts with its time: 48 bits of milliseconds and 80 bits
// that would be chance and here follow from the message and the hop, in Crockford's
// base 32 (the ULID specification).
func appendULID(b []byte, id UUID, at time.Time, hop uint64) []byte {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	high := scramble(binary.BigEndian.Uint64(id[:8]) + hop)
	low := scramble(binary.BigEndian.Uint64(id[8:]) + hop)
	high = uint64(at.UnixMilli())<<16 | high&0xffff
	var text [26]byte
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = digits[low&31]
		low = low>>5 | high<<59
		high >>= 5
	}
	return append(b, text[:]...)
}

// scramble spreads the bits of n over all 64: the last step of SplitMix64 (Steele, Lea,
// Flood: Fast splittable pseudorandom number generators, 2014).
func scramble(n uint64) uint64 {
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
