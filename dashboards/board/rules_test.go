package board_test

import (
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

func TestCasePage(t *testing.T) {
	h := newBoard(t, options(t, first(osnabrueck()), second(osnabrueck())))
	body := ask(h, "GET", "/meldung/S-7K2M9QXA").Body.String()
	for _, want := range []string{
		"Papierkorb voll", "Bitte leeren.", "Zustand offen", "Anlage Papierkorb Domhof 4 PK-1", "Regel Papierkorb voll", "Seit vor 45 Minuten 21.11.2026, 13:20 Uhr",
		"Eröffnet vor 15 Minuten 21.11.2026, 13:50 Uhr", "Füllstand 90,4 % Schwelle 90,0 %", "Nummer 2026-004711 Stand hier übergeben, offen Ticketsystem emsos Zuständig OSB Straßenreinigung Angehalten Erika <Mustermann>: Straßenfest bis 21.11.2026, 19:05 Uhr",
		"Stummgeschaltet abgewiesen: <nicht> zuständig emsos, bis sie jemand aufhebt Folgt auf S-DONE0001 Stand im Ticketsystem offen RECEIVED 21.11.2026, 13:55 Uhr",
		"Wird <geprüft> Kategorie dort Sauberkeit Zuletzt abgefragt vor 2 Minuten 21.11.2026, 14:03 Uhr seit 21.11.2026, 13:56 Uhr nicht gefunden, 2 Abfragen",
		"Verlauf Angehalten: Straßenfest 21.11.2026, 14:02 Uhr · übergeben, offen · Erika <Mustermann> Angelegt als 2026-004711",
		"Meldung eröffnet vor 15 Minuten 21.11.2026, 13:50 Uhr Die Regel bin-full hat entschieden: pending → open. 4 Messungen dazu",
		"Stand geändert vor 45 Minuten 21.11.2026, 13:20 Uhr Die Regel bin-full hat entschieden: idle → pending. Es wurde kein Fall eröffnet: Ruhezeit. 1 Messung dazu",
	} {
		if !strings.Contains(text(body), want) {
			t.Errorf("the page of a case does not say %q: %s", want, text(body))
		}
	}
	for what, want := range map[string]string{
		"90,4":   "21.11.2026, 13:50 Uhr Füllstand 90,4 % trifft zu 24e1240000000001 1.204",
		"1.201":  "21.11.2026, 12:50 Uhr Füllstand 12,2 % trifft nicht zu 24e1240000000001 1.201",
		"Sensor": "21.11.2026, 13:35 Uhr ✕ kein Echo, Sensor sieht nichts unbekannt 24e1240000000001 1.203",
	} {
		if got := row(t, body, what); got != want {
			t.Errorf("reading %s\n got %s\nwant %s", what, got, want)
		}
	}
	if opened, pending := strings.Index(body, "Meldung eröffnet"), strings.Index(body, "Stand geändert"); opened > pending {
		t.Error("the newest decision is not first")
	}
	if n := strings.Count(body, "<details open>"); n != 1 {
		t.Errorf("the readings of %d decisions are unfolded, want those of the newest", n)
	}
	if strings.Contains(body, "Noch eine Messung.") {
		t.Error("readings are told in sentences although there is a table")
	}
	for _, href := range []string{`href="/anlage/PK-1"`, `href="/regeln#regel-bin-full"`} {
		if !strings.Contains(body, href) {
			t.Errorf("the page of a case lacks %s", href)
		}
	}

	done := text(ask(h, "GET", "/meldung/S-DONE0001").Body.String())
	if want := "Erledigt vor 3 Stunden 21.11.2026, 11:05 Uhr Füllstand 97,0 % Schwelle 90,0 % zuletzt 0,0 %"; !strings.Contains(done, want) || !strings.Contains(done, "Zustand erledigt") {
		t.Errorf("the page of a closed case does not say %q: %s", want, done)
	}
	if !strings.Contains(done, "keine Entscheidung aufgehoben") {
		t.Error("a case without decisions does not say so")
	}
}

func TestCasePageWithoutDecisions(t *testing.T) {
	s, inv := osnabrueck()
	s.cases[0].Case.Rule = "removed"
	o := options(t, s, inv)
	o.Decisions = nil
	got := text(ask(newBoard(t, o), "GET", "/meldung/S-7K2M9QXA").Body.String())
	for _, want := range []string{"Regel removed gibt es nicht mehr", "keine Entscheidung aufgehoben"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q: %s", want, got)
		}
	}
}

func TestCasePageIsBounded(t *testing.T) {
	o := options(t, first(osnabrueck()), second(osnabrueck()))
	book := dutyBook()
	for i := range 500 {
		book.decisions["S-7K2M9QXA"] = append(book.decisions["S-7K2M9QXA"], city.Decision{Rule: fmt.Sprint("r", i), Change: city.Escalated.String()})
	}
	o.Decisions = book
	body := ask(newBoard(t, o), "GET", "/meldung/S-7K2M9QXA").Body.String()
	if n := strings.Count(body, "entschieden:"); n != 50 || !strings.Contains(body, "die letzten 50 Entscheidungen") || !strings.Contains(body, "Die Regel r499 ") {
		t.Errorf("%d decisions on the page, want the last 50, and that it says so", n)
	}
}

func TestCasesOfARule(t *testing.T) {
	s, inv := osnabrueck()
	h := newBoard(t, options(t, s, inv))
	body := ask(h, "GET", "/meldungen?regel=bin-full").Body.String()
	if got := text(body); !strings.Contains(got, "2 offene Meldungen. Nur von der Regel „ Papierkorb voll “") || strings.Contains(got, "S-PARKED01") || !strings.Contains(got, "S-DONE0001") {
		t.Errorf("the cases of a rule: %s", got)
	}
	for _, href := range []string{`href="/meldung/S-7K2M9QXA"`, `href="/meldung/S-DONE0001"`, `href="/regeln#regel-bin-full"`} {
		if !strings.Contains(body, href) {
			t.Errorf("the list lacks %s", href)
		}
	}
	if got := text(ask(h, "GET", "/meldungen?regel=gateway-down").Body.String()); !strings.Contains(got, "0 offene Meldungen") {
		t.Errorf("a rule without cases: %s", got)
	}
	s.cases[0].Case.Rule = "removed"
	if w := ask(h, "GET", "/meldungen?regel=removed"); w.Code != 200 || !strings.Contains(text(w.Body.String()), "1 offene Meldung") {
		t.Errorf("cases of a rule that is gone cannot be listed: %d", w.Code)
	}
}

var hrefs = regexp.MustCompile(`href="([^"]*)"`)

func TestRulesPage(t *testing.T) {
	h := newBoard(t, options(t, first(osnabrueck()), second(osnabrueck())))
	body := ask(h, "GET", "/regeln").Body.String()
	for what, want := range map[string]string{
		"bin-full":      "Papierkorb voll bin-full Behälter 2 Meldungen –",
		"soil-dry":      "Baum braucht Wasser soil-dry Boden 1 Meldung 1.204",
		"bin-soon":      "Bald <b>voll</b> bin-soon Behälter Probebetrieb – –",
		"sensor-silent": "Sensor ohne Signal sensor-silent alle Anlagen – –",
		"gateway-down":  "Gateway ausgefallen gateway-down alle Anlagen, je Gateway als Ganzes – –",
	} {
		if got := row(t, body, what); got != want {
			t.Errorf("row of %s\n got %s\nwant %s", what, got, want)
		}
	}
	sections := map[string]string{}
	for _, s := range strings.Split(body, "<section")[1:] {
		id := regexp.MustCompile(`h2 id="regel-([^"]*)"`).FindStringSubmatch(s)
		if id == nil {
			t.Fatalf("a section without the anchor of a rule: %s", s)
		}
		sections[id[1]] = text("<section" + s)
	}
	for rule, wants := range map[string][]string{
		"bin-full": {"Bitte leeren.", "Öffnet Füllstand mindestens 90 %", "Schließt Füllstand höchstens 30 %", "Bremse höchstens 20 Fälle in einer Stunde",
			"Schweigt, solange offen ist Gateway ausgefallen , long-gone", "Offen 2 Meldungen", "Wartet ab nirgends", "Kategorie OS-ABF-01", "Fassung 0123456789abcdef",
			"gilt für jeden Wert der oberste. Anlage PK-0042: öffnet bei 75 % Tour Altglas: öffnet bei 85 %",
			"Maiwoche : Straße Domhof, Straße Markt; 21.11.2026, 13:05 Uhr bis 21.11.2026, 15:05 Uhr", "Wochenmarkt : Straße Ledenhof; Sa, 06:00 bis 15:00 Uhr, bis 01.12.2026, 14:05 Uhr"},
		"soil-dry":     {"Öffnet, Stufe 1 nFK höchstens 30 %", "Schließt, Stufe 2 nFK mindestens 30 %", "Zusammengefasst eine Meldung je Tour", "Wartet ab 1.204"},
		"bin-soon":     {"Probebetrieb: Die Regel entscheidet"},
		"gateway-down": {"Gefragt bei jedem Mitglied still seit 3 Sendeabständen", "Bringt zum Schweigen Papierkorb voll , Sensor ohne Signal"},
	} {
		for _, want := range wants {
			if !strings.Contains(sections[rule], want) {
				t.Errorf("%s does not say %q: %s", rule, want, sections[rule])
			}
		}
	}
	if strings.Contains(body, "vorbei") {
		t.Error("a maintenance window that is over is shown")
	}
	// Whatever the page links to is there.
	for _, m := range hrefs.FindAllStringSubmatch(body, -1) {
		href := html.UnescapeString(m[1])
		path, anchor, _ := strings.Cut(href, "#")
		if path == "/regeln" || path == "" {
			if anchor != "" && !strings.Contains(body, `id="`+anchor+`"`) {
				t.Errorf("%s leads nowhere", href)
			}
			continue
		}
		if w := ask(h, "GET", path); w.Code != 200 {
			t.Errorf("%s: status %d", href, w.Code)
		}
	}

	o := options(t, first(osnabrueck()), second(osnabrueck()))
	o.Rules = &rulebook{}
	if got := text(ask(newBoard(t, o), "GET", "/regeln").Body.String()); !strings.Contains(got, "0 Regeln, 3 offene Meldungen. ") || !strings.Contains(got, "Es gibt keine Regel.") {
		t.Errorf("without rules: %s", got)
	}
}

func TestStandingsOfAnAsset(t *testing.T) {
	h := newBoard(t, options(t, first(osnabrueck()), second(osnabrueck())))
	_, section, _ := strings.Cut(ask(h, "GET", "/anlage/PK-1").Body.String(), `id="regeln"`)
	section, _, _ = strings.Cut(section, "</section>")
	want := []string{
		"Papierkorb voll bin-full wartet auf das Ende bisher 1 Messung Stufe 2 wechselt zu oft, schließt viermal so spät vor 10 Minuten 21.11.2026, 13:55 Uhr S-7K2M9QXA",
		"Sensor ohne Signal sensor-silent trifft zu keine Meldung: unterdrückt durch gateway-down vor 3 Stunden 21.11.2026, 11:05 Uhr –",
		"Gateway ausgefallen gateway-down trifft zu zählt für Gateway vor 3 Stunden 21.11.2026, 11:05 Uhr –",
		"removed removed trifft zu vor 9 Stunden 21.11.2026, 05:05 Uhr –",
		"Bald <b>voll</b> bin-soon ruht Probebetrieb – –",
	}
	rows := strings.Split(section, "<tr")[2:]
	for i, want := range want {
		if i >= len(rows) {
			t.Fatalf("%d rows, want %q", len(rows), want)
		}
		if got := text("<tr" + rows[i]); strings.TrimSuffix(got, " ") != want {
			t.Errorf("row %d\n got %s\nwant %s", i, got, want)
		}
	}
	if len(rows) != len(want) {
		t.Errorf("%d rows, want %d: the rule for soil is not for bins", len(rows), len(want))
	}
	if !strings.Contains(section, `href="/meldung/S-7K2M9QXA"`) || !strings.Contains(section, `href="/regeln#regel-bin-full"`) {
		t.Error("rule or case are not linked")
	}
	soil := text(ask(h, "GET", "/anlage/B%2F7%20%C3%B6").Body.String())
	if want := "Baum braucht Wasser soil-dry wartet ab bisher 1.200 Messungen eine Meldung je Tour vor 20 Stunden"; !strings.Contains(soil, want) {
		t.Errorf("the page of a tree does not say %q: %s", want, soil)
	}
}

func TestRulesThatCannotBeAsked(t *testing.T) {
	o := options(t, first(osnabrueck()), second(osnabrueck()))
	book := dutyBook()
	book.err = errors.New("disk I/O error at /var/lib/secret.db")
	o.Rules, o.Decisions = book, book
	h := newBoard(t, o)
	for _, page := range []string{"/anlage/PK-1", "/meldung/S-7K2M9QXA", "/regeln"} {
		if w := ask(h, "GET", page); w.Code != 503 || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: status %d, or the page tells what must not be told", page, w.Code)
		}
	}
}

func TestCaseOfAGroup(t *testing.T) {
	s, inv := osnabrueck()
	book := dutyBook()
	book.standings["B/7 ö"][0].Phase = city.PhaseOpen
	c := &s.cases[1]
	c.Case.Asset, c.Case.Group, c.Case.Members, c.Case.Grade = "", "tour:Gießtour", []string{"B/7 ö", "B-99"}, 2
	s.cases[3].Case.Revoked = true
	o := options(t, s, inv)
	o.Rules, o.Decisions = book, book
	h := newBoard(t, o)

	body := ask(h, "GET", "/meldung/S-PARKED01").Body.String()
	for _, want := range []string{"Zustand offen Stufe 2", "Anlage Tour Gießtour mehrere Anlagen", "Betroffene Anlagen Linde Martinistraße B-99 Warum"} {
		if !strings.Contains(text(body), want) {
			t.Errorf("the page of a group's case does not say %q: %s", want, text(body))
		}
	}
	list := ask(h, "GET", "/meldungen").Body.String()
	if got, want := row(t, list, "S-PARKED01"), "Baum braucht Wasser S-PARKED01 · Stufe 2 Tour Gießtour mehrere Anlagen"; !strings.HasPrefix(got, want) {
		t.Errorf("got %s\nwant %s …", got, want)
	}
	for _, page := range []string{list, ask(h, "GET", "/meldung/S-DONE0001").Body.String()} {
		if !strings.Contains(text(page), "hätte nie offen sein sollen") {
			t.Error("a case that was taken back does not say so")
		}
	}
	tree := ask(h, "GET", "/anlage/B%2F7%20%C3%B6").Body.String()
	if n := strings.Count(tree, `href="/meldung/S-PARKED01"`); n != 2 {
		t.Errorf("the page of a member links the group's case %d times, want 2: open cases, rules", n)
	}

	for i := range s.cases {
		s.cases[i].Case.ClosedSince = time.Time{} // its rule is gone, or the case goes on as another one
	}
	for _, page := range []string{"/meldungen", "/meldung/S-DONE0001"} {
		if got := text(ask(h, "GET", page).Body.String()); strings.Contains(got, "zuletzt 0") || strings.Contains(got, "vorher 97") {
			t.Errorf("%s shows a value at the end of what no measurement has ended: %s", page, got)
		}
	}

	c.Case.Quantity = city.QuantityUnknown
	for _, page := range []string{"/meldungen", "/meldung/S-PARKED01", "/anlage/B%2F7%20%C3%B6"} {
		if got := text(ask(h, "GET", page).Body.String()); strings.Contains(got, "unknown 1") || strings.Contains(got, "Schwelle 15") {
			t.Errorf("%s shows a value of what was not measured: %s", page, got)
		}
	}

	for range 98 {
		c.Case.Members = append(c.Case.Members, "B-98")
	}
	if got := text(ask(h, "GET", "/meldung/S-PARKED01").Body.String()); !strings.Contains(got, "Es können mehr sein: Aufgehoben werden 100.") {
		t.Errorf("a list of members that may have been cut does not say so: %s", got)
	}
}
