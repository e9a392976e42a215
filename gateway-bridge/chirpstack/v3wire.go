package chirpstack

import (
	"encoding/hex"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"meldefunk/city"
)

// v3Fields are the numbers of the fields of an event, 0 for those it has not. The
// others are the same in all events, and some are only in up.
type v3Fields struct {
	devAddr, rxInfo, txInfo, dr, publishedAt protowire.Number
}

// fields gives the numbers of an event of a kind, of protobuf/as/integration/integration.proto
// in chirpstack-api v3.12.
func fields(kind city.EventKind) v3Fields {
	switch kind {
	case city.EventUp:
		return v3Fields{devAddr: 15, rxInfo: 5, txInfo: 6, dr: 8, publishedAt: 16}
	case city.EventJoin:
		return v3Fields{devAddr: 5, rxInfo: 6, txInfo: 7, dr: 8, publishedAt: 10}
	case city.EventStatus:
		return v3Fields{publishedAt: 10}
	case city.EventAck:
		return v3Fields{publishedAt: 8}
	}
	return v3Fields{publishedAt: 9} // txack, error, location
}

// readWire reads an event of a kind in protobuf.
func (e *v3Event) readWire(body []byte, kind city.EventKind) error {
	has := fields(kind)
	if kind == city.EventLog {
		e.Type = v3ErrorType(0)
	}
	return readWire(body, "ChirpStack v3", func(w *wire) {
		switch w.field {
		case 1: // in v4 it is never a number, and its devAddr looks like a devEUI
			w.uint("applicationID", 1<<63-1)
		case 4:
			copy(e.device[:], w.id("devEUI", 8))
		case has.publishedAt:
			e.PublishedAt = w.time("publishedAt")
		case has.devAddr:
			e.session = hex.EncodeToString(w.id("devAddr", 4))
		case has.rxInfo:
			e.RxInfo.readWire(w)
		case has.txInfo:
			e.readTxInfo(w)
		case has.dr:
			e.DR = w.uint8("dr")
		default:
			e.readMore(w, kind)
		}
	})
}

// readMore reads a field that only one kind of event has.
func (e *v3Event) readMore(w *wire, kind city.EventKind) {
	switch kind {
	case city.EventUp:
		switch w.field {
		case 9:
			e.FCnt = w.uint32("fCnt")
		case 10:
			e.FPort = w.uint8("fPort")
		case 11:
			e.Data = w.data("data")
		case 14:
			e.Confirmed = w.bool("confirmedUplink")
		}
	case city.EventLog:
		switch w.field {
		case 5:
			e.Type = v3ErrorType(w.uint32("type"))
		case 6:
			e.Error = w.text("error")
		}
	default:
		e.news.readWire(w, kind, 5)
	}
}

// readTxInfo reads a gw.UplinkTXInfo.
func (e *v3Event) readTxInfo(w *wire) {
	if e.TxInfo == nil {
		e.TxInfo = new(v3TxInfo)
	}
	w.message("txInfo", func() {
		switch w.field {
		case 1:
			e.TxInfo.Frequency = w.uint32("txInfo.frequency")
		case 3:
			w.message("txInfo.loRaModulationInfo", func() {
				if w.field == 2 {
					e.TxInfo.LoRa.SpreadingFactor = w.uint8("txInfo.loRaModulationInfo.spreadingFactor")
				}
			})
		}
	})
}

// readWire reads one gw.UplinkRXInfo.
func (r *v3Receptions) readWire(w *wire) {
	var by city.Reception
	w.message("rxInfo", func() {
		switch w.field {
		case 1:
			by.Gateway = hex.EncodeToString(w.id("rxInfo.gatewayID", 8))
		case 2:
			r.clock.add(w.time("rxInfo.time"))
		case 5:
			by.RSSI = w.int16("rxInfo.rssi")
		case 6:
			by.SNR = float32(w.float64("rxInfo.loRaSNR"))
		case 16:
			if id := w.id("rxInfo.uplinkID", 16); len(id) > 0 {
				r.identify(uuid(id))
			}
		}
	})
	r.heard = r.radio.Hear(r.heard, by)
}

// v3ErrorType names an ErrorType of integration.proto.
func v3ErrorType(n uint32) string {
	names := [...]string{
		"UNKNOWN", "DOWNLINK_PAYLOAD_SIZE", "DOWNLINK_FCNT", "UPLINK_CODEC", "DOWNLINK_CODEC", "OTAA",
		"UPLINK_FCNT_RESET", "UPLINK_MIC", "UPLINK_FCNT_RETRANSMISSION", "DOWNLINK_GATEWAY",
	}
	if n < uint32(len(names)) {
		return names[n]
	}
	return "code " + strconv.FormatUint(uint64(n), 10)
}
