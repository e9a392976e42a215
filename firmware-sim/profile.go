package sim

import (
	"crypto/sha256"
	"encoding/binary"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/firmware-sim/events"
)

// band of the city.
var band lorawan.EU868

// application is this simulator's on its network server. The tenant is the one that every
// ChirpStack v4 starts with.
var application = events.Application{
	Tenant:     events.UUID{0x52, 0xf1, 0x4c, 0xd4, 0xc6, 0xf1, 0x4f, 0xbd, 0x8f, 0x87, 0x40, 0x25, 0xe1, 0xd4, 0x92, 0x42},
	TenantName: "Stadt",
	ID:         events.UUID{0x7d, 0x0c, 0x4a, 0x52, 0x93, 0xbe, 0x4f, 0x5d, 0xa6, 0xc1, 0x5f, 0x0e, 0x2b, 0x8d, 0x9a, 0x31},
	Number:     1, Name: "stadt-sensorik", Region: "eu868",
}

// profiles are what the network server knows of the models.
var profiles = map[string]*events.Profile{
	binModel:  newProfile(1, "em310-udl"),
	treeModel: newProfile(2, "dragino-lse01"),
	bayModel:  newProfile(3, "bosch-tps110"),
}

func newProfile(n byte, name string) *events.Profile {
	return &events.Profile{
		ID:   events.UUID{0x5b, 0x0e, 0x2f, 0x7c, 0x6f, 0x0e, 0x4d, 0x3c, 0x8a, 0x55, 0x0c, 0x6f, 0x9a, 0x7d, 0x1e, n},
		Name: name,
	}
}

// info names the device as technicians do: by model and asset.
func (p *play) info(s *site) *events.Device {
	profile := profiles[s.device.Model]
	d := &events.Device{Application: &application, Profile: profile, DevEUI: s.device.DevEUI, JoinEUI: joinEUI,
		Name: profile.Name + "-" + s.asset.ID,
		Tags: []events.Tag{{Key: "asset", Value: s.asset.ID}, {Key: "strasse", Value: s.asset.Address}}}
	if s.unknown {
		d.Name, d.Tags = profile.Name+"-neu", d.Tags[1:]
	}
	return d
}

// sessionOf is a session as network servers name it.
func sessionOf(id city.EUI, epoch uint32, addr lorawan.DevAddr) events.Session {
	sum := sha256.Sum256(binary.BigEndian.AppendUint32(id[:], epoch))
	return events.Session{DevAddr: binary.BigEndian.Uint32(addr[:]), KeyID: sum[:16]}
}
