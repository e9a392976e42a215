package bridge

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"meldefunk/city/door"
)

// Config is one network server: an MQTT session at its broker, or a way for it to come to
// us. Fields left out have the values of DefaultConfig, also in a list.
type Config struct {
	// Name is what logs, metrics and stored uplinks call this network server: 1 to 40
	// letters, digits, '.', '_' and '-'. Changing it makes old and new uplinks differ.
	Name string `yaml:"name"`
	// Dialect is one of Dialects.
	Dialect string `yaml:"dialect"`
	// Broker is mqtt:// (also tcp://) or mqtts:// (also ssl://), host, and a port if it
	// is not 1883 or 8883.
	Broker string `yaml:"broker"`
	// Webhook takes the place of Broker and what belongs to it.
	Webhook *WebhookConfig `yaml:"webhook"`
	// Listen takes the place of Broker, too: it publishes straight to us.
	Listen *ListenConfig `yaml:"listen"`
	// Plaintext is "accepted" where a broker on another machine really has no TLS.
	Plaintext string `yaml:"plaintext"`
	// ClientID identifies the session at the broker, which keeps messages under this name
	// while the platform is away. Two clients with the same one throw each other out.
	// Default "meldefunk-" and Name.
	ClientID string `yaml:"client_id"`
	Username string `yaml:"username"`
	// PasswordFile holds the password, alone; PasswordEnv names an environment variable
	// that does. The file is read again at every connect, so a password can be changed
	// without a restart.
	PasswordFile string    `yaml:"password_file"`
	PasswordEnv  string    `yaml:"password_env"`
	TLS          TLSConfig `yaml:"tls"`
	// Topics replaces the dialect's topic filters.
	Topics []string `yaml:"topics"`
	// MaxMessage is in bytes, 1024 to 16777216; of larger messages only the head is kept.
	MaxMessage int `yaml:"max_message"`
	// KeepAlive is how long the line may be silent before it is tested, 5s to 1h. The
	// test has 10 seconds to succeed.
	KeepAlive time.Duration `yaml:"keep_alive"`
}

// TLSConfig says whom to trust and how to show who we are. All files are PEM and are read
// again at every connect.
type TLSConfig struct {
	CAFile     string `yaml:"ca_file"`     // default: the CAs of the system
	CertFile   string `yaml:"cert_file"`   // client certificate, with KeyFile
	KeyFile    string `yaml:"key_file"`    //
	ServerName string `yaml:"server_name"` // name in the broker's certificate; default: the host of Broker
}

const (
	smallestMaxMessage = 1 << 10
	largestMaxMessage  = 16 << 20
	shortestKeepAlive  = 5 * time.Second
	longestKeepAlive   = time.Hour
)

// DefaultConfig is what holds for fields left out.
func DefaultConfig() Config {
	return Config{MaxMessage: 256 << 10, KeepAlive: 30 * time.Second}
}

// withDefaults fills what was left out: a list in a YAML file is decoded over zero values.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	if c.MaxMessage == 0 {
		c.MaxMessage = d.MaxMessage
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = d.KeepAlive
	}
	if c.ClientID == "" {
		c.ClientID = "meldefunk-" + c.Name
	}
	return c
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,40}$`)

// Validate gives every problem, joined, or nil. It does not open files or the network.
func (c Config) Validate() error {
	_, known := dialect(c.Dialect)
	return errors.Join(c.problems(known)...)
}

func (c Config) problems(dialectKnown bool) (problems []error) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	given := c
	c = c.withDefaults()

	if !nameForm.MatchString(c.Name) {
		problem("name: %.60q: want 1 to 40 letters, digits, '.', '_' or '-'", c.Name)
	}
	if !dialectKnown {
		problem("dialect: unknown %.40q: want one of %s", c.Dialect, strings.Join(dialectNames(), ", "))
	}
	if c.MaxMessage < smallestMaxMessage || c.MaxMessage > largestMaxMessage {
		problem("max_message: %d: want %d to %d bytes", c.MaxMessage, smallestMaxMessage, largestMaxMessage)
	}
	if c.Webhook != nil {
		return append(problems, given.webhookProblems()...)
	}
	if c.Listen != nil {
		return append(problems, given.listenProblems()...)
	}
	if _, err := parseBroker(c.Broker); err != nil {
		problem("broker: %w", err)
	} else {
		problems = append(problems, c.transportProblems()...)
	}
	if c.Plaintext != "" && c.Plaintext != "accepted" {
		problem("plaintext: %.40q: the only value is \"accepted\"", c.Plaintext)
	}
	if len(c.ClientID) > 128 || strings.ContainsAny(c.ClientID, "/+#\x00") {
		problem("client_id: %.60q: want at most 128 bytes without '/', '+' and '#'", c.ClientID)
	}
	if c.PasswordFile != "" && c.PasswordEnv != "" {
		problem("password_file, password_env: give one of them")
	}
	if c.Username == "" && (c.PasswordFile != "" || c.PasswordEnv != "") {
		problem("username: missing; MQTT sends a password only along with one")
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		problem("tls: cert_file and key_file: give both or neither")
	}
	for _, topic := range c.Topics {
		if err := checkFilter(topic); err != nil {
			problem("topics: %.80q: %w", topic, err)
		}
	}
	if c.KeepAlive < shortestKeepAlive || c.KeepAlive > longestKeepAlive {
		problem("keep_alive: %v: want %v to %v, written with a unit as in 30s", c.KeepAlive, shortestKeepAlive, longestKeepAlive)
	}
	return problems
}

// OwnSession tells whether we go to the network server, and it does not come to us.
func (c Config) OwnSession() bool { return c.Webhook == nil && c.Listen == nil }

// ofBroker tells whether something is given that belongs to Broker.
func (c Config) ofBroker() bool {
	return c.Plaintext != "" || c.ClientID != "" || c.Username != "" || c.PasswordFile != "" || c.PasswordEnv != "" ||
		c.TLS != (TLSConfig{}) || len(c.Topics) > 0 || c.KeepAlive != 0 && c.KeepAlive != DefaultConfig().KeepAlive
}

// transportProblems are those of TLS against plaintext; the broker's URL is valid.
func (c Config) transportProblems() (problems []error) {
	b, _ := parseBroker(c.Broker)
	if !b.tls && c.TLS != (TLSConfig{}) {
		problems = append(problems, fmt.Errorf("tls: has no effect on %s: want mqtts://", c.Broker))
	}
	if !b.tls && !b.loopback() && c.Plaintext != "accepted" {
		problems = append(problems, fmt.Errorf("broker: %s: without TLS everybody on the way can read the password and write readings: want mqtts://, or, if that is known and accepted, plaintext: accepted", c.Broker))
	}
	return problems
}

// address is a broker's URL taken apart.
type address struct {
	tls        bool
	host, port string
}

func (a address) hostPort() string { return net.JoinHostPort(a.host, a.port) }

// loopback tells whether nothing leaves this machine on the way to the broker.
func (a address) loopback() bool {
	ip := net.ParseIP(a.host)
	return a.host == "localhost" || ip != nil && ip.IsLoopback()
}

// parseBroker reads the URL. Its errors do not quote it as long as a password may be in it.
func parseBroker(text string) (address, error) {
	if text == "" {
		return address{}, errors.New("missing: want mqtts://host or mqtt://host")
	}
	if strings.Contains(text, "@") {
		return address{}, errors.New("no user or password in the URL, it would end in logs: use username and password_file")
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return address{}, fmt.Errorf("%.100q: want mqtts://host:port or mqtt://host:port", text)
	}
	a := address{host: u.Hostname(), port: u.Port()}
	switch u.Scheme {
	case "mqtts", "ssl":
		a.tls = true
	case "mqtt", "tcp":
	default:
		return address{}, fmt.Errorf("%.100q: scheme %q: want mqtts, ssl, mqtt or tcp", text, u.Scheme)
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return address{}, fmt.Errorf("%.100q: nothing may follow host and port", text)
	}
	switch n, err := strconv.ParseUint(a.port, 10, 16); {
	case a.port != "" && (err != nil || n == 0):
		return address{}, fmt.Errorf("%.100q: port: want 1 to 65535", text)
	case a.port != "":
	case a.tls:
		a.port = "8883"
	default:
		a.port = "1883"
	}
	return a, nil
}

// checkFilter enforces MQTT 3.1.1 section 4.7.1: wildcards stand alone in their level, and
// '#' in the last one.
func checkFilter(filter string) error {
	if filter == "" || len(filter) > 65535 || strings.ContainsRune(filter, 0) {
		return errors.New("want 1 to 65535 bytes without NUL")
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch {
		case level == "#" && i == len(levels)-1, level == "+":
		case strings.ContainsAny(level, "#+"):
			return errors.New("'+' stands alone between slashes, '#' alone at the end")
		}
	}
	if levels[0] == "$share" && (len(levels) < 3 || levels[1] == "" || levels[2] == "") {
		return errors.New("want $share/group/filter")
	}
	return nil
}

// password reads the secret, "" when none is configured. Its errors name the place and
// never the content.
func (c Config) password() (string, error) {
	switch {
	case c.PasswordFile != "":
		b, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("password_file: %w", err)
		}
		secret := strings.TrimRight(string(b), "\r\n")
		if secret == "" {
			return "", fmt.Errorf("password_file: %s is empty", c.PasswordFile)
		}
		return secret, nil
	case c.PasswordEnv != "":
		secret := os.Getenv(c.PasswordEnv)
		if secret == "" {
			return "", fmt.Errorf("password_env: the environment variable %s is empty or not set", door.EnvName(c.PasswordEnv))
		}
		return secret, nil
	}
	return "", nil
}
