package profile_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"meldefunk/tickets/profile"
	"meldefunk/tickets/profile/profiletest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	key = "geheim-4711"
	ref = "S-7K3QF2PA"
)

// hall is a reference server that listens, with a clock that the test moves.
type hall struct {
	*profile.Server
	t     testing.TB
	judge *profiletest.Judge
	url   string

	mu  sync.Mutex
	now time.Time
}

func open(t testing.TB, change func(*profile.Config)) *hall {
	t.Helper()
	h := &hall{t: t, now: time.Date(2026, 11, 21, 13, 5, 7, 250e6, time.UTC)}
	cfg := profile.Config{
		APIKey:   key,
		Services: []profile.Service{{Code: "OS-ABF-01", Name: "Papierkorb voll", Group: "Abfall"}, {Code: "3.2", Name: "Straßenbaum", Group: "Grün"}},
		Now: func() time.Time {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.now
		},
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if h.Server, err = profile.New(cfg); err != nil {
		t.Fatal(err)
	}
	h.judge = profiletest.New(t, profile.Document(), h.Server)
	srv := httptest.NewServer(h.judge)
	t.Cleanup(srv.Close)
	h.url = srv.URL
	return h
}

func (h *hall) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// call sends one request; a form makes it a POST.
func (h *hall) call(path string, form url.Values) (int, string) {
	h.t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// list gives the requests of an answer, each as its fields.
func (h *hall) list(path string) []map[string]any {
	h.t.Helper()
	status, body := h.call(path, nil)
	var all []map[string]any
	if err := json.Unmarshal([]byte(body), &all); err != nil || status != http.StatusOK {
		h.t.Fatalf("%s: %d %s, %v", path, status, body, err)
	}
	return all
}

// with gives a form with some fields changed; "" takes one away.
func with(form url.Values, pairs ...string) url.Values {
	f := url.Values{}
	for name, values := range form {
		f[name] = values
	}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			f.Del(pairs[i])
		}
	}
	return f
}

func report() url.Values {
	return url.Values{
		"api_key": {key}, "service_code": {"OS-ABF-01"}, "lat": {"52.277500"}, "long": {"8.041700"}, "address_string": {"Öwer de Hase 4"},
		"description":    {"Papierkorb voll – PK-0042 🗑\n\nFüllstand 96 %.\n[Ref " + ref + "]"},
		"attribute[ref]": {ref}, "attribute[asset_id]": {"PK-0042"}, "attribute[messwert]": {"96"}, "attribute[einheit]": {"%"},
		"attribute[seit]": {"2026-11-21T14:05:00+01:00"}, "attribute[prioritaet]": {"hoch"}, "attribute[sonstiges]": {"a=<b>\x1b[31m\r\n"},
	}
}

func change(status string) url.Values {
	return url.Values{
		"api_key": {key}, "service_request_id": {"1001"}, "update_id": {ref + "-" + status}, "status": {status},
		"updated_datetime": {"2026-11-21T15:00:00Z"}, "description": {"Sensor meldet: Füllstand 12 %"},
	}
}

// One request from its opening to its end, every operation of the document on the way.
func TestLife(t *testing.T) {
	h := open(t, nil)
	if all := h.list("/services.json"); len(all) != 2 || all[1]["service_code"] != "3.2" || all[1]["type"] != "realtime" {
		t.Errorf("services %v", all)
	}
	if status, body := h.call("/services/3.2.json", nil); status != 200 || !strings.Contains(body, `"code":"prioritaet"`) {
		t.Errorf("definition: %d %s", status, body)
	}
	if all := h.list("/requests.json?ref=" + ref); len(all) != 0 {
		t.Errorf("found before it is there: %v", all)
	}
	status, first := h.call("/requests.json", report())
	if status != 200 || !strings.Contains(first, `"service_request_id":"1001"`) {
		t.Fatalf("create: %d %s", status, first)
	}
	if got := h.list("/requests.json?ref=" + ref); len(got) != 1 || got[0]["service_request_id"] != "1001" || got[0]["status"] != "open" ||
		got[0]["detailed_status"] != "RECEIVED" || got[0]["ref"] != ref || got[0]["description"] != report().Get("description") ||
		got[0]["address"] != "Öwer de Hase 4" || got[0]["lat"] != 52.2775 || got[0]["requested_datetime"] != "2026-11-21T13:05:07Z" {
		t.Errorf("found by ref: %v", got)
	}
	if got := h.Requests()[0].Attributes; got["sonstiges"] != "a=<b>\x1b[31m\r\n" || got["messwert"] != "96" {
		t.Errorf("attributes %q", got)
	}

	steps := []struct {
		name     string
		do       func()
		status   string
		detailed string
		service  string
	}{
		{"a crew takes it up", func() { h.Edit("1001", func(r *profile.Request) { r.Detailed = profile.InProcess }) }, "open", "IN_PROCESS", "OS-ABF-01"},
		{"its category is changed", func() { h.Edit("1001", func(r *profile.Request) { r.Service = "3.2" }) }, "open", "IN_PROCESS", "3.2"},
		{"a note", func() { h.call("/servicerequestupdates.json", change("UNCHANGED")) }, "open", "IN_PROCESS", "3.2"},
		{"closed by us", func() { h.call("/servicerequestupdates.json", change("CLOSED")) }, "closed", "PROCESSED", "3.2"},
		{"closed by us again", func() { h.call("/servicerequestupdates.json", with(change("CLOSED"), "update_id", "x")) }, "closed", "PROCESSED", "3.2"},
		{"open again", func() { h.call("/servicerequestupdates.json", change("REOPEN")) }, "open", "RECEIVED", "3.2"},
		{"the same closing once more changes nothing", func() { h.call("/servicerequestupdates.json", change("CLOSED")) }, "open", "RECEIVED", "3.2"},
		{"rejected by people", func() { h.Edit("1001", func(r *profile.Request) { r.Detailed = profile.Rejected }) }, "closed", "REJECTED", "3.2"},
		{"closed by us afterwards", func() { h.call("/servicerequestupdates.json", with(change("CLOSED"), "update_id", "y")) }, "closed", "REJECTED", "3.2"},
	}
	for _, s := range steps {
		h.advance(time.Minute)
		s.do()
		got := h.list("/requests/1001.json")
		if len(got) != 1 || got[0]["status"] != s.status || got[0]["detailed_status"] != s.detailed || got[0]["service_code"] != s.service {
			t.Errorf("%s: %v", s.name, got)
		}
	}
	if status, again := h.call("/requests.json", report()); status != 200 || !strings.Contains(again, `"service_request_id":"1001"`) || len(h.Requests()) != 1 {
		t.Errorf("created once more: %d %s, %d requests", status, again, len(h.Requests()))
	}
	seen := h.judge.Seen()
	for _, operation := range []string{"listServices", "getServiceDefinition", "createRequest", "listRequests", "getRequest", "updateRequest"} {
		if seen[operation] == 0 {
			t.Errorf("%s was not asked for", operation)
		}
	}
	if refused := h.judge.Refused(); len(refused) > 0 {
		t.Errorf("not allowed: %q", refused)
	}
}

func TestPeopleClose(t *testing.T) {
	h := open(t, func(c *profile.Config) { c.PeopleClose = true })
	h.call("/requests.json", report())
	if status, body := h.call("/servicerequestupdates.json", change("CLOSED")); status != 200 || !strings.Contains(body, `"status":"open"`) {
		t.Errorf("%d %s", status, body)
	}
	if r := h.Requests()[0]; r.Status != "open" || r.Notes != "Sensor meldet: Füllstand 12 %" {
		t.Errorf("%+v", r)
	}
}

// Eight at once with one reference: one request. Without a reference each makes its own,
// as GeoReport v2 has it.
func TestConcurrentCreates(t *testing.T) {
	for name, c := range map[string]struct {
		form url.Values
		want int
	}{
		"one reference": {report(), 1},
		"no reference":  {with(report(), "attribute[ref]", ""), 8},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, nil)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if status, body := h.call("/requests.json", c.form); status != 200 {
						t.Errorf("%d %s", status, body)
					}
				})
			}
			wg.Wait()
			if got := len(h.Requests()); got != c.want {
				t.Errorf("%d requests, want %d", got, c.want)
			}
		})
	}
}

// A reader who remembers when the last round began misses nothing, though pages are read
// one by one and things change between them.
func TestPages(t *testing.T) {
	h := open(t, nil)
	for i := range 25 {
		if status, body := h.call("/requests.json", with(report(), "attribute[ref]", fmt.Sprintf("S-%08d", i))); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		h.advance(time.Minute)
	}
	round := func(since string) (ids []string) {
		for page := 1; ; page++ {
			all := h.list(fmt.Sprintf("/requests.json?updated_after=%s&page=%d&page_size=10", since, page))
			if len(all) == 0 {
				return ids
			}
			for _, r := range all {
				ids = append(ids, r["service_request_id"].(string))
			}
			if page == 1 { // between the pages people work on
				h.Edit("1001", func(r *profile.Request) { r.Detailed = profile.Processed })
				h.Edit("1020", func(r *profile.Request) { r.Detailed = profile.InProcess })
			}
		}
	}
	if got := round("2026-11-21T13:05:07Z"); len(got) != 25 || got[0] != "1001" || got[24] != "1025" {
		t.Errorf("first round: %v", got)
	}
	if got := strings.Join(round("2026-11-21T13:30:00Z"), " "); got != "1001 1020" {
		t.Errorf("second round: %v", got)
	}
	for path, want := range map[string]int{
		"/requests.json":                                           25,
		"/requests.json?status=closed":                             1,
		"/requests.json?status=open&service_code=OS-ABF-01":        24,
		"/requests.json?service_code=3.2":                          0,
		"/requests.json?start_date=2026-11-21T13:10:07Z":           20,
		"/requests.json?end_date=2026-11-21T14:09:07%2B01:00":      5,
		"/requests.json?page=4&page_size=10":                       0,
		"/requests.json?jurisdiction_id=osnabrueck.de&page_size=3": 3,
	} {
		if got := len(h.list(path)); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// What is wrong is refused with a word about it, and nothing is done. The judge sees to it
// that the answer is as the document says.
func TestRefusals(t *testing.T) {
	long := strings.Repeat("ü", 4001)
	tests := []struct {
		name   string
		path   string
		form   url.Values // nil: GET
		status int
		words  string
	}{
		{"no key", "/requests.json", with(report(), "api_key", ""), 403, "api_key"},
		{"wrong key", "/requests.json", with(report(), "api_key", "geraten"), 403, "api_key"},
		{"no service", "/requests.json", with(report(), "service_code", ""), 400, "service_code fehlt"},
		{"unknown service", "/requests.json", with(report(), "service_code", "9"), 404, "Kategorie"},
		{"no description", "/requests.json", with(report(), "description", ""), 400, "description fehlt"},
		{"long description", "/requests.json", with(report(), "description", long), 400, "4001 Zeichen"},
		{"long address", "/requests.json", with(report(), "address_string", long), 400, "address_string"},
		{"long attribute", "/requests.json", with(report(), "attribute[tour]", long), 400, "attribute[tour]"},
		{"no place", "/requests.json", with(report(), "lat", "", "long", "", "address_string", ""), 400, "Ort fehlt"},
		{"half a place", "/requests.json", with(report(), "lat", ""), 400, "gehören zusammen"},
		{"nowhere", "/requests.json", with(report(), "lat", "91"), 400, "kein Ort"},
		{"not a number", "/requests.json", with(report(), "lat", "NaN"), 400, "kein Ort"},
		{"no reference", "/requests.json", with(report(), "attribute[ref]", "S-ILOU0000"), 400, "attribute[ref]"},
		{"no priority", "/requests.json", with(report(), "attribute[prioritaet]", "sofort"), 400, "prioritaet"},
		{"no time", "/requests.json", with(report(), "attribute[seit]", "gestern"), 400, "seit"},
		{"unknown field", "/requests.json", with(report(), "title", "x"), 400, `"title" ist unbekannt`},
		{"open bracket", "/requests.json", with(report(), "attribute[x", "x"), 400, "unbekannt"},
		{"empty attribute", "/requests.json", with(report(), "attribute[]", "x"), 400, "attribute[code]"},
		{"not UTF-8", "/requests.json", with(report(), "description", "voll \xff"), 400, "UTF-8"},
		{"twice", "/requests.json", url.Values{"api_key": {key}, "service_code": {"3.2", "3.2"}}, 400, "mehrmals"},
		{"arguments in the address", "/requests.json?x=1", report(), 400, "Adresse"},
		{"update of nothing", "/servicerequestupdates.json", with(change("CLOSED"), "service_request_id", "1002"), 404, "Meldung"},
		{"update in small letters", "/servicerequestupdates.json", with(change("CLOSED"), "status", "closed"), 400, "status"},
		{"update without words", "/servicerequestupdates.json", with(change("CLOSED"), "description", ""), 400, "description fehlt"},
		{"long update", "/servicerequestupdates.json", with(change("CLOSED"), "description", long), 400, "4001"},
		{"update with a fraction of a second", "/servicerequestupdates.json", with(change("CLOSED"), "updated_datetime", "2026-11-21T15:00:00.5Z"), 400, "updated_datetime"},
		{"update with a strange id", "/servicerequestupdates.json", with(change("CLOSED"), "update_id", "a b"), 400, "update_id"},
		{"unknown argument", "/requests.json?q=" + ref, nil, 400, `"q" ist unbekannt`},
		{"search for no reference", "/requests.json?ref=", nil, 400, "ref"},
		{"unknown status", "/requests.json?status=open,closed", nil, 400, "status"},
		{"plus for a blank", "/requests.json?updated_after=2026-11-21T15:00:00+01:00", nil, 400, "updated_after"},
		{"page nought", "/requests.json?page=0", nil, 400, "page"},
		{"long page", "/requests.json?page_size=1001", nil, 400, "page_size"},
		{"broken escape", "/requests.json?ref=%zz", nil, 400, "Adresse"},
		{"unknown request", "/requests/1002.json", nil, 404, "Meldung"},
		{"number in another form", "/requests/+1001.json", nil, 404, "Meldung"},
		{"unknown definition", "/services/x.json", nil, 404, "Kategorie"},
		{"unknown resource", "/tokens/1.json", nil, 404, "Adresse"},
	}
	h := open(t, nil)
	h.call("/requests.json", with(report(), "attribute[ref]", "S-00000000"))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := fmt.Sprintf("%+v", h.Requests())
			status, body := h.call(tt.path, tt.form)
			var problems []struct {
				Code        int    `json:"code"`
				Description string `json:"description"`
			}
			if err := json.Unmarshal([]byte(body), &problems); err != nil || len(problems) == 0 || problems[0].Code != status {
				t.Fatalf("%d %s, %v", status, body, err)
			}
			if status != tt.status || !strings.Contains(problems[0].Description, tt.words) {
				t.Errorf("%d %s, want %d %q", status, body, tt.status, tt.words)
			}
			if after := fmt.Sprintf("%+v", h.Requests()); after != before {
				t.Errorf("something was done: %s", after)
			}
		})
	}
}

func TestAnotherContentType(t *testing.T) {
	h := open(t, nil)
	req := httptest.NewRequest(http.MethodPost, "/requests.json", strings.NewReader(`{"api_key":"`+key+`"}`))
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.judge.ServeHTTP(w, req)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "x-www-form-urlencoded") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestJurisdiction(t *testing.T) {
	h := open(t, func(c *profile.Config) { c.JurisdictionID = "osnabrueck.de" })
	for _, tt := range []struct {
		id   string
		want int
	}{{"osnabrueck.de", 200}, {"", 400}, {"anderswo.de", 404}} {
		if status, body := h.call("/services.json?jurisdiction_id="+tt.id, nil); status != tt.want {
			t.Errorf("GET with %q: %d %s", tt.id, status, body)
		}
		if status, body := h.call("/requests.json", with(report(), "jurisdiction_id", tt.id)); status != tt.want {
			t.Errorf("POST with %q: %d %s", tt.id, status, body)
		}
	}
}

func TestUpdateIDOfAnotherRequest(t *testing.T) {
	h := open(t, nil)
	h.call("/requests.json", report())
	h.call("/requests.json", with(report(), "attribute[ref]", "S-00000000"))
	h.call("/servicerequestupdates.json", change("CLOSED"))
	status, body := h.call("/servicerequestupdates.json", with(change("CLOSED"), "service_request_id", "1002"))
	if status != 400 || h.Requests()[1].Status != "open" {
		t.Errorf("%d %s", status, body)
	}
}

func TestNewRefuses(t *testing.T) {
	good := profile.Config{APIKey: key, Now: time.Now, Services: []profile.Service{{Code: "A", Name: "B"}}}
	for name, change := range map[string]func(*profile.Config){
		"no key":       func(c *profile.Config) { c.APIKey = "" },
		"no clock":     func(c *profile.Config) { c.Now = nil },
		"strange code": func(c *profile.Config) { c.Services = []profile.Service{{Code: "a b", Name: "B"}} },
		"no name":      func(c *profile.Config) { c.Services = []profile.Service{{Code: "A"}} },
		"twice": func(c *profile.Config) {
			c.Services = []profile.Service{{Code: "A", Name: "B"}, {Code: "A", Name: "C"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			change(&cfg)
			if _, err := profile.New(cfg); err == nil {
				t.Error("no error")
			}
		})
	}
}

// Whatever is posted or asked for: an answer as the document says, and nothing taken that it
// does not allow.
func FuzzServer(f *testing.F) {
	f.Add("/requests.json", report().Encode(), "")
	f.Add("/servicerequestupdates.json", change("CLOSED").Encode(), "")
	f.Add("/requests.json", "", "ref="+ref+"&page=1&page_size=10&status=open&updated_after=2026-11-21T13:05:07Z")
	f.Add("/requests/1001.json", "", "jurisdiction_id=x")
	f.Add("/services/3.2.json", "", "")
	h := open(f, nil)
	f.Fuzz(func(t *testing.T, path, body, query string) {
		u, err := url.Parse("http://127.0.0.1/")
		if err != nil {
			t.Fatal(err)
		}
		u.Path, u.RawQuery = path, query
		r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{}, Body: http.NoBody}
		if body != "" {
			r.Method, r.Body, r.ContentLength = http.MethodPost, io.NopCloser(strings.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		h.judge.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != 503 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if wrong := h.judge.Wrong(); len(wrong) > 0 {
			t.Fatal(wrong[0])
		}
	})
}
