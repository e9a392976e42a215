package bridge

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city/door"
	"meldefunk/gateway-bridge/webhook"
)

// WebhookConfig is where a network server posts, and what it shows to be let in.
type WebhookConfig struct {
	// Path begins with "/"; default: "/" and the network server's name.
	Path string `yaml:"path"`
	// TokenFile holds the token, alone, of at least 16 bytes; TokenEnv names an environment
	// variable that does. The file is read for each post.
	TokenFile string `yaml:"token_file"`
	TokenEnv  string `yaml:"token_env"`
	// Username makes it HTTP basic authentication, Header a header of this name; without
	// them it is "Authorization: Bearer" and the token.
	Username string `yaml:"username"`
	Header   string `yaml:"header"`
}

var (
	pathForm   = regexp.MustCompile(`^(/[A-Za-z0-9._-]{1,40}){1,4}$`)
	headerForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,60}$`)
)

// path gives where the network server posts.
func (c Config) path() string {
	if c.Webhook.Path != "" {
		return c.Webhook.Path
	}
	return "/" + c.Name
}

// webhookProblems are those of a network server with a webhook; c is as it was given.
func (c Config) webhookProblems() (problems []error) {
	problem := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("webhook: "+format, args...))
	}
	if c.Broker != "" || c.Listen != nil {
		problem("broker, listen: give one of them; a second way is a second network server with a name of its own")
	} else if c.ofBroker() {
		problem("plaintext, client_id, username, password_file, password_env, tls, topics and keep_alive are of a broker: leave them out")
	}
	w := c.Webhook
	if w.Path != "" && !pathForm.MatchString(w.Path) || strings.Contains(w.Path, "..") {
		problem("path: %.100q: want one like /stadtwerke of letters, digits, '.', '_' and '-'", w.Path)
	}
	if (w.TokenFile == "") == (w.TokenEnv == "") {
		problem("token_file, token_env: give one of them: whoever may post can make readings")
	}
	if w.Username != "" && w.Header != "" {
		problem("username, header: give one of them")
	}
	if strings.Contains(w.Username, ":") {
		problem("username: %.60q: a ':' cannot be told from the one before the password", w.Username)
	}
	if w.Header != "" && !headerForm.MatchString(w.Header) {
		problem("header: %.80q: want a name of letters, digits and '-'", w.Header)
	}
	return problems
}

// NewWebhooks makes the one HTTP server for all network servers that have a webhook; nil if
// none has. It checks the configuration, including that the files it names can be read, and
// registers the metrics. It does not listen.
func NewWebhooks(listener webhook.Config, servers []Config, offer Offer, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*webhook.Server, error) {
	var hooks []webhook.Hook
	for _, c := range servers {
		if c.Webhook == nil {
			continue
		}
		hook, err := c.hook(reg)
		if err != nil {
			return nil, err
		}
		hooks = append(hooks, hook)
	}
	if len(hooks) == 0 {
		return nil, nil
	}
	s, err := webhook.New(listener, hooks, webhook.Offer(offer), now, log, reg)
	if err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	return s, nil
}

// hook is where this network server posts.
func (c Config) hook(reg prometheus.Registerer) (webhook.Hook, error) {
	if err := c.Validate(); err != nil {
		return webhook.Hook{}, err
	}
	_, understand, err := c.understanding(reg)
	if err != nil {
		return webhook.Hook{}, err
	}
	return webhook.Hook{
		Server: c.Name, Path: c.path(), MaxBody: c.withDefaults().MaxMessage,
		Secret:     webhook.Secret{Secret: door.Secret{File: c.Webhook.TokenFile, Env: c.Webhook.TokenEnv}, Username: c.Webhook.Username, Header: http.CanonicalHeaderKey(c.Webhook.Header)},
		Understand: understand,
	}, nil
}
