package thethings

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"meldefunk/city"
)

const (
	// maxPayload is the longest FRMPayload of any region, in bytes (RP002-1.0.4, EU868
	// DR 4 and above without FOpts).
	maxPayload = 242
	// maxSessionKeyID bounds what is kept to name a session, in characters of base64.
	// The Things Stack makes 16 bytes, other join servers may make more.
	maxSessionKeyID = 256
	// maxGatewayID is the length of the longest id The Things Stack gives.
	maxGatewayID = 36
)

// event is what the platform reads of an ApplicationUp of any kind. An absent member is
// zero: The Things Stack writes no zeros at all.
type event struct {
	EndDeviceIDs struct {
		DeviceID string   `json:"device_id"`
		DevEUI   city.EUI `json:"dev_eui"`
		DevAddr  string   `json:"dev_addr"`
	} `json:"end_device_ids"`
	ReceivedAt    time.Time      `json:"received_at"` // application server
	Simulated     bool           `json:"simulated"`
	UplinkMessage *uplinkMessage `json:"uplink_message"`
	JoinAccept    *joinAccept    `json:"join_accept"`

	DownlinkAck         present  `json:"downlink_ack"`
	DownlinkNack        present  `json:"downlink_nack"`
	DownlinkQueued      present  `json:"downlink_queued"`
	DownlinkSent        present  `json:"downlink_sent"`
	DownlinkFailed      *failure `json:"downlink_failed"`
	DownlinkInvalidated present  `json:"downlink_queue_invalidated"`
	LocationSolved      *solved  `json:"location_solved"`
}

// kind says what the body is about: of its kinds' members it has one.
func (e *event) kind() city.EventKind {
	switch {
	case e.UplinkMessage != nil:
		return city.EventUp
	case e.JoinAccept != nil:
		return city.EventJoin
	case bool(e.DownlinkAck || e.DownlinkNack):
		return city.EventAck
	case bool(e.DownlinkQueued || e.DownlinkSent || e.DownlinkInvalidated), e.DownlinkFailed != nil:
		return city.EventTxAck
	case e.LocationSolved != nil:
		return city.EventLocation
	}
	return city.EventOther
}

type joinAccept struct {
	SessionKeyID string    `json:"session_key_id"`
	ReceivedAt   time.Time `json:"received_at"` // network server
}

type uplinkMessage struct {
	SessionKeyID string     `json:"session_key_id"`
	FPort        uint8      `json:"f_port"`
	FCnt         uint32     `json:"f_cnt"`
	FRMPayload   []byte     `json:"frm_payload"`
	RxMetadata   receptions `json:"rx_metadata"`
	Settings     struct {
		DataRate struct {
			LoRa struct {
				SpreadingFactor uint8 `json:"spreading_factor"`
			} `json:"lora"` // absent for FSK and LR-FHSS
		} `json:"data_rate"`
		Frequency hertz `json:"frequency,string"`
	} `json:"settings"`
	ReceivedAt time.Time `json:"received_at"` // network server
	Confirmed  bool      `json:"confirmed"`
	AppSKey    *appSKey  `json:"app_s_key"` // nil: the payload is decrypted
}

// hertz is a frequency, written as a string because it has 64 bits over there.
type hertz uint32

// check refuses what no device can have sent, and names longer than any there is.
func (up *uplinkMessage) check() error {
	if len(up.FRMPayload) > maxPayload {
		return malformed("frm_payload has %d bytes: LoRaWAN carries at most %d", len(up.FRMPayload), maxPayload)
	}
	if sf := up.Settings.DataRate.LoRa.SpreadingFactor; sf != 0 && (sf < 5 || sf > 12) {
		return malformed("spreading_factor is %d: want 5 to 12", sf)
	}
	if err := checkGateway(up.RxMetadata.radio.Gateway); err != nil {
		return err
	}
	for i := range up.RxMetadata.heard {
		if err := checkGateway(up.RxMetadata.heard[i].Gateway); err != nil {
			return err
		}
	}
	return checkSession(up.SessionKeyID)
}

func checkGateway(id string) error {
	if len(id) > maxGatewayID {
		return malformed("gateway_id %.40q has %d characters: want at most %d", id, len(id), maxGatewayID)
	}
	return nil
}

func checkSession(keyID string) error {
	if len(keyID) > maxSessionKeyID {
		return malformed("session_key_id %.40q has %d characters: want at most %d", keyID, len(keyID), maxSessionKeyID)
	}
	return nil
}

// ident gives the identity of the delivery within its device. The network server's time
// tells a device that counts anew (ABP keeps its session key) from the same uplink once
// more.
func (up *uplinkMessage) ident() uint64 {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, 128), up.FCnt)
	b = append(b, up.SessionKeyID...)
	b = append(b, ' ')
	b = append(b, up.FRMPayload...)
	b = binary.LittleEndian.AppendUint64(b, uint64(up.ReceivedAt.UnixNano()))
	return ident(b)
}

func (up *uplinkMessage) uplink(m *city.Message, ev *city.Event, simulated bool) city.Uplink {
	radio := up.RxMetadata.radio
	radio.SpreadingFactor = up.Settings.DataRate.LoRa.SpreadingFactor
	radio.Frequency = uint32(up.Settings.Frequency)
	return city.Uplink{
		Server:    m.Server,
		DevEUI:    ev.DevEUI,
		Session:   up.SessionKeyID,
		FCnt:      up.FCnt,
		FPort:     up.FPort,
		Payload:   up.FRMPayload,
		Encrypted: up.AppSKey != nil,
		Confirmed: up.Confirmed,
		Simulated: simulated,
		Time:      ev.Time,
		Received:  m.Received,
		Ident:     ev.Ident,
		Radio:     radio,
		Heard:     up.RxMetadata.heard,
	}
}

// receptions sums up the gateways of rx_metadata.
type receptions struct {
	radio city.Radio
	heard []city.Reception
}

// UnmarshalJSONFrom reads rx_metadata. The best gateway is the one with the highest SNR,
// then RSSI. The count stops at 255.
func (r *receptions) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return eachIn(dec, func() error {
		var rx struct {
			GatewayIDs struct {
				GatewayID string `json:"gateway_id"`
			} `json:"gateway_ids"`
			RSSI float32 `json:"rssi"` // dBm, with a fraction from some gateways
			SNR  float32 `json:"snr"`  // dB
		}
		if err := json.UnmarshalDecode(dec, &rx); err != nil {
			return err
		}
		rssi := int16(math.Round(float64(min(max(rx.RSSI, math.MinInt16), math.MaxInt16))))
		r.heard = r.radio.Hear(r.heard, city.Reception{Gateway: rx.GatewayIDs.GatewayID, RSSI: rssi, SNR: rx.SNR})
		return nil
	})
}
