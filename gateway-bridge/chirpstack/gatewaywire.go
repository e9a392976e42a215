package chirpstack

import (
	"encoding/hex"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// gatewayName is how errors call whose messages these are.
const gatewayName = "a gateway"

// badCRC is the number of BAD_CRC in gw.CRCStatus.
const badCRC = 1

// readWire reads a gw.UplinkFrame. v4 kept the fields of v3 under their numbers and has its
// own beside them, so that the fields tell the version.
func (f *gatewayFrame) readWire(body []byte) error {
	return readWire(body, gatewayName, func(w *wire) {
		switch w.field {
		case 1:
			f.phy = w.data("phyPayload")
		case 2:
			w.message("txInfo", func() { f.readTxV3(w) })
		case 3:
			w.message("rxInfo", func() { f.readRxV3(w) })
		case 4:
			w.message("txInfo", func() { f.readTxV4(w) })
		case 5:
			w.message("rxInfo", func() { f.readRxV4(w) })
		}
	})
}

// readTxV3 reads a field of gw.UplinkTXInfo of v3.
func (f *gatewayFrame) readTxV3(w *wire) {
	switch w.field {
	case 1:
		f.frequency = w.uint32("txInfo.frequency")
	case 3:
		const lora = "txInfo.loRaModulationInfo"
		w.message(lora, func() {
			switch w.field {
			case 1:
				f.bandwidth = 1000 * uint32(w.uint(lora+".bandwidth", 4000)) // kHz
			case 2:
				f.spreadingFactor = w.uint8(lora + ".spreadingFactor")
			}
		})
	}
}

// readTxV4 reads a field of gw.UplinkTxInfo of v4.
func (f *gatewayFrame) readTxV4(w *wire) {
	switch w.field {
	case 1:
		f.frequency = w.uint32("txInfo.frequency")
	case 2:
		w.message("txInfo.modulation", func() {
			if w.field != 3 {
				return
			}
			const lora = "txInfo.modulation.lora"
			w.message(lora, func() {
				switch w.field {
				case 1:
					f.bandwidth = w.uint32(lora + ".bandwidth")
				case 2:
					f.spreadingFactor = w.uint8(lora + ".spreadingFactor")
				}
			})
		})
	}
}

// readRxV3 reads a field of gw.UplinkRXInfo of v3.
func (f *gatewayFrame) readRxV3(w *wire) {
	switch w.field {
	case 1:
		f.gateway = hex.EncodeToString(w.id("rxInfo.gatewayID", 8))
	case 2:
		f.clock = w.time("rxInfo.time")
	case 3:
		f.gps = w.span("rxInfo.timeSinceGPSEpoch")
	case 5:
		f.rssi = w.int16("rxInfo.rssi")
	case 6:
		f.snr = float32(w.float64("rxInfo.loRaSNR"))
	case 16:
		f.uplink = w.data("rxInfo.uplinkID")
	case 17:
		f.damaged = w.uint8("rxInfo.crcStatus") == badCRC
	}
}

// readRxV4 reads a field of gw.UplinkRxInfo of v4.
func (f *gatewayFrame) readRxV4(w *wire) {
	switch w.field {
	case 1:
		f.gateway = strings.ToLower(w.text("rxInfo.gatewayId"))
	case 2:
		f.uplink = protowire.AppendVarint(nil, uint64(w.uint32("rxInfo.uplinkId")))
	case 3:
		f.clock = w.time("rxInfo.gwTime")
	case 4:
		f.gps = w.span("rxInfo.timeSinceGpsEpoch")
	case 6:
		f.rssi = w.int16("rxInfo.rssi")
	case 7:
		f.snr = w.float32("rxInfo.snr")
	case 16:
		f.damaged = w.uint8("rxInfo.crcStatus") == badCRC
	}
}

// readWire reads a gw.ConnState: field 1 is the id of v3, field 3 that of v4.
func (s *gatewayState) readWire(body []byte) error {
	return readWire(body, gatewayName, func(w *wire) {
		switch w.field {
		case 1:
			if id := w.id("gatewayID", 8); len(id) > 0 {
				s.gateway = hex.EncodeToString(id)
			}
		case 2:
			s.online = w.uint8("state") == 1
		case 3:
			s.gateway = strings.ToLower(w.text("gatewayId"))
		}
	})
}

// longestSpan is what a time.Duration holds, in seconds: 292 years.
const longestSpan = uint64(1<<63-1)/uint64(time.Second) - 1

// span is a google.protobuf.Duration that is not negative.
func (w *wire) span(name string) time.Duration {
	var seconds, nanos uint64
	w.message(name, func() {
		switch w.field {
		case 1:
			seconds = w.uint(name, longestSpan)
		case 2:
			nanos = w.uint(name, 999999999)
		}
	})
	return time.Duration(seconds)*time.Second + time.Duration(nanos)
}
