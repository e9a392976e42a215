package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// filled begins a configuration whose network server is told of devices from here.
const filled = "inventory: [x]\nnetwork_servers:\n  - name: stadt\n    dialect: chirpstack-v4\n    broker: mqtt://127.0.0.1\n    provisioning:\n"

const (
	toChirpstack = "      kind: chirpstack\n      address: https://lns.example\n      tenant: Stadt\n      application: Sensorik\n      api_key_env: CHIRPSTACK_KEY\n"
	toThings     = "      kind: thethings\n      address: https://tts.example\n      application: stadt-sensorik\n      api_key_env: THINGS_KEY\n"
)

func TestProvisioningSettings(t *testing.T) {
	t.Setenv("CHIRPSTACK_KEY", "canary-key")
	t.Setenv("THINGS_KEY", "canary-key")
	place := func(text string) string {
		t.Helper()
		s, err := parseSettings("f.yaml", []byte(filled+text))
		if err != nil {
			t.Fatal(err)
		}
		all, closeAll, err := s.targets()
		defer closeAll()
		if err != nil || len(all) != 1 || all[0].Name() != "stadt" {
			t.Fatalf("%d targets, %v", len(all), err)
		}
		if strings.Contains(all[0].Place, "canary") || strings.Contains(all[0].Place, "_KEY") {
			t.Errorf("the place tells of the key: %s", all[0].Place)
		}
		return all[0].Place
	}
	seen := map[string]string{}
	for name, text := range map[string]string{
		"chirpstack":          toChirpstack,
		"another application": strings.Replace(toChirpstack, "Sensorik", "Test", 1),
		"another tenant":      strings.Replace(toChirpstack, "Stadt", "Dorf", 1),
		"another server":      strings.Replace(toChirpstack, "lns", "neu", 1),
		"things":              toThings,
		"another plan":        toThings + "      frequency_plans: {EU868: EU_863_870}\n",
		"a profile":           toThings + "      profiles: {em310: {phy_version: PHY_V1_0_2_REV_A}}\n",
		"encrypted":           toThings + "      kek_label: stadt-kek-1\n",
	} {
		at := place(text)
		if other, twice := seen[at]; twice {
			t.Errorf("%s and %s are one place: %s", name, other, at)
		}
		seen[at] = name
	}
	if place(toChirpstack) != place(toChirpstack+"      timeout: 1m\n") {
		t.Error("with another timeout all devices would be told anew")
	}

	s, err := parseSettings("f.yaml", []byte(filled+toChirpstack+"      keys_elsewhere: true\n      keep_keys: true\n"))
	if err != nil {
		t.Fatal(err)
	}
	all, closeAll, err := s.targets()
	closeAll()
	if err != nil || !all[0].KeepKeys {
		t.Errorf("%+v, %v", all, err)
	}
	if all, _, err := (&settings{NetworkServers: make([]networkServer, 2)}).targets(); len(all) != 0 || err != nil {
		t.Errorf("%d targets, %v", len(all), err)
	}
	t.Setenv("CHIRPSTACK_KEY", "")
	if _, _, err := s.targets(); err == nil || err.Error() != "network_servers: stadt: provisioning: chirpstack: API key: environment variable CHIRPSTACK_KEY is empty" {
		t.Errorf("got %v", err)
	}
}

func TestBadProvisioning(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no kind":          {"      address: x\n", "f.yaml:7: provisioning: kind is missing: want one of chirpstack, thethings"},
		"kind":             {"      kind: chirpstack-v4\n", `f.yaml:7: provisioning: kind "chirpstack-v4": want one of chirpstack, thethings`},
		"no mapping":       {"      - chirpstack\n", "f.yaml:7: provisioning: want a mapping with the kind of network server (chirpstack, thethings) and its settings"},
		"name":             {toChirpstack + "      name: x\n", "f.yaml:12: provisioning: name: it is that of the network server, and stands there"},
		"unknown key":      {toChirpstack + "      keys_at: x\n", "f.yaml:12: field keys_at not found in type chirpstack.Config (unknown key; meldefunk config shows the known ones)"},
		"unknown, nested":  {toThings + "      profiles: {em310: {phy: x}}\n", "f.yaml:11: field phy not found in type thethings.Profile (unknown key; meldefunk config shows the known ones)"},
		"duration":         {toChirpstack + "      timeout: 5\n", "f.yaml:12: cannot unmarshal !!int `5` into time.Duration (a duration needs a unit, like 30s, 5m or 168h)"},
		"value":            {strings.Replace(toChirpstack, "https", "http", 1), `f.yaml:8: network_servers.0.provisioning: address: "http://lns.example" would send the keys readable over the network: use https, or set plaintext: accepted`},
		"keep_keys":        {toChirpstack + "      keep_keys: true\n", "f.yaml:12: network_servers.0.provisioning: keep_keys: without keys_elsewhere the network server refuses every device: it must know who has the keys"},
		"keep_keys, words": {toThings + "      keep_keys: often\n", "f.yaml:11: cannot unmarshal !!str `often` into bool"},
		"beside it":        {toThings + "    provisoning: {}\n", "f.yaml:11: field provisoning not found of a network server (unknown key; meldefunk config shows the known ones)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseSettings("f.yaml", []byte(filled+c.text))
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

const joining = good + `keys:
  register: stadt-wurzel
  keks:
    - {label: stadt-kek-1, env: A}
    - {label: chirpstack-1, env: B}
    - {label: stadt-wurzel, env: C}
join_server:
  kek: stadt-kek-1
  peers:
    - {name: chirpstack, role: network_server, id: "000000", token_env: T, kek: chirpstack-1}
`

func TestJoinServerSettings(t *testing.T) {
	s, err := parseSettings("f.yaml", []byte(joining))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := s.JoinServer.home(); err != nil || id.String() != "000000" || !s.JoinServer.wanted() || s.JoinServer.Listen != "127.0.0.1:8092" {
		t.Errorf("%v, %v, %+v", id, err, s.JoinServer)
	}
	if s, err := parseSettings("f.yaml", []byte(good)); err != nil || s.JoinServer.wanted() {
		t.Errorf("without a word of it: %v, %+v", err, s.JoinServer)
	}
	const second = `    - {name: tts, role: network_server, id: "000013", token_env: T, kek: chirpstack-1}` + "\n"
	s, err = parseSettings("f.yaml", []byte(joining+second+"  home: '000013'\n"))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := s.JoinServer.home(); err != nil || id.String() != "000013" {
		t.Errorf("home %s, %v", id, err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"nobody":          {good + "join_server: {listen: '127.0.0.1:1'}\nkeys: {keks: [{label: a, env: A}]}\n", "f.yaml:4: join_server: peers: nobody may ask: name the network servers\nf.yaml:4: join_server: kek: missing; give the label of the key (keys.keks) that wraps the AppSKey of each session"},
		"open":            {strings.Replace(joining, "  kek:", "  listen: 0.0.0.0:8092\n  kek:", 1), "f.yaml:11: join_server: listen: \"0.0.0.0:8092\" can be reached from the network"},
		"no such KEK":     {strings.Replace(joining, "  kek: stadt-kek-1", "  kek: gold", 1), `f.yaml:11: join_server: kek: "gold" is no label under keys.keks`},
		"a peer's":        {strings.Replace(joining, "kek: chirpstack-1}", "kek: gold}", 1), `f.yaml:13: join_server: peers: 0 ("chirpstack"): kek: "gold" is no label under keys.keks`},
		"the same":        {strings.Replace(joining, "kek: chirpstack-1}", "kek: stadt-kek-1}", 1), `f.yaml:13: join_server: peers: 0 ("chirpstack"): kek: "stadt-kek-1" wraps the AppSKeys`},
		"that of roots":   {strings.Replace(joining, "kek: chirpstack-1}", "kek: stadt-wurzel}", 1), `f.yaml:13: join_server: peers: 0 ("chirpstack"): kek: "stadt-wurzel" wraps root keys in the register`},
		"two to choose":   {joining + second, `f.yaml:10: join_server: home: missing; say which of the network servers ["000000" "000013"] the devices join`},
		"home":            {joining + "  home: Stadt\n", `f.yaml:14: join_server: home: "Stadt" is not a NetID`},
		"an idle peer":    {joining + "    - {name: as, role: application_server, id: as.stadt.example, token_env: T}\n", `f.yaml:14: join_server: peers: 1 ("as"): no AppSKey is kept for it: name its id with application_server`},
		"no such peer":    {joining + "  application_server: as.stadt.example\n", `f.yaml:14: join_server: application_server: "as.stadt.example" is the id of no peer with role application_server`},
		"unknown, nested": {strings.Replace(joining, "token_env: T", "token: T", 1), "f.yaml:13: field token not found in type joinserver.Peer"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseSettings("f.yaml", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestCheckReadsAPIKeys lets a check find a key that is not there.
func TestCheckReadsAPIKeys(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	inventory := write("inventory.csv", "dev_eui;model;asset;kind\n24e1247130000043;milesight/em310-udl;PK-1;bin\n")
	text := strings.Replace(filled, "[x]", "['"+inventory+"']", 1) + strings.Replace(toChirpstack, "api_key_env: CHIRPSTACK_KEY", "api_key_file: '"+filepath.Join(dir, "key")+"'", 1)
	config := write("meldefunk.yaml", text)
	if err := checkAll(t.Context(), config); err == nil || !strings.Contains(err.Error(), "network_servers: stadt: provisioning: chirpstack: API key: open ") {
		t.Errorf("got %v", err)
	}
	write("key", "canary-key\n")
	if err := checkAll(t.Context(), config); err != nil {
		t.Error(err)
	}
}
