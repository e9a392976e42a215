package board_test

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/dashboards/board"
)

// withBook is a board over a register, and a seal of one of its pages.
func withBook(t testing.TB) (http.Handler, *registerBook, string) {
	t.Helper()
	s, inv := osnabrueck()
	book := withRegister(inv)
	o := options(t, s, inv)
	o.Registrar, o.Desk = book, s
	h := newBoard(t, o)
	m := sealIn.FindStringSubmatch(get(h, "/stummschaltungen").Body.String())
	if m == nil {
		t.Fatal("no form")
	}
	return h, book, m[1]
}

// get is a visitor at this machine.
func get(h http.Handler, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://127.0.0.1:8080"+path, nil)
	return visit(h, r)
}

func TestInventory(t *testing.T) {
	h, _, _ := withBook(t)
	for _, c := range []struct {
		path       string
		have, not  []string // in the text of the page
		rows       int
		firstOfAll string // of the table
	}{
		{"", []string{"15 Geräte, davon 11 still; dazu 1 Anlage ohne Gerät", "still 11", "im Lager 1", "ausgemustert 1", "geplant 1", "Linde Neuer Graben", "Papierkorb Domhof 4"}, []string{"24e124000000232c"}, 16, ""},
		{"?zustand=still", []string{"Linde Neuer Graben"}, []string{"Papierkorb Ledenhof"}, 11, ""},
		{"?zustand=ausgemustert", []string{eui(9004).String()}, []string{eui(9001).String()}, 1, ""},
		{"?zustand=ohne-geraet", []string{"Schacht Hase", "kein Gerät"}, []string{"Linde"}, 1, ""},
		{"?zustand=lager", []string{"SN-2329"}, []string{"Linde"}, 1, ""},
		{"?suche=sn-232A", []string{eui(9002).String()}, []string{eui(9001).String()}, 1, ""},
		{"?suche=ledenhof", []string{eui(9002).String()}, []string{eui(9001).String()}, 1, ""},
		{"?suche=gibt+es+nicht", []string{"Kein Gerät und keine Anlage passt"}, nil, 0, ""},
		{"?gruppe=Wochenmarkt", []string{"Papierkorb Ledenhof"}, []string{"Linde"}, 1, ""},
		{"?tour=Gie%C3%9Ftour&art=boden", []string{"Linde Neuer Graben", "Linde Martinistraße"}, []string{"Papierkorb"}, 3, ""},
		{"?bezirk=Haste", []string{"Papierkorb Haste"}, []string{"Ledenhof"}, 1, ""},
		{"?modell=dragino/lse01", []string{"Rasen Schlossgarten"}, []string{"Ledenhof"}, 2, ""},
		{"?sortierung=deveui", nil, nil, 16, eui(1).String()},
		{"?sortierung=gehoert", nil, nil, 16, eui(2).String()},
		{"?sortierung=zustand", nil, nil, 16, eui(2).String()},
		{"?sortierung=modell", nil, nil, 16, eui(9).String()},
	} {
		w := get(h, "/inventar"+c.path)
		body := text(w.Body.String())
		for _, want := range c.have {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q: %s", c.path, want, body)
			}
		}
		_, table, _ := strings.Cut(w.Body.String(), "<tbody")
		for _, not := range c.not {
			if strings.Contains(text("<tbody"+table), not) {
				t.Errorf("%s has %q", c.path, not)
			}
		}
		if rows := strings.Count(table, "<tr "); w.Code != 200 || rows != c.rows {
			t.Errorf("%s: %d with %d rows, want %d", c.path, w.Code, rows, c.rows)
		}
		if c.firstOfAll != "" {
			if i := strings.Index(table, `class="eui"`); i < 0 || !strings.Contains(table[i:i+140], c.firstOfAll) {
				t.Errorf("%s does not begin with %s", c.path, c.firstOfAll)
			}
		}
	}
	for path, says := range map[string]string{"?zustand=x": "Möglich: still, wartung", "?art=x": "Möglich: behaelter", "?sortierung=x": "Möglich: zustand", "?seite=0": "keine Zahl ab 1",
		"?suche=" + strings.Repeat("x", 81): "höchstens 80 Zeichen"} {
		if w := get(h, "/inventar"+path); w.Code != 400 || !strings.Contains(text(w.Body.String()), says) {
			t.Errorf("%s: %d %s", path, w.Code, text(w.Body.String()))
		}
	}
}

// TestInventoryTellsNoSecret holds what a page must not say, and what it says of whom.
func TestInventoryTellsNoSecret(t *testing.T) {
	h, book, _ := withBook(t)
	page := get(h, "/inventar").Body.String()
	for _, not := range []string{"geheim", "Z2VoZWlt", "67656865696d", "k1<", note} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %q", not)
		}
	}
	if r := row(t, page, eui(9002).String()); !strings.Contains(r, "vorhanden") || !strings.Contains(r, "Register") || !strings.Contains(r, `document.title = "böse"`) {
		t.Errorf("9002: %s", r)
	}
	if r := row(t, page, eui(9003).String()); !strings.Contains(r, "fehlt") || !strings.Contains(r, "vor 30 Stunden") {
		t.Errorf("9003: %s", r)
	}
	if r := row(t, page, eui(1).String()); !strings.Contains(r, "Datei") || strings.Contains(r, "fehlt") {
		t.Errorf("of a file: %s", r)
	}
	if strings.Contains(page, `href="/geraet/`+eui(1).String()+`/aendern"`) || !strings.Contains(page, `href="/geraet/`+eui(9002).String()+`/aendern"`) {
		t.Error("what stands in a file can be changed, or what stands in the register cannot")
	}
	book.err = errDisk
	for _, path := range []string{"/inventar", "/inventar/netzwerkserver", "/geraet/" + eui(9002).String() + "/aendern", "/anlage/R-1/aendern"} {
		if w := get(h, path); w.Code != 503 || strings.Contains(w.Body.String(), "secret.db") {
			t.Errorf("%s with a broken store: %d", path, w.Code)
		}
	}
}

func TestRegistrations(t *testing.T) {
	h, book, _ := withBook(t)
	page := text(get(h, "/inventar/netzwerkserver").Body.String())
	at := func(what string) int { return strings.Index(page, what) }
	if !strings.Contains(page, "3 Einträge, davon 2 gescheitert") || !strings.Contains(page, "403: <key> is not allowed") || at(eui(9002).String()) < 0 ||
		!(at(eui(9002).String()) < at(eui(9003).String()) && at(eui(9003).String()) < at(eui(9001).String())) {
		t.Error(page)
	}
	book.registrations = nil
	if page := text(get(h, "/inventar/netzwerkserver").Body.String()); !strings.Contains(page, "noch keinem Netzwerkserver") {
		t.Error(page)
	}
}

// TestWithoutRegister is a city that stands in files alone.
func TestWithoutRegister(t *testing.T) {
	s, inv := osnabrueck()
	h := newBoard(t, options(t, s, inv))
	if w := get(h, "/inventar"); w.Code != 200 || strings.Count(w.Body.String(), "<tr ") != 12 {
		t.Errorf("%d with %d rows", w.Code, strings.Count(w.Body.String(), "<tr "))
	}
	if w := get(h, "/inventar/netzwerkserver"); w.Code != 200 {
		t.Error(w.Code)
	}
	for _, path := range []string{"/geraet/" + eui(1).String() + "/aendern", "/anlage/PK-1/aendern"} {
		if w := get(h, path); w.Code != 403 || !strings.Contains(text(w.Body.String()), "Hier kann nur gelesen werden") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// bigRegister is n devices, each on an asset of its own.
func bigRegister(n int) (*store, *inventory, *registerBook) {
	s, inv := bigCity(n)
	book := &registerBook{heard: map[city.EUI]time.Time{}}
	for i, a := range inv.assets {
		d := &city.Device{DevEUI: eui(i), Model: "milesight/em310-udl", Asset: a.ID}
		inv.devices = append(inv.devices, d)
		book.kept.Devices = append(book.kept.Devices, register.Device{Device: *d, State: register.Installed, Serial: fmt.Sprintf("SN-%07d", i), Revision: 1})
		book.heard[d.DevEUI] = now.Add(-time.Duration(i) * time.Minute)
		book.registrations = append(book.registrations, register.Registration{DevEUI: d.DevEUI, Server: "stadtwerke", Digest: "x", Told: now})
	}
	slices.SortFunc(book.kept.Devices, func(x, y register.Device) int { return slices.Compare(x.DevEUI[:], y.DevEUI[:]) })
	for _, a := range inv.assets {
		book.kept.Assets = append(book.kept.Assets, register.Asset{Asset: *a, Groups: []string{"Wochenmarkt"}, Revision: 1})
	}
	slices.SortFunc(book.kept.Assets, func(x, y register.Asset) int { return strings.Compare(x.ID, y.ID) })
	return s, inv, book
}

// hung is an inventory that finds the device of an asset as fast as the real one.
type hung struct {
	*inventory
	on map[string][]*city.Device
}

func (h hung) Devices(asset string) []*city.Device { return h.on[asset] }

func quick(inv *inventory) hung {
	h := hung{inv, map[string][]*city.Device{}}
	for _, d := range inv.devices {
		h.on[d.Asset] = append(h.on[d.Asset], d)
	}
	return h
}

// TestInventoryIsSmall bounds what is sent of 10,000 devices.
func TestInventoryIsSmall(t *testing.T) {
	s, inv, book := bigRegister(10_000)
	o := options(t, s, quick(inv))
	o.Registrar = book
	body := get(newBoard(t, o), "/inventar?seite=7&sortierung=gehoert").Body.Bytes()
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(body)
	_ = z.Close()
	if packed.Len() > 150<<10 || !strings.Contains(text(string(body)), "601 bis 700 von 10.000") || !strings.Contains(string(body), "/aendern") {
		t.Errorf("%d bytes, %d packed", len(body), packed.Len())
	}
	t.Logf("%d bytes, %d packed", len(body), packed.Len())
}

func BenchmarkInventory(b *testing.B) {
	s, inv, book := bigRegister(10_000)
	o := options(b, s, quick(inv))
	o.Registrar = book
	h := newBoard(b, o)
	for _, path := range []string{"/inventar", "/inventar?suche=sn-00077&sortierung=gehoert", "/inventar?seite=50&zustand=still&sortierung=zustand", "/inventar/netzwerkserver"} {
		b.Run(path, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				if w := get(h, path); w.Code != 200 {
					b.Fatal(w.Code)
				}
				took = append(took, time.Since(begun))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}

func FuzzInventory(f *testing.F) {
	for _, seed := range []string{"", "zustand=still&seite=2", "suche=%ff", "art=behaelter&sortierung=modell&gruppe=x", "seite=99999999999"} {
		f.Add(seed)
	}
	_, inv := osnabrueck()
	book := withRegister(inv)
	s, _ := osnabrueck()
	o := options(f, s, inv)
	o.Registrar = book
	h := newBoard(f, o)
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "http://127.0.0.1:8080/inventar", nil)
		r.URL = &url.URL{Path: "/inventar", RawQuery: query}
		if w := visit(h, r); w.Code != 200 && w.Code != 400 {
			t.Errorf("%q: %d", query, w.Code)
		}
	})
}

var _ board.Registrar = (*registerBook)(nil)
