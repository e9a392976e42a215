package thethingstest

import "strings"

// Registry is one of the four registries of a cluster.
type Registry string

// The registries.
const (
	Identity    Registry = "is"
	Join        Registry = "js"
	Network     Registry = "ns"
	Application Registry = "as"
)

// Rights of an API key on an application (api/ttn/lorawan/v3/rights.proto).
const (
	Read      = "RIGHT_APPLICATION_DEVICES_READ"
	Write     = "RIGHT_APPLICATION_DEVICES_WRITE"
	ReadKeys  = "RIGHT_APPLICATION_DEVICES_READ_KEYS"
	WriteKeys = "RIGHT_APPLICATION_DEVICES_WRITE_KEYS"
)

// kind is what JSON a field is.
type kind int

const (
	text kind = iota
	boolean
	number
	numbers
	texts // a map of texts
)

// leaves are the fields of EndDevice that can be sent here, by path: those that a client
// which registers devices is concerned with (api/ttn/lorawan/v3/end_device.proto).
var leaves = map[string]kind{
	"ids.device_id": text, "ids.application_ids.application_id": text, "ids.dev_eui": text, "ids.join_eui": text,
	"name": text, "description": text, "attributes": texts,
	"network_server_address": text, "application_server_address": text, "join_server_address": text,
	"application_server_kek_label": text, "network_server_kek_label": text, "net_id": text,
	"root_keys.root_key_id": text, "root_keys.app_key.key": text, "root_keys.nwk_key.key": text,
	"last_dev_nonce": number, "last_join_nonce": number, "last_rj_count_0": number, "last_rj_count_1": number,
	"used_dev_nonces": numbers, "resets_join_nonces": boolean,
	"lorawan_version": text, "lorawan_phy_version": text, "frequency_plan_id": text,
	"supports_join": boolean, "supports_class_b": boolean, "supports_class_c": boolean,
	"formatters.up_formatter": text, "formatters.up_formatter_parameter": text,
	"skip_payload_crypto_override": boolean, "skip_payload_crypto": boolean,
}

// branches are the objects that leaves stand in, by path.
var branches = func() map[string]bool {
	all := map[string]bool{}
	for p := range leaves {
		for i := strings.LastIndexByte(p, '.'); i > 0; i = strings.LastIndexByte(p, '.') {
			p = p[:i]
			all[p] = true
		}
	}
	return all
}()

// Allowed gives the paths, among those of leaves and what contains them, that a field mask
// may name; set: when writing (pkg/ttnpb/field_mask_validation.go, RPCFieldMaskPaths).
func Allowed(r Registry, set bool) []string {
	ids := []string{"ids", "ids.application_ids", "ids.application_ids.application_id", "ids.dev_eui", "ids.device_id", "ids.join_eui"}
	switch r {
	case Identity:
		fields := []string{"name", "description", "attributes", "network_server_address", "application_server_address", "join_server_address"}
		if set {
			return fields
		}
		return append(fields, ids...)
	case Join:
		return append(ids, "network_server_address", "application_server_address", "application_server_kek_label",
			"network_server_kek_label", "net_id", "root_keys", "root_keys.root_key_id", "root_keys.app_key", "root_keys.app_key.key",
			"root_keys.nwk_key", "root_keys.nwk_key.key", "last_dev_nonce", "last_join_nonce", "last_rj_count_0", "last_rj_count_1",
			"used_dev_nonces", "resets_join_nonces")
	case Network:
		return append(ids, "lorawan_version", "lorawan_phy_version", "frequency_plan_id",
			"supports_join", "supports_class_b", "supports_class_c")
	case Application:
		return append(ids, "formatters", "formatters.up_formatter", "formatters.up_formatter_parameter",
			"skip_payload_crypto_override", "skip_payload_crypto")
	}
	return nil
}

// macVersions and phyVersions are the names of the enums MACVersion and PHYVersion as they
// are written (api/ttn/lorawan/v3/lorawan.proto).
func macVersions() []string {
	return []string{"MAC_V1_0", "MAC_V1_0_1", "MAC_V1_0_2", "MAC_V1_0_3", "MAC_V1_0_4", "MAC_V1_1"}
}

func phyVersions() []string {
	return []string{"PHY_V1_0", "PHY_V1_0_1", "PHY_V1_0_2_REV_A", "PHY_V1_0_2_REV_B", "PHY_V1_0_3_REV_A", "PHY_V1_1_REV_A", "PHY_V1_1_REV_B",
		"RP002_V1_0_0", "RP002_V1_0_1", "RP002_V1_0_2", "RP002_V1_0_3", "RP002_V1_0_4"}
}
