package lorawan

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// FCtrl is the frame control (L2 1.1 section 4.3.1). The length of FOpts, which shares its
// byte, follows from FOpts.
type FCtrl struct {
	ADR       bool
	ADRACKReq bool // up: the device wants to hear something; without meaning down
	ACK       bool // acknowledges the last confirmed frame of the other side
	Pending   bool // up: the device is of class B; down: more waits for the device
}

// Data is a frame with data, up or down, confirmed or not.
type Data struct {
	MType   MType
	DevAddr DevAddr
	FCtrl   FCtrl
	// FCnt counts the frames of a session and direction. The air carries the lower 16
	// bits: after ParseData the others are zero until FullFCnt has put them back.
	FCnt       uint32
	FOpts      []byte // MAC commands, 15 bytes at most
	HasPort    bool   // without a port there is no payload
	FPort      uint8  // 0: the payload is MAC commands
	FRMPayload []byte
}

// minDataLen is a frame without options, port and payload, in bytes.
const minDataLen = 12

// The errors of a frame that contradicts itself.
var (
	errNotData    = errors.New("the frame carries no data: want unconfirmed or confirmed, up or down")
	errPortZero   = errors.New("MAC commands both in FOpts and as payload on port 0 (L2 1.0.4 section 4.3.1.6)")
	errNoPort     = errors.New("a payload needs a port")
	errFOptsBytes = fmt.Errorf("FOpts has more than %d bytes", MaxFOpts)
)

// ParseData reads a data frame of 12 to 255 bytes. FOpts and FRMPayload are what is on air,
// encrypted, and share the memory of frame. It does not check the integrity code: see
// Session.Verify.
func ParseData(frame []byte) (Data, error) {
	t, err := TypeOf(frame)
	switch {
	case err != nil:
		return Data{}, err
	case !t.IsData():
		return Data{}, fmt.Errorf("%w; it is a %s", errNotData, t)
	case len(frame) < minDataLen:
		return Data{}, fmt.Errorf("the %s frame has %d bytes, want at least %d", t, len(frame), minDataLen)
	}
	c := frame[5]
	d := Data{
		MType:   t,
		DevAddr: devAddr(frame[1:]),
		FCtrl:   FCtrl{ADR: c>>7&1 == 1, ADRACKReq: c>>6&1 == 1, ACK: c>>5&1 == 1, Pending: c>>4&1 == 1},
		FCnt:    uint32(binary.LittleEndian.Uint16(frame[6:])),
	}
	opts, rest := int(c&15), frame[8:len(frame)-4]
	if opts > len(rest) {
		return Data{}, fmt.Errorf("the frame says %d bytes of FOpts and has %d", opts, len(rest))
	}
	d.FOpts, rest = rest[:opts:opts], rest[opts:]
	if len(rest) > 0 {
		d.HasPort, d.FPort, d.FRMPayload = true, rest[0], rest[1:]
	}
	if opts > 0 && d.HasPort && d.FPort == 0 {
		return Data{}, errPortZero
	}
	return d, nil
}

// append writes the frame without its integrity code, FOpts and FRMPayload as they are.
func (d *Data) append(dst []byte) ([]byte, error) {
	switch size := minDataLen + len(d.FOpts) + 1 + len(d.FRMPayload); {
	case !d.MType.IsData():
		return nil, fmt.Errorf("%w; it is a %s", errNotData, d.MType)
	case len(d.FOpts) > MaxFOpts:
		return nil, errFOptsBytes
	case !d.HasPort && len(d.FRMPayload) > 0:
		return nil, errNoPort
	case len(d.FOpts) > 0 && d.HasPort && d.FPort == 0:
		return nil, errPortZero
	case d.HasPort && size > MaxFrame:
		return nil, fmt.Errorf("the frame would have %d bytes, the air takes %d", size, MaxFrame)
	}
	c := byte(len(d.FOpts))
	for i, set := range [...]bool{d.FCtrl.Pending, d.FCtrl.ACK, d.FCtrl.ADRACKReq, d.FCtrl.ADR} {
		if set {
			c |= 1 << (4 + i)
		}
	}
	dst = append(dst, mhdr(d.MType))
	dst = appendDevAddr(dst, d.DevAddr)
	dst = append(dst, c)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(d.FCnt))
	dst = append(dst, d.FOpts...)
	if d.HasPort {
		dst = append(dst, d.FPort)
		dst = append(dst, d.FRMPayload...)
	}
	return dst, nil
}
