package lorawan

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"meldefunk/city"
)

// DevAddr is the address of a device within a session (L2 1.0.4 section 6.1.1). Bytes are
// in the order they are printed; on air they travel the other way round.
type DevAddr [4]byte

// ParseDevAddr reads 8 hex digits in either case.
func ParseDevAddr(s string) (DevAddr, error) {
	var a DevAddr
	if err := unhex(a[:], s); err != nil {
		return DevAddr{}, fmt.Errorf("%.40q is not a device address: want 8 hex digits, like 26011bda", s)
	}
	return a, nil
}

// String gives 8 lower-case hex digits.
func (a DevAddr) String() string { return hex.EncodeToString(a[:]) }

// MarshalText gives 8 lower-case hex digits.
func (a DevAddr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what ParseDevAddr reads.
func (a *DevAddr) UnmarshalText(b []byte) error {
	v, err := ParseDevAddr(string(b))
	if err != nil {
		return err
	}
	*a = v
	return nil
}

// NetID names a network: three bits of type and 21 of identifier (LoRaWAN Backend
// Interfaces 1.0 section 14). Bytes are in the order they are printed.
type NetID [3]byte

// ParseNetID reads 6 hex digits in either case.
func ParseNetID(s string) (NetID, error) {
	var n NetID
	if err := unhex(n[:], s); err != nil {
		return NetID{}, fmt.Errorf("%.40q is not a NetID: want 6 hex digits, like 000013", s)
	}
	return n, nil
}

// String gives 6 lower-case hex digits.
func (n NetID) String() string { return hex.EncodeToString(n[:]) }

// MarshalText gives 6 lower-case hex digits.
func (n NetID) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads what ParseNetID reads.
func (n *NetID) UnmarshalText(b []byte) error {
	v, err := ParseNetID(string(b))
	if err != nil {
		return err
	}
	*n = v
	return nil
}

// Type gives the type of the network, 0 to 7; the higher, the fewer addresses it has.
func (n NetID) Type() uint8 { return n[0] >> 5 }

// nwkIDBits is how many bits of a device address name the network, by the type of its NetID
// (LoRaWAN Backend Interfaces 1.0 section 14, with its errata for types 3 and 4). Before them stand as many ones as the
// type says, and a zero.
var nwkIDBits = [8]uint{6, 6, 9, 11, 12, 13, 15, 17}

// DevAddr makes the device address of this network whose own part (25 bits for type 0,
// 7 bits for type 7) ends in the bits of n; higher bits are cut off.
func (n NetID) DevAddr(device uint32) DevAddr {
	typ := uint(n.Type())
	id := uint32(n[0])<<16 | uint32(n[1])<<8 | uint32(n[2])
	network := nwkIDBits[typ]
	own := 32 - (typ + 1) - network
	v := uint32(1<<typ-1) << (32 - typ) // the ones; the zero after them is there
	v |= id & (1<<network - 1) << own
	v |= device & (1<<own - 1)
	var a DevAddr
	binary.BigEndian.PutUint32(a[:], v)
	return a
}

// Holds tells whether a device address belongs to this network.
func (n NetID) Holds(a DevAddr) bool {
	return n.DevAddr(binary.BigEndian.Uint32(a[:])) == a
}

// unhex fills dst with the bytes of s, which must have just as many.
func unhex(dst []byte, s string) error {
	if len(s) != 2*len(dst) {
		return hex.ErrLength
	}
	_, err := hex.Decode(dst, []byte(s))
	return err
}

// Numbers, addresses and identifiers travel with their lowest byte first
// (L2 1.0.4 section 1.1).

func appendUint24(b []byte, v uint32) []byte { return append(b, byte(v), byte(v>>8), byte(v>>16)) }

func uint24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }

func appendEUI(b []byte, e city.EUI) []byte {
	return binary.LittleEndian.AppendUint64(b, binary.BigEndian.Uint64(e[:]))
}

func eui(b []byte) (e city.EUI) {
	binary.BigEndian.PutUint64(e[:], binary.LittleEndian.Uint64(b))
	return e
}

func appendDevAddr(b []byte, a DevAddr) []byte { return append(b, a[3], a[2], a[1], a[0]) }

func putDevAddr(b []byte, a DevAddr) { b[0], b[1], b[2], b[3] = a[3], a[2], a[1], a[0] }

func devAddr(b []byte) DevAddr { return DevAddr{b[3], b[2], b[1], b[0]} }

func appendNetID(b []byte, n NetID) []byte { return append(b, n[2], n[1], n[0]) }

func netID(b []byte) NetID { return NetID{b[2], b[1], b[0]} }
