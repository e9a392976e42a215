package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/storage/sqlite"
	"meldefunk/storage/storagetest"
)

// The inventory follows the register, beside files and without them; what contradicts a file
// leaves the running one as it is, and check finds it.
func TestInventoryFollowsTheRegister(t *testing.T) {
	const servers = "network_servers: [{name: ns, dialect: chirpstack-v4, broker: \"mqtt://127.0.0.1:1\"}]\n"
	p := newPlatform(t, "", "inventory: [DIR/i.csv]\n"+servers, map[string]string{
		"i.csv": "dev_eui,model,asset,kind\na840410001810001,dragino/lse01,BA-1,soil\n",
	})
	s, err := loadSettings(p.config)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), s.Data, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	f, err := loadFiles(t.Context(), s, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, a, b := storagetest.Installed(1)
	d.Keys = register.Keys{} // nobody here could open them
	ofFile := city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, 0, 1}
	where := func(devEUI city.EUI, at time.Time) string {
		_, hangs, found := f.Find("ns", devEUI)
		switch on := hangs.At(at); {
		case !found:
			return "unknown"
		case on == nil:
			return "nowhere"
		default:
			return on.ID
		}
	}
	look := func(when string, want ...string) {
		t.Helper()
		got := []string{where(ofFile, b.From), where(d.DevEUI, b.From.Add(-1)), where(d.DevEUI, b.From)}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	look("before", "BA-1", "unknown", "unknown")
	change := register.Change{At: b.From, Devices: []register.Device{d}, Assets: []register.Asset{a}, Bindings: []register.Binding{b}}
	if err := f.Change(t.Context(), change, store.ChangeRegister); err != nil {
		t.Fatal(err)
	}
	look("changed", "BA-1", "nowhere", "PK-00001")
	if err := f.Change(t.Context(), change, store.ChangeRegister); !errors.Is(err, register.ErrChanged) {
		t.Errorf("from what was there before: %v", err)
	}

	p.write("i.csv", "dev_eui,model,asset,kind\n"+d.DevEUI.String()+",dragino/lse01,BA-1,soil\n")
	for name, load := range map[string]func() error{
		"change": func() error {
			d.Note = "auf dem Hof"
			return f.Change(t.Context(), register.Change{Base: 1, At: b.From, Devices: []register.Device{d}}, store.ChangeRegister)
		},
		"load":  func() error { return f.load(t.Context(), s) },
		"check": func() error { return checkAll(t.Context(), p.config) },
	} {
		if err := load(); err == nil || !strings.Contains(err.Error(), "stands in the register with another model, asset, server") {
			t.Errorf("%s: %v", name, err)
		}
	}
	look("refused", "BA-1", "nowhere", "PK-00001")
	if kept, err := store.Register(t.Context()); err != nil || kept.Revision != 1 {
		t.Errorf("a change that contradicts a file was kept: revision %d, %v", kept.Revision, err)
	}

	p.write("meldefunk.yaml", "data: "+s.Data+"\n"+servers)
	if err := checkAll(t.Context(), p.config); err != nil {
		t.Errorf("without files: %v", err)
	}
}
