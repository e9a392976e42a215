// Package chirpstack understands what ChirpStack v4 and v3 publish about devices, and their
// gateways about frames, and puts it into the platform's words. V4, V3 and Gateway are the
// three dialects.
//
// It does not know MQTT, the inventory, what a payload means, or whether a time is
// plausible; it keeps nothing from one message to the next.
package chirpstack

import (
	"strings"

	"github.com/cespare/xxhash/v2"

	"meldefunk/city"
)

// filter matches the default topics of both versions, see their configuration files.
const filter = "application/+/device/+/event/+"

// maxPayload is the longest FRMPayload of any region, in bytes (RP002-1.0.4, EU868 DR 4
// and above without FOpts).
const maxPayload = 242

// eventOf gives the event a topic names: its last segment, because operators may change
// what stands before it. It is "" for the topics of gateways, whose events have the
// names of device events.
func eventOf(topic string) string {
	rest, event := cutLast(topic)
	rest, _ = cutLast(rest) // "event"
	rest, _ = cutLast(rest) // the gateway's or device's id
	if _, of := cutLast(rest); of == "gateway" {
		return ""
	}
	return event
}

// cutLast splits off the last segment of a topic.
func cutLast(topic string) (rest, last string) {
	i := strings.LastIndexByte(topic, '/')
	if i < 0 {
		return "", topic
	}
	return topic[:i], topic[i+1:]
}

// checkDevice compares the DevEUI of the body with the one in the topic, where a topic
// has one. If they differ somebody publishes for a device that is not theirs.
func checkDevice(devEUI city.EUI, topic string) error {
	_, rest, _ := strings.Cut(topic, "/device/")
	id, _, _ := strings.Cut(rest, "/")
	if len(id) != 16 {
		return nil
	}
	if named, err := city.ParseEUI(id); err == nil && named != devEUI {
		return malformed("the message is of device %v, its topic of device %v", devEUI, named)
	}
	return nil
}

// checkUplink refuses what no device can have sent and no gateway can be called.
func checkUplink(u *city.Uplink) error {
	if len(u.Payload) > maxPayload {
		return malformed("data has %d bytes: LoRaWAN carries at most %d", len(u.Payload), maxPayload)
	}
	if sf := u.Radio.SpreadingFactor; sf != 0 && (sf < 5 || sf > 12) {
		return malformed("spreadingFactor is %d: want 5 to 12", sf)
	}
	if err := checkGatewayID(u.Radio.Gateway); err != nil {
		return err
	}
	for i := range u.Heard {
		if err := checkGatewayID(u.Heard[i].Gateway); err != nil {
			return err
		}
	}
	return nil
}

func checkGatewayID(id string) error {
	if id != "" && !isHex(id, 16) {
		return malformed("a gateway is called %.40q: want 16 hex digits", id)
	}
	return nil
}

// isHex tells whether s is made of n hex digits.
func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// ident makes the identity of a delivery from what identifies it; it is never 0.
func ident(b []byte) uint64 { return max(1, xxhash.Sum64(b)) }
