package devices

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"meldefunk/city"
	"meldefunk/city/typo"
)

// maxThings is how many devices, and how many assets, an inventory may hold.
const maxThings = 1_000_000

// The box that positions must lie in: Germany with a margin, degrees WGS 84. It finds
// swapped and mistyped coordinates, no more.
const (
	south, north = 47.0, 55.5
	west, east   = 5.5, 15.5
)

// New makes an inventory of values, with the same checks as Load.
func New(devices []city.Device, assets []city.Asset, models Models) (*Inventory, error) {
	b := newBuilder(models)
	for i, a := range assets {
		at := place{source: &source{name: fmt.Sprintf("assets[%d]", i), order: i}}
		if a.ID == "" {
			b.field(at, "id", "is missing: want the city's number of it, like PK-0042")
		}
		if a.Kind == city.KindUnknown {
			b.field(at, "kind", "is missing: want one of %v", city.Kinds())
		}
		b.checkFacts(at, &a)
		b.addAsset(at, a)
	}
	for i, d := range devices {
		at := place{source: &source{name: fmt.Sprintf("devices[%d]", i), order: len(assets) + i}}
		if d.DevEUI.IsZero() {
			b.field(at, "dev_eui", "is missing: want 16 hex digits, like a840410001810001")
		}
		b.addDevice(at, d)
	}
	return b.build()
}

// builder gathers what stands in all sources, and only then looks at how it fits.
type builder struct {
	problems
	models  Models
	names   []string // of the models
	assets  map[string]*placedAsset
	devices []placedDevice
	known   map[city.EUI]int // places in devices
	most    int              // devices, and assets
	sheet   bool             // what is read is for the register, row by row
	full    bool             // there were more: said once, and nothing more is read
	blind   bool             // some source was not read to its end: an asset may stand there
}

type placedAsset struct {
	asset  city.Asset
	at     place
	device place // of the device on it; source nil: none
}

type placedDevice struct {
	device city.Device
	at     place
	kept   *keptDevice // nil: it stands in no register
}

func newBuilder(models Models) *builder {
	return &builder{models: models, names: models.Models(), assets: make(map[string]*placedAsset), known: make(map[city.EUI]int), most: maxThings}
}

// room tells whether one more fits beside those that there are, and complains once if not.
func (b *builder) room(at place, have int) bool {
	if have >= b.most && !b.full {
		b.full = true
		b.stop(at, "too many: an inventory holds %d devices and as many assets at most; nothing after this line was read", b.most)
	}
	return !b.full
}

// stop is add for a problem that keeps the rest of a source from being read.
func (b *builder) stop(at place, format string, args ...any) {
	b.blind = true
	b.add(at, format, args...)
}

// addAsset keeps an asset. The same asset may stand in several places, if all say the same.
func (b *builder) addAsset(at place, a city.Asset) {
	if a.ID == "" {
		return
	}
	first, twice := b.assets[a.ID]
	if !twice {
		if b.room(at, len(b.assets)) {
			b.assets[a.ID] = &placedAsset{asset: a, at: at}
		}
		return
	}
	if differ := differences(&first.asset, &a); len(differ) > 0 {
		b.field(at, "id", "%.40q stands in %s with another %s: say it in one place only, or the same in both", a.ID, first.at, strings.Join(differ, ", "))
	}
}

// differences names the facts in which two assets differ.
func differences(a, b *city.Asset) []string {
	var names []string
	for _, fact := range []struct {
		name string
		same bool
	}{
		{"kind", a.Kind == b.Kind},
		{"name", a.Name == b.Name},
		{"address", a.Address == b.Address},
		{"position", reflect.DeepEqual(a.Position, b.Position)},
		{"district", a.District == b.District},
		{"tour", a.Tour == b.Tour},
		{"owner", a.Owner == b.Owner},
		{"species", a.Species == b.Species},
		{"calibration", reflect.DeepEqual(a.Bin, b.Bin)},
		{"soil", reflect.DeepEqual(a.Soil, b.Soil)},
		{"gauge zero", reflect.DeepEqual(a.Level, b.Level)},
		{"offsets", reflect.DeepEqual(a.Offsets, b.Offsets)},
	} {
		if !fact.same {
			names = append(names, fact.name)
		}
	}
	return names
}

// addDevice keeps a device. One of the register may stand in a file as well, if both say the
// same.
func (b *builder) addDevice(at place, d city.Device) {
	i, twice := b.known[d.DevEUI]
	if twice && b.devices[i].kept != nil {
		if differ := b.devices[i].differences(&d); len(differ) > 0 {
			b.field(at, "dev_eui", "%s stands in %s with another %s: say it in one place only, or the same in both", d.DevEUI, b.devices[i].at, strings.Join(differ, ", "))
		}
		return
	}
	if twice {
		b.field(at, "dev_eui", "%s stands in %s already: want every device once", d.DevEUI, b.devices[i].at)
	} else if !d.DevEUI.IsZero() {
		b.known[d.DevEUI] = len(b.devices)
	}
	if b.room(at, len(b.devices)) {
		b.devices = append(b.devices, placedDevice{device: d, at: at})
	}
}

// checkFacts checks where an asset stands and how it is calibrated.
func (b *builder) checkFacts(at place, a *city.Asset) {
	if p := a.Position; p != nil {
		b.checkPosition(at, *p)
	}
	if a.Soil != nil && a.Kind != city.Soil && a.Kind != city.KindUnknown {
		b.field(at, "soil_type", "only soil has a field capacity, this is %s: leave it out", a.Kind)
	}
	b.checkLevel(at, a)
	b.checkOffsets(at, a)
	b.checkContainer(at, a)
}

// checkLevel checks the zero of a gauge.
func (b *builder) checkLevel(at place, a *city.Asset) {
	if a.Level == nil {
		return
	}
	_, deepest := city.WaterLevel.Range()
	switch {
	case a.Kind != city.Level && a.Kind != city.KindUnknown:
		b.field(at, "level", "only water has a gauge zero, this is %s: leave it out", a.Kind)
	case !(a.Level.Zero > 0 && a.Level.Zero <= deepest):
		b.field(at, "level", "zero %.9g mm does not fit: want the distance from the sensor down to the gauge zero, more than 0 and at most %.9g mm", a.Level.Zero, deepest)
	}
}

// checkOffsets checks what is added to measured values.
func (b *builder) checkOffsets(at place, a *city.Asset) {
	if a.Offsets == nil {
		return
	}
	seen := make(map[city.Quantity]bool)
	for _, v := range a.Offsets.Values {
		if seen[v.Quantity] {
			b.field(at, "offsets", "%s stands here a second time: want it once", v.Quantity)
		} else if err := checkOffset(a, v); err != nil {
			b.field(at, "offsets", "%w", err)
		}
		seen[v.Quantity] = true
	}
}

// checkContainer checks how a fill level comes from a distance. Basins have one as well.
func (b *builder) checkContainer(at place, a *city.Asset) {
	c := a.Bin
	if c == nil {
		return
	}
	_, furthest := city.Distance.Range()
	switch table := c.Shape == city.Table; {
	case a.Kind != city.Bin && a.Kind != city.Level && a.Kind != city.KindUnknown:
		b.field(at, "empty", "only bins and basins have a fill level, this is %s: leave out their calibration", a.Kind)
		return
	case table && c.Strapping == nil:
		b.field(at, "points", "are missing: shape table goes by them")
	case table:
		if err := checkPoints(c.Strapping.Points); err != nil {
			b.field(at, "points", "%w", err)
		}
	case !(c.Empty > 0 && c.Empty <= furthest):
		b.field(at, "empty", "%.9g mm does not fit: want the distance from the sensor to the bottom, more than 0 and at most %.9g mm", c.Empty, furthest)
	case !(c.Full >= 0 && c.Full < c.Empty):
		b.field(at, "full", "%.9g mm does not fit: want the distance at which it counts as full, at least 0 and less than when empty (%.9g mm)", c.Full, c.Empty)
	}
	if !(c.Offset >= -furthest && c.Offset <= furthest) {
		b.field(at, "offset", "%.9g mm does not fit: want at most %.9g mm either way", c.Offset, furthest)
	}
}

func (b *builder) checkPosition(at place, p city.Position) {
	inside := func(lat, lon float64) bool { return lat >= south && lat <= north && lon >= west && lon <= east }
	switch {
	case inside(p.Lat, p.Lon):
	case inside(p.Lon, p.Lat):
		b.field(at, "position", "latitude %v and longitude %v are swapped: want %v first", p.Lat, p.Lon, p.Lon)
	default:
		b.field(at, "position", "latitude %v, longitude %v is not in Germany: want %v to %v and %v to %v degrees (WGS 84)", p.Lat, p.Lon, south, north, west, east)
	}
}

// build checks how everything fits together and makes the inventory.
func (b *builder) build() (*Inventory, error) {
	inv := &Inventory{
		devices: make(map[city.EUI]entry, len(b.devices)),
		assets:  make([]*city.Asset, 0, len(b.assets)),
		byID:    make(map[string]fitted, len(b.assets)),
	}
	for i := range b.devices {
		d := &b.devices[i].device
		hangs, on := b.hang(&b.devices[i])
		inv.devices[d.DevEUI] = entry{d, hangs}
		if on != nil {
			inv.byID[on.ID] = fitted{on, []*city.Device{d}}
		}
	}
	if b.count() > 0 {
		return nil, b.join()
	}
	for id, a := range b.assets {
		inv.assets = append(inv.assets, &a.asset)
		if _, ok := inv.byID[id]; !ok {
			inv.byID[id] = fitted{asset: &a.asset}
		}
	}
	slices.SortFunc(inv.assets, func(a, b *city.Asset) int { return Natural(a.ID, b.ID) })
	return inv, nil
}

// hang finds where a device hung when, and the asset on which it hangs now, nil for none.
func (b *builder) hang(p *placedDevice) (city.Hangings, *city.Asset) {
	if p.kept != nil {
		return b.hangKept(p)
	}
	asset := b.fit(p.at, &p.device)
	if asset == nil {
		return nil, nil
	}
	return city.Hangings{{Asset: asset}}, asset
}

// fit checks that a device's model and asset exist and go together. It gives the asset, or
// nil after a complaint.
func (b *builder) fit(at place, d *city.Device) *city.Asset {
	var kinds []city.Kind
	if d.Model == "" {
		b.field(at, "model", "is missing: want one of %s", b.modelNames())
	} else if kinds = b.models.Kinds(d.Model); len(kinds) == 0 {
		b.field(at, "model", "unknown model %.40q: want one of %s%s", d.Model, b.modelNames(), typo.Meant(d.Model, b.names))
	}
	if d.Asset == "" {
		b.field(at, "asset", "is missing: want the number of the asset that the device hangs on")
		return nil
	}
	on, ok := b.assets[d.Asset]
	if !ok && b.blind {
		return nil
	}
	if !ok {
		b.field(at, "asset", "unknown asset %.40q: want one that is described, here or in another file; in CSV a row describes its asset once it has a kind", d.Asset)
		return nil
	}
	if on.device.source != nil {
		b.field(at, "asset", "%.40q has a device already, in %s: want one device per asset; a second one hangs on an asset of its own", d.Asset, on.device)
		return nil
	}
	on.device = at
	if len(kinds) > 0 && on.asset.Kind != city.KindUnknown && !slices.Contains(kinds, on.asset.Kind) {
		b.field(at, "model", "%s is made for assets of kind %s, but %.40q is %s: want a model for %s", d.Model, eitherOf(kinds), d.Asset, on.asset.Kind, on.asset.Kind)
		return nil
	}
	return &on.asset
}

// manyModels is how many models are told one by one: nobody looks for his among more.
const manyModels = 10

// modelNames tells which models there are.
func (b *builder) modelNames() string {
	if len(b.names) > manyModels {
		return fmt.Sprintf("the %d that meldefunk model list shows", len(b.names))
	}
	return strings.Join(b.names, ", ")
}

// eitherOf names kinds: "bin or level".
func eitherOf(kinds []city.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.String()
	}
	return strings.Join(names, " or ")
}
