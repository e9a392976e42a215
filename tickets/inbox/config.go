package inbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"meldefunk/city/door"
)

// Config is the one address that ticket systems post to.
type Config struct {
	// Listen is host and port; "": there is none. Other hosts than this machine's need TLS.
	Listen string   `yaml:"listen"`
	TLS    door.TLS `yaml:"tls"`
	// Secrets are of the ticket systems that may post, by their names.
	Secrets map[string]Secret `yaml:"secrets"`
}

// Secret is where the key lies that a ticket system signs with, as Standard Webhooks writes
// it: "whsec_" and base64 of 24 to 64 bytes. It is read anew for each message.
type Secret struct {
	File string `yaml:"secret_file"`
	Env  string `yaml:"secret_env"`
}

func (s Secret) key() (door.SigningKey, error) {
	return door.ReadSigningKey(door.Secret{File: s.File, Env: s.Env})
}

// Validate gives every problem, joined, or nil. It opens neither files nor the network. Whether
// there are ticket systems of these names it cannot tell.
func (c Config) Validate() error {
	var errs []error
	add := func(err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("inbox: %w", err))
		}
	}
	if c.Listen == "" {
		if len(c.Secrets) > 0 || c.TLS != (door.TLS{}) {
			add(errors.New("listen is missing: give host and port, like 127.0.0.1:8092"))
		}
		return errors.Join(errs...)
	}
	add(door.CheckAddress(c.Listen, "", c.TLS))
	add(c.TLS.Validate())
	if len(c.Secrets) == 0 {
		add(errors.New("secrets: nobody may post: name a ticket system, with its secret_file or secret_env"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		if s := c.Secrets[name]; (s.File == "") == (s.Env == "") {
			add(fmt.Errorf("secrets: %s: set one of secret_file and secret_env", name))
		}
	}
	return errors.Join(errs...)
}
