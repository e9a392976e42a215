package chirpstack

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"meldefunk/city/door"
)

// Config says where ChirpStack is and where in it the devices stand.
type Config struct {
	// Name is what logs call this network server.
	Name string `yaml:"name"`
	// Address is that of ChirpStack's API, which is on the port of its web interface:
	// "https://chirpstack.stadt.example", "http://127.0.0.1:8080".
	Address string `yaml:"address"`
	// Tenant is the tenant of the application, by id or by name. The API key of a tenant
	// cannot look up names. "": as the application, which is then told by id.
	Tenant string `yaml:"tenant"`
	// Application is the one that the devices stand in, by id or by name.
	Application string `yaml:"application"`
	// The API key is the content of a file or of an environment variable; one of them.
	APIKeyFile string `yaml:"api_key_file"`
	APIKeyEnv  string `yaml:"api_key_env"`
	// CAFile holds the certificates that ChirpStack's one must come from, PEM; "": those
	// the machine trusts.
	CAFile string `yaml:"ca_file"`
	// Plaintext must be "accepted" for http to another machine: the keys can be read on the
	// way.
	Plaintext string `yaml:"plaintext"`
	// KeysElsewhere says that ChirpStack's own settings name a join server that has the keys
	// of devices that are enrolled without any; false: a device without keys is refused.
	KeysElsewhere bool `yaml:"keys_elsewhere"`
	// Timeout is for one call, from connecting to the last byte; 1 s to 5 min.
	Timeout time.Duration `yaml:"timeout"`
}

// DefaultConfig has everything but the address, the application and the key.
func DefaultConfig() Config { return Config{Timeout: 30 * time.Second} }

// idForm is that of ids of tenants, applications and device profiles: UUIDs.
var idForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func isID(s string) bool { return idForm.MatchString(s) }

// Validate returns every problem, joined.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("chirpstack: "+format, args...))
	}
	if c.Name == "" {
		add("name is missing: say what logs shall call this network server")
	}
	if err := c.validateAddress(); err != nil {
		add("address: %w", err)
	}
	if c.Application == "" {
		add("application is missing: give its id or its name")
	} else if !isID(c.Application) && c.Tenant == "" {
		add("application %q is a name: say of which tenant, or give the application's id", c.Application)
	}
	if (c.APIKeyFile == "") == (c.APIKeyEnv == "") {
		add("set one of api_key_file and api_key_env")
	}
	if err := door.CheckPlaintext(c.Plaintext); err != nil {
		add("%w", err)
	}
	if c.Timeout < time.Second || c.Timeout > 5*time.Minute {
		add("timeout %s: want 1s to 5m", c.Timeout)
	}
	return errors.Join(errs...)
}

func (c Config) validateAddress() error {
	if c.Address == "" {
		return errors.New("it is missing: give that of the API, like https://chirpstack.stadt.example")
	}
	u, err := door.CheckURL(c.Address, c.Plaintext)
	if err == nil && strings.Trim(u.Path, "/") != "" {
		err = fmt.Errorf("%q: want no path: gRPC has its own", u.String())
	}
	return err
}
