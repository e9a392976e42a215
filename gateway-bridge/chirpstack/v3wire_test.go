package chirpstack

import (
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"meldefunk/city"
)

// v3Start opens an event; its address belongs to a number that depends on the event.
func v3Start(devAddr protowire.Number) pb {
	return pb(nil).num(1, 1).str(4, "\xa8\x40\x41\x00\x01\x81\x00\x01").str(devAddr, "\x01\x65\xc9\x04")
}

func v3Up() pb { return v3Start(15).msg(6, pb(nil).num(1, 868100000)) }

func TestV3UnderstandsVariantsInProtobuf(t *testing.T) {
	at := func(second uint64) pb { return pb(nil).num(1, 1795252612+second) }
	tests := []struct {
		name  string
		body  pb
		check func(u city.Uplink) bool
	}{
		{"nothing but what must be", v3Up(), func(u city.Uplink) bool {
			return u.Session == "0165c904" && u.FCnt == 0 && u.FPort == 0 && len(u.Payload) == 0 && u.Time == city.Stamp{} && u.Radio.HasDataRate
		}},
		{"largest counter, port and payload", v3Up().num(9, math.MaxUint32).num(10, 255).num(14, 1).str(11, repeat("x", 242)), func(u city.Uplink) bool {
			return u.FCnt == math.MaxUint32 && u.FPort == 255 && u.Confirmed && len(u.Payload) == 242
		}},
		{"the earliest gateway time", v3Up().msg(16, at(9)).msg(5, pb(nil).msg(2, at(3))).msg(5, pb(nil).msg(2, at(2))).msg(5, nil), func(u city.Uplink) bool {
			return u.Time == city.Stamp{At: time.Unix(1795252614, 0).UTC(), Source: city.TimeGateway} && u.Radio.Gateways == 3
		}},
		{"no gateway told a time", v3Up().msg(16, at(9)).msg(5, nil), func(u city.Uplink) bool {
			return u.Time == city.Stamp{At: time.Unix(1795252621, 0).UTC(), Source: city.TimeServer}
		}},
		{"FSK", v3Up().num(8, 7).msg(6, pb(nil).msg(4, pb(nil).num(2, 50000))), func(u city.Uplink) bool {
			return u.Radio.SpreadingFactor == 0 && u.Radio.DataRate == 7
		}},
		{"fields of no version", v3Up().num(500, 1).str(501, "x").f64(502, 1).num(9, 9), func(u city.Uplink) bool { return u.FCnt == 9 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev, err := V3{}.Parse(&city.Message{Topic: "application/1/device/" + devEUI1 + "/event/up", Body: tt.body})
			if err != nil {
				t.Fatal(err)
			}
			if !tt.check(ev.Uplink) {
				t.Errorf("got %+v", ev.Uplink)
			}
		})
	}
}

func TestV3RefusesProtobufWithAReason(t *testing.T) {
	const neither = ": neither JSON nor this event of ChirpStack v3"
	const noAddr = "devAddr is missing: with an application server " + v3Hint
	checkRefusals(t, V3{}, []refusal{
		{"of v4, where an address is as long as a DevEUI", "up", string(pb(nil).str(1, "40f28d21").str(4, "0165c904")), "as protobuf, applicationID at byte 2 has wire type 2, want 0" + neither},
		{"an array", "up", "[]", "as protobuf, wire type 3 at byte 0" + neither},
		{"cut off", "up", string(v3Up()[:20]), "as protobuf, cut off: the field at byte 18 reaches beyond byte 20"},
		{"no device", "status", "\x08\x01", "devEUI is missing: messages of ChirpStack v4 need dialect chirpstack-v4"},
		{"device of three bytes", "error", string(pb(nil).str(4, "abc")), "as protobuf, devEUI at byte 2 has 3 bytes: want 8"},
		{"another device than the topic", "status", string(pb(nil).str(4, "\xa8\x40\x41\x00\x01\x81\x00\x02")), "the message is of device a840410001810002, its topic of device a840410001810001"},
		{"application server of old", "up", string(v3Start(99).msg(6, nil)), noAddr},
		{"join without an address", "join", string(v3Start(99)), noAddr},
		{"address of two bytes", "up", string(v3Start(15).str(15, "ab")), "as protobuf, devAddr at byte 20 has 2 bytes: want 4"},
		{"not an uplink", "up", string(v3Start(15)), "txInfo is missing: this is not an uplink"},
		{"gateway of one byte", "up", string(v3Up().msg(5, pb(nil).str(1, "a"))), "as protobuf, rxInfo.gatewayID at byte 30 has 1 bytes: want 8"},
		{"uplink id of one byte", "up", string(v3Up().msg(5, pb(nil).str(16, "a"))), "as protobuf, rxInfo.uplinkID at byte 31 has 1 bytes: want 16"},
		{"SNR without end", "up", string(v3Up().msg(5, pb(nil).f64(6, math.Inf(-1)))), "as protobuf, rxInfo.loRaSNR at byte 29 is -Inf: want a number"},
		{"SNR beyond a float32", "up", string(v3Up().msg(5, pb(nil).f64(6, 1e300))), "as protobuf, rxInfo.loRaSNR at byte 29 is 1e+300: want a number"},
		{"RSSI out of range", "up", string(v3Up().msg(5, pb(nil).num(5, 99999))), "as protobuf, rxInfo.rssi at byte 29 is 99999: want a whole number from -32768 to 32767"},
		{"payload too long", "up", string(v3Up().str(11, repeat("x", 243))), "data has 243 bytes: LoRaWAN carries at most 242"},
		{"spreading factor", "up", string(v3Up().msg(6, pb(nil).msg(3, pb(nil).num(2, 13)))), "spreadingFactor is 13: want 5 to 12"},
		{"data rate", "up", string(v3Up().num(8, 256)), "as protobuf, dr at byte 27 is 256: want a whole number from 0 to 255"},
	})
}

func TestV3NamesTheTypesOfErrors(t *testing.T) {
	tests := []struct {
		name string
		body pb
		want string
	}{
		{"none is unknown", pb(nil).str(6, "text"), "UNKNOWN: text"},
		{"the last", pb(nil).num(5, 9).str(6, "TX_FREQ"), "DOWNLINK_GATEWAY: TX_FREQ"},
		{"one of no version", pb(nil).num(5, 10), "code 10: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev, err := V3{}.Parse(&city.Message{Topic: "error", Body: append(v3Start(99), tt.body...)})
			if got := ev.Code + ": " + ev.Detail; err != nil || got != tt.want {
				t.Errorf("got %q, %v: want %q", got, err, tt.want)
			}
		})
	}
}
