package board_test

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/dashboards/board"
)

// working is the board of osnabrueck where people tick off what they did.
func working(t testing.TB) (http.Handler, *store) {
	s, inv := osnabrueck()
	o := options(t, s, inv)
	o.Desk, o.Tours = s, s
	return newBoard(t, o), s
}

func numbers(body string) []string {
	var all []string
	for _, m := range rowIDs.FindAllStringSubmatch(body, -1) {
		id, _, _ := strings.Cut(html.UnescapeString(m[1]), " · ")
		all = append(all, id)
	}
	return all
}

func TestWorklist(t *testing.T) {
	h, _ := working(t)
	body := ask(h, "GET", "/arbeit").Body.String()
	page := text(body)
	for _, want := range []string{
		"8 Anlagen: 3 jetzt, 1 in den nächsten 24 Stunden fällig, 3 ohne Vorhersage.",
		"Papierkorb Domhof 4 PK-1 · Innenstadt · Tour 1 jetzt Meldung offen seit 21.11.2026, 13:20 Uhr Grenze 90,0 % erreicht ● voll 92,5 % vor 12 Minuten vor 30 Stunden 20.11.2026, 08:05 Uhr Max Muster Papierkorb voll 2026-004711 OSB Straßenreinigung, noch nicht übernommen",
		"in 5 Stunden 21.11.2026, 19:15 Uhr dann 90,0 % (+2,5 %/h), Verlässlichkeit mittel ● voll 90,0 % gerade eben vor 30 Stunden 20.11.2026, 08:05 Uhr laut Sensor keine",
		"jetzt nach Vorhersage seit 21.11.2026, 13:05 Uhr dann 90,0 % (+1,0 %/h), Verlässlichkeit gering ◷ veraltet 41,0 %",
		"nicht absehbar nicht in den nächsten 30 Tagen bis 90,0 %, Verlässlichkeit hoch ○ leer 0,0 %",
		"▽ trocken 11,3 % nutzbare Feldkapazität 55,0 %",
		"unbekannt zu wenige Messungen",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the worklist does not say %q:\n%s", want, page)
		}
	}
	// What is open comes first, the oldest before; then what is due; then what nobody can tell.
	if got, want := numbers(body), []string{"B/7 ö", "PK-1", "PK-6", "PK-2", "PK-3"}; len(got) != 8 || !slices.Equal(got[:5], want) {
		t.Errorf("order is %q, want first %q", got, want)
	}
}

func TestWorklistFilter(t *testing.T) {
	h, _ := working(t)
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"art=boden", []string{"B/7 ö", "B-8"}},
		{"tour=Tour+1", []string{"PK-1", "PK-2"}},
		{"bezirk=Weststadt", []string{"PK-3"}},
		{"bis=heute", []string{"B/7 ö", "PK-1", "PK-6", "PK-2"}},
		{"bis=morgen&art=behaelter", []string{"PK-1", "PK-6", "PK-2"}},
		{"suche=dOMHOF", []string{"PK-1"}},
		{"suche=pk-2", []string{"PK-2"}},
		{"suche=%3Cscript", []string{"PK-6"}},
		{"ausschnitt=52.27,8.03,52.28,8.04", []string{"B/7 ö", "PK-3"}},
		{"art=stellplatz", nil},
	} {
		if got := numbers(ask(h, "GET", "/arbeit?"+c.query).Body.String()); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.query, got, c.want)
		}
	}
	for query, says := range map[string]string{
		"bis=nie":                           "Möglich: heute, morgen, 3-tage, woche.",
		"art=haus":                          "Möglich: behaelter",
		"seite=0":                           "keine Zahl ab 1",
		"ausschnitt=1,2,3":                  "vier Zahlen",
		"ausschnitt=52.3,8.0,52.2,8.1":      "Süden muss unter Norden",
		"ausschnitt=NaN,8.0,52.2,8.1":       "kein Grad",
		"format=pdf":                        "Möglich: excel, csv.",
		"suche=" + strings.Repeat("x", 101): "zu lang",
	} {
		w := ask(h, "GET", "/arbeit?"+query)
		if w.Code != 400 || !strings.Contains(text(w.Body.String()), says) {
			t.Errorf("%s: %d %s; want 400 with %q", query, w.Code, text(w.Body.String()), says)
		}
	}
	if w := ask(h, "GET", "/regeln?format=csv"); w.Code != 400 {
		t.Errorf("a page that is no table gives %d as one", w.Code)
	}
}

var markIn = regexp.MustCompile(`<a href="([^"]*)" aria-label="([^"]*)"><g transform="translate\(([\d.]+) ([\d.]+)\)"`)

func TestMap(t *testing.T) {
	h, _ := working(t)
	body := ask(h, "GET", "/arbeit").Body.String()
	var got []string
	for _, m := range markIn.FindAllStringSubmatch(body, -1) {
		got = append(got, strings.ReplaceAll(html.UnescapeString(m[2]), "\u00a0", " ")+" → "+html.UnescapeString(m[1]))
	}
	want := []string{
		"2 Anlagen, die dringendste: Papierkorb Domhof 4: jetzt → /arbeit?ausschnitt=52.27749%2C8.04169%2C52.27761%2C8.04191",
		"Unterflurbehälter Lotter Straße: später → /anlage/PK-3",
		"Rasen Schlossgarten: ohne Vorhersage → /anlage/B-8",
		"Linde Martinistraße: jetzt → /anlage/B%2F7%20%C3%B6",
		"<script>alert('Übermut')</script>: jetzt → /anlage/PK-6",
		"Papierkorb Iburger Straße 12: ohne Vorhersage → /anlage/PK-4",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("on the map:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !strings.Contains(text(body), "1 Anlage der Liste ohne vermessene Lage") {
		t.Error("the map does not say who is missing on it")
	}
	// Within the cutout of the two, they are told apart.
	if n := len(markIn.FindAllString(ask(h, "GET", "/arbeit?ausschnitt=52.27749%2C8.04169%2C52.27761%2C8.04191").Body.String(), -1)); n < 1 {
		t.Error("the cutout is empty")
	}
	if strings.Contains(ask(h, "GET", "/arbeit?suche=Haste").Body.String(), "<figure") {
		t.Error("there is a map of nothing")
	}
}

// TestMapOfMany puts ten thousand assets on the map: every one is under some mark, and no two
// marks are too near to be hit.
func TestMapOfMany(t *testing.T) {
	s, inv := bigCity(10_000)
	for i, a := range inv.assets {
		a.Position = &city.Position{Lat: 52.2 + float64(i%97)/1000, Lon: 8.0 + float64(i%83)/1000}
	}
	body := ask(newBoard(t, options(t, latest{s}, inv)), "GET", "/arbeit").Body.String()
	total := 0
	var at [][2]float64
	for _, m := range markIn.FindAllStringSubmatch(body, -1) {
		var x, y float64
		n := 1
		_, _ = fmt.Sscan(m[3]+" "+m[4], &x, &y)
		if strings.Contains(m[2], "Anlagen,") {
			_, _ = fmt.Sscan(strings.ReplaceAll(strings.SplitN(m[2], "\u00a0", 2)[0], ".", ""), &n)
		}
		total += n
		for _, p := range at {
			if dx, dy := p[0]-x, p[1]-y; dx*dx+dy*dy < 28*28 {
				t.Fatalf("marks at %v and %v,%v are too near", p, x, y)
			}
		}
		at = append(at, [2]float64{x, y})
	}
	if total != 10_000 || len(at) < 20 {
		t.Errorf("%d marks for %d assets, want 10000", len(at), total)
	}
}

func TestDistricts(t *testing.T) {
	square := `{"type":"Polygon","coordinates":[[[8.02,52.26],[8.06,52.26],[8.06,52.29],[8.02,52.29],[8.02,52.26]]]}`
	feature := func(props, geometry string) string {
		return `{"type":"FeatureCollection","features":[{"type":"Feature","properties":` + props + `,"geometry":` + geometry + `}]}`
	}
	for name, c := range map[string]struct{ body, property, says string }{
		"a square":              {feature(`{"name":"Innen<stadt>"}`, square), "", ""},
		"another property":      {feature(`{"STADTTEIL":"Innenstadt"}`, square), "STADTTEIL", ""},
		"many":                  {feature(`{"name":"x"}`, `{"type":"MultiPolygon","coordinates":[[[[8.02,52.26],[8.06,52.26],[8.06,52.29],[8.02,52.26]]]]}`), "", ""},
		"no JSON":               {"{", "", "no GeoJSON"},
		"another type":          {`{"type":"Feature"}`, "", "want a FeatureCollection"},
		"no name":               {feature(`{"id":1}`, square), "", `property "name" is missing`},
		"a name too long":       {feature(`{"name":"`+strings.Repeat("ä", 61)+`"}`, square), "", "longer than 60"},
		"a line":                {feature(`{"name":"x"}`, `{"type":"LineString","coordinates":[[8,52]]}`), "", "want Polygon or MultiPolygon"},
		"other coordinates":     {feature(`{"name":"x"}`, `{"type":"Polygon","coordinates":[[[433000,5792000]]]}`), "", "EPSG:4326"},
		"corners of one number": {feature(`{"name":"x"}`, `{"type":"Polygon","coordinates":[[[8]]]}`), "", "no longitude and latitude"},
	} {
		t.Run(name, func(t *testing.T) {
			s, inv := osnabrueck()
			o := options(t, s, inv)
			o.Config.Map = board.Map{Districts: filepath.Join(t.TempDir(), "bezirke.geojson"), NameProperty: c.property, Attribution: "Stadt Osnabrück, dl-de/by-2-0"}
			if err := os.WriteFile(o.Config.Map.Districts, []byte(c.body), 0o600); err != nil {
				t.Fatal(err)
			}
			b, err := board.New(o)
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "board.map.districts: ") {
					t.Errorf("error is %v, want one that says %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if page := ask(b.Handler(), "GET", "/arbeit").Body.String(); !strings.Contains(page, `class="area"`) || !strings.Contains(page, "Stadt Osnabrück, dl-de/by-2-0") {
				t.Error("the district is not on the map")
			}
		})
	}
	s, inv := osnabrueck()
	o := options(t, s, inv)
	o.Config.Map.Districts = board.SampleDistricts
	if page := ask(newBoard(t, o), "GET", "/arbeit").Body.String(); !strings.Contains(page, `class="area"`) || !strings.Contains(page, "erfundenes Beispiel, keine amtlichen Grenzen") {
		t.Error("the sample is not marked as one")
	}
	o.Config.Map.Districts = filepath.Join(t.TempDir(), "missing.geojson")
	if _, err := board.New(o); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file is %v", err)
	}
}

// TestSheets reads the tables as the two kinds of programs do that they are for.
func TestSheets(t *testing.T) {
	h, s := working(t)
	s.cases[0].Ticket.Unit = "=SUMME(A1:A9)"
	for _, path := range []string{"/arbeit", "/tour/Tour%201", "/qualitaet"} {
		for form, comma := range map[string]rune{"csv": ',', "excel": ';'} {
			w := ask(h, "GET", path+"?stopps=alle&format="+form)
			body, marked := strings.CutPrefix(w.Body.String(), "\ufeff")
			if w.Code != 200 || marked != (form == "excel") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv; charset=utf-8") ||
				!regexp.MustCompile(`^attachment; filename\*=UTF-8''[a-z]+-2026-11-21\.csv$`).MatchString(w.Header().Get("Content-Disposition")) {
				t.Fatalf("%s as %s: %d %v", path, form, w.Code, w.Header())
			}
			r := csv.NewReader(strings.NewReader(body))
			r.Comma = comma
			rows, err := r.ReadAll()
			if err != nil || len(rows) < 2 {
				t.Fatalf("%s as %s: %d rows, %v", path, form, len(rows), err)
			}
			if path != "/arbeit" {
				continue
			}
			row := rows[slices.IndexFunc(rows, func(r []string) bool { return r[0] == "PK-1" })]
			want := map[string][]string{
				"csv": {"PK-1", "Papierkorb Domhof 4", "bin", "Innenstadt", "Tour 1", "2026-11-21T13:20:00+01:00", "now", "fill_level", "92.5", "%", "2026-11-21T13:53:00+01:00",
					"voll", "90.0", "0.000", "high", "", "S-7K2M9QXA", "2026-004711", "=SUMME(A1:A9), noch nicht übernommen", ""},
				"excel": {"PK-1", "Papierkorb Domhof 4", "Behälter", "Innenstadt", "Tour 1", "21.11.2026 13:20:00", "jetzt", "Füllstand", "92,5", "%", "21.11.2026 13:53:00",
					"voll", "90,0", "0,000", "hoch", "", "S-7K2M9QXA", "2026-004711", "'=SUMME(A1:A9), noch nicht übernommen", ""},
			}[form]
			if !slices.Equal(row, want) {
				t.Errorf("as %s:\n%q\nwant:\n%q", form, row, want)
			}
			if form == "csv" && !strings.Contains(body, "\r\n") {
				t.Error("lines do not end as RFC 4180 has it")
			}
		}
	}
}

func TestCompressed(t *testing.T) {
	h, _ := working(t)
	get := func(method, accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/arbeit", nil)
		r.Host = "127.0.0.1:8080"
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	plain := get("GET", "")
	for accept, want := range map[string]bool{"gzip, deflate, br": true, "GZIP;q=0.5": true, "br, x-gzip": true, "gzip;q=0": false, "br": false, "identity": false, "gzipped": false} {
		w := get("GET", accept)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != want || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: compressed %v, Vary %q", accept, got, w.Header().Get("Vary"))
			continue
		}
		if !want {
			continue
		}
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(z); err != nil || len(body) != plain.Body.Len() {
			t.Errorf("%q: %d bytes unpacked, %v; want %d", accept, len(body), err, plain.Body.Len())
		}
	}
	if w := get("HEAD", "gzip"); w.Body.Len() != 0 || w.Code != 200 {
		t.Errorf("HEAD: %d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestTour(t *testing.T) {
	s, inv := osnabrueck()
	h, seal := desk(t, s, inv, nil)
	here := func(h http.Handler, path string) string {
		return text(visit(h, httptest.NewRequest("GET", "http://127.0.0.1:8080"+path, nil)).Body.String())
	}
	page := here(h, "/tour/Tour%201")
	for _, want := range []string{"Stand 14:05 Uhr. 1 Stopp offen, 1 Stopp heute erledigt oder abgehakt.", "1. Papierkorb Domhof 4 PK-1 · Domhof 4 jetzt Papierkorb voll",
		"Papierkorb Große Straße / Nikolaiort : nicht möglich – zugeparkt & <voll> 12:05 Uhr, Max <Muster>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the sheet does not say %q: %s", want, page)
		}
	}
	for _, c := range []struct {
		name  string
		pairs []string
		says  string
	}{
		{"nothing", nil, "wenigstens einen Stopp"},
		{"all still open", []string{"stopp:PK-1", ""}, "wenigstens einen Stopp"},
		{"of another tour", []string{"stopp:PK-3", "erledigt"}, "gehört nicht mehr zu dieser Tour"},
		{"of no tour", []string{"stopp:PK-99", "erledigt"}, "gehört nicht mehr zu dieser Tour"},
		{"neither nor", []string{"stopp:PK-1", "vielleicht"}, "weder erledigt noch nicht möglich"},
		{"failed without a reason", []string{"stopp:PK-1", "nicht", "grund", " "}, "warum ein Stopp nicht möglich war"},
		{"without a name", []string{"stopp:PK-1", "erledigt", "name", ""}, "Name: Bitte ausfüllen"},
		{"taking back what is not there", []string{"zuruecknehmen", "99"}, "gibt es nicht mehr"},
		{"taking back nonsense", []string{"zuruecknehmen", "x"}, "gibt es nicht mehr"},
	} {
		before := len(s.visits)
		w := post(h, "/tour/Tour%201", typed(seal, c.pairs...))
		if w.Code != 422 || !strings.Contains(text(w.Body.String()), c.says) || len(s.visits) != before {
			t.Errorf("%s: %d %s; want 422 with %q", c.name, w.Code, text(w.Body.String()), c.says)
		}
	}
	w := post(h, "/tour/Tour%201?stopps=alle", typed(seal, "stopp:PK-1", "nicht"))
	if w.Code != 303 || w.Header().Get("Location") != "/tour/Tour%201?stopps=alle&vermerkt=neu" {
		t.Fatalf("ticking off: %d to %s", w.Code, w.Header().Get("Location"))
	}
	got := s.visits[len(s.visits)-1]
	if got != (city.Visit{ID: 4, At: now, Asset: "PK-1", Tour: "Tour 1", By: "Erika Mustermann", Outcome: city.VisitFailed, Note: "Straßenfest"}) {
		t.Errorf("kept is %+v", got)
	}
	if page := here(h, "/tour/Tour%201?vermerkt=neu"); !strings.Contains(page, "Eingetragen.") || !strings.Contains(page, "bis morgen nichts fällig") {
		t.Errorf("afterwards the sheet says %s", page)
	}
	if w := post(h, "/tour/Tour%201", typed(seal, "zuruecknehmen", "4")); w.Code != 303 || s.visits[3].WithdrawnBy != "Erika Mustermann" {
		t.Errorf("taking back: %d, %+v", w.Code, s.visits[3])
	}
	if w := ask(h, "GET", "/tour/Mondtour"); w.Code != 404 {
		t.Errorf("a tour that there is not: %d", w.Code)
	}
	// Where nothing is kept, it can be read.
	o := options(t, s, inv)
	if page := here(newBoard(t, o), "/tour/Tour%201"); !strings.Contains(page, "Hier kann nur gelesen werden.") {
		t.Errorf("without a keeper of visits the sheet says %s", page)
	}
}

// TestTourOnTheTelephone holds the sheet of a long tour under 50 KB as it is sent, and loads
// nothing else but the stylesheet and the icon.
func TestTourOnTheTelephone(t *testing.T) {
	s, inv := bigCity(0)
	for i := range 120 {
		a := &city.Asset{ID: fmt.Sprintf("PK-%05d", i), Kind: city.Bin, Name: fmt.Sprintf("Papierkorb Große Straße %d", i), Address: fmt.Sprintf("Große Straße %d, 49074 Osnabrück", i), Tour: "Tour 1"}
		inv.assets = append(inv.assets, a)
		s.readings = append(s.readings, reading(a.ID, city.Bin, i, 7*time.Minute, value(city.FillLevel, 91)))
	}
	o := options(t, s, inv)
	o.Tours = s
	r := httptest.NewRequest("GET", "http://127.0.0.1:8080/tour/Tour%201?stopps=alle", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := visit(newBoard(t, o), r)
	if w.Code != 200 || w.Body.Len() > 50_000 {
		t.Errorf("status %d, %d bytes", w.Code, w.Body.Len())
	}
	t.Logf("120 stops: %d bytes compressed", w.Body.Len())
	plain := ask(newBoard(t, o), "GET", "/tour/Tour%201?stopps=alle").Body.String()
	if n := strings.Count(plain, "<img"); n != 1 || strings.Contains(plain, "<script") {
		t.Errorf("%d pictures on the sheet, want the icon alone", n)
	}
	if n := strings.Count(ask(newBoard(t, o), "GET", "/tour/Tour%201?stopps=alle&ansicht=druck").Body.String(), "/code.svg"); n != 120 {
		t.Errorf("%d codes on paper, want 120", n)
	}
}

func TestAssetCode(t *testing.T) {
	h, _ := working(t)
	w := ask(h, "GET", "/anlage/B%2F7%20%C3%B6/code.svg")
	if w.Code != 200 || w.Header().Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(w.Body.String(), "<svg ") {
		t.Errorf("%d %s %.40s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	if w := ask(h, "GET", "/anlage/nie/code.svg"); w.Code != 404 {
		t.Errorf("of what there is not: %d", w.Code)
	}
}

func TestQuality(t *testing.T) {
	h, s := working(t)
	s.readings[0].Radio.SpreadingFactor = 12
	s.cases = append(s.cases, city.CaseTicket{Case: city.Case{Ref: "S-SILENT01", Rule: "sensor-silent", Asset: "PK-5", Since: now.Add(-80 * time.Hour), Opened: now.Add(-79 * time.Hour), Title: "Sensor ohne Signal"}})
	s.visits = append(s.visits, city.Visit{ID: 4, At: now.Add(-10 * time.Minute), Asset: "PK-1", Tour: "Tour 1", By: "Max Muster", Outcome: city.VisitDone})
	page := text(ask(h, "GET", "/qualitaet").Body.String())
	for _, want := range []string{
		"Linde Martinistraße B/7 ö · Wüste & Weite · Gießtour Baum braucht Wasser vor 30 Stunden",
		"abgehakt von Max Muster am 21.11.2026, 13:55 Uhr, der Sensor sieht es nicht",
		"Papierkorb Haste PK-5 · Haste · Tour 3 noch nie gehört – –",
		"nicht mehr gehört vor 2 Tagen",
		"Papierkorb Iburger Straße 12 PK-4 · Schölerberg · Tour 2 kein Echo, Sensor sieht nichts",
		"Sensor ohne Signal vor 3 Tagen 18.11.2026, 06:05 Uhr S-SILENT01",
		"Keine Batterie ist schwach.",
		"RSSI −107 dBm, SNR 4,5 dB, SF12, 2 Gateways",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
	if page := text(ask(h, "GET", "/qualitaet?bezirk=Haste").Body.String()); strings.Contains(page, "kein Echo") || !strings.Contains(page, "noch nie gehört") {
		t.Errorf("of one district: %s", page)
	}
}

func TestAlarmStrip(t *testing.T) {
	h, s := working(t)
	if strings.Contains(ask(h, "GET", "/arbeit").Body.String(), "Alarme") {
		t.Error("an alarm where there is none")
	}
	for i, q := range []city.Quantity{city.FireAlarm, city.Tilt, city.Temperature, city.Leak, city.Tampered} {
		s.cases = append(s.cases, city.CaseTicket{Case: city.Case{Ref: fmt.Sprintf("S-ALARM%03d", i), Rule: "x", Asset: "PK-2", Quantity: q, Since: now.Add(-time.Hour), Opened: now.Add(-time.Hour), Title: "Etwas mit " + q.String()}})
	}
	page := text(ask(h, "GET", "/arbeit").Body.String())
	for _, want := range []string{"▲ Brand Etwas mit fire_alarm , Papierkorb Große Straße / Nikolaiort vor 1 Stunde, noch von niemandem übernommen", "◢ gekippt", "▲ Hitze", "≈ Wasser", "✕ geöffnet"} {
		if !strings.Contains(page, want) {
			t.Errorf("the strip does not say %q: %s", want, page)
		}
	}
	for i := range 20 {
		s.cases = append(s.cases, city.CaseTicket{Case: city.Case{Ref: fmt.Sprintf("S-MORE%04d", i), Asset: "PK-2", Quantity: city.Tilt, Since: now, Opened: now, Title: "x"}})
	}
	if page := text(ask(h, "GET", "/arbeit").Body.String()); !strings.Contains(page, "und 15 weitere Alarme") {
		t.Error("a long strip does not say how much more there is")
	}
}

// TestWorkPagesOfABrokenStore tells nobody what the store said.
func TestWorkPagesOfABrokenStore(t *testing.T) {
	h, s := working(t)
	s.err = errDisk
	for _, path := range []string{"/arbeit", "/qualitaet", "/tour/Tour%201", "/arbeit?format=csv"} {
		if w := ask(h, "GET", path); w.Code != 503 || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func FuzzWorkFilter(f *testing.F) {
	h, _ := working(f)
	for _, s := range []string{"", "bis=heute", "ausschnitt=52.27,8.03,52.28,8.04", "ausschnitt=1e308,0,1,1", "suche=%ff", "art=boden&seite=2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if _, err := url.ParseQuery(query); err != nil || strings.ContainsAny(query, "#\x7f ") {
			return
		}
		r := &http.Request{Method: "GET", Host: "localhost", URL: &url.URL{Path: "/arbeit", RawQuery: query}, Header: http.Header{}, RemoteAddr: "127.0.0.1:1"}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != 200 && w.Code != 400 {
			t.Errorf("%q: %d", query, w.Code)
		}
	})
}

// BenchmarkWorkPages answers for a city of ten thousand assets, all of them surveyed and with
// forecasts; bytes is what goes over the wire, compressed. cpu-ms is what all threads of the
// process took for a page, and is what counts on a machine that others use as well.
func BenchmarkWorkPages(b *testing.B) {
	const n = 10_000
	s, inv := bigCity(n)
	o := options(b, latest{s}, inv)
	book := dutyBook()
	o.Rules, o.Tours = book, s
	for i, a := range inv.assets {
		a.Position = &city.Position{Lat: 52.2 + float64(i%97)/1000, Lon: 8.0 + float64(i%83)/1000}
		book.outlooks[a.ID] = []city.Outlook{{Rule: "bin-full", Quantity: city.FillLevel, Limit: 90, Value: 40, At: now, Slope: 1, Due: now.Add(time.Duration(i) * time.Minute), Reliability: city.ReliabilityMedium}}
	}
	h := newBoard(b, o)
	for _, path := range []string{"/", "/arbeit", "/qualitaet", "/tour/Tour%201"} {
		b.Run(path, func(b *testing.B) {
			var times []time.Duration
			size := 0
			before := cpuTime()
			for b.Loop() {
				r := httptest.NewRequest("GET", "http://127.0.0.1:8080"+path, nil)
				r.Header.Set("Accept-Encoding", "gzip")
				began := time.Now()
				w := visit(h, r)
				times = append(times, time.Since(began))
				if size = w.Body.Len(); w.Code != 200 {
					b.Fatal(w.Code)
				}
			}
			b.ReportMetric(float64((cpuTime()-before).Microseconds())/1000/float64(len(times)), "cpu-ms")
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)*95/100].Microseconds())/1000, "p95-ms")
			b.ReportMetric(float64(size), "bytes")
		})
	}
}

// cpuTime is what the process has taken so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
