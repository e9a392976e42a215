package gateway

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

var (
	sf7  = lorawan.DataRate{SpreadingFactor: 7, Bandwidth: 125000}
	sf12 = lorawan.DataRate{SpreadingFactor: 12, Bandwidth: 125000}
	fsk  = lorawan.DataRate{BitRate: 50000}

	testEUI = city.EUI{0x70, 0x76, 0xff, 0, 0x56, 0, 0, 1}
	// Its time since the GPS epoch is known from recordings of a network server.
	testTime = time.Date(2026, 11, 21, 9, 16, 52, 828375000, time.UTC)
)

func TestDatagram(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes string
		want  datagram
	}{
		{"PUSH_DATA", "\x02\x34\x12\x00\x70\x76\xff\x00\x56\x00\x00\x01{}", datagram{token: 0x1234, kind: pushData, gateway: testEUI, body: []byte("{}")}},
		{"PUSH_ACK", "\x02\x34\x12\x01", datagram{token: 0x1234, kind: pushAck, body: []byte{}}},
		{"PULL_DATA", "\x02\x34\x12\x02\x70\x76\xff\x00\x56\x00\x00\x01", datagram{token: 0x1234, kind: pullData, gateway: testEUI, body: []byte{}}},
		{"PULL_RESP", "\x02\x34\x12\x03{}", datagram{token: 0x1234, kind: pullResp, body: []byte("{}")}},
		{"PULL_ACK", "\x02\x34\x12\x04", datagram{token: 0x1234, kind: pullAck, body: []byte{}}},
		{"TX_ACK", "\x02\x34\x12\x05\x70\x76\xff\x00\x56\x00\x00\x01", datagram{token: 0x1234, kind: txAck, gateway: testEUI, body: []byte{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseDatagram([]byte(c.bytes))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v, want %+v", got, err, c.want)
			}
			if b := got.append(nil); string(b) != c.bytes {
				t.Errorf("written %x, want %x", b, c.bytes)
			}
		})
	}
	for name, b := range map[string]string{
		"nothing": "", "short": "\x02\x00\x00", "version 1": "\x01\x00\x00\x01", "unknown": "\x02\x00\x00\x06",
		"no EUI": "\x02\x00\x00\x02\x01\x02", "zero EUI": "\x02\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00",
		"ack with body": "\x02\x00\x00\x01{}", "empty push": "\x02\x00\x00\x00\x70\x76\xff\x00\x56\x00\x00\x01", "empty resp": "\x02\x00\x00\x03",
	} {
		t.Run(name, func(t *testing.T) {
			if d, err := parseDatagram([]byte(b)); err == nil {
				t.Errorf("it is taken: %+v", d)
			}
		})
	}
}

// What is written is what packet forwarders write.
func TestPush(t *testing.T) {
	heard := []Heard{
		{Frame: []byte("hello"), At: testTime, Timestamp: 3512348611, Frequency: 868100000, Rate: sf7, RSSI: -35, SNR: 5.06, Channel: 2, RFChain: 1, CRC: CRCOK},
		{Frame: []byte{0}, Timestamp: 7, Frequency: 868850001, Rate: fsk, RSSI: -120, CRC: CRCBad},
	}
	status := &Status{Time: testTime.Truncate(time.Second), Located: true, Lat: 52.27764, Lon: -8.0416, Altitude: 96, Received: 3, OK: 2, Forwarded: 2, AckShare: 66.6, Asked: 1, Sent: 1}
	const want = `{"rxpk":[` +
		`{"tmst":3512348611,"time":"2026-11-21T09:16:52.828375Z","tmms":1479287830828,"chan":2,"rfch":1,"freq":868.100000,"stat":1,"modu":"LORA","datr":"SF7BW125","codr":"4/5","lsnr":5.1,"rssi":-35,"size":5,"data":"aGVsbG8="},` +
		`{"tmst":7,"chan":0,"rfch":0,"freq":868.850001,"stat":-1,"modu":"FSK","datr":50000,"rssi":-120,"size":1,"data":"AA=="}],` +
		`"stat":{"time":"2026-11-21 09:16:52 GMT","lati":52.27764,"long":-8.04160,"alti":96,"rxnb":3,"rxok":2,"rxfw":2,"ackr":66.6,"dwnb":1,"txnb":1}}`
	body := appendPush(nil, heard, status)
	if string(body) != want {
		t.Errorf("written\n%s\nwant\n%s", body, want)
	}
	got, gotStatus, err := parsePush(body)
	if err != nil {
		t.Fatal(err)
	}
	heard[0].At, heard[0].SNR = testTime.Truncate(time.Millisecond), 5.1 // as exact as the fields are
	if !reflect.DeepEqual(got, heard) || !reflect.DeepEqual(gotStatus, status) {
		t.Errorf("read %+v, %+v, want %+v, %+v", got, gotStatus, heard, status)
	}
}

func TestPushOfOthers(t *testing.T) {
	const good = `"tmst":1,"freq":868.1,"datr":"SF7BW125","data":"aGVsbG8"`
	t.Run("fewest fields", func(t *testing.T) {
		h, _, err := parsePush([]byte(`{"rxpk":[{` + good + `,"more":{"of":["others"]}}]}`))
		if err != nil || len(h) != 1 || string(h[0].Frame) != "hello" || h[0].Frequency != 868100000 || h[0].Rate != sf7 || h[0].CRC != CRCNone || !h[0].At.IsZero() {
			t.Errorf("%+v, %v", h, err)
		}
	})
	t.Run("time without tmms", func(t *testing.T) {
		h, _, err := parsePush([]byte(`{"rxpk":[{` + good + `,"time":"2026-11-21T09:16:52.828375Z"}]}`))
		if err != nil || !h[0].At.Equal(testTime) {
			t.Errorf("%+v, %v", h, err)
		}
	})
	t.Run("one of two is bad", func(t *testing.T) {
		h, _, err := parsePush([]byte(`{"rxpk":[{"tmst":"x"},{` + good + `}]}`))
		if err == nil || len(h) != 1 || !strings.Contains(err.Error(), "rxpk 0") {
			t.Errorf("%+v, %v", h, err)
		}
	})
	for name, body := range map[string]string{
		"no JSON":         `{"rxpk":[`,
		"an array":        `[]`,
		"nothing":         `{}`,
		"no tmst":         `{"rxpk":[{"freq":868.1,"datr":"SF7BW125","data":"AA"}]}`,
		"no datr":         `{"rxpk":[{"tmst":1,"freq":868.1,"data":"AA"}]}`,
		"negative tmst":   `{"rxpk":[{"tmst":-1,"freq":868.1,"datr":"SF7BW125","data":"AA"}]}`,
		"33 bit tmst":     `{"rxpk":[{"tmst":4294967296,"freq":868.1,"datr":"SF7BW125","data":"AA"}]}`,
		"datr":            `{"rxpk":[{"tmst":1,"freq":868.1,"datr":"SF13BW125","data":"AA"}]}`,
		"datr zero":       `{"rxpk":[{"tmst":1,"freq":868.1,"datr":0,"data":"AA"}]}`,
		"datr of LR-FHSS": `{"rxpk":[{"tmst":1,"freq":868.1,"datr":"M0CW137","data":"AA"}]}`,
		"freq":            `{"rxpk":[{"tmst":1,"freq":1e300,"datr":"SF7BW125","data":"AA"}]}`,
		"freq in Hz":      `{"rxpk":[{"tmst":1,"freq":868100000,"datr":"SF7BW125","data":"AA"}]}`,
		"data":            `{"rxpk":[{"tmst":1,"freq":868.1,"datr":"SF7BW125","data":"?"}]}`,
		"no data":         `{"rxpk":[{"tmst":1,"freq":868.1,"datr":"SF7BW125"}]}`,
		"too much data":   `{"rxpk":[{"tmst":1,"freq":868.1,"datr":"SF7BW125","data":"` + strings.Repeat("AAAA", 86) + `"}]}`,
		"size":            `{"rxpk":[{` + good + `,"size":6}]}`,
		"stat":            `{"rxpk":[{` + good + `,"stat":2}]}`,
		"rssi":            `{"rxpk":[{` + good + `,"rssi":-1e9}]}`,
		"time":            `{"rxpk":[{` + good + `,"time":"yesterday"}]}`,
		"time too old":    `{"rxpk":[{` + good + `,"time":"0000-01-01T00:00:00Z"}]}`,
		"tmms":            `{"rxpk":[{` + good + `,"tmms":-5}]}`,
		"late tmms":       `{"rxpk":[{` + good + `,"tmms":9223372036854775807}]}`,
		"too many":        `{"rxpk":[` + strings.Repeat("0,", 64) + `0]}`,
		"status time":     `{"stat":{"time":"2026-11-21T09:16:52Z"}}`,
		"position":        `{"stat":{"time":"2026-11-21 09:16:52 GMT","lati":91,"long":8}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if h, s, err := parsePush([]byte(body)); err == nil {
				t.Errorf("it is taken: %+v, %+v", h, s)
			}
		})
	}
}

func TestEmission(t *testing.T) {
	for _, c := range []struct {
		name string
		e    Emission
		want string
	}{
		{
			"by timestamp", Emission{Frame: []byte("hello"), Timestamp: 4294967295, Frequency: 869525000, Rate: sf12, Power: 27, RFChain: 1},
			`{"txpk":{"imme":false,"tmst":4294967295,"freq":869.525000,"rfch":1,"powe":27,"modu":"LORA","datr":"SF12BW125","codr":"4/5","ipol":true,"ncrc":true,"size":5,"data":"aGVsbG8="}}`,
		},
		{
			"by GPS time", Emission{Frame: []byte{1}, When: AtGPSTime, At: testTime.Truncate(time.Millisecond), Frequency: 868100000, Rate: sf7, Power: 14, CRC: true, Upright: true},
			`{"txpk":{"imme":false,"tmms":1479287830828,"freq":868.100000,"rfch":0,"powe":14,"modu":"LORA","datr":"SF7BW125","codr":"4/5","ipol":false,"size":1,"data":"AQ=="}}`,
		},
		{
			"at once, FSK", Emission{Frame: []byte{1}, When: AtOnce, Frequency: 868800000, Rate: fsk, Power: 14, CRC: true, Upright: true},
			`{"txpk":{"imme":true,"freq":868.800000,"rfch":0,"powe":14,"modu":"FSK","datr":50000,"fdev":25000,"size":1,"data":"AQ=="}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := c.e.append(nil)
			if string(body) != c.want {
				t.Errorf("written\n%s\nwant\n%s", body, c.want)
			}
			got, err := parseEmission(body)
			if err != nil || !reflect.DeepEqual(got, c.e) {
				t.Errorf("read %+v, %v, want %+v", got, err, c.e)
			}
		})
	}
	// As the gateway bridge of ChirpStack writes it, with fields that nobody here knows.
	e, err := parseEmission([]byte(`{"txpk":{"imme":false,"rfch":0,"powe":14,"ant":0,"brd":0,"tmst":7,"freq":868.1,"modu":"LORA","datr":"SF7BW125","codr":"4/5","ipol":true,"size":1,"data":"AQ=="}}`))
	if want := (Emission{Frame: []byte{1}, Timestamp: 7, Frequency: 868100000, Rate: sf7, Power: 14, CRC: true}); err != nil || !reflect.DeepEqual(e, want) {
		t.Errorf("%+v, %v, want %+v", e, err, want)
	}
	for name, body := range map[string]string{
		"no JSON": `{`, "no txpk": `{}`, "no time": `{"txpk":{"freq":868.1,"datr":"SF7BW125","data":"AA"}}`,
		"no datr": `{"txpk":{"imme":true,"freq":868.1,"data":"AA"}}`, "no freq": `{"txpk":{"imme":true,"datr":"SF7BW125","data":"AA"}}`,
		"no data": `{"txpk":{"imme":true,"freq":868.1,"datr":"SF7BW125"}}`, "power": `{"txpk":{"imme":true,"powe":1e9,"freq":868.1,"datr":"SF7BW125","data":"AA"}}`,
		"tmms": `{"txpk":{"tmms":-1,"freq":868.1,"datr":"SF7BW125","data":"AA"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if e, err := parseEmission([]byte(body)); err == nil {
				t.Errorf("it is taken: %+v", e)
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	for _, r := range []Refusal{None, TooLate, TooEarly, CollisionPacket, CollisionBeacon, TXFrequency, TXPower, GPSUnlocked} {
		if got, err := parseRefusal(appendRefusal(nil, r)); err != nil || got != r {
			t.Errorf("%q is read as %q, %v", r, got, err)
		}
	}
	for body, ok := range map[string]bool{
		`{"txpk_ack":{"error":"NONE"}}`: true, `{"txpk_ack":{"warn":"TX_POWER","value":27}}`: true, `{}`: true,
		`{"txpk_ack":{"error":"TIRED"}}`: false, `{`: false,
	} {
		if r, err := parseRefusal([]byte(body)); r != None || (err == nil) != ok {
			t.Errorf("%s: %q, %v", body, r, err)
		}
	}
}

// FuzzDatagram reads any bytes as either side does. What is read must be written and read
// again as the same.
func FuzzDatagram(f *testing.F) {
	push := appendPush(nil, []Heard{{Frame: []byte("x"), At: testTime, Frequency: 868100000, Rate: sf7, CRC: CRCOK}}, &Status{Time: testTime, Located: true})
	f.Add(datagram{kind: pushData, gateway: testEUI, body: push}.append(nil))
	f.Add(datagram{kind: pullResp, body: (&Emission{Frame: []byte("x"), Frequency: 868100000, Rate: sf12}).append(nil)}.append(nil))
	f.Add(datagram{kind: txAck, gateway: testEUI, body: appendRefusal(nil, TooLate)}.append(nil))
	f.Add(datagram{kind: pullData, gateway: testEUI}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDatagram(b)
		if err != nil {
			return
		}
		if again := d.append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
		switch d.kind {
		case pushData:
			heard, status, err := parsePush(d.body)
			if len(heard) > maxHeard || err != nil || len(heard) == 0 && status == nil {
				return
			}
			// What is finer than the fields are when written is gone the second time.
			once, s1, err := parsePush(appendPush(nil, heard, status))
			if err != nil {
				t.Fatalf("%s: %v", d.body, err)
			}
			twice, s2, err := parsePush(appendPush(nil, once, s1))
			if err != nil || !reflect.DeepEqual(once, twice) || !reflect.DeepEqual(s1, s2) {
				t.Fatalf("%+v %+v is read again as %+v %+v, %v", once, s1, twice, s2, err)
			}
		case pullResp:
			e, err := parseEmission(d.body)
			if err != nil {
				return
			}
			again, err := parseEmission(e.append(nil))
			if err != nil {
				t.Fatalf("%s: %v", d.body, err)
			}
			if e.Rate.BitRate > 0 { // FSK has no polarisation
				e.Upright, again.Upright = false, false
			}
			if !reflect.DeepEqual(e, again) {
				t.Fatalf("%+v is read again as %+v", e, again)
			}
			p := plan{}
			_, _ = p.add(e, testTime)
		case txAck:
			_, _ = parseRefusal(d.body)
		}
	})
}
