package sensorthings

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
)

// Options are what New needs beside the source.
type Options struct {
	// Base is the address under which visitors see the service, absolute and ending in the
	// version: "https://sensoren.example.org/v1.1". Its path is what the handler answers under.
	Base      string
	Inventory Inventory
	Release   Release
	Since     time.Time // from when on places are told, the time of HistoricalLocations; zero: there are none
	// Measures tells whether a model can tell of a quantity of an asset; nil: every model of all
	// that is released. An asset has Datastreams only for what its device measures.
	Measures func(model string, asset *city.Asset, q city.Quantity) bool
	Now      func() time.Time
	Patience time.Duration // how long an answer may take; 0: 10 s
	Log      zerolog.Logger
}

// API answers requests. It is safe for concurrent use.
type API struct {
	opt  settings
	base string // without a slash at its end
	path string // of base
	log  zerolog.Logger
	made atomic.Pointer[catalogue]
}

// settings are Options with the source.
type settings struct {
	Options
	Source Source
}

// New makes the service. It returns every problem with the options, joined.
func New(source Source, o Options) (http.Handler, error) {
	errs := []error{o.Release.Validate()}
	base, err := url.Parse(o.Base)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.RawQuery != "" || base.Fragment != "" || !strings.HasSuffix(strings.TrimSuffix(base.Path, "/"), "/v1.1") {
		errs = append(errs, errors.New("sensorthings: base: want an absolute address that ends in the version, like https://sensoren.example.org/v1.1, got "+strconv.Quote(o.Base)))
	}
	if source == nil || o.Inventory == nil || o.Now == nil {
		errs = append(errs, errors.New("sensorthings: source, Inventory and Now are needed"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	a := &API{opt: settings{o, source}, base: strings.TrimSuffix(o.Base, "/"), path: strings.TrimSuffix(base.Path, "/"),
		log: o.Log.With().Str("component", "sensorthings").Logger()}
	return a, nil
}

// catalogue gives the entities of the inventory as it is now.
func (a *API) catalogue() *catalogue {
	assets := a.opt.Inventory.Assets()
	c := a.made.Load()
	if c != nil && len(c.assets) == len(assets) && (len(assets) == 0 || &c.assets[0] == &assets[0]) {
		return c
	}
	c = newCatalogue(a.opt.Options)
	a.made.Store(c)
	return c
}

// ServeHTTP answers GET and HEAD below the base's path.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	// Open data: any page may read it, and no cookie has a meaning here.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "Content-Type")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		a.fail(w, r, refuse(http.StatusMethodNotAllowed, "%s: this service is for reading, with GET", r.Method))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.opt.Patience)
	defer cancel()
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), a.path)
	if !ok || path != "" && path[0] != '/' {
		a.fail(w, r, refuse(http.StatusNotFound, "the service begins at %s", a.base))
		return
	}
	if path == "" || path == "/" {
		a.write(w, r, a.root())
		return
	}
	answer, err := a.answer(ctx, path, r.URL.RawQuery)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.write(w, r, answer)
}

// plain is an answer that is not JSON, and nothing an answer without content.
type (
	plain   string
	nothing struct{}
)

func (a *API) answer(ctx context.Context, path, rawQuery string) (any, error) {
	q := a.query(ctx)
	t, err := q.walkPath(path)
	if err != nil {
		return nil, err
	}
	o, err := parseOptions(rawQuery, t.set, t.entity != nil)
	if err != nil {
		return nil, err
	}
	switch {
	case t.path != nil:
		if len(o.given) > 0 {
			return nil, refuse(http.StatusBadRequest, "%s does not fit here: the address leads to a property", o.given[0].name)
		}
		return q.value(t)
	case t.entity != nil && t.refs:
		return object{{"@iot.selfLink", q.self(t.entity)}}, nil
	case t.entity != nil:
		return q.render(t.entity, o)
	}
	p, err := q.target(t, o)
	if err != nil {
		return nil, err
	}
	if t.refs {
		return q.collection(p, o, t.at, func(e *entity) (any, error) { return object{{"@iot.selfLink", q.self(e)}}, nil })
	}
	if o.arrayed {
		return q.arrays(p, o, t.at)
	}
	return q.collection(p, o, t.at, func(e *entity) (any, error) { return q.render(e, o) })
}

// target gives the page of the set that an address leads to.
func (q *query) target(t *target, o *options) (*page, error) {
	switch {
	case t.parent != nil:
		return q.page(t.parent, t.via, o)
	case t.set == observations:
		return q.observed(q.cat.sets[datastreams], true, o)
	}
	return q.list(q.cat.sets[t.set], o)
}

// value answers with a property.
func (q *query) value(t *target) (any, error) {
	v, err := env{q: q, at: t.entity}.property(t.entity, t.path)
	if err != nil {
		return nil, err
	}
	name := t.path[len(t.path)-1].name
	if isID(t.path[0].name) {
		v, name = t.entity.id, "@iot.id"
	}
	switch {
	case v == nil && len(t.path) > 1:
		return nil, refuse(http.StatusNotFound, "%s has no %.60q", t.path[0].name, name)
	case v == nil:
		return nothing{}, nil
	case !t.raw:
		return object{{name, v}}, nil
	}
	if id, ok := v.(int64); ok {
		return plain(strconv.FormatInt(id, 10)), nil
	}
	if s, ok := text(v); ok {
		return plain(s), nil
	}
	return v, nil
}

// conformance are the requirements that the tests of this package show to be met.
var conformance = []string{
	"datamodel/thing/properties", "datamodel/thing/relations", "datamodel/location/properties", "datamodel/location/relations",
	"datamodel/historical-location/properties", "datamodel/historical-location/relations", "datamodel/datastream/properties", "datamodel/datastream/relations",
	"datamodel/sensor/properties", "datamodel/sensor/relations", "datamodel/observed-property/properties", "datamodel/observed-property/relations",
	"datamodel/observation/properties", "datamodel/observation/relations", "datamodel/feature-of-interest/properties", "datamodel/feature-of-interest/relations",
	"datamodel/entity-control-information/common-control-information", "resource-path/resource-path-to-entities",
	"request-data/order", "request-data/expand", "request-data/select", "request-data/status-code", "request-data/query-status-code",
	"request-data/orderby", "request-data/top", "request-data/skip", "request-data/count", "request-data/filter",
	"request-data/built-in-filter-operations", "request-data/built-in-query-functions", "request-data/pagination",
}

func (a *API) root() any {
	sets := make([]object, len(schema))
	for i, s := range schema {
		sets[i] = object{{"name", s.name}, {"url", a.base + "/" + s.name}}
	}
	met := make([]string, len(conformance))
	for i, c := range conformance {
		met[i] = "http://www.opengis.net/spec/iot_sensing/1.1/req/" + c
	}
	return object{{"value", sets}, {"serverSettings", object{{"conformance", met}}}}
}

func (a *API) write(w http.ResponseWriter, r *http.Request, answer any) {
	switch v := answer.(type) {
	case nothing:
		w.WriteHeader(http.StatusNoContent)
		return
	case plain:
		a.send(w, r, http.StatusOK, "text/plain; charset=utf-8", []byte(v))
		return
	}
	var b bytes.Buffer
	if err := encode(&b, jsonValue(answer)); err != nil {
		a.fail(w, r, err)
		return
	}
	a.send(w, r, http.StatusOK, "application/json; charset=utf-8", b.Bytes())
}

func (a *API) send(w http.ResponseWriter, r *http.Request, status int, kind string, b []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := w.Write(b); err != nil {
		a.log.Debug().Err(err).Msg("visitor has gone")
	}
}

// fail answers with what is wrong.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, message := http.StatusInternalServerError, "the store did not answer; the log says why"
	var refused *refusal
	var mistaken *mistake
	var costly *bound
	switch {
	case errors.As(err, &refused):
		status, message = refused.status, refused.message
	case errors.As(err, &mistaken):
		status, message = http.StatusBadRequest, mistaken.Error()
	case errors.As(err, &costly):
		status, message = http.StatusBadRequest, costly.message
	default:
		a.log.Error().Err(err).Str("path", r.URL.EscapedPath()).Msg("cannot answer")
	}
	var b bytes.Buffer
	if err := encode(&b, object{{"code", status}, {"type", "error"}, {"message", message}}); err != nil {
		b.WriteString("{}")
	}
	a.send(w, r, status, "application/json; charset=utf-8", b.Bytes())
}
