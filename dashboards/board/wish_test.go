package board_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/dashboards/board"
)

var sealIn = regexp.MustCompile(`name="siegel" value="([^"]+)"`)

// desk is a board that takes wishes, with the seal of one of its pages.
func desk(t *testing.T, s *store, inv *inventory, clock func() time.Time, more ...func(*board.Options)) (http.Handler, string) {
	t.Helper()
	o := options(t, s, inv)
	for _, m := range more {
		m(&o)
	}
	o.Desk, o.Tours = s, s
	o.Config.Hosts = []string{"tafel.example.org"}
	if clock != nil {
		o.Now = clock
	}
	h := newBoard(t, o)
	m := sealIn.FindStringSubmatch(visit(h, httptest.NewRequest("GET", "http://127.0.0.1:8080/stummschaltungen", nil)).Body.String())
	if m == nil {
		t.Fatal("no form on the page of mutes")
	}
	return h, m[1]
}

// visit sends a request from this machine.
func visit(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	if r.RemoteAddr == "192.0.2.1:1234" { // httptest's own
		r.RemoteAddr = "127.0.0.1:50000"
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// post sends a form as a browser does that shows a page of the board.
func post(h http.Handler, path string, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "http://127.0.0.1:8080"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://127.0.0.1:8080")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range change {
		c(r)
	}
	return visit(h, r)
}

func typed(seal string, pairs ...string) url.Values {
	form := url.Values{"siegel": {seal}, "name": {" Erika Mustermann "}, "grund": {"Straßenfest"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// TestWhoMayAct lets nobody in who does not sit at this machine, on a page of this board.
func TestWhoMayAct(t *testing.T) {
	set := func(key, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(key, value) }
	}
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		status int
		says   string
	}{
		{"here", func(*http.Request) {}, 303, ""},
		{"here, by name", func(r *http.Request) { r.Host = "localhost:8080"; r.Header.Set("Origin", "http://localhost:8080") }, 303, ""},
		{"no browser", func(r *http.Request) { r.Header.Del("Origin"); r.Header.Del("Sec-Fetch-Site") }, 303, ""},
		{"through a proxy", func(r *http.Request) {
			r.Host = "tafel.example.org"
			r.Header.Set("Origin", "https://tafel.example.org")
		}, 403, "nur an dem Rechner an, auf dem sie läuft"},
		{"through a proxy that keeps the name back", set("Origin", "https://tafel.example.org"), 403, "von einer fremden Seite"},
		{"through a proxy that says so", set("X-Forwarded-For", "10.0.0.7"), 403, "nur an dem Rechner"},
		{"through another", set("Forwarded", "for=10.0.0.7"), 403, "nur an dem Rechner"},
		{"from another machine", func(r *http.Request) { r.RemoteAddr = "10.0.0.7:4000" }, 403, "nur an dem Rechner"},
		{"from nowhere", func(r *http.Request) { r.RemoteAddr = "@" }, 403, "nur an dem Rechner"},
		{"another site", set("Sec-Fetch-Site", "cross-site"), 403, "von einer fremden Seite"},
		{"a site beside us", set("Sec-Fetch-Site", "same-site"), 403, "von einer fremden Seite"},
		{"another origin", func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "http://attacker.example")
		}, 403, "von einer fremden Seite"},
		{"another port", set("Origin", "http://127.0.0.1:9000"), 403, "von einer fremden Seite"},
		{"hidden origin", set("Origin", "null"), 403, "von einer fremden Seite"},
		{"a rebound name", func(r *http.Request) { r.Host = "attacker.example" }, 421, "Falscher Name"},
		{"JSON", set("Content-Type", "application/json"), 400, "nicht aus einem Formular"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, inv := osnabrueck()
			h, seal := desk(t, s, inv, nil)
			w := post(h, "/meldung/S-GONE0001/auftrag", typed(seal, "auftrag", "anhalten"), c.change)
			if w.Code != c.status || !strings.Contains(text(w.Body.String()), c.says) {
				t.Errorf("status %d, want %d with %q: %s", w.Code, c.status, c.says, text(w.Body.String()))
			}
			if got := len(s.cases[2].Wishes); got != map[bool]int{true: 1}[c.status == 303] {
				t.Errorf("%d wishes were kept", got)
			}
		})
	}
}

func TestSeal(t *testing.T) {
	s, inv := osnabrueck()
	clock := now
	h, seal := desk(t, s, inv, func() time.Time { return clock })
	_, foreign := desk(t, s, inv, nil)
	for name, c := range map[string]struct {
		seal string
		age  time.Duration
		want int
	}{
		"fresh": {seal, 0, 303}, "after lunch": {seal, 4 * time.Hour, 303}, "the next day": {seal, 13 * time.Hour, 403},
		"none": {"", 0, 403}, "of another board": {foreign, 0, 403}, "no base64": {"***", 0, 403}, "too short": {"AAAA", 0, 403},
		"changed": {strings.Map(func(r rune) rune { return map[bool]rune{true: 'B', false: r}[r == 'A'] }, seal), 0, 403},
	} {
		clock = now.Add(c.age)
		if w := post(h, "/meldung/S-GONE0001/auftrag", typed(c.seal, "auftrag", "anhalten")); w.Code != c.want {
			t.Errorf("%s: status %d, want %d", name, w.Code, c.want)
		}
	}
}

// TestWishes sends every form of a ticket, right and wrong.
func TestWishes(t *testing.T) {
	long := strings.Repeat("ü", 501)
	for _, c := range []struct {
		name, ref string
		form      []string
		want      string // of the wish; or what the page says
	}{
		{"acknowledge", "S-7K2M9QXA", []string{"auftrag", "uebernehmen", "grund", ""}, "acknowledge Erika Mustermann: "},
		{"release", "S-7K2M9QXA", []string{"auftrag", "weiter"}, "release Erika Mustermann: Straßenfest"},
		{"check", "S-7K2M9QXA", []string{"auftrag", "nachsehen"}, "check Erika Mustermann: Straßenfest"},
		{"close", "S-7K2M9QXA", []string{"auftrag", "schliessen"}, "close Erika Mustermann: Straßenfest"},
		{"hold", "S-GONE0001", []string{"auftrag", "anhalten", "bis", "24.12.2026 18:00"}, "hold Erika Mustermann: Straßenfest until 2026-12-24T17:00:00Z"},
		{"hold without an end", "S-GONE0001", []string{"auftrag", "anhalten"}, "hold Erika Mustermann: Straßenfest"},
		{"retry", "S-PARKED01", []string{"auftrag", "wiederholen"}, "retry Erika Mustermann: Straßenfest"},
		{"link", "S-PARKED01", []string{"auftrag", "zuordnen", "nummer", " 2026-77 "}, "link Erika Mustermann: Straßenfest number 2026-77"},
		{"close, not why", "S-GONE0001", []string{"auftrag", "schliessen", "grund", " "}, "Begründung: Bitte ausfüllen."},
		{"link, no number", "S-PARKED01", []string{"auftrag", "zuordnen"}, "Nummer des Tickets: Bitte ausfüllen."},
		{"nobody", "S-GONE0001", []string{"auftrag", "anhalten", "name", "\t"}, "Name: Bitte ausfüllen."},
		{"a long name", "S-GONE0001", []string{"auftrag", "anhalten", "name", long}, "Name: Bitte höchstens 80 Zeichen."},
		{"a long reason", "S-GONE0001", []string{"auftrag", "anhalten", "grund", long}, "Begründung: Bitte höchstens 500 Zeichen."},
		{"two lines", "S-GONE0001", []string{"auftrag", "anhalten", "grund", "a\r\nb"}, "Begründung: Bitte nur Text in einer Zeile."},
		{"no text", "S-GONE0001", []string{"auftrag", "anhalten", "grund", "a\xffb"}, "Begründung: Bitte nur Text in einer Zeile."},
		{"hold until yesterday", "S-GONE0001", []string{"auftrag", "anhalten", "bis", "gestern"}, "Bis: Bitte einen Zeitpunkt in der Zukunft"},
		{"two mistakes", "S-GONE0001", []string{"auftrag", "anhalten", "bis", "1.1.2020", "name", ""}, "Name: Bitte ausfüllen. Bis: Bitte einen Zeitpunkt"},
		{"not any more", "S-DONE0001", []string{"auftrag", "schliessen"}, "Das geht bei diesem Ticket nicht mehr"},
		{"not of this one", "S-7K2M9QXA", []string{"auftrag", "wiederholen"}, "Das geht bei diesem Ticket nicht mehr"},
		{"what is that", "S-7K2M9QXA", []string{"auftrag", "<b>"}, "Einen solchen Auftrag gibt es nicht."},
		{"no case", "S-NIRGENDS", []string{"auftrag", "anhalten"}, "Meldung nicht gefunden"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, inv := osnabrueck()
			s.cases[1].Wishes = nil
			h, seal := desk(t, s, inv, nil)
			w := post(h, "/meldung/"+c.ref+"/auftrag", typed(seal, c.form...))
			var got string
			for i := range s.cases {
				for _, wish := range s.cases[i].Wishes {
					got = string(wish.Kind) + " " + wish.By + ": " + wish.Reason
					if wish.Number != "" {
						got += " number " + wish.Number
					}
					if !wish.Until.IsZero() {
						got += " until " + wish.Until.UTC().Format(time.RFC3339)
					}
					if wish.Ref != c.ref || !wish.At.Equal(now) {
						t.Errorf("the wish is for %s at %s", wish.Ref, wish.At)
					}
				}
			}
			if w.Code == http.StatusSeeOther {
				if got != c.want {
					t.Errorf("wish %q, want %q", got, c.want)
				}
				page := visit(h, httptest.NewRequest("GET", "http://127.0.0.1:8080"+w.Header().Get("Location"), nil)).Body.String()
				if !strings.Contains(page, `role="status"`) || !strings.Contains(text(page), "Vermerkt, noch nicht ausgeführt") {
					t.Errorf("%s does not say that the wish was kept: %s", w.Header().Get("Location"), text(page))
				}
				return
			}
			page := w.Body.String()
			if got != "" || !strings.Contains(text(page), c.want) {
				t.Errorf("status %d, wish %q, want %q: %s", w.Code, got, c.want, text(page))
			}
			if w.Code == http.StatusUnprocessableEntity && !strings.Contains(page, `role="alert"`) {
				t.Error("the mistakes are no alert")
			}
			if c.name == "two mistakes" && !(strings.Contains(page, `<details class="act" open>`) && strings.Contains(page, `value="1.1.2020"`) && strings.Contains(page, `value="Straßenfest"`)) {
				t.Error("what was typed is gone")
			}
		})
	}
}

// TestFormsOfATicket offers what makes sense, and nothing where nothing can be done.
func TestFormsOfATicket(t *testing.T) {
	s, inv := osnabrueck()
	h, _ := desk(t, s, inv, nil)
	form := regexp.MustCompile(`name="auftrag" value="([a-z]+)"`)
	for name, c := range map[string]struct {
		ticket city.Ticket
		want   string
	}{
		"new":          {city.Ticket{}, "zuordnen anhalten schliessen"},
		"held":         {city.Ticket{State: city.TicketHeld}, "weiter schliessen"},
		"sending":      {city.Ticket{State: city.TicketSending}, "anhalten schliessen"},
		"unsure":       {city.Ticket{State: city.TicketUnsure}, "zuordnen anhalten schliessen"},
		"open":         {city.Ticket{State: city.TicketOpen, ExternalID: "1"}, "uebernehmen nachsehen anhalten schliessen"},
		"acknowledged": {city.Ticket{State: city.TicketAcknowledged, ExternalID: "1", Hold: "x"}, "nachsehen weiter schliessen"},
		"parked":       {city.Ticket{State: city.TicketParked}, "wiederholen zuordnen anhalten schliessen"},
		"parked late":  {city.Ticket{State: city.TicketParked, ExternalID: "1"}, "wiederholen nachsehen anhalten schliessen"},
		"manual":       {city.Ticket{State: city.TicketManual}, "wiederholen zuordnen anhalten schliessen"},
		"closed":       {city.Ticket{State: city.TicketClosed, ExternalID: "1"}, ""},
		"cancelled":    {city.Ticket{State: city.TicketCancelled}, ""},
	} {
		s.cases[0].Ticket = c.ticket
		page := visit(h, httptest.NewRequest("GET", "http://127.0.0.1:8080/meldung/S-7K2M9QXA", nil)).Body.String()
		var got []string
		for _, m := range form.FindAllStringSubmatch(page, -1) {
			got = append(got, m[1])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: forms %q, want %q", name, got, c.want)
		}
		if (c.want == "") != strings.Contains(text(page), "Hier gibt es nichts mehr zu tun.") {
			t.Errorf("%s: the page does not say whether there is something to do", name)
		}
	}
	abroad := httptest.NewRequest("GET", "http://tafel.example.org/meldung/S-PARKED01", nil)
	if page := visit(h, abroad).Body.String(); strings.Contains(page, "<form") || !strings.Contains(page, "nur an dem Rechner") {
		t.Error("a visitor through a proxy is shown forms, or not told why there are none")
	}
}

func TestMutes(t *testing.T) {
	whole := []string{"anlage", "PK-2", "bis", "3 Tage"}
	for _, c := range []struct {
		name, path string
		form       []string
		want       string
	}{
		{"new", "/stummschaltungen", whole, "Stummgeschaltet."},
		{"new, of a category in a district", "/stummschaltungen", []string{"kategorie", "OS-ABF-01", "bezirk", "Haste", "bis", "24.12.2026"}, "Stummgeschaltet."},
		{"of everything", "/stummschaltungen", []string{"bis", "3 Tage"}, "Bitte wenigstens eines angeben"},
		{"for ever", "/stummschaltungen", []string{"anlage", "PK-2"}, "Bis: Bitte einen Zeitpunkt"},
		{"no reason", "/stummschaltungen", append([]string{"grund", ""}, whole...), "Begründung: Bitte ausfüllen."},
		{"no such asset", "/stummschaltungen", []string{"anlage", "PK-404", "bis", "3 Tage"}, "Anlage: Eine mit dieser Nummer steht nicht im Bestand."},
		{"lift", "/stummschaltungen/3/aufheben", nil, "Stummschaltung aufgehoben."},
		{"lift, by nobody", "/stummschaltungen/3/aufheben", []string{"name", ""}, "Name: Bitte ausfüllen."},
		{"lift what is over", "/stummschaltungen/1/aufheben", nil, "nicht mehr in Kraft"},
		{"lift what was lifted", "/stummschaltungen/4/aufheben", nil, "nicht mehr in Kraft"},
		{"lift nothing", "/stummschaltungen/99/aufheben", nil, "nicht mehr in Kraft"},
		{"lift a word", "/stummschaltungen/x/aufheben", nil, "Seite nicht gefunden"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, inv := osnabrueck()
			h, seal := desk(t, s, inv, nil)
			w := post(h, c.path, typed(seal, c.form...))
			page := w.Body.String()
			if w.Code == http.StatusSeeOther {
				page = visit(h, httptest.NewRequest("GET", "http://127.0.0.1:8080"+w.Header().Get("Location"), nil)).Body.String()
			}
			if !strings.Contains(text(page), c.want) {
				t.Errorf("status %d, want %q: %s", w.Code, c.want, text(page))
			}
			if kept := len(s.mutes) - 4; kept != map[bool]int{true: 1}[strings.HasPrefix(c.name, "new")] {
				t.Errorf("%d mutes were kept", kept)
			} else if kept == 1 && (s.mutes[4].By != "Erika Mustermann" || s.mutes[4].Until.IsZero() || !s.mutes[4].Since.Equal(now)) {
				t.Errorf("kept: %+v", s.mutes[4])
			}
			if lifted := s.mutes[2].LiftedBy; (lifted == "Erika Mustermann") != (c.name == "lift") {
				t.Errorf("lifted by %q", lifted)
			}
		})
	}
}

func TestBrokenDesk(t *testing.T) {
	s, inv := osnabrueck()
	h, seal := desk(t, s, inv, nil)
	big := typed(seal, "auftrag", "anhalten", "grund", strings.Repeat("a", 20_000))
	if w := post(h, "/meldung/S-GONE0001/auftrag", big); w.Code != 400 {
		t.Errorf("a form of 20,000 bytes: status %d", w.Code)
	}
	s.err = errDisk
	for path, form := range map[string]url.Values{
		"/meldung/S-GONE0001/auftrag": typed(seal, "auftrag", "anhalten"), "/stummschaltungen": typed(seal, "anlage", "PK-1", "bis", "3 Tage"),
		"/stummschaltungen/3/aufheben": maps.Clone(typed(seal)),
	} {
		if w := post(h, path, form); w.Code != 503 || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s with a broken store: status %d, or the page tells what must not be told", path, w.Code)
		}
	}
	if w := visit(h, httptest.NewRequest("GET", "http://127.0.0.1:8080/meldung/S-GONE0001/auftrag", nil)); w.Code != 303 || w.Header().Get("Location") != "/meldung/S-GONE0001" {
		t.Errorf("the address of a form leads to %d %s", w.Code, w.Header().Get("Location"))
	}
}
