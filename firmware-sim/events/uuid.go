package events

// UUID identifies something (RFC 9562). Bytes are in the order they are printed.
type UUID [16]byte

// NewUUID makes a version 4 UUID of 122 of the bits given: random ones, if it shall be
// one of its kind.
func NewUUID(high, low uint64) UUID {
	var u UUID
	for i := range 8 {
		u[i], u[8+i] = byte(high>>(56-8*i)), byte(low>>(56-8*i))
	}
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

// Append appends the 36 characters it is printed with.
func (u UUID) Append(b []byte) []byte {
	const digits = "0123456789abcdef"
	var text [36]byte
	n := 0
	for i, c := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text[n] = '-'
			n++
		}
		text[n], text[n+1] = digits[c>>4], digits[c&15]
		n += 2
	}
	return append(b, text[:]...)
}

func (u UUID) String() string { return string(u.Append(nil)) }
