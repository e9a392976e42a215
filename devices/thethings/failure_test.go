package thethings

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city/lorawan/enrol"
	"meldefunk/devices/thethings/thethingstest"
)

// says is a cluster that gives the same answer to everything.
func says(status int, header map[string]string, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		for k, v := range header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func details(code int, name, message, attributes string) string {
	return fmt.Sprintf(`{"code":%d,"message":"error:pkg/x:%s (%s)","details":[{"@type":"type.googleapis.com/ttn.lorawan.v3.ErrorDetails","namespace":"pkg/x","name":%q,"attributes":%s,"code":%d}]}`,
		code, name, message, name, attributes, code)
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.Handler
		kind   enrol.Kind
		says   []string
	}{
		{"wrong key", says(401, nil, details(16, "unauthenticated", "unauthenticated", "{}")), enrol.Unauthorized, []string{"answered 401", "the API key is not valid there"}},
		{"right missing", says(403, nil, details(7, "insufficient_application_rights", "insufficient rights", `{"missing":["RIGHT_APPLICATION_DEVICES_READ_KEYS"]}`)),
			enrol.Unauthorized, []string{"give the API key the rights it lacks: RIGHT_APPLICATION_DEVICES_READ_KEYS"}},
		{"no rights at all", says(403, nil, details(7, "no_application_rights", "no rights", "{}")), enrol.Unauthorized, []string{"look at its id and at the key"}},
		{"application unknown", says(404, nil, details(5, "application_not_found", "application not found", "{}")), enrol.Missing, []string{"application not found"}},
		{"path unknown", says(404, nil, `{"code":5,"message":"Not Found","details":[]}`), enrol.Missing, []string{"no such registry at 127.0.0.1"}},
		{"not The Things Stack", says(404, map[string]string{"Content-Type": "text/html"}, "<html>nginx</html>"), enrol.Missing, []string{"look at the addresses"}},
		{"a web page", says(200, map[string]string{"Content-Type": "text/html"}, "<html>Willkommen</html>"), enrol.Missing, []string{`"text/html" in place of JSON`}},
		{"other JSON", says(200, nil, `{"end_devices":"none"}`), enrol.Missing, []string{"not what The Things Stack says"}},
		{"endless", says(200, nil, `"`+strings.Repeat("x", maxBody)+`"`), enrol.Missing, []string{"longer than 1048576 bytes"}},
		{"moved", says(308, map[string]string{"Location": "https://elsewhere.example/"}, ""), enrol.Missing, []string{`a redirect to "https://elsewhere.example/"`}},
		{"registry switched off", says(501, nil, `{"code":12,"message":"unknown service","details":[]}`), enrol.Missing, []string{"no such registry"}},
		{"invalid", says(400, nil, details(3, "field_value", "invalid value", `{"field":"frequency_plan_id"}`)), enrol.Refused, []string{"answered 400", "field frequency_plan_id"}},
		{"forbidden paths", says(400, nil, details(3, "field_mask_paths", "forbidden path(s)", `{"forbidden_paths":["a","b"]}`)), enrol.Refused, []string{"a, b"}},
		{"reason in the cause", says(400, nil, `{"code":3,"message":"error:x:y (bad)","details":[{"name":"y","attributes":{},"cause":{"name":"z","attributes":{"field":"lorawan_version","reason":"unknown value"}}}]}`),
			enrol.Refused, []string{"field lorawan_version", "reason unknown value"}},
		{"transaction lost", says(409, nil, details(10, "transaction_failed", "transaction failed", "{}")), enrol.Unreachable, nil},
		{"down", says(503, map[string]string{"Retry-After": "120"}, "no"), enrol.Unreachable, []string{"try again in 2m0s"}},
		{"too many for too long", says(429, map[string]string{"X-Rate-Limit-Retry": "3600"}, "{}"), enrol.Unreachable, []string{"answered 429", "try again in 1h0m0s"}},
		{"a proxy's time ran out", says(408, nil, ""), enrol.Unreachable, nil},
		{"key quoted", says(400, nil, `{"code":3,"message":"`+strings.Repeat("x", 290)+apiKey+` `+strings.ToUpper(nwkHex)+`"}`), enrol.Refused, []string{"<sec"}},
		{"hangs up", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), enrol.Unreachable, nil},
		{"breaks off", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		}), enrol.Unreachable, []string{"the answer broke off"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl, _ := dial(t, c.answer, nil)
			wantKind(t, cl.Enrol(background(t), bin(t)), c.kind, append(c.says, "device a840410001810001: look up in the identity server: ")...)
			_, err := cl.Compare(background(t), bin(t))
			wantKind(t, err, c.kind, c.says...)
			wantKind(t, cl.Remove(background(t), bin(t).DevEUI), c.kind, c.says...)
		})
	}
}

// TestRights takes one right after the other from the key.
func TestRights(t *testing.T) {
	for _, right := range allRights() {
		t.Run(right, func(t *testing.T) {
			c := start(t, nil)
			c.Grant(apiKey, appID, slices.DeleteFunc(allRights(), func(r string) bool { return r == right })...)
			wantKind(t, c.Enrol(background(t), bin(t)), enrol.Unauthorized, "the rights it lacks: "+right)
		})
	}
	t.Run("another application", func(t *testing.T) {
		c := start(t, func(cfg *Config) { cfg.Application = "nachbarstadt" })
		wantKind(t, c.Enrol(background(t), bin(t)), enrol.Unauthorized, "no rights on this application")
	})
	t.Run("another cluster's key", func(t *testing.T) {
		c := start(t, nil)
		c.key = "NNSXS.CANARYOTHER"
		wantKind(t, c.Enrol(background(t), bin(t)), enrol.Unauthorized, "not valid there")
	})
}

// TestPatience counts how long the client waits when there are too many requests.
func TestPatience(t *testing.T) {
	put := func(retry int) thethingstest.Fault {
		return thethingstest.Fault{Registry: thethingstest.Join, Method: http.MethodPut, Status: http.StatusTooManyRequests, Retry: retry}
	}
	t.Run("waits as told", func(t *testing.T) {
		c := start(t, nil)
		c.Fail(put(7))
		c.Fail(put(0))
		if err := c.Enrol(background(t), bin(t)); err != nil {
			t.Fatal(err)
		}
		if want := []time.Duration{7 * time.Second, time.Second}; !slices.Equal(c.pauses, want) {
			t.Errorf("waited %v, want %v", c.pauses, want)
		}
		settled(t, c, bin(t))
	})
	t.Run("gives up in the end", func(t *testing.T) {
		c := start(t, nil)
		for range 3 {
			c.Fail(put(25))
		}
		wantKind(t, c.Enrol(background(t), bin(t)), enrol.Unreachable, "set in the join server: answered 429", "try again in 25s")
		if want := []time.Duration{25 * time.Second, 25 * time.Second}; !slices.Equal(c.pauses, want) {
			t.Errorf("waited %v, want %v", c.pauses, want)
		}
	})
	t.Run("says how long to wait", func(t *testing.T) {
		c := start(t, nil)
		for range 3 {
			c.Fail(put(25))
		}
		e := (*enrol.Error)(nil)
		if err := c.Enrol(background(t), bin(t)); !errors.As(err, &e) || e.After != 25*time.Second {
			t.Errorf("error %v", err)
		}
	})
	t.Run("not past the end of the context", func(t *testing.T) {
		c := start(t, nil)
		ctx, cancel := context.WithCancel(background(t))
		c.pause = func(ctx context.Context, d time.Duration) error {
			cancel()
			return pause(ctx, d)
		}
		c.Fail(put(50))
		wantKind(t, c.Enrol(ctx, bin(t)), enrol.Unreachable, "set in the join server: context canceled")
	})
}

func TestAddresses(t *testing.T) {
	s := thethingstest.New("EU_863_870_TTN")
	s.Grant(apiKey, appID, allRights()...)
	var elsewhere []string
	identity := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere = append(elsewhere, r.Method+" "+r.URL.Path)
		s.ServeHTTP(w, r)
	}))
	defer identity.Close()
	c, _ := dial(t, s, func(cfg *Config) {
		cfg.IdentityServer = strings.Replace(identity.URL, "127.0.0.1", "localhost", 1) + "/"
		cfg.JoinServer = strings.Replace(cfg.Address, "127.0.0.1", "localhost", 1)
	})
	if err := c.Enrol(background(t), bin(t)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"GET /api/v3/search/applications/stadt-sensorik/devices", "POST /api/v3/applications/stadt-sensorik/devices"}; !slices.Equal(elsewhere, want) {
		t.Errorf("the identity server got %q, want %q", elsewhere, want)
	}
	got := s.Get(thethingstest.Identity, binID)
	if got["join_server_address"] != "localhost" || got["network_server_address"] != "127.0.0.1" {
		t.Errorf("addresses %v and %v, want localhost and 127.0.0.1", got["join_server_address"], got["network_server_address"])
	}
}

func TestTLS(t *testing.T) {
	s := thethingstest.New("EU_863_870_TTN")
	s.Grant(apiKey, appID, allRights()...)
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, ca string
		kind     enrol.Kind
	}{{"trusted", ca, ""}, {"not trusted", "", enrol.Unreachable}} {
		t.Run(c.name, func(t *testing.T) {
			cl, _ := dial(t, s, func(cfg *Config) { cfg.Address, cfg.CAFile = server.URL, c.ca })
			err := cl.Enrol(background(t), bin(t))
			if c.kind != "" {
				wantKind(t, err, c.kind, "certificate")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSlow ends a request by the settings.
func TestSlow(t *testing.T) {
	release := make(chan struct{})
	c, _ := dial(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }), func(cfg *Config) { cfg.Timeout = time.Second })
	defer close(release)
	wantKind(t, c.Enrol(background(t), bin(t)), enrol.Unreachable, "Timeout")
}

// FuzzAnswer feeds whatever a server may say to the client.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "application/json", `{"end_devices":[{"ids":{"device_id":"eui-a840410001810001","dev_eui":"A840410001810001","join_eui":"A000000000000101"},"attributes":{"model":"x"}}]}`)
	f.Add(200, "application/json", `{"root_keys":{"app_key":{"key":"C0FFEE00C0FFEE00C0FFEE00C0FFEE01"},"nwk_key":null}}`)
	f.Add(403, "application/json", details(7, "insufficient_application_rights", "x", `{"missing":["a",1,null]}`))
	f.Add(409, "application/json", details(6, "end_device_euis_taken", "x", `{"device_id":"a","application_id":["b"]}`))
	f.Add(429, "text/plain", "\xff\xfe")
	f.Add(404, "", `{"details":[{"cause":{"cause":{}}}]}`)
	cfg := DefaultConfig()
	cfg.Application, cfg.Address = appID, "https://tts.example"
	c := &Client{cfg: cfg, sites: cfg.sites(), key: apiKey, pause: func(context.Context, time.Duration) error { return nil }}
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}, "Retry-After": {body}, "Location": {body}}}
		asked := false
		c.http = &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			asked = true
			resp.Request, resp.Body = req, io.NopCloser(strings.NewReader(body))
			return resp, nil
		}), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		if _, err := c.Compare(t.Context(), fuzzBin()); err != nil {
			if strings.Contains(err.Error(), apiKey) {
				t.Errorf("error %q holds the API key", err)
			}
			if enrol.KindOf(err) == "" {
				t.Errorf("error %q has no kind", err)
			}
		}
		if !asked {
			t.Error("nothing was asked")
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
