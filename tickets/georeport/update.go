package georeport

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// closing are the words of the extension that end a request; staying leave or make it
// open. All are written in upper case.
var (
	closing = []string{"CLOSED", "FIXED", "DUPLICATE", "NOT_COUNCILS_RESPONSIBILITY", "NO_FURTHER_ACTION", "INTERNAL_REFERRAL", "CANCELLED"}
	staying = []string{"OPEN", "REOPEN", "IN_PROGRESS", "PLANNED", "ACTION_SCHEDULED", "INVESTIGATING", "FOR_TRIAGE", "UNCHANGED"}
)

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
	id, err := strconv.Atoi(f.Get("service_request_id"))
	if err != nil {
		wrong = append(wrong, "service_request_id is not one of ours")
	}
	if len(wrong) > 0 {
		refuse(w, http.StatusBadRequest, wrong...)
		return
	}
	u.At, u.Request = at.UTC(), id

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID(id) == nil {
		notFound(w)
		return
	}
	if slices.ContainsFunc(s.updates, func(o Update) bool { return o.ID == u.ID }) {
		refuse(w, http.StatusBadRequest, "Bad request: already exists")
		return
	}
	u.Received = s.cfg.Now().UTC()
	if err := s.journal.write(line{Update: &u}); err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	s.apply(u)
	reply(w, http.StatusOK, []any{map[string]any{"update_id": u.ID}})
}

// apply changes the request that an update is for; the caller holds the lock.
func (s *Server) apply(u Update) {
	s.updates = append(s.updates, u)
	req := s.byID(u.Request)
	if u.Status != "UNCHANGED" {
		req.Closed = slices.Contains(closing, u.Status)
	}
	req.Notes, req.Updated = u.Description, u.Received
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
			"update_id": u.ID, "service_request_id": u.Request, "status": strings.ToLower(u.Status),
			"updated_datetime": writeDate(u.At), "description": u.Description, "media_url": "",
		})
	}
	reply(w, http.StatusOK, all)
}
