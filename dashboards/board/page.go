package board

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"meldefunk/city/visitor"
)

// requestTimeout bounds what one page may ask of the store.
const requestTimeout = 10 * time.Second

// frame is what every page has around its content.
type frame struct {
	Title  string // h1, and the first half of the browser's title
	Nav    []entry
	Self   string // address of this page, for "Aktualisieren"; "" where that makes no sense
	CSS    string
	Notice string
	Stand  moment
	Zone   string
	Who    string // is logged in; "": nobody, or nobody has to
	Role   string
	Seal   string // of the form that logs out
	Ready  bool   // the visitor may see how the platform is
	Body   any
}

// entry is a page of the navigation.
type entry struct {
	Path, Word string
	Current    bool
}

// navigation is what a visitor may see; current is the path of this page's entry.
func navigation(v visitor.Visitor, current string) []entry {
	var all []entry
	for _, e := range []struct {
		path, word string
		may        visitor.Permission
	}{
		{"/arbeit", "Arbeitsliste", visitor.ReadReadings}, {"/", "Übersicht", visitor.ReadReadings}, {"/meldungen", "Meldungen", visitor.ReadTickets}, {"/qualitaet", "Datenqualität", visitor.ReadDevices}, {"/stummschaltungen", "Stummschaltungen", visitor.ReadTickets},
		{"/regeln", "Regeln", visitor.ReadRules}, {"/zurueckgestellt", "Zurückgestellt", visitor.ReadDevices}, {"/inventar", "Inventar", visitor.ReadDevices},
	} {
		if v.May.Have(e.may) {
			all = append(all, entry{e.path, e.word, e.path == current})
		}
	}
	return all
}

// content is what a page hands to its frame.
type content struct {
	title, nav, self string
	body             any
	sheet            func() sheet // its table for other programs; nil: there is none
}

// loadPages parses the layout once with each page.
func loadPages() (map[string]*template.Template, error) {
	layout, err := template.ParseFS(files, "templates/layout.html", "templates/form.html")
	if err != nil {
		return nil, fmt.Errorf("board: %w", err)
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("board: %w", err)
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		t, err := layout.Clone()
		if err == nil {
			t, err = t.ParseFS(files, name)
		}
		if err != nil {
			return nil, fmt.Errorf("board: %w", err)
		}
		pages[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return pages, nil
}

// page makes a handler of a function that gathers what a page shows.
func (b *Board) page(name string, gather func(*http.Request) (content, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		c, err := gather(r.WithContext(ctx))
		if err != nil {
			b.fail(w, r, err)
			return
		}
		if r.URL.Query().Has("format") {
			if err := b.writeSheet(w, r, c); err != nil {
				b.fail(w, r, err)
			}
			return
		}
		b.write(w, r, http.StatusOK, name, c)
	}
}

// write renders into memory first: a page that breaks half way becomes an error page,
// not half a page.
func (b *Board) write(w http.ResponseWriter, r *http.Request, status int, name string, c content) {
	now, v := b.opt.Now(), visitor.From(r.Context())
	f := frame{
		Title: c.title, Nav: navigation(v, c.nav), Self: c.self, Body: c.body,
		CSS: b.css.href, Notice: b.opt.Notice,
		Stand: momentOf(now, now, b.opt.Location), Zone: b.opt.Location.String(),
		Ready: v.May.Have(visitor.ReadPlatform),
	}
	if v.Session != "" {
		f.Who, f.Role, f.Seal = v.Name, v.Role.German(), b.seal.token(now, bySession(v))
	}
	var buf bytes.Buffer
	if err := b.pages[name].ExecuteTemplate(&buf, "layout.html", f); err != nil {
		b.log.Error().Err(err).Str("page", name).Msg("page cannot be rendered")
		http.Error(w, "Die Seite kann gerade nicht angezeigt werden.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", "de")
	b.send(w, r, status, buf.Bytes())
}

// sent notes an answer that did not arrive. Visitors leave all the time.
func (b *Board) sent(_ int, err error) {
	if err != nil {
		b.log.Debug().Err(err).Msg("answer did not reach the visitor")
	}
}
