package profile

import (
	"fmt"
	"net/http"
	"regexp"
	"unicode/utf8"
)

// The words of an update's status.
const (
	statusClose  = "CLOSED"
	statusReopen = "REOPEN"
	statusNote   = "UNCHANGED"
)

var updatePattern = regexp.MustCompile(`^[A-Za-z0-9_/-]{1,100}$`)

// update is one that was taken, as it was answered.
type update struct {
	ID      string `json:"update_id"`
	Request string `json:"service_request_id"`
	Status  string `json:"status"` // of the request afterwards
}

// update answers POST servicerequestupdates.json.
func (s *Server) update(w http.ResponseWriter, r *http.Request) {
	f, ok := s.form(w, r, []string{"service_request_id", "update_id", "status", "updated_datetime", "description"})
	if !ok {
		return
	}
	var wrong []string
	id, status := f.Get("update_id"), f.Get("status")
	if !updatePattern.MatchString(id) {
		wrong = append(wrong, "update_id: gebraucht werden 1 bis 100 Buchstaben, Ziffern, _, / und -")
	}
	if status != statusClose && status != statusReopen && status != statusNote {
		wrong = append(wrong, fmt.Sprintf("status: %.40q: gebraucht wird %s, %s oder %s", status, statusClose, statusReopen, statusNote))
	}
	if _, err := parseTime(f.Get("updated_datetime")); err != nil {
		wrong = append(wrong, "updated_datetime: "+err.Error())
	}
	if n := utf8.RuneCountInString(f.Get("description")); n > maxDescription {
		wrong = append(wrong, fmt.Sprintf("description hat %d Zeichen, höchstens %d gehen", n, maxDescription))
	}
	if len(wrong) > 0 {
		refuse(w, http.StatusBadRequest, wrong...)
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if was, twice := s.updates[id]; twice {
		if was.Request != f.Get("service_request_id") {
			refuse(w, http.StatusBadRequest, "update_id gehört schon zu einer anderen Meldung")
			return
		}
		reply(w, http.StatusOK, []update{was})
		return
	}
	req := s.byID(f.Get("service_request_id"))
	if req == nil {
		notFound(w, "service_request_id: diese Meldung gibt es nicht")
		return
	}
	if len(s.updates) == maxUpdates {
		refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("der Speicher ist mit %d Änderungen voll", maxUpdates))
		return
	}
	switch {
	case status == statusClose && req.Status == "open" && !s.cfg.PeopleClose:
		req.Status, req.Detailed = "closed", Processed
	case status == statusReopen && req.Status == "closed":
		req.Status, req.Detailed = "open", Received
	}
	req.Notes, req.Updated = f.Get("description"), s.now()
	done := update{ID: id, Request: req.ID, Status: req.Status}
	s.updates[id] = done
	reply(w, http.StatusOK, []update{done})
}
