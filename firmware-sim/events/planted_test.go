package events

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestPlantedDifferences makes sure that the comparison of shapes can fail: each sort of
// mistake, made on purpose in the messages, must be reported.
func TestPlantedDifferences(t *testing.T) {
	for _, p := range []struct{ name, old, new, want string }{
		{"renamed", `"fPort":`, `"fport":`, ".fport: never recorded"},
		{"gone", `"confirmed":false,`, ``, ".confirmed: is bool, recorded as bool | bool, zero"},
		{"always gone", `"regionConfigId"`, `"region"`, ".regionConfigId: recorded, never written"},
		{"sometimes gone", `"fCnt":17,`, ``, ".fCnt: is sometimes there, recorded as always there"},
		{"zero written", `"rfChain":1`, `"rfChain":0`, ".rxInfo[].rfChain: is whole number, zero, recorded as whole number"},
		{"null", `"data":""`, `"data":null`, ".data: is null | text, recorded as text | text, zero"},
		{"whole number", `"snr":-5.0`, `"snr":-5`, ".rxInfo[].snr: is number with fraction | whole number, recorded as number with fraction"},
		{"fraction", `"rssi":-77`, `"rssi":-77.0`, ".rxInfo[].rssi: is number with fraction | whole number, recorded as whole number"},
		{"number as text", `"frequency":868300000`, `"frequency":"868300000"`, ".txInfo.frequency: is text, recorded as whole number"},
		{"zone", `+00:00","nsTime"`, `Z","nsTime"`, `.rxInfo[].gwTime: is "time 6 digits Z", recorded as "time 6 digits +00:00"`},
		{"digits of a time", `.219375+`, `.219+`, `.rxInfo[].gwTime: is "time 3 digits +00:00", recorded as "time 6 digits +00:00"`},
		{"digits of a duration", `.219s`, `.219375s`, `.rxInfo[].timeSinceGpsEpoch: is "duration 6 digits s", recorded as "duration 3 digits s"`},
		{"not a uuid", `-400b-`, `-000b-`, `.deduplicationId: is "words", recorded as "uuid "`},
		{"upper case", `"01c301d4"`, `"01C301D4"`, `.devAddr: is "HEX 8", recorded as "hex 8"`},
		{"length of hex", `"7076ff`, `"76ff`, `.rxInfo[].gatewayId: is "hex 14", recorded as "hex 16"`},
		{"not base64", `"DOV/"`, `"dov_"`, `.data: is "words", recorded as "base64 "`},
		{"word of an enumeration", `"CRC_OK"`, `"OK"`, `.rxInfo[].crcStatus: is "WORD OK", recorded as "WORD CRC_OK"`},
		{"order", `"adr":true,"dr":5`, `"dr":5,"adr":true`, ": dr comes before adr, recorded the other way"},
		{"empty list", `"rxInfo":[{`, `"rxInfo":[],"receptions":[{`, ".rxInfo: is array, zero, recorded as array"},
	} {
		t.Run(p.name, func(t *testing.T) {
			got, want := newShape(free, nil), newShape(free, nil)
			for _, r := range recordings(t, v4File) {
				if r.event() == "up" && !slices.Contains(beyond, r.Step) {
					want.walk(t, r.Payload)
				}
			}
			planted := 0
			for _, e := range v4Variants() {
				if _, up := e.(*Up); up {
					body := V4{}.Append(nil, e)
					planted += bytes.Count(body, []byte(p.old))
					got.walk(t, bytes.ReplaceAll(body, []byte(p.old), []byte(p.new)))
				}
			}
			if planted == 0 {
				t.Fatalf("%s is in no message", p.old)
			}
			if found := differences(got, want); !slices.Contains(found, p.want) {
				t.Errorf("not reported: %s\n among\n%s", p.want, strings.Join(found, "\n"))
			}
		})
	}
}

// TestPlantedInProtobuf does the same with bytes of protobuf.
func TestPlantedInProtobuf(t *testing.T) {
	join := &Join{Device: testDevice(), Session: testSession(), ID: NewUUID(13, 14), Time: noon}
	region := protowire.AppendString(protowire.AppendTag(nil, 7, protowire.BytesType), "eu868")
	body := V4Protobuf{}.Append(nil, join)
	for _, p := range []struct {
		name string
		body []byte
		want string
	}{
		{"nothing", body, ""},
		{"another number", append(bytes.TrimSuffix(bytes.Clone(body), region), 0x4a, 1, 'x'), ".9: never recorded"},
		{"gone", bytes.TrimSuffix(body, region), ".7: recorded, never written"},
		{"wire type", append(bytes.TrimSuffix(bytes.Clone(body), region), 0x38, 1), ".7: is varint, recorded as text"},
		{"zero written", append(bytes.Clone(body), 0x3a, 0), ".7: is text | text, zero, recorded as text"},
		{"order", slices.Concat(region, bytes.TrimSuffix(body, region)), ": 7 comes before 1, recorded the other way"},
		{"bytes for text", bytes.Replace(body, []byte("01c301d4"), []byte{1, 0xc3, 1, 0xd4, 0, 0, 0, 0}, 1), ".4: is bytes, recorded as text"},
		{"inside", bytes.Replace(body, mustHex(t, "4210"), mustHex(t, "5a10"), 1), ".3.11: never recorded"},
	} {
		t.Run(p.name, func(t *testing.T) {
			got, want := newShape(nil, nested["join"]), newShape(nil, nested["join"])
			for _, r := range recordings(t, v4File) {
				if r.event() == "join" && r.Step == "join" {
					want.walkWire(t, "", r.Protobuf)
				}
			}
			got.walkWire(t, "", p.body)
			found := differences(got, want)
			if p.want == "" && len(found) > 0 || p.want != "" && !slices.Contains(found, p.want) {
				t.Errorf("want %q, got\n%s", p.want, strings.Join(found, "\n"))
			}
		})
	}
}

func mustHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
