package thethings

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
)

// field is one thing that a registry keeps of a device.
type field struct {
	path       string // in field masks
	name       string // for people; "": the path
	have, want string // the values, or words for them: a key is never told
	put        func(body, want *endDevice)
}

// drift tells of the field; ok is false where it is as wanted.
func (f field) drift(part string) (d enrol.Drift, ok bool) {
	if f.have == f.want {
		return enrol.Drift{}, false
	}
	d = enrol.Drift{Part: part, Field: f.name, Have: f.have, Want: f.want}
	if d.Field == "" {
		d.Field = f.path
	}
	if d.Want == "" {
		d.Want = "nothing"
	}
	return d, true
}

// change makes the body that puts right what differs; nil: nothing does. Only fields of the
// mask stand in it.
func change(fields []field, want endDevice) *setRequest {
	body := &setRequest{EndDevice: endDevice{IDs: want.IDs}, FieldMask: &fieldMask{}}
	for _, f := range fields {
		if f.have == f.want {
			continue
		}
		f.put(&body.EndDevice, &want)
		if !slices.Contains(body.FieldMask.Paths, f.path) {
			body.FieldMask.Paths = append(body.FieldMask.Paths, f.path)
		}
	}
	if len(body.FieldMask.Paths) == 0 {
		return nil
	}
	return body
}

// identityFields are those of the identity server. Attributes that others have set stay.
func identityFields(have, want endDevice) []field {
	fields := []field{
		{path: "name", have: have.Name, want: want.Name, put: func(b, w *endDevice) { b.Name = w.Name }},
		{path: "description", have: have.Description, want: want.Description, put: func(b, w *endDevice) { b.Description = w.Description }},
		{path: "network_server_address", have: bare(have.NetworkServerAddress), want: want.NetworkServerAddress,
			put: func(b, w *endDevice) { b.NetworkServerAddress = w.NetworkServerAddress }},
		{path: "application_server_address", have: bare(have.ApplicationServerAddress), want: want.ApplicationServerAddress,
			put: func(b, w *endDevice) { b.ApplicationServerAddress = w.ApplicationServerAddress }},
		{path: "join_server_address", have: bare(have.JoinServerAddress), want: want.JoinServerAddress,
			put: func(b, w *endDevice) { b.JoinServerAddress = w.JoinServerAddress }},
	}
	all := maps.Clone(have.Attributes)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, want.Attributes)
	for _, key := range slices.Sorted(maps.Keys(want.Attributes)) {
		fields = append(fields, field{path: "attributes", name: "attributes." + key, have: have.Attributes[key], want: want.Attributes[key],
			put: func(b, _ *endDevice) { b.Attributes = all }})
	}
	return fields
}

// joinFields are those of the join server. With a new key the counters that belong to the
// old one go, else a device that begins anew is taken for a replay
// (pkg/joinserver/joinserver.go). last_join_nonce stays: a device may remember it.
func joinFields(have, want endDevice) []field {
	fields := []field{
		{path: "network_server_address", have: bare(have.NetworkServerAddress), want: want.NetworkServerAddress,
			put: func(b, w *endDevice) { b.NetworkServerAddress = w.NetworkServerAddress }},
		{path: "application_server_address", have: bare(have.ApplicationServerAddress), want: want.ApplicationServerAddress,
			put: func(b, w *endDevice) { b.ApplicationServerAddress = w.ApplicationServerAddress }},
	}
	if label := want.ApplicationServerKEKLabel; label != "" {
		fields = append(fields, field{path: "application_server_kek_label", have: have.ApplicationServerKEKLabel, want: label,
			put: func(b, w *endDevice) { b.ApplicationServerKEKLabel = w.ApplicationServerKEKLabel }})
	}
	app := keyField("root_keys.app_key.key", have.RootKeys.app(), want.RootKeys.app(), func(b, w *rootKeys) { b.App = w.App })
	nwk := keyField("root_keys.nwk_key.key", have.RootKeys.nwk(), want.RootKeys.nwk(), func(b, w *rootKeys) { b.Nwk = w.Nwk })
	return append(fields, app, nwk)
}

// counters are the fields of the join server that belong to a root key
// (pkg/ttnpb/field_mask_validation.go, JsEndDeviceRegistry/Set).
func counters() []string {
	return []string{"last_dev_nonce", "used_dev_nonces", "last_rj_count_0", "last_rj_count_1"}
}

// keyField compares a key without telling it.
func keyField(path string, have, want lorawan.Key, put func(b, w *rootKeys)) field {
	f := field{path: path, put: func(b, w *endDevice) {
		if b.RootKeys == nil {
			b.RootKeys = &rootKeys{}
		}
		put(b.RootKeys, w.RootKeys)
	}}
	switch {
	case have == want:
	case have.IsZero():
		f.want = "the key of the inventory"
	case want.IsZero():
		// Without its last part: else an empty envelope stays, and joins stumble over that.
		f.path, f.name, f.have = strings.TrimSuffix(path, ".key"), path, "a key"
	default:
		f.have, f.want = "another key", "that of the inventory"
	}
	return f
}

// networkFields are those of the network server.
func networkFields(have, want endDevice) []field {
	phy := canonicalPHY(have.LoRaWANPHYVersion)
	if phy == "" {
		phy = have.LoRaWANPHYVersion
	}
	return []field{
		{path: "supports_join", have: yes(have.SupportsJoin), want: yes(want.SupportsJoin), put: func(b, w *endDevice) { b.SupportsJoin = w.SupportsJoin }},
		{path: "supports_class_b", have: yes(have.SupportsClassB), want: yes(want.SupportsClassB), put: func(b, w *endDevice) { b.SupportsClassB = w.SupportsClassB }},
		{path: "supports_class_c", have: yes(have.SupportsClassC), want: yes(want.SupportsClassC), put: func(b, w *endDevice) { b.SupportsClassC = w.SupportsClassC }},
		{path: "lorawan_version", have: have.LoRaWANVersion, want: want.LoRaWANVersion, put: func(b, w *endDevice) { b.LoRaWANVersion = w.LoRaWANVersion }},
		{path: "lorawan_phy_version", have: phy, want: want.LoRaWANPHYVersion, put: func(b, w *endDevice) { b.LoRaWANPHYVersion = w.LoRaWANPHYVersion }},
		{path: "frequency_plan_id", have: have.FrequencyPlanID, want: want.FrequencyPlanID, put: func(b, w *endDevice) { b.FrequencyPlanID = w.FrequencyPlanID }},
	}
}

// applicationFields are those of the application server.
func applicationFields(have, want endDevice) []field {
	if want.SkipPayloadCryptoOverride == nil {
		return nil
	}
	value := func(b *bool) string {
		if b == nil {
			return ""
		}
		return yes(*b)
	}
	return []field{{path: "skip_payload_crypto_override", have: value(have.SkipPayloadCryptoOverride), want: value(want.SkipPayloadCryptoOverride),
		put: func(b, w *endDevice) { b.SkipPayloadCryptoOverride = w.SkipPayloadCryptoOverride }}}
}

func yes(b bool) string { return strconv.FormatBool(b) }

// bare takes the port from an address: registries are told apart by host
// (pkg/identityserver/end_device_registry.go, getHost).
func bare(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
