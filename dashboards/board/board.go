package board

import (
	"compress/gzip"
	"crypto/tls"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"sync"
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
	Tours     Tours            // nil: nothing is known of visits, and nobody can tick off
	Registrar Registrar        // nil: there is no register, only files
	Access    Access           // nil: nobody has to log in
	Now       func() time.Time // the clock that ages are counted from
	Location  *time.Location   // of every time shown, Europe/Berlin
	Ready     func() []Check   // asked by /readyz; must not block for long
	Metrics   http.Handler     // serves /metrics
	Log       zerolog.Logger
	// Link gives the address of a ticket's page in its system, "" where there is none; nil:
	// nowhere.
	Link      func(system, number string) string
	Mounts    []Mount     // what others serve under the board's address
	Retention []Retention // told on the page about data protection
	Notice    string      // shown on top of every page, like "Vorführung: simulierte Stadt"; "" for none
}

// Board serves the pages. It starts nothing by itself and is safe for concurrent use.
type Board struct {
	opt       Options
	log       zerolog.Logger
	pages     map[string]*template.Template
	css       stylesheet
	seal      seal
	tls       *tls.Config // nil: plaintext
	districts *districts
	squeezers sync.Pool // of *gzip.Writer
	handler   http.Handler
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
	if o.Access == nil && o.Config.Reachable() {
		errs = append(errs, fmt.Errorf("board: %q can be reached from the network, and nobody would have to log in", o.Config.Listen))
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
	if b.tls, err = o.Config.TLS.Server(o.Now, "h2", "http/1.1"); err != nil {
		return nil, fmt.Errorf("board: %w", err)
	}
	if b.districts, err = loadDistricts(o.Config.Map); err != nil {
		return nil, err
	}
	b.squeezers.New = func() any { return gzip.NewWriter(io.Discard) }
	b.handler = b.guard(b.muxes())
	return b, nil
}

// Handler serves everything: pages, health, metrics. It answers only under the configured
// names.
func (b *Board) Handler() http.Handler { return b.handler }
