package open311

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Every status code, as answer to a create: may it have been done?
func TestClassifyStatus(t *testing.T) {
	const done = Outcome(99)
	want := map[int]Outcome{
		200: done, 201: done, 202: done, 203: Unsure, 204: Unsure, 205: Unsure, 206: Unsure, 207: Unsure, 208: Unsure, 226: Unsure,
		300: Refused, 301: Refused, 302: Refused, 303: Refused, 304: Refused, 305: Refused, 307: Refused, 308: Refused,
		400: Refused, 401: Refused, 402: Refused, 403: Refused, 404: Refused, 405: Refused, 406: Refused, 407: Refused,
		408: Unsure,
		409: Refused, 410: Refused, 411: Refused, 412: Refused, 413: Refused, 414: Refused, 415: Refused, 416: Refused,
		417: Refused, 418: Refused, 421: Refused, 422: Refused, 423: Refused, 424: Refused,
		425: Retry,
		426: Refused, 428: Refused,
		429: Retry,
		431: Refused, 451: Refused,
		500: Unsure,
		501: Refused,
		502: Unsure, 503: Unsure, 504: Unsure,
		505: Refused,
		506: Unsure, 507: Unsure, 508: Unsure, 510: Unsure, 511: Unsure,
		520: Unsure, 599: Unsure,
	}
	for status := 200; status < 600; status++ {
		if _, ok := want[status]; !ok && http.StatusText(status) != "" {
			t.Errorf("status %d is not in the table", status)
		}
	}
	for status, want := range want {
		resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}}
		e := classify(resp, []byte(`[]`), nil)
		switch {
		case e == nil && want != done:
			t.Errorf("%d: taken for done", status)
		case e != nil && e.Outcome != want:
			t.Errorf("%d: outcome %d, want %d", status, e.Outcome, want)
		}
	}
}

func TestClassifyDetails(t *testing.T) {
	tests := []struct {
		name    string
		status  int
		header  map[string]string
		body    string
		bodyErr error
		want    Outcome
		good    bool
		after   time.Duration
		says    string
	}{
		{name: "503 with seconds", status: 503, header: map[string]string{"Retry-After": "120"}, want: Retry, after: 2 * time.Minute},
		{name: "503 with date", status: 503, header: map[string]string{"Retry-After": "Sat, 21 Nov 2026 13:05:00 GMT", "Date": "Sat, 21 Nov 2026 13:00:00 GMT"}, want: Retry, after: 5 * time.Minute},
		{name: "503 with date gone by", status: 503, header: map[string]string{"Retry-After": "Sat, 21 Nov 2026 12:05:00 GMT", "Date": "Sat, 21 Nov 2026 13:00:00 GMT"}, want: Unsure},
		{name: "503 with date, no clock", status: 503, header: map[string]string{"Retry-After": "Sat, 21 Nov 2026 13:05:00 GMT"}, want: Unsure},
		{name: "503 with nonsense", status: 503, header: map[string]string{"Retry-After": "bald"}, want: Unsure},
		{name: "503 with years", status: 503, header: map[string]string{"Retry-After": "999999999"}, want: Retry, after: 24 * time.Hour},
		{name: "429 with seconds", status: 429, header: map[string]string{"Retry-After": "7"}, want: Retry, after: 7 * time.Second},
		{name: "429", status: 429, want: Retry},
		{name: "500 that means 401", status: 500, body: `[{"code":401,"description":"Unauthorized"}]`, want: Refused, says: "Unauthorized"},
		{name: "500 that means 403", status: 500, body: `{"errors":{"code":"403","description":"api_key"}}`, want: Refused, says: "api_key"},
		{name: "500 that means 500", status: 500, body: `[{"code":500,"description":"oops"}]`, want: Unsure, says: "oops"},
		{name: "200 with a web page", status: 200, header: map[string]string{"Content-Type": "text/html; charset=utf-8"}, body: "<html>", want: Unsure, says: "text/html"},
		{name: "200 with XML", status: 200, header: map[string]string{"Content-Type": "application/xml"}, body: "<service_requests/>", want: Unsure, says: "application/xml"},
		{name: "200 without type, list", status: 200, body: ` [{"a":1}]`, good: true},
		{name: "200 as text, object", status: 200, header: map[string]string{"Content-Type": "text/plain"}, body: `{}`, good: true},
		{name: "200 as text, words", status: 200, header: map[string]string{"Content-Type": "text/plain"}, body: `OK`, want: Unsure},
		{name: "200 broken off", status: 200, header: map[string]string{"Content-Type": "application/json"}, body: `[`, bodyErr: fmt.Errorf("unexpected EOF"), want: Unsure, says: "broke off"},
		{name: "400 broken off may have said that it exists", status: 400, body: `[`, bodyErr: fmt.Errorf("unexpected EOF"), want: Unsure, says: "broke off"},
		{name: "400 of the adapter", status: 400, body: `[{"code":400,"description":"Error in input"},{"code":400,"description":"no value given for api_key"}]`, want: Refused, says: "answered 400: Error in input; no value given for api_key"},
		{name: "400 of FixMyStreet", status: 400, body: `{"errors":{"code":400,"description":"Bad request: api_key"}}`, want: Refused, says: "Bad request: api_key"},
		{name: "403 of codefornl", status: 403, body: `{"type":"forbidden","code":"middleware_15","message":"No key"}`, want: Refused, says: "No key"},
		{name: "error of Klarschiff", status: 422, body: `{"error_messages":[{"code":422,"description":"E-Mail fehlt"}]}`, want: Refused, says: "E-Mail fehlt"},
		{name: "error of Mark-a-Spot", status: 400, body: `{"error":{"message":"103 - service_code"}}`, want: Refused, says: "103 - service_code"},
		{name: "plain words", status: 403, body: "Forbidden\n", want: Refused, says: "answered 403: Forbidden"},
		{name: "web page", status: 502, body: "<html><h1>Bad Gateway</h1></html>", want: Unsure, says: "answered 502"},
		{name: "endless words", status: 400, body: `[{"description":"` + strings.Repeat("ü", 5000) + `"}]`, want: Refused, says: "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := &http.Response{StatusCode: tt.status, Header: http.Header{}}
			for k, v := range tt.header {
				resp.Header.Set(k, v)
			}
			e := classify(resp, []byte(tt.body), tt.bodyErr)
			if tt.good {
				if e != nil {
					t.Fatalf("got %v", e)
				}
				return
			}
			if e == nil {
				t.Fatal("taken for done")
			}
			if e.Outcome != tt.want || e.After != tt.after || !strings.Contains(e.msg, tt.says) || len(e.msg) > 1000 {
				t.Errorf("got %+v", e)
			}
		})
	}
}

// A body is never able to crash the reader, and a record is only what has been told.
func FuzzRecords(f *testing.F) {
	for _, s := range []string{
		`[{"service_request_id":1}]`, `{"service_requests":{"request":{"service_request_id":"17-2026"}}}`, `{"data":{},"success":true}`,
		`{"errors":{"code":400,"description":"x"}}`, `[[]]`, `[null]`, `null`, `{"requests":null}`, `[{"service_request_id":["7"]}]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := records(body)
		if err != nil && all != nil {
			t.Errorf("records and an error: %v, %v", all, err)
		}
		if n := len([]rune(serverText(body))); n > 301 {
			t.Errorf("text of %d runes", n)
		}
		keyRefused(body)
	})
}
