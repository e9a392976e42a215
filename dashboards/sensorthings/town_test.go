package sensorthings_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/dashboards/sensorthings"
	"meldefunk/storage/sqlite"
)

const base = "https://sensoren.example.org/v1.1"

// noon is the clock of the tests.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// shared is the town that most tests look at, in a real store.
var shared *town

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sensorthings")
	if err != nil {
		panic(err)
	}
	store, err := sqlite.Open(context.Background(), dir, zerolog.Nop())
	if err != nil {
		panic(err)
	}
	shared = build(store)
	code := m.Run()
	if err := store.Close(); err != nil {
		panic(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

type inventory struct {
	assets  []*city.Asset
	devices map[string][]*city.Device
}

func (i *inventory) Assets() []*city.Asset               { return i.assets }
func (i *inventory) Devices(asset string) []*city.Device { return i.devices[asset] }

func (i *inventory) add(a city.Asset, model string) {
	i.assets = append(i.assets, &a)
	if model != "" {
		i.devices[a.ID] = []*city.Device{{DevEUI: eui(len(i.assets)), Model: model, Asset: a.ID}}
	}
}

func eui(n int) city.EUI { return city.EUI{0, 1, 2, 3, 4, 5, byte(n >> 8), byte(n)} }

type town struct {
	inventory *inventory
	release   sensorthings.Release
	source    sensorthings.Source
	handler   http.Handler
}

// townInventory has of every kind what matters here.
func townInventory() *inventory {
	inv := &inventory{devices: make(map[string][]*city.Device)}
	at := func(lat, lon float64) *city.Position { return &city.Position{Lat: lat, Lon: lon} }
	inv.add(city.Asset{ID: "PK-1", Kind: city.Bin, Name: "Papierkorb Domhof", Address: "Domhof 4", District: "Innenstadt", Tour: "geheim-7", Position: at(52.277, 8.043)}, "milesight/em310-udl")
	inv.add(city.Asset{ID: "PK-2", Kind: city.Bin, Name: "Tonne Einfamilienhaus", Position: at(52.3, 8.1)}, "milesight/em310-udl")
	inv.add(city.Asset{ID: "BA-1", Kind: city.Soil, Name: "Linde mit Bodenfühler", District: "Schinkel", Species: "Tilia cordata", SoilType: "Sl3", Position: at(52.281, 8.071)}, "dragino/lse01")
	inv.add(city.Asset{ID: "BA-2", Kind: city.Soil, Name: "Eiche", District: "Schinkel", Position: at(52.29, 8.08)}, "dragino/lse01")
	inv.add(city.Asset{ID: "WE-1", Kind: city.Weather, Name: "Wetter O'Brien", District: "Westerberg"}, "sensecap/s2120")
	inv.add(city.Asset{ID: "FZ-1", Kind: city.Tracker, Name: "Kehrmaschine 3"}, "abeeway/compact")
	for n := 1; n <= 6; n++ {
		inv.add(city.Asset{ID: fmt.Sprintf("P-%d", n), Kind: city.Parking, Name: fmt.Sprintf("Bucht %d", n), District: "Innenstadt", Position: at(52.27, 8.04+float64(n)/1000)}, "bosch/parking")
	}
	for n := 7; n <= 8; n++ {
		inv.add(city.Asset{ID: fmt.Sprintf("P-%d", n), Kind: city.Parking, Name: fmt.Sprintf("Bucht %d", n), District: "Eversburg", Position: at(52.29, 8.02)}, "bosch/parking")
	}
	inv.add(city.Asset{ID: "P-9", Kind: city.Parking, Name: "Stellplatz Rathaus", District: "Innenstadt", Position: at(52.2775, 8.0415)}, "bosch/parking")
	return inv
}

func townRelease() sensorthings.Release {
	r := sensorthings.DefaultRelease()
	r.Withheld = []string{"PK-2"}
	r.Bays = []sensorthings.Bay{{Asset: "P-9", Disabled: true}}
	return r
}

// build fills a store with two days of the town. The numbers of the readings are those of
// their order here.
func build(store *sqlite.Store) *town {
	inv := townInventory()
	var c city.Commit
	say := func(asset string, at time.Time, values ...city.Value) *city.Reading {
		n := int64(len(c.Readings) + 1)
		i := 0
		for inv.assets[i].ID != asset {
			i++
		}
		c.Readings = append(c.Readings, city.Reading{ID: n, DevEUI: eui(i + 1), Asset: asset, Kind: inv.assets[i].Kind, Model: inv.devices[asset][0].Model,
			Epoch: 1, FCnt: uint32(n), Time: city.Stamp{At: at, Source: city.TimeGateway}, Received: at.Add(time.Second), Values: values})
		c.Mark = city.Mark{Reading: n}
		return &c.Readings[n-1]
	}
	begin := noon.Add(-48 * time.Hour)
	for h := range 48 {
		at := begin.Add(time.Duration(h) * time.Hour)
		// The bin: 1, 2, 3 … 48 %, of which one reading says nothing of the level, one was sent by hand.
		r := say("PK-1", at, city.Value{Quantity: city.FillLevel, Number: float64(h + 1)}, city.Value{Quantity: city.BatteryVoltage, Number: 3.6})
		switch h {
		case 20:
			r.Values, r.Faults = r.Values[1:], []city.Fault{city.FaultNoEcho}
		case 30:
			r.Simulated = true
		case 40:
			r.Faults = []city.Fault{city.FaultOutOfScale}
		}
		say("PK-2", at, city.Value{Quantity: city.FillLevel, Number: 99})
		say("BA-1", at.Add(time.Minute), city.Value{Quantity: city.SoilMoisture, Number: 20 + float64(h)/10}, city.Value{Quantity: city.SoilTemperature, Number: float64(h%7) - 3})
		say("WE-1", at.Add(2*time.Minute), city.Value{Quantity: city.Temperature, Number: 5}, city.Value{Quantity: city.Humidity, Number: 80})
		say("FZ-1", at, city.Value{Quantity: city.Latitude, Number: 52.2}, city.Value{Quantity: city.Longitude, Number: 8.0})
	}
	// The bays are told of since 08:00: all free, then they fill up one by one, 7 min past each hour.
	for n := 1; n <= 9; n++ {
		say(fmt.Sprintf("P-%d", n), noon.Add(-4*time.Hour), city.Value{Quantity: city.Occupied})
	}
	for n := 1; n <= 3; n++ {
		say(fmt.Sprintf("P-%d", n), noon.Add(-4*time.Hour).Add(time.Duration(n)*time.Hour+7*time.Minute), city.Value{Quantity: city.Occupied, Number: 1})
	}
	say("P-9", noon.Add(-7*time.Minute), city.Value{Quantity: city.Occupied, Number: 1}, city.Value{Quantity: city.OccupiedSince, Number: 1})
	if err := store.Commit(context.Background(), &c); err != nil {
		panic(err)
	}
	t := &town{inventory: inv, release: townRelease(), source: store}
	var err error
	if t.handler, err = t.serve(); err != nil {
		panic(err)
	}
	return t
}

func (w *town) serve() (http.Handler, error) {
	return sensorthings.New(w.source, sensorthings.Options{
		Base: base, Inventory: w.inventory, Release: w.release, Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Now: func() time.Time { return noon }, Log: zerolog.Nop(),
		Patience: time.Hour, // no test is about the machine's speed
	})
}

// fetch asks for an address below the base, options in pairs, and gives status and body.
func (w *town) fetch(t testing.TB, path string, options ...string) (int, string) {
	t.Helper()
	for i := 0; i < len(options); i += 2 {
		sign := "?"
		if i > 0 {
			sign = "&"
		}
		path += sign + options[i] + "=" + url.QueryEscape(options[i+1])
	}
	return w.raw(t, http.MethodGet, "/v1.1"+path)
}

func (w *town) raw(t testing.TB, method, path string) (int, string) {
	t.Helper()
	u, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, "/", nil)
	r.URL = u
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}

type doc = map[string]any

// get wants an answer with status 200, as JSON.
func (w *town) get(t testing.TB, path string, options ...string) doc {
	t.Helper()
	status, body := w.fetch(t, path, options...)
	if status != http.StatusOK {
		t.Fatalf("GET %s %q: status %d, want 200: %s", path, options, status, body)
	}
	return parse(t, body)
}

func parse(t testing.TB, body string) doc {
	t.Helper()
	var d doc
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatalf("answer is no JSON object: %v: %.300s", err, body)
	}
	return d
}

// follow asks for an address that an answer gave.
func (w *town) follow(t testing.TB, link any) doc {
	t.Helper()
	s, _ := link.(string)
	rest, ok := strings.CutPrefix(s, base)
	if !ok {
		t.Fatalf("link %q does not begin with %s", s, base)
	}
	status, body := w.raw(t, http.MethodGet, "/v1.1"+rest)
	if status != http.StatusOK {
		t.Fatalf("GET %s: status %d: %s", s, status, body)
	}
	return parse(t, body)
}

// values gives the entities of a collection.
func values(t testing.TB, d doc) []doc {
	t.Helper()
	return docs(t, d["value"])
}

func docs(t testing.TB, v any) []doc {
	t.Helper()
	list, ok := v.([]any)
	if !ok {
		t.Fatalf("%v is no list", v)
	}
	var all []doc
	for _, one := range list {
		all = append(all, one.(doc))
	}
	return all
}

// names gives a property of every entity of a collection, joined.
func names(t testing.TB, d doc, property string) string {
	t.Helper()
	var all []string
	for _, e := range values(t, d) {
		all = append(all, fmt.Sprint(e[property]))
	}
	return strings.Join(all, "|")
}

// idText is an entity's id as it stands in addresses.
func idText(t testing.TB, e doc) string {
	t.Helper()
	n, ok := e["@iot.id"].(float64)
	if !ok || n < 1 || n >= 1<<53 || n != float64(int64(n)) {
		t.Fatalf("@iot.id %v is no whole number from 1 to 2^53", e["@iot.id"])
	}
	return strconv.FormatInt(int64(n), 10)
}

// one gives the only entity that a filter chooses, as the address of it.
func (w *town) one(t testing.TB, set, filter string) (string, doc) {
	t.Helper()
	all := values(t, w.get(t, "/"+set, "$filter", filter))
	if len(all) != 1 {
		t.Fatalf("%s with %s: %d, want 1", set, filter, len(all))
	}
	return "/" + set + "(" + idText(t, all[0]) + ")", all[0]
}

// rawQuery asks with a query as it stands, blanks included, as it would come from clients.
func (w *town) rawQuery(t testing.TB, path, query string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.URL.RawQuery = query
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}

func (w *town) rawPath(t testing.TB, path, query string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = path, "", query
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}
