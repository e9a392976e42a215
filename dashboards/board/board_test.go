package board_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/dashboards/board"
)

var tags = regexp.MustCompile(`(?s)<[^>]*>`)

// text is what a person sees of a page: tags gone, entities and spaces resolved.
func text(body string) string {
	s := html.UnescapeString(tags.ReplaceAllString(body, " "))
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "\u00a0", " ")), " ")
}

// row is the text of the table row that mentions what.
func row(t *testing.T, body, what string) string {
	t.Helper()
	for _, r := range strings.Split(body, "<tr")[1:] {
		r, _, _ = strings.Cut("<tr"+r, "</tr>")
		if strings.Contains(text(r), what) {
			return text(r)
		}
	}
	t.Fatalf("no table row mentions %q", what)
	return ""
}

func TestOverviewRows(t *testing.T) {
	body := ask(newBoard(t, options(t, first(osnabrueck()), second(osnabrueck()))), "GET", "/").Body.String()
	for asset, want := range map[string]string{
		"PK-1 ":  "Papierkorb Domhof 4 PK-1 Behälter Innenstadt Tour 1 ● voll 92,5 % vor 12 Minuten 21.11.2026, 13:53 Uhr 1 Meldung",
		"PK-2 ":  "Papierkorb Große Straße / Nikolaiort PK-2 Behälter Innenstadt Tour 1 ● voll 90,0 % gerade eben 21.11.2026, 14:04 Uhr –",
		"PK-3 ":  "Unterflurbehälter Lotter Straße PK-3 Behälter Weststadt Tour 2 ○ leer 0,0 % vor 3 Stunden 21.11.2026, 11:05 Uhr –",
		"PK-4 ":  "Papierkorb Iburger Straße 12 PK-4 Behälter Schölerberg Tour 2 ✕ Störung – ✕ kein Echo, Sensor sieht nichts vor 1 Stunde 21.11.2026, 13:05 Uhr –",
		"PK-5 ":  "Papierkorb Haste PK-5 Behälter Haste Tour 3 … noch keine Daten – – –",
		"PK-6 ":  "<script>alert('Übermut')</script> PK-6 Behälter Wüste & Weite Tour 3 ◷ veraltet 41,0 % vor 2 Tagen 19.11.2026, 12:05 Uhr –",
		"B/7 ö ": "Linde Martinistraße B/7 ö Boden Wüste & Weite Gießtour ▽ trocken 11,3 % vor 26 Minuten 21.11.2026, 13:39 Uhr 1 Meldung",
		"B-8 ":   "Rasen Schlossgarten B-8 Boden Innenstadt Gießtour ◇ feucht 24,0 % vor 26 Minuten 21.11.2026, 13:39 Uhr –",
		"P-9 ":   "Behindertenstellplatz Neumarkt P-9 Stellplatz Innenstadt ■ belegt belegt vor 2 Stunden 21.11.2026, 12:05 Uhr –",
		"P-10 ":  "Ladezone Krahnstraße P-10 Stellplatz Innenstadt □ frei frei vor 5 Stunden 21.11.2026, 09:05 Uhr –",
		"P-11 ":  "Stellplatz Wall 3 P-11 Stellplatz Innenstadt ? unbekannt zuletzt belegt vor 7 Stunden 21.11.2026, 07:05 Uhr –",
	} {
		if got := row(t, body, asset); got != want {
			t.Errorf("row of %s\n got %s\nwant %s", asset, got, want)
		}
	}
	if strings.Contains(body, "<script") {
		t.Error("a script from an asset's name is in the page as markup")
	}
	if !strings.Contains(body, "92,5\u00a0%") {
		t.Error("number and unit are not held together by a no-break space")
	}
	if !strings.Contains(text(body), "11 Anlagen, dazu 2 offene Meldungen.") {
		t.Error("the summary does not count 11 assets and the 2 open cases they have")
	}
}

func first(s *store, _ *inventory) *store      { return s }
func second(_ *store, i *inventory) *inventory { return i }

var rowIDs = regexp.MustCompile(`<th scope="row" role="rowheader"><a href="[^"]*">[^<]*</a><span class="minor">([^<]*)</span>`)

func TestOverviewFilterAndSort(t *testing.T) {
	h := newBoard(t, options(t, first(osnabrueck()), second(osnabrueck())))
	for _, c := range []struct{ query, want string }{
		{"", "PK-1 PK-2 B/7 ö PK-4 PK-6 P-11 PK-5 P-9 PK-3 B-8 P-10"},
		{"?art=behaelter", "PK-1 PK-2 PK-4 PK-6 PK-5 PK-3"},
		{"?art=boden&bezirk=Innenstadt", "B-8"},
		{"?bezirk=W%C3%BCste+%26+Weite", "B/7 ö PK-6"},
		{"?tour=Tour+2", "PK-4 PK-3"},
		{"?zustand=voll", "PK-1 PK-2"},
		{"?zustand=unbekannt", "P-11"},
		{"?bezirk=Atlantis", ""},
		{"?art=&bezirk=&tour=&zustand=&sortierung=nummer", "PK-1 PK-2 PK-3 PK-4 PK-5 PK-6 B/7 ö B-8 P-9 P-10 P-11"},
		{"?sortierung=name&art=stellplatz", "P-9 P-10 P-11"},
		{"?sortierung=wert&art=behaelter", "PK-1 PK-2 PK-6 PK-3 PK-4 PK-5"},
		{"?sortierung=alter&art=behaelter", "PK-5 PK-6 PK-3 PK-4 PK-1 PK-2"},
		{"?zustand=voll&seite=99", "PK-1 PK-2"},
	} {
		t.Run(c.query, func(t *testing.T) {
			w := ask(h, "GET", "/"+c.query)
			var ids []string
			for _, m := range rowIDs.FindAllStringSubmatch(w.Body.String(), -1) {
				ids = append(ids, html.UnescapeString(m[1]))
			}
			if got := strings.Join(ids, " "); w.Code != 200 || got != c.want {
				t.Errorf("status %d, assets %q, want %q", w.Code, got, c.want)
			}
		})
	}
}

func TestOverviewRowsOfEveryKind(t *testing.T) {
	s, inv := harbour()
	h := newBoard(t, options(t, s, inv))
	body := ask(h, "GET", "/").Body.String()
	for asset, want := range map[string]string{
		"PG-1": "Pegel Hase, Römerbrücke PG-1 Wasserstand Hafen ◆ meldet sich Wasserstand 1.235 mm vor 10 Minuten 21.11.2026, 13:55 Uhr –",
		"PG-2": "Regenrückhaltebecken Fledder PG-2 Wasserstand Hafen ○ leer 12,0 % vor 10 Minuten 21.11.2026, 13:55 Uhr –",
		"PG-3": "Unterführung Hannoversche Straße PG-3 Wasserstand Hafen ≈ Wasser Wasser ausgetreten ja vor 1 Minute 21.11.2026, 14:04 Uhr –",
		"PG-4": "Schacht Klärwerk PG-4 Wasserstand Hafen ✕ Störung 900 mm Abstand ✕ nicht oder falsch kalibriert vor 1 Minute 21.11.2026, 14:04 Uhr –",
		"WS-1": "Wetterstation Hafen WS-1 Wetterstation Hafen ◆ meldet sich Temperatur −1,3 °C Luftfeuchte 81,0 % vor 10 Minuten 21.11.2026, 13:55 Uhr –",
		"LG-1": "Luftgüte Neumarkt LG-1 Luftgüte Hafen ◆ meldet sich Kohlendioxid 431 ppm Feinstaub PM2,5 8,4 µg/m³ vor 10 Minuten 21.11.2026, 13:55 Uhr –",
		"PZ-1": "Zählstelle Große Straße PZ-1 Zählstelle Hafen ◆ meldet sich Personen hinein 41.207 Personen hinaus 39.980 vor 10 Minuten 21.11.2026, 13:55 Uhr –",
		"TK-1": "Revisionsklappe Pumpwerk TK-1 Tür oder Klappe Hafen ◁ offen offen vor 5 Stunden 21.11.2026, 09:05 Uhr –",
		"TK-2": "Tor Betriebshof TK-2 Tür oder Klappe Hafen ? unbekannt zuletzt geschlossen vor 3 Tagen 18.11.2026, 06:05 Uhr –",
		"FZ-1": "Anhänger 7 FZ-1 Fahrzeug Hafen ◆ meldet sich Position 52,28310° N, 8,02950° O Geschwindigkeit 0 km/h vor 3 Stunden 21.11.2026, 11:05 Uhr –",
		"SL-1": "Leuchte Martinistraße 12 SL-1 Leuchte Hafen ◆ meldet sich Dimmstufe 60 % Leistung 27 W vor 20 Minuten 21.11.2026, 13:45 Uhr –",
		"WZ-1": "Trinkbrunnen Domhof WZ-1 Zähler Hafen ◆ meldet sich Volumen, Zählerstand 1.204,318 m³ vor 9 Stunden 21.11.2026, 05:05 Uhr –",
		"FZ-2": "Anhänger 8 FZ-2 Fahrzeug Hafen ✕ Störung – ✕ keine Position vor 3 Stunden 21.11.2026, 11:05 Uhr –",
	} {
		if got := row(t, body, asset); got != want {
			t.Errorf("row of %s\n got %s\nwant %s", asset, got, want)
		}
	}
	doors := ask(h, "GET", "/?art=tuer&zustand=offen").Body.String()
	if !strings.Contains(doors, "TK-1") || strings.Contains(doors, "TK-2") || strings.Contains(doors, "PG-1") {
		t.Error("open doors cannot be chosen")
	}
	page := text(ask(h, "GET", "/anlage/WS-1").Body.String())
	if want := "Wind 4,2 m/s Luftfeuchte 81,0 % Temperatur −1,3 °C Windrichtung 270 °"; !strings.Contains(page, want) {
		t.Errorf("the page of a weather station does not say %q: %s", want, page)
	}
	if page := text(ask(h, "GET", "/anlage/FZ-1").Body.String()); strings.Count(page, "Position 52,28310° N, 8,02950° O") != 2 || strings.Contains(page, "Breite") {
		t.Errorf("the page of a tracker does not give its position, now and before: %s", page)
	}
}

func TestOverviewPaging(t *testing.T) {
	s, inv := bigCity(1001)
	h := newBoard(t, options(t, s, inv))
	link := regexp.MustCompile(`rel="next" href="([^"]*)"`)
	seen, at, before := map[string]bool{}, "/?sortierung=nummer", ""
	for page := 1; at != ""; page++ {
		if page > 6 {
			t.Fatal("paging does not end")
		}
		body := ask(h, "GET", at).Body.String()
		for _, m := range rowIDs.FindAllStringSubmatch(body, -1) {
			if seen[m[1]] {
				t.Errorf("%s is on two pages", m[1])
			}
			if m[1] < before {
				t.Errorf("%s comes after %s", m[1], before)
			}
			seen[m[1]], before = true, m[1]
		}
		at = ""
		if m := link.FindStringSubmatch(body); m != nil {
			at = html.UnescapeString(m[1])
			if !strings.Contains(at, "sortierung=nummer") {
				t.Errorf("the link to the next page forgets the order: %s", at)
			}
		}
	}
	if len(seen) != 1001 {
		t.Errorf("%d assets on all pages, want 1001", len(seen))
	}
}

func TestAssetPage(t *testing.T) {
	h := newBoard(t, options(t, first(osnabrueck()), second(osnabrueck())))
	bin := ask(h, "GET", "/anlage/PK-1")
	for _, want := range []string{
		"Zustand ● voll", "Füllstand 92,5 %", "Abstand zum Inhalt 1.215 mm", "Lage des Sensors aufrecht",
		"Papierkorb voll", "Bitte leeren.", "Vorgang S-7K2M9QXA", "90,4 % Schwelle 90,0 %", "Ticket 2026-004711 übergeben, offen",
		"Domhof 4", "52,27750° N, 8,04170° O", "milesight/em310-udl 24e1240000000001", "Batterieladung 98 %",
		"RSSI −107 dBm, SNR 4,5 dB, SF9, 2 Gateways", "Zeitangabe Uhr des Gateways", "Zähler 1.204, Sitzung 1",
		"Abstand zum Inhalt 1.260 mm verspätet", "von Hand gesendet, nicht bewertet",
		"Status Batterie 95 %, Funkreserve −3 dB (vor 26 Stunden)", "Vom Netzwerkserver geortet 52,27760° N, 8,04180° O (vor 3 Stunden)",
		"✕ Netzwerkserver: Dekodierung im Netzwerkserver gescheitert 3-mal JS error: <b>unknown port</b> 99",
		"Meldefunk: Zähler zurückgesetzt ohne neue Anmeldung", "✕ Meldefunk: Nachricht zurückgestellt: unbekannter Port port 7, want 85",
		"Netzwerkserver: angemeldet, neue Sitzung",
	} {
		if !strings.Contains(text(bin.Body.String()), want) {
			t.Errorf("the page of PK-1 does not say %q", want)
		}
	}
	soil := ask(h, "GET", "/anlage/B%2F7%20%C3%B6")
	if soil.Code != 200 || !strings.Contains(text(soil.Body.String()), "Bodentemperatur −2,5 °C Leitfähigkeit des Bodens 1.240 µS/cm") {
		t.Errorf("status %d: an asset with slash, space and umlaut in its number has no page with its values", soil.Code)
	}
	if body := ask(h, "GET", "/").Body.String(); !strings.Contains(body, `href="/anlage/B%2F7%20%C3%B6"`) {
		t.Error("the overview does not link it")
	}
	fault := text(ask(h, "GET", "/anlage/PK-4").Body.String())
	if !strings.Contains(fault, "✕ Störung") || !strings.Contains(fault, "kein Echo, Sensor sieht nichts") || !strings.Contains(fault, "keine Meldung offen") {
		t.Error("the page of a blind bin does not say so")
	}
	if bay := text(ask(h, "GET", "/anlage/P-9").Body.String()); !strings.Contains(bay, "Belegung belegt belegt seit 21.11.2026, 11:05 Uhr") {
		t.Errorf("the page of a bay does not say since when it is occupied: %s", bay)
	}
	silent := text(ask(h, "GET", "/anlage/PK-5").Body.String())
	if !strings.Contains(silent, "noch keine Daten") || !strings.Contains(silent, "noch nicht, oder vor den letzten Messungen") {
		t.Error("the page of a silent bin does not say so")
	}
	script := ask(h, "GET", "/anlage/PK-6").Body.String()
	if strings.Contains(script, "<script") || !strings.Contains(text(script), "<script>alert('Übermut')</script>") {
		t.Error("markup in a name is not shown as text")
	}
}

func TestCasesPage(t *testing.T) {
	body := ask(newBoard(t, options(t, first(osnabrueck()), second(osnabrueck()))), "GET", "/meldungen").Body.String()
	for ref, want := range map[string]string{
		"S-7K2M9QXA": "Papierkorb voll S-7K2M9QXA · Bitte leeren. Papierkorb Domhof 4 PK-1 vor 45 Minuten 21.11.2026, 13:20 Uhr Füllstand 90,4 % Schwelle 90,0 % 2026-004711 übergeben, offen",
		"S-PARKED01": "Baum braucht Wasser S-PARKED01 Linde Martinistraße B/7 ö vor 30 Stunden 20.11.2026, 08:05 Uhr Bodenfeuchte 12,0 % Schwelle 15,0 % ohne Nummer abgelehnt, bitte prüfen Letzter Fehler: 400 Bad Request: service_code <WATER> is unknown",
		"S-GONE0001": "Behälter voll S-GONE0001 PK-99 nicht mehr im Bestand vor 5 Stunden 21.11.2026, 09:05 Uhr Füllstand 95,0 % Schwelle 90,0 % ohne Nummer wartet auf Übergabe",
		"S-DONE0001": "Behälter voll S-DONE0001 Unterflurbehälter Lotter Straße PK-3 vor 3 Stunden 21.11.2026, 11:05 Uhr Füllstand 0,0 % vorher 97,0 % 2026-004688 von Menschen geschlossen",
	} {
		if got := row(t, body, ref); got != want {
			t.Errorf("row of %s\n got %s\nwant %s", ref, got, want)
		}
	}
	open, closed, _ := strings.Cut(body, `id="erledigt"`)
	if strings.Contains(open, "S-DONE0001") || strings.Contains(closed, "S-GONE0001") {
		t.Error("open and closed cases are mixed up")
	}
	if !strings.Contains(text(body), "3 offene Meldungen") {
		t.Error("the summary does not count 3 open cases")
	}
	if o := strings.Index(open, "S-PARKED01"); o < 0 || o > strings.Index(open, "S-7K2M9QXA") {
		t.Error("the case that is open longest is not first")
	}
}

// TestCasesByTicket chooses cases by the state of their tickets.
func TestCasesByTicket(t *testing.T) {
	h := newBoard(t, options(t, first(osnabrueck()), second(osnabrueck())))
	for query, want := range map[string]string{
		"?ticket=offen":                      "S-7K2M9QXA",
		"?ticket=abgelehnt":                  "S-PARKED01",
		"?ticket=wartet":                     "S-GONE0001",
		"?ticket=geschlossen":                "S-DONE0001",
		"?ticket=stummgeschaltet":            "",
		"?ticket=abgelehnt&regel=soil-dry":   "S-PARKED01",
		"?ticket=abgelehnt&regel=bin-full":   "",
		"?ticket=offen&regel=bin-full&seite": "S-7K2M9QXA",
	} {
		w := ask(h, "GET", "/meldungen"+query)
		got := strings.Join(regexp.MustCompile(`S-[A-Z0-9]{8}`).FindAllString(tags.ReplaceAllString(w.Body.String(), " "), -1), " ")
		if w.Code != 200 || got != want {
			t.Errorf("%s: status %d, cases %q, want %q", query, w.Code, got, want)
		}
		if strings.Contains(w.Body.String(), `id="erledigt"`) {
			t.Errorf("%s also lists what is over", query)
		}
	}
}

func TestAsidesPage(t *testing.T) {
	s, inv := osnabrueck()
	h := newBoard(t, options(t, s, inv))
	body := ask(h, "GET", "/zurueckgestellt").Body.String()
	for what, want := range map[string]string{
		"fehlerhaft":  `fehlerhaft aufgebaut unexpected end of JSON at byte 48 Gerät nicht genannt stadtwerke · application/1/device/a84041/event/up Nachricht, 57 Byte {"text":"</pre><script>alert(1)</script> Straße \u202e txt" 3 × vor 2 Stunden 21.11.2026, 12:05 Uhr vor 5 Minuten 21.11.2026, 14:00 Uhr`,
		"unbekanntes": `unbekanntes Gerät not in the inventory 24e1240000001267 stadtwerke · application/1/device/24e1/event/up Nachricht, 3 Byte 00ff10 1.420 × vor 26 Stunden 20.11.2026, 12:05 Uhr vor 26 Stunden 20.11.2026, 12:05 Uhr`,
	} {
		if got := row(t, body[strings.Index(body, "zuletzt empfangene"):], what); got != want {
			t.Errorf("row of %s\n got %s\nwant %s", what, got, want)
		}
	}
	for _, want := range []string{"fehlerhaft aufgebaut 1 3", "unbekanntes Gerät 1 1.420"} {
		if !strings.Contains(text(body), want) {
			t.Errorf("the counts by reason lack %q", want)
		}
	}
	if strings.Contains(body, "<script") {
		t.Error("a script from a message is in the page as markup")
	}

	s.asides = nil
	for i := range 120 {
		s.asides = append(s.asides, city.SetAside{Topic: fmt.Sprintf("t/%d/", i), Body: []byte("x" + strings.Repeat("ä", 5000)), Reason: city.ReasonTooLarge, Received: now, Count: 1})
	}
	for page, n := range map[string]int{"?seite=1": 50, "?seite=3": 20, "?seite=99": 20} {
		w := ask(h, "GET", "/zurueckgestellt"+page)
		if got := strings.Count(w.Body.String(), "<details>"); got != n {
			t.Errorf("%s shows %d messages, want %d", page, got, n)
		}
		if w.Body.Len() > 200_000 || !strings.Contains(text(w.Body.String()), "Die ersten 2.000 Byte: xää") {
			t.Errorf("%s: long messages are not cut (%d bytes)", page, w.Body.Len())
		}
	}
}

func TestHealth(t *testing.T) {
	s, inv := osnabrueck()
	o := options(t, s, inv)
	for _, c := range []struct {
		name   string
		checks []board.Check
		status int
	}{
		{"all well", []board.Check{{Name: "store", OK: true}, {Name: "intake", OK: true}}, 200},
		{"one not", []board.Check{{Name: "store", OK: true}, {Name: "intake", Reason: "broker refused the subscription"}}, 503},
		{"none", nil, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			o.Ready = func() []board.Check { return c.checks }
			w := ask(newBoard(t, o), "GET", "/readyz")
			var got []board.Check
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got == nil {
				t.Fatalf("not a JSON list: %v: %s", err, w.Body)
			}
			if w.Code != c.status || !slices.Equal(got, c.checks) {
				t.Errorf("status %d, %v; want %d, %v", w.Code, got, c.status, c.checks)
			}
		})
	}
	s.err = errDisk // alive, whatever the store says
	h := newBoard(t, o)
	if w := ask(h, "GET", "/healthz"); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("healthz: %d %q", w.Code, w.Body)
	}
	if w := ask(h, "GET", "/metrics"); w.Body.String() != "meldefunk_uplinks_total 7\n" {
		t.Errorf("metrics are not passed through: %q", w.Body)
	}
}

func TestErrorPages(t *testing.T) {
	s, inv := osnabrueck()
	h := newBoard(t, options(t, s, inv))
	for _, c := range []struct {
		method, target string
		status         int
		says           string
	}{
		{"GET", "/nirgends", 404, "Seite nicht gefunden"},
		{"GET", "/anlage/PK-404", 404, "Anlage nicht gefunden"},
		{"GET", "/static/", 404, "Seite nicht gefunden"},
		{"GET", "/meldung/S-NIRGENDS", 404, "Meldung nicht gefunden"},
		{"GET", "/meldung/", 404, "Seite nicht gefunden"},
		{"GET", "/meldungen?ticket=zu", 400, "Den Ticketstand „zu“ gibt es nicht. Möglich: gebremst, stummgeschaltet, wartet,"},
		{"GET", "/meldungen?regel=bin-ful", 400, "Die Regel „bin-ful“ gibt es nicht."},
		{"GET", "/?art=auto", 400, "Die Art „auto“ gibt es nicht. Möglich: behaelter, boden, stellplatz, wasserstand, wetterstation, luftguete, zaehlstelle, tuer, fahrzeug, leuchte, zaehler."},
		{"GET", "/?zustand=<b>", 400, "Den Zustand „<b>“ gibt es nicht."},
		{"GET", "/?sortierung=x", 400, "Die Sortierung „x“ gibt es nicht. Möglich: nummer, name, wert, alter."},
		{"GET", "/?seite=0", 400, "Die Seitenzahl „0“ ist keine Zahl ab 1."},
		{"GET", "/meldungen?seite=9223372036854775808", 400, "keine Zahl ab 1"},
		{"GET", "/zurueckgestellt?seite=-1", 400, "keine Zahl ab 1"},
		{"POST", "/", 405, "Diese Seite kann nur gelesen werden."},
		{"DELETE", "/anlage/PK-1", 405, "nur gelesen"},
		{"OPTIONS", "/metrics", 405, "nur gelesen"},
	} {
		t.Run(c.method+" "+c.target, func(t *testing.T) {
			w := ask(h, c.method, c.target)
			if w.Code != c.status || !strings.Contains(text(w.Body.String()), c.says) {
				t.Errorf("status %d, want %d with %q: %s", w.Code, c.status, c.says, text(w.Body.String()))
			}
			if got := w.Header().Get("Allow"); (got == "GET, HEAD") != (c.status == 405) {
				t.Errorf("Allow: %q", got)
			}
		})
	}

	s.err = errDisk
	for _, page := range []string{"/", "/anlage/PK-1", "/meldungen", "/meldungen?ticket=offen", "/meldung/S-7K2M9QXA", "/stummschaltungen", "/regeln", "/zurueckgestellt"} {
		w := ask(h, "GET", page)
		if w.Code != 503 || !strings.Contains(w.Body.String(), "Daten gerade nicht lesbar") || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s with a broken store: status %d, or the page tells what must not be told", page, w.Code)
		}
	}
}

// stuck is a store that never answers.
type stuck struct{ *store }

func (stuck) Latest(ctx context.Context) ([]city.Reading, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestStuckStoreHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, inv := osnabrueck()
		start := time.Now()
		w := ask(newBoard(t, options(t, stuck{s}, inv)), "GET", "/")
		if took := time.Since(start); w.Code != 503 || took > time.Minute {
			t.Errorf("status %d after %v", w.Code, took)
		}
	})
}

func TestVisitorWhoLeft(t *testing.T) {
	s, inv := osnabrueck()
	s.err = context.Canceled
	o := options(t, s, inv)
	var log strings.Builder
	o.Log = zerolog.New(&log)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	newBoard(t, o).ServeHTTP(w, r)
	if log.Len() > 0 || w.Body.Len() > 0 {
		t.Errorf("a visitor who left is logged as an error (%s) or sent a page (%d bytes)", log.String(), w.Body.Len())
	}
}

func TestHeaders(t *testing.T) {
	h := newBoard(t, options(t, first(osnabrueck()), second(osnabrueck())))
	for _, target := range []string{"/", "/anlage/PK-1", "/meldungen", "/zurueckgestellt", "/nirgends", "/metrics", "/readyz", "/static/board.css"} {
		got := ask(h, "GET", target).Header()
		csp := got.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: CSP lacks %s", target, want)
			}
		}
		if strings.Contains(csp, "unsafe") || got.Get("X-Content-Type-Options") != "nosniff" || got.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: headers %v", target, got)
		}
	}
	page := ask(h, "GET", "/").Body.String()
	for _, bad := range []string{"<style", " style=", " onclick", "http://", "https://", "http-equiv"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q, which its own policy forbids or nobody asked for", bad)
		}
	}
	head := ask(h, "HEAD", "/")
	if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: status %d, %d bytes", head.Code, head.Body.Len())
	}
	href := regexp.MustCompile(`href="(/static/board\.css[^"]*)"`).FindStringSubmatch(page)
	if href == nil {
		t.Fatal("no stylesheet")
	}
	css := ask(h, "GET", href[1])
	if css.Code != 200 || css.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(css.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("stylesheet: %d %v", css.Code, css.Header())
	}
	if icon := ask(h, "GET", "/static/icon.svg"); icon.Code != 200 || icon.Header().Get("Content-Type") != "image/svg+xml" {
		t.Errorf("icon: %d %v", icon.Code, icon.Header())
	}
}

func TestHosts(t *testing.T) {
	local := board.DefaultConfig()
	proxied := board.DefaultConfig()
	proxied.Hosts = []string{"Board.Example.org"}
	for _, c := range []struct {
		name   string
		config board.Config
		host   string
		status int
	}{
		{"localhost", local, "localhost:8080", 200},
		{"loopback", local, "127.0.0.1:8080", 200},
		{"loopback 6", local, "[::1]:8080", 200},
		{"any port", local, "localhost", 200},
		{"rebound name", local, "attacker.example:8080", 421},
		{"no name", local, "", 421},
		{"name with loopback in it", local, "127.0.0.1.attacker.example", 421},
		{"proxied name", proxied, "board.example.org", 200},
		{"trailing dot", proxied, "board.example.org.", 200},
		{"proxied, local name", proxied, "localhost:8080", 200},
		{"proxied, with port", proxied, "board.example.org:443", 200},
		{"proxied, other name", proxied, "other.example.org", 421},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(t, first(osnabrueck()), second(osnabrueck()))
			o.Config = c.config
			h := newBoard(t, o)
			for _, path := range []string{"/", "/metrics", "/readyz"} {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Host = c.host
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != c.status {
					t.Errorf("Host %q, %s: status %d, want %d", c.host, path, w.Code, c.status)
				}
			}
		})
	}
}

func TestNotice(t *testing.T) {
	o := options(t, first(osnabrueck()), second(osnabrueck()))
	o.Notice = "Vorführung: simulierte Stadt, Zeitraffer 360-fach"
	if body := ask(newBoard(t, o), "GET", "/nirgends").Body.String(); !strings.Contains(text(body), o.Notice) {
		t.Error("the notice is not on the page")
	}
}

func TestNewNamesEveryProblem(t *testing.T) {
	_, err := board.New(board.Options{})
	if err == nil {
		t.Fatal("empty options were accepted")
	}
	for _, want := range []string{"Store", "Inventory", "Rules", "Now", "Location", "Ready", "Metrics", "listen", "stale_after.bin"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not name %s: %v", want, err)
		}
	}
}

// bigCity has n bins, each with a reading.
func bigCity(n int) (*store, *inventory) {
	s, inv := &store{}, &inventory{}
	for i := range n {
		a := &city.Asset{
			ID: fmt.Sprintf("PK-%05d", i), Kind: city.Bin, Name: fmt.Sprintf("Papierkorb Große Straße %d", i),
			District: fmt.Sprintf("Bezirk %d", i%23), Tour: fmt.Sprintf("Tour %d", i%40),
		}
		inv.assets = append(inv.assets, a)
		s.readings = append(s.readings, reading(a.ID, city.Bin, i, 0, value(city.FillLevel, float64(i%101)), value(city.Distance, 900)))
	}
	return s, inv
}

func BenchmarkOverview(b *testing.B) {
	for _, n := range []int{300, 10_000} {
		b.Run(fmt.Sprintf("assets=%d", n), func(b *testing.B) {
			s, inv := bigCity(n)
			h := newBoard(b, options(b, latest{s}, inv))
			b.ReportAllocs()
			for b.Loop() {
				if w := ask(h, "GET", "/?bezirk=&sortierung="); w.Code != 200 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
