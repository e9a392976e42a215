package board

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/visitor"
)

// decisionRows is how many decisions a case's page lists.
const decisionRows = 50

// casePage is the content of one case's page.
type casePage struct {
	Case        caseRow
	Wanted      bool
	Rule        link
	Service     string
	Members     []link // of a group's case
	MostMembers int
	Decisions   []decisionRow
	Rows        int // as many as Decisions can have
	Ticket      ticketPart
	Note        string // what has just been done; "": nothing
	Desk        deskPart
}

// deskPart is what a visitor may do on a page.
type deskPart struct {
	Problems []string // with what was sent
	Not      string   // why nothing can be done here; "": it can
	Forms    []actionForm
	Seal     string
	Name     string // of who is logged in; "": he writes it himself
}

// link is a name that leads somewhere; Address is "" where there is nothing to be seen.
type link struct{ Name, Address string }

// decisionRow is one decision.
type decisionRow struct {
	Word      string
	At        moment
	Sentences []string
	Readings  []evidenceRow
	Count     string // of Readings
	Open      bool   // its readings are shown unfolded
}

// evidenceRow is one reading that a decision rests on.
type evidenceRow struct {
	At        string
	EUI, FCnt string
	Values    []fact
	Faults    []string
	Truth     string // of what was asked
}

func (b *Board) oneCase(r *http.Request) (content, error) {
	ct, err := b.caseNamed(r.Context(), r.PathValue("ref"))
	if err != nil {
		return content{}, err
	}
	return b.showCase(r, ct, nil)
}

func (b *Board) caseNamed(ctx context.Context, ref string) (city.CaseTicket, error) {
	ct, found, err := b.opt.Store.Case(ctx, ref)
	if err == nil && !found {
		err = &problem{http.StatusNotFound, "Meldung nicht gefunden", "Eine Meldung mit diesem Kennzeichen gibt es nicht."}
	}
	return ct, err
}

// showCase shows a case, with what is wrong with the form that was sent, if any.
func (b *Board) showCase(r *http.Request, c city.CaseTicket, wrong error) (content, error) {
	now, assets := b.opt.Now(), b.assetsByID()
	p := casePage{Wanted: c.Case.Wanted(), Service: c.Case.Service, Rows: decisionRows,
		Rule: b.ruleNamed(c.Case.Rule), Case: b.caseRow(&c, assets, now)}
	p.Members, p.MostMembers = members(c.Case.Members, assets), mostMembers
	var err error
	if p.Decisions, err = b.decisions(r.Context(), c.Case.Ref, now); err != nil {
		return content{}, err
	}
	if p.Ticket, err = b.ticketPart(r.Context(), &c, assets[c.Case.Asset], now); err != nil {
		return content{}, err
	}
	if p.Desk = b.deskPart(r, wrong); p.Desk.Not == "" {
		p.Desk.Forms = actionForms(&c.Ticket, r.PostForm)
	}
	for _, a := range actions() {
		if r.URL.Query().Get("vermerkt") == a.Key {
			p.Note = a.Told + " Was daraus wird, steht gleich im Verlauf."
		}
	}
	return content{title: cmp.Or(c.Case.Title, c.Case.Ref), nav: "/meldungen", self: caseLink(c.Case.Ref), body: p}, nil
}

// deskPart says what a visitor may do, and what was wrong with what he has sent.
func (b *Board) deskPart(r *http.Request, wrong error) deskPart {
	v := visitor.From(r.Context())
	p := deskPart{Not: b.mayNot(v, visitor.WriteTickets), Name: v.Name}
	if p.Not == "" {
		p.Seal = b.seal.token(b.opt.Now(), bySession(v))
	}
	if wrong != nil {
		p.Problems = strings.Split(wrong.Error(), "\n")
	}
	return p
}

// mostMembers is how many members of a group a case lists.
const mostMembers = 100

// members links the assets of a group's case.
func members(ids []string, assets map[string]*city.Asset) []link {
	all := make([]link, len(ids))
	for i, id := range ids {
		all[i] = link{Name: id}
		if a := assets[id]; a != nil {
			all[i] = link{nameOf(a), assetLink(id)}
		}
	}
	return all
}

// decisions puts the decisions on a case into words, the newest first.
func (b *Board) decisions(ctx context.Context, ref string, now time.Time) ([]decisionRow, error) {
	if b.opt.Decisions == nil {
		return nil, nil
	}
	all, err := b.opt.Decisions.Decisions(ctx, ref, decisionRows)
	if err != nil {
		return nil, err
	}
	rows := make([]decisionRow, len(all))
	for i := range all {
		rows[i] = b.decisionRow(&all[i], now)
		rows[i].Open = i == 0
	}
	return rows, nil
}

// decisionRow tells a decision in sentences, and its readings in a table beside them.
func (b *Board) decisionRow(d *city.Decision, now time.Time) decisionRow {
	told := *d
	told.Readings = nil
	row := decisionRow{Word: changeWord(d.Change), At: momentOf(d.At, now, b.opt.Location), Sentences: b.opt.Rules.Explain(&told),
		Count: counted(len(d.Readings), "Messung", "Messungen")}
	for i := range d.Readings {
		row.Readings = append(row.Readings, b.evidenceRow(&d.Readings[i]))
	}
	slices.Reverse(row.Readings) // the newest first, as everywhere on the board
	return row
}

func (b *Board) evidenceRow(e *city.Evidence) evidenceRow {
	row := evidenceRow{At: clock(e.Time, b.opt.Location), EUI: e.DevEUI.String(), FCnt: count(int64(e.FCnt)), Faults: faultWords(e.Faults),
		Truth: "unbekannt"}
	for _, q := range city.Quantities() {
		if v, ok := e.Values[q.String()]; ok {
			row.Values = append(row.Values, fact{q.German(), amount(q, v)})
		}
	}
	switch e.Truth {
	case city.True.String():
		row.Truth = "trifft zu"
	case city.False.String():
		row.Truth = "trifft nicht zu"
	}
	return row
}

// changeWord says what a decision did.
func changeWord(change string) string {
	switch change {
	case city.Opened.String():
		return "Meldung eröffnet"
	case city.Closed.String():
		return "Meldung geschlossen"
	case city.Revoked.String():
		return "Meldung zurückgenommen"
	case city.Escalated.String():
		return "Schwerer geworden"
	case city.Deescalated.String():
		return "Leichter geworden"
	case city.Moved.String():
		return "Stand geändert"
	case city.Overlooked.String():
		return "Messung kam zu spät"
	case city.Renewed.String():
		return "Neu gemeldet"
	}
	return change
}

func (b *Board) assetsByID() map[string]*city.Asset {
	assets := map[string]*city.Asset{}
	for _, a := range b.opt.Inventory.Assets() {
		assets[a.ID] = a
	}
	return assets
}

func caseLink(ref string) string { return "/meldung/" + url.PathEscape(ref) }
