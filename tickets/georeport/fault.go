package georeport

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// Fault is a way to answer badly.
type Fault uint8

// The faults. Those of the first group strike creates and updates that are done: the
// answer is what gets lost. Those of the second strike any call, and nothing is done.
const (
	Drop       Fault = iota // the connection ends without an answer
	BadGateway              // 502, as a proxy says when it lost its server
	Truncate                // the answer breaks off in the middle
	Hang                    // there is no answer until the caller gives up
	Drip                    // the answer comes so slowly that the caller gives up
	Broken                  // 500

	Unavailable // 503 with Retry-After
	TooMany     // 429 with Retry-After
	HTML        // 200 with a web page
)

type fault struct {
	kind  Fault
	times int           // left; negative: until Mend
	after time.Duration // Unavailable: Retry-After
}

// Fail makes the next calls fail; times < 0: until Mend. Several faults strike in the
// order they were given.
func (s *Server) Fail(kind Fault, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &fault{kind: kind, times: times, after: time.Second})
}

// Mend ends all faults.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// next gives the fault that strikes this call, nil where none does.
func (s *Server) next(post bool) *fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.kind < Unavailable && !post {
			continue
		}
		if f.times > 0 {
			f.times--
			if f.times == 0 {
				s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			}
		}
		return f
	}
	return nil
}

func (s *Server) withFaults(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := s.next(r.Method != http.MethodGet)
		if f == nil {
			h.ServeHTTP(w, r)
			return
		}
		switch f.kind {
		case Unavailable:
			w.Header().Set("Retry-After", fmt.Sprint(int(f.after.Seconds())))
			refuse(w, http.StatusServiceUnavailable, "Wartungsarbeiten")
			return
		case TooMany:
			w.Header().Set("Retry-After", fmt.Sprint(int(f.after.Seconds())))
			refuse(w, http.StatusTooManyRequests, "Zu viele Anfragen")
			return
		case HTML:
			webPage(w)
			return
		}
		answer := &unsent{header: http.Header{}, status: http.StatusOK}
		h.ServeHTTP(answer, r)
		switch f.kind {
		case BadGateway:
			http.Error(w, "Bad Gateway", http.StatusBadGateway)
		case Broken:
			refuse(w, http.StatusInternalServerError, "Interner Fehler")
		case Drip:
			drip(w, r, answer)
		case Hang:
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		case Truncate:
			w.Header().Set("Content-Type", answer.header.Get("Content-Type"))
			w.Header().Set("Content-Length", fmt.Sprint(answer.body.Len()))
			w.WriteHeader(answer.status)
			// Errors do not matter: the connection ends here anyway.
			_, _ = w.Write(answer.body.Bytes()[:answer.body.Len()/2])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default: // Drop
			panic(http.ErrAbortHandler)
		}
	})
}

func webPage(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintln(w, "<!doctype html><title>Willkommen</title>")
}

// drip sends a byte now and then until the caller gives up. An answer of spaces alone
// would never be wrong, only late.
func drip(w http.ResponseWriter, r *http.Request, answer *unsent) {
	w.Header().Set("Content-Type", answer.header.Get("Content-Type"))
	w.WriteHeader(answer.status)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		case <-tick.C:
			_, _ = w.Write([]byte(" "))
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// unsent holds an answer back.
type unsent struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (u *unsent) Header() http.Header         { return u.header }
func (u *unsent) WriteHeader(status int)      { u.status = status }
func (u *unsent) Write(b []byte) (int, error) { return u.body.Write(b) }
