package mac

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"meldefunk/city/lorawan"
)

// memory is what may outlive a restart. Its fields are exported, and of fixed size, for
// encoding/binary.
type memory struct {
	// Joins.
	DevNonce     uint32 // the next one, where they count; at 65,536 there is none left
	JoinNonce    uint32 // of the last join-accept
	HasJoinNonce bool
	RJCount      uint32 // the next one of a rejoin-request of type 0 or 2; ends as DevNonce does

	// The session. Counters are the next ones: to send, and the lowest to take.
	Joined    bool
	NetID     lorawan.NetID
	Session   lorawan.Session
	FCntUp    uint32
	FCntDown  uint32 // in 1.1 that of the network, NFCntDown
	AFCntDown uint32 // 1.1: that of the application
	Introduce bool   // 1.1: RekeyInd or ResetInd was not answered yet

	P parameters
}

// parameters is what the network may set.
type parameters struct {
	DataRate, Power, NbTrans  uint8
	RXDelay, RX1DROffset      uint8
	RX2DataRate               uint8
	MaxDutyCycle              uint8 // one part in two to the power of it
	ADRLimitExp, ADRDelayExp  uint8
	RejoinEvery               bool // RejoinParamSetupReq came
	RejoinTimeN, RejoinCountN uint8
	RX2Frequency              uint32
	Mask                      uint16 // of channels that are on

	// The channels there are. Down is the frequency of RX1, 0: that of the uplink.
	Up, Down     [maxChannels]uint32 // Hz; Up is 0 where there is no channel
	MinDR, MaxDR [maxChannels]uint8
}

// forget is what a restart does to memory.
func (m *memory) forget(d *Device, keeps Memory) {
	if keeps == KeepsSession {
		return
	}
	m.P = d.profile.parameters()
	switch {
	case keeps == KeepsNothing:
		s := m.Session
		*m = memory{P: m.P}
		if d.abp { // it is part of the firmware
			m.Joined, m.Session = true, s
		}
	case !d.abp:
		m.Joined = false
	}
	m.Introduce = d.abp && d.version == lorawan.V1_1
}

// parameters gives what a device begins with.
func (p *Profile) parameters() parameters {
	s := parameters{
		DataRate: p.DataRate, NbTrans: 1, RXDelay: max(1, p.RXDelay), RX1DROffset: p.RX1DROffset,
		RX2DataRate: p.RX2DataRate, RX2Frequency: p.RX2Frequency,
		ADRLimitExp: adrLimitExp, ADRDelayExp: adrDelayExp,
	}
	if s.RX2Frequency == 0 {
		s.RX2Frequency = lorawan.EU868RX2Frequency
	}
	for i, hz := range (eu868{}).DefaultChannels() {
		s.setChannel(i, hz, 0, 5)
	}
	for i, hz := range p.Channels {
		s.setChannel(3+i, hz, 0, 5)
	}
	return s
}

// memoryFormat begins a snapshot. It changes with the fields of memory.
const memoryFormat = 1

// Snapshot gives the device's memory, so that a simulation can be stopped and go on against
// a real network server, which remembers counters and nonces. It holds keys: treat it as one.
func (d *Device) Snapshot() []byte {
	b, err := binary.Append([]byte{memoryFormat}, binary.LittleEndian, d.mem)
	if err != nil {
		panic(err) // cannot be: all fields have a fixed size
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// Restore puts a snapshot back into a device of the same identity, before Boot. It fails
// for bytes that Snapshot did not make, and on a device that is switched on.
func (d *Device) Restore(snapshot []byte) error {
	if d.on {
		return fmt.Errorf("device %s: memory is restored before it is switched on", d.devEUI)
	}
	var m memory
	n := len(snapshot) - 4
	switch {
	case n != 1+binary.Size(m) || snapshot[0] != memoryFormat:
		return fmt.Errorf("device %s: %d bytes are not a memory of format %d", d.devEUI, len(snapshot), memoryFormat)
	case crc32.ChecksumIEEE(snapshot[:n]) != binary.LittleEndian.Uint32(snapshot[n:]):
		return fmt.Errorf("device %s: the memory is damaged: its checksum does not fit", d.devEUI)
	}
	if err := binary.Read(bytes.NewReader(snapshot[1:n]), binary.LittleEndian, &m); err != nil {
		return fmt.Errorf("device %s: memory: %w", d.devEUI, err)
	}
	if err := m.check(d); err != nil {
		return fmt.Errorf("device %s: memory: %w", d.devEUI, err)
	}
	d.mem, d.used = m, true
	return nil
}

// check keeps values out which the code relies on not to be. The checksum keeps accidents
// out, this keeps snapshots of an unlike device out.
func (m *memory) check(d *Device) error {
	p := &m.P
	switch {
	case m.Joined && (m.Session.Version < lorawan.V1_0_3 || m.Session.Version > d.version):
		return fmt.Errorf("it holds a session of version %s, the device is of %s", m.Session.Version, d.version)
	case d.abp && m.Session != d.mem.Session:
		return errors.New("it holds another session than the ABP device was made with")
	case p.DataRate > 7 || p.Power > 7 || p.RX1DROffset > 5 || p.RX2DataRate > 7 || p.NbTrans == 0 || p.RXDelay == 0,
		p.MaxDutyCycle > 15 || p.ADRLimitExp > 15 || p.ADRDelayExp > 15:
		return errors.New("a setting is out of its range")
	}
	for i, hz := range p.Up {
		if _, ok := bandOf(hz); hz != 0 && !ok || hz == 0 && p.Mask>>i&1 == 1 {
			return fmt.Errorf("channel %d cannot be", i)
		}
	}
	if !p.usable(p.DataRate) {
		return fmt.Errorf("no channel has data rate %d", p.DataRate)
	}
	return nil
}
