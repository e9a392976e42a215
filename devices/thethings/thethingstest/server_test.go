package thethingstest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

const (
	app    = "/api/v3/applications/stadt/devices"
	device = "/applications/stadt/devices/eui-a840410001810001"
	names  = `"ids":{"device_id":"eui-a840410001810001","application_ids":{"application_id":"stadt"},"dev_eui":"A840410001810001","join_eui":"A000000000000101"}`
)

// TestServer asks for what must be refused, one after the other on one cluster.
func TestServer(t *testing.T) {
	s := New("EU_863_870")
	s.Grant("key", "stadt", Read, Write, ReadKeys, WriteKeys)
	s.Grant("reader", "stadt", Read)
	put := func(fields, mask string) string {
		return `{"end_device":{` + names + fields + `},"field_mask":{"paths":[` + mask + `]}}`
	}
	const good = `,"supports_join":true,"lorawan_version":"MAC_V1_0_3","lorawan_phy_version":"PHY_V1_0_3_REV_A","frequency_plan_id":"EU_863_870"`
	const goodMask = `"supports_join","lorawan_version","lorawan_phy_version","frequency_plan_id"`
	for _, c := range []struct {
		name, key, method, path, body string
		status                        int
		says                          string
	}{
		{"no key", "", "GET", "/api/v3" + device, "", 401, "unauthenticated"},
		{"unknown key", "x", "GET", "/api/v3" + device, "", 401, "unauthenticated"},
		{"foreign application", "key", "GET", "/api/v3/applications/other/devices/abc", "", 403, "no_application_rights"},
		{"no such path", "key", "GET", "/api/v3/qs/applications/stadt/devices/abc", "", 404, `"details":[]`},
		{"network server before identity server", "key", "PUT", "/api/v3/ns" + device, put(good, goodMask), 400, "identity server"},
		{"unknown field", "key", "POST", app, `{"end_device":{` + names + `,"nick":"x"}}`, 400, "nick"},
		{"unknown field in a field", "key", "POST", app, `{"end_device":{` + names + `,"root_keys":{"app_key":{"kee":"x"}}}}`, 400, "root_keys.app_key.kee"},
		{"wrong type", "key", "POST", app, `{"end_device":{` + names + `,"name":7}}`, 400, "name"},
		{"mask when creating", "key", "POST", app, put(`,"name":"x"`, `"name"`), 400, "field_mask"},
		{"wrong ids", "key", "POST", app, `{"end_device":{` + strings.Replace(names, "stadt", "dorf", 1) + `}}`, 400, "in the path"},
		{"wrong EUI", "key", "POST", app, `{"end_device":{` + strings.Replace(names, "A840410001810001", "a84", 1) + `}}`, 400, "ids.dev_eui"},
		{"reader writes", "reader", "POST", app, `{"end_device":{` + names + `}}`, 403, Write},
		{"good", "key", "POST", app, `{"end_device":{` + names + `,"name":"x"}}`, 200, `"name":"x"`},
		{"again", "key", "POST", app, `{"end_device":{` + names + `}}`, 409, "id_taken"},
		{"EUIs again", "key", "POST", app, `{"end_device":{` + strings.Replace(names, "eui-a8", "abc", 1) + `}}`, 409, `"device_id":"eui-a840410001810001"`},
		{"field of another registry", "key", "PUT", "/api/v3" + device, put(`,"supports_join":true`, `"supports_join"`), 400, "forbidden_paths"},
		{"no mask", "key", "PUT", "/api/v3" + device, put(`,"name":"y"`, ""), 400, "names nothing"},
		{"field without mask", "key", "PUT", "/api/v3" + device, put(`,"name":"y","description":"d"`, `"description"`), 200, `"description":"d"`},
		{"was not stored", "key", "GET", "/api/v3" + device + "?field_mask=name", "", 200, `"name":"x"`},
		{"searched", "key", "GET", "/api/v3/search" + "/applications/stadt/devices?dev_eui_contains=A840410001810001&field_mask=name", "", 200, `"name":"x"`},
		{"searched by something else", "key", "GET", "/api/v3/search/applications/stadt/devices?query=x", "", 400, "query"},
		{"zero key", "key", "PUT", "/api/v3/js" + device, put(`,"root_keys":{"app_key":{"key":"00000000000000000000000000000000"}}`, `"root_keys.app_key.key"`), 400, "root_keys.app_key.key"},
		{"no key in the mask's place", "key", "PUT", "/api/v3/js" + device, put("", `"root_keys.app_key.key"`), 400, "root_keys.app_key.key"},
		{"two keys", "key", "PUT", "/api/v3/js" + device, put(`,"root_keys":{"app_key":{"key":"000102030405060708090A0B0C0D0E0F"},"nwk_key":{"key":"000102030405060708090A0B0C0D0E0F"}}`,
			`"root_keys.app_key.key","root_keys.nwk_key.key"`), 200, "root_keys"},
		{"empty envelope", "key", "PUT", "/api/v3/js" + device, put("", `"root_keys.nwk_key.key"`), 400, "empty envelope"},
		{"reader reads keys", "reader", "GET", "/api/v3/js" + device + "?field_mask=root_keys.app_key.key", "", 403, ReadKeys},
		{"another JoinEUI", "key", "PUT", "/api/v3/js" + device, strings.Replace(put(`,"net_id":"000013"`, `"net_id"`), "A000000000000101", "A000000000000102", 1), 400, "read_only_field"},
		{"unknown plan", "key", "PUT", "/api/v3/ns" + device, put(strings.Replace(good, "EU_863_870", "EU_433", 1), goodMask), 400, "frequency_plan_id"},
		{"without version", "key", "PUT", "/api/v3/ns" + device, put(good, `"supports_join","frequency_plan_id","lorawan_phy_version"`), 400, "lorawan_version"},
		{"network server", "key", "PUT", "/api/v3/ns" + device, put(good, goodMask), 200, "supports_join"},
		{"identity server first", "key", "DELETE", "/api/v3" + device, "", 400, "still stands in"},
		{"gone", "key", "DELETE", "/api/v3/as" + device, "", 404, "not_found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			if c.key != "" {
				r.Header.Set("Authorization", "Bearer "+c.key)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%d %s, want %d with %q", w.Code, w.Body, c.status, c.says)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type %q", got)
			}
		})
	}
	if got := s.Ignored(); !slices.Equal(got, []string{"is name"}) {
		t.Errorf("ignored %v, want the name that was sent without mask", got)
	}
	if len(s.Seen()) == 0 || s.Count(Identity) != 1 {
		t.Error("nothing was counted")
	}
}

func TestFault(t *testing.T) {
	s := New()
	s.Grant("key", "stadt", Read)
	s.Fail(Fault{Registry: Join, Method: http.MethodGet, Status: 429, Retry: 3})
	for i, want := range []int{429, 404} {
		r := httptest.NewRequest("GET", "/api/v3/js"+device, nil)
		r.Header.Set("Authorization", "Bearer key")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != want || want == 429 && w.Header().Get("X-Rate-Limit-Retry") != "3" {
			t.Errorf("request %d: %d %v, want %d", i, w.Code, w.Header(), want)
		}
	}
}
