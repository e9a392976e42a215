package city

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// EUI is a 64-bit extended unique identifier, the DevEUI of a LoRaWAN device
// (LoRaWAN 1.0.4 section 6.2.1). Bytes are in the order they are printed.
type EUI [8]byte

// ParseEUI reads 16 hex digits in either case; "-" and ":" between bytes are allowed,
// because device labels print them.
func ParseEUI(s string) (EUI, error) {
	var e EUI
	if len(s) != 16 {
		s = strings.NewReplacer("-", "", ":", "").Replace(s)
	}
	if len(s) != 16 {
		return e, fmt.Errorf("%.40q is not an EUI: want 16 hex digits, like a840410001810001", s)
	}
	for i := range e {
		hi, lo := unhex(s[2*i]), unhex(s[2*i+1])
		if hi > 15 || lo > 15 {
			return EUI{}, fmt.Errorf("%.40q is not an EUI: want 16 hex digits, like a840410001810001", s)
		}
		e[i] = hi<<4 | lo
	}
	return e, nil
}

// unhex is the value of one hex digit, or 255.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// String gives 16 lower-case hex digits.
func (e EUI) String() string { return hex.EncodeToString(e[:]) }

// MarshalText gives 16 lower-case hex digits.
func (e EUI) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what ParseEUI reads.
func (e *EUI) UnmarshalText(b []byte) error {
	v, err := ParseEUI(string(b))
	if err != nil {
		return err
	}
	*e = v
	return nil
}

// IsZero tells whether no EUI was given.
func (e EUI) IsZero() bool { return e == EUI{} }
