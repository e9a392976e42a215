package network

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// Device is a device as it is registered.
type Device struct {
	DevEUI  city.EUI
	JoinEUI city.EUI
	Version lorawan.Version

	// Root keys of a device that joins. Devices of 1.0 have the AppKey only.
	NwkKey, AppKey lorawan.Key

	// Personalised is the session of a device that does not join (ABP), nil for others.
	Personalised *lorawan.Session
	// AllowReset takes a lower frame counter of a personalised device for a restart
	// without memory. It gives up the protection against frames that are recorded and
	// sent again, as with every network server that has this option.
	AllowReset bool
}

// root is the key that join-requests are signed with.
func (d *Device) root() lorawan.Key {
	if d.Version == lorawan.V1_1 {
		return d.NwkKey
	}
	return d.AppKey
}

func (d *Device) check() error {
	switch {
	case d.DevEUI.IsZero():
		return errors.New("it has no DevEUI")
	case d.Version < lorawan.V1_0_3 || d.Version > lorawan.V1_1:
		return errors.New("its version is not 1.0.3, 1.0.4 or 1.1")
	case d.Personalised != nil && d.Personalised.Version != d.Version:
		return fmt.Errorf("its session is of version %s, itself of %s", d.Personalised.Version, d.Version)
	case d.Personalised != nil && (d.Personalised.FNwkSIntKey.IsZero() || d.Personalised.SNwkSIntKey.IsZero() || d.Personalised.NwkSEncKey.IsZero()):
		return errors.New("its session lacks network keys")
	case d.Personalised == nil && d.root().IsZero():
		return errors.New("it has no root key (1.0: AppKey, 1.1: NwkKey) and no session")
	case d.Personalised == nil && d.AllowReset:
		return errors.New("it joins: only a personalised device may reset its counter")
	}
	return nil
}

// DeviceState is all that the network keeps of a device.
type DeviceState struct {
	Device
	Epoch     uint32
	JoinNonce uint32 // the last one given out; 24 bits
	// Of nonces of the device: in 1.0.3 all that were used, in the order of use; else the
	// lowest that may follow.
	UsedNonces    []uint16
	NextNonce     uint32
	NextRJCount1  uint32
	Current, Next *SessionState // Next was granted and no frame of it was heard yet
	Queue         []Item
	Wishes        []Wish
}

// device is a device at work. Its state holds no sessions: they are beside it.
type device struct {
	DeviceState
	current, next *session
}

// Item is a payload that waits to be sent to a device.
type Item struct {
	ID        uint64 // the caller's; comes back in Downlink and Ack
	Port      uint8  // 1 to 223
	Payload   []byte
	Confirmed bool
}

// Wish is a MAC command that somebody wants sent once.
type Wish struct {
	Command []byte // as on air
	Tries   uint8
}

// How much may wait for one device.
const (
	maxQueue  = 64
	maxWishes = 16
)

// Register adds a device. It fails for one that contradicts itself or is there already.
func (s *Server) Register(d Device) error {
	if err := d.check(); err != nil {
		return fmt.Errorf("register %s: %w", d.DevEUI, err)
	}
	if s.devices[d.DevEUI] != nil {
		return fmt.Errorf("register %s: it is registered already", d.DevEUI)
	}
	dev := &device{DeviceState: DeviceState{Device: d}}
	if d.Personalised != nil {
		keys := *d.Personalised
		dev.Personalised = &keys
		dev.Epoch = 1
		dev.current = s.open(dev, SessionState{Keys: keys, Epoch: 1, RXDelay: 1, RX2Frequency: lorawan.EU868RX2Frequency})
	}
	s.devices[d.DevEUI] = dev
	return nil
}

// Forget removes a device and all that is kept of it; false if it is not there.
func (s *Server) Forget(devEUI city.EUI) bool {
	dev := s.devices[devEUI]
	if dev == nil {
		return false
	}
	s.close(dev.current)
	s.close(dev.next)
	delete(s.devices, devEUI)
	return true
}

// Queue puts a payload at the end of a device's queue, to be sent after one of its next
// uplinks. It fails if the device is not registered, the port is none for applications, no
// data rate carries the payload, or 64 wait already.
func (s *Server) Queue(devEUI city.EUI, it Item) error {
	dev := s.devices[devEUI]
	switch {
	case dev == nil:
		return fmt.Errorf("downlink for %s: it is not registered", devEUI)
	case it.Port < 1 || it.Port > maxAppPort:
		return fmt.Errorf("downlink for %s: port %d, want 1 to %d", devEUI, it.Port, maxAppPort)
	case len(it.Payload) > band.MaxPayload(lorawan.EU868MaxDR):
		return fmt.Errorf("downlink for %s: %d bytes, want at most %d", devEUI, len(it.Payload), band.MaxPayload(lorawan.EU868MaxDR))
	case len(dev.Queue) >= maxQueue:
		return fmt.Errorf("downlink for %s: %d wait already", devEUI, maxQueue)
	}
	it.Payload = slices.Clone(it.Payload)
	dev.Queue = append(dev.Queue, it)
	return nil
}

// Ask sends a MAC command of the network to a device after one of its next uplinks, up to
// eight times until it is answered, or once if the specification knows no answer. It fails
// if the device is not registered, the command is none of the network's own, a field is out
// of range, or 16 wait already.
func (s *Server) Ask(devEUI city.EUI, c lorawan.Command) error {
	dev := s.devices[devEUI]
	switch c.(type) {
	case lorawan.LinkADRReq, lorawan.DutyCycleReq, lorawan.RXParamSetupReq, lorawan.DevStatusReq, lorawan.NewChannelReq,
		lorawan.RXTimingSetupReq, lorawan.TXParamSetupReq, lorawan.DLChannelReq:
	case lorawan.ADRParamSetupReq, lorawan.ForceRejoinReq, lorawan.RejoinParamSetupReq:
		if dev != nil && dev.Version != lorawan.V1_1 {
			return fmt.Errorf("command for %s: %T is of 1.1, the device of %s", devEUI, c, dev.Version)
		}
	default:
		return fmt.Errorf("command for %s: %T is none that a network asks with", devEUI, c)
	}
	if dev == nil {
		return fmt.Errorf("command for %s: it is not registered", devEUI)
	}
	if len(dev.Wishes) >= maxWishes {
		return fmt.Errorf("command for %s: %d wait already", devEUI, maxWishes)
	}
	b, err := lorawan.AppendCommands(nil, c)
	if err != nil {
		return fmt.Errorf("command for %s: %w", devEUI, err)
	}
	dev.Wishes = append(dev.Wishes, Wish{Command: b})
	return nil
}

// SessionState is what the network keeps of a session.
type SessionState struct {
	Keys  lorawan.Session
	Epoch uint32

	Heard     bool   // whether a frame of it was accepted
	Up        uint32 // the last counter accepted
	Digest    uint64 // of that frame without its MIC, to know it again
	UpConf    uint32 // the downlink counter that frame acknowledged
	Down      uint32 // the next FCntDown of 1.0, NFCntDown of 1.1
	AppDown   uint32 // the next AFCntDown of 1.1
	Conf      uint32 // counter of the last confirmed downlink
	ConfItem  uint64
	Awaiting  bool // that one is not acknowledged yet
	Rekeyed   bool // 1.1: RekeyConf was sent
	NextRJ0   uint32
	Requested []byte // MAC commands of the last downlink that need an answer
	Sticky    uint16 // bit n: the answer with CID n was repeated until the last frame
	Declined  uint16 // bit n: the device does not want what CID n asked
	Tries     uint8  // how often in a row requests were not answered
	Pause     uint8  // uplinks to let pass before asking again

	RX1DROffset  uint8
	RX2DataRate  uint8
	RXDelay      uint8 // s
	DutyCycle    uint8
	RX2Frequency uint32 // Hz
	Channels     [maxChannels]uint32
	DownChannels map[uint8]uint32 // of DLChannelReq; nil: none

	Power      uint8 // index
	NbTrans    uint8
	History    [historyLen]int8  // SNR in dB of the last frames, best gateway
	Histories  uint8             // how many of them there are
	Gaps       [historyLen]uint8 // how many were lost before each, at most 255
	NextStatus time.Time
}

// session is a session at work.
type session struct {
	SessionState
	device  *device
	sibling *session // the next one that shares its address
}

// open adds a session to those that frames are looked up in. Channels 0 to 2 are set.
func (s *Server) open(dev *device, st SessionState) *session {
	for i, hz := range band.DefaultChannels() {
		st.Channels[i] = hz
	}
	ses := &session{SessionState: st, device: dev, sibling: s.sessions[st.Keys.DevAddr]}
	s.sessions[st.Keys.DevAddr] = ses
	return ses
}

// close takes a session, if there is one, away from them.
func (s *Server) close(ses *session) {
	if ses == nil {
		return
	}
	addr := ses.Keys.DevAddr
	if s.sessions[addr] == ses {
		if ses.sibling == nil {
			delete(s.sessions, addr)
		} else {
			s.sessions[addr] = ses.sibling
		}
		return
	}
	for at := s.sessions[addr]; at != nil; at = at.sibling {
		if at.sibling == ses {
			at.sibling = ses.sibling
			return
		}
	}
}
