package chirpstack

import (
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"meldefunk/city"
)

// v3Hint says what to set for an application server that does not name sessions.
const v3Hint = `before 3.11 set marshaler="json_v3" in section [application_server.integration] of chirpstack-application-server.toml`

// V3 is the dialect of ChirpStack v3 (application server) with any of its marshalers,
// which share their topics; each message shows which made it. Messages of json_v3, the
// default, name no session, no confirmed flag, and no time unless a gateway tells one.
// Those of json and protobuf need application server 3.11 or later, which first named
// the session of an uplink.
type V3 struct{}

// Name is what the dialect is called in configuration and metrics.
func (V3) Name() string { return "chirpstack-v3" }

// Topics gives the MQTT filters for ChirpStack's default topics.
func (V3) Topics() []string { return []string{filter} }

// Parse says what ChirpStack tells with a message. Topics that are not device events
// give EventOther, whatever the body is. Of m.Body nothing is kept. An error is a
// *city.Rejection. The event time is a gateway's claim, else that of publishing, or zero.
func (V3) Parse(m *city.Message) (city.Event, error) {
	kind := v3Kind(eventOf(m.Topic))
	if kind == city.EventOther {
		return city.Event{}, nil
	}
	var e v3Event
	if err := e.read(m.Body, kind); err != nil {
		return city.Event{}, err
	}
	devEUI := e.device
	switch {
	case devEUI.IsZero() && e.DevEUI != "":
		return city.Event{}, malformed("devEUI is zero")
	case devEUI.IsZero():
		return city.Event{}, malformed("devEUI is missing: messages of ChirpStack v4 need dialect %s", V4{}.Name())
	}
	if err := checkDevice(devEUI, m.Topic); err != nil {
		return city.Event{}, err
	}

	if e.session == "" && !e.v3 && (kind == city.EventUp || kind == city.EventJoin) {
		// A join event would name a session that no uplink is of.
		return city.Event{}, malformed("devAddr is missing: with an application server %s", v3Hint)
	}

	ev := city.Event{Kind: kind, DevEUI: devEUI, Time: e.stamps()[0], Ident: e.RxInfo.ident()}
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
	case city.EventJoin:
		ev.Session = e.session
	case city.EventLog:
		report(&ev, v3Severity(e.Type), e.Type, e.Error)
	default:
		if err := e.tell(&ev); err != nil {
			return city.Event{}, err
		}
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

// v3Severity says how bad an error is: v3 calls everything an error. A frame that was heard
// again, and a counter that began anew, are the ordinary course of things with some devices.
func v3Severity(code string) city.Severity {
	switch code {
	case "UPLINK_FCNT_RETRANSMISSION", "UPLINK_FCNT_RESET":
		return city.SeverityWarning
	}
	return city.SeverityError
}

// v3Event is what the platform reads of a v3 event of any kind.
type v3Event struct {
	DevEUI      string    `json:"devEUI"` // json_v3: hex; json: base64
	PublishedAt time.Time `json:"publishedAt"`

	// Of up and join.
	DevAddr string       `json:"devAddr"` // json_v3: hex, of join; json: base64
	RxInfo  v3Receptions `json:"rxInfo"`
	TxInfo  *v3TxInfo    `json:"txInfo"`
	DR      uint8        `json:"dr"` // json_v3 has it in txInfo

	// Of up.
	FCnt      uint32 `json:"fCnt"`
	FPort     uint8  `json:"fPort"`
	Data      []byte `json:"data"` // null when empty
	Confirmed bool   `json:"confirmedUplink"`

	// Of error.
	Type  string `json:"type"`
	Error string `json:"error"`

	news

	// What the marshalers write each in their way.
	v3      bool // json_v3 wrote it
	device  city.EUI
	session string // DevAddr in hex digits, where uplinks have it too
}

type v3TxInfo struct {
	Frequency uint32 `json:"frequency"`
	DR        uint8  `json:"dr"` // json_v3 always writes it
	LoRa      struct {
		SpreadingFactor uint8 `json:"spreadingFactor"`
	} `json:"loRaModulationInfo"` // absent for FSK and LR-FHSS, and in json_v3
}

// read reads an event of a kind as any marshaler writes it.
func (e *v3Event) read(body []byte, kind city.EventKind) error {
	return readEither(body, e.readJSON, func(body []byte) error { return e.readWire(body, kind) })
}

// readJSON reads what marshaler json_v3 or json has written.
func (e *v3Event) readJSON(body []byte) (err error) {
	if err := decode(body, e); err != nil {
		return err
	}
	if e.DevEUI == "" {
		return nil // Parse refuses it
	}
	if len(e.DevEUI) == base64.StdEncoding.EncodedLen(len(e.device)) {
		return e.unpack()
	}
	e.v3 = true
	if e.device, err = city.ParseEUI(e.DevEUI); err != nil {
		return malformed("devEUI: %v", err)
	}
	if e.TxInfo != nil {
		e.DR = e.TxInfo.DR
		e.TxInfo.LoRa.SpreadingFactor = spreadingFactor(e.DR)
	}
	return nil
}

// unpack reads the ids of marshaler json, which are base64.
func (e *v3Event) unpack() error {
	eui := unbase64(e.DevEUI, len(e.device))
	if eui == nil {
		return malformed("devEUI is %q: want 16 hex digits, or 8 bytes in base64", e.DevEUI)
	}
	e.device = city.EUI(eui)
	if e.DevAddr == "" {
		return nil
	}
	addr := unbase64(e.DevAddr, 4)
	if addr == nil {
		return malformed("devAddr is %.40q: want 4 bytes in base64", e.DevAddr)
	}
	e.session = hex.EncodeToString(addr)
	return nil
}

// stamps give the event time and what counts where it is impossible: the earliest time that
// a gateway told, and when the server published the event, which json_v3 does not tell.
// Gateways without satellites tell no time.
func (e *v3Event) stamps() (all [2]city.Stamp) {
	n := 0
	if told := e.RxInfo.clock.first; !told.IsZero() {
		all[n] = city.Stamp{At: told.UTC(), Source: city.TimeGateway}
		n++
	}
	if !e.PublishedAt.IsZero() {
		all[n] = city.Stamp{At: e.PublishedAt.UTC(), Source: city.TimeServer}
	}
	return all
}

func (e *v3Event) uplink(m *city.Message, ev *city.Event) city.Uplink {
	radio := e.RxInfo.radio
	radio.SpreadingFactor = e.TxInfo.LoRa.SpreadingFactor
	radio.DataRate, radio.HasDataRate = e.DR, true
	radio.Frequency = e.TxInfo.Frequency
	times := e.stamps()
	return city.Uplink{
		Server:    m.Server,
		DevEUI:    ev.DevEUI,
		Session:   e.session,
		FCnt:      e.FCnt,
		FPort:     e.FPort,
		Payload:   e.Data,
		Confirmed: e.Confirmed,
		Time:      times[0],
		Fallback:  [2]city.Stamp{times[1]},
		Received:  m.Received,
		Ident:     ev.Ident,
		Radio:     radio,
		Heard:     e.RxInfo.heard,
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
	heard []city.Reception
	clock span          // by the gateways' clocks
	ids   xxhash.Digest // of all uplinkIDs
	found bool          // there are some
}

// UnmarshalJSONFrom reads rxInfo.
func (r *v3Receptions) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return eachIn(dec, func() error {
		var rx struct {
			GatewayID string    `json:"gatewayID"` // json_v3: hex; json: base64
			UplinkID  string    `json:"uplinkID"`  // json_v3: a UUID; json: base64
			Time      time.Time `json:"time"`
			RSSI      int16     `json:"rssi"`    // dBm
			SNR       float32   `json:"loRaSNR"` // dB
		}
		if err := json.UnmarshalDecode(dec, &rx); err != nil {
			return err
		}
		gateway, id := rx.GatewayID, []byte(rx.UplinkID)
		if b := unbase64(gateway, 8); b != nil {
			gateway = hex.EncodeToString(b)
		}
		if b := unbase64(rx.UplinkID, 16); b != nil {
			id = uuid(b)
		}
		r.heard = r.radio.Hear(r.heard, city.Reception{Gateway: gateway, RSSI: rx.RSSI, SNR: rx.SNR})
		r.clock.add(rx.Time)
		r.identify(id)
		return nil
	})
}

// identify notes the uplinkID of a reception, if it has one.
func (r *v3Receptions) identify(id []byte) {
	if len(id) == 0 {
		return
	}
	if !r.found {
		r.found = true
		r.ids.Reset()
	}
	_, _ = r.ids.Write(id) // never an error
	_, _ = r.ids.Write([]byte{' '})
}

// ident is the identity of the delivery, 0 if no reception has an uplinkID.
func (r *v3Receptions) ident() uint64 {
	if !r.found {
		return 0
	}
	return max(1, r.ids.Sum64())
}

// unbase64 gives the n bytes that s is in base64, nil if it is not.
func unbase64(s string, n int) []byte {
	if len(s) != base64.StdEncoding.EncodedLen(n) {
		return nil
	}
	if b, err := base64.StdEncoding.DecodeString(s); err == nil && len(b) == n {
		return b
	}
	return nil
}

// uuid writes 16 bytes the way json_v3 does, so that a delivery has the same identity
// whichever marshaler wrote it.
func uuid(b []byte) []byte {
	text := make([]byte, 0, 36)
	for i, at := 0, 0; i < 5; i++ {
		n := [...]int{4, 2, 2, 2, 6}[i]
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, b[at:at+n])
		at += n
	}
	return text
}
