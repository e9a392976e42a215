package events

// V4Protobuf is ChirpStack v4 with json = false: the messages of
// api/proto/integration/integration.proto, with those of common/common.proto and
// gw/gw.proto in them, as prost writes them: by field number, zeros left out.
type V4Protobuf struct{}

// Name is chirpstack-v4-protobuf.
func (V4Protobuf) Name() string { return "chirpstack-v4-protobuf" }

// Topic is that of V4.
func (V4Protobuf) Topic(e Event) string { return v4Topic(e) }

// Append writes the event.
func (V4Protobuf) Append(b []byte, e Event) []byte {
	switch e := e.(type) {
	case *Up:
		return wireUp(b, e)
	case *Join:
		b = wireUUID(b, 1, e.ID)
		b = wireDevice(wireTime(b, 2, e.Time), 3, e.Device)
		b = wireDevAddr(b, e.DevAddr)
		b = wireEnvelope(b, 6, e.EndToEnd)
		return wireString(b, 7, e.Device.Application.Region)
	case *Status:
		b = wireUUID(b, 1, e.ID)
		b = wireDevice(wireTime(b, 2, e.Time), 3, e.Device)
		b = wireInt(b, 5, int64(e.Margin))
		b = wireBool(b, 6, e.Battery == 0)
		b = wireBool(b, 7, e.Battery == 255)
		return wireFloat(b, 8, e.percent())
	case *Ack:
		if e.Acknowledged {
			b = wireUUID(b, 1, e.Delivery)
		}
		b = wireDevice(wireTime(b, 2, e.Time), 3, e.Device)
		b = wireUUID(b, 4, e.ID)
		b = wireBool(b, 5, e.Acknowledged)
		return wireUint(b, 6, uint64(e.FCnt))
	case *TxAck:
		return wireTxAck(b, e)
	case *Location:
		b = wireUUID(b, 1, e.ID)
		b = wireDevice(wireTime(b, 2, e.Time), 3, e.Device)
		b, start := wireOpen(b, 4)
		b = wireDouble(b, 1, e.Lat)
		b = wireDouble(b, 2, e.Lon)
		b = wireUint(b, 4, 3) // GEO_RESOLVER_TDOA
		return wireClose(wireFloat(b, 5, e.Accuracy), start)
	case *Log:
		w, said := v4Say(e.Cause)
		if !said {
			return b
		}
		b = wireDevice(wireTime(b, 1, e.Time), 2, e.Device)
		b = wireUint(b, 3, w.level)
		b = wireUint(b, 4, w.code)
		b = wireString(b, 5, w.describe(e))
		return wireTags(b, 6, v4Context(e))
	}
	return b
}

func wireUp(b []byte, e *Up) []byte {
	b = wireUUID(b, 1, e.ID)
	b = wireDevice(wireTime(b, 2, e.Time), 3, e.Device)
	b = wireDevAddr(b, e.DevAddr)
	b = wireBool(b, 5, e.ADR)
	b = wireUint(b, 6, uint64(e.DataRate))
	b = wireUint(b, 7, uint64(e.FCnt))
	b = wireUint(b, 8, uint64(e.FPort))
	b = wireBool(b, 9, e.Confirmed)
	b = wireBytes(b, 10, e.Payload)
	if e.Object != nil {
		b = wireObject(b, 11, e.Object)
	}
	for i := range e.Receptions {
		b = wireReception(b, 12, &e.Receptions[i], true)
	}
	b = wireRadio(b, 13, &e.Radio)
	b = wireEnvelope(b, 15, e.EndToEnd)
	return wireString(b, 16, e.Device.Application.Region)
}

func wireTxAck(b []byte, e *TxAck) []byte {
	b = wireUint(b, 1, uint64(e.Number))
	b = wireDevice(wireTime(b, 2, e.Time), 3, e.Device)
	b = wireUUID(b, 4, e.ID)
	b = wireUint(b, 5, uint64(e.FCnt))
	b = wireEUI(b, 6, e.Gateway.ID)
	b, tx := wireOpen(b, 7)
	b = wireUint(b, 1, uint64(e.Frequency))
	b = wireInt(b, 2, int64(e.Power))
	b = wireModulation(b, 3, &e.Radio, true)
	b, timing := wireOpen(b, 6)
	b, delay := wireOpen(b, 2)
	b = wireSpan(b, 1, durationOf(e.Delay))
	b = wireClose(wireClose(b, delay), timing)
	at := (&Reception{Timestamp: e.Timestamp}).context()
	return wireClose(wireBytes(b, 7, at[:]), tx)
}
