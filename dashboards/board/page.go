package board

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// requestTimeout bounds what one page may ask of the store.
const requestTimeout = 10 * time.Second

// frame is what every page has around its content.
type frame struct {
	Title  string // h1, and the first half of the browser's title
	Nav    string // path of the navigation entry this page belongs to, "" for none
	Self   string // address of this page, for "Aktualisieren"; "" where that makes no sense
	CSS    string
	Notice string
	Stand  moment
	Zone   string
	Body   any
}

// content is what a page hands to its frame.
type content struct {
	title, nav, self string
	body             any
}

// loadPages parses the layout once with each page.
func loadPages() (map[string]*template.Template, error) {
	layout, err := template.ParseFS(files, "templates/layout.html")
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
		b.write(w, r, http.StatusOK, name, c)
	}
}

// write renders into memory first: a page that breaks half way becomes an error page,
// not half a page.
func (b *Board) write(w http.ResponseWriter, r *http.Request, status int, name string, c content) {
	now := b.opt.Now()
	f := frame{
		Title: c.title, Nav: c.nav, Self: c.self, Body: c.body,
		CSS: b.css.href, Notice: b.opt.Notice,
		Stand: momentOf(now, now, b.opt.Location), Zone: b.opt.Location.String(),
	}
	var buf bytes.Buffer
	if err := b.pages[name].ExecuteTemplate(&buf, "layout.html", f); err != nil {
		b.log.Error().Err(err).Str("page", name).Msg("page cannot be rendered")
		http.Error(w, "Die Seite kann gerade nicht angezeigt werden.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", "de")
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		b.sent(w.Write(buf.Bytes()))
	}
}

// sent notes an answer that did not arrive. Visitors leave all the time.
func (b *Board) sent(_ int, err error) {
	if err != nil {
		b.log.Debug().Err(err).Msg("answer did not reach the visitor")
	}
}
