package lorawan

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Session is what both sides of a session share. It is a plain value of 72 bytes, so that
// one can be kept for each of many devices.
type Session struct {
	Version Version
	DevAddr DevAddr
	// The network keys of 1.1; in 1.0 they are one, the NwkSKey: see Session10.
	FNwkSIntKey, SNwkSIntKey, NwkSEncKey Key
	AppSKey                              Key
}

// Session10 makes a session of 1.0 from its two keys, such as those of an ABP device.
func Session10(v Version, addr DevAddr, nwkSKey, appSKey Key) Session {
	return Session{Version: v, DevAddr: addr, FNwkSIntKey: nwkSKey, SNwkSIntKey: nwkSKey, NwkSEncKey: nwkSKey, AppSKey: appSKey}
}

// Binding is what the integrity code of 1.1 covers beside the frame (L2 1.1 section 4.4).
// In 1.0 it is not looked at.
type Binding struct {
	ConfFCnt uint32 // the counter of the frame this one acknowledges; counts only with FCtrl.ACK
	DataRate uint8  // up: the data rate it is sent with
	Channel  uint8  // up: the index of the channel it is sent on
}

var errNoKey = errors.New("the session has no key for it")

// Seal appends a frame to dst: d encrypted and signed. d itself is not changed. It fails if
// d contradicts itself, is longer than the air takes, is of another address, or needs a key
// the session has not.
func (s *Session) Seal(dst []byte, d Data, bind Binding) ([]byte, error) {
	if d.DevAddr != s.DevAddr {
		return nil, fmt.Errorf("the frame is of %s, the session of %s", d.DevAddr, s.DevAddr)
	}
	start := len(dst)
	dst, err := d.append(dst)
	if err != nil {
		return nil, err
	}
	options := dst[start+8:][:len(d.FOpts)]
	if err := s.cryptFOpts(&d, options, options); err != nil {
		return nil, err
	}
	payload := dst[len(dst)-len(d.FRMPayload):]
	if err := s.cryptPayload(&d, payload, payload); err != nil {
		return nil, err
	}
	mic, err := s.mic(&d, dst[start:], bind)
	if err != nil {
		return nil, err
	}
	return append(dst, mic[:]...), nil
}

// Verify reads a frame and checks address and integrity code under the full counter (see
// FullFCnt), whose lower 16 bits must be the frame's. FOpts and FRMPayload of the result are
// still encrypted and share the memory of frame. Where only the integrity code is wrong the
// error is ErrMIC.
func (s *Session) Verify(frame []byte, fcnt uint32, bind Binding) (Data, error) {
	d, err := s.receive(frame, fcnt)
	if err != nil {
		return Data{}, err
	}
	msg, mic := split(frame)
	want, err := s.mic(&d, msg, bind)
	if err != nil {
		return Data{}, err
	}
	if !want.is(mic) {
		return Data{}, fmt.Errorf("frame %d of %s: %w", fcnt, s.DevAddr, ErrMIC)
	}
	return d, nil
}

// VerifyForwarded is Verify for an uplink of which data rate and channel are not known: of
// the integrity code of 1.1 it checks the half that the FNwkSIntKey makes, 16 bits
// (L2 1.1 section 4.4.2), which one in 65,536 forgeries passes. In 1.0 it is the same as
// Verify.
func (s *Session) VerifyForwarded(frame []byte, fcnt uint32) (Data, error) {
	if s.Version != V1_1 {
		return s.Verify(frame, fcnt, Binding{})
	}
	d, err := s.receive(frame, fcnt)
	switch {
	case err != nil:
		return Data{}, err
	case d.MType.Direction() != Up:
		return Data{}, fmt.Errorf("frame %d of %s is a %s: only uplinks are forwarded", fcnt, s.DevAddr, d.MType)
	case s.FNwkSIntKey.IsZero():
		return Data{}, fmt.Errorf("integrity code: %w: FNwkSIntKey", errNoKey)
	}
	msg, mic := split(frame)
	half := blockMIC(s.FNwkSIntKey, &d, msg, 0, Binding{})
	copy(half[2:], half[:2])
	copy(half[:2], mic[:2])
	if !half.is(mic) {
		return Data{}, fmt.Errorf("frame %d of %s: %w", fcnt, s.DevAddr, ErrMIC)
	}
	return d, nil
}

// receive reads a frame of this session and puts its counter in.
func (s *Session) receive(frame []byte, fcnt uint32) (Data, error) {
	d, err := ParseData(frame)
	switch {
	case err != nil:
		return Data{}, err
	case d.DevAddr != s.DevAddr:
		return Data{}, fmt.Errorf("the frame is of %s, the session of %s", d.DevAddr, s.DevAddr)
	case uint16(fcnt) != uint16(d.FCnt):
		return Data{}, fmt.Errorf("the frame of %s ends its counter in %d, not as %d does", s.DevAddr, d.FCnt, fcnt)
	}
	d.FCnt = fcnt
	return d, nil
}

// Commands gives the bytes of the MAC commands a verified frame carries, decrypted: of its
// FOpts, or of its payload on port 0. The result may share memory with d. It fails if the
// session has no key for it.
func (s *Session) Commands(d Data) ([]byte, error) {
	if d.HasPort && d.FPort == 0 {
		return s.Payload(d)
	}
	if len(d.FOpts) == 0 || s.Version != V1_1 {
		return d.FOpts, nil
	}
	out := make([]byte, len(d.FOpts))
	return out, s.cryptFOpts(&d, out, d.FOpts)
}

// Payload gives the payload of a verified frame decrypted, in memory of its own. It fails if
// the session has no key for it.
func (s *Session) Payload(d Data) ([]byte, error) {
	out := make([]byte, len(d.FRMPayload))
	return out, s.cryptPayload(&d, out, d.FRMPayload)
}

// cryptPayload encrypts or decrypts src into dst, which may be the same.
func (s *Session) cryptPayload(d *Data, dst, src []byte) error {
	if len(src) == 0 {
		return nil
	}
	key, name := s.AppSKey, "AppSKey"
	if d.FPort == 0 {
		key, name = s.NwkSEncKey, "NwkSEncKey"
	}
	if key.IsZero() {
		return fmt.Errorf("payload on port %d: %w: %s", d.FPort, errNoKey, name)
	}
	CryptPayload(dst, src, key, d.MType.Direction(), d.DevAddr, d.FCnt)
	return nil
}

// cryptFOpts encrypts or decrypts src into dst, which may be the same. 1.0 leaves it plain.
func (s *Session) cryptFOpts(d *Data, dst, src []byte) error {
	if len(src) == 0 || s.Version != V1_1 {
		return nil
	}
	if s.NwkSEncKey.IsZero() {
		return fmt.Errorf("FOpts: %w: NwkSEncKey", errNoKey)
	}
	// Which of the two downlink counters is meant (L2 1.1 section 4.3.1.6 with its errata
	// "FOpts encryption, usage of FCntDwn"): 1 for FCntUp and NFCntDown, 2 for AFCntDown.
	kind := byte(1)
	if d.MType.Direction() == Down && d.HasPort && d.FPort > 0 {
		kind = 2
	}
	e := newEngine(s.NwkSEncKey)
	cryptBlock(&e.x, d.MType.Direction(), d.DevAddr, d.FCnt)
	e.x[4], e.x[15] = kind, 1
	e.block.Encrypt(e.y[:], e.x[:])
	for i := range src {
		dst[i] = src[i] ^ e.y[i]
	}
	return nil
}

// CryptPayload encrypts or decrypts a payload of up to 255 bytes: src into dst, which has
// its length and may be the same memory (L2 1.0.4 section 4.3.3). It is for whoever holds
// one key and no session, such as the receiver of end-to-end encrypted payloads; there is no
// proof in it that the key is the right one. It panics if dst is shorter than src.
func CryptPayload(dst, src []byte, key Key, dir Direction, addr DevAddr, fcnt uint32) {
	e := newEngine(key)
	cryptBlock(&e.x, dir, addr, fcnt)
	dst = dst[:len(src)]
	for at := 0; at < len(src); at += 16 {
		e.x[15]++
		e.block.Encrypt(e.y[:], e.x[:])
		for i := at; i < min(at+16, len(src)); i++ {
			dst[i] = src[i] ^ e.y[i-at]
		}
	}
}

// cryptBlock fills the block A of L2 1.0.4 section 4.3.3, its counter at zero.
func cryptBlock(a *[16]byte, dir Direction, addr DevAddr, fcnt uint32) {
	*a = [16]byte{0: 1, 5: byte(dir)}
	putDevAddr(a[6:], addr)
	binary.LittleEndian.PutUint32(a[10:], fcnt)
}

// mic makes the integrity code of a frame, given without one (L2 1.1 section 4.4).
func (s *Session) mic(d *Data, msg []byte, bind Binding) (MIC, error) {
	if s.FNwkSIntKey.IsZero() || s.SNwkSIntKey.IsZero() {
		return MIC{}, fmt.Errorf("integrity code: %w: FNwkSIntKey and SNwkSIntKey (1.0: NwkSKey)", errNoKey)
	}
	if s.Version != V1_1 {
		return blockMIC(s.FNwkSIntKey, d, msg, 0, Binding{}), nil
	}
	var conf uint16
	if d.FCtrl.ACK {
		conf = uint16(bind.ConfFCnt)
	}
	if d.MType.Direction() == Down {
		return blockMIC(s.SNwkSIntKey, d, msg, conf, Binding{}), nil
	}
	serving := blockMIC(s.SNwkSIntKey, d, msg, conf, bind)
	forwarding := blockMIC(s.FNwkSIntKey, d, msg, 0, Binding{})
	return MIC{serving[0], serving[1], forwarding[0], forwarding[1]}, nil
}

// blockMIC is the CMAC over the block B of L2 1.1 section 4.4 and the frame. B0 of 1.0 is
// B1 with zeros for what 1.0 does not cover.
func blockMIC(k Key, d *Data, msg []byte, conf uint16, bind Binding) MIC {
	e := newEngine(k)
	b := &e.head
	*b = [16]byte{0: 0x49, 3: bind.DataRate, 4: bind.Channel, 5: byte(d.MType.Direction()), 15: byte(len(msg))}
	binary.LittleEndian.PutUint16(b[1:], conf)
	putDevAddr(b[6:], d.DevAddr)
	binary.LittleEndian.PutUint32(b[10:], d.FCnt)
	sum := e.cmac(b[:], msg)
	return MIC(sum[:4])
}
