package board

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/city/visitor"
)

// inventoryPage is how many devices stand on a page.
const inventoryPage = 100

// silentAfter is how long an installed device may say nothing before it is called silent
// where neither its interval is known nor its kind has an age in the settings.
const silentAfter = 24 * time.Hour

// inventoryContent is the content of the page of devices.
type inventoryContent struct {
	Summary                          string
	Counts                           []stateCount
	States, Kinds, Models            []choice
	Tours, Districts, Groups, Orders []choice
	Sorts                            []stateCount
	Search                           string
	Filtered                         bool
	Change                           bool // the visitor may
	Rows                             []fleetRow
	Pager                            pager
}

// fleetRow is a device, or an asset without one.
type fleetRow struct {
	EUI, Model, Serial, Note string
	Change                   string // address, "" where nothing can be changed here
	State                    deviceState
	Asset                    link
	AssetID                  string
	AssetChange              string
	Kind, District, Tour     string
	Heard                    moment
	Keys, Origin             string
}

// fleetItem is a device with its place in the inventory, or an asset without a device.
type fleetItem struct {
	place  int // of the asset in the inventory; behind all of them where it has none
	device *register.Device
	asset  *city.Asset
	filed  bool // the device stands in a file
	heard  time.Time
	state  string
}

// fleet is everything that the inventory lists.
type fleet struct {
	items  []fleetItem
	groups map[string][]string // of assets of the register
	kept   map[string]bool     // assets of the register
}

// fleet joins register, files and when devices were heard.
func (b *Board) fleet(ctx context.Context, now time.Time) (*fleet, error) {
	var s register.Snapshot
	var heard map[city.EUI]time.Time
	if b.opt.Registrar != nil {
		var err error
		if s, err = b.opt.Registrar.Register(ctx); err != nil {
			return nil, err
		}
		if heard, err = b.opt.Registrar.Heard(ctx); err != nil {
			return nil, err
		}
	}
	assets := b.opt.Inventory.Assets()
	f := &fleet{items: make([]fleetItem, 0, max(len(assets), len(s.Devices))), groups: map[string][]string{}, kept: make(map[string]bool, len(s.Assets))}
	for i := range s.Assets {
		a := &s.Assets[i]
		if f.kept[a.ID] = true; len(a.Groups) > 0 {
			f.groups[a.ID] = a.Groups
		}
	}
	place := make(map[string]int, len(assets))
	for i, a := range assets {
		place[a.ID] = i
	}
	used, registered := make([]bool, len(assets)), make(map[city.EUI]bool, len(s.Devices))
	add := func(d *register.Device, filed bool) {
		it := fleetItem{place: len(assets), device: d, filed: filed, heard: heard[d.DevEUI]}
		if i, ok := place[d.Asset]; ok && d.Asset != "" {
			it.place, it.asset = i, assets[i]
			used[i] = used[i] || d.Hangs()
		}
		it.state = b.stateOf(&it, now)
		f.items = append(f.items, it)
	}
	for i := range s.Devices {
		registered[s.Devices[i].DevEUI] = true
		add(&s.Devices[i], false)
	}
	for i, a := range assets {
		for _, d := range b.opt.Inventory.Devices(a.ID) {
			if !registered[d.DevEUI] {
				add(&register.Device{Device: *d, State: register.Installed}, true)
			}
		}
		if !used[i] {
			f.items = append(f.items, fleetItem{place: i, asset: a, state: stateNone})
		}
	}
	return f, nil
}

// stateOf is the key of a device's state: silent is one that hangs somewhere and was not heard.
func (b *Board) stateOf(it *fleetItem, now time.Time) string {
	d := it.device
	if d.State == register.Installed {
		var ofKind time.Duration
		if it.asset != nil {
			ofKind = b.opt.Config.StaleAfter.of(it.asset.Kind)
		}
		if now.Sub(it.heard) > cmp.Or(3*d.Interval, ofKind, silentAfter) {
			return stateSilent
		}
	}
	return keyOfState(d.State)
}

// matches tells whether an item is chosen, but for its state.
func (f *fleet) matches(it *fleetItem, want *fleetFilter, search string) bool {
	switch {
	case want.model != "" && (it.device == nil || it.device.Model != want.model),
		want.kind != city.KindUnknown && (it.asset == nil || it.asset.Kind != want.kind),
		want.tour != "" && (it.asset == nil || it.asset.Tour != want.tour),
		want.district != "" && (it.asset == nil || it.asset.District != want.district),
		want.group != "" && (it.asset == nil || !slices.Contains(f.groups[it.asset.ID], want.group)):
		return false
	case search == "":
		return true
	}
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), search) }
	if d := it.device; d != nil && (has(d.DevEUI.String()) || has(d.Serial) || has(d.Asset) || has(d.Note)) {
		return true
	}
	return it.asset != nil && (has(it.asset.ID) || has(it.asset.Name) || has(it.asset.Address))
}

func (b *Board) inventory(r *http.Request) (content, error) {
	want, err := parseFleetFilter(r.URL.Query())
	if err != nil {
		return content{}, err
	}
	now, v := b.opt.Now(), visitor.From(r.Context())
	f, err := b.fleet(r.Context(), now)
	if err != nil {
		return content{}, err
	}
	var chosenItems []fleetItem
	counts, devices, assets := map[string]int{}, 0, 0
	search := strings.ToLower(want.search)
	for i := range f.items {
		it := &f.items[i]
		if !f.matches(it, &want, search) {
			continue
		}
		counts[it.state]++
		if it.device == nil {
			assets++
		} else if it.device.State != register.Retired {
			devices++
		}
		if it.state == want.state || want.state == "" && it.state != keyOfState(register.Retired) {
			chosenItems = append(chosenItems, *it)
		}
	}
	sortFleet(chosenItems, want.sort)

	p := inventoryContent{
		Summary:  counted(devices, "Gerät", "Geräte") + ", davon " + count(counts[stateSilent]) + " still; dazu " + counted(assets, "Anlage", "Anlagen") + " ohne Gerät.",
		Filtered: want.narrow(), Search: want.search, Change: b.mayNot(v, visitor.WriteDevices) == "",
		Pager: paged(want.page, inventoryPage, len(chosenItems), want.withPage),
	}
	b.fleetChoices(&p, f, &want, counts)
	for i := range chosenItems[p.Pager.from:p.Pager.to] {
		p.Rows = append(p.Rows, b.fleetRow(f, &chosenItems[p.Pager.from+i], p.Change, now))
	}
	want.page = p.Pager.Page
	return content{title: "Inventar", nav: "/inventar", self: want.address(), body: p}, nil
}

// fleetChoices fills what can be chosen.
func (b *Board) fleetChoices(p *inventoryContent, f *fleet, want *fleetFilter, counts map[string]int) {
	all := b.opt.Inventory.Assets()
	p.Kinds = kindChoices(want.kind)
	p.Tours = nameChoices(all, want.tour, "alle Touren", func(a *city.Asset) string { return a.Tour })
	p.Districts = nameChoices(all, want.district, "alle Bezirke", func(a *city.Asset) string { return a.District })
	models, groups := map[string]bool{want.model: true}, map[string]bool{want.group: true}
	for i := range f.items {
		if d := f.items[i].device; d != nil {
			models[d.Model] = true
		}
	}
	for _, names := range f.groups {
		for _, n := range names {
			groups[n] = true
		}
	}
	p.Models, p.Groups = setChoices(models, want.model, "alle Modelle"), setChoices(groups, want.group, "alle Gruppen")
	p.States = []choice{{"", "alle außer ausgemusterten", want.state == ""}}
	for _, s := range deviceStates() {
		n, here := counts[s.Key], s.Key == want.state
		p.States = append(p.States, choice{s.Key, s.Word, here})
		if n > 0 || here {
			p.Counts = append(p.Counts, stateCount{state{Key: s.Key, Word: s.Word, Symbol: s.Symbol}, count(n), want.withState(s.Key), here})
		}
	}
	for _, o := range fleetOrders() {
		p.Orders = append(p.Orders, choice{o.Key, o.Word, o.Key == want.sort})
		p.Sorts = append(p.Sorts, stateCount{state{Word: o.Word}, "", want.withSort(o.Key), o.Key == want.sort})
	}
}

// setChoices are nameChoices of names that were found already.
func setChoices(names map[string]bool, chosen, everything string) []choice {
	delete(names, "")
	all := []choice{{"", everything, chosen == ""}}
	sorted := make([]string, 0, len(names))
	for n := range names {
		sorted = append(sorted, n)
	}
	slices.Sort(sorted)
	for _, n := range sorted {
		all = append(all, choice{n, n, n == chosen})
	}
	return all
}

// sortFleet sorts; what is equal goes by asset, then by DevEUI.
func sortFleet(all []fleetItem, by string) {
	rank := map[string]int{}
	for i, s := range deviceStates() {
		rank[s.Key] = i
	}
	model := func(it *fleetItem) string {
		if it.device == nil {
			return "\uffff"
		}
		return it.device.Model
	}
	devEUI := func(it *fleetItem) []byte {
		if it.device == nil {
			return []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		}
		return it.device.DevEUI[:]
	}
	slices.SortFunc(all, func(x, y fleetItem) int {
		first := 0
		switch by {
		case "zustand":
			first = cmp.Compare(rank[x.state], rank[y.state])
		case "gehoert":
			first = x.heard.Compare(y.heard)
		case "modell":
			first = strings.Compare(model(&x), model(&y))
		case "deveui":
			return cmp.Or(slices.Compare(devEUI(&x), devEUI(&y)), cmp.Compare(x.place, y.place))
		}
		return cmp.Or(first, cmp.Compare(x.place, y.place), slices.Compare(devEUI(&x), devEUI(&y)))
	})
}

func (b *Board) fleetRow(f *fleet, it *fleetItem, change bool, now time.Time) fleetRow {
	var row fleetRow
	row.State, _ = deviceStateNamed(it.state)
	if d := it.device; d != nil {
		row.EUI, row.Model, row.Serial, row.Note = d.DevEUI.String(), d.Model, printable(d.Serial), printable(d.Note)
		row.Heard, row.Keys, row.Origin = momentOf(it.heard, now, b.opt.Location), keysWord(d), "Register"
		row.Asset, row.AssetID = link{d.Asset, ""}, d.Asset
		if it.filed {
			row.Keys, row.Origin = "–", "Datei"
		} else if change {
			row.Change = deviceChangeLink(d.DevEUI)
		}
	}
	if a := it.asset; a != nil {
		row.Asset, row.AssetID = link{nameOf(a), assetLink(a.ID)}, a.ID
		row.Kind, row.District, row.Tour = a.Kind.German(), a.District, a.Tour
		if row.Origin == "" {
			row.Origin = "Datei"
			if f.kept[a.ID] {
				row.Origin = "Register"
			}
		}
		if change && f.kept[a.ID] {
			row.AssetChange = assetChangeLink(a.ID)
		}
	}
	return row
}
