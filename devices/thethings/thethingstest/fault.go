package thethingstest

import (
	"net/http"
	"strconv"
)

// Fault is something that goes wrong once, with the next request that it fits.
type Fault struct {
	Registry Registry
	Method   string
	After    bool // the request is done before it goes wrong
	Status   int  // of the answer; 0: the connection breaks
	Retry    int  // seconds, as the rate limiter tells them; 0: it does not
}

// Fail makes something go wrong.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// due takes the first fault that fits.
func (s *Server) due(r Registry, method string) *Fault {
	for i, f := range s.faults {
		if f.Registry == r && f.Method == method {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			return f
		}
	}
	return nil
}

func (f *Fault) strike(w http.ResponseWriter) {
	if f.Status == 0 {
		panic(http.ErrAbortHandler) // the server's way to break a connection
	}
	if f.Retry > 0 {
		w.Header().Set("X-Rate-Limit-Retry", strconv.Itoa(f.Retry)) // pkg/ratelimit/result.go
	}
	write(w, f.Status, map[string]any{"code": 14, "message": "error:thethingstest:fault (it was asked for)", "details": []any{}})
}
