// Package georeport is an Open311 GeoReport v2 server with the servicerequestupdates
// extension, as strict as the strictest real one: it wants every required argument, knows
// no others, checks every date, and makes a second request of a create that is repeated.
// It stands in for the city's ticket system in the demo, and answers badly on request in
// tests.
//
// With Habits it does as other servers do, their mistakes included. It knows one API key,
// and knows nothing of the platform: whoever sends it requests is a stranger to it.
package georeport

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Service is a category of requests.
type Service struct {
	Code  string // [A-Za-z0-9_-]+
	Name  string
	Group string
	// Batch services answer a create with a token; the number comes when the token is
	// looked up, at the second time.
	Batch      bool
	Attributes []Attribute // none: the service has no definition
}

// Attribute is what a service wants to be told beside the words.
type Attribute struct {
	Code     string
	Datatype string // string, number, datetime, text, singlevaluelist, multivaluelist
	Required bool
	Values   []string // of a list
}

// Config says what the server offers.
type Config struct {
	APIKey         string
	JurisdictionID string // "": not wanted, any is taken
	Services       []Service
	Habits         Habits
	Now            func() time.Time
	// Path is the file that keeps the requests, one JSON object per line; "": they are
	// kept in memory.
	Path string
}

// Request is a service request as the server keeps it.
type Request struct {
	ID          int               `json:"id"`
	Service     string            `json:"service"`
	Description string            `json:"description"`
	Lat         string            `json:"lat,omitempty"`
	Long        string            `json:"long,omitempty"`
	Address     string            `json:"address,omitempty"`
	Requested   time.Time         `json:"requested"`
	Updated     time.Time         `json:"updated"`
	Closed      bool              `json:"closed,omitempty"`
	Notes       string            `json:"notes,omitempty"`
	Word        string            `json:"word,omitempty"` // of the status that was set last
	Released    bool              `json:"released,omitempty"`
	Attributes  map[string]string `json:"attributes,omitempty"`

	lookups int // of its token
}

// Update is a service request update as the server keeps it.
type Update struct {
	ID          string    `json:"id"`
	Request     int       `json:"request"`
	Status      string    `json:"status"`
	Description string    `json:"description"`
	At          time.Time `json:"at"`                 // as the sender says
	Received    time.Time `json:"received"`           // filters go by this
	Service     string    `json:"service,omitempty"`  // the category it is moved to; "": none
	Released    bool      `json:"released,omitempty"` // its words may be shown
}

// Server is the ticket server. It may be used by several goroutines.
type Server struct {
	cfg Config
	mux *http.ServeMux

	mu       sync.Mutex
	journal  journal
	requests []*Request
	updates  []Update
	faults   []*fault
	tally    map[string]int
}

var _ http.Handler = (*Server)(nil)

// codePattern is what a strict server takes for a code or an id.
var codePattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// New makes a server and reads its file, if it has one.
func New(cfg Config) (*Server, error) {
	switch {
	case cfg.APIKey == "":
		return nil, errors.New("georeport: an API key is needed")
	case cfg.Now == nil:
		return nil, errors.New("georeport: a clock is needed")
	}
	for _, s := range cfg.Services {
		if !codePattern.MatchString(s.Code) || s.Name == "" {
			return nil, fmt.Errorf("georeport: service %q, %q: want a code of letters, digits, _ and -, and a name", s.Code, s.Name)
		}
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), tally: map[string]int{}}
	s.mux.HandleFunc("GET /{$}", s.page)
	s.mux.HandleFunc("GET /services.json", s.listServices)
	s.mux.HandleFunc("GET /services/{code}", s.definition)
	s.mux.HandleFunc("POST /requests.json", s.create)
	s.mux.HandleFunc("GET /requests.json", s.list)
	s.mux.HandleFunc("GET /requests/{id}", s.get)
	s.mux.HandleFunc("GET /tokens/{token}", s.token)
	switch cfg.Habits.Updates {
	case "":
		s.mux.HandleFunc("POST /servicerequestupdates.json", s.update)
		s.mux.HandleFunc("GET /servicerequestupdates.json", s.listUpdates)
	case "patch":
		s.mux.HandleFunc("PATCH /requests/{id}", s.patch)
		s.mux.HandleFunc("POST /requests/notes/{id}", s.note)
	case "post":
		s.mux.HandleFunc("POST /requests/{id}", s.post)
	case "none":
	default:
		return nil, fmt.Errorf("georeport: updates %q: want nothing, patch, post or none", cfg.Habits.Updates)
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { notFound(w) })
	if cfg.Path != "" {
		if err := s.load(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close closes the file.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.close()
}

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

// Updates gives a copy of all updates, oldest first.
func (s *Server) Updates() []Update {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Update(nil), s.updates...)
}

// Calls tells how many calls of this method and path came in, "POST /requests.json",
// whatever the answer was.
func (s *Server) Calls(methodAndPath string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tally[methodAndPath]
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.Path, ".xml")
	if path != r.URL.Path {
		path += ".json"
	}
	if path == "/requests.json" || path == "/servicerequestupdates.json" || path == "/services.json" {
		s.mu.Lock()
		s.tally[r.Method+" "+path]++
		s.mu.Unlock()
	}
	s.withFaults(s.dress(s.mux)).ServeHTTP(w, r)
}

func (s *Server) service(code string) (Service, bool) {
	for _, svc := range s.cfg.Services {
		if svc.Code == code {
			return svc, true
		}
	}
	return Service{}, false
}

// byID gives the request with this number; the caller holds the lock.
func (s *Server) byID(id int) *Request {
	if i := id - firstID; i >= 0 && i < len(s.requests) {
		return s.requests[i]
	}
	return nil
}

// number gives the number of a request as others see it.
func (s *Server) number(id int) any {
	if s.cfg.Habits.Suffix == "" {
		return id
	}
	return strconv.Itoa(id) + s.cfg.Habits.Suffix
}

// named gives the request whose number is in the path or an argument; the caller holds
// the lock.
func (s *Server) named(text string) *Request {
	id, err := strconv.Atoi(strings.TrimSuffix(text, s.cfg.Habits.Suffix))
	if err != nil || fmt.Sprint(s.number(id)) != text {
		return nil
	}
	return s.byID(id)
}

// inPath gives the request whose number is in the path; the caller holds the lock.
func (s *Server) inPath(r *http.Request) *Request {
	text, ok := strings.CutSuffix(r.PathValue("id"), ".json")
	if !ok {
		return nil
	}
	return s.named(text)
}
