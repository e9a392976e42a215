package georeport

import (
	"fmt"
	"net/http"
	"net/url"
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
			"metadata": strconv.FormatBool(len(svc.Attributes) > 0), "type": typ, "keywords": "", "group": svc.Group,
		})
	}
	reply(w, http.StatusOK, all)
}

// definition answers GET services/{code}.json.
func (s *Server) definition(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.query(w, r); !ok {
		return
	}
	code, _ := strings.CutSuffix(r.PathValue("code"), ".json")
	svc, _ := s.service(code)
	if len(svc.Attributes) == 0 {
		notFound(w)
		return
	}
	all := []any{}
	for i, a := range svc.Attributes {
		values := []any{}
		for _, v := range a.Values {
			values = append(values, map[string]any{"key": v, "name": v})
		}
		all = append(all, map[string]any{
			"code": a.Code, "variable": "true", "datatype": a.Datatype, "required": strconv.FormatBool(a.Required), "order": i + 1,
			"description": a.Code, "datatype_description": "", "values": values,
		})
	}
	reply(w, http.StatusOK, map[string]any{"service_code": svc.Code, "attributes": all})
}

// get answers GET requests/{id}.json with a list of one.
func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.query(w, r); !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	req := s.inPath(r)
	if req == nil && s.cfg.Habits.EmptyUnknown {
		reply(w, http.StatusOK, []any{})
		return
	}
	if req == nil {
		notFound(w)
		return
	}
	reply(w, http.StatusOK, []any{s.shown(req)})
}

// list answers GET requests.json: the last 90 days or the first 1000, whichever is less.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	h := s.cfg.Habits
	q, ok := s.query(w, r, "service_request_id", "service_code", "start_date", "end_date", "status", h.Page, h.Size)
	if !ok {
		return
	}
	ids, codes, states := commas(q.Get("service_request_id")), commas(q.Get("service_code")), commas(q.Get("status"))
	if h.OneOnly && (len(ids) > 1 || len(states) > 1) {
		refuse(w, http.StatusInternalServerError, "Interner Fehler")
		return
	}
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
	since, err := h.since(q)
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
	skip, most := h.window(q)
	for _, req := range s.requests {
		if len(ids) > 0 { // overrides all other arguments
			if slices.Contains(ids, fmt.Sprint(s.number(req.ID))) {
				all = append(all, s.shown(req))
			}
			continue
		}
		at := req.Requested.Truncate(time.Second)
		outside := at.Before(from) || at.After(to)
		if h.SwappedDates {
			outside = q.Has("start_date") && !at.Before(from) || q.Has("end_date") && !at.After(to)
		}
		if outside || req.Updated.Truncate(time.Second).Before(since) ||
			h.Text != "" && !strings.Contains(req.Description, q.Get(h.Text)) ||
			len(codes) > 0 && !slices.Contains(codes, req.Service) ||
			len(states) > 0 && !slices.Contains(states, req.status()) {
			continue
		}
		all = append(all, s.shown(req))
	}
	all = all[min(skip, len(all)):]
	reply(w, http.StatusOK, all[:min(most, len(all))])
}

// since reads the argument that asks for what has changed.
func (h Habits) since(q url.Values) (time.Time, error) {
	if h.Since == "" || q.Get(h.Since) == "" {
		return time.Time{}, nil
	}
	t, err := parseDate(q.Get(h.Since))
	if err != nil {
		return t, fmt.Errorf("%s: %w", h.Since, err)
	}
	return t, nil
}

// window tells how many to leave out and how many to give. What makes no sense is taken
// for nothing.
func (h Habits) window(q url.Values) (skip, most int) {
	number := func(name string) int {
		n, err := strconv.Atoi(q.Get(name))
		if name == "" || err != nil || n < 0 {
			return 0
		}
		return n
	}
	most = maxList
	if h.Most > 0 {
		most = h.Most
	}
	if n := number(h.Size); n > 0 {
		most = min(n, most)
	}
	skip = number(h.Offset)
	if n := number(h.Page); n > 1 {
		skip = (n - 1) * most
	}
	return skip, most
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
	h := s.cfg.Habits
	description := q.Description
	if h.Hidden != "" && !q.Released {
		description = h.Hidden
	}
	if h.Bare {
		return map[string]any{
			"service_request_id": s.number(q.ID), "status": q.status(), "description": description,
			"requested_datetime": writeDate(q.Requested), "updated_datetime": writeDate(q.Updated),
			"lat": rounded(q.Lat), "long": rounded(q.Long),
		}
	}
	all := map[string]any{
		"service_request_id": s.number(q.ID), "status": q.status(), "status_notes": q.Notes,
		"service_name": svc.Name, "service_code": q.Service, "description": description,
		"requested_datetime": writeDate(q.Requested), "updated_datetime": writeDate(q.Updated),
		"address": q.Address, "address_id": "", "zipcode": "", "lat": q.Lat, "long": q.Long, "media_url": "",
	}
	if h.Updates == "patch" {
		word := q.Word
		if word == "" {
			word = "RECEIVED"
		}
		all["extended_attributes"] = map[string]any{"detailed_status": word}
	}
	return all
}

// rounded gives degrees as a server that keeps them in 32 bits.
func rounded(degrees string) float64 {
	v, err := strconv.ParseFloat(degrees, 32)
	if err != nil {
		return 0
	}
	return v
}
