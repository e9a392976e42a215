package label

import (
	"fmt"
	"strings"
	"testing"

	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
)

func TestParse(t *testing.T) {
	key, err := lorawan.ParseKey(canary)
	if err != nil {
		t.Fatal(err)
	}
	other := lorawan.Key{15: 1}
	dragino := Code{JoinEUI: eight(0xa000000000000101), DevEUI: eight(0xa840410001810001)}
	alone := Code{DevEUI: dragino.DevEUI}
	generic := Code{JoinEUI: eight(0x70b3d57ed0000000), DevEUI: eight(0x0004a31000ffffff), OwnerToken: "D53FFFFF"}
	browan := Code{
		JoinEUI: eight(0x0016c00000000001), DevEUI: eight(0x58a0cbfffffeffff), VendorID: 0xface, ProfileID: 0x800c,
		OwnerToken: "F1FB552B", Serial: "201907160010",
	}
	noToken := workedCode()
	noToken.OwnerToken = ""
	serial := dragino
	serial.Serial = "SN-123"
	one := enrol.RootKeys{Nwk: key}

	for name, tc := range map[string]struct {
		text  string
		code  Code
		extra Extra
	}{
		"worked example":             {worked, workedCode(), Extra{Form: TR005, Checked: true}},
		"without checksum":           {worked[:len(worked)-6], workedCode(), Extra{Form: TR005}},
		"lower case":                 {strings.ToLower(worked), workedCode(), Extra{Form: TR005, Checked: true}},
		"wrapped in a mail":          {"\ufeff  " + worked[:30] + "\r\n" + worked[30:] + "\n", workedCode(), Extra{Form: TR005, Checked: true}},
		"spaces around colons":       {strings.ReplaceAll(worked, ":", " : "), workedCode(), Extra{Form: TR005, Checked: true}},
		"checksum first":             {"LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:CAF2C:OAABBCCDDEEFF:SYYWWNNNNNN:PFOOBAR", workedCode(), Extra{Form: TR005, Checked: true}},
		"other order, no checksum":   {"LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:PFOOBAR:OAABBCCDDEEFF:SYYWWNNNNNN", workedCode(), Extra{Form: TR005}},
		"empty extensions":           {"LW:D0:A000000000000101:A840410001810001:00000000:O:S:P:C", dragino, Extra{Form: TR005}},
		"unknown extension":          {"LW:D0:A000000000000101:A840410001810001:00000000:X1:X2:Y1", dragino, Extra{Form: TR005, Ignored: "XY"}},
		"key in the proprietary":     {strings.Replace(worked[:len(worked)-6], "PFOOBAR", "P"+canary, 1), func() Code { c := workedCode(); c.Proprietary = ""; return c }(), Extra{Form: TR005, Ignored: "P"}},
		"draft 3":                    {"URN:DEV:LW:70B3D57ED0000000_0004A31000FFFFFF_00000000_VD53FFFFF", generic, Extra{Form: Draft3}},
		"draft 3, any order":         {"URN:DEV:LW:1122334455667788_AABBCCDDEEFF0011_AABB1122_PFOOBAR_SYYWWNNNNNN", noToken, Extra{Form: Draft3}},
		"draft 2":                    {"URN:LW:DP:0016C00000000001:58A0CBFFFFFEFFFF:FACE800C:%VF1FB552B%S201907160010", browan, Extra{Form: Draft2}},
		"draft 2, bare":              {"urn:lw:dp:a000000000000101:a840410001810001:00000000", dragino, Extra{Form: Draft2}},
		"DevEUI alone":               {"A840410001810001", alone, Extra{Form: Alone, NoJoinEUI: true}},
		"DevEUI as people print it":  {" a8-40-41-00-01-81-00-01\n", alone, Extra{Form: Alone, NoJoinEUI: true}},
		"DevEUI off our own label":   {"A840 4100 0181 0001", alone, Extra{Form: Alone, NoJoinEUI: true}},
		"DevEUI with colons":         {"A8:40:41:00:01:81:00:01", alone, Extra{Form: Alone, NoJoinEUI: true}},
		"Tektelic":                   {"A840410001810001:A000000000000101", dragino, Extra{Form: Pair}},
		"article no terminal wants":  {"a\x1b[2J;A840410001810001;A000000000000101;" + canary, dragino, Extra{Form: Listed, Keys: one}},
		"article like a key":         {canary + ";A840410001810001;A000000000000101;" + canary, dragino, Extra{Form: Listed, Keys: one}},
		"list with article":          {"LDDS75; A840410001810001;A000000000000101;" + canary + ";", dragino, Extra{Form: Listed, Part: "LDDS75", Keys: one}},
		"list":                       {"A840410001810001;A000000000000101;" + strings.ToLower(canary), dragino, Extra{Form: Listed, Keys: one}},
		"JSON":                       {`{"dev_eui":"A840410001810001","description":"x","app_eui":"A000000000000101","app_key":"` + canary + `"}`, dragino, Extra{Form: Named, Keys: one}},
		"JSON, other names":          {`{"DevEUI":"A840410001810001","JoinEUI":"A000000000000101","SN":"sn-123","n":5,"Model":"LHT65"}`, serial, Extra{Form: Named, Part: "LHT65"}},
		"lines of Elsys":             {"DevEui:A840410001810001\nAppEui:A000000000000101\nOta:true\nAppKey:" + canary + "\nSplPer:600\n", dragino, Extra{Form: Named, Keys: one}},
		"two root keys":              {"DevEUI=A840410001810001;JoinEUI=A000000000000101;NwkKey=" + canary + ";AppKey=00000000000000000000000000000001", dragino, Extra{Form: Named, Keys: enrol.RootKeys{Nwk: key, App: other}}},
		"key as bytes":               {"Device EUI: A8-40-41-00-01-81-00-01, App EUI: A000000000000101, App Key: C0 FF EE 00 C0 FF EE 11 C0 FF EE 22 C0 FF EE 33", dragino, Extra{Form: Named, Keys: one}},
		"web address":                {"https://example.com/d?DevEUI=A840410001810001&joineui=A000000000000101", dragino, Extra{Form: Named}},
		"serial no label can have":   {"DevEUI:A840410001810001;AppEUI:A000000000000101;SN:Nr_1", dragino, Extra{Form: Named}},
		"same value told twice":      {"EUI:A840410001810001;DevEUI:a840410001810001", alone, Extra{Form: Named, NoJoinEUI: true}},
		"owner token like a key":     {"LW:D0:A000000000000101:A840410001810001:00000000:O" + canary, Code{JoinEUI: dragino.JoinEUI, DevEUI: dragino.DevEUI, OwnerToken: canary}, Extra{Form: TR005}},
		"space in an extension kept": {"LW:D0:A000000000000101:A840410001810001:00000000:SA B", Code{JoinEUI: dragino.JoinEUI, DevEUI: dragino.DevEUI, Serial: "A B"}, Extra{Form: TR005}},
	} {
		t.Run(name, func(t *testing.T) {
			code, extra, err := Parse(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if code != tc.code {
				t.Errorf("code\ngot  %+v\nwant %+v", code, tc.code)
			}
			if extra != tc.extra {
				t.Errorf("extra\ngot  %+v\nwant %+v", extra, tc.extra)
			}
			if s := fmt.Sprintf("%v %+v %#v", extra, extra, extra); strings.Contains(strings.ToUpper(s), canary) {
				t.Errorf("the key shows: %s", s)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":                {" \n", "no text"},
		"too long":               {strings.Repeat("A", maxText+1), "at most 4096"},
		"wrong digit":            {strings.Replace(worked, "1122334455667788", "1122334455667789", 1), "checksum of the TR005 code is AF2C, and its text gives"},
		"checksum no hex":        {worked[:len(worked)-4] + "XYZ1", "is not 4 hex digits"},
		"checksum too short":     {worked[:len(worked)-1], "is not 4 hex digits"},
		"two checksums":          {worked + ":CAF2C", "two checksums"},
		"two codes":              {worked + "\n" + worked, "one at a time"},
		"other schema":           {"LW:D1:" + canary, "another schema than D0"},
		"broken off":             {worked[:35], "breaks off after 4 of its 5"},
		"JoinEUI too short":      {"LW:D0:112233445566778:AABBCCDDEEFF0011:AABB1122", "JoinEUI of 15 characters"},
		"key as DevEUI":          {"LW:D0:1122334455667788:" + canary + ":AABB1122", "DevEUI of 32 characters"},
		"zero DevEUI":            {"LW:D0:1122334455667788:0000000000000000:AABB1122", "DevEUI is zero"},
		"profile":                {"LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB11", "ProfileID of 6 characters"},
		"profile with sign":      {"LW:D0:1122334455667788:AABBCCDDEEFF0011:+ABB1122", "ProfileID"},
		"two serials":            {"LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:S1:S2", "two of the serial number"},
		"odd character":          {"LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:SÄ", `serial number has the character 'Ä'`},
		"draft 3 broken off":     {"URN:DEV:LW:1122334455667788_AABB", "draft 3 code breaks off after 2 of its 3"},
		"draft 3 DevEUI":         {"URN:DEV:LW:1122334455667788_" + canary + "_00000000", "draft 3 code: its DevEUI of 32"},
		"draft 2 broken off":     {"URN:LW:DP:1122334455667788", "draft 2 code breaks off after 1 of its 3"},
		"draft 2 profile":        {"URN:LW:DP:1122334455667788:AABBCCDDEEFF0011:" + canary, "draft 2 code: its ProfileID of 32"},
		"key alone":              {canary, "32 hex digits alone are a key"},
		"key alone, with dashes": {"C0-FF-EE-00-C0-FF-EE-11-C0-FF-EE-22-C0-FF-EE-33", "32 hex digits alone are a key"},
		"broken JSON":            {`{"DevEUI":"A8404100`, "looks like JSON"},
		"JSON of something else": {`{"` + canary + `":"` + canary + `"}`, `without a field "DevEUI"`},
		"web address":            {"https://example.com/product/" + canary, "web address that does not tell a DevEUI"},
		"two DevEUIs":            {"DevEUI:A840410001810001;DevEUI:A840410001810002", "two different values of its DevEUI"},
		"two DevEUIs in JSON":    {`{"DevEUI":"A840410001810001","dev_eui":"A840410001810002"}`, "two different values of its DevEUI"},
		"key named DevEUI":       {"DevEUI:" + canary, "DevEUI of 32 characters"},
		"JoinEUI too long":       {"DevEUI:A840410001810001;AppEUI:" + canary, "JoinEUI of 32 characters"},
		"key too short":          {"DevEUI:A840410001810001;AppKey:" + canary[1:], "AppKey is not a key"},
		"two EUIs without names": {"A840410001810001,A000000000000101," + canary, "2 of them like EUIs, and nothing tells which"},
		"list without a key":     {"G1-00001;2CF7F1117280001E;2021E15F44E1A696;0;1000912", "nothing tells which"},
		"list of other order":    {canary + ";A840410001810001;A000000000000101", "nothing tells which"},
		"serial number":          {"6136123456789", "a number of 13 digits, perhaps a serial number"},
		"Wi-Fi":                  {"WIFI:T:WPA;S:net;P:" + canary + ";;", "no known device code"},
	} {
		t.Run(name, func(t *testing.T) {
			code, extra, err := Parse(tc.text)
			if err == nil {
				t.Fatalf("got %+v %+v, want an error", code, extra)
			}
			checkError(t, err, tc.want)
			if code != (Code{}) || extra != (Extra{}) {
				t.Errorf("with the error came %+v %+v", code, extra)
			}
		})
	}
}

// FuzzParse holds that no text makes Parse panic or print a key, that a code that was read
// can be made again, and is read the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		worked, strings.ToLower(worked), "A840410001810001", "A840410001810001:A000000000000101",
		"URN:DEV:LW:70B3D57ED0000000_0004A31000FFFFFF_00000000_VD53FFFFF",
		"URN:LW:DP:0016C00000000001:58A0CBFFFFFEFFFF:FACE800C:%VF1FB552B%S201907160010",
		"X;A840410001810001;A000000000000101;" + canary, `{"dev_eui":"A840410001810001","app_key":"` + canary + `"}`,
		"DevEui:A840410001810001\nAppKey:" + canary, "https://example.com/?deveui=A840410001810001&appkey=" + canary,
		"LW:D0:A000000000000101:A840410001810001:00000000:P" + canary, "DevEUI:" + canary,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		code, extra, err := Parse(text)
		if err != nil {
			if looksLikeKey(err.Error()) {
				t.Fatalf("the error shows a key: %v", err)
			}
			return
		}
		if strings.Contains(strings.ToUpper(fmt.Sprintf("%+v", extra)), canary) {
			t.Fatalf("the key shows: %+v", extra)
		}
		if err := code.Public().Check(); err != nil {
			return // too long for a label
		}
		again, extra, err := Parse(code.String())
		if err != nil {
			t.Fatalf("%q made %q, which is refused: %v", text, code.String(), err)
		}
		if again != code || !extra.Checked || extra.Form != TR005 {
			t.Fatalf("%q\ngot  %+v %+v\nwant %+v", text, again, extra, code)
		}
	})
}
