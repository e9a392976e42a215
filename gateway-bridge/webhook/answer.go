package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"meldefunk/city"
)

// reply is what a post is answered with.
type reply struct {
	code int
	text string // for people
}

// busy is the answer to what may succeed later.
func busy(text string) reply { return reply{http.StatusServiceUnavailable, text} }

// answer takes one request from its header to its answer.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	hook, rest := find(s.hooks, r.URL.Path)
	if hook == nil {
		s.write(w, "", reply{http.StatusNotFound, "no webhook has this path"})
		return
	}
	token, err := hook.Secret.token()
	if err != nil {
		s.complain(r, hook.Server, err.Error())
		s.write(w, hook.Server, busy("the token cannot be read here: see the log"))
		return
	}
	if !hook.Secret.shown(r, token) {
		s.complain(r, hook.Server, "a post without the right token was refused")
		w.Header().Set("WWW-Authenticate", hook.Secret.challenge())
		s.write(w, hook.Server, reply{http.StatusUnauthorized, "the token is missing or wrong"})
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		s.write(w, hook.Server, reply{http.StatusMethodNotAllowed, "want POST"})
		return
	}
	s.write(w, hook.Server, s.take(r, hook, rest))
}

// write answers. Who is refused, or too slow, has to connect anew.
func (s *Server) write(w http.ResponseWriter, server string, a reply) {
	s.metrics.answered(server, a.code)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if a.code >= 300 {
		w.Header().Set("Connection", "close")
	}
	if a.code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.WriteHeader(a.code)
	_, _ = io.WriteString(w, a.text+"\n") // the client may have left
}

// take reads a post, offers it, and waits for its commit.
func (s *Server) take(r *http.Request, hook *Hook, rest string) reply {
	event, ok := event(r, rest)
	if !ok {
		return reply{http.StatusBadRequest, fmt.Sprintf("%.60q is no name of an event: want one like up or down/ack", event)}
	}
	if !s.enter(r.Context()) {
		return busy("too many posts at once")
	}
	defer s.leave()

	bytes, rejected, err := body(r, hook.MaxBody)
	switch {
	case errors.Is(err, errEncoding):
		return reply{http.StatusUnsupportedMediaType, err.Error()}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return reply{http.StatusRequestTimeout, fmt.Sprintf("the body took longer than %v", s.read)}
	case err != nil:
		return reply{http.StatusBadRequest, err.Error()}
	}
	m := &city.Message{Server: hook.Server, Topic: topic(hook.Server, event), Body: bytes, Received: s.now()}
	arrival := hook.Understand(m, rejected)
	if e := &arrival.Event; arrival.Err == nil && event == "" && e.Kind == city.EventOther && e.DevEUI.IsZero() {
		return reply{http.StatusBadRequest, "neither URL nor body name the event: want ?event=up, or a path that ends with it"}
	}
	return s.carry(r.Context(), arrival)
}

// carry offers an arrival and waits until it is committed. A client that leaves meanwhile
// changes nothing: what was taken is committed, and known when it is posted again.
func (s *Server) carry(ctx context.Context, a city.Arrival) reply {
	ctx, cancel := context.WithTimeout(ctx, s.commit)
	defer cancel()
	offering, refuse := context.WithCancel(ctx)
	defer refuse()
	defer context.AfterFunc(s.stopping, refuse)()

	committed := make(receipt)
	a.Acker = committed
	if offering.Err() != nil {
		return busy("stopping")
	}
	if err := s.offer(offering, a); err != nil {
		return busy("nothing can be taken just now")
	}
	select {
	case <-committed:
		return verdict(a.Err)
	case <-ctx.Done():
		return busy("taken, but not on the disk yet: post it again, it is not counted twice")
	}
}

// verdict is the answer after the commit. What can never succeed was set aside and must not
// come again.
func verdict(err error) reply {
	var rejection *city.Rejection
	switch {
	case err == nil:
		return reply{http.StatusOK, "ok"}
	case errors.As(err, &rejection) && rejection.Reason == city.ReasonTooLarge:
		return reply{http.StatusRequestEntityTooLarge, rejection.Detail}
	}
	return reply{http.StatusAccepted, "set aside: " + err.Error()}
}

// enter waits for a place, and tells whether there was one in time.
func (s *Server) enter(ctx context.Context) bool {
	select {
	case s.slots <- struct{}{}:
	default:
		timer := time.NewTimer(s.slot)
		defer timer.Stop()
		select {
		case s.slots <- struct{}{}:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		case <-s.stopping.Done():
			return false
		}
	}
	s.metrics.inFlight.Inc()
	return true
}

func (s *Server) leave() {
	s.metrics.inFlight.Dec()
	<-s.slots
}
