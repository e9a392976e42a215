package chirpstack

import (
	"strconv"
	"time"

	"meldefunk/city"
)

// readWire reads an event of a kind in protobuf. The numbers are those of
// api/proto/integration/integration.proto, gw/gw.proto and common/common.proto.
func (e *v4Event) readWire(body []byte, kind city.EventKind) error {
	e.Data = []byte{} // JSON has it even when it is empty
	switch kind {
	case city.EventUp:
		return readWire(body, v4Name, e.readUp)
	case city.EventJoin:
		return readWire(body, v4Name, e.readJoin)
	case city.EventTxAck:
		return readWire(body, v4Name, e.readTxAck)
	case city.EventLog:
		e.Code = v4Code(0)
		return readWire(body, v4Name, e.readLog)
	}
	return readWire(body, v4Name, func(w *wire) {
		e.readCommon(w)
		e.news.readWire(w, kind, 4)
	})
}

// v4Name is how errors call whose messages these are.
const v4Name = "ChirpStack v4"

// readCommon reads a field that events of most kinds have.
func (e *v4Event) readCommon(w *wire) {
	switch w.field {
	case 1:
		e.DeduplicationID = w.text("deduplicationId")
	case 2:
		e.Time = w.time("time")
	case 3:
		e.readDevice(w)
	}
}

func (e *v4Event) readDevice(w *wire) {
	w.message("deviceInfo", func() {
		if w.field == 8 {
			e.DeviceInfo.DevEUI = w.eui("deviceInfo.devEui")
		}
	})
}

func (e *v4Event) readUp(w *wire) {
	switch w.field {
	case 4:
		e.DevAddr = w.text("devAddr")
	case 6:
		e.DR = w.uint8("dr")
	case 7:
		e.FCnt = w.uint32("fCnt")
	case 8:
		e.FPort = w.uint8("fPort")
	case 9:
		e.Confirmed = w.bool("confirmed")
	case 10:
		e.Data = w.data("data")
	case 12:
		e.RxInfo.readWire(w)
	case 13:
		e.readTxInfo(w)
	case 15:
		e.readContext(w)
	default:
		e.readCommon(w)
	}
}

func (e *v4Event) readTxInfo(w *wire) {
	w.message("txInfo", func() {
		switch w.field {
		case 1:
			e.TxInfo.Frequency = w.uint32("txInfo.frequency")
		case 2:
			w.message("txInfo.modulation", func() {
				if w.field != 3 {
					return
				}
				w.message("txInfo.modulation.lora", func() {
					if w.field == 2 {
						e.TxInfo.Modulation.LoRa.SpreadingFactor = w.uint8("txInfo.modulation.lora.spreadingFactor")
					}
				})
			})
		}
	})
}

// readContext reads the common.JoinServerContext of a payload that ChirpStack has no key for.
func (e *v4Event) readContext(w *wire) {
	if e.JoinServerContext == nil {
		e.JoinServerContext = new(joinServerContext)
	}
	key := &e.JoinServerContext.AppSKey
	w.message("joinServerContext", func() {
		if w.field != 2 {
			return
		}
		w.message("joinServerContext.appSKey", func() {
			switch w.field {
			case 1:
				key.KEKLabel = w.text("joinServerContext.appSKey.kekLabel")
			case 2:
				key.AESKey = w.data("joinServerContext.appSKey.aesKey")
			}
		})
	})
}

func (e *v4Event) readJoin(w *wire) {
	switch w.field {
	case 4:
		e.DevAddr = w.text("devAddr")
	default:
		e.readCommon(w)
	}
}

// readTxAck reads a field of an event whose first one is not the deduplication id.
func (e *v4Event) readTxAck(w *wire) {
	switch w.field {
	case 1:
		w.uint32("downlinkId")
	default:
		e.readCommon(w)
	}
}

func (e *v4Event) readLog(w *wire) {
	switch w.field {
	case 1:
		e.Time = w.time("time")
	case 2:
		e.readDevice(w)
	case 3:
		e.Level = v4Level(w.uint32("level"))
	case 4:
		e.Code = v4Code(w.uint32("code"))
	case 5:
		e.Description = w.text("description")
	}
}

// v4Level names a LogLevel of integration.proto.
func v4Level(n uint32) string {
	names := [...]string{"INFO", "WARNING", "ERROR"}
	if n < uint32(len(names)) {
		return names[n]
	}
	return "level " + strconv.FormatUint(uint64(n), 10)
}

// v4Code names a LogCode of integration.proto, of 4.20. Later ones keep their number.
func v4Code(n uint32) string {
	names := [...]string{
		"UNKNOWN", "DOWNLINK_PAYLOAD_SIZE", "UPLINK_CODEC", "DOWNLINK_CODEC", "OTAA", "UPLINK_F_CNT_RESET",
		"UPLINK_MIC", "UPLINK_F_CNT_RETRANSMISSION", "DOWNLINK_GATEWAY", "RELAY_NEW_END_DEVICE", "F_CNT_DOWN", "EXPIRED",
	}
	if n < uint32(len(names)) {
		return names[n]
	}
	return "code " + strconv.FormatUint(uint64(n), 10)
}

// readWire reads one gw.UplinkRxInfo.
func (r *v4Receptions) readWire(w *wire) {
	var by city.Reception
	var gps, clock, server time.Time
	w.message("rxInfo", func() {
		switch w.field {
		case 1:
			by.Gateway = w.text("rxInfo.gatewayId")
		case 3:
			clock = w.time("rxInfo.gwTime")
		case 4:
			gps = w.sinceGPS("rxInfo.timeSinceGpsEpoch").time()
		case 6:
			by.RSSI = w.int16("rxInfo.rssi")
		case 7:
			by.SNR = w.float32("rxInfo.snr")
		case 17:
			server = w.time("rxInfo.nsTime")
		}
	})
	r.heard = r.radio.Hear(r.heard, by)
	r.timed(gps, clock, server)
}
