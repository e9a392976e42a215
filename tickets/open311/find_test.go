package open311

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"meldefunk/city"
)

func item(id, words string) string {
	return fmt.Sprintf(`{"service_request_id":%q,"description":%q}`, id, words)
}

// What is asked: each status apart, first by date, then without, then in all categories.
func TestFindAsks(t *testing.T) {
	e := serve(t, func(_ int, w http.ResponseWriter, _ sent) { writeJSON(w, 200, `[]`) })
	cfg := config(t, e.url)
	cfg.JurisdictionID = "os"
	id, found, err := client(t, cfg, nobody).Find(t.Context(), order())
	if id != "" || found || err != nil {
		t.Fatalf("got %q, %v, %v", id, found, err)
	}
	var got []string
	for _, c := range e.seen() {
		if c.method != "GET" || c.path != "/requests.json" {
			t.Errorf("%s %s", c.method, c.path)
		}
		got = append(got, c.args.Encode())
	}
	want := []string{
		"jurisdiction_id=os&service_code=3.2+a%3Ab&start_date=2026-11-21T12%3A55%3A07Z&status=open",
		"jurisdiction_id=os&service_code=3.2+a%3Ab&start_date=2026-11-21T12%3A55%3A07Z&status=closed",
		"jurisdiction_id=os&service_code=3.2+a%3Ab&status=open",
		"jurisdiction_id=os&service_code=3.2+a%3Ab&status=closed",
		"jurisdiction_id=os&start_date=2026-11-21T12%3A55%3A07Z&status=open",
		"jurisdiction_id=os&start_date=2026-11-21T12%3A55%3A07Z&status=closed",
	}
	if !slices.Equal(got, want) {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFindAnswers(t *testing.T) {
	theirs := func(_ context.Context, id string) (string, bool, error) { return "S-ANDERER", id == "9", nil }
	tests := []struct {
		name   string
		body   string
		linked Linked
		id     string
		says   string
	}{
		{name: "among others", body: `[` + item("1", "voll") + `,` + item("2", "voll "+marker) + `]`, id: "2"},
		{name: "a server that ignores filters", body: `{"service_requests":[` + item("1", "[Ref S-00000000]") + `]}`},
		{name: "the ref alone is not the marker", body: `[` + item("1", "siehe "+ref) + `]`},
		{name: "in detail", body: `{"service_requests":[{"service_request_id":4,"title":"voll","detail":"x ` + marker + `"}]}`, id: "4"},
		{name: "two with one ref: the lower number", body: `[` + item("10", marker) + `,` + item("9a", marker) + `,` + item("100", marker) + `]`, id: "10"},
		{name: "belongs to another", body: `[` + item("9", "Folgemeldung zu "+marker) + `,` + item("12", marker) + `]`, linked: theirs, id: "12"},
		{name: "codefornl", body: `[{"service_request_id":1,"status":"open","description":"` + marker + `","requested_datetime":"2026-11-21T21:45:22+00:00","lat":52.27750015258789}]`, id: "1"},
		{name: "FixMyStreet", body: `{"service_requests":[{"service_request_id":1,"description":"` + marker + `","agency_responsible":{"recipient":["OSB"]}}]}`, id: "1"},
		{name: "null", body: `null`},
		{name: "no list", body: `{"success":true}`, says: "without service_request_id"},
		{name: "error with status 200", body: `{"errors":{"code":400,"description":"Bad request: not found"}}`, says: "not found"},
		{name: "not JSON", body: `[`, says: "not JSON"},
		{name: "cannot tell", body: `[` + item("9", marker) + `]`, linked: func(context.Context, string) (string, bool, error) { return "", false, errors.New("disk") }, says: "disk"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, func(_ int, w http.ResponseWriter, _ sent) { writeJSON(w, 200, tt.body) })
			linked := tt.linked
			if linked == nil {
				linked = nobody
			}
			id, found, err := client(t, config(t, e.url), linked).Find(t.Context(), order())
			if id != tt.id || found != (tt.id != "") || (err == nil) != (tt.says == "") {
				t.Fatalf("got %q, %v, %v", id, found, err)
			}
			if err != nil {
				if o := outcome(t, err); o.Outcome != city.Retry || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("outcome %v, error %q", o.Outcome, err)
				}
			}
		})
	}
}

// A server with start_date the wrong way round hides what is new; it is found all the same.
func TestFindDistrustsDates(t *testing.T) {
	e := serve(t, func(_ int, w http.ResponseWriter, c sent) {
		if c.args.Has("start_date") || c.args.Get("status") != "closed" {
			writeJSON(w, 200, `[]`)
			return
		}
		writeJSON(w, 200, `[`+item("5", marker)+`]`)
	})
	id, found, err := client(t, config(t, e.url), nobody).Find(t.Context(), order())
	if id != "5" || !found || err != nil {
		t.Errorf("got %q, %v, %v", id, found, err)
	}
}

func TestFindPages(t *testing.T) {
	tests := []struct {
		name string
		page func(n string) string
		id   string
		says string
	}{
		{"on the third", func(n string) string {
			return map[string]string{"1": `[` + item("1", "a") + `]`, "2": `[` + item("2", "b") + `]`, "3": `[` + item("3", marker) + `]`}[n]
		}, "3", ""},
		{"a server that does not know pages", func(string) string { return `[` + item("1", "a") + `]` }, "", ""},
		{"a list without end", func(n string) string { return `[` + item("1-"+n, "a") + `]` }, "", "more than 200 pages"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, func(_ int, w http.ResponseWriter, c sent) {
				body := tt.page(c.args.Get("page"))
				if body == "" {
					body = `[]`
				}
				writeJSON(w, 200, body)
			})
			cfg := config(t, e.url)
			cfg.Paging = PagingPage
			id, _, err := client(t, cfg, nobody).Find(t.Context(), order())
			if id != tt.id || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %q, %v", id, err)
			}
		})
	}
}

// A search that fails is never taken for an empty one, and never for a lost create.
func TestFindFailures(t *testing.T) {
	tests := []struct {
		status int
		want   city.Outcome
	}{{500, city.Retry}, {502, city.Retry}, {503, city.Retry}, {408, city.Retry}, {429, city.Retry}, {204, city.Retry}, {400, city.Refused}, {403, city.Retry}, {404, city.Refused}}
	for _, tt := range tests {
		e := serve(t, func(_ int, w http.ResponseWriter, _ sent) { w.WriteHeader(tt.status) })
		_, found, err := client(t, config(t, e.url), nobody).Find(t.Context(), order())
		if o := outcome(t, err); found || o.Outcome != tt.want {
			t.Errorf("%d: outcome %v, found %v", tt.status, o.Outcome, found)
		}
	}
	e := serve(t, func(int, http.ResponseWriter, sent) { panic(http.ErrAbortHandler) })
	_, _, err := client(t, config(t, e.url), nobody).Find(t.Context(), order())
	if o := outcome(t, err); o.Outcome != city.Retry {
		t.Errorf("hang up: outcome %v", o.Outcome)
	}
}
