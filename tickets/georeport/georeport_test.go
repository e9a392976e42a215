package georeport

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 21, 12, 0, 0, 750e6, time.UTC)

func config() Config {
	return Config{
		APIKey: "k1",
		Services: []Service{
			{Code: "OS-ABF-01", Name: "Papierkorb voll", Group: "Abfall"},
			{Code: "OS-GRN-01", Name: "Straßenbaum: Bewässerung nötig", Group: "Grün", Batch: true},
		},
		Now: func() time.Time { return noon },
	}
}

func server(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask sends one call and gives status and body. args is for the query of a GET, the body
// of a POST.
func ask(s http.Handler, method, path, args string) (int, string) {
	var r *http.Request
	if method == http.MethodPost {
		r = httptest.NewRequest(method, path, strings.NewReader(args))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	} else {
		r = httptest.NewRequest(method, path+"?"+args, nil)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

const good = "api_key=k1&service_code=OS-ABF-01&lat=52.2775&long=8.0417&description=F%C3%BCllstand+96+%25+%E2%80%93+gro%C3%9F%0A%5BRef+S-7K3QF2PA%5D"

func TestAnswers(t *testing.T) {
	update := "api_key=k1&service_request_id=1001&update_id=u1&status=CLOSED&updated_datetime=2026-11-21T22:00:00Z&description=geleert"
	tests := []struct {
		name, method, path, args string
		status                   int
		says                     string
	}{
		{"create", "POST", "/requests.json", good, 200, `[{"service_notice":"Stellvertreter, keine echte Meldung","service_request_id":1002}]`},
		{"create, address only", "POST", "/requests.json", "api_key=k1&service_code=OS-ABF-01&address_string=Domhof+4", 200, `"service_request_id":1002`},
		{"create, attributes", "POST", "/requests.json", good + "&attribute[ref]=1&attribute[x][]=1&attribute[x][]=2", 200, `1002`},
		{"create, no key", "POST", "/requests.json", "service_code=OS-ABF-01&lat=1&long=1", 400, "no value given for required entry api_key"},
		{"create, wrong key", "POST", "/requests.json", strings.Replace(good, "k1", "k2", 1), 403, "api_key is not valid"},
		{"create, no service", "POST", "/requests.json", "api_key=k1&lat=1&long=1", 400, "required entry service_code"},
		{"create, unknown service", "POST", "/requests.json", strings.Replace(good, "ABF", "XXX", 1), 404, "service_code was not found"},
		{"create, service like no other", "POST", "/requests.json", "api_key=k1&service_code=a:b&lat=1&long=1", 400, "does not match"},
		{"create, no place", "POST", "/requests.json", "api_key=k1&service_code=OS-ABF-01", 400, "one of lat and long"},
		{"create, half a place", "POST", "/requests.json", "api_key=k1&service_code=OS-ABF-01&lat=1&address_string=x", 400, "go together"},
		{"create, no degrees", "POST", "/requests.json", "api_key=k1&service_code=OS-ABF-01&lat=91&long=x", 400, "degrees"},
		{"create, not a number", "POST", "/requests.json", "api_key=k1&service_code=OS-ABF-01&lat=NaN&long=1", 400, "degrees"},
		{"create, title", "POST", "/requests.json", good + "&title=x", 400, `found unexpected entry \"title\"`},
		{"create, twice the same", "POST", "/requests.json", good + "&lat=2", 400, "more than one value for lat"},
		{"create, 4000 characters", "POST", "/requests.json", "api_key=k1&service_code=OS-ABF-01&lat=1&long=1&description=" + strings.Repeat("%C3%BC", 4000), 200, "1002"},
		{"create, 4001 characters", "POST", "/requests.json", "api_key=k1&service_code=OS-ABF-01&lat=1&long=1&description=" + strings.Repeat("%C3%BC", 4001), 400, "4001 characters"},
		{"create, not UTF-8", "POST", "/requests.json", "api_key=k1&service_code=OS-ABF-01&lat=1&long=1&description=%FC", 400, "not UTF-8"},
		{"create, bad escape", "POST", "/requests.json", "api_key=%zz", 400, "form"},
		{"create, too large", "POST", "/requests.json", "description=" + strings.Repeat("a", maxForm), 400, "too large"},
		{"create, in the query", "POST", "/requests.json?" + good, good, 400, "belong in its body"},

		{"get", "GET", "/requests/1001.json", "", 200, `"requested_datetime":"2026-11-21T12:00:00Z"`},
		{"get, lat is a text", "GET", "/requests/1001.json", "", 200, `"lat":"52.2775"`},
		{"get, unknown", "GET", "/requests/1002.json", "", 404, `[{"code":404,"description":"Resource not found"}]`},
		{"get, nonsense", "GET", "/requests/x.json", "", 404, "not found"},
		{"get, no format", "GET", "/requests/1001", "", 404, "not found"},
		{"list", "GET", "/requests.json", "service_code=OS-ABF-01&status=open", 200, `"service_request_id":1001`},
		{"list, both", "GET", "/requests.json", "status=open,closed", 200, `1001`},
		{"list, closed", "GET", "/requests.json", "status=closed", 200, `[]`},
		{"list, other service", "GET", "/requests.json", "service_code=OS-GRN-01", 200, `[]`},
		{"list, by id", "GET", "/requests.json", "service_request_id=7,1001&status=closed", 200, `1001`},
		{"list, since just then", "GET", "/requests.json", "start_date=2026-11-21T12:00:00Z", 200, `1001`},
		{"list, since later", "GET", "/requests.json", "start_date=2026-11-21T12:00:01Z", 200, `[]`},
		{"list, with zone", "GET", "/requests.json", "start_date=2026-11-21T13:00:00%2B01:00", 200, `1001`},
		{"list, until before", "GET", "/requests.json", "end_date=2026-11-21T11:59:59Z", 200, `[]`},
		{"list, long ago", "GET", "/requests.json", "start_date=2026-01-01T00:00:00Z", 200, `[]`},
		{"list, 90 days", "GET", "/requests.json", "start_date=2026-09-01T00:00:00Z&end_date=2026-11-30T00:00:00Z", 200, `1001`},
		{"list, 91 days", "GET", "/requests.json", "start_date=2026-09-01T00:00:00Z&end_date=2026-12-01T00:00:00Z", 400, "90 days"},
		{"list, fraction", "GET", "/requests.json", "start_date=2026-11-21T12:00:00.5Z", 400, "start_date"},
		{"list, plus not escaped", "GET", "/requests.json", "start_date=2026-11-21T12:00:00+01:00", 400, "start_date"},
		{"list, no zone", "GET", "/requests.json", "end_date=2026-11-21T12:00:00", 400, "end_date"},
		{"list, no such day", "GET", "/requests.json", "end_date=2026-02-30T12:00:00Z", 400, "end_date"},
		{"list, status", "GET", "/requests.json", "status=OPEN", 400, "want open or closed"},
		{"list, page", "GET", "/requests.json", "page=2", 400, "unexpected entry"},
		{"list, attribute", "GET", "/requests.json", "attribute[x]=2", 400, "unexpected entry"},

		{"services", "GET", "/services.json", "", 200, `"service_name":"Straßenbaum: Bewässerung nötig"`},
		{"services, batch", "GET", "/services.json", "", 200, `"type":"batch"`},
		{"definition", "GET", "/services/OS-ABF-01.json", "", 404, "not found"},
		{"token of a realtime service", "GET", "/tokens/tok-1001.json", "", 404, "not found"},
		{"nothing", "GET", "/discovery.json", "", 404, "not found"},
		{"PUT", "PUT", "/requests.json", "", 404, "not found"},

		{"update", "POST", "/servicerequestupdates.json", update, 200, `[{"update_id":"u1"}]`},
		{"update, lower case", "POST", "/servicerequestupdates.json", strings.Replace(update, "CLOSED", "closed", 1), 400, "status is not one of"},
		{"update, German", "POST", "/servicerequestupdates.json", strings.Replace(update, "CLOSED", "ERLEDIGT", 1), 400, "status is not one of"},
		{"update, unknown request", "POST", "/servicerequestupdates.json", strings.Replace(update, "1001", "999", 1), 404, "not found"},
		{"update, date", "POST", "/servicerequestupdates.json", strings.Replace(update, "22:00:00Z", "22:00:00.1Z", 1), 400, "updated_datetime"},
		{"update, no words", "POST", "/servicerequestupdates.json", strings.Replace(update, "geleert", "", 1), 400, "required entry description"},
		{"update, wrong key", "POST", "/servicerequestupdates.json", strings.Replace(update, "k1", "k2", 1), 403, "api_key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := server(t, config())
			if status, body := ask(s, "POST", "/requests.json", good); status != 200 {
				t.Fatalf("%d %s", status, body)
			}
			status, body := ask(s, tt.method, tt.path, tt.args)
			if status != tt.status || !strings.Contains(body, tt.says) {
				t.Errorf("got %d %s\nwant %d %s", status, body, tt.status, tt.says)
			}
			if !json.Valid([]byte(body)) {
				t.Errorf("not JSON: %s", body)
			}
			if status >= 400 {
				if n := len(s.Requests()) + len(s.Updates()); n != 1 {
					t.Errorf("refused, but kept: %d", n)
				}
			}
		})
	}
}

func TestJSONBodyIsRefused(t *testing.T) {
	r := httptest.NewRequest("POST", "/requests.json", strings.NewReader(`{"api_key":"k1"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	server(t, config()).ServeHTTP(w, r)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "x-www-form-urlencoded") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestJurisdiction(t *testing.T) {
	cfg := config()
	cfg.JurisdictionID = "osnabrueck.de"
	s := server(t, cfg)
	for args, want := range map[string]int{"": 400, "jurisdiction_id=bonn.de": 404, "jurisdiction_id=osnabrueck.de": 200} {
		if status, body := ask(s, "GET", "/services.json", args); status != want {
			t.Errorf("%q: got %d %s, want %d", args, status, body, want)
		}
	}
	if status, body := ask(s, "POST", "/requests.json", good+"&jurisdiction_id=osnabrueck.de"); status != 200 {
		t.Errorf("got %d %s", status, body)
	}
}

// The same create twice makes two; the same update twice is refused.
func TestRepeats(t *testing.T) {
	s := server(t, config())
	for range 2 {
		ask(s, "POST", "/requests.json", good)
	}
	if n := len(s.Requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
	update := "api_key=k1&service_request_id=1002&update_id=u1&status=%s&updated_datetime=2026-11-21T22:00:00Z&description=geleert"
	ask(s, "POST", "/servicerequestupdates.json", fmt.Sprintf(update, "CLOSED"))
	if status, body := ask(s, "POST", "/servicerequestupdates.json", fmt.Sprintf(update, "CLOSED")); status != 400 || !strings.Contains(body, "already exists") {
		t.Errorf("got %d %s", status, body)
	}
	if q := s.Requests()[1]; !q.Closed || q.Notes != "geleert" || s.Requests()[0].Closed {
		t.Errorf("got %+v", q)
	}
	if _, body := ask(s, "GET", "/servicerequestupdates.json", ""); !strings.Contains(body, `"status":"closed"`) {
		t.Errorf("got %s", body)
	}
	ask(s, "POST", "/servicerequestupdates.json", strings.Replace(fmt.Sprintf(update, "REOPEN"), "u1", "u2", 1))
	if s.Requests()[1].Closed {
		t.Error("not open again")
	}
	if n := s.Calls("POST /requests.json"); n != 2 {
		t.Errorf("%d calls counted", n)
	}
}

func TestToken(t *testing.T) {
	s := server(t, config())
	_, body := ask(s, "POST", "/requests.json", strings.Replace(good, "ABF", "GRN", 1))
	if !strings.Contains(body, `"token":"tok-1001"`) || strings.Contains(body, "service_request_id") {
		t.Errorf("got %s", body)
	}
	if _, body := ask(s, "GET", "/tokens/tok-1001.json", ""); body != `[]` {
		t.Errorf("first look: %s", body)
	}
	if _, body := ask(s, "GET", "/tokens/tok-1001.json", ""); body != `[{"service_request_id":1001,"token":"tok-1001"}]` {
		t.Errorf("second look: %s", body)
	}
	if status, _ := ask(s, "GET", "/tokens/tok-9.json", ""); status != 404 {
		t.Errorf("unknown token: %d", status)
	}
}

// What was answered survives; half a line, left by a crash, does not hurt.
func TestFileSurvives(t *testing.T) {
	cfg := config()
	cfg.Path = filepath.Join(t.TempDir(), "tickets.jsonl")
	s := server(t, cfg)
	ask(s, "POST", "/requests.json", good)
	ask(s, "POST", "/requests.json", good)
	ask(s, "POST", "/servicerequestupdates.json", "api_key=k1&service_request_id=1002&update_id=u1&status=CLOSED&updated_datetime=2026-11-21T22:00:00Z&description=geleert")
	before := fmt.Sprintf("%+v %+v", s.Requests(), s.Updates())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(cfg.Path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"request":{"id":1003,"serv`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s = server(t, cfg)
	if after := fmt.Sprintf("%+v %+v", s.Requests(), s.Updates()); after != before {
		t.Errorf("got %s\nwant %s", after, before)
	}
	if _, body := ask(s, "POST", "/requests.json", good); !strings.Contains(body, "1003") {
		t.Errorf("got %s", body)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(server(t, cfg).Requests()); n != 3 {
		t.Errorf("%d requests after the second start", n)
	}
}

func TestFileThatIsWrong(t *testing.T) {
	first := `{"request":{"id":1001,"service":"a","description":"","requested":"2026-11-21T12:00:00Z","updated":"2026-11-21T12:00:00Z"}}` + "\n"
	for name, text := range map[string]string{
		":1: ":         "nonsense\n",
		":2: ":         first + "{}\n",
		":2: neither":  first + first,
		":1: neither ": `{"update":{"id":"u","request":1001}}` + "\n",
	} {
		cfg := config()
		cfg.Path = filepath.Join(t.TempDir(), "tickets.jsonl")
		if err := os.WriteFile(cfg.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), cfg.Path+strings.TrimSpace(name)) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// A disk that is full: nothing is promised that is not kept.
func TestFileThatCannotBeWritten(t *testing.T) {
	cfg := config()
	cfg.Path = filepath.Join(t.TempDir(), "tickets.jsonl")
	s := server(t, cfg)
	if err := s.journal.file.Close(); err != nil {
		t.Fatal(err)
	}
	if status, _ := ask(s, "POST", "/requests.json", good); status != 500 || len(s.Requests()) != 0 {
		t.Errorf("status %d, %d requests", status, len(s.Requests()))
	}
	s.journal = journal{}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"API key": func(c *Config) { c.APIKey = "" },
		"clock":   func(c *Config) { c.Now = nil },
		"service": func(c *Config) { c.Services = []Service{{Code: "a b", Name: "x"}} },
		"no such": func(c *Config) { c.Path = filepath.Join("no", "such", "folder") },
	} {
		cfg := config()
		change(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name   string
		kind   Fault
		kept   int    // requests after the bad answer
		status int    // 0: no whole answer
		says   string // body or error
	}{
		{"drop", Drop, 1, 0, "EOF"},
		{"bad gateway", BadGateway, 1, 502, "Bad Gateway"},
		{"truncate", Truncate, 1, 0, "unexpected EOF"},
		{"hang", Hang, 1, 0, "Client.Timeout"},
		{"broken", Broken, 1, 500, "Interner Fehler"},
		{"drip", Drip, 1, 0, "Client.Timeout"},
		{"too many", TooMany, 0, 429, "Zu viele Anfragen"},
		{"unavailable", Unavailable, 0, 503, "Wartungsarbeiten"},
		{"web page", HTML, 0, 200, "<title>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := server(t, config())
			h := httptest.NewServer(s)
			defer h.Close()
			c := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			post := func() (status int, said string) {
				form, err := url.ParseQuery(good)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := c.PostForm(h.URL+"/requests.json", form)
				if err != nil {
					return 0, err.Error()
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if err != nil {
					return 0, err.Error()
				}
				if resp.StatusCode == 503 && resp.Header.Get("Retry-After") != "1" {
					t.Errorf("Retry-After %q", resp.Header.Get("Retry-After"))
				}
				return resp.StatusCode, string(body)
			}
			s.Fail(tt.kind, 1)
			if status, said := post(); status != tt.status || !strings.Contains(said, tt.says) {
				t.Errorf("got %d %s", status, said)
			}
			if n := len(s.Requests()); n != tt.kept {
				t.Errorf("%d kept, want %d", n, tt.kept)
			}
			if status, said := post(); status != 200 || !strings.Contains(said, "service_request_id") {
				t.Errorf("afterwards %d %s", status, said)
			}
			s.Fail(BadGateway, -1)
			for range 3 {
				if status, _ := post(); status != 502 {
					t.Errorf("until mended: %d", status)
				}
			}
			s.Mend()
			if status, _ := post(); status != 200 {
				t.Errorf("mended: %d", status)
			}
		})
	}
}

// The same answers in XML, words of any kind unharmed.
func TestXML(t *testing.T) {
	s := server(t, config())
	ask(s, "POST", "/requests.json", strings.Replace(good, "%5BRef", "%3Cb%3E%26%20%C3%A4+%5BRef", 1))
	tests := []struct {
		method, path, args string
		status             int
		says               string
	}{
		{"GET", "/requests/1001.xml", "", 200, "<service_requests><request><address>"},
		{"GET", "/requests.xml", "status=open", 200, "&lt;b&gt;&amp; ä [Ref S-7K3QF2PA]"},
		{"GET", "/requests.xml", "status=closed", 200, "<service_requests></service_requests>"},
		{"GET", "/services.xml", "", 200, "<services><service><description>Papierkorb voll</description>"},
		{"POST", "/requests.xml", good, 200, "<service_requests><request><service_notice>Stellvertreter, keine echte Meldung</service_notice><service_request_id>1002</service_request_id></request></service_requests>"},
		{"GET", "/requests/7.xml", "", 404, "<errors><error><code>404</code><description>Resource not found</description></error></errors>"},
	}
	for _, tt := range tests {
		if status, body := ask(s, tt.method, tt.path, tt.args); status != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s %s: got %d %s, want %d %s", tt.method, tt.path, status, body, tt.status, tt.says)
		}
	}
	if n := s.Calls("POST /requests.json"); n != 2 {
		t.Errorf("%d creates counted", n)
	}
}

// What servers do otherwise, one habit each.
func TestHabits(t *testing.T) {
	tests := []struct {
		name               string
		habits             Habits
		method, path, args string
		status             int
		says               string
	}{
		{"envelope", Habits{Envelope: true}, "GET", "/requests.json", "", 200, `{"service_requests":[{`},
		{"error in an envelope", Habits{Envelope: true}, "GET", "/requests/7.json", "", 404, `{"errors":{"code":404`},
		{"nested", Habits{Envelope: true, Nested: true, Suffix: "-2026"}, "POST", "/requests.json", good, 200, `{"service_requests":{"request":{"service_notice":"Stellvertreter, keine echte Meldung","service_request_id":"1002-2026"}}}`},
		{"number with a year", Habits{Suffix: "-2026"}, "GET", "/requests/1001-2026.json", "", 200, `"service_request_id":"1001-2026"`},
		{"number without its year", Habits{Suffix: "-2026"}, "GET", "/requests/1001.json", "", 404, `not found`},
		{"POST as search", Habits{PostSearches: true}, "POST", "/requests.json", good, 200, `[{"address":"","address_id":""`},
		{"swapped dates", Habits{SwappedDates: true}, "GET", "/requests.json", "start_date=2026-11-20T00:00:00Z", 200, `[]`},
		{"bare", CodeForNL(), "GET", "/requests.json", "", 200, `"lat":52.27750015258789`},
		{"hidden", Habits{Hidden: "Prüfung"}, "GET", "/requests.json", "", 200, `"description":"Prüfung"`},
		{"one only", Habits{OneOnly: true}, "GET", "/requests.json", "status=open,closed", 500, `Interner Fehler`},
		{"unknown is empty", Habits{EmptyUnknown: true}, "GET", "/requests/7.json", "", 200, `[]`},
		{"key in the body", Habits{KeyInBody: true}, "POST", "/requests.json", strings.Replace(good, "k1", "k2", 1), 500, `"code":401`},
		{"e-mail wanted", Habits{Email: true}, "POST", "/requests.json", good, 400, `required entry email`},
		{"text", Habits{Text: "q", Lenient: true}, "GET", "/requests.json", "q=S-00000000", 200, `[]`},
		{"since", Habits{Since: "updated", Lenient: true}, "GET", "/requests.json", "updated=2026-11-21T12:00:01Z", 200, `[]`},
		{"size", Habits{Size: "limit", Offset: "offset", Lenient: true}, "GET", "/requests.json", "limit=1&offset=1", 200, `[]`},
		{"page", Habits{Page: "page"}, "GET", "/requests.json", "page=2", 200, `[]`},
		{"no updates", Habits{Updates: "none"}, "POST", "/servicerequestupdates.json", "", 404, `not found`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config()
			cfg.Habits = tt.habits
			s := server(t, cfg)
			ask(s, "POST", "/requests.json", good+"&email=a@b.example")
			if tt.habits.PostSearches {
				s.requests = append(s.requests, &Request{ID: firstID, Service: "OS-ABF-01", Requested: noon})
			}
			if status, body := ask(s, tt.method, tt.path, tt.args); status != tt.status || !strings.Contains(body, tt.says) {
				t.Errorf("got %d %s\nwant %d %s", status, body, tt.status, tt.says)
			}
		})
	}
	cfg := config()
	cfg.Habits.Updates = "fax"
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "fax") {
		t.Errorf("got %v", err)
	}
}

// A person at the server, and what is left of it in the file.
func TestAct(t *testing.T) {
	cfg := config()
	cfg.Path = filepath.Join(t.TempDir(), "tickets.jsonl")
	cfg.Habits = Habits{Hidden: "Prüfung"}
	s := server(t, cfg)
	ask(s, "POST", "/requests.json", good)
	if err := s.Act(Update{Request: 1001, Status: "NO_FURTHER_ACTION", Description: "nicht unseres", Service: "OS-GRN-01", Released: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.Act(Update{Request: 7}); err == nil {
		t.Error("no error for an unknown request")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = server(t, cfg)
	if q := s.Requests()[0]; !q.Closed || !q.Released || q.Service != "OS-GRN-01" || q.Notes != "nicht unseres" {
		t.Errorf("got %+v", q)
	}
}

func TestPage(t *testing.T) {
	s := server(t, config())
	if _, body := ask(s, "GET", "/", ""); !strings.Contains(body, "Noch keine Meldung") || !strings.Contains(body, "Dies ist nicht EMSOS") {
		t.Errorf("got %s", body)
	}
	ask(s, "POST", "/requests.json", good+"&address_string=x")
	ask(s, "POST", "/requests.json", "api_key=k1&service_code=OS-ABF-01&lat=1&long=1&description=<script>x</script>")
	_, body := ask(s, "GET", "/", "")
	for _, want := range []string{"2 offen, 0 geschlossen", "Nr. 1002: offen", "Füllstand 96 % – groß", "21.11.2026, 12:00 Uhr", "&lt;script&gt;"} {
		if !strings.Contains(body, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	if strings.Contains(body, "<script>") || strings.Index(body, "Nr. 1002") > strings.Index(body, "Nr. 1001") {
		t.Errorf("got %s", body)
	}
	for range maxRows {
		ask(s, "POST", "/requests.json", good)
	}
	if _, body := ask(s, "GET", "/", ""); !strings.Contains(body, "Gezeigt werden die neuesten 200") || strings.Count(body, "<article>") != maxRows {
		t.Errorf("%d shown", strings.Count(body, "<article>"))
	}
}

// Whatever a file holds, it is read or refused with its line.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"request":{"id":1001,"service":"a","requested":"2026-11-21T12:00:00Z"}}` + "\n" + `{"update":{"id":"u","request":1001}}` + "\n"))
	f.Add([]byte("\n"))
	f.Add([]byte(`{"request":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := &Server{cfg: config()}
		for _, l := range strings.Split(string(text), "\n") {
			if s.replay([]byte(l)) != nil {
				break
			}
		}
		for i, q := range s.requests {
			if q.ID != firstID+i {
				t.Errorf("request %d has number %d", i, q.ID)
			}
		}
	})
}
