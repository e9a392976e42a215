package events

import "meldefunk/city"

// Application is the part of a network server that an organisation's devices are in.
type Application struct {
	Tenant     UUID // ChirpStack v4
	TenantName string
	ID         UUID   // ChirpStack v4
	Number     uint64 // ChirpStack v3 counts them
	Name       string // its id in The Things Stack, which allows a-z, 0-9 and "-" between
	Region     string // region configuration of ChirpStack v4 and its MQTT prefix: eu868
	NetID      [3]byte
}

// Profile says what a group of devices has in common; ChirpStack only.
type Profile struct {
	ID    UUID
	Name  string
	Class Class
}

// Class is how a device listens (LoRaWAN 1.0.4 section 2.1).
type Class uint8

// The classes.
const (
	ClassA Class = iota
	ClassB
	ClassC
)

// Device is what a network server knows of a device for as long as it is registered.
type Device struct {
	Application *Application
	Profile     *Profile
	DevEUI      city.EUI
	JoinEUI     city.EUI
	Name        string // ChirpStack
	ID          string // The Things Stack; "" is "eui-" and the DevEUI, as its console suggests
	Tags        []Tag  // ChirpStack; of profile and device together, each key once, in alphabetical order
}

// Tag is a word about something that an operator has put down.
type Tag struct{ Key, Value string }

// Gateway is what a network server knows of a gateway.
type Gateway struct {
	ID       city.EUI
	Name     string // its id in The Things Stack
	Located  bool   // somebody has entered where it stands
	Position city.Position
	Altitude float64 // m above sea level
	Metadata []Tag   // what its software adds to each frame; ChirpStack v4, which put its region there up to 4.10
}

// Session is what a join, or personalisation, has settled.
type Session struct {
	DevAddr  uint32
	KeyID    []byte    // The Things Stack names each session; 16 bytes
	EndToEnd *Envelope // not nil: the AppSKey is the city's alone, and payloads are handed on encrypted
}

// Envelope is how the owner of an end-to-end encrypted device finds its AppSKey.
type Envelope struct {
	SessionKeyID []byte // under which the join server hands it out; ChirpStack v4
	KEKLabel     string
	WrappedKey   []byte // by AES Key Wrap (RFC 3394), 24 bytes
}
