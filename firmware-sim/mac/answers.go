package mac

import "meldefunk/city/lorawan"

// answersMax is how many bytes of MAC commands wait at most: with RekeyInd as many as fit a
// frame at the slowest data rate, which carries 51. The network asks again for what was left
// out (L2 1.0.4 section 5).
const answersMax = 49

// answers are the MAC commands the next uplink carries, in the order of what they answer.
type answers struct {
	buf  [answersMax]byte
	n    uint8
	told bool // they were in an uplink already: what is left is repeated
}

// add appends a command, unless there is no room for it.
func (a *answers) add(c lorawan.Command) {
	b, err := lorawan.AppendCommands(a.buf[:a.n], c)
	if err != nil {
		panic(err) // cannot be: the device makes its own commands
	}
	if len(b) > answersMax {
		return
	}
	a.n = uint8(copy(a.buf[:], b))
	a.told = false
}

func (a *answers) bytes() []byte { return a.buf[:a.n] }

// sent leaves those which are repeated until a downlink comes (L2 1.0.4 sections 5.4, 5.7
// and 5.6): the network must know for sure when they took effect.
func (a *answers) sent() {
	if a.n == 0 {
		return
	}
	all, _, _ := lorawan.ParseCommands(lorawan.Up, a.bytes())
	*a = answers{}
	for _, c := range all {
		if sticky(c) {
			a.add(c)
		}
	}
	a.told = true
}

// heard ends the repetition.
func (a *answers) heard() {
	if a.told {
		*a = answers{}
	}
}

func sticky(c lorawan.Command) bool {
	switch c.CID() {
	case lorawan.CIDRXParamSetup, lorawan.CIDRXTimingSetup, lorawan.CIDDLChannel:
		return true
	}
	return false
}
