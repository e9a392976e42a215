package lorawan

import "fmt"

// CID says which MAC command one is. Request and answer share it, the direction tells them
// apart.
type CID uint8

// The commands, with their sections in L2 1.1. Those of class B and C (0x10 and up) are not
// known here: nothing in the platform listens at set times.
const (
	CIDReset            CID = 0x01 // 5.1, ABP devices of 1.1
	CIDLinkCheck        CID = 0x02 // 5.2
	CIDLinkADR          CID = 0x03 // 5.3
	CIDDutyCycle        CID = 0x04 // 5.4
	CIDRXParamSetup     CID = 0x05 // 5.5
	CIDDevStatus        CID = 0x06 // 5.6
	CIDNewChannel       CID = 0x07 // 5.7
	CIDRXTimingSetup    CID = 0x08 // 5.8
	CIDTXParamSetup     CID = 0x09 // 5.9, not used in Europe
	CIDDLChannel        CID = 0x0a // 5.7
	CIDRekey            CID = 0x0b // 5.10, OTAA devices of 1.1
	CIDADRParamSetup    CID = 0x0c // 5.11, of 1.1
	CIDDeviceTime       CID = 0x0d // 5.12, since 1.0.3
	CIDForceRejoin      CID = 0x0e // 5.13, of 1.1
	CIDRejoinParamSetup CID = 0x0f // 5.14, of 1.1
)

// Command is a MAC command: one of the types in this package whose names end in Req, Ans,
// Ind or Conf.
type Command interface {
	CID() CID
	Direction() Direction
	// append writes the command without its CID. It fails if a field is out of its range.
	append(b []byte) ([]byte, error)
}

// AppendCommands writes commands one after the other, as FOpts or as a payload on port 0.
// They must all travel in one direction. It fails, naming the command, if they do not or if
// a field is out of its range.
func AppendCommands(dst []byte, commands ...Command) ([]byte, error) {
	for _, c := range commands {
		if c.Direction() != commands[0].Direction() {
			return nil, fmt.Errorf("%T travels %s, %T before it %s", c, c.Direction(), commands[0], commands[0].Direction())
		}
		var err error
		if dst, err = c.append(append(dst, byte(c.CID()))); err != nil {
			return nil, fmt.Errorf("%T: %w", c, err)
		}
	}
	return dst, nil
}

// ParseCommands reads the commands of one direction. A command does not tell its length, so
// at the first that is unknown or cut off reading ends (L2 1.0.4 section 5): rest begins with
// it, and the error says which it is. The commands before it are good. Bits for future use
// are not looked at.
func ParseCommands(dir Direction, b []byte) (commands []Command, rest []byte, err error) {
	for len(b) > 0 {
		parse, size := form(dir, CID(b[0]))
		switch {
		case parse == nil:
			return commands, b, fmt.Errorf("command 0x%02x is not known in direction %s; %d bytes are left", b[0], dir, len(b))
		case len(b) <= size:
			return commands, b, fmt.Errorf("command 0x%02x %s is cut off: %d bytes of %d", b[0], dir, len(b)-1, size)
		}
		commands = append(commands, parse(b[1:1+size]))
		b = b[1+size:]
	}
	return commands, nil, nil
}

// form gives how to read a command, nil for one that is not known, and how many bytes
// follow its CID.
func form(dir Direction, cid CID) (func([]byte) Command, int) {
	if dir == Up {
		return formUp(cid)
	}
	return formDown(cid)
}

// field is one number of a command and the most it can be.
type field struct {
	name string
	is   uint32
	max  uint32
}

// within fails for the first field out of its range.
func within(fields ...field) error {
	for _, f := range fields {
		if f.is > f.max {
			return fmt.Errorf("%s is %d, at most %d fits", f.name, f.is, f.max)
		}
	}
	return nil
}

func bit(b byte, n int) bool { return b>>n&1 == 1 }

// bits gives a byte whose lowest bits are the given ones, the lowest first.
func bits(set ...bool) (b byte) {
	for i, s := range set {
		if s {
			b |= 1 << i
		}
	}
	return b
}
