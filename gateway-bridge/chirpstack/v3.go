package chirpstack

import (
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"meldefunk/city"
)

// v3Hint says how to make ChirpStack v3 send what V3 reads.
const v3Hint = `set marshaler="json_v3" in section [application_server.integration] of chirpstack-application-server.toml`

// V3 is the dialect of ChirpStack v3 (application server) with marshaler json_v3, its
// default. Its messages name no session, no confirmed flag, and no time unless a
// gateway tells one.
type V3 struct{}

// Name is what the dialect is called in configuration and metrics.
func (V3) Name() string { return "chirpstack-v3" }

// Topics gives the MQTT filters for ChirpStack's default topics.
func (V3) Topics() []string { return []string{filter} }

// Parse says what ChirpStack tells with a message. Topics that are not device events
// give EventOther, whatever the body is. Of m.Body nothing is kept. An error is a
// *city.Rejection. The event time is a gateway's claim, or zero.
func (V3) Parse(m *city.Message) (city.Event, error) {
	kind := v3Kind(eventOf(m.Topic))
	if kind == city.EventOther {
		return city.Event{}, nil
	}
	var e v3Event
	if json, err := inJSON(m.Body); err != nil {
		return city.Event{}, err
	} else if !json {
		return city.Event{}, malformed("not a JSON object, begins with %.8q: %s", m.Body, v3Hint)
	}
	if err := decode(m.Body, &e); err != nil {
		return city.Event{}, err
	}
	devEUI, err := e.device()
	if err != nil {
		return city.Event{}, err
	}
	if err := checkDevice(devEUI, m.Topic); err != nil {
		return city.Event{}, err
	}

	ev := city.Event{Kind: kind, DevEUI: devEUI, Time: e.RxInfo.first, Ident: e.RxInfo.ident}
	if kind != city.EventUp || ev.Ident == 0 {
		ev.Ident = ident(m.Body)
	}
	switch kind {
	case city.EventUp:
		if e.TxInfo == nil { // always written; without it this is another event
			return city.Event{}, malformed("txInfo is missing: this is not an uplink")
		}
		ev.Uplink = e.uplink(m, &ev)
		if err := checkUplink(&ev.Uplink); err != nil {
			return city.Event{}, err
		}
	case city.EventLog:
		ev.Detail = logDetail(e.Type, e.Error)
	}
	return ev, nil
}

func v3Kind(event string) city.EventKind {
	switch event {
	case "up", "rx": // rx: an old default, still in use
		return city.EventUp
	case "join":
		return city.EventJoin
	case "status":
		return city.EventStatus
	case "ack":
		return city.EventAck
	case "txack":
		return city.EventTxAck
	case "error":
		return city.EventLog
	case "location":
		return city.EventLocation
	}
	return city.EventOther
}

// v3Event is what the platform reads of a v3 event of any kind.
type v3Event struct {
	DevEUI string `json:"devEUI"` // not a city.EUI: marshaler json writes base64

	// Of up.
	FCnt   uint32       `json:"fCnt"`
	FPort  uint8        `json:"fPort"`
	Data   []byte       `json:"data"` // null when empty
	RxInfo v3Receptions `json:"rxInfo"`
	TxInfo *v3TxInfo    `json:"txInfo"`

	// Of error.
	Type  string `json:"type"`
	Error string `json:"error"`
}

type v3TxInfo struct {
	Frequency uint32 `json:"frequency"`
	DR        uint8  `json:"dr"` // always written
}

// device reads devEUI.
func (e *v3Event) device() (city.EUI, error) {
	switch {
	case e.DevEUI == "":
		return city.EUI{}, malformed("devEUI is missing: messages of ChirpStack v4 need dialect %s", V4{}.Name())
	case len(e.DevEUI) == 12 && e.DevEUI[11] == '=':
		return city.EUI{}, malformed("devEUI %q is base64, so the marshaler is json: %s", e.DevEUI, v3Hint)
	}
	eui, err := city.ParseEUI(e.DevEUI)
	if err != nil {
		return city.EUI{}, malformed("devEUI: %v", err)
	}
	if eui.IsZero() {
		return city.EUI{}, malformed("devEUI is zero")
	}
	return eui, nil
}

func (e *v3Event) uplink(m *city.Message, ev *city.Event) city.Uplink {
	radio := e.RxInfo.radio
	radio.SpreadingFactor = spreadingFactor(e.TxInfo.DR)
	radio.DataRate, radio.HasDataRate = e.TxInfo.DR, true
	radio.Frequency = e.TxInfo.Frequency
	return city.Uplink{
		Server:   m.Server,
		DevEUI:   ev.DevEUI,
		FCnt:     e.FCnt,
		FPort:    e.FPort,
		Payload:  e.Data,
		Time:     ev.Time,
		Received: m.Received,
		Ident:    ev.Ident,
		Radio:    radio,
	}
}

// spreadingFactor gives the spreading factor of an EU868 data rate, 0 for FSK and
// LR-FHSS (RP002-1.0.4 section 2.4.3). DR 6 is SF7 in twice the bandwidth.
func spreadingFactor(dr uint8) uint8 {
	switch {
	case dr <= 5:
		return 12 - dr
	case dr == 6:
		return 7
	}
	return 0
}

// v3Receptions sums up the gateways of rxInfo.
type v3Receptions struct {
	radio city.Radio
	first city.Stamp // the earliest time a gateway told
	ident uint64     // of all uplinkIDs; 0: there are none
}

// UnmarshalJSONFrom reads rxInfo.
func (r *v3Receptions) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var ids xxhash.Digest
	ids.Reset()
	found := false
	err := eachIn(dec, func() error {
		var rx struct {
			GatewayID string    `json:"gatewayID"`
			UplinkID  string    `json:"uplinkID"`
			Time      time.Time `json:"time"`
			RSSI      int16     `json:"rssi"`    // dBm
			SNR       float32   `json:"loRaSNR"` // dB
		}
		if err := json.UnmarshalDecode(dec, &rx); err != nil {
			return err
		}
		hear(&r.radio, rx.GatewayID, rx.RSSI, rx.SNR)
		if !rx.Time.IsZero() && (r.first.At.IsZero() || rx.Time.Before(r.first.At)) {
			r.first = city.Stamp{At: rx.Time.UTC(), Source: city.TimeGateway}
		}
		if rx.UplinkID != "" {
			found = true
			_, _ = ids.WriteString(rx.UplinkID) // never an error
			_, _ = ids.WriteString(" ")
		}
		return nil
	})
	if found {
		r.ident = max(1, ids.Sum64())
	}
	return err
}
