package events

import "time"

// This file has the parts that The Things Stack's events are made of.

// thingsHead opens an event. The address is left out where no session is meant.
func thingsHead(b []byte, d *Device, s *Session, p path, published time.Time) []byte {
	b = appendThingsID(append(b, `{"end_device_ids":{"device_id":"`...), d)
	b = appendString(append(b, `","application_ids":{"application_id":`...), d.Application.Name)
	b = appendUpper(append(b, `},"dev_eui":`...), d.DevEUI[:])
	b = appendUpper(append(b, `,"join_eui":`...), d.JoinEUI[:])
	if s != nil {
		a := s.DevAddr
		b = appendUpper(append(b, `,"dev_addr":`...), []byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
	}
	b = p.append(append(b, `},"correlation_ids":`...))
	return thingsTime(b, `,"received_at":`, published)
}

// appendThingsID appends a device's id; those that The Things Stack allows need no quotes.
func appendThingsID(b []byte, d *Device) []byte {
	if d.ID != "" {
		return append(b, d.ID...)
	}
	return appendEUI(append(b, "eui-"...), d.DevEUI)
}

func thingsTime(b []byte, key string, t time.Time) []byte {
	return appendTime(append(b, key...), t, "Z")
}

func thingsFloat(b []byte, key string, f float32) []byte {
	if f == 0 {
		return b
	}
	return appendNumber(append(b, key...), float64(f), 32)
}

// thingsObject writes what a payload formatter made; of an empty one nothing is told.
func thingsObject(b []byte, object []Field) []byte {
	if len(object) == 0 {
		return b
	}
	b = append(b, `,"decoded_payload":{`...)
	for i, f := range object {
		b = appendKey(b, i, f.Name)
		if f.Text != "" {
			b = appendString(b, f.Text)
		} else {
			b = appendNumber(b, f.Number, 64)
		}
	}
	return append(b, '}')
}

// thingsReception writes an RxMetadata. A time that comes from GPS has milliseconds.
func thingsReception(b []byte, r *Reception) []byte {
	g, at := r.Gateway, r.Time
	if r.GPS {
		at = at.Truncate(time.Millisecond)
	}
	b = appendString(append(b, `{"gateway_ids":{"gateway_id":`...), g.Name)
	b = append(appendUpper(append(b, `,"eui":`...), g.ID[:]), '}')
	if !at.IsZero() {
		b = thingsTime(b, `,"time":`, at)
	}
	b = unlessZero(b, `,"timestamp":`, int64(r.Timestamp))
	b = unlessZero(b, `,"rssi":`, int64(r.RSSI))
	b = unlessZero(b, `,"channel_rssi":`, int64(r.RSSI))
	b = thingsFloat(b, `,"snr":`, r.SNR)
	if g.Located {
		b = append(b, `,"location":{`...)
		b = thingsCoordinate(b, `"latitude":`, g.Position.Lat)
		b = thingsCoordinate(b, `"longitude":`, g.Position.Lon)
		b = thingsCoordinate(b, `"altitude":`, float64(int32(g.Altitude)))
		b = append(b, `"source":"SOURCE_REGISTRY"}`...)
	}
	var room [160]byte
	b = appendBase64(append(b, `,"uplink_token":`...), appendToken(room[:0], r, at))
	b = unlessZero(b, `,"channel_index":`, int64(r.Channel))
	if r.GPS && !at.IsZero() {
		b = thingsTime(b, `,"gps_time":`, at)
	}
	return append(thingsTime(b, `,"received_at":`, r.Received), '}')
}

// appendToken appends the UplinkToken (lorawan.proto) by which the gateway server finds
// its way back. Its clock for the concentrator starts at 0 with the counter.
func appendToken(b []byte, r *Reception, at time.Time) []byte {
	b, antenna := wireOpen(b, 1)
	b, ids := wireOpen(b, 1)
	b = wireString(b, 1, r.Gateway.Name)
	b = wireBytes(b, 2, r.Gateway.ID[:])
	b = wireClose(wireClose(b, ids), antenna)
	b = wireUint(b, 2, uint64(r.Timestamp))
	b = wireTime(b, 3, r.Received)
	b = wireInt(b, 4, int64(r.Timestamp)*int64(time.Microsecond))
	if !at.IsZero() {
		b = wireTime(b, 5, at)
	}
	return b
}

func thingsCoordinate(b []byte, key string, f float64) []byte {
	if f == 0 {
		return b
	}
	return append(appendNumber(append(b, key...), f, 64), ',')
}

// thingsSettings writes TxSettings, with the clocks of the gateway heard first.
func thingsSettings(b []byte, e *Up) []byte {
	b = appendUint(b, `,"settings":{"data_rate":{"lora":{"bandwidth":`, uint64(e.Bandwidth))
	b = appendUint(b, `,"spreading_factor":`, uint64(e.SpreadingFactor))
	b = append(b, `,"coding_rate":"4/5"}},"frequency":"`...)
	b = append(appendUint(b, "", uint64(e.Frequency)), '"')
	if len(e.Receptions) > 0 {
		r := &e.Receptions[0]
		b = unlessZero(b, `,"timestamp":`, int64(r.Timestamp))
		at := r.Time
		if r.GPS {
			at = at.Truncate(time.Millisecond)
		}
		if !at.IsZero() {
			b = thingsTime(b, `,"time":`, at)
		}
	}
	return append(b, '}')
}

// thingsKey writes the AppSKey that the application server cannot unwrap.
func thingsKey(b []byte, e *Envelope) []byte {
	if e == nil || len(e.WrappedKey) == 0 {
		return b
	}
	b = appendString(append(b, `,"app_s_key":{"kek_label":`...), e.KEKLabel)
	return append(appendBase64(append(b, `,"encrypted_key":`...), e.WrappedKey), '}')
}

// thingsDownlink writes an ApplicationDownlink but for its closing brace. It has neither
// session nor counter before it is sent.
func thingsDownlink(b []byte, d *Downlink, s *Session, object []Field, p path) []byte {
	b = append(b, '{')
	if s != nil {
		b = append(appendBase64(append(b, `"session_key_id":`...), s.KeyID), ',')
	}
	b = thingsMember(b, `"f_port":`, uint64(d.FPort))
	if s != nil {
		b = thingsMember(b, `"f_cnt":`, uint64(d.FCnt))
	}
	b = appendBase64(append(b, `"frm_payload":`...), d.Payload)
	b = thingsObject(b, object)
	if d.Confirmed {
		b = append(b, `,"confirmed":true`...)
	}
	if d.Priority != "" {
		b = appendString(append(b, `,"priority":`...), d.Priority)
	}
	return p.append(append(b, `,"correlation_ids":`...))
}

func thingsMember(b []byte, key string, n uint64) []byte {
	if n == 0 {
		return b
	}
	return append(appendUint(b, key, n), ',')
}

// thingsRetry writes that a confirmed downlink is sent once more if nobody confirms.
func thingsRetry(b []byte, confirmed bool) []byte {
	if confirmed {
		b = append(b, `,"confirmed_retry":{"attempt":1}`...)
	}
	return b
}
