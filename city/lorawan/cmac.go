package lorawan

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
)

// engine is an AES cipher with its scratch space. It is made for one frame and let go: its
// key schedule takes 500 bytes, thirty times a key, which is too much to keep for each of
// 100,000 devices, and making it takes a fraction of a microsecond.
type engine struct {
	block      cipher.Block
	x, y, head [16]byte // here, because what goes through an interface escapes to the heap
}

func newEngine(k Key) *engine {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic(err) // cannot be: a Key has 16 bytes
	}
	return &engine{block: block}
}

// cmac is AES-CMAC (RFC 4493) over head and then msg, as if they were one. Either may be
// empty; head must have whole blocks of 16 bytes, unless msg is empty.
func (e *engine) cmac(head, msg []byte) [16]byte {
	if len(msg) == 0 {
		head, msg = nil, head
	}
	e.x = [16]byte{}
	for len(head) > 0 {
		e.absorb(head[:16])
		head = head[16:]
	}
	for len(msg) > 16 {
		e.absorb(msg[:16])
		msg = msg[16:]
	}
	// The last block is mixed with a subkey: the first if it is whole, the second if it
	// had to be filled up (RFC 4493 section 2.4).
	e.y = [16]byte{}
	e.block.Encrypt(e.y[:], e.y[:])
	double(&e.y)
	if len(msg) < 16 {
		double(&e.y)
		e.y[len(msg)] ^= 0x80
	}
	subtle.XORBytes(e.y[:], e.y[:], msg)
	e.absorb(e.y[:])
	return e.x
}

func (e *engine) absorb(block []byte) {
	subtle.XORBytes(e.x[:], e.x[:], block)
	e.block.Encrypt(e.x[:], e.x[:])
}

// double multiplies by x in the field of RFC 4493 section 2.3.
func double(b *[16]byte) {
	carry := b[0] >> 7
	for i := range 15 {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	b[15] = b[15]<<1 ^ carry*0x87
}
