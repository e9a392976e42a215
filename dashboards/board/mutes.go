package board

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"meldefunk/city"
	"meldefunk/city/visitor"
)

// mutesPage is the content of the page of mutes.
type mutesPage struct {
	Summary string
	Note    string // what has just been done
	Now     []muteRow
	Past    []muteRow
	Desk    deskPart
	Form    muteForm
	Lift    string // id of the mute whose lifting was not right
}

// muteForm is what was typed into the form of a new mute, and what can be chosen.
type muteForm struct {
	Service, Asset, Tour, District, Till, By, Why string
	Services, Tours, Districts                    []choice
	Open                                          bool
}

// muteRow is one mute.
type muteRow struct {
	ID         string
	What       []fact
	By, Reason string
	Since      moment
	Until      string
	Lifted     moment
	LiftedBy   string
}

func (b *Board) mutes(r *http.Request) (content, error) { return b.showMutes(r, "", nil) }

// showMutes shows all mutes, with what is wrong with the form that was sent, if any: that of
// a new mute, or the one that lifts an old one.
func (b *Board) showMutes(r *http.Request, lift string, wrong error) (content, error) {
	all, err := b.opt.Store.AllMutes(r.Context(), mutesShown)
	if err != nil {
		return content{}, err
	}
	now := b.opt.Now()
	p := mutesPage{Lift: lift, Desk: b.deskPart(r, wrong)}
	for i := range all {
		row := b.muteRow(&all[i], now)
		if inForce(&all[i], now) {
			p.Now = append(p.Now, row)
		} else {
			p.Past = append(p.Past, row)
		}
	}
	p.Summary = counted(len(p.Now), "Stummschaltung", "Stummschaltungen") + " in Kraft."
	p.Note = map[string]string{"neu": "Stummgeschaltet.", "aufgehoben": "Stummschaltung aufgehoben."}[r.URL.Query().Get("vermerkt")]
	if p.Desk.Not == "" {
		p.Form = b.muteForm(r, wrong != nil && lift == "")
	}
	return content{title: "Stummschaltungen", nav: "/stummschaltungen", self: "/stummschaltungen", body: p}, nil
}

func inForce(m *city.Mute, now time.Time) bool {
	return m.Lifted.IsZero() && (m.Until.IsZero() || now.Before(m.Until))
}

// muteForm is the form of a new mute, with what was typed into it; or with what the address
// asks for, so that the page of a case can lead here.
func (b *Board) muteForm(r *http.Request, typed bool) muteForm {
	q := r.URL.Query()
	if typed {
		q = r.PostForm
	}
	f := muteForm{Service: q.Get("kategorie"), Asset: q.Get("anlage"), Tour: q.Get("tour"), District: q.Get("bezirk"),
		Till: q.Get("bis"), By: q.Get("name"), Why: q.Get("grund")}
	f.Open = typed || f.Service+f.Asset+f.Tour+f.District != ""
	assets := b.opt.Inventory.Assets()
	f.Services = serviceChoices(b.opt.Rules.Texts(), f.Service)
	f.Tours = nameChoices(assets, f.Tour, "alle Touren", func(a *city.Asset) string { return a.Tour })
	f.Districts = nameChoices(assets, f.District, "alle Bezirke", func(a *city.Asset) string { return a.District })
	return f
}

// serviceChoices are the categories of the rules in force, and the chosen one.
func serviceChoices(rules []city.RuleText, chosen string) []choice {
	codes := []string{chosen}
	for i := range rules {
		codes = append(codes, rules[i].Service)
	}
	slices.Sort(codes)
	all := []choice{{"", "alle Kategorien", chosen == ""}}
	for _, code := range slices.Compact(codes) {
		if code != "" {
			all = append(all, choice{code, code, code == chosen})
		}
	}
	return all
}

func (b *Board) muteRow(m *city.Mute, now time.Time) muteRow {
	row := muteRow{ID: strconv.FormatInt(m.ID, 10), By: printable(m.By), Reason: printable(m.Reason), Until: "bis sie jemand aufhebt",
		Since: momentOf(m.Since, now, b.opt.Location), Lifted: momentOf(m.Lifted, now, b.opt.Location), LiftedBy: printable(m.LiftedBy)}
	for _, f := range []fact{{"Kategorie", m.Service}, {"Anlage", m.Asset}, {"Tour", m.Tour}, {"Bezirk", m.District}} {
		if f.Value != "" {
			row.What = append(row.What, fact{f.Word, printable(f.Value)})
		}
	}
	if !m.Until.IsZero() {
		row.Until = "bis " + clock(m.Until, b.opt.Location)
	}
	return row
}

// takeMute notes a new mute.
func (b *Board) takeMute(w http.ResponseWriter, r *http.Request) {
	m, wrong := b.mute(visitor.From(r.Context()), r.PostForm)
	if wrong != nil {
		c, err := b.showMutes(r, "", wrong)
		b.again(w, r, "mutes", c, err)
		return
	}
	muted, err := b.opt.Desk.Mute(r.Context(), m)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	b.log.Info().Int64("mute", muted).Str("by", m.By).Msg("somebody has muted something")
	http.Redirect(w, r, "/stummschaltungen?vermerkt=neu", http.StatusSeeOther)
}

// mute reads the form of a new mute. The error is German, for the person who sent it.
func (b *Board) mute(v visitor.Visitor, form url.Values) (city.Mute, error) {
	var errs [8]error
	m := city.Mute{Since: b.opt.Now()}
	m.Service, errs[0] = field(form, "kategorie", "Kategorie", longestName, false)
	m.Asset, errs[1] = field(form, "anlage", "Anlage", longestNumber, false)
	m.Tour, errs[2] = field(form, "tour", "Tour", longestNumber, false)
	m.District, errs[3] = field(form, "bezirk", "Bezirk", longestNumber, false)
	m.Until, errs[4] = b.end(form, true)
	m.By, errs[5] = signature(v, form)
	m.Reason, errs[6] = field(form, "grund", "Begründung", longestReason, true)
	switch {
	case cmp.Or(m.Service, m.Asset, m.Tour, m.District) == "":
		errs[7] = errors.New("Bitte wenigstens eines angeben: Kategorie, Anlage, Tour oder Bezirk.")
	case m.Asset != "" && b.assetsByID()[m.Asset] == nil:
		errs[7] = errors.New("Anlage: Eine mit dieser Nummer steht nicht im Bestand.")
	}
	return m, errors.Join(errs[:]...)
}

// takeUnmute lifts a mute.
func (b *Board) takeUnmute(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		b.fail(w, r, notFound())
		return
	}
	by, wrong := signature(visitor.From(r.Context()), r.PostForm)
	holds, err := b.holds(r.Context(), id)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	if !holds {
		wrong = errors.New("Diese Stummschaltung ist nicht mehr in Kraft.")
	}
	if wrong != nil {
		c, err := b.showMutes(r, r.PathValue("id"), wrong)
		b.again(w, r, "mutes", c, err)
		return
	}
	if err := b.opt.Desk.Unmute(r.Context(), id, by, b.opt.Now()); err != nil {
		b.fail(w, r, err)
		return
	}
	b.log.Info().Int64("mute", id).Str("by", by).Msg("somebody has lifted a mute")
	http.Redirect(w, r, "/stummschaltungen?vermerkt=aufgehoben", http.StatusSeeOther)
}

// holds tells whether a mute is in force.
func (b *Board) holds(ctx context.Context, id int64) (bool, error) {
	all, err := b.opt.Store.AllMutes(ctx, mutesShown)
	i := slices.IndexFunc(all, func(m city.Mute) bool { return m.ID == id })
	return i >= 0 && inForce(&all[i], b.opt.Now()), err
}
