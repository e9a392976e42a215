package open311

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// Every status code, as answer to a create: may it have been done?
func TestClassifyStatus(t *testing.T) {
	const done = city.Outcome(99)
	want := map[int]city.Outcome{
		200: done, 201: done, 202: done, 203: city.Unsure, 204: city.Unsure, 205: city.Unsure, 206: city.Unsure, 207: city.Unsure, 208: city.Unsure, 226: city.Unsure,
		300: city.Retry, 301: city.Retry, 302: city.Unsure, 303: city.Unsure, 304: city.Retry, 305: city.Retry, 307: city.Retry, 308: city.Retry,
		400: city.Refused, 401: city.Retry, 402: city.Refused, 403: city.Retry, 404: city.Refused, 405: city.Refused, 406: city.Refused, 407: city.Retry,
		408: city.Unsure,
		409: city.Refused, 410: city.Refused, 411: city.Refused, 412: city.Refused, 413: city.Refused, 414: city.Refused, 415: city.Refused, 416: city.Refused,
		417: city.Refused, 418: city.Refused, 421: city.Refused, 422: city.Refused, 423: city.Refused, 424: city.Refused,
		425: city.Retry,
		426: city.Refused, 428: city.Refused,
		429: city.Retry,
		431: city.Refused, 451: city.Refused,
		500: city.Unsure,
		501: city.Refused,
		502: city.Unsure, 503: city.Unsure, 504: city.Unsure,
		505: city.Refused,
		506: city.Unsure, 507: city.Unsure, 508: city.Unsure, 510: city.Unsure, 511: city.Unsure,
		520: city.Unsure, 599: city.Unsure,
	}
	for status := 200; status < 600; status++ {
		if _, ok := want[status]; !ok && http.StatusText(status) != "" {
			t.Errorf("status %d is not in the table", status)
		}
	}
	for status, want := range want {
		resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}}
		_, v := classify(resp, []byte(`[]`), nil)
		switch {
		case v == nil && want != done:
			t.Errorf("%d: taken for done", status)
		case v != nil && v.outcome != want:
			t.Errorf("%d: outcome %s, want %s", status, v.outcome, want)
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
		want    city.Outcome
		good    bool
		after   time.Duration
		says    string
	}{
		{name: "503 with seconds", status: 503, header: map[string]string{"Retry-After": "120"}, want: city.Retry, after: 2 * time.Minute},
		{name: "503 with date", status: 503, header: map[string]string{"Retry-After": "Sat, 21 Nov 2026 13:05:00 GMT", "Date": "Sat, 21 Nov 2026 13:00:00 GMT"}, want: city.Retry, after: 5 * time.Minute},
		{name: "503 with date gone by", status: 503, header: map[string]string{"Retry-After": "Sat, 21 Nov 2026 12:05:00 GMT", "Date": "Sat, 21 Nov 2026 13:00:00 GMT"}, want: city.Unsure},
		{name: "503 with date, no clock", status: 503, header: map[string]string{"Retry-After": "Sat, 21 Nov 2026 13:05:00 GMT"}, want: city.Unsure},
		{name: "503 with nonsense", status: 503, header: map[string]string{"Retry-After": "bald"}, want: city.Unsure},
		{name: "503 with years", status: 503, header: map[string]string{"Retry-After": "999999999"}, want: city.Retry, after: 24 * time.Hour},
		{name: "429 with seconds", status: 429, header: map[string]string{"Retry-After": "7"}, want: city.Retry, after: 7 * time.Second},
		{name: "429", status: 429, want: city.Retry},
		{name: "500 that means 401", status: 500, body: `[{"code":401,"description":"Unauthorized"}]`, want: city.Retry, says: "Unauthorized"},
		{name: "500 that means 403", status: 500, body: `{"errors":{"code":"403","description":"api_key"}}`, want: city.Retry, says: "api_key"},
		{name: "500 that means 500", status: 500, body: `[{"code":500,"description":"oops"}]`, want: city.Unsure, says: "oops"},
		{name: "200 with a web page", status: 200, header: map[string]string{"Content-Type": "text/html; charset=utf-8"}, body: "<html>", want: city.Unsure, says: "text/html"},
		{name: "200 with XML", status: 200, header: map[string]string{"Content-Type": "application/xml"}, body: "<service_requests/>", good: true},
		{name: "200 with XML that breaks off", status: 200, header: map[string]string{"Content-Type": "text/xml"}, body: "<service_requests>", want: city.Unsure, says: "not XML"},
		{name: "200 with XHTML", status: 200, header: map[string]string{"Content-Type": "application/xhtml+xml"}, body: "<html/>", want: city.Unsure, says: "xhtml"},
		{name: "200 without type, list", status: 200, body: ` [{"a":1}]`, good: true},
		{name: "200 as text, object", status: 200, header: map[string]string{"Content-Type": "text/plain"}, body: `{}`, good: true},
		{name: "200 as text, words", status: 200, header: map[string]string{"Content-Type": "text/plain"}, body: `OK`, want: city.Unsure},
		{name: "200 broken off", status: 200, header: map[string]string{"Content-Type": "application/json"}, body: `[`, bodyErr: fmt.Errorf("unexpected EOF"), want: city.Unsure, says: "broke off"},
		{name: "400 broken off may have said that it exists", status: 400, body: `[`, bodyErr: fmt.Errorf("unexpected EOF"), want: city.Unsure, says: "broke off"},
		{name: "400 of the adapter", status: 400, body: `[{"code":400,"description":"Error in input"},{"code":400,"description":"no value given for api_key"}]`, want: city.Retry, says: "answered 400: Error in input; no value given for api_key"},
		{name: "400 of FixMyStreet", status: 400, body: `{"errors":{"code":400,"description":"Bad request: api_key"}}`, want: city.Retry, says: "Bad request: api_key"},
		{name: "403 of codefornl", status: 403, body: `{"type":"forbidden","code":"middleware_15","message":"No key"}`, want: city.Retry, says: "No key"},
		{name: "error of Klarschiff", status: 422, body: `{"error_messages":[{"code":422,"description":"E-Mail fehlt"}]}`, want: city.Refused, says: "E-Mail fehlt"},
		{name: "error of Mark-a-Spot", status: 400, body: `{"error":{"message":"103 - service_code"}}`, want: city.Refused, says: "103 - service_code"},
		{name: "403 of codefornl that means the service", status: 403, body: `[{"code":403,"description":"ServiceCodeError -- No service_code, or no valid service_code provided"}]`, want: city.Refused, says: "ServiceCodeError"},
		{name: "404 for the jurisdiction", status: 404, body: `[{"code":404,"description":"jurisdiction_id was not found"}]`, want: city.Retry, says: "jurisdiction_id"},
		{name: "404 for the service", status: 404, body: `[{"code":404,"description":"service_code was not found"}]`, want: city.Refused},
		{name: "XML of FixMyStreet", status: 400, body: `<?xml version="1.0"?><errors><error><code>400</code><description>Bad request: not found</description></error></errors>`, want: city.Refused, says: "Bad request: not found"},
		{name: "XML of Klarschiff", status: 500, body: `<error_messages type="array"><error_message><code>401</code><description>no access</description></error_message></error_messages>`, want: city.Retry, says: "no access"},
		{name: "plain words", status: 403, body: "Forbidden\n", want: city.Retry, says: "answered 403: Forbidden"},
		{name: "web page", status: 502, body: "<html><h1>Bad Gateway</h1></html>", want: city.Unsure, says: "answered 502"},
		{name: "endless words", status: 400, body: `[{"description":"` + strings.Repeat("ü", 5000) + `"}]`, want: city.Refused, says: "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := &http.Response{StatusCode: tt.status, Header: http.Header{}}
			for k, v := range tt.header {
				resp.Header.Set(k, v)
			}
			_, e := classify(resp, []byte(tt.body), tt.bodyErr)
			if tt.good {
				if e != nil {
					t.Fatalf("got %v", e)
				}
				return
			}
			if e == nil {
				t.Fatal("taken for done")
			}
			if e.outcome != tt.want || e.after != tt.after || !strings.Contains(e.msg, tt.says) || len(e.msg) > 1000 {
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
		`<service_requests><request><service_request_id>1</service_request_id></request></service_requests>`, `<a><b/><b>x</b></a>`, `<a`,
	} {
		f.Add([]byte(s))
	}
	c := &Client{flavour: Flavours()["klarschiff"]}
	f.Fuzz(func(t *testing.T, body []byte) {
		if tree, err := parse(body); err == nil {
			all, err := c.records(tree)
			if err != nil && all != nil {
				t.Errorf("records and an error: %v, %v", all, err)
			}
			attributes(tree)
			saysCode(tree, "401")
		}
		if n := len([]rune(serverText(body))); n > 301 {
			t.Errorf("text of %d runes", n)
		}
	})
}
