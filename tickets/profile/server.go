package profile

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"
)

const (
	firstID     = 1001
	maxRequests = 100_000 // kept in memory, some 2 KiB each
	maxUpdates  = 500_000
	maxPage     = 1000
)

// The words of detailed_status.
const (
	Received  = "RECEIVED"
	InProcess = "IN_PROCESS"
	Processed = "PROCESSED"
	Rejected  = "REJECTED"
	Duplicate = "DUPLICATE"
)

// Service is a category of requests.
type Service struct {
	Code  string // letters, digits, ".", "_" and "-"
	Name  string
	Group string // who is responsible
}

// Config says what the server offers.
type Config struct {
	APIKey         string
	JurisdictionID string // "": not wanted, any is taken
	Services       []Service
	// PeopleClose makes the server take a closing for a note: only people close, with Edit.
	PeopleClose bool
	Now         func() time.Time
}

// Request is a service request as the server keeps it and shows it.
type Request struct {
	ID          string    `json:"service_request_id"`
	Ref         string    `json:"ref,omitempty"`
	Status      string    `json:"status"` // "open" or "closed"
	Detailed    string    `json:"detailed_status"`
	Notes       string    `json:"status_notes"`
	Service     string    `json:"service_code"`
	ServiceName string    `json:"service_name"`
	Description string    `json:"description"`
	Agency      string    `json:"agency_responsible,omitempty"`
	Requested   time.Time `json:"requested_datetime"` // UTC, whole seconds
	Updated     time.Time `json:"updated_datetime"`
	Address     string    `json:"address,omitempty"`
	Lat         *float64  `json:"lat,omitempty"`
	Long        *float64  `json:"long,omitempty"`

	Attributes map[string]string `json:"-"` // all that were sent, by code
}

// Server is the reference server of the profile. It keeps everything in memory, and may be
// used by several goroutines.
type Server struct {
	cfg Config
	mux *http.ServeMux

	mu       sync.Mutex
	requests []*Request
	byRef    map[string]*Request
	updates  map[string]update // by update_id
}

var _ http.Handler = (*Server)(nil)

var codePattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// New makes a server.
func New(cfg Config) (*Server, error) {
	switch {
	case cfg.APIKey == "":
		return nil, errors.New("profile: an API key is needed")
	case cfg.Now == nil:
		return nil, errors.New("profile: a clock is needed")
	}
	seen := map[string]bool{}
	for _, s := range cfg.Services {
		if !codePattern.MatchString(s.Code) || s.Name == "" || seen[s.Code] {
			return nil, fmt.Errorf("profile: service %q, %q: want a code of its own of letters, digits, \".\", \"_\" and \"-\", and a name", s.Code, s.Name)
		}
		seen[s.Code] = true
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), byRef: map[string]*Request{}, updates: map[string]update{}}
	s.mux.HandleFunc("GET /openapi.yaml", ServeDocument)
	s.mux.HandleFunc("GET /services.json", s.listServices)
	s.mux.HandleFunc("GET /services/{code}", s.definition)
	s.mux.HandleFunc("POST /requests.json", s.create)
	s.mux.HandleFunc("GET /requests.json", s.list)
	s.mux.HandleFunc("GET /requests/{id}", s.get)
	s.mux.HandleFunc("POST /servicerequestupdates.json", s.update)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { notFound(w, "diese Adresse gibt es nicht") })
	return s, nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Requests gives a copy of all requests, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Request, len(s.requests))
	for i, r := range s.requests {
		all[i] = *r
	}
	return all
}

// Edit is the work of people: change alters the request with this number. Its status
// follows from its detailed one. It tells whether there is such a request.
func (s *Server) Edit(id string, change func(*Request)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.requests, func(r *Request) bool { return r.ID == id })
	if i < 0 {
		return false
	}
	r := s.requests[i]
	change(r)
	r.Status = statusOf(r.Detailed)
	r.ServiceName = s.service(r.Service).Name
	r.Updated = s.now()
	return true
}

func statusOf(detailed string) string {
	if detailed == Received || detailed == InProcess {
		return "open"
	}
	return "closed"
}

// service gives the category with this code, a zero one where there is none.
func (s *Server) service(code string) Service {
	i := slices.IndexFunc(s.cfg.Services, func(svc Service) bool { return svc.Code == code })
	if i < 0 {
		return Service{}
	}
	return s.cfg.Services[i]
}
