package board

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/visitor"
)

const (
	maxStops   = 500    // on one sheet; a tour of more cannot be driven in a day
	maxVisits  = 20_000 // read at all
	stopPrefix = "stopp:"
)

// Tours is where it is kept what people did on their tours. It is called like Store.
type Tours interface {
	// Visits gives up to limit visits of a tour since a time, also withdrawn ones, the newest first.
	Visits(ctx context.Context, tour string, since time.Time, limit int) ([]city.Visit, error)

	// LastDone gives of each of some assets the newest visit at which it was done, if there is
	// one that was not withdrawn.
	LastDone(ctx context.Context, assets []string) ([]city.Visit, error)

	// PutVisits keeps visits, all of them or none.
	PutVisits(ctx context.Context, all []city.Visit) error

	// WithdrawVisit keeps that a visit was a mistake; false: there is none of this number.
	WithdrawVisit(ctx context.Context, id int64, by string, at time.Time) (bool, error)
}

// tourBody is the sheet of a tour.
type tourBody struct {
	Note     string
	Problems []string
	Tour     string
	Stand    string
	Summary  string
	All      bool // every stop, not only what is due
	Other    link // the other choice
	Print    bool // with codes to scan, for paper
	PrintTo  link
	Stops    []stopRow
	Done     []visitRow
	Form     bool // somebody may tick off here
	Not      string
	Action   string
	Seal     string
	Me       string // the login's name; "": the form asks for one
	By, Why  string // as typed
	Cut      string // "Es werden 500 von 612 Stopps gezeigt."
	Sheets   []link
}

// stopRow is one stop.
type stopRow struct {
	Nr             string
	ID, Name, Link string
	Address, Place string
	Field          string
	Mark           mark
	Due, Why       string
	Value          string
	Heard          string
	Doubts         []string
	Code           string // address of the picture of a code to scan; "" for none
	Chosen         string // as typed: "erledigt", "nicht"
}

// visitRow is what somebody has said of a stop today.
type visitRow struct {
	ID, Name, Link string
	Word, By, Note string
	At             string
	Failed         bool
}

func (b *Board) tour(r *http.Request) (content, error) { return b.showTour(r, nil) }

// showTour gathers the sheet; wrong is what was wrong with the form that was sent to it.
func (b *Board) showTour(r *http.Request, wrong error) (content, error) {
	name, q, now := r.PathValue("name"), r.URL.Query(), b.opt.Now()
	if !slices.ContainsFunc(b.opt.Inventory.Assets(), func(a *city.Asset) bool { return a.Tour == name }) {
		return content{}, &problem{http.StatusNotFound, "Tour nicht gefunden", "Zu dieser Tour gehört keine Anlage im Bestand."}
	}
	all, err := b.gatherWork(r.Context(), workFilter{tour: name})
	if err != nil {
		return content{}, err
	}
	body := tourBody{Tour: name, All: q.Get("stopps") == "alle", Print: q.Get("ansicht") == "druck", Stand: hour(now, b.opt.Location),
		Note: map[string]string{"neu": "Eingetragen.", "zurueck": "Zurückgenommen."}[q.Get("vermerkt")]}
	if wrong != nil {
		body.Problems = strings.Split(wrong.Error(), "\n")
	}
	here := func(all, paper bool) string {
		q := url.Values{}
		if all {
			q.Set("stopps", "alle")
		}
		if paper {
			q.Set("ansicht", "druck")
		}
		return address(tourLink(name), q, 1)
	}
	body.Other = link{"alle Stopps der Tour", here(true, body.Print)}
	if body.All {
		body.Other = link{"nur was fällig ist", here(false, body.Print)}
	}
	body.PrintTo = link{"zum Drucken, mit Codes", here(body.All, true)}
	if body.Print {
		body.PrintTo = link{"für das Telefon", here(body.All, false)}
	}
	body.Action = here(body.All, body.Print)
	body.Sheets = sheetLinks(body.Action)
	done, err := b.doneToday(r.Context(), name, now, &body)
	if err != nil {
		return content{}, err
	}
	stops := slices.DeleteFunc(all, func(w work) bool {
		return done[w.asset.ID] || !body.All && w.at != urgentNow && w.at != urgentSoon
	})
	slices.SortFunc(stops, func(x, y work) int { return cmp.Compare(x.place, y.place) }) // as the inventory has them: that is how it is driven
	b.tourForm(r, &body)
	body.Summary = counted(len(stops), "Stopp", "Stopps") + " offen, " + counted(len(done), "Stopp", "Stopps") + " heute erledigt oder abgehakt."
	if len(stops) > maxStops {
		body.Cut = "Es werden " + count(maxStops) + " von " + count(len(stops)) + " Stopps gezeigt."
	}
	for i := range stops[:min(maxStops, len(stops))] {
		row := b.stopRow(i, &stops[i], now)
		if body.Print {
			row.Code = row.Link + "/code.svg"
		}
		if wrong != nil {
			row.Chosen = r.PostForm.Get(row.Field)
		}
		body.Stops = append(body.Stops, row)
	}
	return content{title: "Tour " + strings.TrimPrefix(name, "Tour "), self: body.Action, body: body, sheet: func() sheet { return b.workSheet(stops, now) }}, nil
}

// doneToday fills in what was ticked off since midnight, and tells of which assets.
func (b *Board) doneToday(ctx context.Context, tour string, now time.Time, body *tourBody) (map[string]bool, error) {
	done := map[string]bool{}
	if b.opt.Tours == nil {
		return done, nil
	}
	y, m, d := now.In(b.opt.Location).Date()
	visits, err := b.opt.Tours.Visits(ctx, tour, time.Date(y, m, d, 0, 0, 0, 0, b.opt.Location), maxVisits)
	if err != nil {
		return nil, err
	}
	assets := b.assetsByID()
	for i := range visits {
		v := &visits[i]
		if !v.Withdrawn.IsZero() || done[v.Asset] {
			continue
		}
		done[v.Asset] = true
		row := visitRow{ID: strconv.FormatInt(v.ID, 10), Name: v.Asset, Word: "erledigt", By: printable(v.By), Note: printable(v.Note), At: hour(v.At, b.opt.Location)}
		if v.Outcome == city.VisitFailed {
			row.Word, row.Failed = "nicht möglich", true
		}
		if a := assets[v.Asset]; a != nil {
			row.Name, row.Link = nameOf(a), assetLink(a.ID)
		}
		body.Done = append(body.Done, row)
	}
	return done, nil
}

// tourForm says whether the visitor may tick off, and with what.
func (b *Board) tourForm(r *http.Request, body *tourBody) {
	v := visitor.From(r.Context())
	if body.Not = b.mayNot(v, visitor.WriteTours); body.Not == "" && b.opt.Tours == nil {
		body.Not = "Hier kann nur gelesen werden."
	}
	if body.Form = body.Not == ""; body.Form {
		body.Seal, body.Me = b.seal.token(b.opt.Now(), bySession(v)), v.Name
		body.By, body.Why = r.PostForm.Get("name"), r.PostForm.Get("grund")
	}
}

func (b *Board) stopRow(i int, w *work, now time.Time) stopRow {
	base := b.workRow(w, now)
	row := stopRow{Nr: count(i + 1), ID: base.ID, Name: base.Name, Link: base.Link, Address: w.asset.Address, Field: stopPrefix + base.ID,
		Mark: base.Mark, Due: base.Due, Value: strings.TrimSpace(base.State.Word + " " + base.Value), Heard: base.Heard.Age, Doubts: base.Doubts}
	if row.Address == row.Name {
		row.Address = ""
	}
	if w.open != nil {
		row.Why = w.open.Case.Title
	}
	if p := w.asset.Position; p != nil && row.Address == "" {
		row.Place = coordinates(p.Lat, p.Lon)
	}
	return row
}

// takeVisits notes what was ticked off, or that it was a mistake.
func (b *Board) takeVisits(w http.ResponseWriter, r *http.Request) {
	if b.opt.Tours == nil {
		b.fail(w, r, forbidden("Hier kann nur gelesen werden."))
		return
	}
	tour := r.PathValue("name")
	if id := r.PostForm.Get("zuruecknehmen"); id != "" {
		b.takeBack(w, r, tour, id)
		return
	}
	visits, wrong := b.visits(visitor.From(r.Context()), tour, r.PostForm)
	if wrong != nil {
		c, err := b.showTour(r, wrong)
		b.again(w, r, "tour", c, err)
		return
	}
	if err := b.opt.Tours.PutVisits(r.Context(), visits); err != nil {
		b.fail(w, r, err)
		return
	}
	b.log.Info().Str("tour", tour).Int("stops", len(visits)).Str("by", visits[0].By).Msg("somebody has ticked off stops")
	b.backToTour(w, r, "neu")
}

// visits reads the form. The error is German, for the person who sent it.
func (b *Board) visits(v visitor.Visitor, tour string, form url.Values) ([]city.Visit, error) {
	by, errBy := signature(v, form)
	why, errWhy := field(form, "grund", "Grund", longestReason, false)
	assets, now := b.assetsByID(), b.opt.Now()
	var all []city.Visit
	var errs []error
	failed := false
	for key := range form {
		id, is := strings.CutPrefix(key, stopPrefix)
		if !is || form.Get(key) == "" {
			continue
		}
		a := assets[id]
		visit := city.Visit{At: now, Asset: id, Tour: tour, By: by, Outcome: city.VisitDone}
		switch form.Get(key) {
		case "erledigt":
		case "nicht":
			visit.Outcome, visit.Note, failed = city.VisitFailed, why, true
		default:
			errs = append(errs, errors.New("Ein Stopp ist weder erledigt noch nicht möglich. Bitte die Seite neu laden."))
		}
		if a == nil || a.Tour != tour {
			errs = append(errs, errors.New("Ein Stopp gehört nicht mehr zu dieser Tour. Bitte die Seite neu laden."))
		}
		all = append(all, visit)
	}
	if len(all) == 0 {
		errs = append(errs, errors.New("Bitte wenigstens einen Stopp abhaken."))
	}
	if failed && why == "" && errWhy == nil {
		errs = append(errs, errors.New("Grund: Bitte angeben, warum ein Stopp nicht möglich war."))
	}
	slices.SortFunc(all, func(x, y city.Visit) int { return strings.Compare(x.Asset, y.Asset) })
	return all, errors.Join(append(errs, errBy, errWhy)...)
}

func (b *Board) takeBack(w http.ResponseWriter, r *http.Request, tour, number string) {
	id, err := strconv.ParseInt(number, 10, 64)
	by, wrong := signature(visitor.From(r.Context()), r.PostForm)
	known := false
	if err == nil && wrong == nil {
		if known, err = b.opt.Tours.WithdrawVisit(r.Context(), id, by, b.opt.Now()); err != nil {
			b.fail(w, r, err)
			return
		}
	}
	if wrong == nil && !known {
		wrong = errors.New("Diesen Eintrag gibt es nicht mehr.")
	}
	if wrong != nil {
		c, err := b.showTour(r, wrong)
		b.again(w, r, "tour", c, err)
		return
	}
	b.log.Info().Str("tour", tour).Int64("visit", id).Str("by", by).Msg("somebody has taken back a tick")
	b.backToTour(w, r, "zurueck")
}

func (b *Board) backToTour(w http.ResponseWriter, r *http.Request, note string) {
	q := url.Values{"stopps": {r.URL.Query().Get("stopps")}, "ansicht": {r.URL.Query().Get("ansicht")}, "vermerkt": {note}}
	http.Redirect(w, r, address(tourLink(r.PathValue("name")), q, 1), http.StatusSeeOther)
}

// hour writes a time of today: "06:58 Uhr".
func hour(t time.Time, loc *time.Location) string {
	t = t.In(loc)
	s := t.Format("15:04") + nbsp + "Uhr"
	if doubled(t) {
		s += nbsp + zone(t)
	}
	return s
}
