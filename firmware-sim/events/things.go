package events

// Things is The Things Stack v3: ttn.lorawan.v3.ApplicationUp in its JSON form, in which
// nothing is written that is zero, bytes are base64, EUIs and addresses upper-case hex,
// and 64-bit numbers strings.
type Things struct{}

// Name is the-things-stack-v3.
func (Things) Name() string { return "the-things-stack-v3" }

// Topic is v3/{application}/devices/{device}/{what}, as the open source edition has it;
// the cloud appends its tenant to the application.
func (Things) Topic(e Event) string {
	what := thingsEvent(e)
	if what == "" {
		return ""
	}
	d := e.device()
	var room [128]byte
	b := append(append(room[:0], "v3/"...), d.Application.Name...)
	b = appendThingsID(append(b, "/devices/"...), d)
	return string(append(append(b, '/'), what...))
}

// thingsEvent is what stands at the end of a topic, "" where The Things Stack tells
// nobody: of errors it tells only those of downlinks that it will not send.
func thingsEvent(e Event) string {
	switch e := e.(type) {
	case *Up:
		return "up"
	case *Join:
		return "join"
	case *Queued:
		return "down/queued"
	case *TxAck:
		return "down/sent"
	case *Ack:
		if e.Acknowledged {
			return "down/ack"
		}
		return "down/nack"
	case *Log:
		if e.Cause == CauseSize || e.Cause == CausePort {
			return "down/failed"
		}
	}
	return ""
}

// Append writes the event in the order of messages.proto.
func (Things) Append(b []byte, e Event) []byte {
	switch e := e.(type) {
	case *Up:
		return thingsUp(b, e)
	case *Join:
		return thingsJoin(b, e)
	case *Queued:
		path := path{hops: hopQueue, id: e.ID, asked: e.Asked, own: e.Own}
		b = thingsHead(b, e.Device, nil, path, e.Time)
		b = thingsDownlink(append(b, `,"downlink_queued":`...), &e.Downlink, nil, e.Object, path)
		return append(thingsRetry(b, e.Confirmed), '}', '}')
	case *TxAck:
		path := path{hops: hopsSent, id: e.ID, asked: e.Asked, heard: e.Time, told: e.Time, own: e.Own}
		b = thingsHead(b, e.Device, e.Session, path, e.Time)
		path.hops &^= hopTell
		b = thingsDownlink(append(b, `,"downlink_sent":`...), &e.Downlink, e.Session, nil, path)
		return append(b, '}', '}')
	case *Ack:
		path := path{hops: hopsAck, id: e.ID, asked: e.Asked, heard: e.Time, told: e.Time, own: e.Own}
		b = thingsHead(b, e.Device, e.Session, path, e.Time)
		path.hops = hopQueue
		if e.Acknowledged {
			b = append(b, `,"downlink_ack":`...)
		} else {
			b = append(b, `,"downlink_nack":`...)
		}
		b = thingsDownlink(b, &e.Downlink, e.Session, nil, path)
		return append(thingsRetry(b, e.Confirmed), '}', '}')
	case *Log:
		return thingsFailed(b, e)
	}
	return b
}

func thingsUp(b []byte, e *Up) []byte {
	b = thingsHead(b, e.Device, e.Session, path{hops: hopsUp, id: e.ID, heard: e.Received, told: e.Published}, e.Published)
	b = appendBase64(append(b, `,"uplink_message":{"session_key_id":`...), e.KeyID)
	b = unlessZero(b, `,"f_port":`, int64(e.FPort))
	b = unlessZero(b, `,"f_cnt":`, int64(e.FCnt))
	if len(e.Payload) > 0 {
		b = appendBase64(append(b, `,"frm_payload":`...), e.Payload)
	}
	b = thingsObject(b, e.Object)
	b = append(b, `,"rx_metadata":[`...)
	for i := range e.Receptions {
		if i > 0 {
			b = append(b, ',')
		}
		b = thingsReception(b, &e.Receptions[i])
	}
	b = append(b, ']')
	b = thingsSettings(b, e)
	b = thingsTime(b, `,"received_at":`, e.Received)
	b = thingsKey(b, e.EndToEnd)
	if e.Confirmed {
		b = append(b, `,"confirmed":true`...)
	}
	if e.Airtime != 0 {
		b = durationOf(e.Airtime).append(append(b, `,"consumed_airtime":`...))
	}
	b = thingsFloat(b, `,"packet_error_rate":`, e.Lost)
	b = appendUpper(append(b, `,"network_ids":{"net_id":`...), e.Device.Application.NetID[:])
	return append(b, `}}}`...)
}

func thingsJoin(b []byte, e *Join) []byte {
	b = thingsHead(b, e.Device, e.Session, path{hops: hopsUp, id: e.ID, heard: e.Received, told: e.Published}, e.Published)
	b = appendBase64(append(b, `,"join_accept":{"session_key_id":`...), e.KeyID)
	b = thingsKey(b, e.EndToEnd)
	return append(thingsTime(b, `,"received_at":`, e.Received), '}', '}')
}

// thingsFailed writes the errors of pkg/applicationserver and pkg/networkserver, whose
// code 3 is that of an invalid argument.
func thingsFailed(b []byte, e *Log) []byte {
	if thingsEvent(e) == "" {
		return b
	}
	down := e.Downlink
	path := path{hops: hopQueue, id: down.ID, asked: down.Asked, own: down.Own}
	b = thingsHead(b, e.Device, nil, path, e.Time)
	b = thingsDownlink(append(b, `,"downlink_failed":{"downlink":`...), down, nil, nil, path)
	if e.Cause == CausePort {
		b = append(b, `},"error":{"namespace":"pkg/applicationserver","name":"no_f_port","message_format":"no FPort"`...)
	} else {
		b = append(b, `},"error":{"namespace":"pkg/networkserver","name":"application_downlink_too_long",`+
			`"message_format":"application downlink payload length `+"`{length}`"+` exceeds maximum '{max}'"`...)
		b = appendInt(b, `,"attributes":{"length":`, int64(e.Size))
		b = append(appendInt(b, `,"max":"`, int64(e.Max)), `"}`...)
	}
	b = appendHex(append(b, `,"correlation_id":`...), e.ID[:])
	return append(b, `,"code":3}}}`...)
}
