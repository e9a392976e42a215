// Package thethingstest is a stand-in for the device registries of The Things Stack v3, for
// tests. It refuses what the real ones refuse, with their errors, as read in the source of
// v3.32.1 (github.com/TheThingsNetwork/lorawan-stack), and some of what they let pass
// though it is a mistake: unknown JSON fields, ids in the body that are not those of the
// path, a registry written before the identity server or removed after it. It knows nothing
// of radio.
package thethingstest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Fields are those that a registry has of a device, by path. A key is text here.
type Fields map[string]any

// ID names a device.
type ID struct{ Application, Device string }

// Request is one that came in.
type Request struct {
	Registry Registry
	Method   string
	Device   string // "" when it is made or looked up
}

// Server is a cluster. It is a handler for all four registries and may be used by several
// goroutines.
type Server struct {
	mu      sync.Mutex
	plans   []string
	grants  map[string]map[string][]string // rights by key and application
	devices map[Registry]map[ID]Fields
	faults  []*Fault
	seen    []Request
	ignored []string
}

// New makes a cluster without applications that knows these frequency plans.
func New(plans ...string) *Server {
	s := &Server{plans: plans, grants: map[string]map[string][]string{}, devices: map[Registry]map[ID]Fields{}}
	for _, r := range []Registry{Identity, Join, Network, Application} {
		s.devices[r] = map[ID]Fields{}
	}
	return s
}

// Grant gives an API key rights on an application, in place of those it had there.
func (s *Server) Grant(key, application string, rights ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grants[key] == nil {
		s.grants[key] = map[string][]string{}
	}
	s.grants[key][application] = rights
}

// Get gives what a registry has of a device; nil: nothing.
func (s *Server) Get(r Registry, id ID) Fields {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.devices[r][id])
}

// Put changes what a registry has, past all rules; nil fields: it forgets the device.
func (s *Server) Put(r Registry, id ID, f Fields) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f == nil {
		delete(s.devices[r], id)
		return
	}
	s.devices[r][id] = maps.Clone(f)
}

// Count tells how many devices a registry has.
func (s *Server) Count(r Registry) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.devices[r])
}

// Seen gives the requests that came in since it was last called.
func (s *Server) Seen() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// Ignored gives the fields that were sent without being in the mask, and so were not stored.
func (s *Server) Ignored() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ignored)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		reply(w, nil, invalid("body", err.Error()))
		return
	}
	registry, id, search, ok := route(r.Method, r.URL.EscapedPath())
	if !ok {
		// As grpc-gateway answers a path that it does not have: without details.
		write(w, http.StatusNotFound, map[string]any{"code": 5, "message": "Not Found", "details": []any{}})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, Request{registry, r.Method, id.Device})
	fault := s.due(registry, r.Method)
	if fault != nil && !fault.After {
		fault.strike(w)
		return
	}
	answer, problem := s.answer(r, registry, id, search, body)
	if fault != nil {
		fault.strike(w)
		return
	}
	reply(w, answer, problem)
}

// route tells what a path is for (the google.api.http options in api/ttn/lorawan/v3).
func route(method, path string) (r Registry, id ID, search, ok bool) {
	rest, ok := strings.CutPrefix(path, "/api/v3/")
	if !ok {
		return "", ID{}, false, false
	}
	parts := strings.Split(rest, "/")
	r = Identity
	switch Registry(parts[0]) {
	case Join, Network, Application:
		r, parts = Registry(parts[0]), parts[1:]
	case "search":
		search, parts = true, parts[1:]
	}
	if len(parts) < 3 || len(parts) > 4 || parts[0] != "applications" || parts[2] != "devices" || slices.Contains(parts, "") {
		return "", ID{}, false, false
	}
	id.Application = parts[1]
	if len(parts) == 4 {
		id.Device = parts[3]
	}
	switch {
	case search:
		ok = method == http.MethodGet && id.Device == ""
	case method == http.MethodPost:
		ok = r == Identity && id.Device == ""
	default:
		ok = id.Device != "" && slices.Contains([]string{http.MethodGet, http.MethodPut, http.MethodDelete}, method)
	}
	return r, id, search, ok
}

func (s *Server) answer(r *http.Request, registry Registry, id ID, search bool, body []byte) (any, *problem) {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || s.grants[key] == nil {
		return nil, &problem{status: http.StatusUnauthorized, code: 16, namespace: "pkg/auth/rights", name: "unauthenticated", message: "unauthenticated"}
	}
	rights := s.grants[key][id.Application]
	switch r.Method {
	case http.MethodGet:
		return s.read(registry, id, search, r.URL.Query(), rights)
	case http.MethodDelete:
		return s.remove(registry, id, rights)
	}
	fields, mask, p := parse(body, registry, r.Method)
	if p != nil {
		return nil, p
	}
	return s.write(registry, id, fields, mask, rights)
}

// require tells what an API key lacks (pkg/auth/rights/require.go).
func require(id ID, have []string, want ...string) *problem {
	if len(have) == 0 {
		return &problem{status: http.StatusForbidden, code: 7, namespace: "pkg/auth/rights", name: "no_application_rights",
			message: fmt.Sprintf("no rights for application `%s`", id.Application), attributes: map[string]any{"uid": id.Application}}
	}
	var missing []any
	for _, r := range want {
		if !slices.Contains(have, r) {
			missing = append(missing, r)
		}
	}
	if missing == nil {
		return nil
	}
	return &problem{status: http.StatusForbidden, code: 7, namespace: "pkg/auth/rights", name: "insufficient_application_rights",
		message: fmt.Sprintf("insufficient rights for application `%s`", id.Application), attributes: map[string]any{"uid": id.Application, "missing": missing}}
}

// problem is an error as The Things Stack tells it.
type problem struct {
	status, code             int
	namespace, name, message string
	attributes               map[string]any
}

func invalid(field, reason string) *problem {
	return &problem{status: http.StatusBadRequest, code: 3, namespace: "pkg/ttnpb", name: "validation",
		message: fmt.Sprintf("invalid `%s`: %s", field, reason), attributes: map[string]any{"field": field, "reason": reason}}
}

func absent(namespace, name string) *problem {
	return &problem{status: http.StatusNotFound, code: 5, namespace: namespace, name: name, message: strings.ReplaceAll(name, "_", " ")}
}

func reply(w http.ResponseWriter, answer any, p *problem) {
	if p == nil {
		write(w, http.StatusOK, answer)
		return
	}
	write(w, p.status, map[string]any{
		"code": p.code, "message": fmt.Sprintf("error:%s:%s (%s)", p.namespace, p.name, p.message),
		"details": []any{map[string]any{
			"@type": "type.googleapis.com/ttn.lorawan.v3.ErrorDetails", "namespace": p.namespace, "name": p.name,
			"message_format": p.message, "attributes": p.attributes, "code": p.code,
		}},
	})
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}
