package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"meldefunk/city/lorawan/enrol"
	"meldefunk/devices/chirpstack"
	"meldefunk/devices/enrolment"
	"meldefunk/devices/thethings"
	bridge "meldefunk/gateway-bridge"
)

// networkServer is one network server: how its messages come, and how it is told of devices.
type networkServer struct {
	bridge.Config `yaml:",inline"`
	// Provisioning says how it is told of devices; nil: somebody else does that.
	Provisioning *provisioning `yaml:"provisioning"`
}

// bridges gives what the bridge needs of the network servers.
func (s *settings) bridges() []bridge.Config {
	all := make([]bridge.Config, len(s.NetworkServers))
	for i := range s.NetworkServers {
		all[i] = s.NetworkServers[i].Config
	}
	return all
}

// provisioning is a kind of network server, and beside it the keys that the kind has, over
// its defaults.
type provisioning struct {
	kind string
	// keepKeys keeps root keys in the register: the network server asks a join server.
	keepKeys bool
	filler   filler
}

// filler is what a kind needs.
type filler struct {
	settings  any          // what the section is decoded into
	called    func(string) // takes the network server's name
	validate  func() error // begins with the kind
	place     func() any   // where the devices stand, without secrets
	elsewhere func() bool  // devices may be told without keys
	without   string       // the key that makes it so
	open      func() (enrolServer, error)
}

// enrolServer is a client of a network server.
type enrolServer interface {
	enrol.Server
	Close()
}

// fillers are the kinds of network servers that can be told of devices.
func fillers() map[string]func() filler {
	return map[string]func() filler{
		"chirpstack": func() filler {
			c := chirpstack.DefaultConfig()
			return filler{
				settings: &c, called: func(name string) { c.Name = name },
				validate:  func() error { return c.Validate() }, //nolint:gocritic // a method value would keep the defaults
				place:     func() any { return []any{c.Address, c.Tenant, c.Application, c.KeysElsewhere} },
				elsewhere: func() bool { return c.KeysElsewhere }, without: "keys_elsewhere",
				open: func() (enrolServer, error) { return chirpstack.New(c) },
			}
		},
		"thethings": func() filler {
			c := thethings.DefaultConfig()
			return filler{
				settings: &c, called: func(name string) { c.Name = name },
				validate: func() error { return c.Validate() }, //nolint:gocritic // a method value would keep the defaults
				place: func() any {
					return []any{c.Address, c.IdentityServer, c.JoinServer, c.NetworkServer, c.ApplicationServer, c.Application, c.KeysAt, c.KEKLabel, c.FrequencyPlans, c.Profiles}
				},
				elsewhere: func() bool { return c.KeysAt != "" }, without: "keys_at",
				open: func() (enrolServer, error) { return thethings.New(c) },
			}
		},
	}
}

// UnmarshalYAML reads the section.
func (p *provisioning) UnmarshalYAML(n *yaml.Node) error {
	wrong := func(at *yaml.Node, format string, args ...any) error {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: provisioning: ", at.Line) + fmt.Sprintf(format, args...)}}
	}
	kinds := strings.Join(slices.Sorted(maps.Keys(fillers())), ", ")
	if n.Kind != yaml.MappingNode {
		return wrong(n, "want a mapping with the kind of network server (%s) and its settings", kinds)
	}
	own := *n
	own.Content = nil
	var kind *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch key, value := n.Content[i], n.Content[i+1]; key.Value {
		case "kind":
			kind = value
		case "keep_keys":
			if err := value.Decode(&p.keepKeys); err != nil {
				return err
			}
		case "name":
			return wrong(key, "name: it is that of the network server, and stands there")
		default:
			own.Content = append(own.Content, key, value)
		}
	}
	if kind == nil {
		return wrong(n, "kind is missing: want one of %s", kinds)
	}
	make, ok := fillers()[kind.Value]
	if !ok {
		return wrong(kind, "kind %.40q: want one of %s", kind.Value, kinds)
	}
	p.kind, p.filler = kind.Value, make()
	if problems := unknownKeys(&own, p.filler.settings); problems != nil {
		return &yaml.TypeError{Errors: problems}
	}
	return own.Decode(p.filler.settings)
}

// validate gives every problem of the section, joined; name is the network server's.
func (p *provisioning) validate(name string) error {
	p.filler.called(name)
	var errs []error
	for _, err := range flatten(p.filler.validate()) {
		errs = append(errs, errors.New(strings.TrimPrefix(err.Error(), p.kind+": ")))
	}
	if p.keepKeys && !p.filler.elsewhere() {
		errs = append(errs, fmt.Errorf("keep_keys: without %s the network server refuses every device: it must know who has the keys", p.filler.without))
	}
	return errors.Join(errs...)
}

// targets makes the clients of all network servers that are told of devices from here. It
// reads their API keys and contacts none of them. Close lets go of their connections.
func (s *settings) targets() (all []enrolment.Target, close func(), err error) {
	var open []enrolServer
	var errs []error
	for i := range s.NetworkServers {
		p := s.NetworkServers[i].Provisioning
		if p == nil {
			continue
		}
		client, err := p.filler.open()
		if err != nil {
			errs = append(errs, fmt.Errorf("network_servers: %s: provisioning: %w", s.NetworkServers[i].Name, err))
			continue
		}
		place, err := json.Marshal([]any{p.kind, p.filler.place()})
		if err != nil {
			errs = append(errs, err)
		}
		open = append(open, client)
		all = append(all, enrolment.Target{Server: client, Place: string(place), KeepKeys: p.keepKeys})
	}
	return all, func() {
		for _, c := range open {
			c.Close()
		}
	}, errors.Join(errs...)
}
