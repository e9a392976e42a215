package georeport

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxSpan = 90 * 24 * time.Hour // GeoReport v2: the longest span, and the default one
	maxList = 1000
)

func (s *Server) listServices(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.query(w, r); !ok {
		return
	}
	all := []any{}
	for _, svc := range s.cfg.Services {
		typ := "realtime"
		if svc.Batch {
			typ = "batch"
		}
		all = append(all, map[string]any{
			"service_code": svc.Code, "service_name": svc.Name, "description": svc.Name,
			"metadata": "false", "type": typ, "keywords": "", "group": svc.Group,
		})
	}
	reply(w, http.StatusOK, all)
}

// definition answers GET services/{code}.json: no service here has one.
func (s *Server) definition(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.query(w, r); ok {
		notFound(w)
	}
}

// get answers GET requests/{id}.json with a list of one.
func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.query(w, r); !ok {
		return
	}
	name, ok := strings.CutSuffix(r.PathValue("id"), ".json")
	id, err := strconv.Atoi(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	req := s.byID(id)
	if !ok || err != nil || req == nil {
		notFound(w)
		return
	}
	reply(w, http.StatusOK, []any{s.shown(req)})
}

// list answers GET requests.json: the last 90 days or the first 1000, whichever is less.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	q, ok := s.query(w, r, "service_request_id", "service_code", "start_date", "end_date", "status")
	if !ok {
		return
	}
	ids, codes, states := commas(q.Get("service_request_id")), commas(q.Get("service_code")), commas(q.Get("status"))
	var wrong []string
	for _, c := range slices.Concat(ids, codes) {
		if !codePattern.MatchString(c) {
			wrong = append(wrong, fmt.Sprintf("%.60q does not match [A-Za-z0-9_-]+", c))
		}
	}
	for _, st := range states {
		if st != "open" && st != "closed" {
			wrong = append(wrong, fmt.Sprintf("status %.60q: want open or closed", st))
		}
	}
	from, to, err := span(q.Get("start_date"), q.Get("end_date"), s.cfg.Now())
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	if len(wrong) > 0 {
		refuse(w, http.StatusBadRequest, wrong...)
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	all := []any{}
	for _, req := range s.requests {
		if len(all) == maxList {
			break
		}
		if len(ids) > 0 { // overrides all other arguments
			if slices.Contains(ids, strconv.Itoa(req.ID)) {
				all = append(all, s.shown(req))
			}
			continue
		}
		at := req.Requested.Truncate(time.Second)
		if at.Before(from) || at.After(to) ||
			len(codes) > 0 && !slices.Contains(codes, req.Service) ||
			len(states) > 0 && !slices.Contains(states, req.status()) {
			continue
		}
		all = append(all, s.shown(req))
	}
	reply(w, http.StatusOK, all)
}

// span reads the two ends of a list. What is not given is chosen so that the span is 90
// days.
func span(start, end string, now time.Time) (from, to time.Time, err error) {
	if start != "" {
		if from, err = parseDate(start); err != nil {
			return from, to, fmt.Errorf("start_date: %w", err)
		}
	}
	if end != "" {
		if to, err = parseDate(end); err != nil {
			return from, to, fmt.Errorf("end_date: %w", err)
		}
	}
	switch {
	case start == "" && end == "":
		return now.Add(-maxSpan), now, nil
	case start == "":
		return to.Add(-maxSpan), to, nil
	case end == "":
		return from, from.Add(maxSpan), nil
	case to.Before(from) || to.Sub(from) > maxSpan:
		return from, to, fmt.Errorf("start_date and end_date: want a span of at most 90 days")
	}
	return from, to, nil
}

func commas(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func (q *Request) status() string {
	if q.Closed {
		return "closed"
	}
	return "open"
}

// shown is a request as GET gives it: numbers for ids, strings for positions.
func (s *Server) shown(q *Request) map[string]any {
	svc, _ := s.service(q.Service)
	return map[string]any{
		"service_request_id": q.ID, "status": q.status(), "status_notes": q.Notes,
		"service_name": svc.Name, "service_code": q.Service, "description": q.Description,
		"requested_datetime": writeDate(q.Requested), "updated_datetime": writeDate(q.Updated),
		"address": q.Address, "address_id": "", "zipcode": "", "lat": q.Lat, "long": q.Long, "media_url": "",
	}
}
