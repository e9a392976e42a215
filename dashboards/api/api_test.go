package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"meldefunk/city"
	"meldefunk/city/visitor"
	"meldefunk/dashboards/api"
	"meldefunk/tickets/profile/profiletest"
)

// TestDocument holds every address against the document: what it answers, and that there is
// none that one of both does not know.
func TestDocument(t *testing.T) {
	s, inv := osnabrueck(t)
	a := build(t, options(t, s, inv))
	judge := profiletest.New(t, api.Document(), as(program(visitor.AllPermissions()...), a))
	want := map[string][]string{
		"getDocument": {"/openapi.json"}, "getStatus": {"/status"}, "listQuantities": {"/quantities"},
		"listAssets": {"/assets", "/assets?kind=bin&district=Innenstadt&tour=5&q=DOM", "/assets?limit=1"}, "getAsset": {"/assets/PK-1", "/assets/SP-1%2F2"},
		"listReadings": {"/assets/PK-1/readings", "/assets/BM-1/readings?order=asc&limit=2&from=2026-11-21T00:00:00Z&to=2026-11-22T00:00:00%2B01:00"},
		"listLatest":   {"/readings/latest", "/readings/latest?kind=parking"},
		"listDevices":  {"/devices", "/devices?asset=PK-1&model=milesight/em310-udl"}, "getDevice": {"/devices/A840410001810000", "/devices/a840410001810002"},
		"listGateways": {"/gateways"}, "countSetAside": {"/set-aside"},
		"listTickets": {"/tickets", "/tickets?open=true", "/tickets?state=queued,closed&service=OS-ABF-01&rule=bin-full&q=voll"},
		"getTicket":   {"/tickets/S-CASE0001", "/tickets/S-CASE0006"}, "listDecisionsOfTicket": {"/tickets/S-CASE0001/decisions"},
		"listDecisions": {"/decisions", "/decisions?limit=2&after=3"}, "listRules": {"/rules"},
	}
	for operation, paths := range want {
		for _, path := range paths {
			w := get(judge, api.Base+path)
			if w.Code != http.StatusOK || judge.Seen()[operation] == 0 || strings.Contains(w.Body.String(), `"items":null`) {
				t.Errorf("%s %s: %d %s", operation, path, w.Code, w.Body)
			}
			r := httptest.NewRequest(http.MethodGet, api.Base+path, nil)
			r.Header.Set("If-None-Match", w.Header().Get("ETag"))
			again := httptest.NewRecorder()
			judge.ServeHTTP(again, r)
			if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
				t.Errorf("%s: asked again: %d %s", path, again.Code, again.Body)
			}
		}
	}
	for operation := range judge.Seen() {
		if want[operation] == nil {
			t.Errorf("operation %s is in the document, and nobody tried it", operation)
		}
	}
	doc, err := profiletest.Load(api.Document())
	if err != nil {
		t.Fatal(err)
	}
	for path := range a.Routes() {
		item := doc.Paths.Find(path)
		if item == nil || item.Get == nil {
			t.Errorf("%s is not in the document", path)
			continue
		}
		if may := a.Routes()[path]; may != "" && !strings.Contains(item.Get.Description, "Takes `"+string(may)+"`") {
			t.Errorf("%s: the document says %q, and it takes %s", path, item.Get.Description, may)
		}
	}
	if got, want := doc.Paths.Len(), len(a.Routes()); got != want {
		t.Errorf("%d addresses in the document, and there are %d", got, want)
	}
}

// TestWhoMay sends everybody everywhere.
func TestWhoMay(t *testing.T) {
	s, inv := osnabrueck(t)
	a := build(t, options(t, s, inv))
	takes := map[string]visitor.Permission{
		"/openapi.json": "", "/status": visitor.ReadPlatform, "/quantities": visitor.ReadReadings, "/assets": visitor.ReadReadings, "/assets/PK-1": visitor.ReadReadings,
		"/assets/PK-1/readings": visitor.ReadReadings, "/readings/latest": visitor.ReadReadings, "/devices": visitor.ReadDevices,
		"/devices/a840410001810000": visitor.ReadDevices, "/gateways": visitor.ReadDevices, "/set-aside": visitor.ReadDevices, "/tickets": visitor.ReadTickets,
		"/tickets/S-CASE0001": visitor.ReadTickets, "/tickets/S-CASE0001/decisions": visitor.ReadTickets, "/decisions": visitor.ReadTickets, "/rules": visitor.ReadRules,
	}
	if len(takes)+1 != len(a.Routes()) { // /live has a test of its own
		t.Errorf("%d addresses are tried, and there are %d", len(takes), len(a.Routes()))
	}
	people := map[string]visitor.Visitor{"nobody": {}, "local": {Local: true, May: visitor.AllPermissions()}}
	for _, role := range visitor.Roles() {
		people[string(role)] = visitor.Visitor{Name: "Erika", Role: role, May: role.May()}
	}
	for _, p := range visitor.AllPermissions() {
		people[string(p)] = program(p)
	}
	for path, may := range takes {
		for name, v := range people {
			want := http.StatusOK
			if may != "" && !v.May.Have(may) {
				want = http.StatusForbidden
				if name == "nobody" {
					want = http.StatusUnauthorized
				}
			}
			w := get(as(v, a), api.Base+path)
			if w.Code != want || (want == http.StatusUnauthorized) != (w.Header().Get("WWW-Authenticate") != "") {
				t.Errorf("%s by %s: %d %s, want %d", path, name, w.Code, w.Header().Get("WWW-Authenticate"), want)
			}
		}
	}
	r := httptest.NewRequest(http.MethodGet, api.Base+"/assets", nil)
	r.Header.Set("Authorization", "bearer meldefunk_0000")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if got := w.Header().Get("WWW-Authenticate"); w.Code != http.StatusUnauthorized || !strings.Contains(got, `error="invalid_token"`) {
		t.Errorf("with a bad token: %d %s", w.Code, got)
	}
}

// TestDevicesAreTold only to those who may read devices, wherever they stand.
func TestDevicesAreTold(t *testing.T) {
	s, inv := osnabrueck(t)
	a := build(t, options(t, s, inv))
	for _, path := range []string{"/readings/latest", "/assets/PK-1/readings", "/decisions", "/tickets/S-CASE0001/decisions"} {
		for _, test := range []struct {
			may  []visitor.Permission
			told bool
		}{
			{[]visitor.Permission{visitor.ReadReadings, visitor.ReadTickets}, false},
			{[]visitor.Permission{visitor.ReadReadings, visitor.ReadTickets, visitor.ReadDevices}, true},
		} {
			body := get(as(program(test.may...), a), api.Base+path).Body.String()
			if strings.Contains(body, "a84041000181") != test.told || !strings.Contains(body, "93") && !strings.Contains(body, "fill_level") {
				t.Errorf("%s for %v: %s", path, test.may, body)
			}
		}
	}
}

// TestPages walks through every list with pages of every small size: the same entries come,
// once, in the same order.
func TestPages(t *testing.T) {
	s, inv := osnabrueck(t)
	a := as(program(visitor.AllPermissions()...), build(t, options(t, s, inv)))
	for path, want := range map[string]int{
		"/assets": 4, "/assets?district=Innenstadt": 2, "/readings/latest": 3, "/assets/PK-1/readings": 7, "/assets/PK-1/readings?order=asc": 7,
		"/assets/PK-1/readings?order=asc&from=2026-11-21T08:05:00Z&to=2026-11-21T11:05:00Z": 3, "/devices": 3, "/gateways": 3,
		"/tickets": 7, "/tickets?asset=PK-1&open=true": 6, "/decisions": 21, "/decisions?after=18": 3, "/assets?q=gibtesnicht": 0, "/assets/PK-2/readings": 0,
	} {
		t.Run(path, func(t *testing.T) {
			all, next := items(t, get(a, api.Base+path))
			if len(all) != want || next != "" {
				t.Fatalf("%d entries, next %q; want %d", len(all), next, want)
			}
			mark := "?"
			if strings.Contains(path, "?") {
				mark = "&"
			}
			for size := 1; size <= want+1; size++ {
				var got []map[string]any
				pages := 0
				for address := fmt.Sprintf("%s%s%slimit=%d", api.Base, path, mark, size); address != ""; pages++ {
					w := get(a, address)
					page, next := items(t, w)
					if len(page) > size || next != "" && w.Header().Get("Link") != "<"+next+`>; rel="next"` {
						t.Fatalf("%s: %d entries, next %q, Link %q", address, len(page), next, w.Header().Get("Link"))
					}
					got, address = append(got, page...), next
				}
				if !reflect.DeepEqual(got, all) && want > 0 || pages != max(1, (want+size-1)/size) {
					t.Errorf("in pages of %d: %d entries on %d pages", size, len(got), pages)
				}
			}
		})
	}
}

// TestValues looks into what is told of a reading.
func TestValues(t *testing.T) {
	s, inv := osnabrueck(t)
	a := as(program(visitor.ReadReadings), build(t, options(t, s, inv)))
	all, _ := items(t, get(a, api.Base+"/readings/latest"))
	got := map[any]any{}
	for _, r := range all {
		got[r["asset"]] = []any{r["values"], r["faults"], r["state"], r["time"], r["time_source"]}
	}
	const at = "2026-11-21T12:05:00Z"
	want := map[any]any{
		"PK-1":   []any{map[string]any{"fill_level": 60.0, "tilt": false}, nil, "ok", at, "gateway"},
		"BM-1":   []any{map[string]any{}, []any{"probe_broken"}, "fault", at, "gateway"},
		"SP-1/2": []any{map[string]any{"occupied": false}, nil, "ok", at, "gateway"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestProblems(t *testing.T) {
	s, inv := osnabrueck(t)
	a := build(t, options(t, s, inv))
	judge := profiletest.New(t, api.Document(), as(program(visitor.AllPermissions()...), a))
	tests := []struct {
		path, parameter, detail string
		status                  int
	}{
		{"/assets?color=red", "color", "is not known here; there are kind, district, tour, q, limit, cursor", 400},
		{"/rules?kind=bin", "kind", "is not known here, nor is any other", 400},
		{"/assets?limit=0", "limit", "want a whole number from 1 to 1000", 400},
		{"/assets?limit=1001", "limit", "want a whole number", 400},
		{"/assets?limit=viele", "limit", `"viele"`, 400},
		{"/assets?kind=tree", "kind", "want one of [bin soil", 400},
		{"/assets?kind=bin&kind=soil", "kind", "comes 2 times", 400},
		{"/assets?q=" + strings.Repeat("x", 201), "q", "longer than 200 bytes", 400},
		{"/assets?cursor=%21", "cursor", "is none of ours", 400},
		{"/assets?cursor=", "cursor", "is none of ours", 400},
		{"/assets?q=%zz", "", "is broken", 400},
		{"/assets/PK-1/readings?cursor=eHg", "cursor", "is none of ours", 400},
		{"/assets/PK-1/readings?cursor=MS54", "cursor", "is none of ours", 400},
		{"/assets/PK-1/readings?from=gestern", "from", "like 2026-11-21T13:05:00Z", 400},
		{"/assets/PK-1/readings?from=0001-01-01T00:00:00Z", "from", "want a time", 400},
		{"/assets/PK-1/readings?from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z", "to", "is before from", 400},
		{"/assets/PK-1/readings?order=up", "order", "want desc", 400},
		{"/assets/PK-9", "", "no such asset", 404},
		{"/assets/PK-9/readings", "", "no such asset", 404},
		{"/devices/a84041000181ffff", "", "hangs nowhere", 404},
		{"/devices/xyz", "", "is not an EUI", 404},
		{"/tickets/S-NONE0000", "", "no case of this reference", 404},
		{"/tickets/S-NONE0000/decisions", "", "no case of this reference", 404},
		{"/tickets?open=ja", "open", "want true or false", 400},
		{"/tickets?state=offen", "state", `"offen": want some of [held`, 400},
		{"/decisions?after=-1", "after", "want the number", 400},
		{"/decisions?cursor=eHg", "cursor", "is none of ours", 400},
		{"/nothing", "", "openapi.json", 404},
		{"", "", "openapi.json", 404},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			w := get(judge, api.Base+test.path)
			var p struct {
				Title, Detail, Instance, Parameter string
				Status                             int
			}
			err := json.Unmarshal(w.Body.Bytes(), &p)
			if err != nil || w.Code != test.status || p.Status != test.status || p.Title != http.StatusText(test.status) || p.Parameter != test.parameter ||
				!strings.Contains(p.Detail, test.detail) || p.Instance != api.Base+strings.Split(test.path, "?")[0] || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s, %v", w.Code, w.Body, err)
			}
		})
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(method, api.Base+"/assets", strings.NewReader("{}")))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

// broken is a store that fails.
type broken struct {
	api.Store
	err error
}

func (b broken) Latest(context.Context) ([]city.Reading, error) { return nil, b.err }

func TestTroubleIsNotTold(t *testing.T) {
	s, inv := osnabrueck(t)
	for want, err := range map[int]error{500: errors.New("disk /dev/sda is full"), 503: fmt.Errorf("read: %w", context.DeadlineExceeded)} {
		w := get(as(program(visitor.ReadReadings), build(t, options(t, broken{s, err}, inv))), api.Base+"/readings/latest")
		if w.Code != want || strings.Contains(w.Body.String(), "sda") {
			t.Errorf("%d %s, want %d", w.Code, w.Body, want)
		}
	}
}

func TestMissingOptions(t *testing.T) {
	s, inv := osnabrueck(t)
	whole := options(t, s, inv)
	for name, spoil := range map[string]func(*api.Options){
		"Store": func(o *api.Options) { o.Store = nil }, "Inventory": func(o *api.Options) { o.Inventory = nil }, "Rules": func(o *api.Options) { o.Rules = nil },
		"Hub": func(o *api.Options) { o.Hub = nil }, "Ready": func(o *api.Options) { o.Ready = nil }, "Now": func(o *api.Options) { o.Now = nil },
	} {
		o := whole
		spoil(&o)
		if _, err := api.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// FuzzQuery sends whatever may stand behind the ?: every answer is one that the document has.
func FuzzQuery(f *testing.F) {
	s, inv := osnabrueck(f)
	a := as(program(visitor.AllPermissions()...), build(f, options(f, s, inv)))
	paths := slices.Sorted(maps.Keys(map[string]int{"/assets": 0, "/readings/latest": 0, "/assets/PK-1/readings": 0, "/devices": 0, "/tickets": 0, "/decisions": 0, "/gateways": 0}))
	for i, seed := range []string{"limit=2&cursor=UEstMQ", "kind=bin&q=%C3%A4", "from=2026-11-21T00:00:00Z&order=asc&cursor=MTc5NTI2OTkwMDAwMDAwMDAwMC4x", "limit=-1&limit=2", "state=open,closed&open=true", "after=9223372036854775807", "%", "cursor=AA;x"} {
		f.Add(i, seed)
	}
	f.Fuzz(func(t *testing.T, n int, query string) {
		r := httptest.NewRequest(http.MethodGet, api.Base+paths[int(uint(n)%uint(len(paths)))], nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", r.URL, w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %s", r.URL, w.Body)
		}
	})
}
