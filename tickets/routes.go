package tickets

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
)

// Routes are the routes of a city, before those that are shipped. They do not change and may
// be used by several goroutines.
type Routes struct {
	ways    []way
	systems map[string]SystemConfig
	system  string // where no route names one
}

var _ Router = (*Routes)(nil)

// way is one route as it was read: for which cases, and what it decides of them.
type way struct {
	match
	name  string
	where string // file and line
	gifts []gift
}

// gift is one field of a Route that a way decides.
type gift struct {
	key  string
	text string // as people wrote it
	put  func(*Route)
}

// Decided says of one field of a Route what it is and why.
type Decided struct {
	Field string // as in a file of routes, "auto_close"
	Value string
	By    string // name and place of the route, or what else decided
}

// shipped are the routes for our own categories. They come last.
//
//go:embed routes.yaml
var shipped []byte

// maxRoutesFile bounds a file of routes, in bytes.
const maxRoutesFile = 16 << 20

// RouteParts are what reading routes needs beside the settings.
type RouteParts struct {
	File     string   // the file that the settings stand in, for messages
	Services []string // categories that rules open cases of, beside Services
	// Calendar makes one of words, like "mon-fri 07:00-16:00" or "sun,holidays".
	Calendar func(windows []string) (Calendar, error)
	Now      func() time.Time
}

// LoadRoutes reads the routes of the settings, of the file that they name, and those that
// are shipped, and gives every problem with file and line. The settings were validated.
func LoadRoutes(cfg Config, p RouteParts) (*Routes, error) {
	r := &Routes{systems: cfg.all(), system: cfg.System}
	l := &routeReader{cfg: cfg, parts: p, areas: map[string]area{}}
	for _, s := range Services() {
		l.services = append(l.services, s.Code)
	}
	l.services = append(l.services, p.Services...)

	pages := []page{{p.File, cfg.Areas, cfg.Routes}}
	if cfg.RoutesFile != "" {
		data, err := readBounded(cfg.RoutesFile)
		if err != nil {
			return nil, fmt.Errorf("%s: tickets.routes_file: %w", p.File, err)
		}
		pages = append(pages, l.page(cfg.RoutesFile, data))
	}
	pages = append(pages, l.page("routes.yaml (shipped)", shipped))
	for _, page := range pages {
		l.file = page.file
		l.readAreas(&page.areas)
	}
	for _, page := range pages {
		l.file = page.file
		r.ways = append(r.ways, l.readRoutes(&page.routes)...)
	}
	if err := errors.Join(l.errs...); err != nil {
		return nil, err
	}
	return r, nil
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxRoutesFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(data) > maxRoutesFile {
		return nil, fmt.Errorf("%s is longer than %d MiB: is it a file of routes?", name, maxRoutesFile>>20)
	}
	return data, nil
}

// Route gives the route of a case. Of each field the first way decides that fits the case
// and names it.
func (r *Routes) Route(c *city.Case, a *city.Asset) Route {
	return r.decide(c, a, func(string, string, string) {})
}

// Explain says of each field of the route of a case what decided it, in the order of the
// ways.
func (r *Routes) Explain(c *city.Case, a *city.Asset) (Route, []Decided) {
	var all []Decided
	to := r.decide(c, a, func(field, value, by string) { all = append(all, Decided{field, value, by}) })
	return to, all
}

func (r *Routes) decide(c *city.Case, a *city.Asset, tell func(field, value, by string)) Route {
	to := Route{System: r.system, AutoClose: AutoCloseUntouched, Respect: 24 * time.Hour, Priority: priority(c)}
	given := map[string]bool{}
	for i := range r.ways {
		w := &r.ways[i]
		if !w.fits(c, a) {
			continue
		}
		for _, g := range w.gifts {
			if !given[g.key] {
				given[g.key] = true
				g.put(&to)
				tell(g.key, g.text, w.name+" ("+w.where+")")
			}
		}
	}
	if !given["system"] {
		tell("system", to.System, "tickets.system")
	}
	if !given["priority"] {
		tell("priority", to.Priority, "how bad the case is")
	}
	s := r.systems[to.System]
	if !given["delivery"] {
		to.AtLeastOnce = s.insists()
	}
	if to.AutoClose != AutoCloseNever && !s.closes() {
		to.AutoClose = AutoCloseNever
		tell("auto_close", string(to.AutoClose), "the ticket system "+to.System+" cannot be told to close")
	}
	switch {
	case to.Hours.Open == nil && to.Hours.Quiet == nil:
	case s.Kind == SystemLocal:
		to.Hours = Hours{}
		tell("hours", "always", "the case list is always open")
	case to.Priority == PriorityHigh:
		to.Hours = Hours{}
		tell("hours", "always", "priority hoch waits for nobody")
	}
	return to
}

// Codes gives the categories of a ticket system that routes name. One without a system is
// taken to be of the usual one.
func (r *Routes) Codes(system string) []string {
	var codes []string
	for i := range r.ways {
		to := Route{}
		for _, g := range r.ways[i].gifts {
			g.put(&to)
		}
		if to.Code != "" && (to.System == system || to.System == "" && r.system == system) {
			codes = append(codes, to.Code)
		}
	}
	return codes
}

// page is one file of routes, or the part of the settings that is about them.
type page struct {
	file          string
	areas, routes yaml.Node
}
