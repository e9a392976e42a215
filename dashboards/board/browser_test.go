package board_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meldefunk/city/visitor"
	"meldefunk/dashboards/access"
	"meldefunk/dashboards/browsertest"
)

// site serves a full city on a real port and gives its address.
func site(t *testing.T) string {
	s, inv := osnabrueck()
	for _, more := range []func() (*store, *inventory){harbour, func() (*store, *inventory) { return bigCity(195) }} { // more than one page
		moreStore, moreInv := more()
		s.readings = append(s.readings, moreStore.readings...)
		inv.assets = append(inv.assets, moreInv.assets...)
		inv.devices = append(inv.devices, moreInv.devices...)
	}
	o := options(t, s, inv)
	o.Desk, o.Tours, o.Registrar = s, s, withRegister(inv)
	o.Notice = "Vorführung: simulierte Stadt, Zeitraffer 360-fach"
	srv := httptest.NewServer(newBoard(t, o))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestPagesInBrowser(t *testing.T) {
	browser, url := browsertest.Start(t), site(t)
	pages := []struct{ name, path string }{
		{"arbeit", "/arbeit?art=behaelter"}, {"arbeit-leer", "/arbeit?suche=Atlantis"}, {"qualitaet", "/qualitaet"}, {"tour", "/tour/Tour%201"}, {"tour-druck", "/tour/Tour%203?stopps=alle&ansicht=druck"}, {"uebersicht", "/?bezirk=Innenstadt"}, {"seite-2", "/?seite=2&sortierung=name"}, {"leer", "/?bezirk=Atlantis"},
		{"anlage", "/anlage/PK-1"}, {"ohne-daten", "/anlage/PK-5"}, {"skript", "/anlage/PK-6"},
		{"jede-art", "/?bezirk=Hafen"}, {"pegel", "/anlage/PG-1"}, {"schacht", "/anlage/PG-4"}, {"wetter", "/anlage/WS-1"}, {"klappe", "/anlage/TK-1"}, {"fahrzeug", "/anlage/FZ-1"}, {"zaehler", "/anlage/WZ-1"},
		{"meldungen", "/meldungen"}, {"meldungen-einer-regel", "/meldungen?regel=bin-full"}, {"meldungen-eines-standes", "/meldungen?ticket=abgelehnt"}, {"meldung-abgelehnt", "/meldung/S-PARKED01"}, {"stummschaltungen", "/stummschaltungen?anlage=PK-1&kategorie=OS-ABF-01"}, {"meldung", "/meldung/S-7K2M9QXA"}, {"meldung-erledigt", "/meldung/S-DONE0001"}, {"regeln", "/regeln"}, {"zurueckgestellt", "/zurueckgestellt"}, {"fehler", "/nirgends"},
		{"inventar", "/inventar?suche=0000002"}, {"inventar-netzwerkserver", "/inventar/netzwerkserver"}, {"geraet-aendern", at9002}, {"anlage-aendern", "/anlage/R-1/aendern"}, {"anlage-der-datei", "/anlage/PK-1/aendern"},
		{"barrierefreiheit", "/barrierefreiheit"}, {"datenschutz", "/datenschutz"},
	}
	for _, page := range pages {
		for _, v := range views() {
			t.Run(page.name+"/"+v.Name, func(t *testing.T) {
				p := browser.Open(t, url+page.path, v)
				look(t, p, v, page.name)
			})
		}
	}
}

// views are how every page is looked at.
func views() []browsertest.View {
	return []browsertest.View{
		{Name: "desktop", Width: 1280, Height: 900},
		{Name: "narrow", Width: 320, Height: 640},
		{Name: "dark", Width: 1280, Height: 900, Dark: true},
		{Name: "forced", Width: 1280, Height: 900, ForcedColors: true},
		{Name: "print", Width: 794, Height: 1123, Print: true},
	}
}

// look finds what is wrong with a page for eyes, fingers and screen readers.
func look(t *testing.T, p *browsertest.Page, v browsertest.View, name string) {
	t.Helper()
	if over := p.Overflow(t); over > 0 {
		t.Errorf("the page is %d px wider than the screen", over)
	}
	// Folded parts are part of the page: look into them too.
	browsertest.Eval[bool](t, p, `document.querySelectorAll("details").forEach(d => d.open = true), true`)
	if over := p.Overflow(t); over > 0 {
		t.Errorf("unfolded, the page is %d px wider than the screen", over)
	}
	if small := browsertest.Eval[[]string](t, p, smallTargets); len(small) > 0 && !v.Print {
		t.Errorf("targets below 24 px: %q", small)
	}
	if dir := os.Getenv("MELDEFUNK_SHOTS"); dir != "" { // for human eyes
		if err := os.WriteFile(filepath.Join(dir, name+"-"+v.Name+".png"), p.Screenshot(t), 0o600); err != nil {
			t.Error(err)
		}
	}
	for _, violation := range browsertest.LoadAxe(t).Violations(t, p) {
		t.Errorf("axe: %s", violation)
	}
}

// smallTargets lists links and controls below 24 by 24 CSS pixels (WCAG 2.5.8) that do
// not stand in a line of text.
const smallTargets = `[...document.querySelectorAll("nav a, button, select, input:not([type=hidden]), summary, .refresh")]
	.filter(e => { const b = e.getBoundingClientRect(); return b.width > 0 && (b.width < 24 || b.height < 24) })
	.map(e => e.textContent.trim())`

func TestWithoutScripts(t *testing.T) {
	browser, url := browsertest.Start(t), site(t)
	p := browser.Open(t, url+"/?zustand=leer", browsertest.View{Width: 1280, Height: 900, NoScript: true})

	// Choose a district in the form and send it: the browser does it all by itself.
	browsertest.Eval[bool](t, p, `document.querySelector("select[name=bezirk]").value = "Weststadt", true`)
	p.Click(t, "form.filter button")
	if got := browsertest.Eval[string](t, p, `location.search`); !strings.Contains(got, "bezirk=Weststadt") || !strings.Contains(got, "zustand=leer") {
		t.Errorf("the form led to %s", got)
	}
	if got := browsertest.Eval[string](t, p, `document.querySelector("tbody th a").textContent`); got != "Unterflurbehälter Lotter Straße" {
		t.Errorf("first asset of Weststadt: %q", got)
	}
	p.Click(t, "tbody th a")
	if got := browsertest.Eval[string](t, p, `document.querySelector("h1").textContent`); got != "Unterflurbehälter Lotter Straße" {
		t.Errorf("the link of an asset led to %q", got)
	}
}

func TestPageInBrowserIsWhatItSays(t *testing.T) {
	browser, url := browsertest.Start(t), site(t)
	p := browser.Open(t, url+"/anlage/PK-6", browsertest.View{Width: 1280, Height: 900})
	if got := browsertest.Eval[string](t, p, `document.querySelector("h1").textContent`); got != "<script>alert('Übermut')</script>" {
		t.Errorf("h1 is %q", got)
	}
	if n := browsertest.Eval[int](t, p, `document.scripts.length`); n != 0 {
		t.Errorf("%d scripts on the page", n)
	}
	if got := browsertest.Eval[string](t, p, `[document.documentElement.lang, document.querySelectorAll("h1").length, document.title].join("|")`); got != "de|1|<script>alert('Übermut')</script> · Meldefunk" {
		t.Errorf("language, count of h1, title: %s", got)
	}
	// The stylesheet must pass the page's own policy, and the skip link must be first.
	if got := browsertest.Eval[string](t, p, `getComputedStyle(document.querySelector(".brand")).display`); got != "flex" {
		t.Errorf("the stylesheet is not in force: display %q", got)
	}
	if got := browsertest.Eval[string](t, p, `document.querySelector("a, button, select, [tabindex='0']").textContent`); got != "Zum Inhalt springen" {
		t.Errorf("first stop of the keyboard: %q", got)
	}

	paper := browser.Open(t, url+"/", browsertest.View{Width: 794, Height: 1123, Print: true})
	if got := browsertest.Eval[string](t, paper, `["header nav", "form.filter", ".refresh"].map(s => getComputedStyle(document.querySelector(s)).display).join()`); got != "none,none,none" {
		t.Errorf("on paper, navigation and form are displayed: %s", got)
	}
}

// TestTourOnPaper holds what a crew takes along: heads on every sheet of paper, stops that are
// not cut in two, codes that were loaded, and nothing that only a screen can use.
func TestTourOnPaper(t *testing.T) {
	browser, url := browsertest.Start(t), site(t)
	p := browser.Open(t, url+"/tour/Tour%203?stopps=alle&ansicht=druck", browsertest.View{Width: 794, Height: 1123, Print: true})
	if got := browsertest.Eval[string](t, p, `["header nav", ".ways", ".tick", ".ticks", "thead", ".paper"].map(s => getComputedStyle(document.querySelector(s)).display).join()`); got != "none,none,none,none,table-header-group,inline" {
		t.Errorf("navigation, ways, boxes, button, heads and paper boxes are displayed: %s", got)
	}
	if got := browsertest.Eval[string](t, p, `getComputedStyle(document.querySelector("tbody tr")).breakInside`); got != "avoid" {
		t.Errorf("a stop may be cut: %s", got)
	}
	if got := browsertest.Eval[int](t, p, `[...document.querySelectorAll("img.code")].filter(i => i.complete && i.naturalWidth > 0).length`); got != 7 {
		t.Errorf("%d codes were loaded, want 7", got)
	}
}

// TestActInBrowser has a browser without scripts wish something of a ticket, mute an asset and
// lift that again: its own headers must get it past the checks.
func TestActInBrowser(t *testing.T) {
	browser, url := browsertest.Start(t), site(t)
	p := browser.Open(t, url+"/meldung/S-PARKED01", browsertest.View{Width: 1280, Height: 900, NoScript: true})
	main := func() string { return browsertest.Eval[string](t, p, `document.querySelector("main").innerText`) }
	fill := func(form, name, value string) {
		browsertest.Eval[bool](t, p, fmt.Sprintf(`document.querySelector('%s [name=%s]').value = %q, true`, form, name, value))
	}
	open := func(n int) {
		browsertest.Eval[bool](t, p, fmt.Sprintf(`document.querySelectorAll("details.act")[%d].open = true`, n))
	}

	form := `form[aria-label="Anhalten"]`
	open(2)
	fill(form, "name", "Erika Mustermann")
	fill(form, "grund", `<b onclick="alert(1)">Baustelle</b>`)
	fill(form, "bis", "24.12.2026 18:00")
	p.Click(t, form+" button")
	if got := main(); !strings.Contains(got, "Anhalten vermerkt.") ||
		!strings.Contains(got, `Anhalten bis 24.12.2026, 18:00`+"\u00a0"+`Uhr: Erika Mustermann – <b onclick="alert(1)">Baustelle</b>`) {
		t.Errorf("after the wish the page says %s", got)
	}

	p.Click(t, `a[href^="/stummschaltungen?anlage="]`)
	form = `form[aria-label="Stummschalten"]`
	fill(form, "name", "Erika Mustermann")
	fill(form, "grund", "Baustelle <i>bis</i> Weihnachten")
	fill(form, "bis", "3 Tage")
	p.Click(t, form+" button")
	if got := main(); !strings.Contains(got, "Stummgeschaltet.") || !strings.Contains(got, "Baustelle <i>bis</i> Weihnachten") || !strings.Contains(got, "3\u00a0Stummschaltungen in Kraft.") {
		t.Errorf("after the mute the page says %s", got)
	}
	if got := browsertest.Eval[string](t, p, `document.querySelector("tbody th").innerText`); !strings.Contains(got, "B/7 ö") {
		t.Errorf("what was muted is %q", got)
	}

	form = `tbody tr:first-child form`
	open(0)
	fill(form, "name", "Max Muster")
	p.Click(t, form+" button")
	if got := main(); !strings.Contains(got, "Stummschaltung aufgehoben.") || !strings.Contains(got, "aufgehoben von Max Muster") {
		t.Errorf("after lifting the page says %s", got)
	}
}

// TestLoginInBrowser logs in and out with the keyboard alone, without scripts, and looks at the
// pages of the login in every view. The address is plaintext at this machine, which browsers
// take for as good as TLS.
func TestLoginInBrowser(t *testing.T) {
	browser := browsertest.Start(t)
	g := newGate(t, func(c *access.Config) {
		c.OpenID = access.OpenID{Issuer: "https://login.example.org", Name: "Stadt Osnabrück", ClientID: "x", Address: "https://tafel.example.org", NameClaim: "name", RolesClaim: "roles",
			Roles: []access.RoleRule{{Value: "x", Role: visitor.Viewer}}}
	})
	g.asset("PK-1").Name = `<img src=x onerror="document.title='böse'">`
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	address := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)

	p := browser.Open(t, address+"/anlage/PK-1", browsertest.View{Width: 1280, Height: 900, NoScript: true})
	main := func() string { return browsertest.Eval[string](t, p, `document.querySelector("main").innerText`) }
	if got := browsertest.Eval[string](t, p, `location.pathname + location.search`); got != "/anmelden?weiter=%2Fanlage%2FPK-1" {
		t.Fatalf("nobody is led to %s", got)
	}
	p.Keys(t, "\t\tPerson dispatcher\tfalsch", "\r")
	if got := main(); !strings.Contains(got, "Name oder Passwort stimmt nicht.") {
		t.Errorf("after a wrong password: %s", got)
	}
	if got := browsertest.Eval[string](t, p, `[document.querySelector("[name=name]").value, document.querySelector("[name=passwort]").value].join("|")`); got != "Person dispatcher|" {
		t.Errorf("the form keeps %q", got)
	}
	p.Keys(t, "\t\t\t"+theirPassword, "\r")
	if got := browsertest.Eval[string](t, p, `location.pathname + "|" + document.querySelector("h1").textContent + "|" + document.images.length + "|" + document.title`); got != `/anlage/PK-1|<img src=x onerror="document.title='böse'">|1|<img src=x onerror="document.title='böse'"> · Meldefunk` {
		t.Errorf("after the login: %s", got)
	}
	if got := browsertest.Eval[string](t, p, `document.cookie`); got != "" {
		t.Errorf("scripts can read the cookie: %s", got)
	}
	for _, v := range views() {
		page := browser.Open(t, address+"/anmelden", v) // tabs share the cookie
		look(t, page, v, "angemeldet")
	}
	p.Click(t, ".who button")
	if got := main(); !strings.Contains(got, "Sie sind abgemeldet.") {
		t.Errorf("after the logout: %s", got)
	}
	for _, v := range views() {
		page := browser.Open(t, address+"/anmelden", v)
		look(t, page, v, "anmelden")
	}
}

// TestMoveInBrowser moves a device with the keyboard alone, first wrongly: what
// is wrong has the focus, leads to its field, and what was typed is still there.
func TestMoveInBrowser(t *testing.T) {
	browser, url := browsertest.Start(t), site(t)
	p := browser.Open(t, url+at9002, browsertest.View{Width: 390, Height: 844})
	text := func() string { return browsertest.Eval[string](t, p, `document.querySelector("main").innerText`) }
	if got := browsertest.Eval[string](t, p, `document.title + "|" + document.scripts.length`); got != "Gerät "+eui(9002).String()+" · Meldefunk|0" || !strings.Contains(text(), note) {
		t.Errorf("the note of a device is not text: %s, %s", got, text())
	}
	browsertest.Eval[bool](t, p, `document.querySelector("details.act summary").focus(), true`)
	p.Type(t, " ") // unfolds
	p.TabTo(t, "umhaengen-anlage")
	p.Type(t, "GIBT-ES-NICHT")
	p.TabTo(t, "umhaengen-grund")
	p.Type(t, "Baustelle")
	p.TabTo(t, "umhaengen-name")
	p.Keys(t, "Erika Mustermann", "\r")
	if got := browsertest.Eval[string](t, p, `document.activeElement.getAttribute("role")`); got != "alert" || !strings.Contains(text(), "Eine Anlage „GIBT-ES-NICHT“ gibt es nicht.") {
		t.Fatalf("the focus is on %q: %s", got, text())
	}
	look(t, p, browsertest.View{Width: 390, Height: 844}, "geraet-fehler")
	if got := browsertest.Eval[string](t, p, `[...document.querySelectorAll("details.act[open] input:not([type=hidden])")].map(e => e.value).join("|")`); !strings.HasPrefix(got, "GIBT-ES-NICHT||Baustelle|Erika Mustermann") {
		t.Errorf("the form keeps %q", got)
	}
	p.TabTo(t, "umhaengen-anlage") // selects what is there
	p.Keys(t, "PK-5", "\r")
	if got := text(); !strings.Contains(got, "Umgehängt. Das Register ist geändert.") || !strings.Contains(got, "R-1 → PK-5") || !strings.Contains(got, "Baustelle") {
		t.Errorf("after the move: %s", got)
	}
}
