package devices

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
)

// find gives a device and the asset on which it hangs in the year 2100.
func find(inv *Inventory, server string, devEUI city.EUI) (*city.Device, *city.Asset, bool) {
	d, hangs, ok := inv.Find(server, devEUI)
	return d, hangs.At(may(1).AddDate(74, 0, 0)), ok
}

func may(day int) time.Time { return time.Date(2026, 5, day, 8, 0, 0, 0, time.UTC) }

const (
	one = "24e1247130000042"
	two = "24e1247130000043"
)

// kept is a register: the first device hung on PK-1 and hangs on PK-2, the second is as told.
func kept(t *testing.T, state register.State) register.Snapshot {
	device := func(text, asset string, state register.State) register.Device {
		return register.Device{Device: city.Device{DevEUI: eui(t, text), Model: "milesight/em310-udl", Asset: asset}, State: state}
	}
	bin := func(id string) register.Asset { return register.Asset{Asset: city.Asset{ID: id, Kind: city.Bin}} }
	s := register.Snapshot{
		Revision: 3, Devices: []register.Device{device(one, "PK-2", register.Installed), device(two, "PK-3", state)}, Assets: []register.Asset{bin("PK-1"), bin("PK-2"), bin("PK-3")},
		Bindings: []register.Binding{
			{DevEUI: eui(t, one), Asset: "PK-1", From: may(1), To: may(5)}, {DevEUI: eui(t, one), Asset: "PK-2", From: may(7)},
			{DevEUI: eui(t, two), Asset: "PK-1", From: may(6), To: may(9)},
		},
	}
	if hangs := s.Devices[1]; hangs.Hangs() {
		s.Bindings = append(s.Bindings, register.Binding{DevEUI: eui(t, two), Asset: "PK-3", From: may(9)})
	}
	return s
}

func TestLoadRegister(t *testing.T) {
	file := filepath.Join(t.TempDir(), "i.yaml")
	text := "assets: [{id: PK-9, kind: bin}, {id: PK-2, kind: bin}]\ndevices:\n  - {dev_eui: 24e1247130000049, model: milesight/em310-udl, asset: PK-9}\n" +
		"  - {dev_eui: " + one + ", model: milesight/em310-udl, asset: PK-2}\n" // the last two stand in the register as well
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, state := range register.States() {
		t.Run(string(state), func(t *testing.T) {
			s := kept(t, state)
			inv, err := Load([]string{file}, s, catalogue{})
			if err != nil {
				t.Fatal(err)
			}
			if inv.DeviceCount() != 3 || inv.AssetCount() != 4 {
				t.Errorf("%d devices, %d assets", inv.DeviceCount(), inv.AssetCount())
			}
			hangs := s.Devices[1].Hangs()
			for _, at := range []struct {
				eui   string
				day   int
				asset string
			}{
				{one, 1, "PK-1"}, {one, 5, ""}, {one, 7, "PK-2"}, {one, 30, "PK-2"},
				{two, 5, ""}, {two, 6, "PK-1"}, {two, 30, map[bool]string{true: "PK-3"}[hangs]}, {"24e1247130000049", 1, "PK-9"},
			} {
				d, all, ok := inv.Find("any", eui(t, at.eui))
				asset := all.At(may(at.day))
				if !ok || d.DevEUI != eui(t, at.eui) || (asset == nil) != (at.asset == "") || asset != nil && asset.ID != at.asset {
					t.Errorf("%s on 5/%d: %v, %v", at.eui, at.day, asset, ok)
				}
				if same, _ := inv.Asset(at.asset); asset != same {
					t.Errorf("%s: Asset gives %p, Find %p", at.asset, same, asset)
				}
			}
			for asset, want := range map[string]int{"PK-1": 0, "PK-2": 1, "PK-3": map[bool]int{true: 1}[hangs], "PK-9": 1} {
				if got := len(inv.Devices(asset)); got != want {
					t.Errorf("%d devices hang on %s, want %d", got, asset, want)
				}
			}
		})
	}
}

func TestLoadRegisterAlone(t *testing.T) {
	inv, err := Load(nil, kept(t, register.InStock), catalogue{})
	if err != nil || inv.DeviceCount() != 2 {
		t.Errorf("%v, %v", inv, err)
	}
}

// Two places that say different things are named, and nothing counts.
func TestLoadContradictions(t *testing.T) {
	for name, test := range map[string]struct {
		state  register.State
		change func(*register.Snapshot)
		file   string
		want   string // FILE is the file's name
	}{
		"model":       {file: one + ",dragino/lse01,PK-2,,", want: "FILE:2: column \"dev_eui\": " + one + " stands in the register with another model: say it in one place only, or the same in both"},
		"all of it":   {file: one + ",dragino/lse01,PK-1,stadtwerke,", want: "stands in the register with another model, asset, server"},
		"in stock":    {state: register.InStock, file: two + ",milesight/em310-udl,PK-3,,", want: "FILE:2: column \"dev_eui\": " + two + " stands in the register with another asset"},
		"asset":       {file: "24e1247130000049,milesight/em310-udl,PK-1,,parking", want: "FILE:2: column \"asset\": \"PK-1\" stands in the register with another kind"},
		"asset taken": {file: "24e1247130000049,milesight/em310-udl,PK-2,,", want: "\"PK-2\" has a device already, in the register"},
		"no asset": {change: func(s *register.Snapshot) { s.Assets = s.Assets[:2] }, state: register.Maintenance,
			want: "the register: device " + two + ": asset: unknown asset \"PK-3\""},
		"no model": {change: func(s *register.Snapshot) { s.Devices[0].Model = "acme/x" }, want: "the register: device " + one + ": model: unknown model \"acme/x\""},
		"position": {change: func(s *register.Snapshot) { s.Assets[0].Position = &city.Position{Lat: 8, Lon: 52} }, want: "the register: asset PK-1: position: latitude 8 and longitude 52 are swapped"},
		// What is past hinders nothing.
		"retired":    {state: register.Retired, change: func(s *register.Snapshot) { s.Devices[1].Model = "acme/x" }},
		"asset gone": {state: register.InStock, change: func(s *register.Snapshot) { s.Assets = s.Assets[1:] }},
		"same":       {file: one + ",milesight/em310-udl,PK-2,,bin"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.state == "" {
				test.state = register.Planned
			}
			s := kept(t, test.state)
			if test.change != nil {
				test.change(&s)
			}
			var files []string
			if test.file != "" {
				path := filepath.Join(t.TempDir(), "i.csv")
				if err := os.WriteFile(path, []byte("dev_eui,model,asset,server,kind\n"+test.file+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				files = append(files, path)
				test.want = strings.ReplaceAll(test.want, "FILE", path)
			}
			_, err := Load(files, s, catalogue{})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v\nwant %q", err, test.want)
			}
		})
	}
}
