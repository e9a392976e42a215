package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/answer"
	"meldefunk/city/visitor"
)

// Base is where the interface lies.
const Base = "/api/v1"

// Store is what is read. It is called one to three times per request, from many goroutines,
// with a ctx that ends when the visitor leaves or after ten seconds.
type Store interface {
	// Latest gives, in any order, the newest reading by event time of every asset that has
	// one. Readings sent by hand (Simulated) do not count.
	Latest(ctx context.Context) ([]city.Reading, error)
	// Readings gives those of an asset that a query chooses, in its order.
	Readings(ctx context.Context, q city.ReadingQuery) ([]city.Reading, error)
	// LastHeard gives when each device was heard last, of those of which a frame is stored.
	LastHeard(ctx context.Context) (map[city.EUI]time.Time, error)
	// DeviceNews gives what is known of a device beside its readings, with up to limit
	// events, newest first.
	DeviceNews(ctx context.Context, devEUI city.EUI, limit int) (city.DeviceNews, error)
	// Tickets gives the cases that a filter chooses, those opened last first.
	Tickets(ctx context.Context, f city.TicketFilter) ([]city.CaseTicket, error)
	// Case gives the case of a reference; false: there is none.
	Case(ctx context.Context, ref string) (city.CaseTicket, bool, error)
	// TicketLog gives the history of a case's ticket, oldest first.
	TicketLog(ctx context.Context, ref string) ([]city.TicketEntry, error)
	// Decisions gives what was decided about a case, in order.
	Decisions(ctx context.Context, ref string) ([]city.Ruling, error)
	// DecisionsAfter gives decisions with rising numbers above id, at most limit.
	DecisionsAfter(ctx context.Context, id int64, limit int) ([]city.Ruling, error)
	// AsideCounts counts the set-aside messages that a filter chooses by their reason.
	AsideCounts(ctx context.Context, f city.AsideFilter) ([]city.AsideCount, error)
}

// Inventory is what hangs where. It must not block, and what it returns is not changed.
type Inventory interface {
	Assets() []*city.Asset
	Asset(id string) (*city.Asset, bool)
	Devices(asset string) []*city.Device
}

// Rules are the rules in force.
type Rules interface {
	Texts() []city.RuleText // it must not block
	// Pending counts, by rule, the assets and groups where what opens a case holds, but not
	// yet for long or often enough.
	Pending(ctx context.Context) (map[string]int, error)
}

// Check is the answer of one part of the platform to "are you ready?".
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`               // false: the platform is not ready
	Reason string `json:"reason,omitempty"` // for the operator; without secrets
}

// Options is what an API is made of.
type Options struct {
	Store     Store
	Inventory Inventory
	Rules     Rules
	Hub       *Hub           // what is new
	Ready     func() []Check // must not block for long
	Version   string         // of the program
	Now       func() time.Time
	Log       zerolog.Logger
}

// API answers requests below Base. Whoever stands in front puts the visitor into the request's
// context. It is safe for concurrent use.
type API struct {
	opt      Options
	log      zerolog.Logger
	document []byte
	mux      *http.ServeMux
	sender   answer.Sender
}

// New builds an API.
func New(o Options) (*API, error) {
	for _, need := range []struct {
		name    string
		missing bool
	}{
		{"Store", o.Store == nil}, {"Inventory", o.Inventory == nil}, {"Rules", o.Rules == nil},
		{"Hub", o.Hub == nil}, {"Ready", o.Ready == nil}, {"Now", o.Now == nil},
	} {
		if need.missing {
			return nil, errors.New("api: option " + need.name + " is missing")
		}
	}
	a := &API{opt: o, log: o.Log.With().Str("component", "api").Logger(), mux: http.NewServeMux()}
	var err error
	if a.document, err = documentJSON(); err != nil {
		return nil, err
	}
	for _, rt := range a.table() {
		a.mux.HandleFunc(Base+rt.pattern, a.admit(rt))
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, notFound("there is nothing at this address; "+Base+"/openapi.json tells what there is"))
	})
	return a, nil
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	// To be asked for again each time, which the tag makes cheap; never kept for others.
	h.Set("Cache-Control", "private, no-cache")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		a.refuse(w, r, &problem{Status: http.StatusMethodNotAllowed, Detail: "here can only be read: use GET or HEAD"})
		return
	}
	a.mux.ServeHTTP(w, r)
}

// answerTime bounds how long is looked for an answer.
const answerTime = 10 * time.Second

// admit lets those to an address who may go there, and sends them what it gives.
func (a *API) admit(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := visitor.From(r.Context())
		if rt.may != "" && !v.May.Have(rt.may) {
			a.turnAway(w, r, v, rt.may)
			return
		}
		q, err := readQuery(r, rt.args)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		if rt.serve != nil {
			rt.serve(w, r, q)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), answerTime)
		defer cancel()
		body, err := rt.do(call{Context: ctx, request: r, visitor: v, query: q})
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		if p, is := body.(list); is && p.Next != "" {
			w.Header().Set("Link", "<"+p.Next+`>; rel="next"`)
		}
		text, err := json.Marshal(body)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		a.sender.Send(w, r, "application/json", append(text, '\n'))
	}
}

// turnAway tells somebody that he may not, and whether logging in would help.
func (a *API) turnAway(w http.ResponseWriter, r *http.Request, v visitor.Visitor, may visitor.Permission) {
	if v.Role != "" || v.Bearer || v.Local || len(v.May) > 0 {
		a.log.Info().Str("name", v.Name).Str("role", string(v.Role)).Str("path", r.URL.Path).Msg("refused: not allowed")
		a.refuse(w, r, &problem{Status: http.StatusForbidden, Detail: "this takes the permission " + string(may)})
		return
	}
	challenge := `Bearer realm="Meldefunk"`
	p := &problem{Status: http.StatusUnauthorized, Detail: "this takes a login, or a token with the scope " + string(may)}
	if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		challenge += `, error="invalid_token"`
		p.Detail = "the token is unknown or has expired"
	}
	w.Header().Set("WWW-Authenticate", challenge)
	a.refuse(w, r, p)
}
