package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meldefunk/gateway-bridge/brokertest"
)

// TestBrokerThatForgets runs the platform twice at a broker that keeps nothing, with a
// publisher of QoS 0 the second time: both are told of on /readyz, and the platform is ready.
func TestBrokerThatForgets(t *testing.T) {
	broker := brokertest.Start(t, brokertest.WithLine("persistence false"))
	config := fmt.Sprintf("network_servers:\n  - {name: ns, dialect: chirpstack-v4, broker: %q}\n", broker.URL())
	p := newPlatform(t, buildBinary(t, true), config+"inventory: [DIR/devices.csv]\nrules: DIR/rules.yaml\n", recordedFiles())
	p.start()
	ready := func() string {
		t.Helper()
		text, err := p.get("/readyz")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if text := ready(); strings.Contains(text, "forgotten") || strings.Contains(text, "QoS 0") {
		t.Errorf("at first: %s", text)
	}
	p.stop()
	broker.Restart()
	p.start()
	client := broker.Client("network-server")
	p.eventually(10*time.Second, "warnings on /readyz", func() error {
		client.Publish("application/1/device/a840410001810001/event/integration", 0, false, "{}").Wait()
		if text := ready(); !strings.Contains(text, "the broker has forgotten the session") || !strings.Contains(text, "messages come with QoS 0") {
			return fmt.Errorf("%s", text)
		}
		return nil
	})
	if n := strings.Count(p.log.String(), "messages come with QoS 0"); n != 1 {
		t.Errorf("said %d times in the log", n)
	}
}
