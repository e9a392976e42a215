package city

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Firmware is the version of a device's software: one to four numbers. The zero value is no
// version; versions are equal if they are written with the same numbers.
type Firmware struct {
	parts [4]uint16
	count uint8
}

// ParseFirmware reads a version as vendors print it: "1.2.1", "v1.1", one to four numbers of
// at most 65535 with points between them.
func ParseFirmware(text string) (Firmware, error) {
	var f Firmware
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.ToLower(text), "v"), ".") {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil || int(f.count) == len(f.parts) {
			return Firmware{}, fmt.Errorf("%.40q is no firmware version: want one to %d numbers with points between them, like 1.2.1", text, len(f.parts))
		}
		f.parts[f.count] = uint16(n)
		f.count++
	}
	return f, nil
}

// IsZero tells whether there is no version.
func (f Firmware) IsZero() bool { return f.count == 0 }

// Compare is negative where f is older than g, by numbers: 1.9 is older than 1.10. Numbers
// that were not written are 0.
func (f Firmware) Compare(g Firmware) int {
	for i := range f.parts {
		if c := cmp.Compare(f.parts[i], g.parts[i]); c != 0 {
			return c
		}
	}
	return 0
}

// Within tells whether f is last, older, or one of the versions that begin like last: 1.1.3
// is within 1.1, and 1.2 is not.
func (f Firmware) Within(last Firmware) bool {
	for i := range last.count {
		if c := cmp.Compare(f.parts[i], last.parts[i]); c != 0 {
			return c < 0
		}
	}
	return true
}

// MarshalText gives String: without it a version would not travel as JSON.
func (f Firmware) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText is ParseFirmware, and no version for no text.
func (f *Firmware) UnmarshalText(text []byte) (err error) {
	*f = Firmware{}
	if len(text) > 0 {
		*f, err = ParseFirmware(string(text))
	}
	return err
}

// String gives the version without a "v", "" for none.
func (f Firmware) String() string {
	var b strings.Builder
	for i := range f.count {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.Itoa(int(f.parts[i])))
	}
	return b.String()
}
