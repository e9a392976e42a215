package lorawan

// The commands a device sends. The comments name what is not plain from the names; ranges
// are those of the fields on air.
type (
	// ResetInd says that an ABP device of 1.1 has forgotten its session.
	ResetInd struct {
		Minor uint8 // of the device's version, 0 to 15: 1 for 1.1
	}
	// LinkCheckReq asks how well the device is heard.
	LinkCheckReq struct{}
	// LinkADRAns answers LinkADRReq. Unless all three are accepted nothing was changed.
	LinkADRAns struct{ ChannelMask, DataRate, Power bool }
	// DutyCycleAns answers DutyCycleReq.
	DutyCycleAns struct{}
	// RXParamSetupAns answers RXParamSetupReq. Unless all three are accepted nothing was
	// changed. It is repeated until a downlink comes.
	RXParamSetupAns struct{ Channel, RX2DataRate, RX1DROffset bool }
	// DevStatusAns answers DevStatusReq.
	DevStatusAns struct {
		Battery uint8 // 0: mains, 1 (empty) to 254 (full), 255: cannot be measured
		Margin  int8  // dB, SNR of the last DevStatusReq, -32 to 31
	}
	// NewChannelAns answers NewChannelReq. Unless both are accepted nothing was changed.
	NewChannelAns struct{ Frequency, DataRates bool }
	// RXTimingSetupAns answers RXTimingSetupReq. It is repeated until a downlink comes.
	RXTimingSetupAns struct{}
	// TXParamSetupAns answers TXParamSetupReq.
	TXParamSetupAns struct{}
	// DLChannelAns answers DLChannelReq. Unless both are accepted nothing was changed. It is
	// repeated until a downlink comes.
	DLChannelAns struct{ Frequency, UplinkExists bool }
	// RekeyInd confirms new keys. It is repeated until RekeyConf comes.
	RekeyInd struct {
		Minor uint8 // of the device's version, 0 to 15: 1 for 1.1
	}
	// ADRParamSetupAns answers ADRParamSetupReq.
	ADRParamSetupAns struct{}
	// DeviceTimeReq asks for the time.
	DeviceTimeReq struct{}
	// RejoinParamSetupAns answers RejoinParamSetupReq.
	RejoinParamSetupAns struct {
		TimeOK bool // the device can keep to MaxTimeN, not only to MaxCountN
	}
)

func formUp(cid CID) (func([]byte) Command, int) {
	switch cid {
	case CIDReset:
		return func(b []byte) Command { return ResetInd{Minor: b[0] & 15} }, 1
	case CIDLinkCheck:
		return func([]byte) Command { return LinkCheckReq{} }, 0
	case CIDLinkADR:
		return func(b []byte) Command { return LinkADRAns{bit(b[0], 0), bit(b[0], 1), bit(b[0], 2)} }, 1
	case CIDDutyCycle:
		return func([]byte) Command { return DutyCycleAns{} }, 0
	case CIDRXParamSetup:
		return func(b []byte) Command { return RXParamSetupAns{bit(b[0], 0), bit(b[0], 1), bit(b[0], 2)} }, 1
	case CIDDevStatus:
		return func(b []byte) Command {
			return DevStatusAns{Battery: b[0], Margin: int8(b[1]<<2) >> 2} // six bits with a sign
		}, 2
	case CIDNewChannel:
		return func(b []byte) Command { return NewChannelAns{bit(b[0], 0), bit(b[0], 1)} }, 1
	case CIDRXTimingSetup:
		return func([]byte) Command { return RXTimingSetupAns{} }, 0
	case CIDTXParamSetup:
		return func([]byte) Command { return TXParamSetupAns{} }, 0
	case CIDDLChannel:
		return func(b []byte) Command { return DLChannelAns{bit(b[0], 0), bit(b[0], 1)} }, 1
	case CIDRekey:
		return func(b []byte) Command { return RekeyInd{Minor: b[0] & 15} }, 1
	case CIDADRParamSetup:
		return func([]byte) Command { return ADRParamSetupAns{} }, 0
	case CIDDeviceTime:
		return func([]byte) Command { return DeviceTimeReq{} }, 0
	case CIDRejoinParamSetup:
		return func(b []byte) Command { return RejoinParamSetupAns{bit(b[0], 0)} }, 1
	}
	return nil, 0
}

// CID gives the command's identifier.
func (ResetInd) CID() CID            { return CIDReset }
func (LinkCheckReq) CID() CID        { return CIDLinkCheck }
func (LinkADRAns) CID() CID          { return CIDLinkADR }
func (DutyCycleAns) CID() CID        { return CIDDutyCycle }
func (RXParamSetupAns) CID() CID     { return CIDRXParamSetup }
func (DevStatusAns) CID() CID        { return CIDDevStatus }
func (NewChannelAns) CID() CID       { return CIDNewChannel }
func (RXTimingSetupAns) CID() CID    { return CIDRXTimingSetup }
func (TXParamSetupAns) CID() CID     { return CIDTXParamSetup }
func (DLChannelAns) CID() CID        { return CIDDLChannel }
func (RekeyInd) CID() CID            { return CIDRekey }
func (ADRParamSetupAns) CID() CID    { return CIDADRParamSetup }
func (DeviceTimeReq) CID() CID       { return CIDDeviceTime }
func (RejoinParamSetupAns) CID() CID { return CIDRejoinParamSetup }

// Direction gives Up.
func (ResetInd) Direction() Direction            { return Up }
func (LinkCheckReq) Direction() Direction        { return Up }
func (LinkADRAns) Direction() Direction          { return Up }
func (DutyCycleAns) Direction() Direction        { return Up }
func (RXParamSetupAns) Direction() Direction     { return Up }
func (DevStatusAns) Direction() Direction        { return Up }
func (NewChannelAns) Direction() Direction       { return Up }
func (RXTimingSetupAns) Direction() Direction    { return Up }
func (TXParamSetupAns) Direction() Direction     { return Up }
func (DLChannelAns) Direction() Direction        { return Up }
func (RekeyInd) Direction() Direction            { return Up }
func (ADRParamSetupAns) Direction() Direction    { return Up }
func (DeviceTimeReq) Direction() Direction       { return Up }
func (RejoinParamSetupAns) Direction() Direction { return Up }

func (LinkCheckReq) append(b []byte) ([]byte, error)     { return b, nil }
func (DutyCycleAns) append(b []byte) ([]byte, error)     { return b, nil }
func (RXTimingSetupAns) append(b []byte) ([]byte, error) { return b, nil }
func (TXParamSetupAns) append(b []byte) ([]byte, error)  { return b, nil }
func (ADRParamSetupAns) append(b []byte) ([]byte, error) { return b, nil }
func (DeviceTimeReq) append(b []byte) ([]byte, error)    { return b, nil }

func (c ResetInd) append(b []byte) ([]byte, error) {
	return append(b, c.Minor), within(field{"Minor", uint32(c.Minor), 15})
}

func (c LinkADRAns) append(b []byte) ([]byte, error) {
	return append(b, bits(c.ChannelMask, c.DataRate, c.Power)), nil
}

func (c RXParamSetupAns) append(b []byte) ([]byte, error) {
	return append(b, bits(c.Channel, c.RX2DataRate, c.RX1DROffset)), nil
}

func (c DevStatusAns) append(b []byte) ([]byte, error) {
	return append(b, c.Battery, byte(c.Margin)&63), within(field{"Margin + 32", uint32(int(c.Margin) + 32), 63})
}

func (c NewChannelAns) append(b []byte) ([]byte, error) {
	return append(b, bits(c.Frequency, c.DataRates)), nil
}

func (c DLChannelAns) append(b []byte) ([]byte, error) {
	return append(b, bits(c.Frequency, c.UplinkExists)), nil
}

func (c RekeyInd) append(b []byte) ([]byte, error) {
	return append(b, c.Minor), within(field{"Minor", uint32(c.Minor), 15})
}

func (c RejoinParamSetupAns) append(b []byte) ([]byte, error) {
	return append(b, bits(c.TimeOK)), nil
}
