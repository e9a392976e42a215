package access

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"

	"meldefunk/city/door"
	"meldefunk/city/visitor"
)

// Config is the section "access" of the configuration file. With users_file or openid people
// have to log in; without both nobody has to.
type Config struct {
	UsersFile  string `yaml:"users_file"`  // people with passwords; meldefunk user writes it
	TokensFile string `yaml:"tokens_file"` // of programs; meldefunk token writes it

	// Idle is how long somebody stays logged in who does nothing, Longest how long at all.
	Idle    time.Duration `yaml:"idle"`
	Longest time.Duration `yaml:"longest"`

	// Proxies are the addresses that proxies in front have. Of a request from one of them,
	// X-Forwarded-For tells whose it is; the limit to guessing needs that.
	Proxies []string `yaml:"proxies"`

	OpenID OpenID `yaml:"openid"`

	// UseFile keeps when tokens were used last; empty: nothing does. It is no setting.
	UseFile string `yaml:"-"`
}

// OpenID is a provider of OpenID Connect.
type OpenID struct {
	Issuer           string     `yaml:"issuer"` // https://login.example.org/realms/stadt
	Name             string     `yaml:"name"`   // on the button: "Stadt Osnabrück"
	ClientID         string     `yaml:"client_id"`
	ClientSecretFile string     `yaml:"client_secret_file"` // neither: a public client
	ClientSecretEnv  string     `yaml:"client_secret_env"`
	CAFile           string     `yaml:"ca_file"` // whose certificates the provider's is signed with; empty: the system's
	Address          string     `yaml:"address"` // of the board as browsers call it: https://board.example.org
	Scopes           []string   `yaml:"scopes"`  // beside openid and profile
	NameClaim        string     `yaml:"name_claim"`
	RolesClaim       string     `yaml:"roles_claim"` // with dots into objects: realm_access.roles
	Roles            []RoleRule `yaml:"roles"`       // the first that fits counts
}

// RoleRule gives a role to people whose roles claim has a value.
type RoleRule struct {
	Value string       `yaml:"value"`
	Role  visitor.Role `yaml:"role"`
}

// DefaultConfig lets a shift pass without a word, and wants a login each day. Nobody has to
// log in.
func DefaultConfig() Config {
	return Config{Idle: 8 * time.Hour, Longest: 24 * time.Hour, OpenID: OpenID{NameClaim: "name", RolesClaim: "roles"}}
}

// Wanted tells whether people have to log in.
func (c Config) Wanted() bool { return c.UsersFile != "" || c.OpenID.Issuer != "" }

// returnPath is where a provider sends browsers back to; the board has a route of this name.
const returnPath = "/anmelden/openid"

// Bounds of sessions.
const (
	shortestIdle   = time.Minute
	longestSession = 31 * 24 * time.Hour
)

// Validate gives every problem, joined, or nil. It does not open files.
func (c Config) Validate() error {
	var errs []error
	problem := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.TokensFile != "" && !c.Wanted() {
		problem("tokens_file has no effect where nobody has to log in: give users_file or openid")
	}
	if c.Idle < shortestIdle || c.Idle > c.Longest {
		problem("idle: %s: want from %s to longest, %s", c.Idle, shortestIdle, c.Longest)
	}
	if c.Longest > longestSession {
		problem("longest: %s: want at most %s", c.Longest, longestSession)
	}
	for i, p := range c.Proxies {
		if _, err := netip.ParseAddr(p); err != nil {
			problem("proxies[%d]: %.60q: want an address, like 127.0.0.1", i, p)
		}
	}
	if c.OpenID.Issuer != "" {
		errs = append(errs, c.OpenID.validate())
	}
	return errors.Join(errs...)
}

func (o OpenID) validate() error {
	var errs []error
	problem := func(format string, args ...any) { errs = append(errs, fmt.Errorf("openid: "+format, args...)) }
	if err := checkURL(o.Issuer, true); err != nil {
		problem("issuer: %w", err)
	}
	if err := checkURL(o.Address, false); err != nil {
		problem("address: %w", err)
	}
	if o.ClientID == "" {
		problem("client_id: missing")
	}
	if o.ClientSecretFile != "" && o.ClientSecretEnv != "" {
		problem("client_secret_file, client_secret_env: give one of them")
	}
	if o.NameClaim == "" || o.RolesClaim == "" {
		problem("name_claim, roles_claim: give both")
	}
	if len(o.Roles) == 0 {
		problem("roles: missing: nobody would have a role")
	}
	for i, r := range o.Roles {
		if _, err := visitor.ParseRole(string(r.Role)); err != nil {
			problem("roles[%d]: %w", i, err)
		}
		if r.Value == "" {
			problem("roles[%d]: value: missing: want what the claim has, like meldefunk-disposition", i)
		}
	}
	return errors.Join(errs...)
}

// checkURL wants https, or http at this machine.
func checkURL(text string, path bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%.100q: want an address like https://login.example.org", text)
	case !path && u.Path != "":
		return fmt.Errorf("%.100q: want it without a path, like https://board.example.org", text)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return fmt.Errorf("%.100q: want https: everybody on the way could log in", text)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// secret reads the client's secret; "" of a public client.
func (o OpenID) secret() (string, error) {
	if o.ClientSecretFile == "" && o.ClientSecretEnv == "" {
		return "", nil
	}
	return door.Secret{File: o.ClientSecretFile, Env: o.ClientSecretEnv}.Read("client_secret")
}
