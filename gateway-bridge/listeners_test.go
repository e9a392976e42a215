package bridge

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/gateway-bridge/listener"
	"meldefunk/gateway-bridge/roadtest"
)

func TestListenProblems(t *testing.T) {
	good := func() Config {
		return Config{Name: "lns", Dialect: "chirpstack-v4", Listen: &ListenConfig{Username: "lns", PasswordEnv: "P"}}
	}
	validates(t, good, map[string]flaw{
		"good":              {func(*Config) {}, ""},
		"certificate alone": {func(c *Config) { *c.Listen = ListenConfig{ClientCertificate: "a"} }, ""},
		"both":              {func(c *Config) { c.Listen.ClientCertificate = "a" }, ""},
		"nothing":           {func(c *Config) { *c.Listen = ListenConfig{} }, "username, client_certificate: give at least one"},
		"no password":       {func(c *Config) { c.Listen.PasswordEnv = "" }, "password_file, password_env: give one of them: whoever"},
		"two passwords":     {func(c *Config) { c.Listen.PasswordFile = "f" }, "password_file, password_env: give one of them"},
		"no username":       {func(c *Config) { c.Listen.Username = "" }, "username: missing"},
		"broker too":        {func(c *Config) { c.Broker = "mqtts://h" }, "listen: broker, webhook: give one of them"},
		"session too":       {func(c *Config) { c.Username = "x" }, "are of a broker"},
		"topic":             {func(c *Config) { c.Listen.Topics = []string{"a#"} }, `topics: "a#"`},
		"name":              {func(c *Config) { c.Name = "" }, "name: "},
	})
	if _, err := New(good(), nil, time.Now, zerolog.Nop(), prometheus.NewRegistry()); err == nil {
		t.Error("a session with a network server that comes to us")
	}
	both := good()
	both.Webhook = &WebhookConfig{TokenEnv: "P"}
	if both.Validate() == nil {
		t.Error("webhook and listen together")
	}
	if s, err := NewListener(listener.DefaultConfig(), []Config{{Name: "a", Dialect: "chirpstack-v4", Broker: "mqtts://h"}}, nil, time.Now, zerolog.Nop(), prometheus.NewRegistry()); s != nil || err != nil {
		t.Errorf("nobody publishes: %v, %v", s, err)
	}
	if _, err := NewListener(listener.DefaultConfig(), []Config{good()}, nil, time.Now, zerolog.Nop(), prometheus.NewRegistry()); err == nil || !strings.Contains(err.Error(), "mqtt_listener: network server lns: listen.password_env: P") {
		t.Errorf("no password there: %v", err)
	}
}

// What a network server publishes is understood in its dialect, and counted as its own.
func TestListenUnderstands(t *testing.T) {
	const password = "a-password-that-only-tests-know"
	t.Setenv("P", password)
	registry := prometheus.NewRegistry()
	arrivals := make(chan city.Arrival, 2)
	offer := func(_ context.Context, a city.Arrival) error {
		a.Acker.Ack()
		arrivals <- a
		return nil
	}
	s, err := NewListener(listener.DefaultConfig(), []Config{
		{Name: "lns", Dialect: "chirpstack-v4", Listen: &ListenConfig{Username: "lns", PasswordEnv: "P"}},
		{Name: "ttn", Dialect: "the-things-stack-v3", Listen: &ListenConfig{Username: "ttn", PasswordEnv: "P"}},
	}, offer, time.Now, zerolog.Nop(), registry)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	roadtest.Serve(t, func(ctx context.Context) error { return s.Serve(ctx, ln) })
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("mqtt://" + ln.Addr().String()).SetUsername("lns").SetPassword(password).SetAutoReconnect(false))
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	defer client.Disconnect(100)
	const up = `{"deduplicationId":"40f28d21-c120-4be8-b15e-7df7bb66529f","deviceInfo":{"devEui":"a840410001810001"},"devAddr":"01020304","fCnt":1,"fPort":2,"data":"AQ=="}`
	client.Publish("application/1/device/a840410001810001/event/up", 1, false, up).Wait()
	client.Publish("application/1/device/a840410001810001/event/up", 1, false, "{").Wait()
	if a := <-arrivals; a.Event.Kind != city.EventUp || a.Message.Server != "lns" || a.Event.Uplink.FCnt != 1 {
		t.Errorf("%+v", a)
	}
	if a := <-arrivals; a.Err == nil {
		t.Errorf("%+v", a)
	}
	if token := client.Publish("v3/app/devices/dev/up", 1, false, "{}"); !token.WaitTimeout(patience) || token.Error() == nil {
		t.Error("published under another network server's topic")
	}
	const want = `# HELP meldefunk_listener_refused_total Messages refused because their topic is not one of their network server.
# TYPE meldefunk_listener_refused_total counter
meldefunk_listener_refused_total{server="lns"} 1
meldefunk_listener_refused_total{server="ttn"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "meldefunk_listener_refused_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}
