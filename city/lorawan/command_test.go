package lorawan

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestParseCommandsStops(t *testing.T) {
	for _, c := range []struct {
		name  string
		dir   Direction
		bytes string
		good  int
		rest  string
		want  string
	}{
		{"unknown behind a good one", Up, "0240ff", 1, "40ff", "0x40 is not known in direction up; 2 bytes"},
		{"proprietary", Down, "80", 0, "80", "0x80"},
		{"zero", Up, "00", 0, "00", "0x00"},
		{"class B", Down, "13123456", 0, "13123456", "0x13"},
		{"ForceRejoin has no answer", Up, "0e", 0, "0e", "0x0e"},
		{"cut off", Down, "060305", 1, "0305", "0x03 down is cut off: 1 bytes of 4"},
		{"cut off after its name", Up, "06", 0, "06", "cut off: 0 bytes of 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, rest, err := ParseCommands(c.dir, unhexT(t, c.bytes))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if len(got) != c.good || !bytes.Equal(rest, unhexT(t, c.rest)) {
				t.Errorf("%d commands and %x are left, want %d and %s", len(got), rest, c.good, c.rest)
			}
		})
	}
	if got, rest, err := ParseCommands(Up, nil); got != nil || rest != nil || err != nil {
		t.Errorf("of nothing comes %v, %x, %v", got, rest, err)
	}
}

// TestParseCommandsFuture sets the bits for future use: they change nothing.
func TestParseCommandsFuture(t *testing.T) {
	for _, c := range []struct {
		dir   Direction
		bytes string
		want  Command
	}{
		{Up, "03ff", LinkADRAns{true, true, true}},
		{Up, "05f8", RXParamSetupAns{}},
		{Up, "0600e0", DevStatusAns{Margin: -32}},
		{Up, "06001f", DevStatusAns{Margin: 31}},
		{Up, "06ffff", DevStatusAns{Battery: 255, Margin: -1}},
		{Up, "0bf1", RekeyInd{Minor: 1}},
		{Up, "0ffe", RejoinParamSetupAns{}},
		{Down, "04f2", DutyCycleReq{MaxDutyCycle: 2}},
		{Down, "0585d2ad84", RXParamSetupReq{RX2DataRate: 5, Frequency: 869525000}},
		{Down, "0803", RXTimingSetupReq{Delay: 3}},
		{Down, "09c5", TXParamSetupReq{MaxEIRP: 5}},
		{Down, "0e80c0", ForceRejoinReq{}},
	} {
		if got, _, err := ParseCommands(c.dir, unhexT(t, c.bytes)); err != nil || len(got) != 1 || got[0] != c.want {
			t.Errorf("%s is %+v (%v), want %T%+v", c.bytes, got, err, c.want, c.want)
		}
	}
}

func TestAppendCommandsRefuses(t *testing.T) {
	for _, c := range []struct {
		command Command
		want    string
	}{
		{ResetInd{16}, "Minor"}, {ResetConf{16}, "Minor"}, {RekeyInd{16}, "Minor"}, {RekeyConf{16}, "Minor"},
		{DevStatusAns{Margin: 32}, "Margin"}, {DevStatusAns{Margin: -33}, "Margin"},
		{LinkADRReq{DataRate: 16}, "DataRate is 16, at most 15"}, {LinkADRReq{TXPower: 16}, "TXPower"},
		{LinkADRReq{ChMaskCntl: 8}, "ChMaskCntl"}, {LinkADRReq{NbTrans: 16}, "NbTrans"},
		{DutyCycleReq{16}, "MaxDutyCycle"},
		{RXParamSetupReq{RX1DROffset: 8}, "RX1DROffset"}, {RXParamSetupReq{RX2DataRate: 16}, "RX2DataRate"},
		{RXParamSetupReq{Frequency: 869525050}, "869525050 Hz"},
		{NewChannelReq{MinDR: 16}, "MinDR"}, {NewChannelReq{MaxDR: 16}, "MaxDR"}, {NewChannelReq{Frequency: 50e6}, "50000000 Hz"},
		{RXTimingSetupReq{16}, "Delay"}, {TXParamSetupReq{MaxEIRP: 16}, "MaxEIRP"}, {DLChannelReq{Frequency: 1}, "1 Hz"},
		{ADRParamSetupReq{LimitExp: 16}, "LimitExp"}, {ADRParamSetupReq{DelayExp: 16}, "DelayExp"},
		{DeviceTimeAns{-1}, "1980"}, {DeviceTimeAns{1 << 32 * time.Second}, "1980"},
		{ForceRejoinReq{Period: 8}, "Period"}, {ForceRejoinReq{MaxRetries: 8}, "MaxRetries"},
		{ForceRejoinReq{RejoinType: 8}, "RejoinType"}, {ForceRejoinReq{DataRate: 16}, "DataRate"},
		{RejoinParamSetupReq{MaxTimeN: 16}, "MaxTimeN"}, {RejoinParamSetupReq{MaxCountN: 16}, "MaxCountN"},
	} {
		b, err := AppendCommands(nil, c.command)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T%+v: %x, error %v, want one with %q", c.command, c.command, b, err, c.want)
		}
	}
	if b, err := AppendCommands(nil, LinkCheckReq{}, DevStatusReq{}); err == nil {
		t.Errorf("up and down in one: %x", b)
	}
}

func TestDeviceTimeRoundsDown(t *testing.T) {
	b, err := AppendCommands(nil, DeviceTimeAns{time.Second - 1})
	if err != nil || !bytes.Equal(b, []byte{0x0d, 0, 0, 0, 0, 255}) {
		t.Errorf("a nanosecond less than a second is %x (%v)", b, err)
	}
}
