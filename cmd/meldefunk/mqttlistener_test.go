package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const listenerPassword = "a-password-that-only-tests-know"

// listenerConfig has network servers that publish to us, on an address that stays the same
// when the platform starts again. Each logs in with its own name.
func listenerConfig(t *testing.T, servers map[string]string) (config, address string) {
	t.Helper()
	address = "127.0.0.1:" + freePort(t)
	config = fmt.Sprintf("road: {max_backlog: 876000h}\nmqtt_listener: {listen: %q}\nnetwork_servers:\n", address)
	for name, dialect := range servers {
		config += fmt.Sprintf("  - {name: %s, dialect: %s, listen: {username: %s, password_file: DIR/password, topics: ['#']}}\n", name, dialect, name)
	}
	return config, address
}

// publisher is a network server that publishes to us with QoS 1, keeps what is not
// acknowledged on its disk, and repeats it whenever it has a connection again.
func publisher(t *testing.T, address, server string) mqtt.Client {
	t.Helper()
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("mqtt://" + address).SetProtocolVersion(4).
		SetClientID(server).SetUsername(server).SetPassword(listenerPassword).
		SetCleanSession(false).SetStore(mqtt.NewFileStore(t.TempDir())).
		SetAutoReconnect(true).SetMaxReconnectInterval(100 * time.Millisecond).SetConnectRetry(true).SetConnectRetryInterval(100 * time.Millisecond))
	awaitToken(t, client.Connect())
	t.Cleanup(func() { client.Disconnect(100) })
	return client
}

func awaitToken(t *testing.T, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(time.Minute) {
		t.Fatal("no answer from the listener")
	}
	if err := token.Error(); err != nil {
		t.Fatal(err)
	}
}

// awaitAcross is awaitToken for a publisher whose listener is killed: a message that was being
// written just then ends with that error, and is repeated with the others all the same.
func awaitAcross(t *testing.T, token mqtt.Token) {
	t.Helper()
	if broken := (*net.OpError)(nil); token.WaitTimeout(time.Minute) && errors.As(token.Error(), &broken) {
		return
	}
	awaitToken(t, token)
}

// TestListenerRecordings publishes straight to the platform what the network servers once
// published, and wants the same readings as TestRecordings; a second time, and nothing new.
func TestListenerRecordings(t *testing.T) {
	servers := map[string]string{}
	for _, r := range recordings {
		servers[r.server] = r.dialect
	}
	config, address := listenerConfig(t, servers)
	files := recordedFiles()
	files["password"] = listenerPassword
	p := newPlatform(t, buildBinary(t, true), config+"inventory: [DIR/devices.csv]\nrules: DIR/rules.yaml\n", files)
	p.start()
	published := 0
	publishAll := func() {
		for _, r := range recordings {
			client := publisher(t, address, r.server)
			var tokens []mqtt.Token
			for i, m := range r.messages(t) {
				tokens = append(tokens, client.Publish(m.topic, byte(1+i%2), false, m.body))
				published++
			}
			for _, token := range tokens {
				awaitToken(t, token)
			}
			client.Disconnect(100)
		}
	}
	publishAll()
	want := map[string]float64{
		"meldefunk_road_acknowledged_total":                           float64(published),
		`meldefunk_road_frames_total{fate="read"}`:                    111,
		`meldefunk_road_frames_total{fate="empty"}`:                   6,
		`meldefunk_road_frames_total{fate="aside"}`:                   6,
		`meldefunk_road_repeats_total`:                                2,
		`meldefunk_road_set_aside_total{reason="unknown_device"}`:     32,
		`meldefunk_bridge_messages_total{event="up",server="things"}`: 59,
		`meldefunk_listener_in_flight`:                                0,
	}
	p.wantMetrics(30*time.Second, want)
	publishAll()
	p.wantMetrics(30*time.Second, map[string]float64{
		"meldefunk_road_acknowledged_total":        float64(published),
		`meldefunk_road_frames_total{fate="read"}`: 111,
	})
	p.stop()
	sqliteHas(t, p, expectedReadings(t))
}

// TestListenerCrashes kills the platform again and again while a network server publishes
// straight to it, so also between commits and their PUBACKs. What is kept must be what an
// undisturbed run over a broker keeps.
func TestListenerCrashes(t *testing.T) {
	long(t, "half a minute")
	const kills, most, ahead = 5, 2000, 200
	messages, town := traffic(t)
	messages = messages[:min(len(messages), most)]
	binary := buildBinary(t, false)
	files := map[string]string{"devices.csv": inventoryFile(town), "password": listenerPassword}
	config, address := listenerConfig(t, map[string]string{"city": "chirpstack-v4"})
	p := newPlatform(t, binary, config+"inventory: [DIR/devices.csv]\n", files)
	p.start()
	client := publisher(t, address, "city")
	unacknowledged := 0
	var waiting []mqtt.Token
	for i, m := range messages {
		if len(waiting) == ahead {
			awaitAcross(t, waiting[0])
			waiting = waiting[1:]
		}
		waiting = append(waiting, client.Publish(m.topic, 1, false, m.body))
		if (i+1)%(len(messages)/(kills+1)) == 0 && i < len(messages)-ahead {
			unacknowledged += len(slices.DeleteFunc(slices.Clone(waiting), func(t mqtt.Token) bool {
				select {
				case <-t.Done():
					return true
				default:
					return false
				}
			}))
			p.kill()
			p.launch()
		}
	}
	for _, token := range waiting {
		awaitAcross(t, token)
	}
	p.stop()
	t.Logf("%d messages, %d kills with %d unacknowledged", len(messages), kills, unacknowledged)
	if unacknowledged < kills {
		t.Error("the kills disturbed nobody: the test says nothing")
	}
	sameAsUndisturbed(t, p, files, messages)
}
