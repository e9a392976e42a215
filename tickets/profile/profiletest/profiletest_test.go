package profiletest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"meldefunk/tickets/profile"
	"meldefunk/tickets/profile/profiletest"
)

// later keeps a Judge's errors from being those of the test.
type later struct{ testing.TB }

func (later) Cleanup(func()) {}

// Every kind of disagreement is noticed, so that silence means something.
func TestJudgeNotices(t *testing.T) {
	const good = `[{"service_request_id":"1","status":"open","service_code":"A","requested_datetime":"2026-11-21T13:05:07Z","updated_datetime":"2026-11-21T13:05:07Z"}]`
	const form = "api_key=k&service_code=A&description=x&address_string=y"
	tests := []struct {
		name    string
		path    string
		form    string
		status  int
		answer  string
		wrong   string // "": nothing
		refused bool
	}{
		{name: "all is well", path: "/requests.json", status: 200, answer: good},
		{name: "a create", path: "/requests.json", form: form + "&attribute[ref]=S-7K3QF2PA", status: 200, answer: `[{"service_request_id":"1"}]`},
		{name: "rightly refused", path: "/requests.json?page=0", status: 400, answer: `[{"code":400,"description":"x"}]`, refused: true},
		{name: "a number for a text", path: "/requests.json", status: 200, answer: strings.Replace(good, `"1"`, `1`, 1), wrong: "does not promise"},
		{name: "a field is missing", path: "/requests.json", status: 200, answer: `[{"service_request_id":"1"}]`, wrong: "does not promise"},
		{name: "a time without zone", path: "/requests.json", status: 200, answer: strings.ReplaceAll(good, "07Z", "07"), wrong: "does not promise"},
		{name: "an unknown field", path: "/requests.json", status: 200, answer: strings.Replace(good, `"status"`, `"secret":1,"status"`, 1), wrong: `no field "secret"`},
		{name: "two created", path: "/requests.json", form: form, status: 200, answer: `[{"service_request_id":"1"},{"service_request_id":"2"}]`, wrong: "does not promise"},
		{name: "an error in another shape", path: "/requests.json", status: 500, answer: `{"error":"x"}`, wrong: "does not promise"},
		{name: "took an unknown argument", path: "/requests.json?q=x", status: 200, answer: good, wrong: `"q" is not declared`},
		{name: "took a bad reference", path: "/requests.json", form: form + "&attribute[ref]=x", status: 200, answer: `[{"service_request_id":"1"}]`, wrong: "does not allow"},
		{name: "took an unknown field", path: "/requests.json", form: form + "&title=x", status: 200, answer: `[{"service_request_id":"1"}]`, wrong: `"title" is not declared`},
		{name: "took a create without description", path: "/requests.json", form: "api_key=k&service_code=A", status: 200, answer: `[{"service_request_id":"1"}]`, wrong: "does not allow"},
		{name: "an operation of its own", path: "/notes.json", status: 200, answer: `[]`, wrong: "no such operation"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := profiletest.New(later{t}, profile.Document(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.answer)
			}))
			r := httptest.NewRequest(http.MethodGet, tt.path, nil)
			if tt.form != "" {
				r = httptest.NewRequest(http.MethodPost, tt.path, strings.NewReader(tt.form))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			w := httptest.NewRecorder()
			j.ServeHTTP(w, r)
			if w.Code != tt.status || w.Body.String() != tt.answer {
				t.Errorf("passed on %d %s", w.Code, w.Body)
			}
			wrong := strings.Join(j.Wrong(), "\n")
			if (wrong != "") != (tt.wrong != "") || !strings.Contains(wrong, tt.wrong) {
				t.Errorf("found %q, want %q", wrong, tt.wrong)
			}
			if (len(j.Refused()) > 0) != tt.refused {
				t.Errorf("refused %q", j.Refused())
			}
		})
	}
}
