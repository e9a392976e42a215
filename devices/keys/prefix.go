package keys

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"meldefunk/city/lorawan"
)

// Prefix is a range of device addresses: all that share the first bits. Networks are given
// such ranges.
type Prefix struct {
	addr uint32
	bits uint8 // 1 to 32
}

// UnmarshalText reads 8 hex digits, a slash and a number of bits, like 26011b00/24.
func (p *Prefix) UnmarshalText(b []byte) error {
	text, length, ok := strings.Cut(string(b), "/")
	addr, err := lorawan.ParseDevAddr(text)
	bits, bitsErr := strconv.ParseUint(length, 10, 8)
	if !ok || err != nil || bitsErr != nil || bits < 1 || bits > 32 {
		return fmt.Errorf("%.40q is no range of device addresses: want 8 hex digits, a slash and 1 to 32 bits, like 26011b00/24", b)
	}
	p.addr, p.bits = binary.BigEndian.Uint32(addr[:]), uint8(bits)
	return nil
}

func (p Prefix) holds(addr lorawan.DevAddr) bool {
	return (binary.BigEndian.Uint32(addr[:])^p.addr)>>(32-p.bits) == 0
}

// ours tells whether an address is one of the city's.
func (r *Ring) ours(addr lorawan.DevAddr) bool {
	return slices.ContainsFunc(r.addresses, func(p Prefix) bool { return p.holds(addr) })
}
