package profile

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxForm bounds what is posted, in bytes: 4000 characters of four bytes, each escaped as
// twelve, and some room.
const maxForm = 64 << 10

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
		all[i] = problem{status, text}
	}
	reply(w, status, all)
}

func notFound(w http.ResponseWriter, words string) { refuse(w, http.StatusNotFound, words) }

// query reads the arguments of a GET; false: it was refused.
func (s *Server) query(w http.ResponseWriter, r *http.Request, known ...string) (url.Values, bool) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		refuse(w, http.StatusBadRequest, "Adresse: "+err.Error())
		return nil, false
	}
	return q, allowed(w, q, known) && s.jurisdiction(w, q)
}

// form reads the arguments of a POST and checks the key; false: it was refused.
func (s *Server) form(w http.ResponseWriter, r *http.Request, required []string, optional ...string) (url.Values, bool) {
	typ, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || typ != "application/x-www-form-urlencoded" || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		refuse(w, http.StatusBadRequest, "Content-Type muss application/x-www-form-urlencoded; charset=utf-8 sein")
		return nil, false
	}
	if r.URL.RawQuery != "" {
		refuse(w, http.StatusBadRequest, "die Angaben eines POST gehören in seinen Inhalt, nicht in die Adresse")
		return nil, false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "Formular: "+err.Error())
		return nil, false
	}
	f := r.PostForm
	if subtle.ConstantTimeCompare([]byte(f.Get("api_key")), []byte(s.cfg.APIKey)) != 1 {
		refuse(w, http.StatusForbidden, "api_key fehlt oder gilt nicht")
		return nil, false
	}
	if !allowed(w, f, slices.Concat(required, optional, []string{"api_key"})) {
		return nil, false
	}
	var missing []string
	for _, name := range required {
		if f.Get(name) == "" {
			missing = append(missing, name+" fehlt")
		}
	}
	if len(missing) > 0 {
		refuse(w, http.StatusBadRequest, missing...)
		return nil, false
	}
	return f, s.jurisdiction(w, f)
}

// allowed refuses names it does not know, names that come twice, and what is not UTF-8.
func allowed(w http.ResponseWriter, v url.Values, known []string) bool {
	var wrong []string
	for name, values := range v {
		code, is := attribute(name)
		switch {
		case name != "jurisdiction_id" && !slices.Contains(known, name) && (!is || !slices.Contains(known, "attribute")):
			wrong = append(wrong, fmt.Sprintf("%.60q ist unbekannt", name))
		case is && !codePattern.MatchString(code):
			wrong = append(wrong, fmt.Sprintf("%.60q: gebraucht wird attribute[code]", name))
		case len(values) > 1:
			wrong = append(wrong, fmt.Sprintf("%.60q kommt mehrmals vor", name))
		case !utf8.ValidString(values[0]):
			wrong = append(wrong, fmt.Sprintf("%.60q ist nicht UTF-8", name))
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		refuse(w, http.StatusBadRequest, wrong[:min(len(wrong), 20)]...)
	}
	return len(wrong) == 0
}

// attribute takes "attribute[code]" apart.
func attribute(name string) (code string, is bool) {
	rest, is := strings.CutPrefix(name, "attribute[")
	code, closed := strings.CutSuffix(rest, "]")
	return code, is && closed
}

func (s *Server) jurisdiction(w http.ResponseWriter, v url.Values) bool {
	given := v.Get("jurisdiction_id")
	switch {
	case s.cfg.JurisdictionID == "" || given == s.cfg.JurisdictionID:
		return true
	case given == "":
		refuse(w, http.StatusBadRequest, "jurisdiction_id fehlt")
	default:
		notFound(w, "jurisdiction_id: diese Stadt gibt es hier nicht")
	}
	return false
}
