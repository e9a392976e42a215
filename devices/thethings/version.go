package thethings

import (
	"maps"
	"slices"

	"meldefunk/city/lorawan/enrol"
)

// macVersion gives the MACVersion of a version (api/ttn/lorawan/v3/lorawan.proto); "" for
// one that is not known.
func macVersion(v enrol.Version) string {
	return map[enrol.Version]string{
		enrol.V1_0_0: "MAC_V1_0",
		enrol.V1_0_1: "MAC_V1_0_1",
		enrol.V1_0_2: "MAC_V1_0_2",
		enrol.V1_0_3: "MAC_V1_0_3",
		enrol.V1_0_4: "MAC_V1_0_4",
		enrol.V1_1_0: "MAC_V1_1",
	}[v]
}

// phyVersion gives the PHYVersion that a device of a version has if nobody says otherwise:
// the last revision of the regional parameters that came with it. With 1.0.4 they became a
// document of their own, whose versions differ for Europe in LR-FHSS, from 1.0.2, and
// relays, in 1.0.4, only (pkg/band/eu_863_870_rp2_*.go).
func phyVersion(v enrol.Version) string {
	return map[enrol.Version]string{
		enrol.V1_0_0: "PHY_V1_0",
		enrol.V1_0_1: "PHY_V1_0_1",
		enrol.V1_0_2: "PHY_V1_0_2_REV_B",
		enrol.V1_0_3: "PHY_V1_0_3_REV_A",
		enrol.V1_0_4: "RP002_V1_0_3",
		enrol.V1_1_0: "PHY_V1_1_REV_B",
	}[v]
}

// phys are the names of PHYVersion, newer ones with the name that is written in their stead
// (api/ttn/lorawan/v3/lorawan.proto, enum PHYVersion).
func phys() map[string]string {
	return map[string]string{
		"PHY_V1_0": "PHY_V1_0", "TS001_V1_0": "PHY_V1_0",
		"PHY_V1_0_1": "PHY_V1_0_1", "TS001_V1_0_1": "PHY_V1_0_1",
		"PHY_V1_0_2_REV_A": "PHY_V1_0_2_REV_A", "RP001_V1_0_2": "PHY_V1_0_2_REV_A",
		"PHY_V1_0_2_REV_B": "PHY_V1_0_2_REV_B", "RP001_V1_0_2_REV_B": "PHY_V1_0_2_REV_B",
		"PHY_V1_0_3_REV_A": "PHY_V1_0_3_REV_A", "RP001_V1_0_3_REV_A": "PHY_V1_0_3_REV_A",
		"PHY_V1_1_REV_A": "PHY_V1_1_REV_A", "RP001_V1_1_REV_A": "PHY_V1_1_REV_A",
		"PHY_V1_1_REV_B": "PHY_V1_1_REV_B", "RP001_V1_1_REV_B": "PHY_V1_1_REV_B",
		"RP002_V1_0_0": "RP002_V1_0_0", "RP002_V1_0_1": "RP002_V1_0_1", "RP002_V1_0_2": "RP002_V1_0_2",
		"RP002_V1_0_3": "RP002_V1_0_3", "RP002_V1_0_4": "RP002_V1_0_4",
	}
}

// canonicalPHY gives one name for all that a PHYVersion goes by; "" for what is none.
func canonicalPHY(name string) string { return phys()[name] }

func phyNames() []string { return slices.Sorted(maps.Keys(phys())) }
