package events

import (
	"encoding/hex"

	"google.golang.org/protobuf/encoding/protowire"
)

// This file has the parts that ChirpStack v4's events in protobuf are made of.

// wireDevice appends an integration.DeviceInfo. Tags come before the class because they
// have the lower number.
func wireDevice(b []byte, field protowire.Number, d *Device) []byte {
	a, p := d.Application, d.Profile
	b, start := wireOpen(b, field)
	b = wireUUID(b, 1, a.Tenant)
	b = wireString(b, 2, a.TenantName)
	b = wireUUID(b, 3, a.ID)
	b = wireString(b, 4, a.Name)
	b = wireUUID(b, 5, p.ID)
	b = wireString(b, 6, p.Name)
	b = wireString(b, 7, d.Name)
	b = wireEUI(b, 8, d.DevEUI)
	b = wireTags(b, 9, d.Tags)
	return wireClose(wireUint(b, 10, uint64(p.Class)), start)
}

// wireDevAddr appends what is field 4 of up and join.
func wireDevAddr(b []byte, addr uint32) []byte {
	var text [10]byte
	return wireBytes(b, 4, appendHex32(text[:0], addr)[1:9])
}

// wireEnvelope appends a common.JoinServerContext where the session needs one.
func wireEnvelope(b []byte, field protowire.Number, e *Envelope) []byte {
	if e == nil {
		return b
	}
	b, start := wireOpen(b, field)
	if len(e.SessionKeyID) > 0 {
		var id int
		b, id = wireOpen(b, 1)
		b = wireClose(hex.AppendEncode(b, e.SessionKeyID), id)
	}
	if len(e.WrappedKey) > 0 {
		var key int
		b, key = wireOpen(b, 2)
		b = wireString(b, 1, e.KEKLabel)
		b = wireClose(wireBytes(b, 2, e.WrappedKey), key)
	}
	return wireClose(b, start)
}

// wireReception appends a gw.UplinkRxInfo. When a frame came and where its gateway stands
// is for the network server to say.
func wireReception(b []byte, field protowire.Number, r *Reception, server bool) []byte {
	b, start := wireOpen(b, field)
	b = wireEUI(b, 1, r.Gateway.ID)
	b = wireUint(b, 2, uint64(r.Uplink))
	if !r.Time.IsZero() {
		b = wireTime(b, 3, r.Time)
		if r.GPS {
			b = wireSpan(b, 4, sinceGPS(r.Time))
		}
	}
	b = wireInt(b, 6, int64(r.RSSI))
	b = wireFloat(b, 7, r.SNR)
	b = wireUint(b, 8, uint64(r.Channel))
	b = wireUint(b, 9, uint64(r.RFChain))
	if server {
		var location int
		b, location = wireOpen(b, 12)
		if g := r.Gateway; g.Located {
			b = wireDouble(b, 1, g.Position.Lat)
			b = wireDouble(b, 2, g.Position.Lon)
			b = wireDouble(b, 3, g.Altitude)
		}
		b = wireClose(b, location)
	}
	at := r.context()
	b = wireBytes(b, 13, at[:])
	b = wireTags(b, 15, r.Gateway.Metadata)
	b = wireUint(b, 16, uint64(r.CRC))
	if server {
		b = wireTime(b, 17, r.Received)
	}
	return wireClose(b, start)
}

// wireRadio appends a gw.UplinkTxInfo.
func wireRadio(b []byte, field protowire.Number, r *Radio) []byte {
	b, start := wireOpen(b, field)
	b = wireUint(b, 1, uint64(r.Frequency))
	return wireClose(wireModulation(b, 2, r, false), start)
}

// wireModulation appends a gw.Modulation. Downlinks are sent with their polarisation
// inverted, so that gateways do not hear each other.
func wireModulation(b []byte, field protowire.Number, r *Radio, down bool) []byte {
	b, start := wireOpen(b, field)
	b, lora := wireOpen(b, 3)
	b = wireUint(b, 1, uint64(r.Bandwidth))
	b = wireUint(b, 2, uint64(r.SpreadingFactor))
	b = wireBool(b, 4, down)
	b = wireUint(b, 5, 1) // CR_4_5
	return wireClose(wireClose(b, lora), start)
}
