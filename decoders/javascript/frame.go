package javascript

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// Between the platform and a worker go frames: four bytes of length, little endian, then
// that many bytes, the first of which says what it is.
//
//	'L' load     slot, strict (0 or 1), length of name (2 bytes), name, source
//	'D' decode   slot, FPort, time (8 bytes, ms since 1970), payload
//	'K' done     JSON after a decode, else empty
//	'E' refused  why, text
//
// A worker says 'K' when it is ready, and answers each frame with one.
const (
	frameLoad    = 'L'
	frameDecode  = 'D'
	frameDone    = 'K'
	frameRefused = 'E'
)

const (
	maxFrame  = 512 << 10 // bytes; above maxSource and maxAnswer
	maxAnswer = 64 << 10  // bytes of JSON that a codec may give for one uplink
)

// readFrame reads one frame into buf, which grows as needed. io.EOF means that the other
// side has ended in good order.
func readFrame(r io.Reader, buf []byte) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n == 0 || n > maxFrame {
		return nil, fmt.Errorf("frame of %d bytes: want 1 to %d", n, maxFrame)
	}
	if cap(buf) < int(n) {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(r, buf); err != nil {
		return nil, fmt.Errorf("frame broke off: %w", err)
	}
	return buf, nil
}

// startFrame leaves room for the length.
func startFrame(b []byte, kind byte) []byte { return append(b[:0], 0, 0, 0, 0, kind) }

// endFrame fills in the length.
func endFrame(b []byte) []byte {
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func appendLoad(b []byte, slot byte, strict bool, name, source string) []byte {
	b = append(startFrame(b, frameLoad), slot, 0)
	if strict {
		b[len(b)-1] = 1
	}
	if len(name) > 1<<10 {
		name = name[:1<<10]
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(name)))
	return endFrame(append(append(b, name...), source...))
}

func appendDecode(b []byte, slot, port byte, at time.Time, payload []byte) []byte {
	b = append(startFrame(b, frameDecode), slot, port)
	b = binary.LittleEndian.AppendUint64(b, uint64(at.UnixMilli()))
	return endFrame(append(b, payload...))
}

func parseLoad(body []byte) (slot byte, strict bool, name, source string, err error) {
	if len(body) < 4 {
		return 0, false, "", "", fmt.Errorf("load frame of %d bytes", len(body))
	}
	n := int(binary.LittleEndian.Uint16(body[2:]))
	if len(body) < 4+n {
		return 0, false, "", "", fmt.Errorf("load frame of %d bytes with a name of %d", len(body), n)
	}
	return body[0], body[1] != 0, string(body[4 : 4+n]), string(body[4+n:]), nil
}

func parseDecode(body []byte) (slot, port byte, ms int64, payload []byte, err error) {
	if len(body) < 10 {
		return 0, 0, 0, nil, fmt.Errorf("decode frame of %d bytes", len(body))
	}
	return body[0], body[1], int64(binary.LittleEndian.Uint64(body[2:])), body[10:], nil
}
