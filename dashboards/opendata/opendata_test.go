package opendata_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // test machines may have no zone files

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/dashboards/opendata"
)

var begun = time.Date(2026, 11, 21, 13, 5, 0, 0, time.UTC)

// town is a city in memory, with a clock.
type town struct {
	assets   []*city.Asset
	readings []city.Reading
	now      time.Time
	asked    int
	err      error
}

func (c *town) Assets() []*city.Asset { return c.assets }

func (c *town) Latest(context.Context) ([]city.Reading, error) {
	c.asked++
	return c.readings, c.err
}

func (c *town) put(a city.Asset, age time.Duration, values ...city.Value) {
	c.assets = append(c.assets, &a)
	if age >= 0 {
		c.readings = append(c.readings, city.Reading{DevEUI: city.EUI{0xa8, 0x40, 0x41}, Model: "dragino/ldds75", Asset: a.ID, Kind: a.Kind, Time: city.Stamp{At: begun.Add(-age)}, Values: values,
			Radio: city.Radio{Gateway: "7076ff0056000001"}})
	}
}

// osnabrueck has assets of each released kind, and of one that is none.
func osnabrueck() *town {
	c := &town{now: begun}
	at := func(lat, lon float64) *city.Position { return &city.Position{Lat: lat, Lon: lon} }
	c.put(city.Asset{ID: "PK-2", Kind: city.Bin, Name: "=1+1", District: "Innenstadt"}, -1)
	c.put(city.Asset{ID: "PK-1", Kind: city.Bin, Name: `Domhof "4"; Ecke, Markt`, Address: "Domhof 4", District: "Innenstadt", Position: at(52.2779, 8.0453), Owner: "Erika Mustermann", Tour: "5"}, time.Hour,
		city.Value{Quantity: city.FillLevel, Number: 82.47}, city.Value{Quantity: city.BatteryVoltage, Number: 3.6})
	c.put(city.Asset{ID: "PK-3", Kind: city.Bin, Name: "Geheim", Position: at(1, 2)}, time.Hour, city.Value{Quantity: city.FillLevel, Number: 1})
	c.put(city.Asset{ID: "BM-1", Kind: city.Soil, Name: "Patenbaum Familie Mustermann", Address: "Privatweg 1", Species: "Tilia cordata", SoilType: "Sl3", Position: at(52.28, 8.04)}, 48*time.Hour,
		city.Value{Quantity: city.SoilMoisture, Number: 0}, city.Value{Quantity: city.SoilTemperature, Number: -0.5})
	c.put(city.Asset{ID: "WS-1", Kind: city.Weather, Name: "Wetter"}, time.Hour, city.Value{Quantity: city.Temperature, Number: 3})
	bays := func(district string, free, taken, silent int) {
		for i := range free + taken + silent {
			age := time.Hour
			if i >= free+taken {
				age = 7 * time.Hour
			}
			c.put(city.Asset{ID: fmt.Sprintf("SP-%s-%d", district, i), Kind: city.Parking, Name: "Bucht", District: district, Position: at(52.27+float64(i)/1000, 8.05)}, age,
				city.Value{Quantity: city.Occupied, Number: city.Bool(i >= free)})
		}
	}
	bays("Wüste", 3, 2, 1)
	bays("Hafen", 2, 0, 1)
	bays("", 1, 1, 0)
	return c
}

func config() opendata.Config {
	c := opendata.DefaultConfig()
	c.Sets, c.Address, c.Publisher, c.Contact = []string{"parking", "bins", "trees"}, "https://board.example.org/", "Stadt Osnabrück & Töchter", "opendata@example.org"
	c.Contributor, c.Region, c.LeaveOut = "openDataNiedersachsen", "034040000000", []string{"PK-3"}
	return c
}

func publish(t testing.TB, c *town, cfg opendata.Config) *opendata.Data {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	d, err := opendata.New(opendata.Options{Config: cfg, Store: c, Inventory: c, Now: func() time.Time { return c.now }, Location: zone, Log: zerolog.Nop(),
		StaleAfter: func(k city.Kind) time.Duration {
			if k == city.Parking {
				return 6 * time.Hour
			}
			return 24 * time.Hour
		}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func body(t testing.TB, h http.Handler, path, mediaType string) []byte {
	t.Helper()
	w := get(h, path)
	if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || !strings.HasPrefix(got, mediaType) || w.Header().Get("Access-Control-Allow-Origin") != "*" ||
		w.Header().Get("Link") != `<https://www.govdata.de/dl-de/by-2-0>; rel="license"` {
		t.Fatalf("%s: %d %v", path, w.Code, w.Header())
	}
	return w.Body.Bytes()
}

func TestCSV(t *testing.T) {
	d := publish(t, osnabrueck(), config())
	for path, want := range map[string]string{
		"/open/behaelter.csv": "nummer,name,adresse,bezirk,fuellstand,gemessen,aktuell,lat,lon\r\n" +
			"PK-1,\"Domhof \"\"4\"\"; Ecke, Markt\",Domhof 4,Innenstadt,82.5,2026-11-21T13:05:00+01:00,true,52.2779,8.0453\r\n" +
			"PK-2,=1+1,,Innenstadt,,,,,\r\n",
		"/open/behaelter-excel.csv": "\ufeffnummer;name;adresse;bezirk;fuellstand;gemessen;aktuell;lat;lon\r\n" +
			"PK-1;\"Domhof \"\"4\"\"; Ecke, Markt\";Domhof 4;Innenstadt;82,5;21.11.2026 13:05:00;ja;52,2779;8,0453\r\n" +
			"PK-2;'=1+1;;Innenstadt;;;;;\r\n",
		"/open/baeume.csv": "nummer,baumart,bezirk,bodenart,nfk,bodenfeuchte,saugspannung,bodentemperatur,gemessen,aktuell,lat,lon\r\n" +
			"BM-1,Tilia cordata,,Sl3,,0,,-0.5,2026-11-19T14:05:00+01:00,false,52.28,8.04\r\n",
		"/open/parken.csv": "zone,stellplaetze,frei,belegt,unbekannt,stand,lat,lon\r\n" +
			"Wüste,6,3,2,1,2026-11-21T14:05:00+01:00,52.273,8.05\r\n" +
			"übrige,5,3,1,1,2026-11-21T14:05:00+01:00,,\r\n",
	} {
		got := string(body(t, d, path, "text/csv"))
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", path, got, want)
		}
		r := csv.NewReader(strings.NewReader(strings.TrimPrefix(got, "\ufeff")))
		if strings.Contains(path, "excel") {
			r.Comma = ';'
		}
		if _, err := r.ReadAll(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestGeoJSON(t *testing.T) {
	d := publish(t, osnabrueck(), config())
	var got struct {
		Type, License string
		Features      []struct {
			Type, ID string
			Geometry *struct {
				Type        string
				Coordinates []float64
			}
			Properties map[string]any
		}
	}
	if err := json.Unmarshal(body(t, d, "/open/behaelter.geojson", "application/geo+json"), &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "FeatureCollection" || got.License == "" || len(got.Features) != 2 {
		t.Fatalf("%+v", got)
	}
	one, two := got.Features[0], got.Features[1]
	want := map[string]any{"nummer": "PK-1", "name": `Domhof "4"; Ecke, Markt`, "adresse": "Domhof 4", "bezirk": "Innenstadt", "fuellstand": 82.5, "gemessen": "2026-11-21T13:05:00+01:00", "aktuell": true}
	if one.Type != "Feature" || one.ID != "PK-1" || one.Geometry.Type != "Point" || !slices.Equal(one.Geometry.Coordinates, []float64{8.0453, 52.2779}) || !reflect.DeepEqual(one.Properties, want) {
		t.Errorf("%+v", one)
	}
	if two.Geometry != nil || two.Properties["fuellstand"] != nil || two.Properties["aktuell"] != nil {
		t.Errorf("an asset without place and reading: %+v", two)
	}
}

// TestNothingElse looks for what must not be told, in everything that there is.
func TestNothingElse(t *testing.T) {
	d := publish(t, osnabrueck(), config())
	for _, path := range paths() {
		text := get(d, path).Body.String()
		for _, never := range []string{"Mustermann", "Privatweg", "a84041", "A84041", "dragino", "7076ff", "PK-3", "Geheim", "SP-", "Hafen", "WS-1", "3.6", "3,6"} {
			if strings.Contains(text, never) {
				t.Errorf("%s tells %q", path, never)
			}
		}
	}
}

func paths() []string {
	all := []string{"/open/", "/open/catalog.jsonld", "/open/catalog.rdf"}
	for _, s := range []string{"behaelter", "baeume", "parken"} {
		all = append(all, "/open/"+s, "/open/"+s+".csv", "/open/"+s+"-excel.csv", "/open/"+s+".geojson")
	}
	return all
}

// TestOnlyWhatIsReleased asks for sets that are not.
func TestOnlyWhatIsReleased(t *testing.T) {
	c := config()
	c.Sets = []string{"trees"}
	d := publish(t, osnabrueck(), c)
	for _, path := range paths() {
		w := get(d, path)
		if released := strings.Contains(path, "baeume") || !strings.Contains(path, "behaelter") && !strings.Contains(path, "parken"); (w.Code == http.StatusOK) != released {
			t.Errorf("%s: %d", path, w.Code)
		}
		if w.Code == http.StatusOK && (strings.Contains(w.Body.String(), "behaelter") || strings.Contains(w.Body.String(), "parken")) {
			t.Errorf("%s tells of others", path)
		}
	}
	c.Sets = []string{"bins", "trees"}
	d = publish(t, &town{now: begun}, c)
	for _, path := range []string{"/open/behaelter.csv", "/open/behaelter.geojson", "/open/"} {
		if w := get(d, path); w.Code != http.StatusOK {
			t.Errorf("%s of an empty city: %d", path, w.Code)
		}
	}
}

// TestSmallZones never tells fewer bays than are allowed, however they are spread.
func TestSmallZones(t *testing.T) {
	for n := range 40 {
		c := &town{now: begun}
		for i := range n {
			c.put(city.Asset{ID: fmt.Sprint(i), Kind: city.Parking, District: fmt.Sprint("Z", i*i%7)}, time.Hour, city.Value{Quantity: city.Occupied, Number: 1})
		}
		lines := strings.Split(strings.TrimSpace(string(body(t, publish(t, c, config()), "/open/parken.csv", "text/csv"))), "\r\n")[1:]
		told := 0
		for _, line := range lines {
			var bays, free, taken, unknown int
			if _, err := fmt.Sscanf(strings.ReplaceAll(strings.SplitN(line, ",", 2)[1], ",", " "), "%d %d %d %d", &bays, &free, &taken, &unknown); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			told += bays
			if bays < 5 || bays != free+taken+unknown {
				t.Errorf("%d bays: %s", n, line)
			}
		}
		if told > n || n >= 35 && told < n-4 {
			t.Errorf("%d of %d bays are told", told, n)
		}
	}
}

// TestInterval has what is published stand still until the interval is over.
func TestInterval(t *testing.T) {
	c := osnabrueck()
	d := publish(t, c, config())
	first := get(d, "/open/parken.csv")
	if got := first.Header().Get("Cache-Control"); got != "public, max-age=900" {
		t.Errorf("Cache-Control %s", got)
	}
	for i := range c.readings {
		if c.readings[i].Kind == city.Parking {
			c.readings[i].Values[0].Number = 1
		}
	}
	c.now = begun.Add(14 * time.Minute)
	if again := get(d, "/open/parken.csv"); again.Body.String() != first.Body.String() || again.Header().Get("Cache-Control") != "public, max-age=60" || c.asked != 1 {
		t.Errorf("asked %d times: %s", c.asked, again.Body)
	}
	r := httptest.NewRequest(http.MethodGet, "/open/parken.csv", nil)
	r.Header.Set("If-None-Match", first.Header().Get("ETag"))
	known := httptest.NewRecorder()
	if d.ServeHTTP(known, r); known.Code != http.StatusNotModified {
		t.Errorf("asked with the tag: %d", known.Code)
	}
	c.now = begun.Add(15 * time.Minute)
	if again := get(d, "/open/parken.csv"); !strings.Contains(again.Body.String(), "Wüste,6,0,5,1,") {
		t.Errorf("after the interval: %s", again.Body)
	}
	c.now, c.err = begun.Add(time.Hour), errors.New("disk /dev/sda is full")
	if w := get(d, "/open/parken.csv"); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "sda") {
		t.Errorf("of a store that fails: %d %s", w.Code, w.Body)
	}
}

func TestRefuses(t *testing.T) {
	d := publish(t, osnabrueck(), config())
	for _, path := range []string{"/open/wetter", "/open/behaelter.xml", "/open/../etc", "/"} {
		if w := get(d, path); w.Code == http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := get(d, "/open"); w.Code != http.StatusMovedPermanently || w.Header().Get("Location") != "/open/" {
		t.Errorf("/open: %d", w.Code)
	}
	w := httptest.NewRecorder()
	if d.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/open/", nil)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestConfig(t *testing.T) {
	if err := opendata.DefaultConfig().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	if err := config().Validate(); err != nil {
		t.Errorf("a good one: %v", err)
	}
	for want, spoil := range map[string]func(*opendata.Config){
		`sets[0]: "cars": want some of bins, trees, parking`: func(c *opendata.Config) { c.Sets = []string{"cars"} },
		"sets[1]: bins stands twice":                         func(c *opendata.Config) { c.Sets = []string{"bins", "bins"} },
		`address: "board.example.org"`:                       func(c *opendata.Config) { c.Address = "board.example.org" },
		`address: "https://x/board"`:                         func(c *opendata.Config) { c.Address = "https://x/board" },
		"publisher: missing":                                 func(c *opendata.Config) { c.Publisher = " " },
		`contact: "niemand"`:                                 func(c *opendata.Config) { c.Contact = "niemand" },
		`licence: "frei": want one of dl-de/by-2-0,`:         func(c *opendata.Config) { c.Licence = "frei" },
		"contributor:":                                       func(c *opendata.Config) { c.Contributor = "http://x/y" },
		"region:":                                            func(c *opendata.Config) { c.Region = "03404" },
		"interval: 1s":                                       func(c *opendata.Config) { c.Interval = time.Second },
		"smallest_zone: 2":                                   func(c *opendata.Config) { c.SmallestZone = 2 },
	} {
		c := config()
		spoil(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// triple is a statement as a reader of either spelling gets it.
type triple struct{ subject, property, object string }

// namespaces as the profile has them, written down here once more.
var namespaces = map[string]string{
	"http://www.w3.org/ns/dcat#": "dcat:", "http://dcat-ap.de/def/dcatde/": "dcatde:", "http://purl.org/dc/terms/": "dct:", "http://xmlns.com/foaf/0.1/": "foaf:",
	"http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf:", "http://www.w3.org/2006/vcard/ns#": "vcard:", "http://www.w3.org/2001/XMLSchema#": "xsd:", "http://www.w3.org/XML/1998/namespace": "xml:",
}

// readXML reads RDF/XML as far as the catalogue goes: nodes and properties in turn.
func readXML(t *testing.T, text []byte) (all []triple) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(text))
	blank := 0
	name := func(n xml.Name) string {
		if namespaces[n.Space] == "" {
			t.Fatalf("namespace of %v", n)
		}
		return namespaces[n.Space] + n.Local
	}
	attribute := func(s xml.StartElement, want string) string {
		for _, a := range s.Attr {
			if a.Name.Space != "xmlns" && name(a.Name) == want {
				return a.Value
			}
		}
		return ""
	}
	var readNode func(xml.StartElement) string
	readNode = func(s xml.StartElement) string {
		id := attribute(s, "rdf:about")
		if id == "" {
			blank++
			id = fmt.Sprint("_:", blank)
		}
		all = append(all, triple{id, "rdf:type", name(s.Name)})
		for {
			token, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			switch p := token.(type) {
			case xml.EndElement:
				return id
			case xml.StartElement:
				object := attribute(p, "rdf:resource")
				var words strings.Builder
				for inside := true; inside; {
					token, err := d.Token()
					if err != nil {
						t.Fatal(err)
					}
					switch v := token.(type) {
					case xml.StartElement:
						object = readNode(v)
					case xml.CharData:
						words.Write(v)
					case xml.EndElement:
						inside = false
					}
				}
				if object == "" {
					object = fmt.Sprintf("%q@%s^%s", words.String(), attribute(p, "xml:lang"), attribute(p, "rdf:datatype"))
				}
				all = append(all, triple{id, name(p.Name), object})
			}
		}
	}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, is := token.(xml.StartElement); is && name(s.Name) != "rdf:RDF" {
			readNode(s)
		}
	}
}

// readJSON reads JSON-LD as far as the catalogue goes.
func readJSON(t *testing.T, text []byte) (all []triple) {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	long := map[string]string{}
	for prefix, uri := range root["@context"].(map[string]any) {
		if namespaces[uri.(string)] != prefix+":" {
			t.Errorf("prefix %s is %s", prefix, uri)
		}
		long[prefix] = uri.(string)
	}
	blank := 0
	var readNode func(map[string]any) string
	readNode = func(n map[string]any) string {
		id, _ := n["@id"].(string)
		if id == "" {
			blank++
			id = fmt.Sprint("_:", blank)
		}
		all = append(all, triple{id, "rdf:type", n["@type"].(string)})
		for property, value := range n {
			if strings.HasPrefix(property, "@") {
				continue
			}
			values, many := value.([]any)
			if !many {
				values = []any{value}
			}
			for _, v := range values {
				object := ""
				switch v := v.(type) {
				case string:
					object = fmt.Sprintf("%q@^", v)
				case map[string]any:
					words, is := v["@value"].(string)
					switch {
					case is:
						language, _ := v["@language"].(string)
						kind, _ := v["@type"].(string)
						if prefix, rest, ok := strings.Cut(kind, ":"); ok {
							kind = long[prefix] + rest
						}
						object = fmt.Sprintf("%q@%s^%s", words, language, kind)
					case v["@type"] == nil:
						object = v["@id"].(string)
					default:
						object = readNode(v)
					}
				}
				all = append(all, triple{id, property, object})
			}
		}
		return id
	}
	readNode(root)
	return all
}

// required is what DCAT-AP.de 2.0 and its Konventionenhandbuch want of a node, and what GovData
// wants of what it harvests. "uri" is a link to something, "de" German text, "node" another node.
var required = map[string]map[string]string{
	"dcat:Catalog": {"dct:title": "de", "dct:description": "de", "dct:publisher": "node foaf:Organization", "dcat:dataset": "node dcat:Dataset", "dct:language": "uri", "foaf:homepage": "uri", "dcat:themeTaxonomy": "uri"},
	"dcat:Dataset": {"dct:title": "de", "dct:description": "de", "dcat:contactPoint": "node vcard:Organization", "dct:publisher": "node foaf:Organization", "dcat:keyword": "de", "dcat:theme": "uri http://publications.europa.eu/resource/authority/data-theme/",
		"dcat:distribution": "node dcat:Distribution", "dct:identifier": "text", "dct:modified": "time", "dcatde:contributorID": "uri http://dcat-ap.de/def/contributors/", "dcatde:politicalGeocodingURI": "uri http://dcat-ap.de/def/politicalGeocoding/regionalKey/034040000000",
		"dct:spatial": "uri", "dcatde:politicalGeocodingLevelURI": "uri http://dcat-ap.de/def/politicalGeocoding/Level/municipality"},
	"dcat:Distribution": {"dcat:accessURL": "uri https://board.example.org/open/", "dcat:downloadURL": "uri https://board.example.org/open/", "dct:license": "uri http://dcat-ap.de/def/licenses/dl-by-de/2.0",
		"dct:format": "uri http://publications.europa.eu/resource/authority/file-type/", "dcatde:licenseAttributionByText": "de", "dct:title": "de"},
	"foaf:Organization":  {"foaf:name": "de"},
	"vcard:Organization": {"vcard:fn": "de", "vcard:hasEmail": "uri mailto:opendata@example.org"},
}

func TestCatalogue(t *testing.T) {
	d := publish(t, osnabrueck(), config())
	fromXML := readXML(t, body(t, d, "/open/catalog.rdf", "application/rdf+xml"))
	fromJSON := readJSON(t, body(t, d, "/open/catalog.jsonld", "application/ld+json"))
	plain := func(all []triple) map[string]int { // blank nodes are numbered as they come
		n := map[string]int{}
		for _, x := range all {
			for _, part := range []*string{&x.subject, &x.object} {
				if strings.HasPrefix(*part, "_:") {
					*part = "_"
				}
			}
			n[x.subject+" "+x.property+" "+x.object]++
		}
		return n
	}
	if a, b := plain(fromXML), plain(fromJSON); !reflect.DeepEqual(a, b) {
		t.Errorf("the spellings differ:\n%v\n%v", a, b)
	}
	classes, said := map[string]string{}, map[string][]triple{}
	for _, x := range fromXML {
		if x.property == "rdf:type" {
			classes[x.subject] = x.object
		}
		said[x.subject] = append(said[x.subject], x)
	}
	count := map[string]int{}
	for subject, class := range classes {
		count[class]++
		for property, want := range required[class] {
			found := false
			for _, x := range said[subject] {
				if x.property != property {
					continue
				}
				found = true
				kind, rest, _ := strings.Cut(want, " ")
				ok := false
				switch kind {
				case "uri":
					ok = strings.Contains(x.object, ":") && !strings.HasPrefix(x.object, `"`) && strings.HasPrefix(x.object, rest)
				case "de":
					ok = strings.HasSuffix(x.object, `"@de^`) && len(x.object) > 6
				case "text":
					ok = strings.HasSuffix(x.object, `"@^`) && len(x.object) > 4
				case "time":
					ok = x.object == `"2026-11-21T13:05:00Z"@^http://www.w3.org/2001/XMLSchema#dateTime`
				case "node":
					ok = classes[x.object] == rest
				}
				if !ok {
					t.Errorf("%s of %s is %s, want %s", property, subject, x.object, want)
				}
			}
			if !found {
				t.Errorf("%s %s has no %s", class, subject, property)
			}
		}
	}
	if want := map[string]int{"dcat:Catalog": 1, "dcat:Dataset": 3, "dcat:Distribution": 9, "foaf:Organization": 1, "vcard:Organization": 3}; !reflect.DeepEqual(count, want) {
		t.Errorf("%v, want %v", count, want)
	}
	for _, x := range fromXML { // every distribution can be had
		if x.property == "dcat:downloadURL" {
			if w := get(d, strings.TrimPrefix(x.object, "https://board.example.org")); w.Code != http.StatusOK {
				t.Errorf("%s: %d", x.object, w.Code)
			}
		}
	}
}

// TestPages reads what people see.
func TestPages(t *testing.T) {
	d := publish(t, osnabrueck(), config())
	for path, want := range map[string][]string{
		"/open/":          {"Offene Sensordaten", "Stadt Osnabrück &amp; Töchter", "/open/behaelter.geojson", "Datenlizenz Deutschland – Namensnennung – Version 2.0", "Als Quelle ist anzugeben", "Stand <time", "21.11.2026, 14:05 Uhr", "15 Minuten"},
		"/open/parken":    {"Belegung öffentlicher Stellplätze nach Zonen", "<code>frei</code>", "Einzelne Stellplätze, Fahrzeuge und Parkdauern werden nicht veröffentlicht.", "zählt als unbekannt"},
		"/open/behaelter": {"<code>fuellstand</code>", "<td>%</td>", "<td>82.5</td>", "Domhof &#34;4&#34;"},
	} {
		text := string(body(t, d, path, "text/html"))
		for _, words := range want {
			if !strings.Contains(text, words) {
				t.Errorf("%s does not say %q:\n%s", path, words, text)
			}
		}
	}
	c := config()
	c.Licence = "cc-zero"
	if text := get(publish(t, osnabrueck(), c), "/open/").Body.String(); !strings.Contains(text, "Eine Namensnennung ist nicht nötig.") {
		t.Errorf("with CC Zero: %s", text)
	}
}
