package keys_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
	"meldefunk/devices/keys"
)

func canaryKey(t *testing.T) lorawan.Key {
	t.Helper()
	k, err := lorawan.ParseKey(canary)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestWrapKey wraps the example of RFC 3394 section 4.1, and refuses to open what another
// key encryption key wraps.
func TestWrapKey(t *testing.T) {
	r := loaded(t, twoKEKs(t))
	key, err := lorawan.ParseKey("00112233445566778899aabbccddeeff")
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := r.WrapKey("alt", key)
	if err != nil || hex.EncodeToString(wrapped) != "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5" {
		t.Errorf("wrapped %x, %v", wrapped, err)
	}
	if open, err := r.UnwrapKey("alt", wrapped); err != nil || open != key {
		t.Errorf("unwrapped %v", err)
	}
	_, err = r.UnwrapKey("neu", wrapped)
	if !errors.Is(err, lorawan.ErrUnwrap) || !strings.Contains(err.Error(), `key encryption key "neu"`) {
		t.Errorf("with the other one: %v", err)
	}
	fresh, err := r.RewrapKey("alt", "neu", wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if open, err := r.UnwrapKey("neu", fresh); err != nil || open != key {
		t.Errorf("wrapped anew: %v", err)
	}
	for _, try := range []func(label string) error{
		func(label string) error { _, err := r.WrapKey(label, key); return err },
		func(label string) error { _, err := r.UnwrapKey(label, wrapped); return err },
		func(label string) error { _, err := r.RewrapKey("alt", label, wrapped); return err },
	} {
		for _, label := range []string{"gold", ""} {
			if err := try(label); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("key encryption key %q is not configured", label)) {
				t.Errorf("label %q: %v", label, err)
			}
		}
	}
}

func TestRegisterLabel(t *testing.T) {
	one := twoKEKs(t)
	one.KEKs = one.KEKs[:1]
	named := twoKEKs(t)
	named.Register = "neu"
	for name, c := range map[string]struct {
		config      keys.Config
		want, fails string
	}{
		"the only one": {one, "alt", ""},
		"named":        {named, "neu", ""},
		"none":         {keys.Config{}, "", "no key encryption key is configured"},
		"two":          {twoKEKs(t), "", `keys.register does not say which of ["alt" "neu"]`},
	} {
		t.Run(name, func(t *testing.T) {
			r := loaded(t, c.config)
			label, err := r.Register()
			if label != c.want || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Fatalf("got %q, %v", label, err)
			}
			sealed, err := r.SealRoot(enrol.RootKeys{Nwk: canaryKey(t)})
			if sealed.KEK != c.want || (err == nil) != (c.fails == "") {
				t.Errorf("sealed with %q, %v", sealed.KEK, err)
			}
			if none, err := r.SealRoot(enrol.RootKeys{}); err != nil || !none.None() || none.KEK != "" {
				t.Errorf("no keys sealed: %+v, %v", none, err)
			}
		})
	}
}

func TestGenerate(t *testing.T) {
	seen := map[lorawan.Key]bool{}
	for range 100 {
		one, two := keys.Generate(enrol.V1_0_4), keys.Generate(enrol.V1_1_0)
		if one.Nwk.IsZero() || !one.App.IsZero() || two.Nwk.IsZero() || two.App.IsZero() {
			t.Fatal("keys of the wrong version")
		}
		for _, k := range []lorawan.Key{one.Nwk, two.Nwk, two.App} {
			if seen[k] {
				t.Fatal("a key came twice")
			}
			seen[k] = true
		}
	}
}

// shelf is a register of three devices: of both versions, and one without keys.
func shelf(t *testing.T, r *keys.Ring) register.Snapshot {
	t.Helper()
	seal := func(k enrol.RootKeys) register.Keys {
		sealed, err := r.SealRoot(k)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	device := func(last byte, v enrol.Version, k enrol.RootKeys) register.Device {
		return register.Device{Device: city.Device{DevEUI: city.EUI{0xa8, 7: last}, Model: "dragino/lse01"}, State: register.InStock,
			JoinEUI: city.EUI{0xa0, 7: 1}, Version: v, Keys: seal(k)}
	}
	return register.Snapshot{Revision: 7, Devices: []register.Device{
		device(1, enrol.V1_0_3, enrol.RootKeys{Nwk: canaryKey(t)}),
		device(2, enrol.V1_1_0, enrol.RootKeys{Nwk: testKey(1), App: testKey(2)}),
		device(3, enrol.V1_0_3, enrol.RootKeys{}),
	}}
}

func TestRotate(t *testing.T) {
	config := twoKEKs(t)
	config.Register = "alt"
	r := loaded(t, config)
	s := shelf(t, r)
	before := fmt.Sprint(s)
	for _, from := range []string{"alt", ""} {
		c, err := r.Rotate(s, from, "neu")
		if err != nil || c.Base != 7 || len(c.Devices) != 2 || len(c.Entries) != 2 || len(c.Flushed) != 0 {
			t.Fatalf("from %q: %d devices, %d entries, base %d, %v", from, len(c.Devices), len(c.Entries), c.Base, err)
		}
		for i, d := range c.Devices {
			was, errWas := r.OpenRoot(s.Devices[i].Keys)
			is, err := r.OpenRoot(d.Keys)
			if errWas != nil || err != nil || was != is || d.Keys.KEK != "neu" {
				t.Errorf("%s: %v, %v, wrapped with %q", d.DevEUI, errWas, err, d.Keys.KEK)
			}
			e := c.Entries[i]
			if e.Action != register.Rewrapped || e.DevEUI != d.DevEUI || !reflect.DeepEqual(e.Facts, []register.Fact{{Field: "kek", Was: "alt", Is: "neu"}}) {
				t.Errorf("told %+v", e)
			}
			d.Keys = s.Devices[i].Keys
			if !reflect.DeepEqual(d, s.Devices[i]) {
				t.Errorf("%s became %+v", d.DevEUI, d)
			}
		}
		// A second time there is nothing left to do.
		if again, err := r.Rotate(register.Snapshot{Devices: c.Devices}, from, "neu"); err != nil || !again.Empty() || len(again.Entries) != 0 {
			t.Errorf("again: %+v, %v", again, err)
		}
	}
	if fmt.Sprint(s) != before {
		t.Error("the snapshot was changed")
	}

	damaged := shelf(t, r)
	damaged.Devices[0].Keys.Nwk = append([]byte{damaged.Devices[0].Keys.Nwk[0] ^ 1}, damaged.Devices[0].Keys.Nwk[1:]...)
	damaged.Devices[1].Keys.KEK = "gold"
	c, err := r.Rotate(damaged, "", "neu")
	if err == nil || !c.Empty() || len(c.Entries) != 0 || !strings.Contains(err.Error(), "device a800000000000001: key encryption key \"alt\"") ||
		!strings.Contains(err.Error(), "device a800000000000002: key encryption key \"gold\" is not configured") {
		t.Errorf("damaged: %+v, %v", c, err)
	}
	for _, c := range [][2]string{{"gold", "neu"}, {"alt", "gold"}, {"alt", ""}, {"", ""}} {
		if _, err := r.Rotate(s, c[0], c[1]); err == nil || !strings.Contains(err.Error(), "is not configured") {
			t.Errorf("%q: %v", c, err)
		}
	}
}

func TestRenew(t *testing.T) {
	config := twoKEKs(t)
	config.Register = "neu"
	r := loaded(t, config)
	s := shelf(t, r)
	for _, d := range s.Devices {
		c, err := r.Renew(s, d.DevEUI)
		if err != nil || c.Base != 7 || len(c.Devices) != 1 || len(c.Entries) != 1 || !slices.Equal(c.Flushed, []city.EUI{d.DevEUI}) {
			t.Fatalf("%s: %+v, %v", d.DevEUI, c, err)
		}
		was, _ := r.OpenRoot(d.Keys)
		is, err := r.OpenRoot(c.Devices[0].Keys)
		if err != nil || is.Nwk.IsZero() || is.Nwk == was.Nwk || is.App.IsZero() == d.Version.Two() {
			t.Errorf("%s: not the keys of its version: %v", d.DevEUI, err)
		}
		had := "set"
		if d.Keys.None() {
			had = ""
		}
		want := []register.Fact{{Field: "app_key", Was: had, Is: "set"}}
		if d.Version.Two() {
			want = []register.Fact{{Field: "nwk_key", Was: had, Is: "set"}, {Field: "app_key", Was: had, Is: "set"}}
		}
		if e := c.Entries[0]; e.Action != register.KeysSet || !reflect.DeepEqual(e.Facts, want) {
			t.Errorf("%s: told %+v", d.DevEUI, e)
		}
	}
	s.Devices[0].State, s.Devices[1].Version = register.Retired, ""
	for i, says := range []string{"is retired", "its LoRaWAN version is not told"} {
		if _, err := r.Renew(s, s.Devices[i].DevEUI); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
	if _, err := r.Renew(s, city.EUI{1}); err == nil || !strings.Contains(err.Error(), "is not in the register") {
		t.Errorf("got %v", err)
	}
	if _, err := loaded(t, twoKEKs(t)).Renew(s, s.Devices[2].DevEUI); err == nil || !strings.Contains(err.Error(), "keys.register does not say") {
		t.Errorf("got %v", err)
	}
}

func TestExport(t *testing.T) {
	config := twoKEKs(t)
	config.Register = "alt"
	r := loaded(t, config)
	s := shelf(t, r)
	var sheet, list bytes.Buffer
	if n, err := r.ExportCSV(&sheet, s.Devices); n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	want := "dev_eui,join_eui,lorawan_version,app_key,nwk_key\n" +
		"a800000000000001,a000000000000001,1.0.3," + canary + ",\n" +
		"a800000000000002,a000000000000001,1.1.0," + strings.Repeat("02", 16) + "," + strings.Repeat("01", 16) + "\n"
	if sheet.String() != want {
		t.Errorf("wrote\n%s", sheet.String())
	}
	if n, err := r.ExportJSON(&list, s.Devices); n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	var back []map[string]string
	if err := json.Unmarshal(list.Bytes(), &back); err != nil || len(back) != 2 || back[0]["app_key"] != canary || back[1]["nwk_key"] != strings.Repeat("01", 16) {
		t.Errorf("wrote %s, %v", list.String(), err)
	}
	list.Reset()
	if n, err := r.ExportJSON(&list, s.Devices[2:]); n != 0 || err != nil || strings.TrimSpace(list.String()) != "[]" {
		t.Errorf("without keys: %d, %v, %s", n, err, list.String())
	}
	s.Devices[1].Keys.KEK = "neu"
	var out bytes.Buffer
	for _, export := range []func() (int, error){
		func() (int, error) { return r.ExportCSV(&out, s.Devices) },
		func() (int, error) { return r.ExportJSON(&out, s.Devices) },
	} {
		n, err := export()
		if n != 0 || err == nil || !strings.Contains(err.Error(), "device a800000000000002") || out.Len() != 0 || strings.Contains(err.Error(), canary[:8]) {
			t.Errorf("%d, %v, wrote %d bytes", n, err, out.Len())
		}
	}
}
