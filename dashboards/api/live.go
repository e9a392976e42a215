package api

import (
	"net/http"
	"time"

	"meldefunk/city"
	"meldefunk/city/visitor"
)

// takes is how long a viewer may take for what it is sent.
const takes = 10 * time.Second

// live streams what is new as server-sent events. A viewer that cannot follow is told to
// reload, and sent away.
func (a *API) live(w http.ResponseWriter, r *http.Request, q query) {
	kind, err := q.kind()
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	h := a.opt.Hub
	n, room := h.enter(r.Header.Get("Last-Event-ID"))
	if !room {
		w.Header().Set("Retry-After", "30")
		a.refuse(w, r, &problem{Status: http.StatusServiceUnavailable, Detail: "too many are looking at what is new; lists can still be read"})
		return
	}
	defer h.leave()
	s := stream{w: w, rc: http.NewResponseController(w)}
	// The server's bounds are for whole answers. Where there are none that can be changed, none
	// end the stream.
	_ = s.rc.SetReadDeadline(time.Time{})
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would hold it back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	s.buffer = append(s.buffer, "retry: 3000\n"...)
	s.buffer = append(s.buffer, h.mark(n)...)
	s.follow(r, h, n, wish(visitor.From(r.Context()), kind, q.word("asset")))
}

// wish tells which events a viewer wants, and may have. What it chooses chooses among readings.
func wish(v visitor.Visitor, kind city.Kind, asset string) func(*event) bool {
	return func(e *event) bool {
		if e.asset != "" && (kind != city.KindUnknown && e.kind != kind.String() || asset != "" && e.asset != asset) {
			return false
		}
		return v.May.Have(e.may)
	}
}

// stream is an answer that goes on.
type stream struct {
	w      http.ResponseWriter
	rc     *http.ResponseController
	buffer []byte // what is to be sent
}

// flush sends what there is, in one piece. False: nobody takes it.
func (s *stream) flush() bool {
	if len(s.buffer) == 0 {
		return true
	}
	_ = s.rc.SetWriteDeadline(time.Now().Add(takes)) //nolint:forbidigo // because connections go by the machine's clock
	_, err := s.w.Write(s.buffer)
	s.buffer = s.buffer[:0]
	return err == nil && s.rc.Flush() == nil
}

// follow sends what comes from number n on, until the viewer leaves or has to.
func (s *stream) follow(r *http.Request, h *Hub, n int64, wants func(*event) bool) {
	beat := time.NewTicker(h.pulse.Beat)
	defer beat.Stop()
	end := time.NewTimer(h.pulse.Life)
	defer end.Stop()
	for {
		var news <-chan struct{}
		var kept bool
		if s.buffer, n, news, kept = h.from(s.buffer, n, wants); !kept {
			h.lost.Inc()
			s.buffer = append(s.buffer, "id: "+h.head()+"\nevent: reload\ndata: {}\n\n"...)
			_ = s.flush()
			return
		}
		if !s.flush() {
			return
		}
		select {
		case <-news:
		case <-beat.C:
			s.buffer = append(s.buffer, h.mark(n)...)
		case <-r.Context().Done():
			return
		case <-h.done:
			return
		case <-end.C:
			return
		}
	}
}
