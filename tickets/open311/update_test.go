package open311

import (
	"net/http"
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
