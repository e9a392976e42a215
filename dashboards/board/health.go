package board

import (
	"encoding/json"
	"net/http"
)

// healthz says that the process is alive and answering, and nothing more.
func (b *Board) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	b.sent(w.Write([]byte("ok\n")))
}

// readyz lists every check, with 503 while one of them fails.
func (b *Board) readyz(w http.ResponseWriter, r *http.Request) {
	checks := b.opt.Ready()
	if checks == nil {
		checks = []Check{}
	}
	status := http.StatusOK
	for _, c := range checks {
		if !c.OK {
			status = http.StatusServiceUnavailable
		}
	}
	body, err := json.MarshalIndent(checks, "", "  ")
	if err != nil {
		b.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	b.sent(w.Write(append(body, '\n')))
}
