package thethings

import (
	"encoding/json"
	"strings"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// endDevice is what we read and write of the message EndDevice
// (api/ttn/lorawan/v3/end_device.proto). Which registry keeps which field says a site.
type endDevice struct {
	IDs ids `json:"ids"`

	Name        string            `json:"name,omitempty"`
	Description string            `json:"description,omitempty"`
	Attributes  map[string]string `json:"attributes,omitempty"`

	NetworkServerAddress     string `json:"network_server_address,omitempty"`
	ApplicationServerAddress string `json:"application_server_address,omitempty"`
	JoinServerAddress        string `json:"join_server_address,omitempty"`

	ApplicationServerKEKLabel string    `json:"application_server_kek_label,omitempty"`
	RootKeys                  *rootKeys `json:"root_keys,omitempty"`

	SupportsJoin      bool   `json:"supports_join,omitempty"`
	SupportsClassB    bool   `json:"supports_class_b,omitempty"`
	SupportsClassC    bool   `json:"supports_class_c,omitempty"`
	LoRaWANVersion    string `json:"lorawan_version,omitempty"`
	LoRaWANPHYVersion string `json:"lorawan_phy_version,omitempty"`
	FrequencyPlanID   string `json:"frequency_plan_id,omitempty"`

	SkipPayloadCryptoOverride *bool `json:"skip_payload_crypto_override,omitempty"`
}

type ids struct {
	DeviceID       string         `json:"device_id"`
	ApplicationIDs applicationIDs `json:"application_ids"`
	DevEUI         hexEUI         `json:"dev_eui"`
	JoinEUI        hexEUI         `json:"join_eui"`
}

type applicationIDs struct {
	ApplicationID string `json:"application_id"`
}

// rootKeys are called by their names in LoRaWAN 1.1, but for a device of 1.0.x: its one key
// is App here, and Nwk must be absent, for the join server takes it wherever it finds it.
type rootKeys struct {
	App *keyEnvelope `json:"app_key,omitempty"`
	Nwk *keyEnvelope `json:"nwk_key,omitempty"`
}

// app gives the AppKey; zero where there is none.
func (k *rootKeys) app() lorawan.Key {
	if k == nil || k.App == nil {
		return lorawan.Key{}
	}
	return k.App.Key.Key
}

// nwk gives the NwkKey; zero where there is none.
func (k *rootKeys) nwk() lorawan.Key {
	if k == nil || k.Nwk == nil {
		return lorawan.Key{}
	}
	return k.Nwk.Key.Key
}

// joins gives the key that joins are checked with: the NwkKey wherever there is one
// (TheThingsNetwork/lorawan-stack pull request 5087).
func (k *rootKeys) joins() lorawan.Key {
	if nwk := k.nwk(); !nwk.IsZero() {
		return nwk
	}
	return k.app()
}

type keyEnvelope struct {
	Key hexKey `json:"key"`
}

// hexKey is a key on its way to the join server or back: the one place where it is text. It
// does not let itself be printed, as no lorawan.Key does.
type hexKey struct{ lorawan.Key }

// MarshalJSON gives 32 upper-case hex digits.
func (k hexKey) MarshalJSON() ([]byte, error) { return json.Marshal(strings.ToUpper(k.Hex())) }

// hexEUI is an EUI in upper case, as The Things Stack writes it.
type hexEUI city.EUI

// MarshalText gives 16 upper-case hex digits.
func (e hexEUI) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what city.ParseEUI reads, and nothing as the zero EUI.
func (e *hexEUI) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*e = hexEUI{}
		return nil
	}
	return (*city.EUI)(e).UnmarshalText(b)
}

func (e hexEUI) String() string { return strings.ToUpper(city.EUI(e).String()) }

// deviceID is the id of a device that we register: what the console proposes, too.
func deviceID(e city.EUI) string { return "eui-" + e.String() }
