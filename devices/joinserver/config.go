package joinserver

import (
	"errors"
	"fmt"

	"meldefunk/city"
	"meldefunk/city/door"
	"meldefunk/city/lorawan"
)

// Config is the join server's address and who may ask there.
type Config struct {
	// Listen is host and port. Other hosts than this machine's need TLS.
	Listen string `yaml:"listen"`
	// Plaintext is "accepted" where other machines really ask without TLS.
	Plaintext string   `yaml:"plaintext"`
	TLS       door.TLS `yaml:"tls"`
	Peers     []Peer   `yaml:"peers"`
}

// DefaultConfig is what holds for fields left out.
func DefaultConfig() Config { return Config{Listen: "127.0.0.1:8092"} }

// Role says what a peer may ask.
type Role string

// The roles.
const (
	NetworkServer     Role = "network_server"     // JoinReq, RejoinReq, HomeNSReq
	ApplicationServer Role = "application_server" // AppSKeyReq
)

// Peer is a server that may ask here. One that is both kinds stands twice.
type Peer struct {
	Name string `yaml:"name"` // for people
	Role Role   `yaml:"role"`
	// ID is the SenderID: the NetID of a network server, the AS-ID of an application server.
	// The peer can ask under no other. Several may share one, such as 000000.
	ID string `yaml:"id"`

	// Certificate is a name in the client certificate, its common name or a DNS name. Token is
	// a secret behind "Authorization: Bearer". At least one of them is needed; where both are
	// given, both are.
	Certificate string `yaml:"certificate"`
	TokenFile   string `yaml:"token_file"`
	TokenEnv    string `yaml:"token_env"`

	// KEK is the label of the key that wraps session keys for this network server. ChirpStack
	// v4 can only use one of 16 bytes.
	KEK string `yaml:"kek"`
	// PlaintextKeys is "accepted" where the network server's session keys shall go to it
	// unwrapped, protected by TLS alone. The AppSKey never does.
	PlaintextKeys string `yaml:"plaintext_keys"`
	// Roaming lets a network server ask which network is home to a device of another one.
	Roaming bool `yaml:"roaming"`
}

// longestID is in bytes: an AS-ID may be a DNS name (BI section 17.3).
const longestID = 255

// Validate gives every problem, joined, or nil. It does not open files or the network.
func (c Config) Validate() error {
	problems := []error{door.CheckAddress(c.Listen, c.Plaintext, c.TLS), c.TLS.Validate()}
	if len(c.Peers) == 0 {
		problems = append(problems, errors.New("peers: nobody may ask: name the network servers"))
	}
	names := map[string]bool{}
	for i, p := range c.Peers {
		for _, err := range p.validate(c) {
			problems = append(problems, fmt.Errorf("peers: %d (%.40q): %w", i, p.Name, err))
		}
		if names[p.Name] {
			problems = append(problems, fmt.Errorf("peers: %d: name: %.40q stands twice", i, p.Name))
		}
		names[p.Name] = true
	}
	return errors.Join(problems...)
}

func (p *Peer) validate(c Config) (problems []error) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if p.Name == "" {
		problem("name: missing; want one for the log")
	}
	switch p.Role {
	case NetworkServer:
		if _, err := lorawan.ParseNetID(p.ID); err != nil {
			problem("id: %w", err)
		}
		if (p.KEK == "") == (p.PlaintextKeys == "") {
			problem("kek, plaintext_keys: give the label of the key that wraps session keys for this network server, or, if it can have none, plaintext_keys: accepted")
		}
	case ApplicationServer:
		if p.ID == "" || len(p.ID) > longestID {
			problem("id: want the AS-ID, 1 to %d bytes", longestID)
		}
		if p.KEK != "" || p.PlaintextKeys != "" || p.Roaming {
			problem("kek, plaintext_keys, roaming: only a network server has them; the key that wraps the AppSKey is the device's")
		}
	default:
		problem("role: %.40q: want %s or %s", p.Role, NetworkServer, ApplicationServer)
	}
	if p.PlaintextKeys != "" && p.PlaintextKeys != "accepted" {
		problem("plaintext_keys: %.40q: the only value is \"accepted\"", p.PlaintextKeys)
	}
	if p.PlaintextKeys != "" && c.Plaintext != "" {
		problem("plaintext_keys: not without TLS: everybody on the way could read the keys")
	}
	if len(p.KEK) > city.MaxKEKLabel {
		problem("kek: the label has %d bytes: want at most %d", len(p.KEK), city.MaxKEKLabel)
	}
	switch {
	case p.TokenFile != "" && p.TokenEnv != "":
		problem("token_file, token_env: give one of them")
	case !p.hasToken() && p.Certificate == "":
		problem("certificate, token_file, token_env: give at least one: anybody could ask under this id")
	}
	if p.Certificate != "" && c.TLS.ClientCAFile == "" {
		problem("certificate: nobody is asked for one without tls.client_ca_file")
	}
	return problems
}

func (p *Peer) hasToken() bool { return p.TokenFile != "" || p.TokenEnv != "" }
