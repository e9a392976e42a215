package thethings

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"meldefunk/city/door"
)

// Config says where the cluster is and what the application's devices are like.
type Config struct {
	// Name is what logs call this network server.
	Name string `yaml:"name"`
	// Address is the cluster, "https://eu1.cloud.thethings.network".
	Address string `yaml:"address"`
	// The addresses of single registries, where one is elsewhere; "": as Address. With the
	// clusters of The Things Industries the identity server is in one region only.
	IdentityServer    string `yaml:"identity_server"`
	JoinServer        string `yaml:"join_server"`
	NetworkServer     string `yaml:"network_server"`
	ApplicationServer string `yaml:"application_server"`
	// Application is the id of the application that the devices stand in.
	Application string `yaml:"application"`
	// The API key is the content of a file or of an environment variable; one of them. It
	// needs the rights to view and write devices and their keys.
	APIKeyFile string `yaml:"api_key_file"`
	APIKeyEnv  string `yaml:"api_key_env"`
	// CAFile holds the certificates that the cluster's one must come from, PEM; "": those
	// the machine trusts.
	CAFile string `yaml:"ca_file"`
	// Plaintext must be "accepted" for http to another machine: the keys can be read on the
	// way.
	Plaintext string `yaml:"plaintext"`
	// KeysAt is the host of the join server that has the keys of devices that are enrolled
	// without any; "": a device without keys is refused.
	KeysAt string `yaml:"keys_at"`
	// KEKLabel names the key that the application session keys of all devices are wrapped
	// with; payloads are then handed out encrypted. "": as the cluster has it.
	KEKLabel string `yaml:"kek_label"`
	// FrequencyPlans gives the id of a frequency plan for each region.
	FrequencyPlans map[string]string `yaml:"frequency_plans"`
	// Profiles are what devices of a profile have otherwise, by the profile's name.
	Profiles map[string]Profile `yaml:"profiles"`
	// Timeout is for one request, from connecting to the last byte; 1 s to 5 min.
	Timeout time.Duration `yaml:"timeout"`
	// Patience is for how long one request waits in all when the cluster says that there
	// are too many; up to 10 min.
	Patience time.Duration `yaml:"patience"`
}

// Profile is what the devices of a model have otherwise than their version and region say.
type Profile struct {
	PHYVersion    string `yaml:"phy_version"`    // regional parameters, "PHY_V1_0_2_REV_A"; "": by the version
	FrequencyPlan string `yaml:"frequency_plan"` // id of a frequency plan; "": by the region
}

// DefaultConfig has everything but the addresses, the application and the key.
func DefaultConfig() Config {
	return Config{
		// The plan that the console recommends: EU_863_870 with the second receive window at SF9.
		FrequencyPlans: map[string]string{"EU868": "EU_863_870_TTN"},
		Timeout:        30 * time.Second,
		Patience:       time.Minute,
	}
}

// idForm is how The Things Stack writes the ids of applications and devices and the keys of
// attributes, at most 36 characters long (api/ttn/lorawan/v3/identifiers.proto).
var idForm = regexp.MustCompile(`^[a-z0-9](?:-?[a-z0-9]){2,}$`)

const maxID = 36

func isID(s string) bool { return len(s) <= maxID && idForm.MatchString(s) }

// hostForm is that of server addresses (api/ttn/lorawan/v3/end_device.proto).
var hostForm = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$`)

// Validate returns every problem, joined.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("thethings: "+format, args...))
	}
	if c.Name == "" {
		add("name is missing: say what logs shall call this network server")
	}
	if c.Address == "" {
		add("address is missing: give that of the cluster, like https://eu1.cloud.thethings.network")
	}
	for _, a := range []struct{ key, address string }{
		{"address", c.Address},
		{"identity_server", c.IdentityServer},
		{"join_server", c.JoinServer},
		{"network_server", c.NetworkServer},
		{"application_server", c.ApplicationServer},
	} {
		if a.address != "" {
			if err := c.validateAddress(a.address); err != nil {
				add("%s: %w", a.key, err)
			}
		}
	}
	if !isID(c.Application) {
		add("application %q: want the application's id: 3 to %d small letters, digits and single hyphens", c.Application, maxID)
	}
	if (c.APIKeyFile == "") == (c.APIKeyEnv == "") {
		add("set one of api_key_file and api_key_env")
	}
	if err := door.CheckPlaintext(c.Plaintext); err != nil {
		add("%w", err)
	}
	if c.KeysAt != "" && !hostForm.MatchString(c.KeysAt) {
		add("keys_at %q: want the name of a host, like join.stadt.example", c.KeysAt)
	}
	for region, plan := range c.FrequencyPlans {
		if region == "" || plan == "" {
			add("frequency_plans: %q: %q: want something on both sides", region, plan)
		}
	}
	for name, p := range c.Profiles {
		if p.PHYVersion != "" && canonicalPHY(p.PHYVersion) == "" {
			add("profiles: %s: phy_version %q: want one of %s", name, p.PHYVersion, strings.Join(phyNames(), ", "))
		}
	}
	if c.Timeout < time.Second || c.Timeout > 5*time.Minute {
		add("timeout %s: want 1s to 5m", c.Timeout)
	}
	if c.Patience < 0 || c.Patience > 10*time.Minute {
		add("patience %s: want 0s to 10m", c.Patience)
	}
	return errors.Join(errs...)
}

func (c Config) validateAddress(address string) error {
	u, err := door.CheckURL(address, c.Plaintext)
	if err == nil && !hostForm.MatchString(u.Hostname()) {
		err = fmt.Errorf("%q: The Things Stack takes host names and IPv4 addresses only", u.String())
	}
	return err
}

// site is one of the four registries.
type site struct {
	part string // what people call it
	base string // URL in front of "/applications/…"
	host string // how devices name it
	gets string // the fields that are asked for, as a field mask
}

// sites are the four registries in the order in which devices are written to them.
type sites struct{ identity, join, network, application site }

// sites gives the registries. The paths are those of the google.api.http options in
// api/ttn/lorawan/v3, the fields are among those that pkg/ttnpb/field_mask_validation.go
// allows for Get in each of them.
func (c Config) sites() sites {
	make := func(part, address, prefix, gets string) site {
		address = strings.TrimRight(cmp.Or(address, c.Address), "/")
		host := ""
		if u, err := url.Parse(address); err == nil {
			host = u.Hostname()
		}
		return site{part: part, base: address + "/api/v3" + prefix, host: host, gets: "ids.device_id,ids.dev_eui,ids.join_eui," + gets}
	}
	return sites{
		identity: make("identity server", c.IdentityServer, "",
			"name,description,attributes,network_server_address,application_server_address,join_server_address"),
		join: make("join server", c.JoinServer, "/js",
			"network_server_address,application_server_address,application_server_kek_label,root_keys.app_key.key,root_keys.nwk_key.key"),
		network: make("network server", c.NetworkServer, "/ns",
			"supports_join,lorawan_version,lorawan_phy_version,frequency_plan_id,supports_class_b,supports_class_c"),
		application: make("application server", c.ApplicationServer, "/as",
			"skip_payload_crypto_override"),
	}
}
