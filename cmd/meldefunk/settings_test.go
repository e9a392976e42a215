package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"meldefunk/rules"
)

// good is the least that a configuration must say.
const good = "inventory: [inventory.yaml]\nnetwork_servers:\n  - {name: ns, dialect: chirpstack-v4, broker: 'mqtt://127.0.0.1:1883'}\n"

func TestSampleParsesBack(t *testing.T) {
	s, err := parseSettings("sample.yaml", sample)
	if err != nil {
		t.Fatal(err)
	}
	// What the sample shows as a default must be the default.
	plain, err := parseSettings("good.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if s.Road != plain.Road || s.Retention != plain.Retention || s.Log != plain.Log || s.Data != plain.Data ||
		s.Board.Listen != plain.Board.Listen || s.Board.StaleAfter != plain.Board.StaleAfter || s.TimeZone != plain.TimeZone ||
		s.Access.Idle != plain.Access.Idle || s.Access.Longest != plain.Access.Longest || s.Access.Wanted() || s.Tickets.System != plain.Tickets.System || s.Holidays != plain.Holidays || s.ExtraHolidays != nil || s.Webhooks != plain.Webhooks || s.MQTTListener != plain.MQTTListener {
		t.Errorf("the sample shows other values than the defaults:\n%+v\n%+v", s, plain)
	}
	// And what it shows behind a # must be understood too.
	example := regexp.MustCompile(`(?m)^(\s*)# (\s*(- )?[a-z0-9_]+:( .*)?)$`)
	all := example.ReplaceAll(sample, []byte("$1$2"))
	s, err = parseSettings("sample.yaml", all)
	if err == nil {
		_, err = loadRoutes(s, rules.Default())
	}
	if err != nil {
		t.Errorf("with every example switched on: %v\n%s", err, all)
	}
}

func TestBadSettings(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string // each a whole line of the error
	}{
		"empty file":          {"", []string{"f.yaml: the file is empty: meldefunk config prints a sample"}},
		"only comments":       {"# nothing\n", []string{"f.yaml: the file is empty: meldefunk config prints a sample"}},
		"second document":     {good + "---\ndata: x\n", []string{"f.yaml: a second document begins after ---: only one is read, put everything into the first"}},
		"unknown key":         {good + "datta: x\n", []string{"f.yaml:4: field datta not found in the file (unknown key; meldefunk config shows the known ones)"}},
		"unknown key, nested": {good + "road:\n  bach: 1\n", []string{"f.yaml:5: field bach not found in type pipeline.Config (unknown key; meldefunk config shows the known ones)"}},
		"key twice":           {good + "data: a\ndata: b\n", []string{`f.yaml:5: mapping key "data" already defined at line 4 (the key stands twice)`}},
		"wrong unit":          {good + "road: {max_backlog: 7}\n", []string{"f.yaml:4: cannot unmarshal !!int `7` into time.Duration (a duration needs a unit, like 30s, 5m or 168h)"}},
		"no such unit":        {good + "road: {max_backlog: 7 Tage}\n", []string{"f.yaml:4: cannot unmarshal !!str `7 Tage` into time.Duration (a duration needs a unit, like 30s, 5m or 168h)"}},
		"not YAML":            {"data: [\n", []string{"f.yaml:1: did not find expected node content (check indentation and quotes)"}},
		"every problem at once": {"data: ''\nroad:\n  batch: 0\nlog: {level: loud}\n", []string{
			"f.yaml:1: data: missing; name the folder for the database",
			"f.yaml:1: network_servers: missing; name at least one",
			"f.yaml:3: road: batch: 0 is out of range: want 1 to 10000",
			`f.yaml:4: log: level: "loud", want debug, info, warn or error`,
		}},
		"keys": {good + "keys:\n  keks:\n    - {label: a}\n    - label: a\n      file: f\n", []string{
			"f.yaml:6: keys: keks: 0: file, env, credential: give exactly one of them",
			`f.yaml:7: keys: keks: 1: label: "a" stands twice`,
		}},
		"a key in the file": {good + "keys: {keks: [{label: a, key: 000102030405060708090a0b0c0d0e0f}]}\n", []string{
			"f.yaml:4: field key not found in type keys.KEK (unknown key; meldefunk config shows the known ones)",
		}},
		"network server": {"inventory: [x]\nnetwork_servers:\n  - name: a\n    dialect: chirpstack\n    broker: mqtt://127.0.0.1\n  - name: a\n    dialect: chirpstack-v4\n    broker: mqtt://lns.example.org:1883\n", []string{
			`f.yaml:4: network_servers.0: dialect: unknown "chirpstack": want one of chirpstack-v4, chirpstack-v3, chirpstack-gateway, the-things-stack-v3`,
			"f.yaml:8: network_servers.1: broker: mqtt://lns.example.org:1883: without TLS everybody on the way can read the password and write readings: want mqtts://, or, if that is known and accepted, plaintext: accepted",
			`f.yaml:6: network_servers.1: name: "a" stands twice; each network server needs its own`,
		}},
		"webhook": {"inventory: [x]\nnetwork_servers:\n  - name: a\n    dialect: chirpstack-v4\n    broker: mqtt://127.0.0.1\n    webhook:\n      path: x\n      token_env: T\n  - name: b\n    dialect: chirpstack-v4\n    webhook: {}\nwebhooks: {listen: ':8090'}\n", []string{
			"f.yaml:6: network_servers.0: webhook: broker, listen: give one of them; a second way is a second network server with a name of its own",
			"f.yaml:7: network_servers.0: webhook: path: \"x\": want one like /stadtwerke of letters, digits, '.', '_' and '-'",
			"f.yaml:11: network_servers.1: webhook: token_file, token_env: give one of them: whoever may post can make readings",
			`f.yaml:12: webhooks: listen: ":8090" can be reached from the network, and without tls everybody on the way can read the secrets: give tls.cert_file and tls.key_file, or, if that is known and accepted, plaintext: accepted`,
		}},
		"listen": {"inventory: [x]\nnetwork_servers:\n  - name: a\n    dialect: chirpstack-v4\n    topics: ['a/#']\n    listen:\n      username: a\n      topics: ['a#']\n  - name: b\n    dialect: chirpstack-v4\n    listen: {}\nmqtt_listener: {listen: ':1884', keep_alive: 1s}\n", []string{
			"f.yaml:6: network_servers.0: listen: plaintext, client_id, username, password_file, password_env, tls, topics and keep_alive are of a broker: leave them out, or put them below listen",
			"f.yaml:6: network_servers.0: listen: password_file, password_env: give one of them: whoever may publish can make readings",
			`f.yaml:8: network_servers.0: listen: topics: "a#": '+' stands alone between slashes, '#' alone at the end`,
			"f.yaml:11: network_servers.1: listen: username, client_certificate: give at least one of them: whoever may publish can make readings",
			`f.yaml:12: mqtt_listener: listen: ":1884" can be reached from the network, and without tls everybody on the way can read the secrets: give tls.cert_file and tls.key_file, or, if that is known and accepted, plaintext: accepted`,
			"f.yaml:12: mqtt_listener: keep_alive: 1s: want 5s to 1h0m0s, written with a unit as in 60s",
		}},
		"time zone":             {good + "time_zone: Osnabrück\n", []string{`f.yaml:4: time_zone: "Osnabrück" is no time zone, want a name like Europe/Berlin`}},
		"retention":             {good + "retention: {frames: 1h}\n", []string{"f.yaml:4: retention: frames: 1h0m0s is too short: repeats are recognised by them; want at least 24h"}},
		"readings":              {good + "retention:\n  readings: 168h\n", []string{"f.yaml:5: retention: readings: 168h0m0s is shorter than frames, 720h0m0s: decoding those again would bring deleted readings back; want 0 (for ever) or at least as long"}},
		"board":                 {good + "board:\n  listen: 0.0.0.0:80\n", []string{`f.yaml:5: board: listen: "0.0.0.0:80" can be reached from the network, and without tls everybody on the way can read passwords: give tls.cert_file and tls.key_file, or listen on 127.0.0.1:80`, "f.yaml:4: board: hosts: missing: name what people call the board by, like board.example.org", `f.yaml:5: board: listen: "0.0.0.0:80" can be reached from the network, and nobody would have to log in: give access.users_file or access.openid, or listen at this machine`}},
		"board without a login": {good + "board:\n  listen: 0.0.0.0:8443\n  hosts: [tafel.example.org]\n  tls: {cert_file: a, key_file: b}\n", []string{`f.yaml:5: board: listen: "0.0.0.0:8443" can be reached from the network, and nobody would have to log in: give access.users_file or access.openid, or listen at this machine`}},
		"access": {good + "access:\n  tokens_file: t\n  idle: 1s\n  openid: {issuer: 'http://login.example.org', client_id: x, address: 'https://tafel.example.org', roles: [{value: a, role: chef}]}\n", []string{
			"f.yaml:6: access: idle: 1s: want from 1m0s to longest, 24h0m0s",
			`f.yaml:7: access: openid: issuer: "http://login.example.org": want https: everybody on the way could log in`,
			`f.yaml:7: access: openid: roles[0]: role "chef": want one of [viewer crew dispatcher technician admin]`,
		}},
		"holidays":       {good + "holidays: XX\nextra_holidays: [13-24]\n", []string{`f.yaml:4: holidays: unknown state "XX": want one of [BW BY BE BB HB HH HE MV NI NW RP SL SN ST SH TH], like NI for Niedersachsen`}},
		"extra holidays": {good + "extra_holidays: [24.12.]\n", []string{`f.yaml:4: extra_holidays: "24.12." is no day of the year: want month and day, like 12-24`}},
		"named ticket systems": {good + "tickets:\n  systems:\n    nord-ost:\n      kind: webhook\n      url: ftp://x\n    ost:\n      kind: mial\n", []string{
			`f.yaml:10: kind "mial": want one of local, open311, mail, webhook, csv; did you mean "mail"?`,
		}},
		"a ticket system's settings": {good + "tickets:\n  systems:\n    nord-ost:\n      kind: webhook\n      url: ftp://x\n      secret_env: X\n", []string{
			`f.yaml:8: tickets: systems: nord-ost: url is not an address: want something like https://host/path`,
		}},
		"ticket system": {good + "tickets:\n  system: jira\n", []string{`f.yaml:5: tickets: system "jira": want one of local, open311, mail, webhook, csv`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseSettings("f.yaml", []byte(c.text))
			if err == nil {
				t.Fatal("accepted")
			}
			got := strings.Split(err.Error(), "\n")
			for i := 0; i < max(len(got), len(c.want)); i++ {
				g, w := "", ""
				if i < len(got) {
					g = got[i]
				}
				if i < len(c.want) {
					w = c.want[i]
				}
				if g != w {
					t.Errorf("problem %d:\n got %s\nwant %s", i+1, g, w)
				}
			}
		})
	}
}

func FuzzSettings(f *testing.F) {
	f.Add(sample)
	f.Add([]byte(good))
	f.Add([]byte("network_servers: [{}]\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := parseSettings("f.yaml", data); err != nil && !strings.HasPrefix(err.Error(), "f.yaml") {
			t.Errorf("the error does not say where: %v", err)
		}
	})
}

// write makes files in a new folder and gives the path of the first.
func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
