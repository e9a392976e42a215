package chirpstack

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// gatewayJSON is a gw.UplinkFrame as v3 and v4 write it. Where they differ only in the case
// of a name, so do the names here: v3 says gatewayID, v4 gatewayId.
type gatewayJSON struct {
	PHYPayload []byte `json:"phyPayload"`
	TxInfo     struct {
		Frequency  uint32           `json:"frequency"`
		Modulation modulation       `json:"modulation"`
		LoRa3      loraModulationV3 `json:"loRaModulationInfo"`
	} `json:"txInfo"`
	RxInfo struct {
		gatewayNames
		UplinkID4 uint32    `json:"uplinkId"`
		UplinkID3 string    `json:"uplinkID"` // base64
		Time4     time.Time `json:"gwTime"`
		Time3     time.Time `json:"time"`
		GPS4      string    `json:"timeSinceGpsEpoch"` // like 1479332414.973s
		GPS3      string    `json:"timeSinceGPSEpoch"`
		RSSI      int16     `json:"rssi"` // dBm
		SNR4      float32   `json:"snr"`  // dB
		SNR3      float32   `json:"loRaSNR"`
		CRC       string    `json:"crcStatus"`
	} `json:"rxInfo"`
}

// gatewayNames are how the versions name a gateway.
type gatewayNames struct {
	ID4 string `json:"gatewayId"` // hex digits
	ID3 string `json:"gatewayID"` // base64
}

type loraModulationV3 struct {
	Bandwidth       uint32 `json:"bandwidth"` // kHz
	SpreadingFactor uint8  `json:"spreadingFactor"`
}

// modulation is an object in v4, and in v3 a name beside the object.
type modulation struct {
	LoRa struct {
		Bandwidth       uint32 `json:"bandwidth"` // Hz
		SpreadingFactor uint8  `json:"spreadingFactor"`
	} `json:"lora"`
}

// UnmarshalJSONFrom reads either.
func (m *modulation) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == jsontext.KindString {
		return dec.SkipValue()
	}
	type object modulation // without this method
	return json.UnmarshalDecode(dec, (*object)(m))
}

// id gives the gateway's id in lower-case hex digits.
func (n *gatewayNames) id() (string, error) {
	if n.ID3 == "" {
		return strings.ToLower(n.ID4), nil
	}
	eui := unbase64(n.ID3, 8)
	if eui == nil {
		return "", malformed("gatewayID is %.40q: want 8 bytes in base64", n.ID3)
	}
	return hex.EncodeToString(eui), nil
}

func (f *gatewayFrame) readJSON(body []byte) error {
	var j gatewayJSON
	if err := decode(body, &j); err != nil {
		return err
	}
	rx, tx := &j.RxInfo, &j.TxInfo
	var err error
	if f.gateway, err = rx.id(); err != nil {
		return err
	}
	f.phy = j.PHYPayload
	f.uplink = append(strconv.AppendUint(nil, uint64(rx.UplinkID4), 10), rx.UplinkID3...)
	f.damaged = rx.CRC == "BAD_CRC"
	f.rssi, f.snr = rx.RSSI, rx.SNR4+rx.SNR3 // one of them is absent
	f.frequency = tx.Frequency
	f.bandwidth, f.spreadingFactor = tx.Modulation.LoRa.Bandwidth, tx.Modulation.LoRa.SpreadingFactor
	if v3 := tx.LoRa3; v3.SpreadingFactor != 0 {
		f.bandwidth, f.spreadingFactor = 1000*v3.Bandwidth, v3.SpreadingFactor
	}
	f.clock = rx.Time4
	if f.clock.IsZero() {
		f.clock = rx.Time3
	}
	if span := rx.GPS4 + rx.GPS3; span != "" {
		if f.gps, err = time.ParseDuration(span); err != nil {
			return malformed("timeSinceGpsEpoch is %.40q: want seconds, like 1479332414.973s", span)
		}
	}
	return nil
}

func (s *gatewayState) readJSON(body []byte) error {
	var j struct {
		gatewayNames
		State string `json:"state"` // offline is zero, and may be left out
	}
	if err := decode(body, &j); err != nil {
		return err
	}
	var err error
	s.gateway, err = j.id()
	s.online = j.State == "ONLINE"
	return err
}
