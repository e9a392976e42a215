package chirpstack

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/devices/chirpstack/chirpstacktest"
)

type fields = chirpstacktest.Fields

func TestEnrol(t *testing.T) {
	for _, c := range []struct {
		name              string
		config            func(*stack, *Config)
		change            func(*testing.T, *enrol.Device)
		profile           string
		device, keys, own fields
	}{
		{
			name:    "LoRaWAN 1.0.3: the one key is nwk_key",
			profile: "Meldefunk EU868 1.0.3 A 3600 s",
			device: fields{"name": "PK-0042", "description": "Papierkorb am Markt", "join_eui": "a000000000000101",
				"tags": map[string]any{"model": "em310-udl"}, "is_disabled": nil, "skip_fcnt_check": nil},
			keys: fields{"nwk_key": nwkHex, "app_key": zeros, "gen_app_key": zeros},
			own: fields{"region": nil, "mac_version": "LORAWAN_1_0_3", "reg_params_revision": nil, "supports_otaa": true,
				"supports_class_b": nil, "supports_class_c": nil, "uplink_interval": 3600.0, "adr_algorithm_id": "default",
				"flush_queue_on_activate": true, "device_status_req_interval": 1.0, "payload_codec_runtime": nil},
		},
		{
			name: "LoRaWAN 1.1: two keys",
			change: func(t *testing.T, d *enrol.Device) {
				d.Version, d.Keys.App = enrol.V1_1_0, key(t, appHex)
			},
			profile: "Meldefunk EU868 1.1.0 A 3600 s",
			device:  fields{},
			keys:    fields{"nwk_key": nwkHex, "app_key": appHex},
			own:     fields{"mac_version": "LORAWAN_1_1_0", "reg_params_revision": "B"},
		},
		{
			name: "LoRaWAN 1.0.4, class C, other region, no interval, no name",
			change: func(t *testing.T, d *enrol.Device) {
				d.Version, d.Class, d.Region, d.Interval, d.Name = enrol.V1_0_4, enrol.ClassC, "US915", 0, ""
			},
			profile: "Meldefunk US915 1.0.4 C",
			device:  fields{"name": binEUI},
			keys:    fields{"nwk_key": nwkHex},
			own:     fields{"region": "US915", "reg_params_revision": "RP002_1_0_3", "supports_class_c": true, "class_c_timeout": 8.0, "uplink_interval": 3600.0},
		},
		{
			name:    "disabled",
			change:  func(t *testing.T, d *enrol.Device) { d.Disabled = true },
			profile: "Meldefunk EU868 1.0.3 A 3600 s",
			device:  fields{"is_disabled": true},
			keys:    fields{"nwk_key": nwkHex},
			own:     fields{},
		},
		{
			name:    "keys with a join server",
			config:  func(_ *stack, c *Config) { c.KeysElsewhere = true },
			change:  func(t *testing.T, d *enrol.Device) { d.Keys = enrol.RootKeys{} },
			profile: "Meldefunk EU868 1.0.3 A 3600 s",
			device:  fields{"name": "PK-0042"},
			keys:    nil,
			own:     fields{},
		},
		{
			name: "application and tenant by name, with an administrator's key",
			config: func(s *stack, c *Config) {
				s.Grant(apiKey, chirpstacktest.Access{Admin: true})
				c.Tenant, c.Application = "Stadt", "Sensorik"
			},
			profile: "Meldefunk EU868 1.0.3 A 3600 s",
			device:  fields{"name": "PK-0042"},
			keys:    fields{"nwk_key": nwkHex},
			own:     fields{},
		},
		{
			name:    "application by name, tenant by id",
			config:  func(s *stack, c *Config) { c.Tenant, c.Application = s.tenant, "Sensorik" },
			profile: "Meldefunk EU868 1.0.3 A 3600 s",
			device:  fields{"name": "PK-0042"},
			keys:    fields{"nwk_key": nwkHex},
			own:     fields{},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.config)
			want := bin(t)
			if c.change != nil {
				c.change(t, &want)
			}
			drift, err := s.Compare(background(t), want)
			if got := told(t, drift); err != nil || !slices.Contains(got, "device is missing") || slices.Contains(got, "keys is missing") == want.Keys.None() {
				t.Errorf("before: drift %q, error %v", got, err)
			}
			if err := s.Enrol(background(t), want); err != nil {
				t.Fatal(err)
			}
			if got := s.ownProfiles(t); !slices.Equal(got, []string{c.profile}) {
				t.Fatalf("device profiles %q, want %q", got, c.profile)
			}
			id := s.IDs(chirpstacktest.Profile)[0]
			c.device["application_id"], c.device["device_profile_id"] = s.application, id
			c.own["tenant_id"] = s.tenant
			s.expect(t, chirpstacktest.Device, binEUI, c.device)
			s.expect(t, chirpstacktest.Keys, binEUI, c.keys)
			s.expect(t, chirpstacktest.Profile, id, c.own)
			s.settled(t, want)
		})
	}
}

// TestRepair breaks each write in each way and lets the next call mend it.
func TestRepair(t *testing.T) {
	for _, method := range []string{"DeviceProfileService/Create", "DeviceService/Create", "DeviceService/CreateKeys"} {
		for _, f := range []struct {
			name  string
			fault chirpstacktest.Fault
			kind  enrol.Kind
		}{
			{"unavailable before", chirpstacktest.Fault{Code: codes.Unavailable, Message: "the database is away"}, enrol.Unreachable},
			{"unavailable after", chirpstacktest.Fault{After: true, Code: codes.Unavailable, Message: "the database is away"}, enrol.Unreachable},
			{"cut before", chirpstacktest.Fault{Cut: true}, enrol.Unreachable},
			{"cut after", chirpstacktest.Fault{After: true, Cut: true}, enrol.Unreachable},
			{"no answer after", chirpstacktest.Fault{After: true, Hang: true}, enrol.Unreachable},
			{"internal", chirpstacktest.Fault{Code: codes.Internal, Message: "Pool error: Timeout"}, enrol.Unreachable},
		} {
			t.Run(method+" "+f.name, func(t *testing.T) {
				s := start(t, func(_ *stack, c *Config) { c.Timeout = time.Second })
				f.fault.Method = method
				s.Fail(f.fault)
				want := bin(t)
				err := s.Enrol(background(t), want)
				refused(t, err, f.kind, "")
				if err := s.Enrol(background(t), want); err != nil {
					t.Fatal(err)
				}
				if got := s.ownProfiles(t); len(got) != 1 {
					t.Errorf("device profiles %q, want one", got)
				}
				s.expect(t, chirpstacktest.Keys, binEUI, fields{"nwk_key": nwkHex})
				s.settled(t, want)
			})
		}
	}
}

// TestCut shows what stands there when the connection breaks between device and keys.
func TestCut(t *testing.T) {
	s := start(t, nil)
	s.Fail(chirpstacktest.Fault{Method: "DeviceService/CreateKeys", Cut: true})
	refused(t, s.Enrol(background(t), bin(t)), enrol.Unreachable, "set the keys: ")
	drift, err := s.Compare(background(t), bin(t))
	if got := told(t, drift); err != nil || !slices.Equal(got, []string{"keys is missing"}) {
		t.Errorf("drift %q, error %v; want the keys to be missing, and nothing else", got, err)
	}
	if err := s.Enrol(background(t), bin(t)); err != nil {
		t.Fatal(err)
	}
	s.settled(t, bin(t))
}

// TestDrift changes what ChirpStack has, sees it told, and has it put right. What nobody
// asked for stays.
func TestDrift(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(*testing.T, *stack)
		drift  []string
		writes []string
	}{
		{
			name: "name, description, JoinEUI, disabled",
			spoil: func(t *testing.T, s *stack) {
				s.edit(t, chirpstacktest.Device, binEUI, func(f fields) {
					f["name"], f["description"], f["join_eui"], f["is_disabled"] = "alt", "", "0000000000000000", true
				})
			},
			drift: []string{`device: name is alt, want PK-0042`, `device: description is not set, want Papierkorb am Markt`,
				`device: join_eui is 0000000000000000, want a000000000000101`, `device: is_disabled is true, want false`},
			writes: []string{"DeviceService/Update"},
		},
		{
			name: "tags",
			spoil: func(t *testing.T, s *stack) {
				s.edit(t, chirpstacktest.Device, binEUI, func(f fields) { f["tags"] = map[string]any{"model": "x", "kept": "y"} })
			},
			drift:  []string{`device: tags.model is x, want em310-udl`},
			writes: []string{"DeviceService/Update"},
		},
		{
			name: "another key: its nonces are forgotten before it changes",
			spoil: func(t *testing.T, s *stack) {
				s.edit(t, chirpstacktest.Keys, binEUI, func(f fields) { f["nwk_key"] = newHex })
				s.Join(binEUI)
			},
			drift:  []string{`keys: nwk_key is another key, want that of the inventory`},
			writes: []string{"DeviceService/FlushDevNonces", "DeviceService/UpdateKeys"},
		},
		{
			name: "the naming trap: the key in app_key",
			spoil: func(t *testing.T, s *stack) {
				s.edit(t, chirpstacktest.Keys, binEUI, func(f fields) { f["nwk_key"], f["app_key"] = zeros, nwkHex })
			},
			drift:  []string{`keys: nwk_key is not set, want the key of the inventory`, `keys: app_key is a key, want nothing`},
			writes: []string{"DeviceService/FlushDevNonces", "DeviceService/UpdateKeys"},
		},
		{
			name: "keys gone",
			spoil: func(t *testing.T, s *stack) {
				if err := s.Put(chirpstacktest.Keys, binEUI, nil); err != nil {
					t.Fatal(err)
				}
			},
			drift:  []string{`keys is missing`},
			writes: []string{"DeviceService/CreateKeys"},
		},
		{
			name: "device profile changed",
			spoil: func(t *testing.T, s *stack) {
				s.edit(t, chirpstacktest.Profile, s.IDs(chirpstacktest.Profile)[0], func(f fields) {
					f["mac_version"], f["reg_params_revision"], f["region"], f["uplink_interval"] = "LORAWAN_1_0_2", "RP002_1_0_4", "US915", 60
					f["supports_otaa"], f["supports_class_c"] = false, true
				})
			},
			drift: []string{`device profile "Meldefunk EU868 1.0.3 A 3600 s": region is US915, want EU868`,
				`device profile "Meldefunk EU868 1.0.3 A 3600 s": mac_version is 1.0.2, want 1.0.3`,
				`device profile "Meldefunk EU868 1.0.3 A 3600 s": reg_params_revision is RP002_1_0_4, want A`,
				`device profile "Meldefunk EU868 1.0.3 A 3600 s": supports_otaa is false, want true`,
				`device profile "Meldefunk EU868 1.0.3 A 3600 s": supports_class_c is true, want false`,
				`device profile "Meldefunk EU868 1.0.3 A 3600 s": uplink_interval is 60, want 3600`},
			writes: []string{"DeviceProfileService/Update"},
		},
		{
			name: "device profile gone, and the device with it",
			spoil: func(t *testing.T, s *stack) {
				for k, id := range map[chirpstacktest.Kind]string{
					chirpstacktest.Profile: s.IDs(chirpstacktest.Profile)[0], chirpstacktest.Device: binEUI, chirpstacktest.Keys: binEUI,
				} {
					if err := s.Put(k, id, nil); err != nil {
						t.Fatal(err)
					}
				}
			},
			drift:  []string{`device profile "Meldefunk EU868 1.0.3 A 3600 s" is missing`, `device is missing`, `keys is missing`},
			writes: []string{"DeviceProfileService/Create", "DeviceService/Create", "DeviceService/CreateKeys"},
		},
		{
			name: "another device profile",
			spoil: func(t *testing.T, s *stack) {
				id, err := s.Add(chirpstacktest.Profile, fields{"name": "alt", "tenant_id": s.tenant})
				if err != nil {
					t.Fatal(err)
				}
				s.edit(t, chirpstacktest.Device, binEUI, func(f fields) { f["device_profile_id"] = id })
			},
			drift:  []string{`device: device profile is "alt", want "Meldefunk EU868 1.0.3 A 3600 s"`},
			writes: []string{"DeviceService/Update"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, nil)
			want := bin(t)
			if err := s.Enrol(background(t), want); err != nil {
				t.Fatal(err)
			}
			s.settled(t, want) // so that the client knows ids that may then be gone
			s.edit(t, chirpstacktest.Device, binEUI, func(f fields) {
				f["variables"], f["skip_fcnt_check"] = map[string]any{"token": "geheim"}, true
				f["tags"].(map[string]any)["kept"] = "y"
			})
			s.edit(t, chirpstacktest.Keys, binEUI, func(f fields) { f["gen_app_key"] = appHex })
			s.edit(t, chirpstacktest.Profile, s.IDs(chirpstacktest.Profile)[0], func(f fields) {
				f["payload_codec_runtime"], f["payload_codec_script"], f["supported_uplink_data_rates"] = "JS", "function decodeUplink() {}", []any{0.0, 5.0}
			})
			c.spoil(t, s)
			drift, err := s.Compare(background(t), want)
			if got := told(t, drift); err != nil || !slices.Equal(got, c.drift) {
				t.Errorf("drift %q, error %v; want %q", got, err, c.drift)
			}
			s.Seen()
			if err := s.Enrol(background(t), want); err != nil {
				t.Fatal(err)
			}
			writes := slices.DeleteFunc(s.Seen(), func(m string) bool { return strings.Contains(m, "/Get") || strings.Contains(m, "/List") })
			if !slices.Equal(writes, c.writes) {
				t.Errorf("writes %q, want %q", writes, c.writes)
			}
			if s.Nonces(binEUI) != 0 {
				t.Error("nonces of the old key are left")
			}
			if !slices.Contains(c.drift, "device is missing") {
				s.expect(t, chirpstacktest.Device, binEUI, fields{"variables": map[string]any{"token": "geheim"}, "skip_fcnt_check": true,
					"tags": map[string]any{"model": "em310-udl", "kept": "y"}})
				s.expect(t, chirpstacktest.Profile, s.fields(t, chirpstacktest.Device, binEUI)["device_profile_id"].(string), fields{
					"payload_codec_runtime": "JS", "payload_codec_script": "function decodeUplink() {}", "supported_uplink_data_rates": []any{0.0, 5.0}})
				if !slices.Contains(c.drift, "keys is missing") {
					s.expect(t, chirpstacktest.Keys, binEUI, fields{"gen_app_key": appHex})
				}
			}
			s.settled(t, want)
		})
	}
}

// TestFlush holds that a break between forgetting the nonces and changing the key is mended.
func TestFlush(t *testing.T) {
	s := start(t, nil)
	want := bin(t)
	if err := s.Enrol(background(t), want); err != nil {
		t.Fatal(err)
	}
	s.Join(binEUI)
	want.Keys.Nwk = key(t, newHex)
	s.Fail(chirpstacktest.Fault{Method: "DeviceService/UpdateKeys", Cut: true})
	refused(t, s.Enrol(background(t), want), enrol.Unreachable, "change the keys: ")
	s.Join(binEUI) // with the old key, before the call is repeated
	if err := s.Enrol(background(t), want); err != nil {
		t.Fatal(err)
	}
	s.expect(t, chirpstacktest.Keys, binEUI, fields{"nwk_key": newHex})
	if s.Nonces(binEUI) != 0 {
		t.Error("nonces of the old key are left")
	}
	s.settled(t, want)
}

// TestKeysElsewhere holds that ChirpStack forgets keys that a join server has.
func TestKeysElsewhere(t *testing.T) {
	s := start(t, func(_ *stack, c *Config) { c.KeysElsewhere = true })
	want := bin(t)
	if err := s.Enrol(background(t), want); err != nil {
		t.Fatal(err)
	}
	want.Keys = enrol.RootKeys{}
	drift, err := s.Compare(background(t), want)
	if got := told(t, drift); err != nil || !slices.Equal(got, []string{"keys: the keys is there, want not there"}) {
		t.Errorf("drift %q, error %v", got, err)
	}
	if err := s.Enrol(background(t), want); err != nil {
		t.Fatal(err)
	}
	s.expect(t, chirpstacktest.Keys, binEUI, nil)
	s.settled(t, want)
}

func TestProfileByName(t *testing.T) {
	model := func(tenant string) fields {
		return fields{"name": "EM310-UDL", "tenant_id": tenant, "mac_version": "LORAWAN_1_0_2", "supports_otaa": true, "adr_algorithm_id": "default"}
	}
	for _, c := range []struct {
		name     string
		profiles func(*stack) []fields
		kind     enrol.Kind // "": good
		says     string
	}{
		{"of the tenant", func(s *stack) []fields { return []fields{model(s.tenant)} }, "", ""},
		{"of all tenants", func(s *stack) []fields { return []fields{model("")} }, "", ""},
		{"of another tenant", func(s *stack) []fields { return []fields{model(s.other.tenant)} }, enrol.Missing, `no device profile is called "EM310-UDL"`},
		{"other case", func(s *stack) []fields { f := model(s.tenant); f["name"] = "em310-udl"; return []fields{f} }, enrol.Missing, `no device profile is called "EM310-UDL"`},
		{"two", func(s *stack) []fields { return []fields{model(s.tenant), model("")} }, enrol.Missing, "2 device profiles are called"},
		{"other keys", func(s *stack) []fields { f := model(s.tenant); f["mac_version"] = "LORAWAN_1_1_0"; return []fields{f} },
			enrol.Refused, "it is for LoRaWAN 1.1.0, the device speaks 1.0.3"},
		{"other region", func(s *stack) []fields { f := model(s.tenant); f["region"] = "US915"; return []fields{f} }, enrol.Refused, "it is for US915, the device for EU868"},
		{"without joins", func(s *stack) []fields { f := model(s.tenant); f["supports_otaa"] = false; return []fields{f} }, enrol.Refused, "do not join"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, nil)
			id := ""
			for _, f := range c.profiles(s) {
				var err error
				if id, err = s.Add(chirpstacktest.Profile, f); err != nil {
					t.Fatal(err)
				}
			}
			want := bin(t)
			want.Profile, want.Class = "EM310-UDL", enrol.ClassB
			err := s.Enrol(background(t), want)
			if c.kind != "" {
				refused(t, err, c.kind, c.says)
				s.expect(t, chirpstacktest.Device, binEUI, nil)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			s.expect(t, chirpstacktest.Device, binEUI, fields{"device_profile_id": id})
			s.settled(t, want)
			want.Profile = id
			s.settled(t, want)
		})
	}
}

// TestManyNames has more names than a page holds that the search finds, and the wanted one last.
func TestManyNames(t *testing.T) {
	s := start(t, nil)
	for i := range page + 20 {
		if _, err := s.Add(chirpstacktest.Profile, fields{"name": fmt.Sprintf("A%03d ZZ", i), "tenant_id": s.tenant}); err != nil {
			t.Fatal(err)
		}
	}
	id, err := s.Add(chirpstacktest.Profile, fields{"name": "ZZ", "tenant_id": s.tenant, "supports_otaa": true, "adr_algorithm_id": "default"})
	if err != nil {
		t.Fatal(err)
	}
	want := bin(t)
	want.Profile = "ZZ"
	if err := s.Enrol(background(t), want); err != nil {
		t.Fatal(err)
	}
	s.expect(t, chirpstacktest.Device, binEUI, fields{"device_profile_id": id})
}

func TestElsewhere(t *testing.T) {
	place := func(t *testing.T, s *stack, application string) {
		t.Helper()
		id, err := s.Add(chirpstacktest.Profile, fields{"name": "alt"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(chirpstacktest.Device, binEUI, fields{"dev_eui": binEUI, "name": "x", "application_id": application, "device_profile_id": id}); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("another application of the tenant", func(t *testing.T) {
		s := start(t, nil)
		id, err := s.Add(chirpstacktest.Application, fields{"name": "Verkehr", "tenant_id": s.tenant})
		if err != nil {
			t.Fatal(err)
		}
		place(t, s, id)
		drift, err := s.Compare(background(t), bin(t))
		if got := told(t, drift); err != nil || !slices.Contains(got, `device: application is "Verkehr", want "Sensorik"`) {
			t.Errorf("drift %q, error %v", got, err)
		}
		refused(t, s.Enrol(background(t), bin(t)), enrol.Conflict, `it stands in application "Verkehr": remove it there first`)
		refused(t, s.Remove(background(t), bin(t).DevEUI), enrol.Conflict, `it stands in application "Verkehr"`)
		s.expect(t, chirpstacktest.Device, binEUI, fields{"name": "x"})
	})
	t.Run("another tenant", func(t *testing.T) {
		s := start(t, nil)
		place(t, s, s.other.application)
		drift, err := s.Compare(background(t), bin(t))
		if got := told(t, drift); err != nil || !slices.Contains(got, "device is missing") {
			t.Errorf("drift %q, error %v", got, err)
		}
		refused(t, s.Enrol(background(t), bin(t)), enrol.Conflict, "device "+binEUI+": create the device: another tenant has it")
		if err := s.Remove(background(t), bin(t).DevEUI); err != nil {
			t.Error(err)
		}
		s.expect(t, chirpstacktest.Device, binEUI, fields{"name": "x"})
	})
	t.Run("another tenant, with an administrator's key", func(t *testing.T) {
		s := start(t, func(s *stack, _ *Config) { s.Grant(apiKey, chirpstacktest.Access{Admin: true}) })
		place(t, s, s.other.application)
		refused(t, s.Enrol(background(t), bin(t)), enrol.Conflict, "remove it there first")
	})
}

// TestRace has somebody else make the device, or its keys, just before we do.
func TestRace(t *testing.T) {
	for _, f := range []chirpstacktest.Fault{
		{Method: "DeviceService/Create", After: true, Code: codes.AlreadyExists, Message: "Object already exists"},
		{Method: "DeviceService/Create", After: true, Code: codes.Internal, Message: `duplicate key value violates unique constraint "device_pkey"`},
		{Method: "DeviceService/Create", After: true, Code: codes.Internal, Message: `UNIQUE constraint failed: device.dev_eui`},
		{Method: "DeviceService/CreateKeys", After: true, Code: codes.Internal, Message: `duplicate key value violates unique constraint "device_keys_pkey"`},
	} {
		t.Run(f.Method+" "+f.Message, func(t *testing.T) {
			s := start(t, nil)
			s.Fail(f)
			if err := s.Enrol(background(t), bin(t)); err != nil {
				t.Fatal(err)
			}
			s.settled(t, bin(t))
		})
	}
}

func TestRemove(t *testing.T) {
	for _, access := range []string{"tenant", "admin"} {
		t.Run(access, func(t *testing.T) {
			s := start(t, func(s *stack, _ *Config) {
				s.Grant(apiKey, chirpstacktest.Access{Tenant: s.tenant, Admin: access == "admin"})
			})
			if err := s.Enrol(background(t), bin(t)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := s.Remove(background(t), bin(t).DevEUI); err != nil {
					t.Error(err)
				}
				s.expect(t, chirpstacktest.Device, binEUI, nil)
				s.expect(t, chirpstacktest.Keys, binEUI, nil)
			}
		})
	}
}

// TestThousand enrols a town, eight devices at once, and then finds nothing to do.
func TestThousand(t *testing.T) {
	const devices, workers = 1000, 8
	s := start(t, nil)
	wants := make([]enrol.Device, devices)
	for i := range wants {
		d := bin(t)
		d.DevEUI = city.EUI{0xa8, 0x40, 0x41, 0, 0, 0, byte(i >> 8), byte(i)}
		d.Name = fmt.Sprintf("PK-%04d", i)
		d.Keys.Nwk = lorawan.Key{1, byte(i >> 8), byte(i)}
		if i%2 == 1 {
			d.Version, d.Keys.App = enrol.V1_1_0, lorawan.Key{2, byte(i >> 8), byte(i)}
		}
		wants[i] = d
	}
	each := func(do func(enrol.Device) error) time.Duration {
		begin := time.Now()
		next := make(chan enrol.Device)
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for d := range next {
					if err := do(d); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for _, d := range wants {
			next <- d
		}
		close(next)
		wg.Wait()
		return time.Since(begin)
	}
	took := each(func(d enrol.Device) error { return s.Enrol(background(t), d) })
	t.Logf("%d devices, %d at once: %s, %d calls", devices, workers, took.Round(time.Millisecond), len(s.Seen()))
	if n := len(s.IDs(chirpstacktest.Keys)); n != devices {
		t.Errorf("%d devices have keys, want %d", n, devices)
	}
	if got := s.ownProfiles(t); len(got) != 2 {
		t.Errorf("device profiles %q, want one for each version", got)
	}
	took = each(func(d enrol.Device) error {
		drift, err := s.Compare(background(t), d)
		if err == nil && len(drift) > 0 {
			err = fmt.Errorf("%s: %v", d.DevEUI, drift)
		}
		return err
	})
	t.Logf("compared: %s, %d calls", took.Round(time.Millisecond), len(s.Seen()))
}
