package events

import (
	"math"
	"time"
)

// Radio is how a frame was on the air. LoRaWAN sends LoRa with code rate 4/5.
type Radio struct {
	Frequency       uint32 // Hz
	DataRate        uint8  // index of the region (RP002-1.0.4 section 2.4.3 for EU868)
	SpreadingFactor uint8  // 7 to 12
	Bandwidth       uint32 // Hz
}

// Reception is one frame as one gateway heard it.
type Reception struct {
	Gateway   *Gateway
	Uplink    uint32    // number by which ChirpStack v4 finds the reception again
	ID        UUID      // the same in ChirpStack v3
	Time      time.Time // what the gateway's clock says, right or wrong; zero: it has none that it trusts
	GPS       bool      // Time comes from GPS: the gateway also tells it as time since the GPS epoch
	Received  time.Time // when the network server had it
	Timestamp uint32    // µs of the concentrator's own counter at the end of the frame, overflowing
	RSSI      int16     // dBm
	SNR       float32   // dB
	Channel   uint8     // of the concentrator
	RFChain   uint8
	CRC       CRC
}

// CRC is what the check sum of a frame says.
type CRC uint8

// The results, with the numbers of gw.CRCStatus.
const (
	CRCNone CRC = iota
	CRCBad
	CRCOK
)

// context is what ChirpStack hands back with a downlink so that the gateway finds its
// moment: the counter, as the gateway bridge writes it for UDP packet forwarders.
func (r *Reception) context() [4]byte {
	c := r.Timestamp
	return [4]byte{byte(c >> 24), byte(c >> 16), byte(c >> 8), byte(c)}
}

// maxDrift is how far a gateway's clock may be off before ChirpStack v4 does not take its
// time for that of the event (its default of rx_timestamp_max_drift).
const maxDrift = 30 * time.Second

// EventTime is what ChirpStack v4 settles on as the time of a frame that it received at
// the given time: the first time since the GPS epoch, which it never doubts, else the
// first time of a gateway that is not far off, else its own
// (get_rx_timestamp in chirpstack/src/uplink/helpers.rs).
func EventTime(received time.Time, receptions []Reception) time.Time {
	for i := range receptions {
		if r := &receptions[i]; r.GPS && !r.Time.IsZero() {
			return r.Time.Truncate(time.Millisecond)
		}
	}
	for i := range receptions {
		if t := receptions[i].Time; !t.IsZero() && t.Sub(received).Abs() < maxDrift {
			return t
		}
	}
	return received
}

// tenths gives an SNR as the double that its decimal digits mean. Packet forwarders write
// tenths of a decibel, and ChirpStack v3 reads them into a double.
func tenths(snr float32) float64 { return math.Round(float64(snr)*10) / 10 }
