package opendata

import (
	"bytes"
	"fmt"
	"time"
)

// pageBody is what a page shows.
type pageBody struct {
	Title   string
	Home    string // address of the list; "": this is it
	Config  Config
	Licence licenceBody
	Made    time.Time
	Stand   string
	Every   string
	Sets    []setBody
	Set     *setBody
}

type licenceBody struct {
	Name, Page string
	ByName     bool
}

type setBody struct {
	Path, Title, Description, Key string
	Rows                          int
	Gaps                          []string
	Fields                        []fieldBody
}

type fieldBody struct{ Name, Unit, Text, Example string }

func (p *publication) body() setBody {
	b := setBody{Path: Base + "/" + p.set.path, Key: p.set.key, Title: p.set.title, Description: p.set.description, Rows: len(p.rows), Gaps: p.set.gaps}
	for i, f := range p.set.fields {
		one := fieldBody{Name: f.name, Unit: f.unit, Text: f.text}
		for _, r := range p.rows {
			if one.Example = machine().cell(r.values[i], p.zone); one.Example != "" {
				break
			}
		}
		b.Fields = append(b.Fields, one)
	}
	return b
}

func (d *Data) frame(p *publication, title string) pageBody {
	l, c := d.opt.Config.licence(), d.opt.Config
	every := fmt.Sprintf("%d Minuten", int(c.Interval/time.Minute))
	if c.Interval < 2*time.Minute {
		every = "Minute"
	}
	return pageBody{Title: title, Config: c, Licence: licenceBody{l.name, l.page, l.byName}, Made: p.made.In(p.zone), Stand: p.made.In(p.zone).Format("02.01.2006, 15:04 Uhr"), Every: every}
}

func (d *Data) index(all []*publication) ([]byte, error) {
	b := d.frame(all[0], "Offene Sensordaten")
	for _, p := range all {
		b.Sets = append(b.Sets, p.body())
	}
	return d.render("index.html", b)
}

func (d *Data) page(p *publication) ([]byte, error) {
	b := d.frame(p, p.set.title)
	s := p.body()
	b.Home, b.Set = Base+"/", &s
	return d.render("set.html", b)
}

func (d *Data) render(name string, body pageBody) ([]byte, error) {
	var b bytes.Buffer
	err := d.pages.ExecuteTemplate(&b, name, body)
	return b.Bytes(), err
}
