package lorawan

// FullFCnt gives the 32-bit counter a frame was sent with, from the 16 bits on air and the
// highest counter the receiver knows (L2 1.0.4 section 4.3.1.5). Of the counters that end in
// these bits it is the nearest to last: at most 32,767 after it, or 32,768 before it, so that
// a repeat or a frame that was overtaken gets its own counter and not that of a frame 65,536
// later. Whether such a frame is taken is the caller's business, and only the integrity code
// proves the guess.
func FullFCnt(last uint32, air uint16) uint32 {
	full := int64(last) + int64(int16(air-uint16(last)))
	switch {
	case full < 0: // nothing lies before the first frame
		full += 1 << 16
	case full > 1<<32-1: // nor after the last one
		full -= 1 << 16
	}
	return uint32(full)
}
