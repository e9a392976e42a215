package devices

import (
	"slices"

	"meldefunk/city"
	"meldefunk/city/register"
)

// makers are the first three bytes of EUIs of makers of sensors (IEEE registration authority,
// MA-L; 70B3D5 is the authority's own, which it gives to many in smaller parts).
var makers = map[[3]byte]string{
	{0x24, 0xe1, 0x24}: "Milesight", {0xa8, 0x40, 0x41}: "Dragino", {0xa8, 0x17, 0x58}: "ELSYS", {0x64, 0x7f, 0xda}: "Tektelic",
	{0x00, 0x18, 0xb2}: "Adeunis", {0x00, 0x04, 0xa3}: "Microchip", {0xac, 0x1f, 0x09}: "RAKwireless", {0x70, 0xb3, 0xd5}: "an IEEE block",
	{0xe8, 0xe1, 0xe1}: "Gemtek", {0x00, 0x25, 0xca}: "Laird",
}

// doubts warns of EUIs that are mostly mistakes.
func (p *planner) doubts(w *intent, d *register.Device) {
	if d.DevEUI == d.JoinEUI {
		p.warn(w, "join_eui", "is the device's own EUI: look whether the column is the right one")
	}
	for _, f := range []struct {
		column string
		eui    city.EUI
	}{{"dev_eui", d.DevEUI}, {"join_eui", d.JoinEUI}} {
		back := f.eui
		slices.Reverse(back[:])
		_, forward := makers[[3]byte(f.eui[:3])]
		if maker, ok := makers[[3]byte(back[:3])]; ok && !forward {
			p.warn(w, f.column, "%s ends in the reversed number of %s: look whether it is %s on the label (most significant byte first)", f.eui, maker, back)
		}
	}
}

// publicKeys are root keys that everybody can read: the example of FIPS 197 that many sample
// programs have, and Milesight's default ("Ur@linkLoRa2018#", in its user guides).
var publicKeys = []string{"2b7e151628aed2a6abf7158809cf4f3c", "5572404c696e6b4c6f52613230313823", "000102030405060708090a0b0c0d0e0f"}

// published tells whether a key of a row is one of publicKeys, and which.
func published(k *RowKeys) (column string, yes bool) {
	switch {
	case k.HaveApp && slices.Contains(publicKeys, k.App.Hex()):
		return "app_key", true
	case k.HaveNwk && slices.Contains(publicKeys, k.Nwk.Hex()):
		return "nwk_key", true
	}
	return "", false
}
