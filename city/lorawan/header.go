package lorawan

import "fmt"

// MType is the type of a frame (L2 1.1 section 4.2.1).
type MType uint8

// The types of frames. RejoinRequest is of 1.1 only.
const (
	JoinRequestType MType = iota
	JoinAcceptType
	UnconfirmedUp
	UnconfirmedDown
	ConfirmedUp
	ConfirmedDown
	RejoinRequestType
	Proprietary
)

var mTypeNames = [8]string{
	"join-request", "join-accept", "unconfirmed data up", "unconfirmed data down",
	"confirmed data up", "confirmed data down", "rejoin-request", "proprietary",
}

// String gives the name of the specification, in lower case.
func (t MType) String() string { return mTypeNames[t&7] }

// IsData tells whether a frame of this type is one that Data holds.
func (t MType) IsData() bool { return UnconfirmedUp <= t && t <= ConfirmedDown }

// Confirmed tells whether the sender wants this frame acknowledged.
func (t MType) Confirmed() bool { return t == ConfirmedUp || t == ConfirmedDown }

// Direction gives the way frames of this type travel. Proprietary ones, of which nothing is
// known, count as Up.
func (t MType) Direction() Direction {
	switch t {
	case JoinAcceptType, UnconfirmedDown, ConfirmedDown:
		return Down
	}
	return Up
}

// majorR1 is the format of a frame (L2 1.1 section 4.2.2). There is no other.
const majorR1 = 0

// TypeOf reads the first byte of a frame. It fails for an empty or too long frame and for
// a format other than LoRaWAN R1. The bits between type and format are for future use and
// not looked at.
func TypeOf(frame []byte) (MType, error) {
	switch {
	case len(frame) == 0:
		return 0, fmt.Errorf("the frame is empty")
	case len(frame) > MaxFrame:
		return 0, fmt.Errorf("the frame has %d bytes, the air takes %d", len(frame), MaxFrame)
	case frame[0]&3 != majorR1:
		return 0, fmt.Errorf("the frame has major version %d: only 0 (LoRaWAN R1) is known", frame[0]&3)
	}
	return MType(frame[0] >> 5), nil
}

// expect reads the first byte of a frame that must be of one type and one of some lengths.
func expect(frame []byte, want MType, lengths ...int) error {
	t, err := TypeOf(frame)
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("the frame is a %s, not a %s", t, want)
	}
	for _, n := range lengths {
		if len(frame) == n {
			return nil
		}
	}
	return fmt.Errorf("the %s has %d bytes, want %d", t, len(frame), lengths)
}

// mhdr makes the first byte of a frame.
func mhdr(t MType) byte { return byte(t)<<5 | majorR1 }
