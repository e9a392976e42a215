package georeport

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxForm bounds what is posted, in bytes: 4000 characters of four bytes, each escaped as
// twelve, and some room.
const maxForm = 64 << 10

// problem is one element of an error answer.
type problem struct {
	Code        int    `json:"code"`
	Description string `json:"description"`
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	// The only error possible is that nobody listens any more.
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, words ...string) {
	all := make([]problem, len(words))
	for i, text := range words {
		all[i] = problem{Code: status, Description: text}
	}
	reply(w, status, all)
}

func notFound(w http.ResponseWriter) { refuse(w, http.StatusNotFound, "Resource not found") }

// query reads the arguments of a GET; false: it was refused.
func (s *Server) query(w http.ResponseWriter, r *http.Request, known ...string) (url.Values, bool) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		refuse(w, http.StatusBadRequest, "query: "+err.Error())
		return nil, false
	}
	return q, s.allowed(w, q, known) && s.jurisdiction(w, q)
}

// refuseKey answers a wrong key.
func (s *Server) refuseKey(w http.ResponseWriter) {
	if s.cfg.Habits.KeyInBody {
		reply(w, http.StatusInternalServerError, []problem{{http.StatusUnauthorized, "Zugriff verweigert"}})
		return
	}
	refuse(w, http.StatusForbidden, "api_key is not valid")
}

// form reads the arguments of a POST and checks the key; false: it was refused.
func (s *Server) form(w http.ResponseWriter, r *http.Request, required, optional []string) (url.Values, bool) {
	if typ, params, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil ||
		typ != "application/x-www-form-urlencoded" || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		refuse(w, http.StatusBadRequest, "Content-Type must be application/x-www-form-urlencoded; charset=utf-8")
		return nil, false
	}
	if r.URL.RawQuery != "" {
		refuse(w, http.StatusBadRequest, "arguments of a POST belong in its body")
		return nil, false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "form: "+err.Error())
		return nil, false
	}
	f := r.PostForm
	if !s.allowed(w, f, slices.Concat(required, optional, []string{"api_key"})) {
		return nil, false
	}
	var missing []string
	for _, name := range append([]string{"api_key"}, required...) {
		if f.Get(name) == "" {
			missing = append(missing, "no value given for required entry "+name)
		}
	}
	if len(missing) > 0 {
		refuse(w, http.StatusBadRequest, missing...)
		return nil, false
	}
	if f.Get("api_key") != s.cfg.APIKey {
		s.refuseKey(w)
		return nil, false
	}
	return f, s.jurisdiction(w, f)
}

// allowed refuses names it does not know and names that come twice.
func (s *Server) allowed(w http.ResponseWriter, v url.Values, known []string) bool {
	var wrong []string
	for name, values := range v {
		attribute := strings.HasPrefix(name, "attribute[") && slices.Contains(known, "attribute")
		switch {
		case s.cfg.Habits.Lenient:
		case name != "jurisdiction_id" && !attribute && !slices.Contains(known, name):
			wrong = append(wrong, fmt.Sprintf("found unexpected entry %.60q", name))
		case len(values) > 1 && !attribute:
			wrong = append(wrong, "more than one value for "+name)
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		refuse(w, http.StatusBadRequest, wrong...)
	}
	return len(wrong) == 0
}

func (s *Server) jurisdiction(w http.ResponseWriter, v url.Values) bool {
	given := v.Get("jurisdiction_id")
	switch {
	case s.cfg.JurisdictionID == "" || given == s.cfg.JurisdictionID:
		return true
	case s.cfg.Habits.PageOnError:
		webPage(w)
	case given == "":
		refuse(w, http.StatusBadRequest, "jurisdiction_id was not provided")
	default:
		refuse(w, http.StatusNotFound, "jurisdiction_id was not found")
	}
	return false
}

// datePattern is W3C date and time with zone; fractions of a second are not taken.
var datePattern = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$`)

func parseDate(s string) (time.Time, error) {
	if datePattern.MatchString(s) {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a date: want 2006-01-02T15:04:05Z", s)
}

func writeDate(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
