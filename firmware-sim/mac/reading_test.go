package mac

import (
	"crypto/aes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// What follows reads and makes frames by the letter of the specification, with nothing but
// AES, so that the device is not judged by the code it is made of.

func aesBlock(key [16]byte, in []byte) [16]byte {
	c, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	var out [16]byte
	c.Encrypt(out[:], in)
	return out
}

func aesBackwards(key [16]byte, in []byte) [16]byte {
	c, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	var out [16]byte
	c.Decrypt(out[:], in)
	return out
}

// plainCMAC is RFC 4493 as its text has it.
func plainCMAC(key [16]byte, msg []byte) [16]byte {
	shift := func(b [16]byte) (out [16]byte) {
		hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
		binary.BigEndian.PutUint64(out[:8], hi<<1|lo>>63)
		binary.BigEndian.PutUint64(out[8:], lo<<1)
		if hi>>63 == 1 {
			out[15] ^= 0x87
		}
		return out
	}
	k1 := shift(aesBlock(key, make([]byte, 16)))
	m, sub := slices.Clone(msg), k1
	if len(m) == 0 || len(m)%16 != 0 {
		sub = shift(k1)
		m = append(m, 0x80)
		for len(m)%16 != 0 {
			m = append(m, 0)
		}
	}
	for i := range 16 {
		m[len(m)-16+i] ^= sub[i]
	}
	var x [16]byte
	for ; len(m) > 0; m = m[16:] {
		for i := range 16 {
			x[i] ^= m[i]
		}
		x = aesBlock(key, x[:])
	}
	return x
}

// TestPlainCMAC holds the reading against example 3 of RFC 4493 section 4.
func TestPlainCMAC(t *testing.T) {
	key := [16]byte(unhex(t, "2b7e151628aed2a6abf7158809cf4f3c"))
	got := plainCMAC(key, unhex(t, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"))
	if want := "dfa66747de9ae63030ca32611497c827"; hex.EncodeToString(got[:]) != want {
		t.Errorf("%x, want %s", got, want)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func backwards(b []byte) []byte {
	out := slices.Clone(b)
	slices.Reverse(out)
	return out
}

// network is the other side of one device: what a network and join server of its version
// would know.
type network struct {
	v               lorawan.Version
	device          city.EUI
	joinEUI         city.EUI
	appKey, nwkKey  [16]byte
	addr            [4]byte
	netID           [3]byte
	fnwk, snwk, enc [16]byte
	app             [16]byte
	joinNonce       uint32
	nDown, aDown    uint32
	lastUp          uint32 // the last frame's counter
}

// plainUp is an uplink in clear.
type plainUp struct {
	mtype            uint8
	adr, ackReq, ack bool
	fopts, payload   []byte
	hasPort          bool
	port             uint8
	fcnt             uint16
	commands         []lorawan.Command
}

func (n *network) block(first byte, dir byte, fcnt uint32) []byte {
	b := make([]byte, 16)
	b[0], b[5] = first, dir
	copy(b[6:], backwards(n.addr[:]))
	binary.LittleEndian.PutUint32(b[10:], fcnt)
	return b
}

func (n *network) crypt(key [16]byte, dir byte, fcnt uint32, b []byte) []byte {
	out := slices.Clone(b)
	for i := range out {
		a := n.block(1, dir, fcnt)
		a[15] = byte(i/16 + 1)
		s := aesBlock(key, a)
		out[i] ^= s[i%16]
	}
	return out
}

func (n *network) cryptFOpts(dir byte, fcnt uint32, app bool, b []byte) []byte {
	if n.v != lorawan.V1_1 {
		return b
	}
	a := n.block(1, dir, fcnt)
	a[4], a[15] = 1, 1
	if app && dir == 1 {
		a[4] = 2
	}
	s := aesBlock(n.enc, a)
	out := slices.Clone(b)
	for i := range out {
		out[i] ^= s[i]
	}
	return out
}

// read takes an uplink apart and fails the test if its integrity code is wrong. conf is the
// counter of the downlink it acknowledges.
func (n *network) read(t *testing.T, tx Transmission, conf uint32) plainUp {
	t.Helper()
	f := tx.PHYPayload
	msg, mic := f[:len(f)-4], f[len(f)-4:]
	fcnt := tx.FCnt
	ack := f[5]>>5&1 == 1
	b0 := append(n.block(0x49, 0, fcnt), msg...)
	b0[15] = byte(len(msg))
	want := plainCMAC(n.fnwk, b0)
	if n.v == lorawan.V1_1 {
		b1 := slices.Clone(b0)
		if ack {
			binary.LittleEndian.PutUint16(b1[1:], uint16(conf))
		}
		b1[3], b1[4] = tx.DataRate, tx.Channel
		s := plainCMAC(n.snwk, b1)
		want = [16]byte{s[0], s[1], want[0], want[1]}
	}
	if string(want[:4]) != string(mic) {
		t.Fatalf("frame %x: integrity code %x, want %x", f, mic, want[:4])
	}
	if string(backwards(f[1:5])) != string(n.addr[:]) || binary.LittleEndian.Uint16(f[6:]) != uint16(fcnt) {
		t.Fatalf("frame %x: want address %x and counter %d", f, n.addr, fcnt)
	}
	n.lastUp = fcnt
	k := int(f[5] & 15)
	up := plainUp{mtype: f[0] >> 5, adr: f[5]>>7 == 1, ackReq: f[5]>>6&1 == 1, ack: ack, fcnt: uint16(fcnt)}
	rest := msg[8+k:]
	if up.hasPort = len(rest) > 0; up.hasPort {
		up.port = rest[0]
		key := n.app
		if up.port == 0 {
			key = n.enc
		}
		up.payload = n.crypt(key, 0, fcnt, rest[1:])
	}
	up.fopts = n.cryptFOpts(0, fcnt, false, msg[8:8+k])
	commands := up.fopts
	if up.hasPort && up.port == 0 {
		commands = up.payload
	}
	all, left, err := lorawan.ParseCommands(lorawan.Up, commands)
	if err != nil {
		t.Fatalf("frame %x: commands %x: %v, left %x", f, commands, err, left)
	}
	up.commands = all
	return up
}

// plainDown is a downlink to make.
type plainDown struct {
	confirmed, ack, pending bool
	fopts                   []byte
	port                    int // -1: none
	payload                 []byte
}

// down makes a downlink with the next counter of its kind.
func (n *network) down(p plainDown) []byte {
	counter := &n.nDown
	if n.v == lorawan.V1_1 && p.port > 0 {
		counter = &n.aDown
	}
	fcnt := *counter
	*counter++
	return n.downAt(p, fcnt)
}

func (n *network) downAt(p plainDown, fcnt uint32) []byte {
	f := []byte{3 << 5}
	if p.confirmed {
		f[0] = 5 << 5
	}
	f = append(f, backwards(n.addr[:])...)
	c := byte(len(p.fopts))
	if p.ack {
		c |= 1 << 5
	}
	if p.pending {
		c |= 1 << 4
	}
	f = append(f, c, byte(fcnt), byte(fcnt>>8))
	f = append(f, n.cryptFOpts(1, fcnt, p.port > 0, p.fopts)...)
	if p.port >= 0 {
		key := n.app
		if p.port == 0 {
			key = n.enc
		}
		f = append(f, byte(p.port))
		f = append(f, n.crypt(key, 1, fcnt, p.payload)...)
	}
	b0 := append(n.block(0x49, 1, fcnt), f...)
	b0[15] = byte(len(f))
	if n.v == lorawan.V1_1 && p.ack {
		binary.LittleEndian.PutUint16(b0[1:], uint16(n.lastUp))
	}
	mic := plainCMAC(n.snwk, b0)
	return append(f, mic[:4]...)
}

// root is the key of joins.
func (n *network) root() [16]byte {
	if n.v == lorawan.V1_1 {
		return n.nwkKey
	}
	return n.appKey
}

// lifetime is a key a join server keeps for the lifetime of a device.
func (n *network) lifetime(first byte) [16]byte {
	b := make([]byte, 16)
	b[0] = first
	copy(b[1:], backwards(n.device[:]))
	return aesBlock(n.nwkKey, b)
}

// accept reads a join- or rejoin-request, checks its integrity code, and makes the
// join-accept: cfList may be nil. The session is the new one afterwards.
func (n *network) accept(t *testing.T, request []byte, offset, rx2, delay uint8, cfList []byte) []byte {
	t.Helper()
	msg, mic := request[:len(request)-4], request[len(request)-4:]
	typ, key := byte(0xff), n.root()
	nonce := request[17:19]
	if request[0]>>5 == 6 {
		typ, key, nonce = request[1], n.snwk, request[13:15]
	}
	if want := plainCMAC(key, msg); string(want[:4]) != string(mic) {
		t.Fatalf("request %x: integrity code %x, want %x", request, mic, want[:4])
	}
	n.joinNonce++
	settings := offset<<4 | rx2
	if n.v == lorawan.V1_1 {
		settings |= 1 << 7
	}
	a := []byte{1 << 5, byte(n.joinNonce), byte(n.joinNonce >> 8), byte(n.joinNonce >> 16)}
	a = append(a, backwards(n.netID[:])...)
	a = append(a, backwards(n.addr[:])...)
	a = append(a, settings, delay)
	a = append(a, cfList...)
	var sum [16]byte
	enc := n.root()
	if n.v == lorawan.V1_1 {
		b := append([]byte{typ}, backwards(n.joinEUI[:])...)
		b = append(b, nonce...)
		sum = plainCMAC(n.lifetime(6), append(b, a...))
		if typ != 0xff {
			enc = n.lifetime(5)
		}
	} else {
		sum = plainCMAC(n.appKey, a)
	}
	a = append(a, sum[:4]...)
	for i := 1; i < len(a); i += 16 {
		c := aesBackwards(enc, a[i:i+16])
		copy(a[i:], c[:])
	}
	derive := func(first byte, root [16]byte) [16]byte {
		b := []byte{first, byte(n.joinNonce), byte(n.joinNonce >> 8), byte(n.joinNonce >> 16)}
		if n.v == lorawan.V1_1 {
			b = append(b, backwards(n.joinEUI[:])...)
		} else {
			b = append(b, backwards(n.netID[:])...)
		}
		b = append(b, nonce...)
		return aesBlock(root, append(b, make([]byte, 16-len(b))...))
	}
	n.fnwk = derive(1, n.root())
	n.snwk, n.enc = n.fnwk, n.fnwk
	n.app = derive(2, n.appKey)
	if n.v == lorawan.V1_1 {
		n.snwk, n.enc = derive(3, n.nwkKey), derive(4, n.nwkKey)
	}
	n.nDown, n.aDown, n.lastUp = 0, 0, 0
	return a
}
