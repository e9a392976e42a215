package answer_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"meldefunk/city/answer"
)

func TestSend(t *testing.T) {
	long, short := strings.Repeat("Behälter ", 1000), "kurz"
	var s answer.Sender
	ask := func(method, body string, header map[string]string) *http.Response {
		r := httptest.NewRequest(method, "/", nil)
		for name, value := range header {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		s.Send(w, r, "text/plain; charset=utf-8", []byte(body))
		return w.Result()
	}
	tag := ask("GET", long, nil).Header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) || ask("GET", short, nil).Header.Get("ETag") == tag {
		t.Fatalf("tag %s", tag)
	}
	tests := []struct {
		name, method, body string
		header             map[string]string
		status             int
		packed, bodiless   bool
	}{
		{"plain", "GET", long, nil, 200, false, false},
		{"packed", "GET", long, map[string]string{"Accept-Encoding": "br, gzip"}, 200, true, false},
		{"weighed", "GET", long, map[string]string{"Accept-Encoding": "gzip;q=0.5"}, 200, true, false},
		{"refused", "GET", long, map[string]string{"Accept-Encoding": "gzip;q=0, *"}, 200, false, false},
		{"broken weight", "GET", long, map[string]string{"Accept-Encoding": "gzip;q=viel"}, 200, false, false},
		{"whatever", "GET", long, map[string]string{"Accept-Encoding": "*"}, 200, true, false},
		{"not worth it", "GET", short, map[string]string{"Accept-Encoding": "gzip"}, 200, false, false},
		{"known", "GET", long, map[string]string{"If-None-Match": `"alt", ` + tag}, 304, false, true},
		{"known as a strong one", "GET", long, map[string]string{"If-None-Match": strings.TrimPrefix(tag, "W/")}, 304, false, true},
		{"anything is known", "GET", long, map[string]string{"If-None-Match": "*"}, 304, false, true},
		{"another is known", "GET", long, map[string]string{"If-None-Match": `W/"alt"`}, 200, false, false},
		{"head", "HEAD", long, map[string]string{"Accept-Encoding": "gzip"}, 200, true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resp := ask(test.method, test.body, test.header)
			defer resp.Body.Close()
			if resp.StatusCode != test.status || (resp.Header.Get("Content-Encoding") == "gzip") != test.packed || resp.Header.Get("ETag") == "" || resp.Header.Get("Vary") != "Accept-Encoding" {
				t.Fatalf("%d, %v", resp.StatusCode, resp.Header)
			}
			var body io.Reader = resp.Body
			if test.packed && !test.bodiless {
				z, err := gzip.NewReader(body)
				if err != nil {
					t.Fatal(err)
				}
				body = z
			}
			got, err := io.ReadAll(body)
			want := test.body
			if test.bodiless {
				want = ""
			}
			if err != nil || string(got) != want {
				t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
			}
		})
	}
}
