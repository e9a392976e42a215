package sensorthings

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"time"

	"meldefunk/city"
)

// catalogue is every entity but the observations, made of one inventory. It is not changed.
type catalogue struct {
	assets []*city.Asset // what it was made of
	sets   map[*set][]*entity
	byID   map[*set]map[int64]*entity
	asset  map[string]*site          // of released assets with series of their own
	series map[string][]*entity      // Datastreams of these, by asset
	parks  map[int64]*entity         // Datastreams of parking, by the low bits of their ids
	models map[string]*sensorFields  // by model
	kinds  map[string]*observedField // by key
}

// site is a Thing with its place: an asset, an area of bays, or a bay released by itself.
type site struct {
	key         string
	name        string
	description string
	properties  map[string]any
	position    *city.Position
	bays        []string // assets whose state is counted; nil: not parking
	least       int      // how many of them must be known

	thing, location, historical, feature *entity
	streams                              []*entity
	since                                time.Time
}

// stream is the fields of a Datastream.
type stream struct {
	site     *site
	quantity city.Quantity // of a series of readings
	count    parkCount     // of parking
	name     string
	text     string
	unit     map[string]any
	kind     string
	sensor   *entity
	observed *entity
	self     *entity
}

type sensorFields struct {
	model   string
	self    *entity
	streams []*entity
}

type observedField struct {
	name, key, text string
	self            *entity
	streams         []*entity
}

type (
	siteFields       struct{ *site }
	locationFields   struct{ *site }
	historicalFields struct{ *site }
	featureFields    struct{ *site }
)

// parkingSensor stands for the counting of bays.
const parkingSensor = "meldefunk/parkraum"

// newCatalogue makes the entities of an inventory.
func newCatalogue(o Options) *catalogue {
	inv, release, since := o.Inventory, o.Release, o.Since
	c := &catalogue{
		assets: inv.Assets(), sets: make(map[*set][]*entity), byID: make(map[*set]map[int64]*entity), asset: make(map[string]*site),
		series: make(map[string][]*entity), parks: make(map[int64]*entity), models: make(map[string]*sensorFields), kinds: make(map[string]*observedField),
	}
	for _, s := range schema {
		c.byID[s] = make(map[int64]*entity)
	}
	withheld := make(map[string]bool)
	for _, id := range release.Withheld {
		withheld[id] = true
	}
	single := make(map[string]Bay)
	for _, b := range release.Bays {
		single[b.Asset] = b
	}
	areas := make(map[string][]*city.Asset)
	// By name, so that entities whose hashes meet get the same ids whatever the order.
	assets := slices.Clone(c.assets)
	slices.SortFunc(assets, func(a, b *city.Asset) int { return cmp.Compare(a.ID, b.ID) })
	for _, a := range assets {
		quantities := release.Quantities[a.Kind]
		if len(quantities) == 0 || withheld[a.ID] {
			continue
		}
		devices := inv.Devices(a.ID)
		if a.Kind != city.Parking {
			c.addAsset(a, measured(o, a, quantities, devices), devices, since)
			continue
		}
		if bay, ok := single[a.ID]; ok {
			c.addBay(a, bay, len(devices) > 0, since)
			continue
		}
		areas[a.District] = append(areas[a.District], a)
	}
	districts := make([]string, 0, len(areas))
	for d := range areas {
		districts = append(districts, d)
	}
	sort.Strings(districts)
	for _, d := range districts {
		if len(areas[d]) >= release.MinBays {
			c.addArea(d, areas[d], release.MinBays, since)
		}
	}
	for _, all := range c.sets {
		slices.SortFunc(all, byID)
	}
	for _, s := range c.models {
		slices.SortFunc(s.streams, byID)
	}
	for _, o := range c.kinds {
		slices.SortFunc(o.streams, byID)
	}
	return c
}

// measured leaves out what no device of the asset can tell of.
func measured(o Options, a *city.Asset, quantities []city.Quantity, devices []*city.Device) []city.Quantity {
	if o.Measures == nil || len(devices) == 0 {
		return quantities
	}
	return slices.DeleteFunc(slices.Clone(quantities), func(q city.Quantity) bool {
		return !slices.ContainsFunc(devices, func(d *city.Device) bool { return o.Measures(d.Model, a, q) })
	})
}

func byID(a, b *entity) int { return cmp.Compare(a.id, b.id) }

// add makes an entity with an id of its own.
func (c *catalogue) add(s *set, key string, f fields) *entity {
	e := &entity{set: s, id: idOf(s, key), fields: f}
	for c.byID[s][e.id] != nil {
		e.id = e.id%(1<<idBits-1) + 1
	}
	c.byID[s][e.id] = e
	c.sets[s] = append(c.sets[s], e)
	return e
}

func (c *catalogue) addSite(s *site) {
	s.thing = c.add(things, s.key, siteFields{s})
	s.feature = c.add(features, s.key, featureFields{s})
	if s.position == nil {
		return
	}
	s.location = c.add(locations, s.key, locationFields{s})
	if !s.since.IsZero() {
		s.historical = c.add(historicalLocations, s.key, historicalFields{s})
	}
}

func (c *catalogue) addAsset(a *city.Asset, quantities []city.Quantity, devices []*city.Device, since time.Time) {
	s := &site{key: "asset " + a.ID, name: cmp.Or(a.Name, a.Kind.German()+" "+a.ID), description: cmp.Or(a.Address, a.Kind.German()),
		properties: assetProperties(a, len(devices) > 0), position: a.Position, since: since}
	c.addSite(s)
	c.asset[a.ID] = s
	model := ""
	if len(devices) > 0 {
		model = devices[0].Model
	}
	for _, q := range quantities {
		st := &stream{site: s, quantity: q, name: q.German() + " " + s.name, text: q.German() + " von " + s.name + ", " + s.description, unit: unitOf(q), kind: omMeasurement}
		if q.Boolean() {
			st.kind = omTruth
		}
		c.addStream(st, s.key+" "+q.String(), model, q.String(), q.German())
		c.series[a.ID] = append(c.series[a.ID], st.self)
	}
	slices.SortFunc(s.streams, byID)
}

// assetProperties are those that public clients of Osnabrück's own server read, and what an
// inventory can publish.
func assetProperties(a *city.Asset, active bool) map[string]any {
	p := map[string]any{"assetId": a.ID, "art": a.Kind.String(), "keywords": []any{a.Kind.German()}}
	if active {
		p["betriebsstatus"] = "aktiv"
	}
	for name, v := range map[string]string{"stadtteil": a.District, "baumart": a.Species, "bodenart": a.SoilType} {
		if v != "" {
			p[name] = v
		}
	}
	return p
}

// addStream makes a Datastream of a site with its Sensor and its ObservedProperty.
func (c *catalogue) addStream(st *stream, key, model, observed, german string) {
	st.self = c.add(datastreams, key, st)
	sensor := c.models[model]
	if sensor == nil {
		sensor = &sensorFields{model: model}
		sensor.self = c.add(sensors, model, sensor)
		c.models[model] = sensor
	}
	prop := c.kinds[observed]
	if prop == nil {
		prop = &observedField{name: german, key: observed, text: german}
		prop.self = c.add(observedProperties, observed, prop)
		c.kinds[observed] = prop
	}
	st.sensor, st.observed = sensor.self, prop.self
	sensor.streams = append(sensor.streams, st.self)
	prop.streams = append(prop.streams, st.self)
	st.site.streams = append(st.site.streams, st.self)
}

func (c *catalogue) addArea(district string, bays []*city.Asset, least int, since time.Time) {
	name := "Parkraum " + cmp.Or(district, "ohne Stadtteil")
	s := &site{key: "area " + district, name: name, description: strconv.Itoa(len(bays)) + " Stellplätze, zusammengezählt zu jeder Viertelstunde",
		properties: map[string]any{"keywords": []any{"Parkplatz"}, "art": "parking_area", "anzahlStellplaetze": float64(len(bays)), "betriebsstatus": "aktiv"},
		position:   centre(bays), least: least, since: since}
	if district != "" {
		s.properties["stadtteil"] = district
	}
	for _, b := range bays {
		s.bays = append(s.bays, b.ID)
	}
	c.addSite(s)
	c.addPark(s, parkStatus)
	c.addPark(s, parkFree)
	c.addPark(s, parkTaken)
	slices.SortFunc(s.streams, byID)
}

func (c *catalogue) addBay(a *city.Asset, bay Bay, active bool, since time.Time) {
	s := &site{key: "bay " + a.ID, name: cmp.Or(a.Name, "Stellplatz "+a.ID), description: cmp.Or(a.Address, "Stellplatz"),
		properties: assetProperties(a, active), position: a.Position, bays: []string{a.ID}, least: 1, since: since}
	s.properties["keywords"] = []any{"Parkplatz"}
	if bay.Disabled {
		s.properties["behindertenparkplatz"] = "ja"
	}
	c.addSite(s)
	c.addPark(s, parkStatus)
}

func (c *catalogue) addPark(s *site, count parkCount) {
	facts := parkFacts[count]
	st := &stream{site: s, quantity: city.Occupied, count: count, name: facts.name + " " + s.name,
		text: facts.name + " zu jeder Viertelstunde, " + s.name, unit: noUnit(), kind: facts.kind}
	c.addStream(st, s.key+" "+facts.key, parkingSensor, facts.key, facts.name)
	for c.parks[st.self.id&(1<<streamBits-1)] != nil { // ids of observations carry only these bits
		delete(c.byID[datastreams], st.self.id)
		st.self.id++
		c.byID[datastreams][st.self.id] = st.self
	}
	c.parks[st.self.id&(1<<streamBits-1)] = st.self
}

// centre is the middle of the bays that are surveyed.
func centre(bays []*city.Asset) *city.Position {
	var sum city.Position
	n := 0.0
	for _, b := range bays {
		if b.Position != nil {
			sum.Lat += b.Position.Lat
			sum.Lon += b.Position.Lon
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return &city.Position{Lat: sum.Lat / n, Lon: sum.Lon / n}
}

func pointOf(p *city.Position) any {
	if p == nil {
		return nil
	}
	return map[string]any{"type": "Point", "coordinates": []any{p.Lon, p.Lat}}
}

func listed(all ...*entity) []*entity {
	var some []*entity
	for _, e := range all {
		if e != nil {
			some = append(some, e)
		}
	}
	return some
}

const geoJSONType = "application/geo+json"

func (f siteFields) get(_ *query, name string) (any, error) {
	switch name {
	case "name":
		return f.name, nil
	case "description":
		return f.description, nil
	case "properties":
		return f.properties, nil
	}
	return nil, nil
}

func (f siteFields) linked(_ *query, name string) ([]*entity, error) {
	switch name {
	case "Locations":
		return listed(f.location), nil
	case "HistoricalLocations":
		return listed(f.historical), nil
	}
	return f.streams, nil
}

func (f locationFields) get(_ *query, name string) (any, error) {
	switch name {
	case "name":
		return f.name, nil
	case "description":
		return f.description, nil
	case "encodingType":
		return geoJSONType, nil
	case "location":
		return pointOf(f.position), nil
	}
	return nil, nil
}

func (f locationFields) linked(_ *query, name string) ([]*entity, error) {
	if name == "Things" {
		return listed(f.thing), nil
	}
	return listed(f.historical), nil
}

func (f historicalFields) get(_ *query, _ string) (any, error) { return f.since.UTC(), nil }

func (f historicalFields) linked(_ *query, name string) ([]*entity, error) {
	if name == "Thing" {
		return listed(f.thing), nil
	}
	return listed(f.location), nil
}

func (f featureFields) get(_ *query, name string) (any, error) {
	switch name {
	case "name":
		return f.name, nil
	case "description":
		return f.description, nil
	case "encodingType":
		return geoJSONType, nil
	case "feature":
		if f.position == nil { // must be there; so GeoJSON says that it is not known where
			return map[string]any{"type": "Feature", "geometry": nil, "properties": map[string]any{}}, nil
		}
		return pointOf(f.position), nil
	}
	return nil, nil
}

func (f featureFields) linked(*query, string) ([]*entity, error) { return nil, nil }

func (f *sensorFields) get(_ *query, name string) (any, error) {
	switch name {
	case "name":
		switch f.model {
		case "":
			return "ohne Gerät", nil
		case parkingSensor:
			return "Parkraum-Auswertung", nil
		}
		return f.model, nil
	case "description":
		switch f.model {
		case "":
			return "Zurzeit misst hier kein Gerät.", nil
		case parkingSensor:
			return "Zählt Stellplätze, an denen Sensoren frei oder belegt gemeldet haben, zu jeder Viertelstunde.", nil
		}
		return "LoRaWAN-Sensor, Modell " + f.model, nil
	case "encodingType":
		return "application/json", nil
	case "metadata":
		return map[string]any{"model": f.model}, nil
	}
	return nil, nil
}

func (f *sensorFields) linked(*query, string) ([]*entity, error) { return f.streams, nil }

func (f *observedField) get(q *query, name string) (any, error) {
	switch name {
	case "name":
		return f.name, nil
	case "definition":
		return q.self(f.self), nil
	case "description":
		return f.text, nil
	case "properties":
		return map[string]any{"quantity": f.key}, nil
	}
	return nil, nil
}

func (f *observedField) linked(*query, string) ([]*entity, error) { return f.streams, nil }

func (f *stream) get(q *query, name string) (any, error) {
	switch name {
	case "name":
		return f.name, nil
	case "description":
		return f.text, nil
	case "unitOfMeasurement":
		return f.unit, nil
	case "observationType":
		return f.kind, nil
	case "observedArea":
		return pointOf(f.site.position), nil
	case "phenomenonTime", "resultTime":
		return q.extent(f)
	case "properties":
		return map[string]any{"quantity": f.observed.fields.(*observedField).key}, nil
	}
	return nil, nil
}

func (f *stream) linked(_ *query, name string) ([]*entity, error) {
	switch name {
	case "Thing":
		return listed(f.site.thing), nil
	case "Sensor":
		return listed(f.sensor), nil
	}
	return listed(f.observed), nil
}

// observation is the fields of one: a value of a stream at a time. Without a time it stands
// for all of them, to ask where they lead.
type observation struct {
	stream  *stream
	at      time.Time
	result  any
	quality map[string]any
}

func (f *observation) get(_ *query, name string) (any, error) {
	switch name {
	case "phenomenonTime", "resultTime":
		return f.at, nil
	case "result":
		return f.result, nil
	case "resultQuality":
		if f.quality == nil {
			return nil, nil
		}
		return f.quality, nil
	}
	return nil, nil
}

func (f *observation) linked(_ *query, name string) ([]*entity, error) {
	if name == "Datastream" {
		return listed(f.stream.self), nil
	}
	return listed(f.stream.site.feature), nil
}
