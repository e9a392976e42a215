package lorawan

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The commands a network sends. The comments name what is not plain from the names; ranges
// are those of the fields on air, of which a region may allow less.
type (
	// ResetConf answers ResetInd.
	ResetConf struct {
		Minor uint8 // of the network's version, 0 to 15: 1 for 1.1
	}
	// LinkCheckAns answers LinkCheckReq.
	LinkCheckAns struct {
		Margin   uint8 // dB above what is needed to be heard, 0 to 254
		Gateways uint8 // how many heard it
	}
	// LinkADRReq sets data rate, power and channels. Several in a row are one request.
	LinkADRReq struct {
		DataRate   uint8  // 0 to 15; 15 keeps it (1.0.4, 1.1)
		TXPower    uint8  // 0 to 15; 15 keeps it (1.0.4, 1.1)
		ChMask     uint16 // bit n: channel n, of the 16 that ChMaskCntl chooses
		ChMaskCntl uint8  // 0 to 7; in Europe 0: channels 0 to 15, 6: all that are defined
		NbTrans    uint8  // 0 to 15 times each frame is sent; 0 keeps it, or 1 in 1.0.3
	}
	// DutyCycleReq bounds the share of time a device sends.
	DutyCycleReq struct {
		MaxDutyCycle uint8 // 0 to 15: one part in two to the power of it
	}
	// RXParamSetupReq sets both receive windows.
	RXParamSetupReq struct {
		RX1DROffset uint8  // 0 to 7
		RX2DataRate uint8  // 0 to 15
		Frequency   uint32 // of RX2, Hz, in steps of 100
	}
	// DevStatusReq asks for battery and margin.
	DevStatusReq struct{}
	// NewChannelReq sets a channel, or removes it.
	NewChannelReq struct {
		Channel      uint8
		Frequency    uint32 // Hz, in steps of 100; 0 removes the channel
		MinDR, MaxDR uint8  // data rates, 0 to 15
	}
	// RXTimingSetupReq sets the time until RX1.
	RXTimingSetupReq struct {
		Delay uint8 // seconds, 0 to 15; 0 means 1
	}
	// TXParamSetupReq sets bounds of some regions, not of Europe.
	TXParamSetupReq struct {
		DownlinkDwell, UplinkDwell bool  // 400 ms at most
		MaxEIRP                    uint8 // 0 to 15: 8 10 12 13 14 16 18 20 21 24 26 27 29 30 33 36 dBm
	}
	// DLChannelReq sets the frequency of RX1 for an uplink channel.
	DLChannelReq struct {
		Channel   uint8
		Frequency uint32 // Hz, in steps of 100
	}
	// RekeyConf answers RekeyInd.
	RekeyConf struct {
		Minor uint8 // of the network's version, 0 to 15: 1 for 1.1
	}
	// ADRParamSetupReq sets how long a device waits for a downlink before it lowers its data
	// rate: 2 to the power of each, in frames.
	ADRParamSetupReq struct{ LimitExp, DelayExp uint8 }
	// DeviceTimeAns answers DeviceTimeReq.
	DeviceTimeAns struct {
		// SinceGPSEpoch is the time at the end of the uplink that asked, see SinceGPSEpoch
		// and FromGPSEpoch. On air it has steps of 1/256 s, rounded down, and 32 bits of
		// seconds.
		SinceGPSEpoch time.Duration
	}
	// ForceRejoinReq makes a device send a rejoin-request at once.
	ForceRejoinReq struct {
		Period     uint8 // 0 to 7: at least 32 s times 2 to the power of it between tries
		MaxRetries uint8 // 0 to 7 more tries
		RejoinType uint8 // 0 or 2; 1 means 0
		DataRate   uint8 // 0 to 15
	}
	// RejoinParamSetupReq sets when a device sends rejoin-requests of type 0 by itself.
	RejoinParamSetupReq struct {
		MaxTimeN  uint8 // 0 to 15: every 2 to the power of it + 10 seconds
		MaxCountN uint8 // 0 to 15: every 2 to the power of it + 4 uplinks
	}
)

func formDown(cid CID) (func([]byte) Command, int) {
	switch cid {
	case CIDReset:
		return func(b []byte) Command { return ResetConf{Minor: b[0] & 15} }, 1
	case CIDLinkCheck:
		return func(b []byte) Command { return LinkCheckAns{Margin: b[0], Gateways: b[1]} }, 2
	case CIDLinkADR:
		return func(b []byte) Command {
			return LinkADRReq{
				DataRate: b[0] >> 4, TXPower: b[0] & 15, ChMask: binary.LittleEndian.Uint16(b[1:]),
				ChMaskCntl: b[3] >> 4 & 7, NbTrans: b[3] & 15,
			}
		}, 4
	case CIDDutyCycle:
		return func(b []byte) Command { return DutyCycleReq{MaxDutyCycle: b[0] & 15} }, 1
	case CIDRXParamSetup:
		return func(b []byte) Command {
			return RXParamSetupReq{RX1DROffset: b[0] >> 4 & 7, RX2DataRate: b[0] & 15, Frequency: frequency(b[1:])}
		}, 4
	case CIDDevStatus:
		return func([]byte) Command { return DevStatusReq{} }, 0
	case CIDNewChannel:
		return func(b []byte) Command {
			return NewChannelReq{Channel: b[0], Frequency: frequency(b[1:]), MinDR: b[4] & 15, MaxDR: b[4] >> 4}
		}, 5
	case CIDRXTimingSetup:
		return func(b []byte) Command { return RXTimingSetupReq{Delay: b[0] & 15} }, 1
	case CIDTXParamSetup:
		return func(b []byte) Command {
			return TXParamSetupReq{DownlinkDwell: bit(b[0], 5), UplinkDwell: bit(b[0], 4), MaxEIRP: b[0] & 15}
		}, 1
	case CIDDLChannel:
		return func(b []byte) Command { return DLChannelReq{Channel: b[0], Frequency: frequency(b[1:])} }, 4
	case CIDRekey:
		return func(b []byte) Command { return RekeyConf{Minor: b[0] & 15} }, 1
	case CIDADRParamSetup:
		return func(b []byte) Command { return ADRParamSetupReq{LimitExp: b[0] >> 4, DelayExp: b[0] & 15} }, 1
	case CIDDeviceTime:
		return func(b []byte) Command {
			seconds := time.Duration(binary.LittleEndian.Uint32(b)) * time.Second
			return DeviceTimeAns{SinceGPSEpoch: seconds + time.Duration(b[4])*time.Second/256}
		}, 5
	case CIDForceRejoin:
		return func(b []byte) Command {
			return ForceRejoinReq{Period: b[1] >> 3 & 7, MaxRetries: b[1] & 7, RejoinType: b[0] >> 4 & 7, DataRate: b[0] & 15}
		}, 2
	case CIDRejoinParamSetup:
		return func(b []byte) Command { return RejoinParamSetupReq{MaxTimeN: b[0] >> 4, MaxCountN: b[0] & 15} }, 1
	}
	return nil, 0
}

// CID gives the command's identifier.
func (ResetConf) CID() CID           { return CIDReset }
func (LinkCheckAns) CID() CID        { return CIDLinkCheck }
func (LinkADRReq) CID() CID          { return CIDLinkADR }
func (DutyCycleReq) CID() CID        { return CIDDutyCycle }
func (RXParamSetupReq) CID() CID     { return CIDRXParamSetup }
func (DevStatusReq) CID() CID        { return CIDDevStatus }
func (NewChannelReq) CID() CID       { return CIDNewChannel }
func (RXTimingSetupReq) CID() CID    { return CIDRXTimingSetup }
func (TXParamSetupReq) CID() CID     { return CIDTXParamSetup }
func (DLChannelReq) CID() CID        { return CIDDLChannel }
func (RekeyConf) CID() CID           { return CIDRekey }
func (ADRParamSetupReq) CID() CID    { return CIDADRParamSetup }
func (DeviceTimeAns) CID() CID       { return CIDDeviceTime }
func (ForceRejoinReq) CID() CID      { return CIDForceRejoin }
func (RejoinParamSetupReq) CID() CID { return CIDRejoinParamSetup }

// Direction gives Down.
func (ResetConf) Direction() Direction           { return Down }
func (LinkCheckAns) Direction() Direction        { return Down }
func (LinkADRReq) Direction() Direction          { return Down }
func (DutyCycleReq) Direction() Direction        { return Down }
func (RXParamSetupReq) Direction() Direction     { return Down }
func (DevStatusReq) Direction() Direction        { return Down }
func (NewChannelReq) Direction() Direction       { return Down }
func (RXTimingSetupReq) Direction() Direction    { return Down }
func (TXParamSetupReq) Direction() Direction     { return Down }
func (DLChannelReq) Direction() Direction        { return Down }
func (RekeyConf) Direction() Direction           { return Down }
func (ADRParamSetupReq) Direction() Direction    { return Down }
func (DeviceTimeAns) Direction() Direction       { return Down }
func (ForceRejoinReq) Direction() Direction      { return Down }
func (RejoinParamSetupReq) Direction() Direction { return Down }

func (c ResetConf) append(b []byte) ([]byte, error) {
	return append(b, c.Minor), within(field{"Minor", uint32(c.Minor), 15})
}

func (c LinkCheckAns) append(b []byte) ([]byte, error) { return append(b, c.Margin, c.Gateways), nil }

func (c LinkADRReq) append(b []byte) ([]byte, error) {
	b = append(b, c.DataRate<<4|c.TXPower)
	b = binary.LittleEndian.AppendUint16(b, c.ChMask)
	return append(b, c.ChMaskCntl<<4|c.NbTrans), within(
		field{"DataRate", uint32(c.DataRate), 15}, field{"TXPower", uint32(c.TXPower), 15},
		field{"ChMaskCntl", uint32(c.ChMaskCntl), 7}, field{"NbTrans", uint32(c.NbTrans), 15})
}

func (c DutyCycleReq) append(b []byte) ([]byte, error) {
	return append(b, c.MaxDutyCycle), within(field{"MaxDutyCycle", uint32(c.MaxDutyCycle), 15})
}

func (c RXParamSetupReq) append(b []byte) ([]byte, error) {
	if err := within(field{"RX1DROffset", uint32(c.RX1DROffset), 7}, field{"RX2DataRate", uint32(c.RX2DataRate), 15}); err != nil {
		return nil, err
	}
	return appendFrequency(append(b, c.RX1DROffset<<4|c.RX2DataRate), c.Frequency)
}

func (DevStatusReq) append(b []byte) ([]byte, error) { return b, nil }

func (c NewChannelReq) append(b []byte) ([]byte, error) {
	b, err := appendFrequency(append(b, c.Channel), c.Frequency)
	if err != nil {
		return nil, err
	}
	return append(b, c.MaxDR<<4|c.MinDR), within(
		field{"MinDR", uint32(c.MinDR), 15}, field{"MaxDR", uint32(c.MaxDR), 15})
}

func (c RXTimingSetupReq) append(b []byte) ([]byte, error) {
	return append(b, c.Delay), within(field{"Delay", uint32(c.Delay), 15})
}

func (c TXParamSetupReq) append(b []byte) ([]byte, error) {
	return append(b, bits(c.UplinkDwell, c.DownlinkDwell)<<4|c.MaxEIRP), within(field{"MaxEIRP", uint32(c.MaxEIRP), 15})
}

func (c DLChannelReq) append(b []byte) ([]byte, error) {
	return appendFrequency(append(b, c.Channel), c.Frequency)
}

func (c RekeyConf) append(b []byte) ([]byte, error) {
	return append(b, c.Minor), within(field{"Minor", uint32(c.Minor), 15})
}

func (c ADRParamSetupReq) append(b []byte) ([]byte, error) {
	return append(b, c.LimitExp<<4|c.DelayExp), within(
		field{"LimitExp", uint32(c.LimitExp), 15}, field{"DelayExp", uint32(c.DelayExp), 15})
}

func (c DeviceTimeAns) append(b []byte) ([]byte, error) {
	seconds := c.SinceGPSEpoch / time.Second
	if c.SinceGPSEpoch < 0 || seconds >= 1<<32 {
		return nil, fmt.Errorf("%s since 1980-01-06 do not fit: want 0 to 2^32 s", c.SinceGPSEpoch)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(seconds))
	return append(b, byte((c.SinceGPSEpoch-seconds*time.Second)*256/time.Second)), nil
}

func (c ForceRejoinReq) append(b []byte) ([]byte, error) {
	return append(b, c.RejoinType<<4|c.DataRate, c.Period<<3|c.MaxRetries), within(
		field{"RejoinType", uint32(c.RejoinType), 7}, field{"DataRate", uint32(c.DataRate), 15},
		field{"Period", uint32(c.Period), 7}, field{"MaxRetries", uint32(c.MaxRetries), 7})
}

func (c RejoinParamSetupReq) append(b []byte) ([]byte, error) {
	return append(b, c.MaxTimeN<<4|c.MaxCountN), within(
		field{"MaxTimeN", uint32(c.MaxTimeN), 15}, field{"MaxCountN", uint32(c.MaxCountN), 15})
}
