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
)

const (
	casesPage   = 100    // open cases on one page
	closedShown = 50     // closed cases listed below them
	recentCases = 500    // how far back closed ones are looked for
	openLimit   = 20_000 // open cases read at all; more than that is not a list anybody works through
)

// casesBody is the content of the cases page.
type casesBody struct {
	Open    []caseRow
	Pager   pager
	Summary string
	Rule    *link // chosen; nil: all rules
	RuleID  string
	States  []choice
	Chosen  string // word of the chosen state; "": none
	Closed  []caseRow
}

// caseRow is one case with its ticket.
type caseRow struct {
	Ref, Link              string
	Title, Advice          string
	Asset, AssetLink       string // AssetLink is "" for an asset that is no longer in the inventory
	AssetID                string // "" where the case is a group's
	Grade                  string // "Stufe 2", "" for the mildest
	Revoked                bool
	Since, Opened, Closed  moment
	Quantity, Value, Limit string
	ClosedValue            string
	Ticket, TicketState    string
	Parked                 bool
	Error                  string
}

// openCases gives every open case, the one open longest first.
func (b *Board) openCases(ctx context.Context) ([]city.CaseTicket, error) {
	open, err := b.opt.Store.Cases(ctx, true, openLimit)
	slices.SortStableFunc(open, func(x, y city.CaseTicket) int {
		return cmp.Or(x.Case.Since.Compare(y.Case.Since), cmp.Compare(x.Case.Ref, y.Case.Ref))
	})
	return open, err
}

func (b *Board) cases(r *http.Request) (content, error) {
	q := r.URL.Query()
	page, err := pageNumber(q)
	if err != nil {
		return content{}, err
	}
	rule, key := q.Get("regel"), q.Get("ticket")
	self := func(page int) string {
		return address("/meldungen", url.Values{"regel": {rule}, "ticket": {key}}, page)
	}
	body := casesBody{RuleID: rule, States: ticketChoices(key)}
	var open, recent []city.CaseTicket
	if key == "" {
		open, recent, err = b.present(r.Context())
	} else {
		open, body.Chosen, err = b.inState(r.Context(), key)
	}
	if err != nil {
		return content{}, err
	}
	if body.Rule, err = b.chooseRule(rule, &open, &recent); err != nil {
		return content{}, err
	}
	now, assets := b.opt.Now(), b.assetsByID()
	body.Pager = paged(page, casesPage, len(open), self)
	body.Summary = counted(len(open), "offene Meldung", "offene Meldungen") + "."
	if body.Chosen != "" {
		body.Summary = counted(len(open), "Meldung", "Meldungen") + ", deren Ticket so steht: " + body.Chosen + "."
	}
	for i := range open[body.Pager.from:body.Pager.to] {
		body.Open = append(body.Open, b.caseRow(&open[body.Pager.from+i], assets, now))
	}
	for i := range recent[:min(closedShown, len(recent))] {
		body.Closed = append(body.Closed, b.caseRow(&recent[i], assets, now))
	}
	return content{title: "Meldungen", nav: "/meldungen", self: self(body.Pager.Page), body: body}, nil
}

// present gives the open cases, and those that were closed last, the last first.
func (b *Board) present(ctx context.Context) (open, closed []city.CaseTicket, err error) {
	if open, err = b.openCases(ctx); err != nil {
		return nil, nil, err
	}
	if closed, err = b.opt.Store.Cases(ctx, false, recentCases); err != nil {
		return nil, nil, err
	}
	closed = slices.DeleteFunc(closed, func(c city.CaseTicket) bool { return c.Case.Wanted() })
	slices.SortStableFunc(closed, func(x, y city.CaseTicket) int { return y.Case.Closed.Compare(x.Case.Closed) })
	return open, closed, nil
}

// inState gives the cases whose tickets are in a state, those opened last first: of ended ones,
// of which there are ever more, the last only.
func (b *Board) inState(ctx context.Context, key string) ([]city.CaseTicket, string, error) {
	s, ok := ticketStateNamed(key)
	if !ok {
		var keys []string
		for _, s := range ticketStates() {
			keys = append(keys, s.Key)
		}
		return nil, "", badRequest("Den Ticketstand „%.40s“ gibt es nicht. Möglich: %s.", key, strings.Join(keys, ", "))
	}
	limit := openLimit
	if s.State == city.TicketClosed || s.State == city.TicketCancelled {
		limit = recentCases
	}
	all, err := b.opt.Store.Tickets(ctx, city.TicketFilter{States: []city.TicketState{s.State}, Limit: limit})
	return all, s.Word, err
}

func ticketChoices(chosen string) []choice {
	all := []choice{{"", "jeder Stand", chosen == ""}}
	for _, s := range ticketStates() {
		all = append(all, choice{s.Key, s.Word, s.Key == chosen})
	}
	return all
}

// chooseRule leaves only the cases of a rule; "": all of them.
func (b *Board) chooseRule(rule string, lists ...*[]city.CaseTicket) (*link, error) {
	if rule == "" {
		return nil, nil
	}
	known := false
	for _, list := range lists {
		*list = slices.DeleteFunc(*list, func(c city.CaseTicket) bool { return c.Case.Rule != rule })
		known = known || len(*list) > 0
	}
	chosen := b.ruleNamed(rule)
	if !known && chosen.Address == "" {
		return nil, badRequest("Die Regel „%.64s“ gibt es nicht. Alle Regeln stehen auf der Seite „Regeln“.", rule)
	}
	return &chosen, nil
}

// caseRow puts a case into words. assets gives names and links; without it, on the
// asset's own page, there are none.
func (b *Board) caseRow(c *city.CaseTicket, assets map[string]*city.Asset, now time.Time) caseRow {
	row := caseRow{
		Ref: c.Case.Ref, Link: caseLink(c.Case.Ref), Title: c.Case.Title, Advice: c.Case.Advice,
		Asset: cmp.Or(c.Case.Asset, groupWord(c.Case.Group)), AssetID: c.Case.Asset,
		Since:  momentOf(c.Case.Since, now, b.opt.Location),
		Opened: momentOf(c.Case.Opened, now, b.opt.Location),
		Closed: momentOf(c.Case.Closed, now, b.opt.Location),
		Ticket: c.Ticket.ExternalID, TicketState: ticketWord(&c.Ticket),
		Parked: c.Ticket.State == city.TicketParked || c.Ticket.State == city.TicketManual,
		Error:  c.Ticket.Error,
	}
	if c.Case.Grade > 1 {
		row.Grade = "Stufe " + count(int(c.Case.Grade))
	}
	row.Revoked = c.Case.Revoked
	if q := c.Case.Quantity; q != city.QuantityUnknown { // silence and faults are nothing that was measured
		row.Quantity, row.Value = q.German(), amount(q, c.Case.Value)
		if !q.Boolean() { // "Schwelle belegt" would say nothing
			row.Limit = amount(q, c.Case.Limit)
		}
		if !c.Case.ClosedSince.IsZero() { // else no measurement has closed it
			row.ClosedValue = amount(q, c.Case.ClosedValue)
		}
	}
	if a := assets[c.Case.Asset]; a != nil {
		row.Asset, row.AssetLink = nameOf(a), assetLink(a.ID)
	}
	return row
}
