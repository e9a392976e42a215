package board

import (
	"embed"
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/rs/zerolog"
)

//go:embed templates static
var files embed.FS

// Options is what a board is made of.
type Options struct {
	Config    Config
	Store     Store
	Inventory Inventory
	Rules     Rules
	Decisions Decisions        // nil: none are kept
	Desk      Desk             // nil: nobody can change anything
	Now       func() time.Time // the clock that ages are counted from
	Location  *time.Location   // of every time shown, Europe/Berlin
	Ready     func() []Check   // asked by /readyz; must not block for long
	Metrics   http.Handler     // serves /metrics
	Log       zerolog.Logger
	// Link gives the address of a ticket's page in its system, "" where there is none; nil:
	// nowhere.
	Link   func(system, number string) string
	Notice string // shown on top of every page, like "Vorführung: simulierte Stadt"; "" for none
}

// Board serves the pages. It starts nothing by itself and is safe for concurrent use.
type Board struct {
	opt     Options
	log     zerolog.Logger
	pages   map[string]*template.Template
	css     stylesheet
	seal    seal
	handler http.Handler
}

// New builds a board and its pages. It returns every problem with the options, joined.
func New(o Options) (*Board, error) {
	errs := []error{o.Config.Validate()}
	for _, need := range []struct {
		name    string
		missing bool
	}{
		{"Store", o.Store == nil}, {"Inventory", o.Inventory == nil}, {"Rules", o.Rules == nil}, {"Now", o.Now == nil},
		{"Location", o.Location == nil}, {"Ready", o.Ready == nil}, {"Metrics", o.Metrics == nil},
	} {
		if need.missing {
			errs = append(errs, errors.New("board: option "+need.name+" is missing"))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	b := &Board{opt: o, log: o.Log.With().Str("component", "board").Logger(), seal: newSeal()}
	var err error
	if b.css, err = loadStylesheet(); err != nil {
		return nil, err
	}
	if b.pages, err = loadPages(); err != nil {
		return nil, err
	}
	b.handler = b.guard(b.routes())
	return b, nil
}

// Handler serves everything: pages, health, metrics. It answers only under the configured
// names, and what changes something only at this machine.
func (b *Board) Handler() http.Handler { return b.handler }

func (b *Board) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", b.page("overview", b.overview))
	mux.HandleFunc("/anlage/{id}", b.page("asset", b.asset))
	mux.HandleFunc("/meldungen", b.page("cases", b.cases))
	mux.HandleFunc("/meldung/{ref}", b.page("case", b.oneCase))
	mux.HandleFunc("/meldung/{ref}/auftrag", func(w http.ResponseWriter, r *http.Request) { // where a form that was not right stayed
		http.Redirect(w, r, caseLink(r.PathValue("ref")), http.StatusSeeOther)
	})
	mux.HandleFunc("/stummschaltungen", b.page("mutes", b.mutes))
	mux.HandleFunc("/regeln", b.page("rules", b.rules))
	mux.HandleFunc("/zurueckgestellt", b.page("asides", b.asides))
	mux.HandleFunc("/healthz", b.healthz)
	mux.HandleFunc("/readyz", b.readyz)
	mux.Handle("/metrics", b.opt.Metrics)
	mux.HandleFunc("/static/board.css", b.css.serve)
	mux.HandleFunc("/static/icon.svg", serveIcon)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { b.fail(w, r, notFound()) })
	return mux
}

// posts are the addresses that change something.
func (b *Board) posts() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/meldung/{ref}/auftrag", b.act(b.takeWish))
	mux.HandleFunc("/stummschaltungen", b.act(b.takeMute))
	mux.HandleFunc("/stummschaltungen/{id}/aufheben", b.act(b.takeUnmute))
	mux.HandleFunc("/", b.refuseMethod)
	return mux
}
