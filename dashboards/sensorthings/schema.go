package sensorthings

// set is one of the entity sets of STA 1.1 (OGC 18-088, table 2 to table 15).
type set struct {
	name, one  string // "Things", "Thing"
	properties []property
	links      []link
}

// property is one of an entity. Open ones hold JSON of any shape, into which paths lead.
type property struct {
	name string
	open bool
}

// link is a navigation to one entity or to many.
type link struct {
	name string
	to   *set
	many bool
}

// The entity sets, in the order of the service document.
var (
	things              = &set{name: "Things", one: "Thing"}
	locations           = &set{name: "Locations", one: "Location"}
	historicalLocations = &set{name: "HistoricalLocations", one: "HistoricalLocation"}
	datastreams         = &set{name: "Datastreams", one: "Datastream"}
	sensors             = &set{name: "Sensors", one: "Sensor"}
	observedProperties  = &set{name: "ObservedProperties", one: "ObservedProperty"}
	observations        = &set{name: "Observations", one: "Observation"}
	features            = &set{name: "FeaturesOfInterest", one: "FeatureOfInterest"}
)

// schema joins the sets: what leads where, and which properties there are.
var schema = joinSets()

func joinSets() []*set {
	closed := func(names ...string) []property {
		var all []property
		for _, n := range names {
			all = append(all, property{name: n})
		}
		return all
	}
	open := func(name string) property { return property{name, true} }
	one := func(to *set) link { return link{to.one, to, false} }
	many := func(to *set) link { return link{to.name, to, true} }

	things.properties = append(closed("name", "description"), open("properties"))
	things.links = []link{many(locations), many(historicalLocations), many(datastreams)}
	locations.properties = append(closed("name", "description", "encodingType"), open("location"), open("properties"))
	locations.links = []link{many(things), many(historicalLocations)}
	historicalLocations.properties = closed("time")
	historicalLocations.links = []link{one(things), many(locations)}
	datastreams.properties = append(closed("name", "description"), open("unitOfMeasurement"), property{name: "observationType"},
		open("observedArea"), property{name: "phenomenonTime"}, property{name: "resultTime"}, open("properties"))
	datastreams.links = []link{one(things), one(sensors), one(observedProperties), many(observations)}
	sensors.properties = append(closed("name", "description", "encodingType"), open("metadata"), open("properties"))
	sensors.links = []link{many(datastreams)}
	observedProperties.properties = append(closed("name", "definition", "description"), open("properties"))
	observedProperties.links = []link{many(datastreams)}
	observations.properties = append(closed("phenomenonTime"), open("result"), property{name: "resultTime"}, open("resultQuality"),
		property{name: "validTime"}, open("parameters"))
	observations.links = []link{one(datastreams), one(features)}
	features.properties = append(closed("name", "description", "encodingType"), open("feature"), open("properties"))
	features.links = []link{many(observations)}
	return []*set{things, locations, historicalLocations, datastreams, sensors, observedProperties, observations, features}
}

func setNamed(name string) *set {
	for _, s := range schema {
		if s.name == name {
			return s
		}
	}
	return nil
}

func (s *set) property(name string) (property, bool) {
	for _, p := range s.properties {
		if p.name == name {
			return p, true
		}
	}
	return property{}, false
}

func (s *set) link(name string) (link, bool) {
	for _, l := range s.links {
		if l.name == name {
			return l, true
		}
	}
	return link{}, false
}

// isID tells whether a name in a path is the entity's id.
func isID(name string) bool { return name == "id" || name == "@iot.id" }

// entity is one member of a set.
type entity struct {
	set    *set
	id     int64
	fields fields
}

// fields are what an entity says and where it leads. They ask the store, if at all, for the
// account of a request.
type fields interface {
	// get gives a property of the set, nil where it has no value.
	get(q *query, name string) (any, error)

	// linked gives what a link leads to, by rising id; not for the link Observations.
	linked(q *query, name string) ([]*entity, error)
}
