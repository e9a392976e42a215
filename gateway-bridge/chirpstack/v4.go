package chirpstack

import (
	"encoding/binary"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"meldefunk/city"
)

// V4 is the dialect of ChirpStack 4.0 and later. The messages are those of
// api/proto/integration/integration.proto, as JSON (json=true, the default) or as
// protobuf; each message shows which. Both forms of an event mean the same, but an event
// that is no uplink is identified by its bytes.
type V4 struct{}

// Name is what the dialect is called in configuration and metrics.
func (V4) Name() string { return "chirpstack-v4" }

// Topics gives the MQTT filters for ChirpStack's default topics.
func (V4) Topics() []string { return []string{filter} }

// Parse says what ChirpStack tells with a message. Topics that are not device events
// give EventOther, whatever the body is. Of m.Body nothing is kept. An error is a
// *city.Rejection. The event time may come from a gateway whose clock is wrong.
func (V4) Parse(m *city.Message) (city.Event, error) {
	kind := v4Kind(eventOf(m.Topic))
	if kind == city.EventOther {
		return city.Event{}, nil
	}
	var e v4Event
	if err := e.read(m.Body, kind); err != nil {
		return city.Event{}, err
	}
	if e.DeviceInfo.DevEUI.IsZero() {
		return city.Event{}, malformed("deviceInfo.devEui is missing: messages of ChirpStack v3 need dialect %s", V3{}.Name())
	}
	if err := checkDevice(e.DeviceInfo.DevEUI, m.Topic); err != nil {
		return city.Event{}, err
	}
	if e.DevAddr != "" && !isHex(e.DevAddr, 8) {
		return city.Event{}, malformed("devAddr is %.40q: want 8 hex digits", e.DevAddr)
	}

	ev := city.Event{Kind: kind, DevEUI: e.DeviceInfo.DevEUI, Time: e.stamps()[0]}
	switch kind {
	case city.EventUp:
		// Without it no repeat could be told from a new frame.
		if e.DeduplicationID == "" {
			return city.Event{}, malformed("deduplicationId is missing")
		}
		ev.Uplink = e.uplink(m)
		if err := checkUplink(&ev.Uplink); err != nil {
			return city.Event{}, err
		}
		envelope, err := e.JoinServerContext.envelope(e.DevAddr)
		if err != nil {
			return city.Event{}, err
		}
		ev.Uplink.Envelope = envelope
		ev.Ident = ev.Uplink.Ident
		return ev, nil
	case city.EventJoin:
		ev.Session = e.DevAddr
	case city.EventLog:
		report(&ev, v4Severity(e.Level), e.Code, e.Description)
	default:
		if err := e.tell(&ev); err != nil {
			return city.Event{}, err
		}
	}
	ev.Ident = ident(m.Body)
	return ev, nil
}

func v4Kind(event string) city.EventKind {
	switch event {
	case "up":
		return city.EventUp
	case "join":
		return city.EventJoin
	case "status":
		return city.EventStatus
	case "ack":
		return city.EventAck
	case "txack":
		return city.EventTxAck
	case "log":
		return city.EventLog
	case "location":
		return city.EventLocation
	}
	return city.EventOther
}

// v4Severity reads a LogLevel. One that is not known is taken for the worst.
func v4Severity(level string) city.Severity {
	switch level {
	case "", v4Level(0): // 4.0 leaves zeros out
		return city.SeverityInfo
	case v4Level(1):
		return city.SeverityWarning
	}
	return city.SeverityError
}

// v4Event is what the platform reads of a v4 event of any kind. An absent member is
// zero: 4.0 leaves zeros out everywhere, later versions inside rxInfo and txInfo.
type v4Event struct {
	DeduplicationID string    `json:"deduplicationId"`
	Time            time.Time `json:"time"`
	DeviceInfo      struct {
		DevEUI city.EUI `json:"devEui"`
	} `json:"deviceInfo"`

	// Of up and join.
	DevAddr string `json:"devAddr"`

	// Of up.
	DR        uint8        `json:"dr"`
	FCnt      uint32       `json:"fCnt"`
	FPort     uint8        `json:"fPort"`
	Confirmed bool         `json:"confirmed"`
	Data      []byte       `json:"data"`
	RxInfo    v4Receptions `json:"rxInfo"`
	TxInfo    struct {
		Frequency  uint32 `json:"frequency"`
		Modulation struct {
			LoRa struct {
				SpreadingFactor uint8 `json:"spreadingFactor"`
			} `json:"lora"` // absent for FSK and LR-FHSS
		} `json:"modulation"`
	} `json:"txInfo"`
	JoinServerContext *joinServerContext `json:"joinServerContext"` // nil: the payload is decrypted

	// Of log.
	Level       string `json:"level"`
	Code        string `json:"code"`
	Description string `json:"description"`

	news
}

// read reads an event of a kind in either form.
func (e *v4Event) read(body []byte, kind city.EventKind) error {
	return readEither(body,
		func(body []byte) error { return decode(body, e) },
		func(body []byte) error { return e.readWire(body, kind) })
}

// stamps give the event time and what counts where it is impossible: GPS, a gateway's
// clock, the server's. The time that ChirpStack gives is one of these three: GPS time
// unchecked, else a gateway's that is within 30 s (rx_timestamp_max_drift) of its own clock,
// else its own. Whose it is shows in rxInfo. A gateway that kept the frame for long has
// its true time there all the same.
func (e *v4Event) stamps() (all [3]city.Stamp) {
	n := 0
	server := e.Time
	for _, claim := range [...]struct {
		told   span
		source city.TimeSource
	}{{e.RxInfo.gps, city.TimeGPS}, {e.RxInfo.clock, city.TimeGateway}} {
		at := claim.told.nearest(e.Time)
		if at.IsZero() {
			continue
		}
		if e.Time.Sub(at).Abs() < time.Second {
			at, server = e.Time, e.RxInfo.server // finer than the time since the GPS epoch
		}
		all[n] = city.Stamp{At: at.UTC(), Source: claim.source}
		n++
	}
	if !server.IsZero() {
		all[n] = city.Stamp{At: server.UTC(), Source: city.TimeServer}
	}
	return all
}

func (e *v4Event) uplink(m *city.Message) city.Uplink {
	id := append(make([]byte, 0, 64), e.DeviceInfo.DevEUI[:]...)
	id = binary.LittleEndian.AppendUint32(id, e.FCnt)
	id = append(id, e.DeduplicationID...)

	radio := e.RxInfo.radio
	radio.SpreadingFactor = e.TxInfo.Modulation.LoRa.SpreadingFactor
	radio.DataRate, radio.HasDataRate = e.DR, true
	radio.Frequency = e.TxInfo.Frequency

	times := e.stamps()
	return city.Uplink{
		Server:    m.Server,
		DevEUI:    e.DeviceInfo.DevEUI,
		Session:   e.DevAddr,
		FCnt:      e.FCnt,
		FPort:     e.FPort,
		Payload:   e.Data,
		Encrypted: e.JoinServerContext != nil,
		Confirmed: e.Confirmed,
		Time:      times[0],
		Fallback:  [2]city.Stamp(times[1:]),
		Received:  m.Received,
		Ident:     ident(id),
		Radio:     radio,
		Heard:     e.RxInfo.heard,
	}
}

// v4Receptions sums up the gateways of rxInfo.
type v4Receptions struct {
	radio  city.Radio
	heard  []city.Reception
	gps    span      // by satellite
	clock  span      // by the gateways' clocks
	server time.Time // when the network server had the first
}

// UnmarshalJSONFrom reads rxInfo.
func (r *v4Receptions) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return eachIn(dec, func() error {
		var rx struct {
			GatewayID         string    `json:"gatewayId"`
			GwTime            time.Time `json:"gwTime"`
			NsTime            time.Time `json:"nsTime"`
			TimeSinceGPSEpoch sinceGPS  `json:"timeSinceGpsEpoch"`
			RSSI              int16     `json:"rssi"` // dBm
			SNR               float32   `json:"snr"`  // dB
		}
		if err := json.UnmarshalDecode(dec, &rx); err != nil {
			return err
		}
		r.heard = r.radio.Hear(r.heard, city.Reception{Gateway: rx.GatewayID, RSSI: rx.RSSI, SNR: rx.SNR})
		r.timed(rx.TimeSinceGPSEpoch.time(), rx.GwTime, rx.NsTime)
		return nil
	})
}

// timed notes the times of a reception, those that there are.
func (r *v4Receptions) timed(gps, clock, server time.Time) {
	r.gps.add(gps)
	r.clock.add(clock)
	if r.server.IsZero() {
		r.server = server
	}
}
