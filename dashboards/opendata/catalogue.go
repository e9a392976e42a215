package opendata

import (
	"slices"
	"time"
)

// Namespaces of the catalogue, by DCAT-AP.de 2.0.
func prefixes() [][2]string {
	return [][2]string{
		{"dcat", "http://www.w3.org/ns/dcat#"}, {"dcatde", "http://dcat-ap.de/def/dcatde/"}, {"dct", "http://purl.org/dc/terms/"},
		{"foaf", "http://xmlns.com/foaf/0.1/"}, {"rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"}, {"vcard", "http://www.w3.org/2006/vcard/ns#"}, {"xsd", "http://www.w3.org/2001/XMLSchema#"},
	}
}

// node is something in a graph, and what is said of it.
type node struct {
	id    string // URI; "": nobody else speaks of it
	class string // "dcat:Dataset"
	says  []statement
}

// statement is a property and what it is: one of words, link, node.
type statement struct {
	property string // "dct:title"
	words    string
	language string // of words; "": they are none
	kind     string // of words, "xsd:dateTime"; "": text
	link     string // URI
	node     *node
}

func (n *node) german(property, words string) {
	n.says = append(n.says, statement{property: property, words: words, language: "de"})
}

func (n *node) literal(property, words, kind string) {
	n.says = append(n.says, statement{property: property, words: words, kind: kind})
}

func (n *node) link(property, uri string) {
	n.says = append(n.says, statement{property: property, link: uri})
}

func (n *node) has(property string, of *node) {
	n.says = append(n.says, statement{property: property, node: of})
}

// Words of the EU's and of DCAT-AP.de's lists.
const (
	authority    = "http://publications.europa.eu/resource/authority/"
	german       = authority + "language/DEU"
	mediaTypes   = "https://www.iana.org/assignments/media-types/"
	municipality = "http://dcat-ap.de/def/politicalGeocoding/Level/municipality"
)

// catalogue tells of every set, and where to get it.
func (d *Data) catalogue(all []*publication) *node {
	c := d.opt.Config
	home := c.Address + Base + "/"
	publisher := func() *node {
		return &node{id: home + "#herausgeber", class: "foaf:Organization", says: []statement{{property: "foaf:name", words: c.Publisher, language: "de"}}}
	}
	root := &node{id: home + "#katalog", class: "dcat:Catalog"}
	root.german("dct:title", "Offene Sensordaten: "+c.Publisher)
	root.german("dct:description", "Messwerte der städtischen Sensorik, die zur freien Nutzung veröffentlicht sind.")
	root.has("dct:publisher", publisher())
	root.link("dct:language", german)
	root.link("foaf:homepage", home)
	root.link("dcat:themeTaxonomy", authority+"data-theme")
	root.link("dct:license", c.licence().uri)
	for _, p := range all {
		root.has("dcat:dataset", p.dataset(home, publisher()))
	}
	return root
}

func (p *publication) dataset(home string, publisher *node) *node {
	c, address := p.config, home+p.set.path
	n := &node{id: address + "#datensatz", class: "dcat:Dataset"}
	n.german("dct:title", p.set.title)
	n.german("dct:description", p.set.description)
	n.literal("dct:identifier", n.id, "")
	contact := &node{class: "vcard:Organization"}
	contact.german("vcard:fn", c.Publisher)
	contact.link("vcard:hasEmail", "mailto:"+c.Contact)
	n.has("dcat:contactPoint", contact)
	n.has("dct:publisher", publisher)
	for _, word := range p.set.keywords {
		n.german("dcat:keyword", word)
	}
	n.link("dcat:theme", authority+"data-theme/"+p.set.theme)
	n.link("dcat:landingPage", address)
	n.link("dct:language", german)
	n.link("dct:accessRights", authority+"access-right/PUBLIC")
	n.link("dct:accrualPeriodicity", authority+"frequency/UPDATE_CONT")
	n.literal("dct:modified", p.made.UTC().Format(time.RFC3339), "xsd:dateTime")
	if c.Contributor != "" {
		n.link("dcatde:contributorID", "http://dcat-ap.de/def/contributors/"+c.Contributor)
	}
	if c.Region != "" {
		region := "http://dcat-ap.de/def/politicalGeocoding/regionalKey/" + c.Region
		n.link("dct:spatial", region)
		n.link("dcatde:politicalGeocodingURI", region)
	}
	n.link("dcatde:politicalGeocodingLevelURI", municipality)
	for _, f := range []struct{ title, end, format, media string }{
		{"GeoJSON", ".geojson", "GEOJSON", "application/geo+json"},
		{"CSV nach RFC 4180", ".csv", "CSV", "text/csv"},
		{"CSV für deutsche Tabellenprogramme", "-excel.csv", "CSV", "text/csv"},
	} {
		one := &node{id: address + f.end, class: "dcat:Distribution"}
		one.german("dct:title", f.title)
		one.link("dcat:accessURL", address+f.end)
		one.link("dcat:downloadURL", address+f.end)
		one.link("dct:format", authority+"file-type/"+f.format)
		one.link("dcat:mediaType", mediaTypes+f.media)
		one.link("dct:license", c.licence().uri)
		if c.licence().byName {
			one.german("dcatde:licenseAttributionByText", c.Publisher)
		}
		n.has("dcat:distribution", one)
	}
	return n
}

// properties are those that are said of a node, in order, each once.
func (n *node) properties() []string {
	var all []string
	for _, s := range n.says {
		if !slices.Contains(all, s.property) {
			all = append(all, s.property)
		}
	}
	return all
}
