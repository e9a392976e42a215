package chirpstack

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"meldefunk/city/lorawan/enrol"
)

// Every request and answer that is used here has what it is about in its first field: an id,
// or the thing itself. An id is a UUID; a device has its DevEUI as one, in 16 hex digits.
const about protowire.Number = 1

// Fields of lists: List…Request, List…Response and their items (api/proto/api/tenant.proto,
// application.proto, device_profile.proto).
const (
	listLimit  protowire.Number = 1
	listOffset protowire.Number = 2
	listSearch protowire.Number = 3
	listTenant protowire.Number = 4 // not of tenants

	listTotal  protowire.Number = 1
	listResult protowire.Number = 2
	itemID     protowire.Number = 1
	itemName   protowire.Number = 4
)

// Fields of Application (api/proto/api/application.proto).
const (
	applicationName   protowire.Number = 2
	applicationTenant protowire.Number = 4
)

// Fields of Device (api/proto/api/device.proto).
const (
	deviceEUI         protowire.Number = 1
	deviceName        protowire.Number = 2
	deviceDescription protowire.Number = 3
	deviceApplication protowire.Number = 4
	deviceProfile     protowire.Number = 5
	deviceDisabled    protowire.Number = 7
	deviceTags        protowire.Number = 9
	deviceJoinEUI     protowire.Number = 10
)

// Fields of DeviceKeys (api/proto/api/device.proto).
const (
	keysEUI protowire.Number = 1
	keysNwk protowire.Number = 2
	keysApp protowire.Number = 3
)

// Fields of DeviceProfile (api/proto/api/device_profile.proto).
const (
	profileID             protowire.Number = 1
	profileTenant         protowire.Number = 2
	profileName           protowire.Number = 3
	profileRegion         protowire.Number = 4
	profileMAC            protowire.Number = 5
	profileParameters     protowire.Number = 6
	profileADR            protowire.Number = 7
	profileFlush          protowire.Number = 10
	profileInterval       protowire.Number = 11
	profileStatusInterval protowire.Number = 12
	profileOTAA           protowire.Number = 13
	profileClassC         protowire.Number = 15
	profileClassCTimeout  protowire.Number = 20
	profileDescription    protowire.Number = 26
)

// regions are the numbers of the enum Region (api/proto/common/common.proto).
func regions() map[string]uint64 {
	return map[string]uint64{
		"EU868": 0, "US915": 2, "CN779": 3, "EU433": 4, "AU915": 5, "CN470": 6, "AS923": 7,
		"AS923_2": 12, "AS923_3": 13, "AS923_4": 14, "KR920": 8, "IN865": 9, "RU864": 10, "ISM2400": 11,
	}
}

// version is a LoRaWAN version as ChirpStack knows it: the enums MacVersion and
// RegParamsRevision (api/proto/common/common.proto). The regional parameters are the last
// that came with it; with 1.0.4 they became a document of its own, whose versions differ for
// Europe in LR-FHSS and relays only.
type version struct {
	mac        uint64
	parameters uint64
}

func versions() map[enrol.Version]version {
	const a, b, rp002103 = 0, 1, 5
	return map[enrol.Version]version{
		enrol.V1_0_0: {0, a},
		enrol.V1_0_1: {1, a},
		enrol.V1_0_2: {2, b},
		enrol.V1_0_3: {3, a},
		enrol.V1_0_4: {4, rp002103},
		enrol.V1_1_0: {5, b},
	}
}

// regionName gives the name of a region; its number where it has none.
func regionName(n uint64) string {
	for name, number := range regions() {
		if number == n {
			return name
		}
	}
	return strconv.FormatUint(n, 10)
}

// macName gives the LoRaWAN version of a number of MacVersion, likewise.
func macName(n uint64) string {
	for name, v := range versions() {
		if v.mac == n {
			return string(name)
		}
	}
	return strconv.FormatUint(n, 10)
}

// parametersName gives the name of a number of RegParamsRevision, likewise.
func parametersName(n uint64) string {
	names := []string{"A", "B", "RP002_1_0_0", "RP002_1_0_1", "RP002_1_0_2", "RP002_1_0_3", "RP002_1_0_4", "RP002_1_0_5"}
	if n < uint64(len(names)) {
		return names[n]
	}
	return strconv.FormatUint(n, 10)
}
