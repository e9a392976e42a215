package keys_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"meldefunk/city/lorawan"
	"meldefunk/devices/keys"
)

const (
	kek2Hex = "ffeeddccbbaa99887766554433221100"
	canary  = "c0ffee00c0ffee11c0ffee22c0ffee33" // a key in clear that must show nowhere
)

// twoKEKs is a configuration with two key encryption keys.
func twoKEKs(t *testing.T) keys.Config {
	return keys.Config{KEKs: []keys.KEK{
		{Label: "alt", File: file(t, "alt", kekHex, 0o600)}, {Label: "neu", File: file(t, "neu", kek2Hex, 0o600)},
	}}
}

func loaded(t *testing.T, c keys.Config) *keys.Ring {
	t.Helper()
	r, err := keys.Load(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWrapAndRewrap(t *testing.T) {
	c := twoKEKs(t)
	r := loaded(t, c)
	plain := "app_s_key,DEV_EUI ,dev_addr,version,nwk_s_key\n" + canary + ",A8-40-41-00-01-81-00-01,26011BDA,1.0.3," + strings.Repeat("11", 16) + "\n"
	old, n, err := r.Wrap("alt", "plain.csv", []byte(plain))
	if err != nil || n != 2 {
		t.Fatalf("wrapped %d, %v", n, err)
	}
	lines := strings.Split(string(old), "\n")
	if lines[0] != "dev_eui;dev_addr;version;kek;nwk_s_key;app_s_key" || strings.Contains(string(old), canary) {
		t.Errorf("wrote %s", old)
	}
	again, n, err := r.Wrap("neu", "sessions.csv", old)
	if err != nil || n != 0 || string(again) != string(old) {
		t.Errorf("wrapping what is wrapped: %d, %v, %s", n, err, again)
	}
	fresh, n, err := r.Rewrap("alt", "neu", "sessions.csv", old)
	if err != nil || n != 2 || !strings.Contains(string(fresh), ";neu;") {
		t.Fatalf("wrapped anew %d, %v: %s", n, err, fresh)
	}
	for name, text := range map[string][]byte{"alt": old, "neu": fresh} {
		c.Sessions = []string{file(t, "sessions.csv", string(text), 0o644)}
		r := loaded(t, c)
		got, err := r.Reveal(r.Sessions()[0].DevEUI)
		if err != nil || len(got) != 1 || got[0].AppSKey.Hex() != canary || got[0].FNwkSIntKey.Hex() != strings.Repeat("11", 16) || r.Sessions()[0].KEK != name {
			t.Errorf("%s: got %v, %+v", name, err, r.Sessions())
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
			if strings.Contains(fmt.Sprintf(verb, r), canary) || strings.Contains(fmt.Sprintf(verb, got), canary) {
				t.Errorf("%s shows a key", verb)
			}
		}
	}
}

func TestWrapLines(t *testing.T) {
	r := loaded(t, twoKEKs(t))
	out, n, err := r.Wrap("alt", "stdin", []byte("\n"+canary+"\r\n\n"+strings.ToUpper(canary)+"\n"))
	lines := strings.Fields(string(out))
	if err != nil || n != 2 || len(lines) != 2 || lines[0] != lines[1] || len(lines[0]) != 48 {
		t.Errorf("got %s, %d, %v", out, n, err)
	}
	_, _, err = r.Wrap("alt", "stdin", []byte(canary+"\n"+canary[1:]+"\n"))
	if err == nil || err.Error() != "stdin:2: not a key: want 32 hex digits, got 31 characters" {
		t.Errorf("got %v", err)
	}
}

// TestSessionsRefused wants file, line and what to do, and no key.
func TestSessionsRefused(t *testing.T) {
	r := loaded(t, twoKEKs(t))
	key := func(label string) string {
		b, _, err := r.Wrap(label, "", []byte(canary))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	zero, _, err := r.Wrap("alt", "", []byte(strings.Repeat("0", 32)))
	if err != nil {
		t.Fatal(err)
	}
	const head = "dev_eui;dev_addr;version;kek;nwk_s_key;app_s_key\n"
	good := "a840410001810001;26011bda;1.0.3;alt;" + key("alt") + ";" + key("alt") + "\n"
	edit := func(from, to string) string { return head + strings.Replace(good, from, to, 1) }
	for name, c := range map[string]struct{ text, want string }{
		"fine":                {head + good, ""},
		"empty":               {"", "s.csv:1: want CSV with a header"},
		"no header":           {canary + ";" + canary + "\n", "s.csv:1: column 1 is none of dev_eui"},
		"root key":            {"dev_eui;app_key\na840410001810001;" + canary, "s.csv:1: column 2 is none of"},
		"column twice":        {"dev_eui;dev_eui\n", "s.csv:1: column dev_eui stands twice"},
		"key in clear":        {edit(key("alt")+"\n", canary+"\n"), "s.csv:2: app_s_key: a key in clear stands here: run meldefunk key wrap on this file"},
		"key where EUI is":    {edit("a840410001810001", canary), "s.csv:2: dev_eui: want 16 hex digits"},
		"key where address":   {edit("26011bda", canary), "s.csv:2: dev_addr: want 8 hex digits"},
		"key where version":   {edit("1.0.3", canary), "s.csv:2: version: want"},
		"fields":              {head + canary + ";;\n", "s.csv:2: the row has 3 fields, the header 6"},
		"quotes":              {head + good + `"` + canary, "s.csv:3: not CSV: "},
		"short":               {edit(key("alt"), key("alt")[1:]), "s.csv:2: nwk_s_key: want a wrapped key of 48 hex digits, as meldefunk key wrap writes it, got 47 characters"},
		"no key":              {edit(key("alt"), ""), "s.csv:2: nwk_s_key: missing"},
		"no KEK":              {edit(";alt;", ";;"), "s.csv:2: kek: missing"},
		"unknown KEK":         {edit(";alt;", ";uralt;"), `s.csv:2: key encryption key "uralt" is not configured: add it to keys.keks`},
		"another KEK":         {edit(";alt;", ";neu;"), `s.csv:2: a key of a840410001810001 does not open with key encryption key "neu"`},
		"zeros":               {edit(key("alt")+"\n", string(zero)), "s.csv:2: a key of a840410001810001 is nothing but zeros"},
		"twice":               {head + good + good, "s.csv:3: this session of a840410001810001 stands at "},
		"1.1 with key of 1.0": {edit("1.0.3", "1.1"), "s.csv:2: nwk_s_key: a session of LoRaWAN 1.1 has no such key: want f_nwk_s_int_key and s_nwk_s_int_key"},
		"counter":             {"fcnt_up;" + strings.Replace(head+"x", "x", "-1;"+good, 1), "s.csv:2: fcnt_up: want a whole number"},
		"resets":              {"counter_resets;" + head + "maybe;" + good, "s.csv:2: counter_resets: want yes or no"},
		"every problem":       {head + strings.Repeat("x;x;x;x;x;x\n", 30), "more problems after these 20"},
	} {
		t.Run(name, func(t *testing.T) {
			config := twoKEKs(t)
			config.Sessions = []string{file(t, "s.csv", c.text, 0o644)}
			_, err := keys.Load(config)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want …%s", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), canary[:8]) || strings.Contains(err.Error(), key("alt")[:12])) {
				t.Errorf("%q shows a key", err)
			}
		})
	}
	config := twoKEKs(t)
	config.Sessions = []string{t.TempDir() + "/gone", t.TempDir()}
	if _, err := keys.Load(config); err == nil || !strings.Contains(err.Error(), "no such file") || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("got %v", err)
	}
}

func TestWrapRefuses(t *testing.T) {
	r := loaded(t, twoKEKs(t))
	const head = "dev_eui;dev_addr;version;kek;nwk_s_key;app_s_key\n"
	for name, c := range map[string]struct{ label, text, want string }{
		"unknown KEK":    {"gold", canary, `key encryption key "gold" is not configured: want one of ["alt" "neu"]`},
		"nothing":        {"alt", head, "in: no session stands below the header"},
		"another's row":  {"alt", head + "a840410001810001;26011bda;1.0.3;neu;" + canary + ";" + canary, `in:2: the row is of key encryption key "neu"`},
		"slip in a key":  {"alt", head + "a840410001810001;26011bda;1.0.3;;" + canary + ";x" + canary[1:], "in:2: app_s_key: not a key: want 32 hex digits, got another character"},
		"long key":       {"alt", head + "a840410001810001;26011bda;1.0.3;;" + canary + ";" + canary + "0", "in:2: app_s_key: not a key: want 32 hex digits, got 33 characters"},
		"no such device": {"alt", head + "a84041;26011bda;1.0.3;;" + canary + ";" + canary, "in:2: dev_eui: want 16 hex digits"},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := r.Wrap(c.label, "in", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || out != nil {
				t.Fatalf("got %s, %v, want …%s", out, err, c.want)
			}
			if strings.Contains(err.Error(), canary[1:9]) {
				t.Errorf("%q shows a key", err)
			}
		})
	}
	if _, _, err := r.Rewrap("alt", "gold", "in", nil); err == nil || !strings.Contains(err.Error(), `"gold"`) {
		t.Errorf("got %v", err)
	}
	if _, _, err := r.Rewrap("gold", "alt", "in", nil); err == nil || !strings.Contains(err.Error(), `"gold"`) {
		t.Errorf("got %v", err)
	}
}

func TestPrefix(t *testing.T) {
	for text, want := range map[string]bool{
		"26011b00/24": true, "26011BDA/32": true, "00000000/1": true, "80000000/1": false, "26011c00/24": false, "26010000/15": true,
	} {
		var p keys.Prefix
		if err := p.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		config := twoKEKs(t)
		config.Addresses = []keys.Prefix{p}
		_, err := loaded(t, config).OpenFrame(heard(seal(t, abpKeys, 1, lorawan.Binding{})), nothing)
		if got := strings.Contains(err.Error(), "no session of device address 26011bda"); got != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"", "26011b00", "26011b00/", "26011b00/0", "26011b00/33", "26011b/24", "x6011b00/24", "26011b00/-1"} {
		var p keys.Prefix
		if err := p.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func FuzzSessions(f *testing.F) {
	kek := f.TempDir() + "/kek"
	if err := os.WriteFile(kek, []byte(kekHex), 0o600); err != nil {
		f.Fatal(err)
	}
	r, err := keys.Load(keys.Config{KEKs: []keys.KEK{{Label: "alt", File: kek}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(sessionsHeader + line(abp, abpKeys, 3, "yes")))
	f.Add([]byte(canary + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		out, _, err := r.Wrap("alt", "in", text)
		if err != nil {
			return
		}
		if again, n, err := r.Wrap("alt", "in", out); err == nil && (n != 0 || string(again) != string(out)) {
			t.Errorf("wrapped again %d keys of\n%s", n, out)
		}
	})
}
