package open311

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"

	"meldefunk/city"
)

func TestClose(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   city.Outcome
		good   bool
	}{
		{name: "adapter", status: 200, body: `[{"update_id":"S-7K3QF2PA-close"}]`, good: true},
		{name: "FixMyStreet", status: 200, body: `{"service_request_updates":{"update_id":1}}`, good: true},
		{name: "already exists", status: 400, body: `{"errors":{"code":400,"description":"Bad request: already exists"}}`, good: true},
		{name: "bad request", status: 400, body: `[{"code":400,"description":"status"}]`, want: city.Refused},
		{name: "not found", status: 404, body: `[{"code":404,"description":"Resource not found"}]`, want: city.Refused},
		{name: "gone away", status: 502, body: `<html>`, want: city.Unsure},
		{name: "busy", status: 429, body: ``, want: city.Retry},
		{name: "empty", status: 200, body: `[]`, want: city.Unsure},
		{name: "nonsense", status: 200, body: `[`, want: city.Unsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, func(_ int, w http.ResponseWriter, c sent) {
				if c.method == "GET" {
					writeJSON(w, 200, `[{"service_request_id":1001,"status":"open"}]`)
					return
				}
				writeJSON(w, tt.status, tt.body)
			})
			err := client(t, config(t, e.url), nobody).Close(t.Context(), over(), "1001")
			if (err == nil) != tt.good {
				t.Fatalf("got %v", err)
			}
			if err != nil {
				if o := outcome(t, err); o.Outcome != tt.want {
					t.Errorf("outcome %v, error %v", o.Outcome, err)
				}
			}
			c := e.seen()[1]
			want := map[string]string{
				"api_key": secret, "service_request_id": "1001", "update_id": "S-7K3QF2PA-close-" + strconv.FormatInt(over().Case.Closed.Unix(), 36), "status": "CLOSED",
				"updated_datetime": "2026-11-21T14:05:07Z", "description": "Sensor meldet 12 %",
			}
			if c.method != "POST" || c.path != "/servicerequestupdates.json" || len(c.args) != len(want) {
				t.Errorf("sent %s %s %v", c.method, c.path, c.args)
			}
			for k, v := range want {
				if c.args.Get(k) != v {
					t.Errorf("%s = %q, want %q", k, c.args.Get(k), v)
				}
			}
		})
	}
}

func TestCloseCannot(t *testing.T) {
	e := serve(t, func(int, http.ResponseWriter, sent) {})
	cfg := config(t, e.url)
	cfg.Updates = UpdatesNone
	c := client(t, cfg, nobody)
	if o := outcome(t, c.Close(t.Context(), over(), "1")); o.Outcome != city.Cannot || cfg.Closes() || len(e.seen()) > 0 {
		t.Errorf("outcome %v, %d calls", o.Outcome, len(e.seen()))
	}
}

// How each way of changing a request looks on the wire.
func TestChangesOnTheWire(t *testing.T) {
	tests := []struct {
		updates, close, reopen string
		method, path, query    string
		body                   string
	}{
		{UpdatesPatch, "", "", "PATCH", "/requests/17-2026.json", "", "api_key=geheim%2B%2F4711&detailed_status=PROCESSED&status_notes=Sensor+meldet+12+%25"},
		{UpdatesPost, "", "", "POST", "/requests/17-2026.json", "api_key=geheim%2B%2F4711", `{"status":"closed","status_notes":"Sensor meldet 12 %"}`},
		{UpdatesTerms, "6", "3", "POST", "/requests/17-2026.json", "api_key=geheim%2B%2F4711", `{"extended_attributes":{"drupal":{"field_status":"6","field_status_notes":"Sensor meldet 12 %"}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.updates, func(t *testing.T) {
			var got []string
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				got = append(got, r.Method, r.URL.Path, r.URL.RawQuery, string(body))
				writeJSON(w, 200, `{"service_requests":{"request":{"service_request_id":"17-2026"}}}`)
			}))
			defer s.Close()
			cfg := config(t, s.URL)
			cfg.Updates, cfg.CloseStatus, cfg.ReopenStatus = tt.updates, tt.close, tt.reopen
			if err := client(t, cfg, nobody).Close(t.Context(), over(), "17-2026"); err != nil {
				t.Fatal(err)
			}
			want := []string{"GET", "/requests/17-2026.json", "", "", tt.method, tt.path, tt.query, tt.body}
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// Somebody has closed it there: nothing is written over what they said.
func TestCloseLeavesWhatIsClosed(t *testing.T) {
	e := serve(t, func(_ int, w http.ResponseWriter, _ sent) {
		writeJSON(w, 200, `[{"service_request_id":1001,"status":"not_councils_responsibility"}]`)
	})
	if err := client(t, config(t, e.url), nobody).Close(t.Context(), over(), "1001"); err != nil || len(e.seen()) != 1 {
		t.Errorf("%v, %d calls", err, len(e.seen()))
	}
}
