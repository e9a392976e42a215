package georeport

import (
	"fmt"
	"net/http"
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
		[]string{"service_code"},
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
		answer["service_request_id"] = req.ID
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
	if req.lookups < 2 {
		reply(w, http.StatusOK, []any{})
		return
	}
	reply(w, http.StatusOK, []any{map[string]any{"service_request_id": req.ID, "token": name}})
}
