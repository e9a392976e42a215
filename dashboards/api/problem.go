package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// problem is an error as RFC 9457 spells it. Its type is always "about:blank": the status and
// the words say it all.
type problem struct {
	Title     string `json:"title"` // of the status
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Instance  string `json:"instance"`            // the path that was asked for
	Parameter string `json:"parameter,omitempty"` // the argument that is wrong
}

func (p *problem) Error() string { return p.Detail }

func badArgument(name, format string, args ...any) *problem {
	return &problem{Status: http.StatusBadRequest, Parameter: name, Detail: name + ": " + fmt.Sprintf(format, args...)}
}

func notFound(detail string) *problem { return &problem{Status: http.StatusNotFound, Detail: detail} }

// refuse answers with a problem. What is not one is our own trouble: the visitor learns that
// there is some, and the log what.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	switch {
	case errors.As(err, &p):
	case r.Context().Err() != nil: // nobody listens any more
		p = &problem{Status: http.StatusServiceUnavailable, Detail: "the request was broken off"}
	case errors.Is(err, context.DeadlineExceeded):
		a.log.Warn().Str("path", r.URL.Path).Msg("no answer in time")
		p = &problem{Status: http.StatusServiceUnavailable, Detail: fmt.Sprintf("this took longer than %v: ask for less at once, or try again later", answerTime)}
		w.Header().Set("Retry-After", "30")
	default:
		a.log.Error().Err(err).Str("path", r.URL.Path).Msg("a request failed")
		p = &problem{Status: http.StatusInternalServerError, Detail: "the platform has a trouble of its own; its log says which"}
	}
	told := *p
	told.Title, told.Instance = http.StatusText(p.Status), r.URL.EscapedPath()
	text, _ := json.Marshal(told) // strings and numbers cannot fail
	w.Header().Del("Link")
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		// The only error possible is that nobody listens any more.
		_, _ = w.Write(append(text, '\n'))
	}
}
