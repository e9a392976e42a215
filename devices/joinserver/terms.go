package joinserver

import (
	"strings"

	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
)

// terms are what the network server sets for the session it asks for.
type terms struct {
	addr   lorawan.DevAddr
	accept lorawan.JoinAccept // without nonce, network and address
}

// terms reads them. The link layer to be spoken is told twice, by MACVersion and by OptNeg of
// DLSettings: who contradicts itself would get keys that do not fit the device's.
func (d *demand) terms() (t terms, err error) {
	if len(d.DevAddr) != len(t.addr) {
		return t, refuse(malformedMessage, "DevAddr: want 8 hex digits, got %d bytes", len(d.DevAddr))
	}
	t.addr = lorawan.DevAddr(d.DevAddr)
	if len(d.DLSettings) != 1 {
		return t, refuse(malformedMessage, "DLSettings: want 2 hex digits, got %d bytes", len(d.DLSettings))
	}
	if d.RxDelay == nil || *d.RxDelay > 15 {
		return t, refuse(malformedMessage, "RxDelay: want 0 to 15 seconds")
	}
	settings := d.DLSettings[0]
	t.accept = lorawan.JoinAccept{
		OptNeg: settings>>7 == 1, RX1DROffset: settings >> 4 & 7, RX2DataRate: settings & 15, RXDelay: *d.RxDelay,
	}
	if len(d.CFList) > 0 {
		if len(d.CFList) != len(t.accept.CFList) {
			return t, refuse(malformedMessage, "CFList: want 32 hex digits, got %d bytes", len(d.CFList))
		}
		t.accept.HasCFList, t.accept.CFList = true, lorawan.CFList(d.CFList)
	}
	one, known := speaks11(d.MACVersion)
	switch {
	case !known:
		return t, refuse(malformedMessage, "MACVersion: %.8q: want one like 1.0.3 or 1.1", d.MACVersion)
	case one != t.accept.OptNeg:
		return t, refuse(malformedMessage, "MACVersion is %s and OptNeg in DLSettings is %v: want OptNeg with 1.1 and only there", d.MACVersion, t.accept.OptNeg)
	}
	return t, nil
}

// speaks11 reads a version of the link layer, with or without its third number.
func speaks11(version string) (is, known bool) {
	switch minor, patch, _ := strings.Cut(strings.TrimPrefix(version, "1."), "."); {
	case !strings.HasPrefix(version, "1.") || len(patch) > 1 || strings.Trim(patch, "0123456789") != "":
		return false, false
	case minor == "0" || minor == "1":
		return minor == "1", true
	}
	return false, false
}

// layer is the link layer of a device.
func layer(v enrol.Version) lorawan.Version {
	switch v {
	case enrol.V1_1_0:
		return lorawan.V1_1
	case enrol.V1_0_4:
		return lorawan.V1_0_4
	}
	return lorawan.V1_0_3
}
