package sensorthings_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/dashboards/sensorthings"
)

// samples is a store of samples by asset, oldest first.
type samples map[string][]city.Sample

func (s samples) Samples(_ context.Context, q city.SampleQuery) ([]city.Sample, error) {
	all := slices.Clone(s[q.Asset])
	if q.NewestFirst {
		slices.Reverse(all)
	}
	var chosen []city.Sample
	for _, one := range all {
		at := one.Time.At
		if !q.From.IsZero() && at.Before(q.From) || !q.To.IsZero() && at.After(q.To) {
			continue
		}
		if !q.AfterTime.IsZero() {
			c := at.Compare(q.AfterTime)
			if c == 0 {
				c = int(one.Reading - q.AfterReading)
			}
			if q.NewestFirst {
				c = -c
			}
			if c <= 0 {
				continue
			}
		}
		if len(chosen) < q.Limit {
			chosen = append(chosen, one)
		}
	}
	return chosen, nil
}

func (s samples) CountSamples(context.Context, city.SampleQuery) (int, error) { return 0, nil }

func (s samples) ReadingsAfter(context.Context, int64, int) ([]city.Reading, error) { return nil, nil }

// endless is a store in which every asset has a sample each second for ever, oldest first or
// newest first. It keeps what it was asked for.
type endless struct {
	rows int
	fail error
}

func (e *endless) Samples(ctx context.Context, q city.SampleQuery) ([]city.Sample, error) {
	if e.fail != nil {
		return nil, e.fail
	}
	n, step := q.AfterReading+1, int64(1)
	if q.NewestFirst {
		n, step = 1<<30, -1
		if q.AfterReading > 0 {
			n = q.AfterReading - 1
		}
	} else if !q.From.IsZero() && q.AfterReading == 0 {
		n = q.From.Unix()
	}
	page := make([]city.Sample, q.Limit)
	for i := range page {
		page[i] = city.Sample{Reading: n, Time: city.Stamp{At: time.Unix(n, 0).UTC()}, Number: float64(n), Has: true}
		n += step
	}
	e.rows += len(page)
	return page, ctx.Err()
}

func (e *endless) CountSamples(_ context.Context, q city.SampleQuery) (int, error) {
	return q.Limit, nil
}

func (e *endless) ReadingsAfter(_ context.Context, id int64, limit int) ([]city.Reading, error) {
	page := make([]city.Reading, limit)
	for i := range page {
		page[i] = city.Reading{ID: id + int64(i) + 1, Asset: "nobody's", Time: city.Stamp{At: noon}}
	}
	e.rows += limit
	return page, nil
}

// large is a town of bins, with a store without end.
func large(t testing.TB, bins int) (*town, *endless) {
	t.Helper()
	inv := &inventory{devices: make(map[string][]*city.Device)}
	for n := range bins {
		inv.add(city.Asset{ID: fmt.Sprintf("PK-%d", n), Kind: city.Bin, Name: fmt.Sprintf("Korb %d", n), Position: &city.Position{Lat: 52.2 + float64(n%100)/1000, Lon: 8 + float64(n/100)/1000}}, "m")
	}
	source := &endless{}
	w := &town{inventory: inv, release: sensorthings.DefaultRelease(), source: source}
	var err error
	if w.handler, err = w.serve(); err != nil {
		t.Fatal(err)
	}
	return w, source
}

// TestBounds: no question reads, works or answers without end, and each that is refused is
// told why.
func TestBounds(t *testing.T) {
	w, source := large(t, 1200)
	bin := "/Datastreams(" + idText(t, values(t, w.get(t, "/Datastreams", "$top", "1", "$select", "id"))[0]) + ")/Observations"
	zigzag := make([]string, 0, 900)
	for i := range 899 {
		zigzag = append(zigzag, fmt.Sprintf("%d %d", i, i%2))
	}
	line := "geography'LINESTRING (" + strings.Join(zigzag, ",") + ")'"
	for _, c := range []struct{ path, query, says string }{
		{bin, "$filter=result eq -1", "more than 50000 readings"},
		{bin, "$orderby=result", "more than 50000 readings"},
		{bin, "$filter=result gt 0&$count=true", "more than 50000 readings"},
		{bin, "$skip=900000", "more than 50000 readings"},
		{"/Observations", "", "more than 50000 readings"}, // all of them are nobody's
		{"/Observations", "$orderby=phenomenonTime desc", "more than 1000 Datastreams"},
		{"/Observations", "$count=true", "more than 50000 readings"},
		{"/Things", "$filter=Datastreams/Observations/result eq -1", "more than 10000 entities"},
		{"/Things", "$orderby=Datastreams/Observations/result", "more than 10000 entities"},
		{"/Things", "$filter=Datastreams/any(d:d/Observations/any(o:o/result eq -1))", "more than 50000 readings"},
		{"/Sensors", "$filter=Datastreams/Thing/Datastreams/Sensor/Datastreams/Thing/Datastreams/Sensor/Datastreams/Thing/name eq 'x'", "more than 10000 entities"},
		{"/Sensors", "$filter=Datastreams/any(d:d/Sensor/Datastreams/any(e:e/name eq concat(d/name,d/name)))", "too much work"},
		{"/Sensors", "$filter=concat(Datastreams/name,Datastreams/name) eq 'x'", "10000 combinations"},
		{"/Things", "$filter=st_crosses(" + line + "," + line + ")", "too much work"},
	} {
		source.rows = 0
		status, body := w.rawQuery(t, "/v1.1"+c.path, c.query)
		if status != http.StatusBadRequest || !strings.Contains(body, c.says) {
			t.Errorf("%s?%.90s: %d %.200s, want 400 and %q", c.path, c.query, status, body, c.says)
		}
		if source.rows > 51_000 {
			t.Errorf("%s?%.90s: read %d rows", c.path, c.query, source.rows)
		}
	}
}

// TestShortPages: what is too large for one answer comes in several.
func TestShortPages(t *testing.T) {
	w, _ := large(t, 300)
	d := w.get(t, "/Things", "$top", "300", "$select", "name", "$expand", "Datastreams($select=name;$expand=Observations($top=200;$select=result;$orderby=phenomenonTime desc))")
	n, pages := 0, 0
	for {
		pages++
		n += len(values(t, d))
		if d["@iot.nextLink"] == nil {
			break
		}
		d = w.follow(t, d["@iot.nextLink"])
	}
	if n != 300 || pages < 3 || pages > 20 {
		t.Errorf("%d Things on %d pages, want 300 on some", n, pages)
	}
	// A filter that seldom holds: what was found comes with a link to go on.
	stream := values(t, w.get(t, "/Datastreams", "$top", "1", "$select", "id"))[0]
	d = w.get(t, "/Datastreams("+idText(t, stream)+")/Observations", "$filter", "result mod 30000 eq 0", "$select", "result")
	got := names(t, d, "result")
	d = w.follow(t, d["@iot.nextLink"])
	if got != "30000" || names(t, d, "result") != "60000" {
		t.Errorf("%s, then %s", got, names(t, d, "result"))
	}
}

// TestImpatience: who has waited too long is told, whatever the store says then.
func TestImpatience(t *testing.T) {
	w, source := large(t, 3)
	var err error
	w.handler, err = sensorthings.New(source, sensorthings.Options{Base: base, Inventory: w.inventory, Release: w.release, Now: func() time.Time { return noon }, Patience: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	status, body := w.raw(t, http.MethodGet, "/v1.1/Datastreams")
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "longer than 1ns") {
		t.Errorf("%d %s", status, body)
	}
}

func TestStoreFails(t *testing.T) {
	w, source := large(t, 3)
	source.fail = errors.New("disk /secret/path is gone")
	for _, path := range []string{"/Datastreams", "/Things?$expand=Datastreams/Observations"} {
		status, body := w.raw(t, http.MethodGet, "/v1.1"+path)
		if status != http.StatusInternalServerError || strings.Contains(body, "secret") || parse(t, body)["code"] != 500.0 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// TestCatalogueOfACity is as large as a city's inventory may be.
func TestCatalogueOfACity(t *testing.T) {
	w, source := large(t, 10_000)
	d := w.get(t, "/Things", "$count", "true", "$filter", "st_within(Locations/location,geography'POLYGON ((8 52.2,8.01 52.2,8.01 52.3,8 52.3,8 52.2))')", "$top", "1")
	// Columns 1 to 9 of 100, without those on the edge.
	if d["@iot.count"] != 9.0*99 {
		t.Errorf("count %v, want %v", d["@iot.count"], 9*99)
	}
	if source.rows != 0 {
		t.Errorf("read %d rows for what is in the inventory", source.rows)
	}
	status, _ := w.rawQuery(t, "/v1.1/Observations", "$filter=Datastream/Thing/properties/assetId eq 'PK-77'&$orderby=phenomenonTime desc&$top=1")
	if status != 200 || source.rows > 10 {
		t.Errorf("%d, read %d rows for the newest of one bin", status, source.rows)
	}
}

// TestBarren: a sensor has sent something else for long. Its Datastream is not told to be
// empty, and does not spoil the answer for others.
func TestBarren(t *testing.T) {
	inv := &inventory{devices: make(map[string][]*city.Device)}
	source := samples{}
	for _, id := range []string{"PK-1", "PK-2"} {
		inv.add(city.Asset{ID: id, Kind: city.Bin, Name: id}, "m")
	}
	for n := range 5000 {
		at := city.Stamp{At: noon.Add(time.Duration(n-5000) * time.Minute)}
		source["PK-1"] = append(source["PK-1"], city.Sample{Reading: int64(n + 1), Time: at, Number: float64(n), Has: n == 7 || n == 4321})
	}
	source["PK-2"] = []city.Sample{{Reading: 9000, Time: city.Stamp{At: noon}, Number: 5, Has: true}}
	w := &town{inventory: inv, release: sensorthings.DefaultRelease(), source: source}
	var err error
	if w.handler, err = w.serve(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ order, want string }{{"phenomenonTime desc", "[4321] [] [7]"}, {"phenomenonTime", "[7] [] [4321]"}} {
		d := w.get(t, "/Things", "$orderby", "name", "$expand", "Datastreams($expand=Observations($top=1;$select=result;$orderby="+c.order+"))")
		var got []string
		for _, thing := range values(t, d) {
			s := docs(t, thing["Datastreams"])[0]
			if thing["name"] == "PK-2" {
				if names(t, doc{"value": s["Observations"]}, "result") != "5" {
					t.Errorf("the other one: %v", s)
				}
				continue
			}
			if s["phenomenonTime"] == nil {
				t.Errorf("phenomenonTime of %v is not told", s)
			}
			all := values(t, doc{"value": s["Observations"]})
			got = append(got, "["+names(t, doc{"value": s["Observations"]}, "result")+"]")
			for next := s["Observations@iot.nextLink"]; next != nil; {
				page := w.follow(t, next)
				next = page["@iot.nextLink"]
				all = append(all, values(t, page)...)
				got = append(got, "["+names(t, page, "result")+"]")
			}
			if len(all) != 2 {
				t.Errorf("%s: %d Observations, want 2", c.order, len(all))
			}
		}
		// Pages without Observations stand where 2,000 readings had none.
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: pages %s, want %s", c.order, s, c.want)
		}
	}
}

// TestMeasures: what the model cannot tell of has no Datastream.
func TestMeasures(t *testing.T) {
	handler, err := sensorthings.New(shared.source, sensorthings.Options{Base: base, Inventory: shared.inventory, Release: shared.release, Now: func() time.Time { return noon },
		Measures: func(model string, a *city.Asset, q city.Quantity) bool {
			return model != "dragino/lse01" || a.ID == "BA-1" && q == city.SoilMoisture
		}})
	if err != nil {
		t.Fatal(err)
	}
	w := &town{handler: handler}
	if got := names(t, w.get(t, "/Datastreams", "$filter", "Thing/properties/art eq 'soil'"), "name"); got != "Bodenfeuchte Linde mit Bodenfühler" {
		t.Errorf("Datastreams %s", got)
	}
	if got := names(t, w.get(t, "/HistoricalLocations"), "time"); got != "" {
		t.Errorf("without Since: HistoricalLocations of %s", got)
	}
}
