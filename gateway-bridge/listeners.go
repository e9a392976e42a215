package bridge

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city/door"
	"meldefunk/gateway-bridge/listener"
)

// ListenConfig is how a network server that publishes straight to us shows who it is, and
// what it may publish to.
type ListenConfig struct {
	// Username and password are what it logs in with. PasswordFile holds the password,
	// alone, of at least 16 bytes; PasswordEnv names an environment variable that does. The
	// file is read for each login.
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
	PasswordEnv  string `yaml:"password_env"`
	// ClientCertificate is a name its client certificate must bear: the common name or an
	// alternative one. It may stand in place of username and password.
	ClientCertificate string `yaml:"client_certificate"`
	// Topics are topic filters it may publish to; default: the dialect's.
	Topics []string `yaml:"topics"`
}

// listenProblems are those of a network server that publishes to us; c is as it was given.
func (c Config) listenProblems() (problems []error) {
	problem := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("listen: "+format, args...))
	}
	if c.Broker != "" || c.Webhook != nil {
		problem("broker, webhook: give one of them; a second way is a second network server with a name of its own")
	} else if c.ofBroker() {
		problem("plaintext, client_id, username, password_file, password_env, tls, topics and keep_alive are of a broker: leave them out, or put them below listen")
	}
	l := c.Listen
	switch password := l.PasswordFile != "" || l.PasswordEnv != ""; {
	case l.PasswordFile != "" && l.PasswordEnv != "":
		problem("password_file, password_env: give one of them")
	case l.Username != "" && !password:
		problem("password_file, password_env: give one of them: whoever may publish can make readings")
	case l.Username == "" && password:
		problem("username: missing; MQTT sends a password only along with one")
	case l.Username == "" && l.ClientCertificate == "":
		problem("username, client_certificate: give at least one of them: whoever may publish can make readings")
	}
	for _, topic := range l.Topics {
		if err := checkFilter(topic); err != nil {
			problem("topics: %.80q: %w", topic, err)
		}
	}
	return problems
}

// NewListener makes the one MQTT server for all network servers that publish to us; nil if
// none does. It checks the configuration, including that the files it names can be read, and
// registers the metrics. It does not listen.
func NewListener(cfg listener.Config, servers []Config, offer Offer, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*listener.Server, error) {
	var publishers []listener.Publisher
	for _, c := range servers {
		if c.Listen == nil {
			continue
		}
		p, err := c.publisher(reg)
		if err != nil {
			return nil, err
		}
		publishers = append(publishers, p)
	}
	if len(publishers) == 0 {
		return nil, nil
	}
	s, err := listener.New(cfg, publishers, listener.Offer(offer), now, log, reg)
	if err != nil {
		return nil, fmt.Errorf("mqtt_listener: %w", err)
	}
	return s, nil
}

// publisher is this network server as the listener sees it.
func (c Config) publisher(reg prometheus.Registerer) (listener.Publisher, error) {
	if err := c.Validate(); err != nil {
		return listener.Publisher{}, err
	}
	d, understand, err := c.understanding(reg)
	if err != nil {
		return listener.Publisher{}, err
	}
	topics := c.Listen.Topics
	if len(topics) == 0 {
		topics = d.Topics()
	}
	return listener.Publisher{
		Server: c.Name, Username: c.Listen.Username, Password: door.Secret{File: c.Listen.PasswordFile, Env: c.Listen.PasswordEnv},
		Certificate: c.Listen.ClientCertificate, Topics: topics, MaxMessage: c.withDefaults().MaxMessage, Understand: understand,
	}, nil
}
