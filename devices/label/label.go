// Package label reads the codes on the boxes of LoRaWAN devices and makes the city's own
// labels: QR codes as PNG, for the terminal, and on sheets for label printers.
//
// Its own codes have the form of the LoRa Alliance's Technical Recommendation TR005
// "LoRaWAN Device Identification QR Codes" version 1.0. Keys are read where vendors print
// them, and never written: nothing that makes a label takes a key.
package label

import (
	"fmt"
	"strings"

	"meldefunk/city"
)

// Code is what a device says of itself in a code of TR005.
type Code struct {
	JoinEUI  city.EUI
	DevEUI   city.EUI
	VendorID uint16 // given by the LoRa Alliance; 0: not told
	// ProfileID is the vendor's number for the model and its settings; 0: not told.
	ProfileID uint16

	// The extensions, "" where there is none. They have only characters of a QR code's
	// alphanumeric set (0-9, A-Z, space, $%*+-./), TR005 keeps the colon for itself.

	OwnerToken  string // proves to the vendor's join server who owns the device: see Public
	Serial      string
	Proprietary string
}

// Public gives the code without what is nobody else's business: the owner token, with which
// a passer-by could claim the device, and what only the vendor understands. It is what
// belongs on a label in the street; TR005 wants the token inside the box (appendix A).
func (c Code) Public() Code {
	c.OwnerToken, c.Proprietary = "", ""
	return c
}

// String gives the text of TR005 with its checksum, about 54 characters without extensions.
// It does not check the code.
func (c Code) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "LW:D0:%X:%X:%04X%04X", c.JoinEUI[:], c.DevEUI[:], c.VendorID, c.ProfileID)
	for _, e := range c.extensions() {
		if e.value != "" {
			b.WriteByte(':')
			b.WriteByte(e.letter)
			b.WriteString(e.value)
		}
	}
	fmt.Fprintf(&b, ":C%04X", checksum(b.String()))
	return b.String()
}

// maxCode is the most characters of a code. At medium correction a QR code of version 10
// has 311 of them; with more its modules get too small for a label.
const maxCode = 300

// Check tells what keeps a code from a label: no DevEUI, characters that TR005 has no room
// for, too much of them, or what looks like a key. The error shows none of it.
func (c Code) Check() error {
	if c.DevEUI.IsZero() {
		return fmt.Errorf("a code needs a DevEUI")
	}
	for _, e := range c.extensions() {
		if err := e.check(); err != nil {
			return fmt.Errorf("device %s: %w", c.DevEUI, err)
		}
		if looksLikeKey(e.value) {
			return fmt.Errorf("device %s: the %s looks like a key of 32 hex digits, and keys do not belong on labels: leave it out", c.DevEUI, e.name)
		}
	}
	if n := len(c.String()); n > maxCode {
		return fmt.Errorf("device %s: its code has %d characters, and a label has room for %d: leave out the proprietary part", c.DevEUI, n, maxCode)
	}
	return nil
}

// extension is one of the optional parts of a code, in TR005's order.
type extension struct {
	letter byte
	name   string
	value  string
}

func (c Code) extensions() [3]extension {
	return [3]extension{
		{'O', "owner token", c.OwnerToken},
		{'S', "serial number", c.Serial},
		{'P', "proprietary part", c.Proprietary},
	}
}

// alphanumeric is the set of a QR code's alphanumeric mode (ISO/IEC 18004 table 5) without
// the colon, which parts a code of TR005.
const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./"

func (e extension) check() error {
	for _, r := range e.value {
		if !strings.ContainsRune(alphanumeric, r) {
			return fmt.Errorf("the %s has the character %q: TR005 knows only digits, capital letters, space and $%%*+-./", e.name, r)
		}
	}
	return nil
}

// looksLikeKey tells whether a text has 32 hex digits in a row, or with what people put
// between bytes.
func looksLikeKey(s string) bool {
	run := 0
	for i := range len(s) {
		switch {
		case isHex(s[i]):
			run++
		case !strings.ContainsRune(separators, rune(s[i])):
			run = 0
		}
		if run == 32 {
			return true
		}
	}
	return false
}

// separators are what people put between the bytes of EUIs and keys.
const separators = " -:."

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

// checksum is TR005's (section 4.2.5): CRC-16/MODBUS, the polynomial 8005 reflected,
// beginning with FFFF, over the whole text but the checksum's own field.
func checksum(s string) uint16 {
	crc := uint16(0xffff)
	for i := range len(s) {
		crc ^= uint16(s[i])
		for range 8 {
			if crc&1 == 1 {
				crc = crc>>1 ^ 0xa001
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
