package opendata

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/answer"
)

// Base is where open data lie.
const Base = "/open"

//go:embed templates static
var files embed.FS

// Store is what is read.
type Store interface {
	// Latest gives, in any order, the newest reading by event time of every asset that has
	// one. Readings sent by hand (Simulated) do not count.
	Latest(ctx context.Context) ([]city.Reading, error)
}

// Inventory is what hangs where. It must not block, and what it returns is not changed.
type Inventory interface{ Assets() []*city.Asset }

// Options is what open data are made of.
type Options struct {
	Config     Config
	Store      Store
	Inventory  Inventory
	StaleAfter func(city.Kind) time.Duration // how old a reading may be and still count as the present; 0: any
	Now        func() time.Time
	Location   *time.Location // of every time shown
	Log        zerolog.Logger
}

// Data publishes what is released, to everybody, below Base. It is safe for concurrent use.
type Data struct {
	opt    Options
	log    zerolog.Logger
	mux    *http.ServeMux
	pages  *template.Template
	sender answer.Sender
	sets   []set

	mu   sync.Mutex // held while publications are made
	last []*publication
}

// publication is a set as it was made last.
type publication struct {
	config Config
	set    set
	rows   []row
	made   time.Time
	zone   *time.Location
}

// New makes what Options say is to be published.
func New(o Options) (*Data, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, fmt.Errorf("open data: %w", err)
	}
	if !o.Config.Wanted() {
		return nil, errors.New("open data: nothing is to be published")
	}
	if o.Store == nil || o.Inventory == nil || o.StaleAfter == nil || o.Now == nil || o.Location == nil {
		return nil, errors.New("open data: an option is missing")
	}
	o.Config.Address = strings.TrimSuffix(o.Config.Address, "/")
	d := &Data{opt: o, log: o.Log.With().Str("component", "open data").Logger(), mux: http.NewServeMux()}
	for _, s := range sets() {
		if slices.Contains(o.Config.Sets, s.key) {
			d.sets = append(d.sets, s)
		}
	}
	var err error
	if d.pages, err = template.ParseFS(files, "templates/*.html"); err != nil {
		return nil, fmt.Errorf("open data: %w", err)
	}
	d.routes()
	return d, nil
}

func (d *Data) routes() {
	handle := func(path, mediaType string, make func([]*publication) ([]byte, error)) {
		d.mux.HandleFunc(Base+path, d.serve(mediaType, make))
	}
	const page, table = "text/html; charset=utf-8", "text/csv; charset=utf-8; header=present"
	handle("/{$}", page, d.index)
	handle("/catalog.jsonld", "application/ld+json", func(all []*publication) ([]byte, error) { return jsonLD(d.catalogue(all)) })
	handle("/catalog.rdf", "application/rdf+xml", func(all []*publication) ([]byte, error) { return rdfXML(d.catalogue(all)) })
	for i, s := range d.sets {
		handle("/"+s.path, page, func(all []*publication) ([]byte, error) { return d.page(all[i]) })
		handle("/"+s.path+".geojson", "application/geo+json", func(all []*publication) ([]byte, error) { return all[i].geoJSON() })
		handle("/"+s.path+".csv", table, func(all []*publication) ([]byte, error) { return all[i].csv(machine()) })
		handle("/"+s.path+"-excel.csv", table, func(all []*publication) ([]byte, error) { return all[i].csv(excel()) })
	}
	d.mux.HandleFunc(Base+"/open.css", func(w http.ResponseWriter, r *http.Request) {
		css, _ := files.ReadFile("static/open.css") // embedded
		d.sender.Send(w, r, "text/css; charset=utf-8", css)
	})
	d.mux.HandleFunc(Base, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, Base+"/", http.StatusMovedPermanently)
	})
	d.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "Hier gibt es nichts. Was es gibt, steht unter "+Base+"/", http.StatusNotFound)
	})
}

// ServeHTTP answers a request.
func (d *Data) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	// Everybody's pages may read it: it is for everybody, and the same for all.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Del("Cache-Control")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "Hier kann nur gelesen werden.", http.StatusMethodNotAllowed)
		return
	}
	d.mux.ServeHTTP(w, r)
}

// answerTime bounds how long is looked for an answer.
const answerTime = 10 * time.Second

func (d *Data) serve(mediaType string, make func([]*publication) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerTime)
		defer cancel()
		all, err := d.published(ctx)
		var body []byte
		if err == nil {
			body, err = make(all)
		}
		if err != nil {
			if r.Context().Err() == nil {
				d.log.Error().Err(err).Str("path", r.URL.Path).Msg("a request failed")
			}
			w.Header().Set("Retry-After", "60")
			http.Error(w, "Das geht gerade nicht. Bitte später noch einmal versuchen.", http.StatusServiceUnavailable)
			return
		}
		fresh := max(0, d.opt.Config.Interval-d.opt.Now().Sub(all[0].made))
		w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(fresh/time.Second)))
		w.Header().Set("Link", "<"+d.opt.Config.licence().page+`>; rel="license"`)
		d.sender.Send(w, r, mediaType, body)
	}
}

// published gives the sets as they were made last, made anew when the interval is over: not
// more often, so that nobody can watch a bay.
func (d *Data) published(ctx context.Context) ([]*publication, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.opt.Now()
	if d.last != nil && now.Sub(d.last[0].made) < d.opt.Config.Interval {
		return d.last, nil
	}
	all, err := d.opt.Store.Latest(ctx)
	if err != nil {
		return nil, err
	}
	w := world{assets: d.opt.Inventory.Assets(), newest: make(map[string]*city.Reading, len(all)), stale: d.opt.StaleAfter, now: now}
	for i := range all {
		w.newest[all[i].Asset] = &all[i]
	}
	var made []*publication
	for _, s := range d.sets {
		made = append(made, &publication{d.opt.Config, s, s.rows(d.opt.Config, w), now, d.opt.Location})
	}
	d.last = made
	return made, nil
}
