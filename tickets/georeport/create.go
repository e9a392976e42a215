package georeport

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	firstID        = 1001
	maxDescription = 4000 // characters
	notice         = "Stellvertreter, keine echte Meldung"
)

// create answers POST requests.json.
func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	f, ok := s.form(w, r,
		s.required(),
		[]string{"lat", "long", "address_string", "address_id", "email", "device_id", "account_id",
			"first_name", "last_name", "phone", "description", "media_url", "attribute"})
	if !ok {
		return
	}
	req := &Request{
		Service:     f.Get("service_code"),
		Description: f.Get("description"),
		Lat:         f.Get("lat"),
		Long:        f.Get("long"),
		Address:     f.Get("address_string"),
		Attributes:  map[string]string{},
	}
	for name := range f {
		if code, ok := strings.CutPrefix(name, "attribute["); ok {
			code, _, _ = strings.Cut(code, "]")
			req.Attributes[code] = strings.Join(f[name], ",")
		}
	}
	if wrong := req.problems(f.Get("address_id") != ""); len(wrong) > 0 {
		refuse(w, http.StatusBadRequest, wrong...)
		return
	}
	svc, ok := s.service(req.Service)
	if !ok {
		refuse(w, http.StatusNotFound, "service_code was not found")
		return
	}
	if wrong := svc.problems(req.Attributes); len(wrong) > 0 {
		refuse(w, http.StatusBadRequest, wrong...)
		return
	}
	if s.cfg.Habits.PostSearches {
		s.list(w, &http.Request{URL: &url.URL{}, Header: r.Header})
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	req.ID = firstID + len(s.requests)
	req.Requested = s.cfg.Now().UTC()
	req.Updated = req.Requested
	if err := s.journal.write(line{Request: req}); err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.requests = append(s.requests, req)
	answer := map[string]any{"service_notice": notice}
	if svc.Batch {
		answer["token"] = fmt.Sprintf("tok-%d", req.ID)
	} else {
		answer["service_request_id"] = s.number(req.ID)
	}
	reply(w, http.StatusOK, []any{answer})
}

func (q *Request) problems(hasAddressID bool) []string {
	var wrong []string
	if !codePattern.MatchString(q.Service) {
		wrong = append(wrong, "service_code does not match [A-Za-z0-9_-]+")
	}
	if (q.Lat == "") != (q.Long == "") {
		wrong = append(wrong, "lat and long go together")
	}
	if q.Lat == "" && q.Long == "" && q.Address == "" && !hasAddressID {
		wrong = append(wrong, "one of lat and long, address_string, address_id is required")
	}
	if !degrees(q.Lat, 90) || !degrees(q.Long, 180) {
		wrong = append(wrong, "lat or long is not a position in degrees")
	}
	if n := utf8.RuneCountInString(q.Description); n > maxDescription {
		wrong = append(wrong, fmt.Sprintf("description has %d characters, at most %d are allowed", n, maxDescription))
	}
	if !utf8.ValidString(q.Description) || !utf8.ValidString(q.Address) {
		wrong = append(wrong, "text is not UTF-8")
	}
	return wrong
}

func degrees(s string, limit float64) bool {
	if s == "" {
		return true
	}
	v, err := strconv.ParseFloat(s, 64)
	return err == nil && v >= -limit && v <= limit
}

// token answers GET tokens/{token}.json: nothing at first, as the request is "on its way".
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.query(w, r); !ok {
		return
	}
	name, ok := strings.CutSuffix(r.PathValue("token"), ".json")
	id, err := strconv.Atoi(strings.TrimPrefix(name, "tok-"))
	s.mu.Lock()
	defer s.mu.Unlock()
	req := s.byID(id)
	if !ok || err != nil || req == nil {
		notFound(w)
		return
	}
	if svc, _ := s.service(req.Service); !svc.Batch {
		notFound(w)
		return
	}
	req.lookups++
	if empty := s.cfg.Habits.TokenAfter; empty < 0 || req.lookups <= max(empty, 1) {
		reply(w, http.StatusOK, []any{})
		return
	}
	reply(w, http.StatusOK, []any{map[string]any{"service_request_id": s.number(req.ID), "token": name}})
}

// required are the arguments that a create must have.
func (s *Server) required() []string {
	if s.cfg.Habits.Email {
		return []string{"service_code", "email"}
	}
	return []string{"service_code"}
}

// problems looks at the attributes of a create. Those that are not declared are taken
// without a word, as strict servers do.
func (s Service) problems(given map[string]string) []string {
	var wrong []string
	for _, a := range s.Attributes {
		v, ok := given[a.Code]
		_, err := strconv.ParseFloat(v, 64)
		_, err2 := parseDate(v)
		switch {
		case !ok && a.Required:
			wrong = append(wrong, "no value given for required attribute "+a.Code)
		case !ok:
		case a.Datatype == "number" && err != nil, a.Datatype == "datetime" && err2 != nil,
			strings.HasSuffix(a.Datatype, "valuelist") && !slices.Contains(a.Values, v):
			wrong = append(wrong, fmt.Sprintf("attribute %s: %.40q is not a %s", a.Code, v, a.Datatype))
		}
	}
	return wrong
}
