package devices

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
	"meldefunk/city/typo"
	"meldefunk/devices/change"
)

// Import is what a sheet is imported into, and how.
type Import struct {
	Register register.Snapshot
	Files    *Inventory // what the inventory files alone say; nil: there are none
	Models   Models
	Stamp    change.Stamp
	Zone     *time.Location // of times without an offset; nil: that of Stamp.At
	// Wrap wraps a root key with the key encryption key of that label; nil: rows with keys
	// are refused.
	Wrap func(lorawan.Key) (label string, wrapped []byte, err error)
	// Unwrap tells whether a key is the kept one, where that is wrapped with another key
	// encryption key; nil: it counts as another key then.
	Unwrap func(label string, wrapped []byte) (lorawan.Key, error)
	// Skip has the good rows imported where others have errors; else one error leaves
	// everything as it is.
	Skip bool
}

// Status is what an import does with a row.
type Status string

// The statuses.
const (
	Created   Status = "created"
	Changed   Status = "changed"
	Unchanged Status = "unchanged"
	Failed    Status = "failed"
	Skipped   Status = "skipped" // good, but another row is not
)

// Outcome is what becomes of a row.
type Outcome struct {
	Row    int
	Status Status
	DevEUI city.EUI        // zero: the row is about an asset alone
	Asset  string          // "": the device hangs nowhere
	Facts  []register.Fact // what becomes different; of keys only that they do
	Text   string          // what is wrong, or doubtful; else ""
}

// Plan is what an import would do. Nothing is done before the change is given to the store.
type Plan struct {
	Change   register.Change // empty where nothing is to be done
	Outcomes []Outcome       // of the rows of the sheet, in their order
}

// Count tells how many rows have a status.
func (p *Plan) Count(s Status) (n int) {
	for i := range p.Outcomes {
		if p.Outcomes[i].Status == s {
			n++
		}
	}
	return n
}

// intent is what a row wants.
type intent struct {
	row        *Row
	problems   []Problem
	device     *register.Device // nil: the row is about an asset alone
	kept       *register.Device // nil: not in the register
	on         string           // the asset that the row is about
	asset      *register.Asset  // nil: nothing is said of it
	facts      []register.Fact  // of the device
	assetFacts []register.Fact
	place      *change.Placement // nil: it stays where it is
}

// hasProblem tells whether something is wrong with one of the columns.
func (w *intent) hasProblem(columns ...string) bool {
	return slices.ContainsFunc(w.problems, func(p Problem) bool { return !p.Warning && slices.Contains(columns, p.Column) })
}

func (w *intent) failed() bool {
	return slices.ContainsFunc(w.problems, func(p Problem) bool { return !p.Warning })
}

// planner is an import at work.
type planner struct {
	*Import
	sheet  *Sheet
	b      *builder
	zone   *time.Location
	all    []Column
	known  map[string]*register.Asset
	ground change.Ground
	draft  *change.Draft // of the register as it is: asked, never changed

	devices map[city.EUI]int   // the row of each
	assets  map[string]*intent // that describes it first
	broken  map[string]int     // the row that describes it, with errors
	hung    map[string]int     // the row of the device on an asset
	serials map[string]string
	keys    map[lorawan.Key]int
	intents []intent
}

// Ground gives what inventory files and models say beside the register.
func Ground(files *Inventory, models Models) change.Ground {
	g := change.Ground{Assets: make(map[string]*city.Asset), Devices: make(map[city.EUI]*city.Device), Kinds: models.Kinds}
	if files == nil {
		return g
	}
	for _, a := range files.Assets() {
		g.Assets[a.ID] = a
		for _, d := range files.Devices(a.ID) {
			g.Devices[d.DevEUI] = d
		}
	}
	return g
}

// Plan looks at every row of a sheet and tells everything that is wrong with them, and what
// the import would do. Without Skip, one error leaves the change empty. Rows find what is
// kept by DevEUI, or by the number of the asset, so that a second import of the same sheet
// changes nothing.
func (im Import) Plan(s *Sheet) (*Plan, []Problem) {
	p := &planner{
		Import: &im, sheet: s, zone: cmp.Or(im.Zone, im.Stamp.At.Location()),
		b:      &builder{models: im.Models, names: im.Models.Models(), sheet: true},
		ground: Ground(im.Files, im.Models),
		all:    Columns(), known: make(map[string]*register.Asset, len(im.Register.Assets)),
		devices: make(map[city.EUI]int), assets: make(map[string]*intent), broken: make(map[string]int), hung: make(map[string]int), serials: make(map[string]string), keys: make(map[lorawan.Key]int),
	}
	p.draft = change.New(im.Register, p.ground, im.Stamp)
	for i := range im.Register.Devices {
		if d := &im.Register.Devices[i]; d.Serial != "" {
			p.serials[serialKey(d)] = "device " + d.DevEUI.String()
		}
	}
	for i := range im.Register.Assets {
		p.known[im.Register.Assets[i].ID] = &im.Register.Assets[i]
	}
	p.intents = make([]intent, len(s.Rows))
	for i := range s.Rows {
		p.look(&p.intents[i], &s.Rows[i])
	}
	for i := range p.intents {
		p.fits(&p.intents[i])
	}
	return p.plan()
}

// plan puts together what the good rows want. The first time all rows are tried, so that each
// is told everything; then again without the bad ones, until no row is bad for what another
// does not do.
func (p *planner) plan() (*Plan, []Problem) {
	var draft *change.Draft
	for trial, again := true, true; again; trial = false {
		again = trial
		draft = change.New(p.Register, p.ground, p.Stamp)
		var placed []*intent
		var places []change.Placement
		for i := range p.intents {
			w := &p.intents[i]
			if w.failed() && (!trial || w.hasProblem("dev_eui")) {
				continue
			}
			if w.asset != nil {
				draft.Describe(*w.asset, w.assetFacts)
			}
			if w.device != nil {
				draft.Put(*w.device, slices.DeleteFunc(slices.Clone(w.facts), func(f register.Fact) bool {
					return f.Field == "asset" || f.Field == "state" || f.Field == "since" // Place tells them
				}))
			}
			if w.place != nil {
				placed, places = append(placed, w), append(places, *w.place)
			}
		}
		for i, err := range draft.Place(places...) {
			if w := placed[i]; err != nil && !w.hasProblem("asset", "state", "since", "model") {
				again = true
				p.bad(w, "asset", "%w", err)
			}
		}
	}
	var all []Problem
	bad := false
	for i := range p.intents {
		bad = bad || p.intents[i].failed()
		all = append(all, p.intents[i].problems...)
	}
	plan := &Plan{Change: draft.Change()}
	stop := bad && !p.Skip
	if stop {
		plan.Change = change.New(p.Register, p.ground, p.Stamp).Change()
	}
	for i := range p.intents {
		plan.Outcomes = append(plan.Outcomes, p.intents[i].outcome(stop))
	}
	return plan, all
}

// outcome tells what becomes of a row.
func (w *intent) outcome(stop bool) Outcome {
	o := Outcome{Row: w.row.Number, Status: Unchanged}
	if w.device != nil {
		o.DevEUI, o.Asset = w.device.DevEUI, w.device.Asset
	}
	if w.asset != nil {
		o.Asset = w.asset.ID
	}
	o.Facts = slices.Concat(w.facts, w.assetFacts)
	texts := make([]string, len(w.problems))
	for i, p := range w.problems {
		row := p
		row.Row = 0 // the result has it beside
		texts[i] = row.Error()
	}
	o.Text = strings.Join(texts, "; ")
	switch {
	case w.failed():
		o.Status, o.Facts = Failed, nil
	case stop:
		o.Status = Skipped
	case w.device != nil && w.kept == nil, w.device == nil && w.asset != nil && w.asset.Revision == 0 && len(w.assetFacts) > 0:
		o.Status = Created
	case len(o.Facts) > 0:
		o.Status = Changed
	}
	return o
}

// problem makes a problem of a row.
func (p *planner) problem(w *intent, column, format string, args ...any) Problem {
	found := []problem{{key: column, err: fmt.Errorf(format, args...), at: place{source: &source{titles: p.sheet.titles}, line: w.row.Number}}}
	return p.sheet.problems(found, w.row.Number)[0]
}

func (p *planner) bad(w *intent, column, format string, args ...any) {
	w.problems = append(w.problems, p.problem(w, column, format, args...))
}

func (p *planner) warn(w *intent, column, format string, args ...any) {
	one := p.problem(w, column, format, args...)
	one.Warning = true
	w.problems = append(w.problems, one)
}

// look finds out what a row wants and what is wrong with it.
func (p *planner) look(w *intent, row *Row) {
	w.row, w.problems = row, slices.Clone(row.problems)
	if len(row.given) == 0 && len(w.problems) > 0 {
		return // the row was not read
	}
	_, isDevice := row.given["dev_eui"]
	broken := slices.ContainsFunc(w.problems, func(q Problem) bool { return q.Column == "dev_eui" })
	saysDevice := row.Keys != (RowKeys{}) || broken
	saysAsset := false
	for _, c := range p.all {
		if _, said := row.given[c.Name]; said && c.Name != "dev_eui" && c.Name != "asset" {
			saysDevice = saysDevice || c.Of != OfAsset
			saysAsset = saysAsset || c.Of == OfAsset
		}
	}
	asset := row.given["asset"].text
	switch {
	case isDevice:
		asset = p.lookDevice(w)
	case broken:
	case saysDevice:
		p.bad(w, "dev_eui", "is empty, but the row tells of a device: want 16 hex digits, like a840410001810001")
	case asset == "":
		p.bad(w, "asset", "is empty, and so is dev_eui: want one of them, to tell what the row is about")
	}
	if saysAsset || !isDevice && asset != "" {
		p.lookAsset(w, asset)
	}
	w.on = asset
}

// read reads the fields of a row over those that are kept.
func (p *planner) read(w *intent, kept map[string]string) *rowReader {
	cells := maps.Clone(kept)
	for name, g := range w.row.given {
		if g.clear {
			delete(cells, name)
		} else {
			cells[name] = g.text
		}
	}
	at := place{source: &source{titles: p.sheet.titles}, line: w.row.Number}
	return &rowReader{b: p.b, at: at, t: table{comma: p.sheet.comma}, cells: cells}
}

// lookDevice reads what a row says of its device, and gives the asset that it is to be on.
func (p *planner) lookDevice(w *intent) (asset string) {
	eui, err := parseEUI(w.row.given["dev_eui"].text)
	if err != nil {
		p.bad(w, "dev_eui", "%w", err)
	}
	kept := map[string]string{}
	since := time.Time{}
	if known, ok := p.draft.Device(eui); ok && err == nil {
		w.kept = known
		if b, hangs := p.draft.Hangs(eui); hangs {
			since = b.From
		}
		kept = deviceCells(known, since)
	}
	r := p.read(w, kept)
	d := r.device()
	from := parsed(r, "since", func(text string) (time.Time, error) { return parseTime(text, p.zone) })
	found := p.b.take()
	if err != nil { // said above already
		found = slices.DeleteFunc(found, func(f problem) bool { return f.key == "dev_eui" })
	}
	w.problems = append(w.problems, p.sheet.problems(found, w.row.Number)...)

	if w.kept == nil {
		d.Version, d.Region, d.Class = cmp.Or(d.Version, enrol.V1_0_3), cmp.Or(d.Region, "EU868"), cmp.Or(d.Class, enrol.ClassA)
	} else {
		d.Keys, d.Revision, d.Changed = w.kept.Keys, w.kept.Revision, w.kept.Changed
	}
	for _, name := range []string{"dev_eui", "model", "lorawan_version", "region", "class", "state"} {
		if w.row.given[name].clear {
			p.bad(w, name, "cannot be cleared: leave the field empty to keep what is there, or give another value")
		}
	}
	w.device = &d
	p.settle(w, &d, from)
	if err == nil {
		p.once(w, eui)
		p.doubts(w, &d)
	}
	p.lookModel(w, &d)
	p.lookSerial(w, &d)
	p.lookKeys(w, &d)
	p.lookFiled(w, &d)
	now := since
	if w.place != nil && !w.place.At.IsZero() {
		now = w.place.At
	} else if w.place != nil && !d.Hangs() {
		now = time.Time{}
	} else if w.place != nil && (w.kept == nil || w.kept.Asset != d.Asset || since.IsZero()) {
		now = p.Stamp.At
	}
	w.facts = append(p.facts(kept, deviceCells(&d, now), "dev_eui"), w.facts...)
	return d.Asset
}

// settle finds out where the device is to be.
func (p *planner) settle(w *intent, d *register.Device, from time.Time) {
	given := w.row.given
	_, saysState := given["state"]
	_, saysSince := given["since"]
	toAsset := given["asset"].text != ""
	if !saysState {
		switch {
		case w.kept == nil && d.Asset != "", w.kept != nil && w.kept.State == register.InStock && toAsset:
			d.State = register.Installed
		case w.kept == nil, given["asset"].clear && d.State != register.Retired:
			d.State = register.InStock
		case d.State == register.Retired && toAsset:
			p.bad(w, "asset", "device %s is retired: give its state as well if it comes back", d.DevEUI)
		}
	}
	if (d.State == register.InStock || d.State == register.Retired) && !toAsset {
		d.Asset = ""
	}
	switch {
	case saysSince && !d.Hangs() && d.State != "":
		p.bad(w, "since", "tells from when it hangs, but it is %s: leave it out, or give the state installed", d.State)
	case given["since"].clear:
		p.bad(w, "since", "cannot be cleared: give another time, or a state in which it hangs nowhere")
	}
	if w.kept != nil && w.kept.State == d.State && w.kept.Asset == d.Asset && !saysSince {
		return
	}
	at := time.Time{}
	if saysSince {
		at = from
		if b, hangs := p.draft.Hangs(d.DevEUI); hangs && w.kept != nil && w.kept.State == d.State && b.Asset == d.Asset && b.From.Equal(at) {
			return
		}
	}
	w.place = &change.Placement{DevEUI: d.DevEUI, State: d.State, Asset: d.Asset, At: at}
}

// once wants each device in one row.
func (p *planner) once(w *intent, eui city.EUI) {
	if first, twice := p.devices[eui]; twice {
		p.bad(w, "dev_eui", "%s stands in row %d already: want every device once", eui, first)
		return
	}
	p.devices[eui] = w.row.Number
}

func (p *planner) lookModel(w *intent, d *register.Device) {
	switch {
	case d.Model == "":
		p.bad(w, "model", "is missing: want one of %s", p.b.modelNames())
	case len(p.Models.Kinds(d.Model)) == 0:
		p.bad(w, "model", "unknown model %.40q: want one of %s%s", d.Model, p.b.modelNames(), typo.Meant(d.Model, p.b.names))
	}
}

// serialKey tells serial numbers of one maker apart from those of another.
func serialKey(d *register.Device) string {
	maker, _, _ := strings.Cut(d.Model, "/")
	return maker + " " + strings.ToLower(d.Serial)
}

func (p *planner) lookSerial(w *intent, d *register.Device) {
	if d.Serial == "" || w.kept != nil && serialKey(w.kept) == serialKey(d) {
		return
	}
	if other, taken := p.serials[serialKey(d)]; taken {
		p.bad(w, "serial", "%.60q is that of %s already: want every serial number of a maker once", d.Serial, other)
		return
	}
	p.serials[serialKey(d)] = fmt.Sprintf("row %d", w.row.Number)
}

// lookFiled looks at what the inventory files say of the device. They may say the same.
func (p *planner) lookFiled(w *intent, d *register.Device) {
	filed, ok := p.ground.Devices[d.DevEUI]
	if !ok {
		return
	}
	before := len(w.problems)
	for _, f := range []struct{ name, is, was string }{
		{"model", d.Model, filed.Model}, {"asset", d.Asset, filed.Asset}, {"server", d.Server, filed.Server},
		{"firmware", d.Firmware.String(), filed.Firmware.String()},
	} {
		if f.is != f.was {
			p.bad(w, f.name, "is %.60q, but device %s stands in the inventory files with %.60q: change it there, or take the device out there before it is imported", f.is, d.DevEUI, f.was)
		}
	}
	if len(w.problems) == before && !d.Hangs() {
		p.bad(w, "state", "is %s, but device %s hangs on %s by the inventory files: take it out there before it is imported", d.State, d.DevEUI, filed.Asset)
	}
}

// lookKeys wraps the keys of a row.
func (p *planner) lookKeys(w *intent, d *register.Device) {
	k := &w.row.Keys
	if k.ClearApp || k.ClearNwk {
		if k.HaveApp || k.HaveNwk {
			p.bad(w, "app_key", "one key is cleared and the other given: want both, or neither")
			return
		}
		if !d.Keys.None() {
			w.facts = append(w.facts, register.Fact{Field: change.KeysField, Was: "set"})
		}
		d.Keys = register.Keys{}
		return
	}
	if !k.HaveApp && !k.HaveNwk {
		if !d.Keys.None() && d.Version.Two() != (len(d.Keys.App) > 0) {
			p.bad(w, "lorawan_version", "%s has other root keys than those kept: give app_key%s as well", d.Version, map[bool]string{true: " and nwk_key"}[d.Version.Two()])
		}
		return
	}
	var root enrol.RootKeys
	switch two := d.Version.Two(); {
	case d.Version == "": // a problem already
		return
	case two && !(k.HaveApp && k.HaveNwk):
		if !w.hasProblem("app_key", "nwk_key") {
			p.bad(w, map[bool]string{true: "nwk_key", false: "app_key"}[k.HaveApp], "is missing: LoRaWAN 1.1 has two root keys")
		}
		return
	case two:
		root = enrol.RootKeys{Nwk: k.Nwk, App: k.App}
		if k.Nwk == k.App {
			p.warn(w, "nwk_key", "is the same as app_key: want two keys")
		}
	case k.HaveNwk:
		p.bad(w, "nwk_key", "LoRaWAN %s has one root key, app_key: give it there, or version 1.1 if the device has two", d.Version)
		return
	default:
		root = enrol.RootKeys{Nwk: k.App}
	}
	if name, known := published(k); known {
		p.warn(w, name, "is printed in a public document: whoever reads it can pretend to be the device. Give the device another")
	}
	if first, twice := p.keys[k.App]; twice && k.HaveApp {
		p.warn(w, "app_key", "is that of row %d as well: who opens one device has them all", first)
	} else {
		p.keys[k.App] = w.row.Number
	}
	p.wrap(w, d, root)
}

func (p *planner) wrap(w *intent, d *register.Device, root enrol.RootKeys) {
	if p.same(d.Keys, root) {
		return
	}
	if p.Wrap == nil {
		p.bad(w, "app_key", "no key encryption key is configured, and keys are kept wrapped only: name one under keys in the settings")
		return
	}
	fresh := register.Keys{}
	var err error
	if fresh.KEK, fresh.Nwk, err = p.Wrap(root.Nwk); err == nil && !root.App.IsZero() {
		_, fresh.App, err = p.Wrap(root.App)
	}
	if err != nil {
		p.bad(w, "app_key", "cannot be wrapped: %w", err)
		return
	}
	// Wrapping is deterministic (RFC 3394): the same key under the same label is the same.
	if fresh.KEK == d.Keys.KEK && bytes.Equal(fresh.Nwk, d.Keys.Nwk) && bytes.Equal(fresh.App, d.Keys.App) {
		return
	}
	f := register.Fact{Field: change.KeysField, Is: "set"}
	if !d.Keys.None() {
		f.Was = "set"
	}
	w.facts = append(w.facts, f)
	d.Keys = fresh
}

// same tells whether the kept keys are these.
func (p *planner) same(kept register.Keys, root enrol.RootKeys) bool {
	if kept.None() || p.Unwrap == nil || (len(kept.App) > 0) == root.App.IsZero() {
		return false
	}
	nwk, err := p.Unwrap(kept.KEK, kept.Nwk)
	if err != nil || nwk != root.Nwk {
		return false
	}
	if root.App.IsZero() {
		return true
	}
	app, err := p.Unwrap(kept.KEK, kept.App)
	return err == nil && app == root.App
}

// lookAsset reads what a row says of an asset.
func (p *planner) lookAsset(w *intent, id string) {
	if id == "" {
		if !slices.ContainsFunc(w.problems, func(q Problem) bool { return q.Column == "asset" || q.Column == "dev_eui" }) {
			p.bad(w, "asset", "is empty, but the row describes an asset: want the city's number of it, like PK-0042")
		}
		return
	}
	kept, base := map[string]string{}, map[string]string{}
	was, known := p.known[id]
	if known {
		kept = assetCells(was)
		base = kept
	} else if a, ok := p.kept(id); ok {
		base = assetCells(a)
	}
	base = p.replacing(w, base)
	r := p.read(w, base)
	r.cells["asset"] = id
	a := r.asset(id)
	if _, said := r.cells["kind"]; !said {
		p.b.field(r.at, "kind", "is empty, but asset %.40q is new: want one of %v", id, city.Kinds())
	}
	before := len(w.problems)
	w.problems = append(w.problems, p.sheet.problems(p.b.take(), w.row.Number)...)
	if len(w.problems) > before {
		p.broken[id] = w.row.Number
		return
	}
	if known {
		a.Revision, a.Changed = was.Revision, was.Changed
	}
	facts := p.facts(kept, assetCells(&a), "asset")
	if other, twice := p.assets[id]; twice {
		if differ := p.facts(assetCells(other.asset), assetCells(&a), ""); len(differ) > 0 {
			p.bad(w, differ[0].Field, "%.40q is described in row %d already, with %.60q: want the same in both, or one of them", id, other.row.Number, differ[0].Was)
		}
		return
	}
	if filed, ok := p.ground.Assets[id]; ok {
		if differ := differences(filed, &a.Asset); len(differ) > 0 {
			p.bad(w, "asset", "%.40q stands in the inventory files with another %s: change it there, or take it out there before it is imported", id, strings.Join(differ, ", "))
			return
		}
	}
	p.assets[id] = w
	w.asset, w.assetFacts = &a, facts
}

// kept gives an asset of the register, or else of the inventory files.
func (p *planner) kept(id string) (*register.Asset, bool) {
	if a, ok := p.known[id]; ok {
		return a, true
	}
	if a, ok := p.ground.Assets[id]; ok {
		return &register.Asset{Asset: *a}, true
	}
	return nil, false
}

// replacing leaves out of what is kept that for which the row has something else in its place.
func (p *planner) replacing(w *intent, kept map[string]string) map[string]string {
	base := maps.Clone(kept)
	drop := func(names ...string) {
		for _, name := range names {
			delete(base, name)
		}
	}
	given := w.row.given
	if given["soil_type"].text != "" {
		drop("field_capacity", "wilting_point")
	}
	if given["field_capacity"].text != "" && given["wilting_point"].text != "" {
		drop("soil_type")
	}
	switch shape := strings.ToLower(given["shape"].text); shape {
	case "":
	case "table":
		drop("empty_mm", "full_mm", "height_mm")
	case "linear":
		drop("points", "height_mm")
	default:
		drop("points")
	}
	return base
}

// fits checks the device against its asset as the sheet describes it.
func (p *planner) fits(w *intent) {
	d := w.device
	if d == nil || d.State == "" || d.State == register.InStock || d.State == register.Retired {
		return
	}
	if w.on == "" {
		if !w.hasProblem("asset") {
			p.bad(w, "asset", "is empty, but the device is %s: want the number of the asset that it hangs on", d.State)
		}
		return
	}
	if d.Hangs() {
		if row, taken := p.hung[w.on]; taken {
			p.bad(w, "asset", "%.40q has the device of row %d already: want one device per asset; a second one hangs on an asset of its own", w.on, row)
		} else {
			p.hung[w.on] = w.row.Number
		}
	}
	kind := city.KindUnknown
	if said, ok := p.assets[w.on]; ok {
		kind = said.asset.Kind
	} else if a, ok := p.kept(w.on); ok {
		kind = a.Kind
	} else if row, ok := p.broken[w.on]; ok {
		w.place = nil
		if row != w.row.Number {
			p.bad(w, "asset", "%.40q is described in row %d, where something is wrong: mend that first", w.on, row)
		}
	} else {
		w.place = nil
		p.bad(w, "asset", "unknown asset %.40q: want one that is described, here or in the register; a row describes its asset once it has a kind", w.on)
	}
	if kinds := p.Models.Kinds(d.Model); kind != city.KindUnknown && len(kinds) > 0 && !slices.Contains(kinds, kind) {
		p.bad(w, "model", "%s is made for assets of kind %s, but %.40q is %s: want a model for %s", d.Model, eitherOf(kinds), w.on, kind, kind)
	}
}

// facts tells in which fields something becomes different, in the order of the columns and
// without one of them.
func (p *planner) facts(was, is map[string]string, without string) []register.Fact {
	var facts []register.Fact
	for _, c := range p.all {
		if c.Name != without && was[c.Name] != is[c.Name] {
			facts = append(facts, register.Fact{Field: c.Name, Was: was[c.Name], Is: is[c.Name]})
		}
	}
	return facts
}
