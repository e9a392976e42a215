package lorawan

import (
	"encoding/binary"
	"errors"
	"fmt"

	"meldefunk/city"
)

// JoinAccept grants a session (L2 1.0.4 section 6.2.6, L2 1.1 section 6.2.3). It travels
// encrypted: see Seal and OpenJoinAccept.
type JoinAccept struct {
	JoinNonce   uint32 // 24 bits; AppNonce in 1.0.3
	NetID       NetID
	DevAddr     DevAddr
	OptNeg      bool  // the network speaks 1.1; not for a device of 1.0
	RX1DROffset uint8 // 0 to 7
	RX2DataRate uint8 // 0 to 15
	RXDelay     uint8 // seconds until RX1, 0 to 15; 0 means 1
	HasCFList   bool
	CFList      CFList
}

// The lengths of the frame in bytes, without and with CFList.
const (
	joinAcceptLen     = 17
	joinAcceptLongLen = 33
)

// JoinAsk is what a join-accept answers: who asked, with what. Its integrity code and its
// encryption depend on it in 1.1.
type JoinAsk struct {
	Type    uint8 // 0xff for a join-request; the type of a rejoin-request, 0 to 2
	JoinEUI city.EUI
	DevEUI  city.EUI
	Nonce   uint16 // DevNonce of a join-request, RJcount of a rejoin-request
}

// AskJoin is the JoinAsk.Type of a join-request (L2 1.1 section 6.2.3, JoinReqType).
const AskJoin = 0xff

// Ask gives what the join-accept of this request answers.
func (r JoinRequest) Ask() JoinAsk {
	return JoinAsk{Type: AskJoin, JoinEUI: r.JoinEUI, DevEUI: r.DevEUI, Nonce: r.DevNonce}
}

// Ask gives what the join-accept of this request answers. Types 0 and 2 do not carry the
// JoinEUI, so it has to be given; for type 1 it is that of the request.
func (r RejoinRequest) Ask(joinEUI city.EUI) JoinAsk {
	if r.Type == 1 {
		joinEUI = r.JoinEUI
	}
	return JoinAsk{Type: r.Type, JoinEUI: joinEUI, DevEUI: r.DevEUI, Nonce: r.RJCount}
}

// Seal appends the frame to dst, signed and encrypted. root is the AppKey of a 1.0 device,
// the NwkKey of a 1.1 device. It fails if a field is out of its range, and for a
// rejoin-request unless OptNeg is set: 1.0 knows none.
func (a JoinAccept) Seal(dst []byte, root Key, ask JoinAsk) ([]byte, error) {
	switch {
	case a.JoinNonce >= 1<<24:
		return nil, fmt.Errorf("JoinNonce %d has more than 24 bits", a.JoinNonce)
	case a.RX1DROffset > 7 || a.RX2DataRate > 15 || a.RXDelay > 15:
		return nil, fmt.Errorf("RX1DROffset %d, RX2DataRate %d, RXDelay %d: want at most 7, 15, 15", a.RX1DROffset, a.RX2DataRate, a.RXDelay)
	case ask.Type != AskJoin && (ask.Type > 2 || !a.OptNeg):
		return nil, fmt.Errorf("no join-accept answers a request of type %d with OptNeg %v", ask.Type, a.OptNeg)
	}
	start := len(dst)
	dst = append(dst, mhdr(JoinAcceptType))
	dst = appendUint24(dst, a.JoinNonce)
	dst = appendNetID(dst, a.NetID)
	dst = appendDevAddr(dst, a.DevAddr)
	settings := a.RX1DROffset<<4 | a.RX2DataRate
	if a.OptNeg {
		settings |= 1 << 7
	}
	dst = append(dst, settings, a.RXDelay)
	if a.HasCFList {
		dst = append(dst, a.CFList[:]...)
	}
	mic := a.mic(dst[start:], root, ask)
	dst = append(dst, mic[:]...)
	// The network decrypts so that the device needs to encrypt only (section 6.2.3).
	block := ask.encryption(root).block
	for b := dst[start+1:]; len(b) > 0; b = b[16:] {
		block.Decrypt(b[:16], b[:16])
	}
	return dst, nil
}

// OpenJoinAccept decrypts a frame of 17 or 33 bytes and checks its integrity code. root is
// the AppKey of a 1.0 device, the NwkKey of a 1.1 device. The error is ErrMIC if the key is
// another one, or the frame answers another request.
func OpenJoinAccept(frame []byte, root Key, ask JoinAsk) (JoinAccept, error) {
	if err := expect(frame, JoinAcceptType, joinAcceptLen, joinAcceptLongLen); err != nil {
		return JoinAccept{}, err
	}
	plain := append([]byte(nil), frame...)
	block := ask.encryption(root).block
	for b := plain[1:]; len(b) > 0; b = b[16:] {
		block.Encrypt(b[:16], b[:16])
	}
	a := JoinAccept{
		JoinNonce:   uint24(plain[1:]),
		NetID:       netID(plain[4:]),
		DevAddr:     devAddr(plain[7:]),
		OptNeg:      plain[11]>>7 == 1,
		RX1DROffset: plain[11] >> 4 & 7,
		RX2DataRate: plain[11] & 15,
		RXDelay:     plain[12] & 15,
	}
	if a.HasCFList = len(plain) == joinAcceptLongLen; a.HasCFList {
		a.CFList = CFList(plain[13:29])
	}
	if msg, mic := split(plain); !a.mic(msg, root, ask).is(mic) {
		return JoinAccept{}, fmt.Errorf("join-accept for %s: %w", ask.DevEUI, ErrMIC)
	}
	return a, nil
}

// encryption gives the cipher of the answer: under the root key for a join-request, under
// the JSEncKey for a rejoin-request (L2 1.1 section 6.2.3).
func (ask JoinAsk) encryption(root Key) *engine {
	if ask.Type == AskJoin {
		return newEngine(root)
	}
	return newEngine(JSEncKey(root, ask.DevEUI))
}

// mic covers, where the network speaks 1.1, also the request (L2 1.1 section 6.2.3).
func (a JoinAccept) mic(msg []byte, root Key, ask JoinAsk) MIC {
	if !a.OptNeg {
		return joinMIC(root, msg)
	}
	b := make([]byte, 0, 11+joinAcceptLongLen)
	b = append(b, ask.Type)
	b = appendEUI(b, ask.JoinEUI)
	b = binary.LittleEndian.AppendUint16(b, ask.Nonce)
	return joinMIC(JSIntKey(root, ask.DevEUI), append(b, msg...))
}

// CFList is the list of channels in a join-accept, as its 16 bytes (RP section 2.2.4).
type CFList [16]byte

// NewCFList makes a list of five more channels, in Hz; 0 leaves one unused. A frequency
// must be a multiple of 100 Hz, from 100 MHz to 1,677.7215 MHz.
func NewCFList(hz [5]uint32) (CFList, error) {
	var l CFList
	for i, f := range hz {
		b, err := appendFrequency(nil, f)
		if err != nil {
			return CFList{}, fmt.Errorf("channel %d of the list: %w", i, err)
		}
		copy(l[3*i:], b)
	}
	return l, nil
}

// Frequencies gives the five channels in Hz; 0 is an unused one. It fails if the list is of
// another type (1: a channel mask, which Europe does not use).
func (l CFList) Frequencies() ([5]uint32, error) {
	var hz [5]uint32
	if l[15] != 0 {
		return hz, fmt.Errorf("the list of channels has type %d: want 0, frequencies", l[15])
	}
	for i := range hz {
		hz[i] = frequency(l[3*i:])
	}
	return hz, nil
}

var errFrequency = errors.New("want 0, or a multiple of 100 Hz from 100 MHz to 1677.7215 MHz")

// appendFrequency writes a frequency in Hz as 24 bits of 100 Hz (L2 1.0.4 section 5.4).
func appendFrequency(b []byte, hz uint32) ([]byte, error) {
	if hz%100 != 0 || hz/100 >= 1<<24 || hz != 0 && hz < 100e6 {
		return nil, fmt.Errorf("frequency %d Hz: %w", hz, errFrequency)
	}
	return appendUint24(b, hz/100), nil
}

func frequency(b []byte) uint32 { return uint24(b) * 100 }
