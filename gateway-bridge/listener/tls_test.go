package listener

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city/door"
	"meldefunk/city/door/doortest"
)

// With client certificates nobody comes in without one that is good, and each network server
// only with its own.
func TestClientCertificates(t *testing.T) {
	gate, cfg := doortest.NewGate(t), DefaultConfig()
	cfg.TLS = gate.TLS
	both, alone := lab(t), lab(t)
	both.Certificate = "lns.example.org"
	alone.Server, alone.Username, alone.Certificate = "alone", "", "application-1"
	st := openAs(t, cfg, []Publisher{both, alone})
	st.Commit()
	// publish gives an error unless a message was acknowledged.
	publish := func(t *testing.T, username string, config *tls.Config) error {
		o := st.options().SetUsername(username)
		if username == "" {
			o.SetPassword("")
		}
		o.Servers = nil
		o.AddBroker("mqtts://" + st.address).SetTLSConfig(config)
		client := mqtt.NewClient(o)
		defer client.Disconnect(0)
		if token := client.Connect(); token.WaitTimeout(patience) && token.Error() != nil {
			return token.Error()
		}
		token := client.Publish(topic, 1, false, "x")
		if !token.WaitTimeout(patience) {
			t.Error("no answer")
		}
		return token.Error()
	}
	for name, test := range map[string]struct {
		username string
		config   *tls.Config
		refused  bool
	}{
		"alternative name":         {"lab", gate.Client("x", "lns.example.org"), false},
		"certificate alone":        {"", gate.Client("application-1"), false},
		"another's certificate":    {"lab", gate.Client("other.example.org"), true},
		"no password":              {"", gate.Client("lns.example.org"), true},
		"nobody's certificate":     {"", gate.Client("application-2"), true},
		"password of somebody":     {"root", gate.Client("lns.example.org"), true},
		"the name in another case": {"", gate.Client("Application-1"), true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := publish(t, test.username, test.config); (err != nil) != test.refused {
				t.Errorf("%v; want refused: %v", err, test.refused)
			}
		})
	}
	gate.Try(t, "lns.example.org", func(t *testing.T, client *tls.Config) error { return publish(t, "lab", client) })
	t.Run("without TLS", func(t *testing.T) {
		c := st.raw(version311)
		c.write(hello{version: version311, id: "x", username: "lab", password: secret}.packet())
		if kind, packet, err := c.read(); err == nil && kind == typeConnack {
			t.Errorf("CONNACK %x", packet)
		}
	})
}

func TestConfigProblems(t *testing.T) {
	file := func(name, text string) string { return doortest.File(t, name, text) }
	ours := doortest.NewAuthority(t, "ours")
	cert, key := ours.Issue("x", 2, time.Now().Add(time.Hour))
	pair := door.TLS{CertFile: file("c.pem", cert), KeyFile: file("c.key", key)}
	asking := pair
	asking.ClientCAFile = file("ca.pem", ours.PEM)
	good := lab(t)
	certified := func(server, name string) Publisher { return Publisher{Server: server, Certificate: name} }
	for name, test := range map[string]struct {
		change func(*Config)
		others []Publisher
		want   string // "": none
	}{
		"good":                  {func(*Config) {}, nil, ""},
		"every address":         {func(c *Config) { c.Listen = ":1883" }, nil, "can be reached from the network"},
		"plaintext accepted":    {func(c *Config) { c.Listen, c.Plaintext = ":1883", "accepted" }, nil, ""},
		"with TLS":              {func(c *Config) { c.Listen, c.TLS = ":8883", pair }, nil, ""},
		"no port":               {func(c *Config) { c.Listen = "127.0.0.1" }, nil, "want host and port"},
		"half a pair":           {func(c *Config) { c.TLS.CertFile = "x" }, nil, "tls: cert_file and key_file: give both or neither"},
		"clients alone":         {func(c *Config) { c.TLS.ClientCAFile = "x" }, nil, "tls: client_ca_file has no effect"},
		"no such file":          {func(c *Config) { c.TLS = door.TLS{CertFile: "none", KeyFile: "none"} }, nil, "tls.cert_file, tls.key_file: open none"},
		"no connections":        {func(c *Config) { c.MaxConnections = 0 }, nil, "max_connections: 0: want 1 to 4096"},
		"keep-alive":            {func(c *Config) { c.KeepAlive = time.Second }, nil, "keep_alive: 1s: want 5s to 1h0m0s"},
		"same username":         {func(*Config) {}, []Publisher{{Server: "two", Username: "lab", Password: good.Password}}, `network server two: listen.username: "lab" is that of network server lab, too`},
		"short password":        {func(*Config) {}, []Publisher{{Server: "two", Username: "two", Password: door.Secret{File: file("short", "fifteen bytes..")}}}, "a password of 15 bytes keeps nobody out: want at least 16"},
		"no password":           {func(*Config) {}, []Publisher{{Server: "two", Username: "two", Password: door.Secret{Env: "MELDEFUNK_NO_SUCH"}}}, "network server two: listen.password_env: MELDEFUNK_NO_SUCH"},
		"certificate not asked": {func(*Config) {}, []Publisher{certified("two", "a")}, "listen.client_certificate: nobody is asked for one: give mqtt_listener.tls.client_ca_file"},
		"certificates":          {func(c *Config) { c.TLS = asking }, []Publisher{certified("two", "a"), certified("three", "b")}, ""},
		"same certificate":      {func(c *Config) { c.TLS = asking }, []Publisher{certified("two", "a"), certified("three", "a")}, `network server three: listen.client_certificate: "a" is that of network server two, too`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			test.change(&cfg)
			_, err := New(cfg, append([]Publisher{good}, test.others...), nil, time.Now, zerolog.Nop(), prometheus.NewRegistry())
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
