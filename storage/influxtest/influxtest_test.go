package influxtest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseVersion(t *testing.T) {
	tests := []struct {
		name, line string
		major      int
		minor      int
		ok, v2     bool
	}{
		{"Debian 12", "InfluxDB v1.6.7~rc0 (git: unknown unknown)\n", 1, 6, true, false},
		{"1.8", "InfluxDB v1.8.10 (git: 1.8 688e697c51fd)\n", 1, 8, true, true},
		{"go install", "InfluxDB vunknown (git: unknown unknown)\n", 1, 8, true, true},
		{"too old", "InfluxDB v1.5.2 (git: 1.5 02d7d4f043b3)", 1, 5, false, false},
		{"another generation", "InfluxDB v2.7.1 (git: 407fa622e9)", 2, 7, false, false},
		{"something else", "mosquitto version 2.0.11", 0, 0, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseVersion(tt.line)
			if ok != tt.ok || got.major != tt.major || got.minor != tt.minor || ok && got.speaksV2() != tt.v2 {
				t.Errorf("got %+v, %v", got, ok)
			}
		})
	}
}

// post sends lines as a 2.x client would.
func post(t *testing.T, s *Server, path, authorization string, body io.Reader, gzipped bool) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	if gzipped {
		req.Header.Set("Content-Encoding", "gzip")
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestFrontIsAsStrictAsTheRealThing(t *testing.T) {
	s := Start(t)
	if s.Direct() {
		t.Skip("this influxd speaks the 2.x interface itself; the front is not in use")
	}
	token := "Token " + s.Token
	tests := []struct {
		name, path, authorization, body string
		status                          int
		says                            string
	}{
		{"a line", "/api/v2/write?org=stadt&bucket=meldefunk&precision=ns", token, "a,b=c d=1 1", 204, ""},
		{"bearer", "/api/v2/write?org=stadt&bucket=meldefunk", "Bearer " + s.Token, "a,b=c d=1 2", 204, ""},
		{"nothing", "/api/v2/write?org=stadt&bucket=meldefunk", token, "", 204, ""},
		{"no token", "/api/v2/write?org=stadt&bucket=meldefunk", "", "a d=1 1", 401, "unauthorized access"},
		{"wrong token", "/api/v2/write?org=stadt&bucket=meldefunk", token + "x", "a d=1 1", 401, "unauthorized access"},
		{"wrong org", "/api/v2/write?org=land&bucket=meldefunk", token, "a d=1 1", 404, `organization name \"land\" not found`},
		{"wrong bucket", "/api/v2/write?org=stadt&bucket=other", token, "a d=1 1", 404, `bucket \"other\" not found`},
		{"wrong precision", "/api/v2/write?org=stadt&bucket=meldefunk&precision=n", token, "a d=1 1", 400, "invalid precision"},
		{"1.x parameter", "/api/v2/write?org=stadt&bucket=meldefunk&db=x", token, "a d=1 1", 400, `parameter \"db\"`},
		{"no line", "/api/v2/write?org=stadt&bucket=meldefunk", token, "so what", 400, "unable to parse"},
		{"type conflict", "/api/v2/write?org=stadt&bucket=meldefunk", token, "a,b=c d=true 3", 400, "field type conflict"},
		{"no queries", "/api/v2/query?org=stadt", token, "from(bucket:\"meldefunk\")", 404, "not found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, text := post(t, s, tt.path, tt.authorization, strings.NewReader(tt.body), false)
			if status != tt.status || !strings.Contains(text, tt.says) {
				t.Errorf("got %d %s, want %d %s", status, text, tt.status, tt.says)
			}
		})
	}
	if rows := s.Readings(t, "a"); len(rows) != 2 || rows[0].Tags["b"] != "c" || rows[0].Fields["d"] != 1.0 {
		t.Errorf("stored: %+v", rows)
	}
}

func TestGzipPasses(t *testing.T) {
	s := Start(t)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprint(z, `m,k=v f=0,g=7i,h=false,i="x" 1700000000000000001`)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := "/api/v2/write?org=stadt&bucket=meldefunk&precision=ns"
	if status, text := post(t, s, path, "Token "+s.Token, &b, true); status != 204 {
		t.Fatal(status, text)
	}
	rows := s.Readings(t, "m")
	if len(rows) != 1 || rows[0].Time.UnixNano() != 1700000000000000001 ||
		fmt.Sprint(rows[0].Fields) != "map[f:0 g:7 h:false i:x]" || fmt.Sprint(rows[0].Tags) != "map[k:v]" {
		t.Errorf("stored: %+v", rows)
	}
}

func TestDeadMeansDead(t *testing.T) {
	s := Start(t)
	path := "/api/v2/write?org=stadt&bucket=meldefunk"
	for i, end := range []func(){s.Stop, s.Kill} {
		if status, text := post(t, s, path, "Token "+s.Token, strings.NewReader(fmt.Sprintf("a f=1 %d", i+1)), false); status != 204 {
			t.Fatal(status, text)
		}
		end()
		if status, text := post(t, s, path, "Token "+s.Token, strings.NewReader("a f=1 9"), false); status != 0 || !strings.Contains(text, "connection refused") {
			t.Errorf("a dead server answered %d %s", status, text)
		}
		before := s.URL
		s.Restart()
		if s.URL != before {
			t.Errorf("address changed from %s to %s", before, s.URL)
		}
		if rows := s.Readings(t, "a"); len(rows) != i+1 {
			t.Errorf("after restart %d: %+v", i, rows)
		}
	}
}
