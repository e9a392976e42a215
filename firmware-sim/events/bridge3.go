package events

// BridgeV3 is the ChirpStack Gateway Bridge 3 with marshaler protobuf, its default: the
// messages of protobuf/gw/gw.proto in chirpstack-api v3.
type BridgeV3 struct{}

// Topic is gateway/{id}/event/{event}, or state/conn.
func (BridgeV3) Topic(m GatewayMessage) string { return gatewayTopic("", m) }

// Append writes the message.
func (BridgeV3) Append(b []byte, m GatewayMessage) []byte {
	switch m := m.(type) {
	case *Frame:
		return bridge3Frame(b, m)
	case *Stats:
		b = wireBytes(b, 1, m.Gateway.ID[:])
		b = wireTime(b, 2, m.Time)
		b = wireCounts(wirePlace(b, m), m)
		b = wireString(b, 9, m.Address)
		return wireBytes(b, 11, m.ID[:])
	case *ConnState:
		return wireBool(wireBytes(b, 1, m.Gateway.ID[:]), 2, m.Online)
	}
	return b
}

func bridge3Frame(b []byte, m *Frame) []byte {
	b = wireBytes(b, 1, m.PHYPayload)
	b, tx := wireOpen(b, 2)
	b = wireUint(b, 1, uint64(m.Frequency))
	b, lora := wireOpen(b, 3)
	b = wireUint(b, 1, uint64(m.Bandwidth/1000)) // kHz in v3
	b = wireUint(b, 2, uint64(m.SpreadingFactor))
	b = wireString(b, 3, "4/5")
	b = wireClose(wireClose(b, lora), tx)

	r := &m.Reception
	b, rx := wireOpen(b, 3)
	b = wireBytes(b, 1, r.Gateway.ID[:])
	if !r.Time.IsZero() {
		b = wireTime(b, 2, r.Time)
		if r.GPS {
			b = wireSpan(b, 3, sinceGPS(r.Time))
		}
	}
	b = wireInt(b, 5, int64(r.RSSI))
	b = wireDouble(b, 6, tenths(r.SNR))
	b = wireUint(b, 7, uint64(r.Channel))
	b = wireUint(b, 8, uint64(r.RFChain))
	at := r.context()
	b = wireBytes(b, 15, at[:])
	b = wireBytes(b, 16, r.ID[:])
	return wireClose(wireUint(b, 17, uint64(r.CRC)), rx)
}
