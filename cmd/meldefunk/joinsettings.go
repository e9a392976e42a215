package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"meldefunk/city/lorawan"
	"meldefunk/devices/joinserver"
	"meldefunk/devices/keys"
)

// joinServer is the city's join server. There is none where nothing is said of it.
type joinServer struct {
	joinserver.Config `yaml:",inline"`
	// KEK is the label of the key that wraps the AppSKey of each session for the platform.
	KEK string `yaml:"kek"`
	// Home is the NetID of the network that devices join; "": that of the only network server
	// among the peers.
	Home string `yaml:"home"`
	// ApplicationServer is the AS-ID of the one that asks for AppSKeys and reads payloads in
	// place of the platform; "": they are in the answers to network servers, wrapped.
	ApplicationServer string `yaml:"application_server"`
}

func defaultJoinServer() joinServer { return joinServer{Config: joinserver.DefaultConfig()} }

// wanted tells whether there is a join server.
func (j *joinServer) wanted() bool { return !reflect.DeepEqual(*j, defaultJoinServer()) }

// home is the NetID of the network that devices join.
func (j *joinServer) home() (lorawan.NetID, error) {
	text := j.Home
	if text == "" {
		var ids []string
		for _, p := range j.Peers {
			if p.Role == joinserver.NetworkServer && !slices.Contains(ids, p.ID) {
				ids = append(ids, p.ID)
			}
		}
		if len(ids) != 1 {
			return lorawan.NetID{}, fmt.Errorf("home: missing; say which of the network servers %q the devices join", ids)
		}
		text = ids[0]
	}
	id, err := lorawan.ParseNetID(text)
	if err != nil {
		return id, fmt.Errorf("home: %w", err)
	}
	return id, nil
}

// validate gives every problem, joined, or nil.
func (j *joinServer) validate(k keys.Config) error {
	if !j.wanted() {
		return nil
	}
	errs := []error{j.Config.Validate()}
	if len(j.Peers) > 0 {
		_, err := j.home()
		errs = append(errs, err)
	}
	known := map[string]bool{}
	for _, kek := range k.KEKs {
		known[kek.Label] = true
	}
	switch {
	case j.KEK == "":
		errs = append(errs, errors.New("kek: missing; give the label of the key (keys.keks) that wraps the AppSKey of each session"))
	case !known[j.KEK]:
		errs = append(errs, fmt.Errorf("kek: %.60q is no label under keys.keks", j.KEK))
	}
	named := false
	for i, p := range j.Peers {
		named = named || p.Role == joinserver.ApplicationServer && p.ID == j.ApplicationServer
		switch {
		case p.Role == joinserver.ApplicationServer && p.ID != j.ApplicationServer:
			errs = append(errs, fmt.Errorf("peers: %d (%.40q): no AppSKey is kept for it: name its id with application_server, or leave the peer out", i, p.Name))
		case p.KEK != "" && !known[p.KEK]:
			errs = append(errs, fmt.Errorf("peers: %d (%.40q): kek: %.60q is no label under keys.keks", i, p.Name, p.KEK))
		case p.KEK != "" && p.KEK == j.KEK:
			errs = append(errs, fmt.Errorf("peers: %d (%.40q): kek: %.60q wraps the AppSKeys, which this network server could then read: give it another one", i, p.Name, p.KEK))
		case p.KEK != "" && p.KEK == registerLabel(k):
			errs = append(errs, fmt.Errorf("peers: %d (%.40q): kek: %.60q wraps root keys in the register: give this network server another one", i, p.Name, p.KEK))
		}
	}
	if j.ApplicationServer != "" && !named {
		errs = append(errs, fmt.Errorf("application_server: %.60q is the id of no peer with role application_server", j.ApplicationServer))
	}
	return errors.Join(errs...)
}

// registerLabel is the label of the key that wraps root keys; "": none does.
func registerLabel(k keys.Config) string {
	if k.Register == "" && len(k.KEKs) == 1 {
		return k.KEKs[0].Label
	}
	return k.Register
}
