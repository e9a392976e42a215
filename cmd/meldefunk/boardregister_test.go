package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/dashboards/board"
	"meldefunk/storage/sqlite"
	"meldefunk/storage/storagetest"
)

// keeperBefore has something happen before a change is kept.
type keeperBefore struct {
	registrar
	files  *files
	store  *sqlite.Store
	before func()
}

func (k *keeperBefore) ChangeRegister(ctx context.Context, c register.Change) error {
	if b := k.before; b != nil {
		k.before = nil
		b()
	}
	return k.files.Change(ctx, c, k.store.ChangeRegister)
}

// TestBoardChangesTheRegister does what the board's forms ask for, and is refused, over a real
// store.
func TestBoardChangesTheRegister(t *testing.T) {
	const servers = "network_servers: [{name: ns, dialect: chirpstack-v4, broker: \"mqtt://127.0.0.1:1\"}]\n"
	p := newPlatform(t, "", "inventory: [DIR/i.csv, DIR/i.yaml]\n"+servers, map[string]string{
		"i.csv": "dev_eui,model,asset,kind\na840410001810001,dragino/lse01,BA-1,soil\n", "i.yaml": "assets:\n  - {id: PK-9, kind: bin}\n",
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
	keeper := &keeperBefore{files: f, store: store}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	b := &boardRegister{Store: store, files: f, keeper: keeper, zone: time.UTC, now: func() time.Time { return now }}
	d1, a1, b1 := storagetest.Installed(1)
	d2, a2, _ := storagetest.Installed(2)
	d2.State, d2.Asset = register.InStock, ""
	first := register.Change{At: b1.From, Devices: []register.Device{d1, d2}, Assets: []register.Asset{a1, a2}, Bindings: []register.Binding{b1}}
	if err := f.Change(t.Context(), first, store.ChangeRegister); err != nil {
		t.Fatal(err)
	}
	device := func(eui city.EUI) register.Device {
		t.Helper()
		if _, err := b.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
		d, err := store.RegisteredDevice(t.Context(), eui)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	do := func(do board.Deed, eui city.EUI, change ...func(*board.DeviceChange)) error {
		c := board.DeviceChange{By: "Erika Mustermann", Reason: "Montage", At: now, Base: device(eui).Revision, Do: do, DevEUI: eui}
		for _, x := range change {
			x(&c)
		}
		return b.ChangeDevice(t.Context(), c)
	}
	on := func(asset string) func(*board.DeviceChange) {
		return func(c *board.DeviceChange) { c.Asset = asset }
	}
	state := func(s register.State) func(*board.DeviceChange) {
		return func(c *board.DeviceChange) { c.State = s }
	}
	want := func(what string, err error, why register.Why) {
		t.Helper()
		if r, ok := errors.AsType[*register.Refusal](err); !ok || r.Why != why {
			t.Errorf("%s: %v, want %s", what, err, why)
		}
	}
	is := func(what string, eui city.EUI, state register.State, asset string) {
		t.Helper()
		if d := device(eui); d.State != state || d.Asset != asset {
			t.Errorf("%s: %s on %q, want %s on %q", what, d.State, d.Asset, state, asset)
		}
	}
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}

	want("install where one hangs", do(board.Install, d2.DevEUI, on(a1.ID)), register.Taken)
	want("on a tree", do(board.Install, d2.DevEUI, on("BA-1")), register.WrongKind)
	want("move nothing", do(board.Move, d2.DevEUI, on(a2.ID)), register.HangsNowhere)
	must("plan", do(board.Plan, d2.DevEUI, on(a2.ID)))
	is("planned", d2.DevEUI, register.Planned, a2.ID)
	must("install", do(board.Install, d2.DevEUI, on(a2.ID), func(c *board.DeviceChange) { c.Since = now.Add(-time.Hour) }))
	is("installed", d2.DevEUI, register.Installed, a2.ID)
	want("a second time, of the same page", do(board.Install, d2.DevEUI, func(c *board.DeviceChange) { c.Base = 1 }), register.Overtaken)
	must("maintenance", do(board.SetState, d2.DevEUI, state(register.Maintenance)))
	must("to an asset of a file", do(board.Move, d2.DevEUI, on("PK-9")))
	is("moved", d2.DevEUI, register.Maintenance, "PK-9")
	must("retire", do(board.Retire, d2.DevEUI))
	want("twice", do(board.Retire, d2.DevEUI), register.SameState)
	must("back", do(board.SetState, d2.DevEUI, state(register.InStock)))
	must("replace", do(board.Replace, d1.DevEUI, state(register.Retired), func(c *board.DeviceChange) { c.Other = d2.DevEUI }))
	is("replaced", d1.DevEUI, register.Retired, "")
	is("in its place", d2.DevEUI, register.Installed, a1.ID)
	want("one of a file", b.ChangeDevice(t.Context(), board.DeviceChange{At: now, Do: board.Retire, DevEUI: city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, 0, 1}}), register.FiledDevice)
	if err := do("steal", d2.DevEUI); err == nil || errors.As(err, new(*register.Refusal)) {
		t.Errorf("an unknown deed: %v", err)
	}

	asset := func(fields map[string]string, change ...func(*board.AssetChange)) error {
		c := board.AssetChange{By: "Erika Mustermann", Reason: "nachgemessen", At: now, Base: 1, Asset: a1.ID, Fields: fields}
		for _, x := range change {
			x(&c)
		}
		return b.ChangeAsset(t.Context(), c)
	}
	want("an asset of a file", asset(map[string]string{"tour": "T"}, func(c *board.AssetChange) { c.Asset = "PK-9" }), register.UnknownAsset)
	want("a column that is not there", asset(map[string]string{"colour": "red"}), register.Contradiction)
	far := asset(map[string]string{"lat": "12.5", "lon": "8.1"})
	if r, ok := errors.AsType[*register.Refusal](far); !ok || r.Why != register.WrongField || r.Field != "lat" {
		t.Errorf("far away: %v", far)
	}
	must("name", asset(map[string]string{"name": "Papierkorb; \"Domhof\"", "tour": "-"}))
	want("of an old page", asset(map[string]string{"name": "x"}), register.Overtaken)
	kept, err := b.Register(t.Context())
	if err != nil || kept.Assets[0].Name != "Papierkorb; \"Domhof\"" || kept.Assets[0].Tour != "" {
		t.Errorf("%+v, %v", kept.Assets[0], err)
	}

	// Somebody else is faster: with another device, that does not matter; with this one it does.
	other := func(eui city.EUI) func() {
		return func() {
			was := device(eui)
			revision, err := store.RegisterRevision(t.Context())
			was.Note = "von anderer Hand"
			if err == nil {
				err = f.Change(t.Context(), register.Change{Base: revision, At: now, By: "petra", Devices: []register.Device{was}}, store.ChangeRegister)
			}
			must("the faster one", err)
		}
	}
	keeper.before = other(d1.DevEUI)
	must("beside another change", do(board.SetState, d2.DevEUI, state(register.Maintenance)))
	keeper.before = other(d2.DevEUI)
	want("behind another change", do(board.SetState, d2.DevEUI, state(register.Installed)), register.Overtaken)
	is("as it was", d2.DevEUI, register.Maintenance, a1.ID)

	entries, err := store.Trail(t.Context(), register.Trail{DevEUI: d2.DevEUI, Limit: 1})
	if err != nil || len(entries) != 1 || entries[0].By != "Erika Mustermann" || entries[0].Reason != "Montage" || entries[0].From != "board" || !entries[0].At.Equal(now) {
		t.Errorf("%+v, %v", entries, err)
	}
	if heard, err := b.Heard(t.Context()); err != nil || len(heard) != 0 {
		t.Errorf("heard %v, %v", heard, err)
	}
	p.write("i.csv", "dev_eui\n")
	want("with a broken file", do(board.SetState, d2.DevEUI, state(register.Installed)), register.Contradiction)
}

// TestBoardMovesADevice moves one by the pages of a running platform.
func TestBoardMovesADevice(t *testing.T) {
	const config = "inventory: [DIR/i.yaml]\nnetwork_servers:\n  - {name: ns, dialect: chirpstack-v4, broker: 'mqtt://127.0.0.1:1'}\n"
	p := newPlatform(t, buildBinary(t, false), config, map[string]string{"i.yaml": "assets:\n  - {id: PK-9, kind: bin}\n"})
	const eui = "a840410001810001"
	for _, args := range [][]string{
		{"dev_eui=" + eui, "model=milesight/em310-udl", "asset=PK-1", "kind=bin", "name=Domhof", "note=<b>neu</b>"},
		{"dev_eui=a840410001810002", "model=milesight/em310-udl", "asset=PK-2", "kind=bin", "state=planned"},
	} {
		if _, errs, code := runWith(t, "", append([]string{"device", "add", "-c", p.config, "--by", "petra"}, args...)...); code != exitOK {
			t.Fatal(errs)
		}
	}
	p.launch()
	client := &http.Client{Timeout: 10 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	read := func(resp *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s, %v: %.2000s", resp.Status, err, body)
		}
		return string(body)
	}
	if page := read(client.Get(p.board + "/inventar")); !strings.Contains(page, eui) || !strings.Contains(page, "&lt;b&gt;neu&lt;/b&gt;") || !strings.Contains(page, "Domhof") {
		t.Errorf("the inventory: %.3000s", page)
	}
	page := read(client.Get(p.board + "/geraet/" + eui + "/aendern"))
	form := url.Values{"tun": {"umhaengen"}, "anlage": {"PK-2"}, "grund": {"Baustelle"}, "name": {"Erika Mustermann"}}
	for _, hidden := range []string{"siegel", "stand"} {
		m := regexp.MustCompile(`name="` + hidden + `" value="([^"]+)"`).FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("no %s on %s", hidden, page)
		}
		form.Set(hidden, m[1])
	}
	if page := read(client.PostForm(p.board+"/geraet/"+eui+"/aendern", form)); !strings.Contains(page, "Umgehängt.") || !strings.Contains(page, "Baustelle") {
		t.Errorf("after the move: %.3000s", page)
	}
	if out, errs, code := runWith(t, "", "device", "show", eui, "-c", p.config); code != exitOK || !strings.Contains(out, "PK-2") || !strings.Contains(out, "Erika Mustermann") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	p.stop()
}
