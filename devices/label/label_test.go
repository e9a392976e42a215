package label

import (
	"strings"
	"testing"

	"meldefunk/city"
)

// worked is the example of TR005 version 1.0, section 4.3.
const worked = "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:OAABBCCDDEEFF:SYYWWNNNNNN:PFOOBAR:CAF2C"

func workedCode() Code {
	return Code{
		JoinEUI:    city.EUI{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88},
		DevEUI:     city.EUI{0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00, 0x11},
		VendorID:   0xaabb,
		ProfileID:  0x1122,
		OwnerToken: "AABBCCDDEEFF", Serial: "YYWWNNNNNN", Proprietary: "FOOBAR",
	}
}

func TestString(t *testing.T) {
	bare := workedCode().Public()
	bare.Serial = ""
	for name, tc := range map[string]struct {
		code Code
		want string
	}{
		"worked example":      {workedCode(), worked},
		"no extensions":       {Code{JoinEUI: eight(0xa000000000000101), DevEUI: eight(0xa840410001810001)}, "LW:D0:A000000000000101:A840410001810001:00000000:CCAF3"},
		"public, with serial": {workedCode().Public(), "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:SYYWWNNNNNN:C"},
		"public, bare":        {bare, "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:C"},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.code.String()
			if got != tc.want && (!strings.HasSuffix(tc.want, ":C") || got[:len(got)-4] != tc.want) {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestChecksum(t *testing.T) {
	// The check value of CRC-16/MODBUS in catalogues of CRCs.
	if got := checksum("123456789"); got != 0x4b37 {
		t.Errorf("got %04X, want 4B37", got)
	}
}

func TestCheck(t *testing.T) {
	with := func(change func(*Code)) Code {
		c := workedCode()
		change(&c)
		return c
	}
	for name, tc := range map[string]struct {
		code Code
		want string // part of the error; "": none
	}{
		"fine":               {workedCode(), ""},
		"no DevEUI":          {Code{}, "needs a DevEUI"},
		"colon":              {with(func(c *Code) { c.Serial = "1:2" }), `serial number has the character ':'`},
		"lower case":         {with(func(c *Code) { c.Proprietary = "foo" }), `proprietary part has the character 'f'`},
		"umlaut":             {with(func(c *Code) { c.OwnerToken = "Ä" }), `owner token has the character 'Ä'`},
		"key as serial":      {with(func(c *Code) { c.Serial = canary }), "looks like a key"},
		"key as token":       {with(func(c *Code) { c.OwnerToken = canary }), "looks like a key"},
		"key in proprietary": {with(func(c *Code) { c.Proprietary = "K" + canary + "0" }), "looks like a key"},
		"31 digits":          {with(func(c *Code) { c.Serial = canary[1:] }), ""},
		"too long":           {with(func(c *Code) { c.Proprietary = strings.Repeat("X", 300) }), "has room for 300"},
	} {
		t.Run(name, func(t *testing.T) {
			checkError(t, tc.code.Check(), tc.want)
		})
	}
}

// canary is a key that must never be seen. It stands for real ones.
const canary = "C0FFEE00C0FFEE11C0FFEE22C0FFEE33"

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil && want != "":
		t.Errorf("no error, want one with %q", want)
	case err != nil && want == "":
		t.Errorf("got %v", err)
	case err != nil && !strings.Contains(err.Error(), want):
		t.Errorf("got %v, want %q in it", err, want)
	case err != nil && strings.Contains(strings.ToUpper(err.Error()), canary[:16]):
		t.Errorf("the error shows the key: %v", err)
	}
}

func eight(v uint64) (e city.EUI) {
	for i := range e {
		e[i] = byte(v >> (56 - 8*i))
	}
	return e
}
