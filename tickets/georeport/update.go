package georeport

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// closing are the words of the extension that end a request; staying leave or make it
// open. All are written in upper case.
var (
	closing = []string{"CLOSED", "FIXED", "DUPLICATE", "NOT_COUNCILS_RESPONSIBILITY", "NO_FURTHER_ACTION", "INTERNAL_REFERRAL", "CANCELLED"}
	staying = []string{"OPEN", "REOPEN", "IN_PROGRESS", "PLANNED", "ACTION_SCHEDULED", "INVESTIGATING", "FOR_TRIAGE", "UNCHANGED"}
)

// closingCitySDK are the words of CitySDK that end a request.
var closingCitySDK = []string{"PROCESSED", "REJECTED"}

// update answers POST servicerequestupdates.json.
func (s *Server) update(w http.ResponseWriter, r *http.Request) {
	f, ok := s.form(w, r,
		[]string{"service_request_id", "update_id", "status", "updated_datetime", "description"},
		[]string{"email", "first_name", "last_name", "title", "media_url", "account_id", "service_code", "attribute"})
	if !ok {
		return
	}
	u := Update{ID: f.Get("update_id"), Status: f.Get("status"), Description: f.Get("description")}
	var wrong []string
	if !slices.Contains(closing, u.Status) && !slices.Contains(staying, u.Status) {
		wrong = append(wrong, "status is not one of "+strings.Join(slices.Concat(closing, staying), ", "))
	}
	at, err := parseDate(f.Get("updated_datetime"))
	if err != nil {
		wrong = append(wrong, "updated_datetime: "+err.Error())
	}
	if len(wrong) > 0 {
		refuse(w, http.StatusBadRequest, wrong...)
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	req := s.named(f.Get("service_request_id"))
	if req == nil {
		notFound(w)
		return
	}
	u.At, u.Request = at.UTC(), req.ID
	if slices.ContainsFunc(s.updates, func(o Update) bool { return o.ID == u.ID }) {
		refuse(w, http.StatusBadRequest, "Bad request: already exists")
		return
	}
	if err := s.keep(u); err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	reply(w, http.StatusOK, []any{map[string]any{"update_id": u.ID}})
}

// apply changes the request that an update is for; the caller holds the lock.
func (s *Server) apply(u Update) {
	s.updates = append(s.updates, u)
	req := s.byID(u.Request)
	if u.Status != "UNCHANGED" && u.Status != "" {
		req.Closed = slices.Contains(closing, u.Status) || slices.Contains(closingCitySDK, u.Status)
		req.Word = u.Status
	}
	if u.Service != "" {
		req.Service = u.Service
	}
	req.Released = req.Released || u.Released
	req.Notes, req.Updated = u.Description, u.Received
}

// keep writes an update down and does what it says; the caller holds the lock.
func (s *Server) keep(u Update) error {
	u.Received = s.cfg.Now().UTC()
	if u.At.IsZero() {
		u.At = u.Received
	}
	if err := s.journal.write(line{Update: &u}); err != nil {
		return err
	}
	s.apply(u)
	return nil
}

// Act does what a person at the server does: sets the status, writes something, moves the
// request to another service, releases its words. What is "" stays as it is.
func (s *Server) Act(u Update) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID(u.Request) == nil {
		return fmt.Errorf("georeport: there is no request %d", u.Request)
	}
	return s.keep(u)
}

// Seed puts a request there that came some other way; its number is given anew.
func (s *Server) Seed(q Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q.ID = firstID + len(s.requests)
	if err := s.journal.write(line{Request: &q}); err != nil {
		return err
	}
	s.requests = append(s.requests, &q)
	return nil
}

// patch answers PATCH requests/{id}.json, as CitySDK has it.
func (s *Server) patch(w http.ResponseWriter, r *http.Request) {
	f, ok := s.form(w, r, nil, []string{"detailed_status", "status_notes"})
	if !ok {
		return
	}
	word := f.Get("detailed_status")
	if word != "" && !slices.Contains([]string{"RECEIVED", "IN_PROCESS", "PROCESSED", "REJECTED"}, word) {
		refuse(w, http.StatusUnprocessableEntity, "status invalid")
		return
	}
	s.change(w, r, Update{Status: word, Description: f.Get("status_notes")})
}

// note answers POST requests/notes/{id}.json, as CitySDK has it.
func (s *Server) note(w http.ResponseWriter, r *http.Request) {
	f, ok := s.form(w, r, []string{"author", "comment"}, nil)
	if !ok {
		return
	}
	s.change(w, r, Update{Description: f.Get("comment")})
}

// post answers POST requests/{id}.json, as Mark-a-Spot has it: JSON, and the key in the
// address.
func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("api_key") != s.cfg.APIKey {
		s.refuseKey(w)
		return
	}
	var body struct {
		Status string `json:"status"`
		Notes  string `json:"status_notes"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm)).Decode(&body); err != nil {
		refuse(w, http.StatusBadRequest, "body: "+err.Error())
		return
	}
	if body.Status != "" && body.Status != "open" && body.Status != "closed" {
		refuse(w, http.StatusNotFound, "Status not found")
		return
	}
	s.change(w, r, Update{Status: strings.ToUpper(body.Status), Description: body.Notes})
}

// change makes an update to the request in the path and answers with its number.
func (s *Server) change(w http.ResponseWriter, r *http.Request, u Update) {
	s.mu.Lock()
	defer s.mu.Unlock()
	req := s.inPath(r)
	if req == nil {
		notFound(w)
		return
	}
	u.Request = req.ID
	if err := s.keep(u); err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	reply(w, http.StatusOK, []any{map[string]any{"service_request_id": s.number(req.ID)}})
}

// listUpdates answers GET servicerequestupdates.json, status words in lower case.
func (s *Server) listUpdates(w http.ResponseWriter, r *http.Request) {
	q, ok := s.query(w, r, "start_date", "end_date")
	if !ok {
		return
	}
	from, to, err := span(q.Get("start_date"), q.Get("end_date"), s.cfg.Now())
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []any{}
	for _, u := range s.updates {
		if at := u.Received.Truncate(time.Second); at.Before(from) || at.After(to) {
			continue
		}
		all = append(all, map[string]any{
			"update_id": u.ID, "service_request_id": s.number(u.Request), "status": strings.ToLower(u.Status),
			"updated_datetime": writeDate(u.At), "description": u.Description, "media_url": "",
		})
	}
	reply(w, http.StatusOK, all)
}
