package tickets

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/tickets/georeport"
)

// slowHall is a GeoReport server that answers nothing to the first create, and shows what came
// of it only when the create has been repeated; or has it twice at once, as a proxy between has
// repeated it.
type slowHall struct {
	t      *testing.T
	srv    *georeport.Server
	clock  *clock
	twice  bool
	older  bool // what turned up has the lower number
	late   bool // it turns up when the test says so
	change func(*georeport.Request)

	mu    sync.Mutex
	first *georeport.Request // of the create without an answer
	posts int
}

func (h *slowHall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/requests.") {
		h.srv.ServeHTTP(w, r)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Error(err)
	}
	if h.posts++; h.twice {
		for range 2 {
			r.Body = io.NopCloser(bytes.NewReader(body))
			h.srv.ServeHTTP(httptest.NewRecorder(), r.Clone(r.Context()))
		}
		panic(http.ErrAbortHandler)
	}
	if h.posts == 1 {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			h.t.Error(err)
		}
		at := h.clock.now()
		h.first = &georeport.Request{
			Service: form.Get("service_code"), Description: form.Get("description"), Lat: form.Get("lat"), Long: form.Get("long"),
			Address: form.Get("address_string"), Requested: at, Updated: at, Released: true,
		}
		if h.change != nil {
			h.change(h.first)
		}
		panic(http.ErrAbortHandler)
	}
	if h.older {
		h.turnUp()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	h.srv.ServeHTTP(w, r)
	if !h.older && !h.late {
		h.turnUp()
	}
}

func (h *slowHall) turnUp() {
	if err := h.srv.Seed(*h.first); err != nil {
		h.t.Error(err)
	}
}

// Of two tickets that come from us the older one goes on and the younger one is closed, on
// every flavour, whichever of them we know. Where anything speaks against it, both stay, and the
// history says so once.
func TestTwoTicketsWithOneRef(t *testing.T) {
	quoted := func(q *georeport.Request) { q.Description = "Dazu hatte ich gelesen:\n" + q.Description }
	for flavour, habits := range georeport.Flavours() {
		for name, tt := range map[string]struct {
			twice  bool
			older  bool
			change func(*georeport.Request)
			route  Route
			closed bool
			says   string
		}{
			"the unknown one is younger":    {closed: true, says: "trug dieselbe Referenz: als Dublette von "},
			"the unknown one is older":      {older: true, closed: true, says: "mit derselben Referenz gefunden: es gilt"},
			"a proxy has repeated it":       {twice: true, closed: true, says: "trug dieselbe Referenz: als Dublette von "},
			"somebody quotes ours":          {change: quoted, says: "(anderer Text)"},
			"somebody quotes, and is first": {older: true, change: quoted, says: "(anderer Text)"},
			"another category":              {change: func(q *georeport.Request) { q.Service = "GRN-1" }, says: "(andere Kategorie)"},
			"before the case":               {change: func(q *georeport.Request) { q.Requested = q.Requested.Add(-time.Hour) }, says: "(zu anderer Zeit gemeldet)"},
			"another place":                 {change: func(q *georeport.Request) { q.Lat = "52.2780" }, says: "(anderer Ort)"},
			"people are at it":              {change: func(q *georeport.Request) { q.Notes, q.Word = "Kolonne 3 fährt hin", "IN_PROCESS" }, says: "(dort schon bearbeitet)"},
			"the route never closes":        {route: Route{AutoClose: AutoCloseNever}, says: "(wird nicht von hier geschlossen)"},
		} {
			t.Run(flavour+"/"+name, func(t *testing.T) {
				t.Parallel()
				c, l := newClock(), newLedger()
				srv, err := georeport.New(georeport.Config{APIKey: secret, Now: c.now, Habits: habits, Services: []georeport.Service{
					{Code: "ABF-1", Name: "Papierkorb voll"}, {Code: "GRN-1", Name: "Baum trocken"},
				}})
				if err != nil {
					t.Fatal(err)
				}
				h := &slowHall{t: t, srv: srv, clock: c, twice: tt.twice, older: tt.older, change: tt.change}
				listener := httptest.NewServer(h)
				defer listener.Close()
				cfg := toServer(t, listener.URL)
				cfg.Open311.Flavour, cfg.Open311.Email = flavour, "sensorik@stadt.example"
				if flavour != "strict" {
					cfg.Open311.Updates = ""
				}
				cfg.Open311.Timeout = 20 * time.Second // a slow machine is not a fault
				tools := around(l, openSystem(t, cfg, l), c)
				tt.route.System = SystemOpen311
				tools.Router = straight(tt.route)
				r := reconcilerWith(t, cfg, tools)
				l.open(ref)
				drive(t, r, l, c, 10*time.Second)
				for _, pause := range []time.Duration{time.Hour, time.Hour, 24 * time.Hour, time.Hour} {
					c.advance(pause)
					if err := r.lanes[SystemOpen311].watch(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				got, all := l.ticket(ref), srv.Requests()
				if len(all) != 2 || got.State != city.TicketOpen {
					t.Fatalf("there %+v; ticket %+v", all, got)
				}
				kept, other := &all[0], &all[1]
				if !tt.closed && tt.older {
					kept, other = other, kept
				}
				if kept.Closed || other.Closed != tt.closed || !strings.HasPrefix(got.ExternalID, strconv.Itoa(kept.ID)) {
					t.Errorf("kept %+v, other %+v; ticket %+v", kept, other, got)
				}
				history := strings.Join(l.history(ref), "\n")
				if strings.Count(history, tt.says) != 1 {
					t.Errorf("history says %d times %q:\n%s", strings.Count(history, tt.says), tt.says, history)
				}
				if tt.closed && (got.Error != "" || !strings.Contains(other.Notes, "Doppelt übermittelt") || !strings.Contains(other.Notes, Marker(ref))) {
					t.Errorf("ticket %+v, other %+v", got, other)
				}
				if !tt.closed && !strings.Contains(got.Error, strconv.Itoa(other.ID)) {
					t.Errorf("the board says %q", got.Error)
				}
				if n := len(srv.Updates()); n != map[bool]int{true: 1}[tt.closed] {
					t.Errorf("%d changes there", n)
				}
			})
		}
	}
}

// What turns up when its case is over and its ticket closed is closed too, on every flavour;
// where it may be somebody's, or nobody expects it any more, it stays.
func TestTwoTicketsAndOneIsClosed(t *testing.T) {
	for flavour, habits := range georeport.Flavours() {
		for name, tt := range map[string]struct {
			after  time.Duration
			change func(*georeport.Request)
			closed bool
			says   string
		}{
			"ours":               {after: 3 * time.Hour, closed: true, says: "trug dieselbe Referenz: als Dublette von "},
			"somebody quotes":    {after: 3 * time.Hour, change: func(q *georeport.Request) { q.Description += " Dazu:" }, says: "(anderer Text)"},
			"people are at it":   {after: 3 * time.Hour, change: func(q *georeport.Request) { q.Notes, q.Word = "Kolonne 3", "IN_PROCESS" }, says: "(dort schon bearbeitet)"},
			"more than a day on": {after: turnUp},
		} {
			t.Run(flavour+"/"+name, func(t *testing.T) {
				t.Parallel()
				c, l := newClock(), newLedger()
				srv, err := georeport.New(georeport.Config{APIKey: secret, Now: c.now, Habits: habits, Services: []georeport.Service{{Code: "ABF-1", Name: "Papierkorb voll"}}})
				if err != nil {
					t.Fatal(err)
				}
				h := &slowHall{t: t, srv: srv, clock: c, late: true, change: tt.change}
				listener := httptest.NewServer(h)
				defer listener.Close()
				cfg := toServer(t, listener.URL)
				cfg.Open311.Flavour, cfg.Open311.Email = flavour, "sensorik@stadt.example"
				if flavour != "strict" {
					cfg.Open311.Updates = ""
				}
				cfg.Open311.Timeout = 20 * time.Second // a slow machine is not a fault
				tools := around(l, openSystem(t, cfg, l), c)
				tools.Router = straight{System: SystemOpen311}
				r := reconcilerWith(t, cfg, tools)
				watch := func() {
					t.Helper()
					c.advance(10 * time.Minute)
					if err := r.lanes[SystemOpen311].watch(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				l.open(ref)
				drive(t, r, l, c, 10*time.Second)
				l.closeAt(c.now(), ref)
				drive(t, r, l, c, 10*time.Second)
				watch()
				c.advance(tt.after)
				watch() // what nobody sees yet
				h.first.Updated = c.now()
				h.turnUp()
				for range 3 {
					watch()
				}
				got, all := l.ticket(ref), srv.Requests()
				if len(all) != 2 || got.State != city.TicketClosed || got.End != city.EndUs || !strings.HasPrefix(got.ExternalID, strconv.Itoa(all[0].ID)) {
					t.Fatalf("there %+v; ticket %+v", all, got)
				}
				if all[1].Closed != tt.closed || tt.closed && !strings.Contains(all[1].Notes, "schon abgeschlossen") {
					t.Errorf("there %+v", all[1])
				}
				history := strings.Join(l.history(ref), "\n")
				if tt.says != "" && strings.Count(history, tt.says) != 1 || tt.says == "" && strings.Contains(history, "dieselbe Referenz") {
					t.Errorf("history says %d times %q:\n%s", strings.Count(history, tt.says), tt.says, history)
				}
			})
		}
	}
}

// Of two tickets of a case that is over the one we know counts, whichever is older.
func TestWhichTicketCountsWhenOursIsOver(t *testing.T) {
	for name, tt := range map[string]struct {
		state city.TicketState
		end   city.TicketEnd
		other city.Double
		shut  string
		why   string
	}{
		"open, the other is older":          {state: city.TicketOpen, other: city.Double{Older: true}, shut: "17"},
		"closed, the other is older":        {state: city.TicketClosed, end: city.EndUs, other: city.Double{Older: true}, shut: "16"},
		"closed by a human":                 {state: city.TicketClosed, end: city.EndHuman, other: city.Double{Older: true}, shut: "16"},
		"left to a human":                   {state: city.TicketCleared, other: city.Double{Older: true}, shut: "16"},
		"closed, people are at the other":   {state: city.TicketClosed, end: city.EndUs, other: city.Double{Older: true, Remote: city.Remote{Progress: city.ProgressWorking}}, why: "dort schon bearbeitet"},
		"gone: the other may be the ticket": {state: city.TicketClosed, end: city.EndGone, other: city.Double{Older: true}, why: "17 ist dort nicht mehr zu finden"},
	} {
		t.Run(name, func(t *testing.T) {
			v := &view{can: powers{closes: true}}
			v.Ticket = city.Ticket{Ref: ref, State: tt.state, End: tt.end, ExternalID: "17"}
			tt.other.ID = "16"
			p, shut, why := v.double(&tt.other)
			if shut != tt.shut || why != tt.why || p.write != (shut == "17") {
				t.Errorf("close %q, %q; writes %v", shut, why, p.write)
			}
		})
	}
}

// twins is a ticket system in which every case stands a second time.
type twins struct{ *hall }

func (d twins) Doubles(_ context.Context, _ city.Order, externalID string) ([]city.Double, error) {
	return []city.Double{{Remote: city.Remote{ID: "9" + externalID, Progress: city.ProgressOpen}}}, nil
}

// While a ticket is on hold nothing is closed of it, and once it is not any more, the second
// one is.
func TestTwoTicketsOnHold(t *testing.T) {
	s := newStage(t, nil)
	tools := around(s.l, s.d, s.c)
	tools.Systems["town"] = twins{s.d}
	s.r = reconcilerWith(t, config(), tools)
	s.begin(ref)
	s.turn()
	s.wish(city.Wish{Kind: city.WishHold, Reason: "Straßenfest"})
	s.turn()
	look := func() int {
		t.Helper()
		if err := s.r.lanes["town"].turnedUp(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		return s.d.calls(callClose)
	}
	if n := look(); n != 0 {
		t.Errorf("%d closed while it is on hold", n)
	}
	s.wish(city.Wish{Kind: city.WishRelease})
	s.turn()
	if n := look(); n != 1 {
		t.Errorf("%d closed afterwards, want 1", n)
	}
}
