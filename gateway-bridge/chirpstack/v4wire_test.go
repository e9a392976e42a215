package chirpstack

import (
	"math"
	"reflect"
	"testing"

	"meldefunk/city"
)

const devEUI1 = "a840410001810001"

func v4Start() pb { return pb(nil).str(1, "d").msg(3, pb(nil).str(8, devEUI1)) }

func TestV4UnderstandsVariantsInProtobuf(t *testing.T) {
	rx := func(gateway string, rssi int64, snr float32) pb {
		return pb(nil).str(1, gateway).num(6, uint64(rssi)).f32(7, snr)
	}
	tests := []struct {
		name  string
		body  pb
		check func(u city.Uplink) bool
	}{
		{"nothing but the device", v4Start(), func(u city.Uplink) bool {
			return u.FCnt == 0 && u.FPort == 0 && len(u.Payload) == 0 && u.Time == city.Stamp{} && u.Radio.Gateways == 0 && u.Radio.HasDataRate
		}},
		{"largest counter, port and payload", v4Start().num(7, math.MaxUint32).num(8, 255).num(9, 1).str(10, repeat("x", 242)), func(u city.Uplink) bool {
			return u.FCnt == math.MaxUint32 && u.FPort == 255 && u.Confirmed && len(u.Payload) == 242
		}},
		{"the best of three gateways", v4Start().msg(12, rx("7076ff0056000001", -60, -5)).msg(12, rx("7076ff0056000002", -110, 0)).msg(12, rx("7076ff0056000003", -50, -1)), func(u city.Uplink) bool {
			return u.Radio.Gateway == "7076ff0056000002" && u.Radio.RSSI == -110 && u.Radio.SNR == 0 && u.Radio.Gateways == 3
		}},
		{"time of a gateway by GPS only", v4Start().msg(2, pb(nil).num(1, 1795252612).num(2, 5e8)).msg(12, pb(nil).msg(4, pb(nil).num(1, 1479287830).num(2, 5e8))), func(u city.Uplink) bool {
			return u.Time.Source == city.TimeGPS && u.Time.At.UnixMilli() == 1795252612500
		}},
		{"time of the server", v4Start().msg(2, pb(nil).num(1, 1795252612)).msg(12, pb(nil).msg(17, pb(nil).num(1, 1))), func(u city.Uplink) bool {
			return u.Time.Source == city.TimeServer && u.Time.At.Unix() == 1795252612
		}},
		{"FSK", v4Start().num(6, 7).msg(13, pb(nil).num(1, 868800000).msg(2, pb(nil).msg(4, pb(nil).num(2, 50000)))), func(u city.Uplink) bool {
			return u.Radio.SpreadingFactor == 0 && u.Radio.DataRate == 7 && u.Radio.Frequency == 868800000
		}},
		{"fields of later versions", v4Start().num(500, 1).str(501, "x").f32(502, 1).f64(503, 1).num(7, 9), func(u city.Uplink) bool { return u.FCnt == 9 }},
		{"of a repeated field the last", v4Start().num(7, 1).num(7, 2), func(u city.Uplink) bool { return u.FCnt == 2 }},
		{"parts of a message merge", v4Start().msg(13, pb(nil).num(1, 868100000)).msg(13, pb(nil).msg(2, pb(nil).msg(3, pb(nil).num(2, 9)))), func(u city.Uplink) bool {
			return u.Radio.Frequency == 868100000 && u.Radio.SpreadingFactor == 9
		}},
		{"codec object a thousand deep", v4Start().msg(11, nested(1000)), func(u city.Uplink) bool { return u.FCnt == 0 }},
		{"an empty context of a join server", v4Start().msg(15, nil), func(u city.Uplink) bool { return u.Encrypted }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev, err := V4{}.Parse(&city.Message{Topic: "application/x/device/" + devEUI1 + "/event/up", Body: tt.body})
			if err != nil {
				t.Fatal(err)
			}
			if !tt.check(ev.Uplink) {
				t.Errorf("got %+v", ev.Uplink)
			}
		})
	}
}

// nested is a google.protobuf.Struct in a Struct and so on.
func nested(depth int) pb {
	var b pb
	for range depth {
		b = pb(nil).msg(1, pb(nil).str(1, "a").msg(2, pb(nil).msg(5, b)))
	}
	return b
}

func TestV4KeepsNothingOfAProtobufMessage(t *testing.T) {
	body := v4Start().str(4, "0165c904").str(10, "payload").msg(12, pb(nil).str(1, "7076ff0056000001"))
	m := city.Message{Topic: "up", Body: body}
	got, err := V4{}.Parse(&m)
	want, again := V4{}.Parse(&city.Message{Topic: "up", Body: append(pb(nil), body...)})
	if err != nil || again != nil {
		t.Fatal(err, again)
	}
	clear(body)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the event keeps bytes of the message:\n got %+v\nwant %+v", got, want)
	}
}

func TestV4RefusesProtobufWithAReason(t *testing.T) {
	const neither = ": neither JSON nor this event of ChirpStack v4"
	checkRefusals(t, V4{}, []refusal{
		{"an array", "up", "[]", "as protobuf, wire type 3 at byte 0" + neither},
		{"a text", "up", "hello", "as protobuf, txInfo at byte 1 has wire type 0, want 2" + neither},
		{"XML", "up", "<event/>", "as protobuf, wire type 4 at byte 0" + neither},
		{"of v3", "up", string(pb(nil).num(1, 1).str(2, "stadt-sensorik")), "as protobuf, deduplicationId at byte 1 has wire type 0, want 2" + neither},
		{"log on the topic of uplinks", "up", string(pb(nil).msg(1, pb(nil).num(1, 1)).msg(2, pb(nil).str(8, devEUI1))), "deviceInfo.devEui is missing: messages of ChirpStack v3 need dialect chirpstack-v3"},
		{"cut off in a tag", "up", "\x0a\x01d\x80", "as protobuf, cut off: the field at byte 3 reaches beyond byte 4"},
		{"cut off in a number", "up", "\x0a\x01d\x38\xff", "as protobuf, cut off: the field at byte 3 reaches beyond byte 5"},
		{"cut off in a string", "up", "\x0a\x24abc", "as protobuf, cut off: the field at byte 0 reaches beyond byte 5"},
		{"length of 2 GB", "up", "\x0a\x01d\x52\xff\xff\xff\xff\x07", "as protobuf, cut off: the field at byte 3 reaches beyond byte 9"},
		{"length beyond its message", "up", string(pb(nil).str(1, "d").msg(3, pb("\x42\x10a8"))), "as protobuf, cut off: the field at byte 5 reaches beyond byte 9"},
		{"number of 11 bytes", "up", "\x0a\x01d\x38" + repeat("\xff", 11), "as protobuf, no field can begin like the one at byte 3" + neither},
		{"field 0", "up", "\x0a\x01d\x00\x01", "as protobuf, no field can begin like the one at byte 3" + neither},
		{"a million groups", "up", "\x0a\x01d" + repeat("\x0b", 1e6), "as protobuf, wire type 3 at byte 3" + neither},
		{"no device", "up", "\x0a\x01d", "deviceInfo.devEui is missing: messages of ChirpStack v3 need dialect chirpstack-v3"},
		{"device zero", "up", string(pb(nil).msg(3, pb(nil).str(8, "0000000000000000"))), "deviceInfo.devEui is missing: messages of ChirpStack v3 need dialect chirpstack-v3"},
		{"device too short", "up", string(pb(nil).msg(3, pb(nil).str(8, "a84041"))), `as protobuf, deviceInfo.devEui at byte 4 is "a84041": want 16 hex digits`},
		{"device not UTF-8", "up", string(pb(nil).msg(3, pb(nil).str(8, "a\xff"))), "as protobuf, deviceInfo.devEui at byte 4 is not valid UTF-8"},
		{"another device than the topic", "up", string(pb(nil).msg(3, pb(nil).str(8, "a840410001810002"))), "the message is of device a840410001810002, its topic of device a840410001810001"},
		{"no deduplicationId", "up", string(v4Start()[3:]), "deduplicationId is missing"},
		{"33 bit counter", "up", string(v4Start().num(7, 1<<32)), "as protobuf, fCnt at byte 24 is 4294967296: want a whole number from 0 to 4294967295"},
		{"port too high", "up", string(v4Start().num(8, 256)), "as protobuf, fPort at byte 24 is 256: want a whole number from 0 to 255"},
		{"counter as string", "up", string(v4Start().str(7, "7")), "as protobuf, fCnt at byte 25 has wire type 2, want 0" + neither},
		{"payload too long", "up", string(v4Start().str(10, repeat("x", 243))), "data has 243 bytes: LoRaWAN carries at most 242"},
		{"devAddr not hex", "join", string(v4Start().str(4, "0165c90g")), `devAddr is "0165c90g": want 8 hex digits`},
		{"time with 2e9 ns", "up", string(v4Start().msg(2, pb(nil).num(1, 1).num(2, 2e9))), "as protobuf, time at byte 25 is 1 s and 2000000000 ns: want a time of the years 1 to 9999"},
		{"time of the year 10000", "status", string(v4Start().msg(2, pb(nil).num(1, lastSecond+1))), "as protobuf, time at byte 25 is 253402300800 s and 0 ns: want a time of the years 1 to 9999"},
		{"time before the year 1", "status", string(v4Start().msg(2, pb(nil).num(1, negative(firstSecond-1)))), "as protobuf, time at byte 25 is -62135596801 s and 0 ns: want a time of the years 1 to 9999"},
		{"RSSI out of range", "up", string(v4Start().msg(12, pb(nil).num(6, negative(-99999)))), "as protobuf, rxInfo.rssi at byte 26 is -99999: want a whole number from -32768 to 32767"},
		{"SNR is not a number", "up", string(v4Start().msg(12, pb(nil).f32(7, float32(math.NaN())))), "as protobuf, rxInfo.snr at byte 26 is NaN: want a number"},
		{"SNR without end", "up", string(v4Start().msg(12, pb(nil).f32(7, float32(math.Inf(1))))), "as protobuf, rxInfo.snr at byte 26 is +Inf: want a number"},
		{"SNR as double", "up", string(v4Start().msg(12, pb(nil).f64(7, 1))), "as protobuf, rxInfo.snr at byte 26 has wire type 1, want 5" + neither},
		{"gateway id of three bytes", "up", string(v4Start().msg(12, pb(nil).str(1, "abc"))), `a gateway is called "abc": want 16 hex digits`},
		{"spreading factor", "up", string(v4Start().msg(13, pb(nil).msg(2, pb(nil).msg(3, pb(nil).num(2, 13))))), "spreadingFactor is 13: want 5 to 12"},
		{"description not UTF-8", "log", string(pb(nil).msg(2, pb(nil).str(8, devEUI1)).str(5, "\xff")), "as protobuf, description at byte 22 is not valid UTF-8"},
	})
}

func TestV4NamesTheCodesOfLogEvents(t *testing.T) {
	tests := []struct {
		name string
		body pb
		want string
	}{
		{"none is unknown", pb(nil).str(5, "text"), "UNKNOWN: text"},
		{"the last", pb(nil).num(4, 11), "EXPIRED: "},
		{"one of a later version", pb(nil).num(4, 12).str(5, "text"), "code 12: text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev, err := V4{}.Parse(&city.Message{Topic: "log", Body: append(pb(nil).msg(2, pb(nil).str(8, devEUI1)), tt.body...)})
			if got := ev.Code + ": " + ev.Detail; err != nil || got != tt.want {
				t.Errorf("got %q, %v: want %q", got, err, tt.want)
			}
		})
	}
}
