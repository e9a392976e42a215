package inbox

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// Bounds of a request.
const (
	maxBody = 64 << 10 // bytes
	maxID   = 256      // bytes of Webhook-Id
)

// reply is what a message is answered with.
type reply struct {
	code int
	text string // for people
}

// later is the answer to what may succeed later.
func later(text string) reply { return reply{http.StatusServiceUnavailable, text} }

// answer takes one request from its header to its answer.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/tickets/")
	secret, known := s.cfg.Secrets[name]
	switch {
	case !ok || !known:
		s.write(w, "", reply{http.StatusNotFound, "no ticket system has this path"})
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		s.write(w, name, reply{http.StatusMethodNotAllowed, "want POST"})
	default:
		s.write(w, name, s.take(r, name, secret))
	}
}

// write answers. Who is refused has to connect anew.
func (s *Server) write(w http.ResponseWriter, system string, a reply) {
	s.requests.WithLabelValues(system, strconv.Itoa(a.code)).Inc()
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	if a.code >= 300 {
		h.Set("Connection", "close")
	}
	if a.code == http.StatusServiceUnavailable || a.code == http.StatusTooManyRequests {
		h.Set("Retry-After", "60")
	}
	w.WriteHeader(a.code)
	_, _ = io.WriteString(w, a.text+"\n") // the client may have left
}

// take reads a message, and hands it on if it is what the ticket system has sent.
func (s *Server) take(r *http.Request, system string, secret Secret) reply {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return later("too many messages at once")
	}
	key, err := secret.key()
	if err != nil {
		s.complain(r, system, err.Error())
		return later("the secret cannot be read here: see the log")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return reply{http.StatusBadRequest, "the body did not arrive whole"}
	case len(body) > maxBody:
		return reply{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", maxBody)}
	}
	now := s.now()
	id, stamp := r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp")
	if err := key.Verify(id, stamp, r.Header.Get("Webhook-Signature"), body, now, tolerance); err != nil {
		s.complain(r, system, "a message was refused: "+err.Error())
		return reply{http.StatusUnauthorized, err.Error()}
	}
	if id == "" || len(id) > maxID {
		return reply{http.StatusBadRequest, fmt.Sprintf("webhook-id: want 1 to %d bytes", maxID)}
	}
	seen := s.seen[system]
	switch known, room := seen.knows(id, now); {
	case known:
		return reply{http.StatusOK, "known already"}
	case !room:
		return reply{http.StatusTooManyRequests, fmt.Sprintf("more than %d messages in %v", most, remembered)}
	}
	remote, err := parse(body)
	if err != nil {
		return reply{http.StatusBadRequest, err.Error()}
	}
	if remote.Updated.After(now.Add(tolerance)) {
		// It would outdate whatever comes until then.
		return reply{http.StatusBadRequest, fmt.Sprintf("data: updated %s lies in the future: look at the clock and its zone", remote.Updated.Format(time.RFC3339))}
	}
	if remote.Updated.IsZero() {
		// What is told is ordered by when it was so. That it was signed then is the next best,
		// and keeps who plays it back after a restart, when its id is forgotten, from taking
		// back what was told since.
		seconds, _ := strconv.ParseInt(stamp, 10, 64) // Verify has read it
		remote.Updated = time.Unix(seconds, 0).UTC()
	}
	if err := s.push(r.Context(), system, remote); err != nil {
		if errors.Is(err, city.ErrNoCase) {
			return reply{http.StatusNotFound, "there is no such ticket of yours"}
		}
		s.complain(r, system, "a message was not taken: "+err.Error())
		return later("it cannot be taken just now: send it again")
	}
	seen.took(id, now)
	return reply{http.StatusOK, "ok"}
}
