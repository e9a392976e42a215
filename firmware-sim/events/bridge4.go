package events

// BridgeV4 is the ChirpStack Gateway Bridge 4 and the ChirpStack MQTT Forwarder: the
// messages of api/proto/gw/gw.proto.
type BridgeV4 struct {
	Prefix   string // first part of the topics: the region configuration, like eu868
	Encoding Encoding
}

// Encoding is how a bridge writes messages. ChirpStack v4 reads all.
type Encoding uint8

// The encodings.
const (
	Protobuf        Encoding = iota // of both programs by default
	JSONOfBridge                    // protojson: times end in Z (builds that put spaces between members mean the same)
	JSONOfForwarder                 // pbjson: times end in +00:00, and numbers that may have a fraction do
)

// Topic is {prefix}/gateway/{id}/event/{event}, or state/conn.
func (v BridgeV4) Topic(m GatewayMessage) string { return gatewayTopic(v.Prefix, m) }

// Append writes the message.
func (v BridgeV4) Append(b []byte, m GatewayMessage) []byte {
	switch m := m.(type) {
	case *Frame:
		if v.Encoding == Protobuf {
			b = wireBytes(b, 1, m.PHYPayload)
			return wireReception(wireRadio(b, 4, &m.Radio), 5, &m.Reception, false)
		}
		return v.frame(b, m)
	case *Stats:
		if v.Encoding == Protobuf {
			return wireStats(b, m)
		}
		return v.stats(b, m)
	case *ConnState:
		if v.Encoding == Protobuf {
			return wireEUI(wireBool(b, 2, m.Online), 3, m.Gateway.ID)
		}
		b = append(appendEUI(append(b, `{"gatewayId":"`...), m.Gateway.ID), '"')
		if m.Online { // OFFLINE is zero, and left out
			b = append(b, `,"state":"ONLINE"`...)
		}
		return append(b, '}')
	}
	return b
}

func (v BridgeV4) zone() string {
	if v.Encoding == JSONOfForwarder {
		return "+00:00"
	}
	return "Z"
}

// number appends what may have a fraction, with a comma behind it.
func (v BridgeV4) number(b []byte, key string, f float64, bits int) []byte {
	if f == 0 {
		return b
	}
	b = append(b, key...)
	if v.Encoding == JSONOfForwarder {
		return append(appendRust(b, f, bits), ',')
	}
	return append(appendNumber(b, f, bits), ',')
}

func (v BridgeV4) frame(b []byte, m *Frame) []byte {
	b = appendBase64(append(b, `{"phyPayload":`...), m.PHYPayload)
	b = v4Radio(append(b, `,"txInfo":{`...), &m.Radio)
	b = v4RxTimes(append(b, `}}},"rxInfo":`...), &m.Reception, v.zone(), false)
	b = unlessZero(b, `,"rssi":`, int64(m.RSSI))
	b = v.number(append(b, ','), `"snr":`, float64(m.SNR), 32)
	b = b[:len(b)-1] // the comma
	b = v4RxEnd(v4RxChannel(b, &m.Reception), &m.Reception)
	return append(b, '}')
}

func (v BridgeV4) stats(b []byte, m *Stats) []byte {
	b = append(appendEUI(append(b, `{"gatewayId":"`...), m.Gateway.ID), '"')
	b = appendTime(append(b, `,"time":`...), m.Time, v.zone())
	if m.Located {
		b = append(b, `,"location":{`...)
		b = v.number(b, `"latitude":`, m.Position.Lat, 64)
		b = v.number(b, `"longitude":`, m.Position.Lon, 64)
		b = v.number(b, `"altitude":`, m.Altitude, 64)
		b = append(b, `"source":"GPS"}`...)
	}
	b = unlessZero(b, `,"rxPacketsReceived":`, int64(m.Received))
	b = unlessZero(b, `,"rxPacketsReceivedOk":`, int64(m.Intact))
	b = unlessZero(b, `,"txPacketsReceived":`, int64(m.Asked))
	b = unlessZero(b, `,"txPacketsEmitted":`, int64(m.Sent))
	if tags := m.Gateway.Metadata; len(tags) > 0 {
		b = v4Tags(append(b, `,"metadata":`...), tags)
	}
	if len(m.Frequency) > 0 {
		b = append(b, `,"rxPacketsPerFrequency":{`...)
		for i, c := range m.Frequency {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendUint(append(b, '"'), "", uint64(c.Hz))
			b = appendUint(b, `":`, uint64(c.Frames))
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

func wireStats(b []byte, m *Stats) []byte {
	b = wireTime(b, 2, m.Time)
	b = wireCounts(wirePlace(b, m), m)
	b = wireTags(b, 10, m.Gateway.Metadata)
	for _, c := range m.Frequency {
		var start int
		b, start = wireOpen(b, 13)
		b = wireUint(b, 1, uint64(c.Hz))
		b = wireClose(wireUint(b, 2, uint64(c.Frames)), start)
	}
	return wireEUI(b, 17, m.Gateway.ID)
}

// wirePlace appends where a gateway says it is. Fields 3 and 5 to 8 have been the same
// since v3.
func wirePlace(b []byte, m *Stats) []byte {
	if !m.Located {
		return b
	}
	b, start := wireOpen(b, 3)
	b = wireDouble(b, 1, m.Position.Lat)
	b = wireDouble(b, 2, m.Position.Lon)
	b = wireDouble(b, 3, m.Altitude)
	return wireClose(wireUint(b, 4, 1), start) // GPS
}

func wireCounts(b []byte, m *Stats) []byte {
	b = wireUint(b, 5, uint64(m.Received))
	b = wireUint(b, 6, uint64(m.Intact))
	b = wireUint(b, 7, uint64(m.Asked))
	return wireUint(b, 8, uint64(m.Sent))
}
