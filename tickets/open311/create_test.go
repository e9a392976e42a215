package open311

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// What goes over the wire, to the letter.
func TestCreateSends(t *testing.T) {
	e := serve(t, func(_ int, w http.ResponseWriter, _ sent) {
		writeJSON(w, 200, `[{"service_notice":"Automatische Sensormeldung","service_request_id":1001}]`)
	})
	cfg := config(t, e.url+"/georeport/v2/")
	cfg.JurisdictionID = "osnabrueck.de"
	id, err := client(t, cfg, nobody).Create(t.Context(), order())
	if id != "1001" || err != nil {
		t.Fatalf("got %q, %v", id, err)
	}
	c := e.seen()[0]
	want := map[string]string{
		"api_key": secret, "jurisdiction_id": "osnabrueck.de", "service_code": "3.2 a:b",
		"lat": "52.277500", "long": "8.041700", "address_string": "Domhof 4, 49074 Osnabrück",
		"description": "Papierkorb voll - PK-0042\n\nFüllstand 96 % – größer als 90 %.\n" + marker,
	}
	if c.method != "POST" || c.path != "/georeport/v2/requests.json" || len(c.args) != len(want) {
		t.Errorf("sent %s %s %v", c.method, c.path, c.args)
	}
	for k, v := range want {
		if c.args.Get(k) != v {
			t.Errorf("%s = %q, want %q", k, c.args.Get(k), v)
		}
	}
	if got := c.header.Get("Content-Type"); got != "application/x-www-form-urlencoded; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	if got := c.header.Get("Connection"); got != "close" {
		t.Errorf("Connection %q: on one that is used again a request can be repeated unasked", got)
	}
}

// Every shape of a good answer found in the wild, and the three guards.
func TestCreateAnswers(t *testing.T) {
	tests := []struct {
		name, body string
		linked     Linked
		id         string
		says       string // of the error
	}{
		{name: "specification", body: `[{"service_request_id":638344,"service_notice":"","account_id":null}]`, id: "638344"},
		{name: "id as text", body: `[{"service_request_id":"12504-2026"}]`, id: "12504-2026"},
		{name: "id longer than a float", body: `[{"service_request_id":9007199254740993}]`, id: "9007199254740993"},
		{name: "envelope", body: `{"service_requests":[{"service_request_id":1}]}`, id: "1"},
		{name: "Mark-a-Spot", body: `{"service_requests":{"request":{"service_request_id":"17-2026"}}}`, id: "17-2026"},
		{name: "Mark-a-Spot, list", body: `{"service_requests":{"request":[{"service_request_id":"17-2026"}]}}`, id: "17-2026"},
		{name: "Mark-a-Spot with extensions", body: `{"requests":[{"service_request_id":"17-2026"}],"meta":{"total":1}}`, id: "17-2026"},
		{name: "GovFlow", body: `{"data":{"service_request_id":"a1b2"},"success":true}`, id: "a1b2"},
		{name: "bare object", body: `{"service_request_id":5}`, id: "5"},
		{name: "fields in lists of one", body: `[{"service_request_id":["7"],"status":["open"]}]`, id: "7"},
		{name: "told that it was requested after it was sent", body: `[{"service_request_id":8,"requested_datetime":"2026-11-21T14:05:07+01:00"}]`, id: "8"},
		{name: "linked to the same ref", body: `[{"service_request_id":8}]`, id: "8",
			linked: func(context.Context, string) (string, bool, error) { return ref, true, nil }},

		{name: "guard: two elements", body: `[{"service_request_id":1},{"service_request_id":2}]`, says: "2 elements"},
		{name: "guard: none", body: `[]`, says: "0 elements"},
		{name: "guard: none, envelope", body: `{"service_requests":[]}`, says: "0 elements"},
		{name: "guard: older than the call", body: `{"service_requests":[{"service_request_id":1,"requested_datetime":"2026-11-21T13:05:06Z"}]}`, says: "2026-11-21T13:05:06Z"},
		{name: "guard: requested at no time", body: `[{"service_request_id":1,"requested_datetime":"gestern"}]`, says: "gestern"},
		{name: "guard: belongs to another", body: `[{"service_request_id":8}]`, says: "S-ANDERER",
			linked: func(context.Context, string) (string, bool, error) { return "S-ANDERER", true, nil }},
		{name: "guard: cannot tell", body: `[{"service_request_id":8}]`, says: "disk",
			linked: func(context.Context, string) (string, bool, error) { return "", false, errors.New("disk") }},
		{name: "error with status 200", body: `[{"code":400,"description":"nein"}]`, says: "neither"},
		{name: "not JSON", body: `[{"service_request_id":001}]`, says: "not JSON"},
		{name: "more after the end", body: `[] []`, says: "more after"},
		{name: "list of numbers", body: `[1,2]`, says: "a value"},
		{name: "a text", body: `"ok"`, says: "a text"},
		{name: "id is an object", body: `[{"service_request_id":{"x":1}}]`, says: "neither"},
		{name: "wrapped for ever", body: strings.Repeat(`{"data":`, 50) + "{}" + strings.Repeat("}", 50), says: "too deep"},
		{name: "empty", body: ``, says: "not JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, func(_ int, w http.ResponseWriter, _ sent) { writeJSON(w, 200, tt.body) })
			linked := tt.linked
			if linked == nil {
				linked = nobody
			}
			id, err := client(t, config(t, e.url), linked).Create(t.Context(), order())
			if id != tt.id || (err == nil) != (tt.says == "") {
				t.Fatalf("got %q, %v", id, err)
			}
			if err != nil {
				if o := outcome(t, err); o.Outcome != city.Unsure || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("outcome %v, error %q, want unsure and %q", o.Outcome, err, tt.says)
				}
			}
		})
	}
}

func TestCreateRefusesBeforeSending(t *testing.T) {
	tests := []struct {
		name   string
		change func(*city.Order)
		says   string
	}{
		{"no asset", func(o *city.Order) { o.Asset = nil }, "no position and no address"},
		{"no place", func(o *city.Order) { o.Asset = &city.Asset{ID: "PK-0042"} }, "no position and no address"},
		{"service not mapped", func(o *city.Order) { o.Case.Service = "OS-ZZZ-99" }, `"OS-ZZZ-99" is not in service_map`},
		{"too long", func(o *city.Order) { o.Text = strings.Repeat("ü", 4001) + marker }, "longer than 4000"},
		{"no marker", func(o *city.Order) { o.Text = "voll" }, "lacks"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, func(int, http.ResponseWriter, sent) {})
			r := order()
			tt.change(&r)
			_, err := client(t, config(t, e.url), nobody).Create(t.Context(), r)
			if o := outcome(t, err); o.Outcome != city.Refused || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("outcome %v, error %q", o.Outcome, err)
			}
			if len(e.seen()) != 0 {
				t.Error("something was sent")
			}
		})
	}
}

func TestTokens(t *testing.T) {
	number := `[{"service_request_id":1006,"token":"tok-1005"}]`
	tests := []struct {
		name    string
		answers []string // of tokens/tok%2F1.json
		id      string
	}{
		{"at once", []string{number}, "1006"},
		{"empty at first", []string{`[]`, `[]`, number}, "1006"},
		{"never", []string{`[]`, `[]`, `[]`}, ""},
		{"error, then number", []string{`<html>`, number}, "1006"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, func(n int, w http.ResponseWriter, c sent) {
				if c.method == "POST" {
					writeJSON(w, 200, `[{"token":"tok/1","service_notice":"..."}]`)
					return
				}
				if c.path != "/tokens/tok%2F1.json" {
					t.Errorf("asked for %s", c.path)
				}
				writeJSON(w, 200, tt.answers[n-2])
			})
			id, err := client(t, config(t, e.url), nobody).Create(t.Context(), order())
			if id != tt.id || (err == nil) != (tt.id != "") {
				t.Fatalf("got %q, %v", id, err)
			}
			if err != nil {
				if o := outcome(t, err); o.Outcome != city.Unsure || !o.Accepted || !strings.Contains(err.Error(), "tok/1") {
					t.Errorf("outcome %+v", o)
				}
			}
			if want := 1 + len(tt.answers); len(e.seen()) != want {
				t.Errorf("%d calls, want %d", len(e.seen()), want)
			}
		})
	}
}

// One call is one request, whatever happens to the connection.
func TestNothingIsRepeated(t *testing.T) {
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter)
		want   city.Outcome
	}{
		{"hangs up", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, city.Unsure},
		{"breaks off", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			writeJSON(w, 200, `[{"service_re`)
			panic(http.ErrAbortHandler)
		}, city.Unsure},
		{"redirects the POST", func(w http.ResponseWriter) {
			w.Header().Set("Location", "/woanders.json")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, city.Retry},
		{"redirects to a page", func(w http.ResponseWriter) {
			w.Header().Set("Location", "/woanders.json")
			w.WriteHeader(http.StatusSeeOther)
		}, city.Unsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, func(n int, w http.ResponseWriter, _ sent) {
				if n == 1 { // a connection that worked once, so that it could be used again
					writeJSON(w, 200, `[{"service_request_id":1}]`)
					return
				}
				tt.answer(w)
			})
			c := client(t, config(t, e.url), nobody)
			if _, err := c.Create(t.Context(), order()); err != nil {
				t.Fatal(err)
			}
			_, err := c.Create(t.Context(), order())
			if o := outcome(t, err); o.Outcome != tt.want {
				t.Errorf("outcome %v, error %v", o.Outcome, err)
			}
			if n := len(e.seen()); n != 2 {
				t.Errorf("%d calls, want 2", n)
			}
		})
	}
}

// Before there is a connection nothing can have been done.
func TestNoConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, endpoint := range []string{"http://" + addr, "https://" + addr} {
		_, err := client(t, config(t, endpoint), nobody).Create(t.Context(), order())
		if o := outcome(t, err); o.Outcome != city.Retry {
			t.Errorf("%s: outcome %v, error %v", endpoint, o.Outcome, err)
		}
	}
	// TLS that fails is no connection either.
	e := serve(t, func(int, http.ResponseWriter, sent) {})
	_, err = client(t, config(t, strings.Replace(e.url, "http", "https", 1)), nobody).Create(t.Context(), order())
	if o := outcome(t, err); o.Outcome != city.Retry {
		t.Errorf("TLS: outcome %v, error %v", o.Outcome, err)
	}
}

func TestTimeoutIsUnsure(t *testing.T) {
	release := make(chan struct{})
	e := serve(t, func(int, http.ResponseWriter, sent) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := client(t, config(t, e.url), nobody).Create(ctx, order())
	if o := outcome(t, err); o.Outcome != city.Unsure || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("outcome %v, error %v", o.Outcome, err)
	}
}

func TestAnswerWithoutEnd(t *testing.T) {
	e := serve(t, func(_ int, w http.ResponseWriter, _ sent) {
		writeJSON(w, 200, "[")
		chunk := strings.Repeat(" ", 1<<20)
		for range 9 {
			if _, err := fmt.Fprint(w, chunk); err != nil {
				return
			}
		}
	})
	_, err := client(t, config(t, e.url), nobody).Create(t.Context(), order())
	if o := outcome(t, err); o.Outcome != city.Unsure || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("outcome %v, error %v", o.Outcome, err)
	}
}
