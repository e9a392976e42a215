package board_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/dashboards/board"
)

// registerBook is a Registrar in memory. It does as told, and refuses what it is asked to.
type registerBook struct {
	kept          register.Snapshot
	heard         map[city.EUI]time.Time
	registrations []register.Registration
	entries       []register.Entry // oldest first
	refuse        error            // of the next change
	devices       []board.DeviceChange
	assets        []board.AssetChange
	err           error
}

func (b *registerBook) Register(context.Context) (register.Snapshot, error) { return b.kept, b.err }

func (b *registerBook) Heard(context.Context) (map[city.EUI]time.Time, error) { return b.heard, b.err }

func (b *registerBook) Registrations(_ context.Context, server string) ([]register.Registration, error) {
	return slices.DeleteFunc(slices.Clone(b.registrations), func(g register.Registration) bool { return server != "" && g.Server != server }), b.err
}

func (b *registerBook) Trail(_ context.Context, t register.Trail) ([]register.Entry, error) {
	var all []register.Entry
	for _, e := range slices.Backward(b.entries) {
		if (t.DevEUI.IsZero() || t.DevEUI == e.DevEUI) && (t.Asset == "" || t.Asset == e.Asset) {
			all = append(all, e)
		}
	}
	return all[:min(t.Limit, len(all))], b.err
}

func (b *registerBook) device(eui city.EUI) *register.Device {
	i := slices.IndexFunc(b.kept.Devices, func(d register.Device) bool { return d.DevEUI == eui })
	return &b.kept.Devices[i]
}

// ChangeDevice is as strict as the real one about who changes what he has seen.
func (b *registerBook) ChangeDevice(_ context.Context, c board.DeviceChange) error {
	if err := cmpErr(b.refuse, b.err); err != nil {
		b.refuse = nil
		return err
	}
	d := b.device(c.DevEUI)
	if c.By == "" || c.Reason == "" || c.At.IsZero() || c.Base != d.Revision {
		return errors.New("who changes what, and why?")
	}
	b.devices = append(b.devices, c)
	b.kept.Devices = slices.Clone(b.kept.Devices)
	d = b.device(c.DevEUI)
	was := d.Asset
	switch c.Do {
	case board.Install, board.Move:
		d.State, d.Asset = register.Installed, c.Asset
	case board.Plan:
		d.State, d.Asset = register.Planned, c.Asset
	case board.SetState:
		d.State = c.State
	case board.Replace:
		d.State, d.Asset = c.State, ""
	case board.Retire:
		d.State, d.Asset = register.Retired, ""
	}
	d.Revision++
	b.entries = append(b.entries, register.Entry{At: c.At, By: c.By, Reason: c.Reason, From: "board", Action: register.Moved, DevEUI: c.DevEUI, Asset: d.Asset,
		Facts: []register.Fact{{Field: "asset", Was: was, Is: d.Asset}, {Field: "state", Is: string(d.State)}}})
	return nil
}

func (b *registerBook) ChangeAsset(_ context.Context, c board.AssetChange) error {
	if err := cmpErr(b.refuse, b.err); err != nil {
		b.refuse = nil
		return err
	}
	i := slices.IndexFunc(b.kept.Assets, func(a register.Asset) bool { return a.ID == c.Asset })
	if c.By == "" || c.Reason == "" || c.At.IsZero() || len(c.Fields) == 0 || c.Base != b.kept.Assets[i].Revision {
		return errors.New("who changes what, and why?")
	}
	b.assets = append(b.assets, c)
	e := register.Entry{At: c.At, By: c.By, Reason: c.Reason, From: "board", Action: register.Altered, Asset: c.Asset}
	for _, column := range slices.Sorted(maps.Keys(c.Fields)) {
		e.Facts = append(e.Facts, register.Fact{Field: column, Is: c.Fields[column]})
	}
	b.entries = append(b.entries, e)
	return nil
}

func cmpErr(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// note is what somebody has written at a device, who means no good.
const note = `<script>document.title = "böse"</script>`

// withRegister puts a register beside a city: 9001 in stock, 9002 on R-1, 9003 on R-2 and
// silent, 9004 retired, 9005 planned for R-3.
func withRegister(inv *inventory) *registerBook {
	b := &registerBook{heard: map[city.EUI]time.Time{eui(9001): now.Add(-30 * 24 * time.Hour), eui(9002): now.Add(-time.Hour), eui(9003): now.Add(-30 * time.Hour), eui(1): now.Add(-12 * time.Minute)}}
	device := func(n int, state register.State, asset string) {
		d := register.Device{Device: city.Device{DevEUI: eui(n), Model: "milesight/em310-udl", Asset: asset, Server: "stadtwerke"}, State: state, Serial: "SN-" + eui(n).String()[12:], Revision: 4}
		if n == 9002 {
			d.Note, d.Keys = note, register.Keys{KEK: "k1", Nwk: []byte("geheim-geheim-geheim-24b")}
		}
		b.kept.Devices = append(b.kept.Devices, d)
		if d.Hangs() {
			b.kept.Bindings = append(b.kept.Bindings, register.Binding{DevEUI: d.DevEUI, Asset: asset, From: now.Add(-90 * 24 * time.Hour)})
		}
	}
	device(9001, register.InStock, "")
	device(9002, register.Installed, "R-1")
	device(9003, register.Installed, "R-2")
	device(9004, register.Retired, "")
	device(9005, register.Planned, "R-3")
	b.kept.Assets = []register.Asset{
		{Asset: city.Asset{ID: "R-1", Kind: city.Bin, Name: "Papierkorb Ledenhof", District: "Innenstadt", Tour: "Tour 1", Position: &city.Position{Lat: 52.2712, Lon: 8.0444},
			Bin: &city.BinCalibration{Empty: 1200, Full: 200}}, Groups: []string{"Wochenmarkt"}, Revision: 3},
		{Asset: city.Asset{ID: "R-2", Kind: city.Soil, Name: "Linde Neuer Graben", District: "Innenstadt", Tour: "Gießtour", SoilType: "Sl3", Soil: &city.SoilCalibration{FieldCapacity: 23, WiltingPoint: 10}}, Revision: 3},
		{Asset: city.Asset{ID: "R-3", Kind: city.Level, Name: "Schacht Hase", Level: &city.LevelCalibration{Zero: 4500}}, Revision: 3},
	}
	for i := range b.kept.Assets {
		inv.assets = append(inv.assets, &b.kept.Assets[i].Asset)
	}
	b.kept.Revision = 4
	slices.SortFunc(b.kept.Assets, func(x, y register.Asset) int { return strings.Compare(x.ID, y.ID) })
	b.entries = []register.Entry{
		{At: now.Add(-90 * 24 * time.Hour), By: "petra", Reason: "Montage", From: "cli", Action: register.Added, DevEUI: eui(9002), Asset: "R-1",
			Facts: []register.Fact{{Field: "state", Was: "in_stock", Is: "installed"}, {Field: "keys", Is: "set"}}},
		{At: now.Add(-80 * 24 * time.Hour), By: "Max <Muster>", From: "cli", Action: register.Altered, Asset: "R-1", Facts: []register.Fact{{Field: "name", Was: "Papierkorb", Is: "Papierkorb Ledenhof"}}},
	}
	b.registrations = []register.Registration{
		{DevEUI: eui(9001), Server: "stadtwerke", Digest: "d1", Told: now.Add(-time.Hour), Tried: now.Add(-time.Hour)},
		{DevEUI: eui(9002), Server: "stadtwerke", Digest: "d0", Told: now.Add(-100 * time.Hour), Failure: "403: <key> is not allowed", Tried: now.Add(-time.Hour)},
		{DevEUI: eui(9003), Server: "ttn", Failure: "the server is away", Tried: now.Add(-2 * time.Hour)},
	}
	return b
}
