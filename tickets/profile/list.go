package profile

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.query(w, r); !ok {
		return
	}
	id, ok := strings.CutSuffix(r.PathValue("id"), ".json")
	s.mu.Lock()
	defer s.mu.Unlock()
	req := s.byID(id)
	if !ok || req == nil {
		notFound(w, "service_request_id: diese Meldung gibt es nicht")
		return
	}
	reply(w, http.StatusOK, []*Request{req})
}

// byID gives the request with this number, nil where there is none; the caller holds the
// lock. Numbers are given in a row.
func (s *Server) byID(id string) *Request {
	n, err := strconv.Atoi(id)
	if n -= firstID; err != nil || n < 0 || n >= len(s.requests) || s.requests[n].ID != id {
		return nil
	}
	return s.requests[n]
}

// filter is what a list is asked for; what was not given is zero.
type filter struct {
	ref, status, service     string
	updatedAfter, start, end time.Time
	page, size               int
}

// list answers GET requests.json, in the order in which requests came.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	q, ok := s.query(w, r, "ref", "status", "service_code", "updated_after", "start_date", "end_date", "page", "page_size")
	if !ok {
		return
	}
	want := filter{ref: q.Get("ref"), status: q.Get("status"), service: q.Get("service_code"), page: 1, size: maxPage}
	var wrong []string
	if q.Has("ref") && !refPattern.MatchString(want.ref) {
		wrong = append(wrong, fmt.Sprintf("ref: %.40q: gebraucht wird S- und acht Zeichen", want.ref))
	}
	if q.Has("status") && want.status != "open" && want.status != "closed" {
		wrong = append(wrong, fmt.Sprintf("status: %.40q: gebraucht wird open oder closed", want.status))
	}
	for name, to := range map[string]*time.Time{"updated_after": &want.updatedAfter, "start_date": &want.start, "end_date": &want.end} {
		if q.Has(name) {
			var err error
			if *to, err = parseTime(q.Get(name)); err != nil {
				wrong = append(wrong, name+": "+err.Error())
			}
		}
	}
	for name, to := range map[string]*int{"page": &want.page, "page_size": &want.size} {
		if q.Has(name) {
			n, err := strconv.Atoi(q.Get(name))
			if err != nil || n < 1 || n > maxRequests || name == "page_size" && n > maxPage {
				wrong = append(wrong, fmt.Sprintf("%s: %.40q: gebraucht wird eine Zahl ab 1, bei page_size bis %d", name, q.Get(name), maxPage))
			}
			*to = n
		}
	}
	if len(wrong) > 0 {
		refuse(w, http.StatusBadRequest, wrong...)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	skip := (want.page - 1) * want.size
	all := []*Request{}
	for _, req := range s.requests {
		if !want.takes(req) {
			continue
		}
		if skip--; skip >= 0 {
			continue
		}
		if all = append(all, req); len(all) == want.size {
			break
		}
	}
	reply(w, http.StatusOK, all)
}

// takes tells whether a request is asked for.
func (f filter) takes(r *Request) bool {
	return (f.ref == "" || r.Ref == f.ref) &&
		(f.status == "" || r.Status == f.status) &&
		(f.service == "" || r.Service == f.service) &&
		!r.Updated.Before(f.updatedAfter) &&
		!r.Requested.Before(f.start) &&
		(f.end.IsZero() || !r.Requested.After(f.end))
}
