package open311

import (
	"net/http"
	"strings"
	"testing"
)

func TestClose(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   Outcome
		good   bool
	}{
		{name: "adapter", status: 200, body: `[{"update_id":"S-7K3QF2PA-close"}]`, good: true},
		{name: "FixMyStreet", status: 200, body: `{"service_request_updates":{"update_id":1}}`, good: true},
		{name: "already exists", status: 400, body: `{"errors":{"code":400,"description":"Bad request: already exists"}}`, good: true},
		{name: "bad request", status: 400, body: `[{"code":400,"description":"status"}]`, want: Refused},
		{name: "not found", status: 404, body: `[{"code":404,"description":"Resource not found"}]`, want: Refused},
		{name: "gone away", status: 502, body: `<html>`, want: Unsure},
		{name: "busy", status: 429, body: ``, want: Retry},
		{name: "empty", status: 200, body: `[]`, want: Unsure},
		{name: "nonsense", status: 200, body: `[`, want: Unsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, func(_ int, w http.ResponseWriter, _ call) { writeJSON(w, tt.status, tt.body) })
			err := client(t, config(t, e.url), nobody).Close(t.Context(), ref, "1001", "Sensor meldet 12 %", sentAt)
			if (err == nil) != tt.good {
				t.Fatalf("got %v", err)
			}
			if err != nil {
				if o := outcome(t, err); o.Outcome != tt.want {
					t.Errorf("outcome %v, error %v", o.Outcome, err)
				}
			}
			c := e.seen()[0]
			want := map[string]string{
				"api_key": secret, "service_request_id": "1001", "update_id": "S-7K3QF2PA-close", "status": "CLOSED",
				"updated_datetime": "2026-11-21T13:05:07Z", "description": "Sensor meldet 12 %",
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
	e := serve(t, func(int, http.ResponseWriter, call) {})
	cfg := config(t, e.url)
	cfg.Updates = UpdatesNone
	c := client(t, cfg, nobody)
	if o := outcome(t, c.Close(t.Context(), ref, "1", "", sentAt)); o.Outcome != Cannot || c.Closes() || len(e.seen()) > 0 {
		t.Errorf("outcome %v, %d calls", o.Outcome, len(e.seen()))
	}
}

func TestCheck(t *testing.T) {
	services := `[{"service_code":"3.2 a:b","service_name":"voll","type":"realtime","metadata":"false"},
		{"service_code":7,"type":"batch"},{"service_code":"bb","type":"blackbox"}]`
	tests := []struct {
		name string
		m    map[string]string
		body string
		says []string
	}{
		{"there", map[string]string{"OS-ABF-01": "3.2 a:b"}, services, nil},
		{"envelope", map[string]string{"OS-ABF-01": "1"}, `{"services":[{"service_code":1}]}`, nil},
		{"all that is wrong", map[string]string{"OS-A": "x", "OS-B": "7", "OS-C": "bb", "OS-D": "3.2 a:b"}, services,
			[]string{`OS-A: the endpoint has no service "x" among its 3`, `OS-B: service "7" is of type batch`, `OS-C: service "bb" is of type blackbox`}},
		{"nonsense", map[string]string{"OS-A": "x"}, `{`, []string{"not JSON"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, func(_ int, w http.ResponseWriter, c call) {
				if c.path != "/services.json" {
					t.Errorf("asked for %s", c.path)
				}
				writeJSON(w, 200, tt.body)
			})
			cfg := config(t, e.url)
			cfg.ServiceMap = tt.m
			err := client(t, cfg, nobody).Check(t.Context())
			if (err == nil) != (tt.says == nil) {
				t.Fatalf("got %v", err)
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}
