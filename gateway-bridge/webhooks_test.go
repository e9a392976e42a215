package bridge

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/gateway-bridge/roadtest"
	"meldefunk/gateway-bridge/webhook"
)

func TestWebhookProblems(t *testing.T) {
	good := func() Config {
		return Config{Name: "lns", Dialect: "chirpstack-v4", Webhook: &WebhookConfig{TokenEnv: "T"}}
	}
	validates(t, good, map[string]flaw{
		"good":             {func(*Config) {}, ""},
		"path":             {func(c *Config) { c.Webhook.Path = "/in/stadtwerke" }, ""},
		"path, relative":   {func(c *Config) { c.Webhook.Path = "in" }, `webhook: path: "in"`},
		"path, upwards":    {func(c *Config) { c.Webhook.Path = "/a/.." }, "webhook: path"},
		"path, slash last": {func(c *Config) { c.Webhook.Path = "/a/" }, "webhook: path"},
		"no token":         {func(c *Config) { c.Webhook.TokenEnv = "" }, "token_file, token_env: give one of them"},
		"two tokens":       {func(c *Config) { c.Webhook.TokenFile = "f" }, "token_file, token_env: give one of them"},
		"two ways":         {func(c *Config) { c.Webhook.Username, c.Webhook.Header = "a", "b" }, "username, header: give one of them"},
		"username":         {func(c *Config) { c.Webhook.Username = "a:b" }, `username: "a:b"`},
		"header":           {func(c *Config) { c.Webhook.Header = "X Key" }, `header: "X Key"`},
		"broker too":       {func(c *Config) { c.Broker = "mqtts://h" }, "webhook: broker, listen: give one of them"},
		"session too":      {func(c *Config) { c.Topics = []string{"a/#"} }, "are of a broker: leave them out"},
		"name":             {func(c *Config) { c.Name = "a b" }, `name: "a b"`},
		"message size":     {func(c *Config) { c.MaxMessage = 7 }, "max_message: 7"},
		"dialect":          {func(c *Config) { c.Dialect = "x" }, `dialect: unknown "x"`},
	})
	if _, err := New(good(), nil, time.Now, zerolog.Nop(), prometheus.NewRegistry()); err == nil {
		t.Error("a session with a network server that posts")
	}
	t.Setenv("T", "a-token-that-only-tests-know")
	same := func(path string) Config { c := good(); c.Name, c.Webhook.Path = c.Name+path[1:], path; return c }
	for name, test := range map[string]struct {
		servers []Config
		want    string // "": works
	}{
		"none":           {[]Config{{Name: "mqtt", Dialect: "chirpstack-v4", Broker: "mqtts://h"}}, ""},
		"two":            {[]Config{good(), same("/b")}, ""},
		"same path":      {[]Config{good(), same("/lns")}, "overlap"},
		"same name":      {[]Config{good(), good()}, "is the name taken twice?"},
		"token not told": {[]Config{{Name: "x", Dialect: "chirpstack-v4", Webhook: &WebhookConfig{TokenEnv: "MELDEFUNK_NO_SUCH"}}}, "network server x: webhook.token_env: MELDEFUNK_NO_SUCH"},
	} {
		t.Run("new, "+name, func(t *testing.T) {
			s, err := NewWebhooks(webhook.DefaultConfig(), test.servers, nil, time.Now, zerolog.Nop(), prometheus.NewRegistry())
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if (s == nil) != (name == "none" || err != nil) {
				t.Errorf("server %v", s)
			}
		})
	}
}

// The same post twice has the same identity, and counts as what it is.
func TestWebhookIdentity(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("a-token-that-only-tests-know"), 0o600); err != nil {
		t.Fatal(err)
	}
	var idents []uint64
	offer := func(_ context.Context, a city.Arrival) error {
		if a.Event.Kind != city.EventUp || a.Event.Uplink.Server != "lns" || a.Event.Uplink.Received.IsZero() {
			t.Errorf("arrival %+v, %v", a.Event, a.Err)
		}
		idents = append(idents, a.Event.Ident)
		a.Acker.Ack()
		return nil
	}
	registry := prometheus.NewRegistry()
	cfg := Config{Name: "lns", Dialect: "chirpstack-v4", Webhook: &WebhookConfig{Path: "/in", TokenFile: file, Header: "x-key"}}
	s, err := NewWebhooks(webhook.DefaultConfig(), []Config{cfg}, offer, time.Now, zerolog.Nop(), registry)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serving := roadtest.Serve(t, func(ctx context.Context) error { return s.Serve(ctx, ln) })

	client := &http.Client{Transport: new(http.Transport), Timeout: patience}
	const body = `{"deduplicationId":"40f28d21-c120-4be8-b15e-7df7bb66529f","deviceInfo":{"devEui":"a840410001810002"},"devAddr":"0165c904","fCnt":1,"fPort":85,"data":"AXVc"}`
	for range 2 {
		r, err := http.NewRequest(http.MethodPost, "http://"+ln.Addr().String()+"/in?event=up", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Key", "a-token-that-only-tests-know")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("answer %s", resp.Status)
		}
	}
	client.CloseIdleConnections()
	serving.Stop()
	if len(idents) != 2 || idents[0] != idents[1] || idents[0] == 0 {
		t.Errorf("identities %v, want two of the same", idents)
	}
	want := `# HELP meldefunk_webhook_requests_total Requests to webhooks, by network server (empty: a path of none) and status code of the answer.
# TYPE meldefunk_webhook_requests_total counter
meldefunk_webhook_requests_total{code="200",server="lns"} 2
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "meldefunk_webhook_requests_total"); err != nil {
		t.Error(err)
	}
}
