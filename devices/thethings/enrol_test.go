package thethings

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/devices/thethings/thethingstest"
)

func TestEnrol(t *testing.T) {
	type fields = thethingstest.Fields
	upper := strings.ToUpper
	for _, c := range []struct {
		name                            string
		config                          func(*Config)
		change                          func(*testing.T, *enrol.Device)
		is, join, network, applications fields
	}{
		{
			name: "LoRaWAN 1.0.3: the one key is app_key",
			is: fields{"name": "PK-0042", "description": "Papierkorb am Markt", "ids.dev_eui": "A840410001810001", "ids.join_eui": "A000000000000101",
				"network_server_address": "127.0.0.1", "application_server_address": "127.0.0.1", "join_server_address": "127.0.0.1"},
			join: fields{"root_keys.app_key.key": upper(nwkHex), "root_keys.nwk_key.key": nil, "network_server_address": "127.0.0.1", "application_server_address": "127.0.0.1"},
			network: fields{"supports_join": true, "lorawan_version": "MAC_V1_0_3", "lorawan_phy_version": "PHY_V1_0_3_REV_A",
				"frequency_plan_id": "EU_863_870_TTN", "supports_class_b": nil, "supports_class_c": nil},
			applications: fields{"ids.dev_eui": "A840410001810001", "skip_payload_crypto_override": nil},
		},
		{
			name: "LoRaWAN 1.1: two keys",
			change: func(t *testing.T, d *enrol.Device) {
				d.Version, d.Keys.App = enrol.V1_1_0, key(t, appHex)
			},
			is:           fields{},
			join:         fields{"root_keys.nwk_key.key": upper(nwkHex), "root_keys.app_key.key": upper(appHex)},
			network:      fields{"lorawan_version": "MAC_V1_1", "lorawan_phy_version": "PHY_V1_1_REV_B"},
			applications: fields{},
		},
		{
			name: "class C, profile, LoRaWAN 1.0.4",
			config: func(c *Config) {
				c.Profiles = map[string]Profile{"kuebel": {PHYVersion: "RP002_V1_0_1", FrequencyPlan: "EU_863_870"}}
			},
			change: func(t *testing.T, d *enrol.Device) {
				d.Version, d.Class, d.Profile = enrol.V1_0_4, enrol.ClassC, "kuebel"
			},
			is:           fields{},
			join:         fields{},
			network:      fields{"lorawan_version": "MAC_V1_0_4", "lorawan_phy_version": "RP002_V1_0_1", "frequency_plan_id": "EU_863_870", "supports_class_c": true},
			applications: fields{},
		},
		{
			name:         "end-to-end encrypted",
			config:       func(c *Config) { c.KEKLabel = "stadt-kek-1" },
			is:           fields{},
			join:         fields{"application_server_kek_label": "stadt-kek-1"},
			network:      fields{},
			applications: fields{"skip_payload_crypto_override": true},
		},
		{
			name:   "keys with another join server",
			config: func(c *Config) { c.KeysAt = "join.stadt.example" },
			change: func(t *testing.T, d *enrol.Device) {
				d.Keys = enrol.RootKeys{}
			},
			is:           fields{"join_server_address": "join.stadt.example"},
			join:         nil,
			network:      fields{"supports_join": true},
			applications: fields{},
		},
		{
			name:         "disabled",
			change:       func(t *testing.T, d *enrol.Device) { d.Disabled = true },
			is:           fields{},
			join:         fields{"root_keys.app_key.key": upper(nwkHex)},
			network:      nil,
			applications: fields{},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := start(t, c.config)
			want := bin(t)
			if c.change != nil {
				c.change(t, &want)
			}
			drift, err := cl.Compare(background(t), want)
			if err != nil || !has(drift, "identity server is missing") {
				t.Errorf("before: drift %v, error %v; want the identity server to miss it", drift, err)
			}
			if err := cl.Enrol(background(t), want); err != nil {
				t.Fatal(err)
			}
			expect(t, cl, thethingstest.Identity, binID, c.is)
			expect(t, cl, thethingstest.Join, binID, c.join)
			expect(t, cl, thethingstest.Network, binID, c.network)
			expect(t, cl, thethingstest.Application, binID, c.applications)
			settled(t, cl, want)
		})
	}
}

// TestRepair breaks each of the four writes in each way and lets the next call mend it.
func TestRepair(t *testing.T) {
	for _, step := range []struct {
		registry thethingstest.Registry
		method   string
	}{
		{thethingstest.Identity, http.MethodPost},
		{thethingstest.Join, http.MethodPut},
		{thethingstest.Network, http.MethodPut},
		{thethingstest.Application, http.MethodPut},
	} {
		for _, after := range []bool{false, true} {
			for _, status := range []int{0, http.StatusServiceUnavailable, http.StatusInternalServerError} {
				t.Run(fmt.Sprintf("%s after=%v status=%d", step.registry, after, status), func(t *testing.T) {
					c := start(t, nil)
					c.Fail(thethingstest.Fault{Registry: step.registry, Method: step.method, After: after, Status: status})
					wantKind(t, c.Enrol(background(t), bin(t)), enrol.Unreachable, "device a840410001810001: ")
					if drift, err := c.Compare(background(t), bin(t)); err != nil || len(drift) == 0 && !(after && step.registry == thethingstest.Application) {
						t.Errorf("after the fault: drift %v, error %v; want it to be told", drift, err)
					}
					if err := c.Enrol(background(t), bin(t)); err != nil {
						t.Fatalf("again: %v", err)
					}
					settled(t, c, bin(t))
				})
			}
		}
	}
}

// TestLost takes a device out of one registry, as a lost database does.
func TestLost(t *testing.T) {
	for part, r := range map[string]thethingstest.Registry{
		"identity server": thethingstest.Identity, "join server": thethingstest.Join,
		"network server": thethingstest.Network, "application server": thethingstest.Application,
	} {
		t.Run(part, func(t *testing.T) {
			c := start(t, nil)
			if err := c.Enrol(background(t), bin(t)); err != nil {
				t.Fatal(err)
			}
			c.Put(r, binID, nil)
			drift, err := c.Compare(background(t), bin(t))
			if err != nil || len(drift) != 1 || drift[0].String() != part+" is missing" {
				t.Errorf("drift %v, error %v; want the %s to miss it", drift, err, part)
			}
			c.Seen()
			if err := c.Enrol(background(t), bin(t)); err != nil {
				t.Fatal(err)
			}
			for _, req := range c.Seen() {
				if req.Method != http.MethodGet && req.Registry != r {
					t.Errorf("%s to %s, which was right", req.Method, req.Registry)
				}
			}
			settled(t, c, bin(t))
		})
	}
}

// TestDrift changes one thing behind our back, or in the inventory.
func TestDrift(t *testing.T) {
	type fields = thethingstest.Fields
	with := func(r thethingstest.Registry, path string, v any) func(*testing.T, *cluster, *enrol.Device) {
		return func(t *testing.T, c *cluster, _ *enrol.Device) {
			f := c.Get(r, binID)
			f[path] = v
			c.Put(r, binID, f)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*testing.T, *cluster, *enrol.Device)
		drift  []string
		check  func(*testing.T, *cluster)
	}{
		{
			name:   "name there",
			change: with(thethingstest.Identity, "name", "Tonne"),
			drift:  []string{"identity server: name is Tonne, want PK-0042"},
		},
		{
			name:   "text gone from the inventory",
			change: func(_ *testing.T, _ *cluster, d *enrol.Device) { d.Text = "" },
			drift:  []string{"identity server: description is Papierkorb am Markt, want nothing"},
		},
		{
			name:   "address with a port",
			change: with(thethingstest.Identity, "network_server_address", "127.0.0.1:8884"),
		},
		{
			name:   "address elsewhere",
			change: with(thethingstest.Identity, "join_server_address", "other.example"),
			drift:  []string{"identity server: join_server_address is other.example, want 127.0.0.1"},
		},
		{
			name: "tag changed, a foreign one stays",
			change: with(thethingstest.Identity, "attributes", map[string]any{
				"model": "em310-udl", "asset": "PK-0001", "console-color": "green"}),
			drift: []string{"identity server: attributes.asset is PK-0001, want PK-0042"},
			check: func(t *testing.T, c *cluster) {
				got, _ := c.Get(thethingstest.Identity, binID)["attributes"].(map[string]any)
				if want := (map[string]any{"model": "em310-udl", "asset": "PK-0042", "console-color": "green"}); !maps.Equal(got, want) {
					t.Errorf("attributes %v, want %v", got, want)
				}
			},
		},
		{
			name:   "another key: the counters of the old one go",
			change: func(t *testing.T, _ *cluster, d *enrol.Device) { d.Keys.Nwk = key(t, newHex) },
			drift:  []string{"join server: root_keys.app_key.key is another key, want that of the inventory"},
			check: func(t *testing.T, c *cluster) {
				expect(t, c, thethingstest.Join, binID, fields{"root_keys.app_key.key": strings.ToUpper(newHex), "used_dev_nonces": nil, "last_dev_nonce": nil, "last_join_nonce": json.Number("7")})
			},
		},
		{
			name: "the same key: its counters stay",
			change: func(t *testing.T, c *cluster, _ *enrol.Device) {
				with(thethingstest.Join, "network_server_address", "other.example")(t, c, nil)
			},
			drift: []string{"join server: network_server_address is other.example, want 127.0.0.1"},
			check: func(t *testing.T, c *cluster) {
				expect(t, c, thethingstest.Join, binID, fields{"last_dev_nonce": json.Number("12"), "last_join_nonce": json.Number("7")})
			},
		},
		{
			name:   "key lost",
			change: with(thethingstest.Join, "root_keys.app_key.key", ""),
			drift:  []string{"join server: root_keys.app_key.key is not set, want the key of the inventory"},
		},
		{
			name:   "a NwkKey that a device of 1.0.3 must not have",
			change: with(thethingstest.Join, "root_keys.nwk_key.key", strings.ToUpper(appHex)),
			drift:  []string{"join server: root_keys.nwk_key.key is a key, want nothing"},
			check: func(t *testing.T, c *cluster) {
				expect(t, c, thethingstest.Join, binID, fields{"root_keys.app_key.key": strings.ToUpper(nwkHex), "root_keys.nwk_key.key": nil})
			},
		},
		{
			name: "LoRaWAN version",
			change: func(t *testing.T, _ *cluster, d *enrol.Device) {
				d.Version = enrol.V1_0_2
			},
			drift: []string{"network server: lorawan_version is MAC_V1_0_3, want MAC_V1_0_2", "network server: lorawan_phy_version is PHY_V1_0_3_REV_A, want PHY_V1_0_2_REV_B"},
		},
		{
			name:   "the newer name of the same regional parameters",
			change: with(thethingstest.Network, "lorawan_phy_version", "RP001_V1_0_3_REV_A"),
		},
		{
			name:   "class",
			change: with(thethingstest.Network, "supports_class_c", true),
			drift:  []string{"network server: supports_class_c is true, want false"},
		},
		{
			name:   "activated by personalization",
			change: with(thethingstest.Network, "supports_join", false),
			drift:  []string{"network server: supports_join is false, want true"},
		},
		{
			name:   "disabled",
			change: func(_ *testing.T, _ *cluster, d *enrol.Device) { d.Disabled = true },
			drift:  []string{"network server: the device is there, want not there"},
		},
		{
			name: "other JoinEUI",
			change: func(t *testing.T, _ *cluster, d *enrol.Device) {
				d.JoinEUI = eui(t, "a000000000000202")
			},
			drift: []string{
				"identity server: join_eui of eui-a840410001810001 is A000000000000101, want A000000000000202",
				"identity server is missing",
				"join server: ids.join_eui is A000000000000101, want A000000000000202",
				"network server: ids.join_eui is A000000000000101, want A000000000000202",
				"application server: ids.join_eui is A000000000000101, want A000000000000202",
			},
		},
		{
			name:   "other JoinEUI in the identity server alone",
			change: with(thethingstest.Identity, "ids.join_eui", "A000000000000303"),
			drift: []string{
				"identity server: join_eui of eui-a840410001810001 is A000000000000303, want A000000000000101",
				"identity server is missing",
			},
		},
		{
			name: "another device's rest under our id",
			change: func(t *testing.T, c *cluster, _ *enrol.Device) {
				with(thethingstest.Application, "ids.join_eui", "A000000000000303")(t, c, nil)
			},
			drift: []string{"application server: ids.join_eui is A000000000000303, want A000000000000101"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := start(t, nil)
			want := bin(t)
			if err := cl.Enrol(background(t), want); err != nil {
				t.Fatal(err)
			}
			joined := cl.Get(thethingstest.Join, binID)
			joined["used_dev_nonces"] = []any{json.Number("11"), json.Number("12")}
			joined["last_dev_nonce"], joined["last_join_nonce"] = json.Number("12"), json.Number("7")
			cl.Put(thethingstest.Join, binID, joined)
			c.change(t, cl, &want)

			drift, err := cl.Compare(background(t), want)
			if err != nil || len(drift) != len(c.drift) {
				t.Errorf("drift %v, error %v; want %v", drift, err, c.drift)
			}
			for _, d := range c.drift {
				if !has(drift, d) {
					t.Errorf("drift %v does not tell %q", drift, d)
				}
			}
			if err := cl.Enrol(background(t), want); err != nil {
				t.Fatal(err)
			}
			if c.check != nil {
				c.check(t, cl)
			}
			settled(t, cl, want)
		})
	}
}

// TestKeysMoveAway has the keys taken from the cluster's join server once another one has them.
func TestKeysMoveAway(t *testing.T) {
	c := start(t, func(cfg *Config) { cfg.KeysAt = "join.stadt.example" })
	want := bin(t)
	if err := c.Enrol(background(t), want); err != nil {
		t.Fatal(err)
	}
	want.Keys = enrol.RootKeys{}
	drift, err := c.Compare(background(t), want)
	if err != nil || !has(drift, "join server: the device is there, want not there") ||
		!has(drift, "identity server: join_server_address is 127.0.0.1, want join.stadt.example") {
		t.Errorf("drift %v, error %v", drift, err)
	}
	if err := c.Enrol(background(t), want); err != nil {
		t.Fatal(err)
	}
	expect(t, c, thethingstest.Join, binID, nil)
	settled(t, c, want)
}

// TestOtherID leaves a device under the id that somebody gave it in the console.
func TestOtherID(t *testing.T) {
	c := start(t, nil)
	id := thethingstest.ID{Application: appID, Device: "tonne-am-markt"}
	c.Put(thethingstest.Identity, id, thethingstest.Fields{
		"ids.device_id": id.Device, "ids.application_ids.application_id": appID,
		"ids.dev_eui": "A840410001810001", "ids.join_eui": "A000000000000101", "name": "von Hand",
	})
	if err := c.Enrol(background(t), bin(t)); err != nil {
		t.Fatal(err)
	}
	for _, r := range []thethingstest.Registry{thethingstest.Identity, thethingstest.Join, thethingstest.Network, thethingstest.Application} {
		if c.Get(r, id) == nil || c.Get(r, binID) != nil || c.Count(r) != 1 {
			t.Errorf("%s does not have it once, as %s", r, id.Device)
		}
	}
	settled(t, c, bin(t))
	if err := c.Remove(background(t), bin(t).DevEUI); err != nil {
		t.Fatal(err)
	}
	for _, r := range []thethingstest.Registry{thethingstest.Identity, thethingstest.Join, thethingstest.Network, thethingstest.Application} {
		if c.Count(r) != 0 {
			t.Errorf("%s still has it", r)
		}
	}
}

func TestConflict(t *testing.T) {
	other := thethingstest.ID{Application: "nachbarstadt", Device: "eui-a840410001810001"}
	taken := thethingstest.Fields{
		"ids.device_id": other.Device, "ids.application_ids.application_id": other.Application,
		"ids.dev_eui": "A840410001810001", "ids.join_eui": "A000000000000101",
	}
	for _, r := range []thethingstest.Registry{thethingstest.Identity, thethingstest.Join, thethingstest.Network, thethingstest.Application} {
		t.Run(string(r), func(t *testing.T) {
			c := start(t, nil)
			c.Put(r, other, taken)
			wantKind(t, c.Enrol(background(t), bin(t)), enrol.Conflict, `application "nachbarstadt"`, `"eui-a840410001810001"`, "remove it there first")
		})
	}
	t.Run("our id has another device", func(t *testing.T) {
		c := start(t, nil)
		f := maps.Clone(taken)
		f["ids.application_ids.application_id"], f["ids.dev_eui"] = appID, "A8404100018100FF"
		c.Put(thethingstest.Identity, binID, f)
		wantKind(t, c.Enrol(background(t), bin(t)), enrol.Conflict, "ID already taken")
		if err := c.Remove(background(t), bin(t).DevEUI); err != nil {
			t.Fatal(err)
		}
		expect(t, c, thethingstest.Identity, binID, f)
	})
}

func TestRemove(t *testing.T) {
	all := []thethingstest.Registry{thethingstest.Identity, thethingstest.Join, thethingstest.Network, thethingstest.Application}
	t.Run("not there", func(t *testing.T) {
		if err := start(t, nil).Remove(background(t), bin(t).DevEUI); err != nil {
			t.Error(err)
		}
	})
	for _, r := range all {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("broken at %s after=%v", r, after), func(t *testing.T) {
				c := start(t, nil)
				if err := c.Enrol(background(t), bin(t)); err != nil {
					t.Fatal(err)
				}
				c.Fail(thethingstest.Fault{Registry: r, Method: http.MethodDelete, After: after, Status: http.StatusBadGateway})
				wantKind(t, c.Remove(background(t), bin(t).DevEUI), enrol.Unreachable, "remove from the")
				if err := c.Remove(background(t), bin(t).DevEUI); err != nil {
					t.Fatal(err)
				}
				for _, r := range all {
					if c.Count(r) != 0 {
						t.Errorf("%s still has it", r)
					}
				}
			})
		}
	}
	t.Run("left in the others without the identity server", func(t *testing.T) {
		c := start(t, nil)
		if err := c.Enrol(background(t), bin(t)); err != nil {
			t.Fatal(err)
		}
		c.Put(thethingstest.Identity, binID, nil)
		if err := c.Remove(background(t), bin(t).DevEUI); err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			if c.Count(r) != 0 {
				t.Errorf("%s still has it", r)
			}
		}
	})
}

// TestThousand enrols 1,000 devices, eight at a time, while 60 steps break, and a second
// time, which mends those and leaves the others alone.
func TestThousand(t *testing.T) {
	c := start(t, nil)
	devices := make([]enrol.Device, 1000)
	for i := range devices {
		d := bin(t)
		d.DevEUI = city.EUI{0xa8, 0x40, 0x41, 0, 0, 0, byte(i >> 8), byte(i)}
		d.Keys.Nwk = lorawan.Key{1, 2, byte(i >> 8), byte(i)}
		d.Name = fmt.Sprintf("PK-%04d", i)
		devices[i] = d
	}
	for _, r := range []thethingstest.Registry{thethingstest.Join, thethingstest.Network, thethingstest.Application} {
		for i := range 20 {
			c.Fail(thethingstest.Fault{Registry: r, Method: http.MethodPut, After: i%2 == 0, Status: http.StatusServiceUnavailable})
		}
	}
	round := func() map[string]bool { // ids of those that failed
		work := make(chan enrol.Device)
		failed := map[string]bool{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for d := range work {
					if err := c.Enrol(t.Context(), d); err != nil {
						mu.Lock()
						failed[deviceID(d.DevEUI)] = true
						mu.Unlock()
					}
				}
			})
		}
		for _, d := range devices {
			work <- d
		}
		close(work)
		wg.Wait()
		return failed
	}
	begin := time.Now()
	failed := round()
	if len(failed) != 60 {
		t.Errorf("%d of the first round failed, want the 60 that were broken", len(failed))
	}
	t.Logf("1,000 devices, 8 in parallel: %s, %d requests", time.Since(begin).Round(time.Millisecond), len(c.Seen()))
	if again := round(); len(again) != 0 {
		t.Errorf("%d of the second round failed", len(again))
	}
	for _, r := range c.Seen() {
		if r.Method != http.MethodGet && !failed[r.Device] {
			t.Errorf("the second round sent %s for %s to %s, which was right", r.Method, r.Device, r.Registry)
		}
	}
	for _, r := range []thethingstest.Registry{thethingstest.Identity, thethingstest.Join, thethingstest.Network, thethingstest.Application} {
		if n := c.Count(r); n != 1000 {
			t.Errorf("%s has %d devices, want 1000", r, n)
		}
	}
}
