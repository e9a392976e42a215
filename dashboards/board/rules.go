package board

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// rulesPage is the content of the page on rules.
type rulesPage struct {
	Summary string
	Rules   []ruleRow
}

// ruleRow is one rule.
type ruleRow struct {
	ID, Anchor, Title  string
	For                string // "Behälter", "Gateways als Ganzes"
	Member             string // what is asked of each member, for rules about groups
	Shadow             bool
	Open               string // "3 Meldungen", "" for none
	OpenLink           string
	Pending            string // "2", "" for none
	Levels             []levelRow
	Facts              []fact
	InhibitedBy, Mutes []link
	Overrides          []fact
	Maintenance        []maintenanceRow
	Advice, Service    string
	Version            string
}

// levelRow is one degree of a rule.
type levelRow struct {
	Name          string // "Stufe 2", "" where there is one only
	Opens, Closes string
}

// maintenanceRow is a time in which a rule opens no case.
type maintenanceRow struct {
	Targets, Reason, When string
}

func (b *Board) rules(r *http.Request) (content, error) {
	open, err := b.openCases(r.Context())
	if err != nil {
		return content{}, err
	}
	pending, err := b.opt.Rules.Pending(r.Context())
	if err != nil {
		return content{}, err
	}
	cases := map[string]int{}
	for i := range open {
		cases[open[i].Case.Rule]++
	}
	texts, now := b.opt.Rules.Texts(), b.opt.Now()
	page := rulesPage{Summary: counted(len(texts), "Regel", "Regeln") + ", " + counted(len(open), "offene Meldung", "offene Meldungen") + "."}
	for i := range texts {
		row := b.ruleRow(&texts[i], texts, now)
		if n := cases[row.ID]; n > 0 {
			row.Open, row.OpenLink = counted(n, "Meldung", "Meldungen"), casesOf(row.ID)
		}
		if n := pending[row.ID]; n > 0 {
			row.Pending = count(n)
		}
		page.Rules = append(page.Rules, row)
	}
	return content{title: "Regeln", nav: "/regeln", self: "/regeln", body: page}, nil
}

func (b *Board) ruleRow(r *city.RuleText, all []city.RuleText, now time.Time) ruleRow {
	row := ruleRow{ID: r.ID, Anchor: ruleAnchor(r.ID), Title: cmp.Or(r.Title, r.ID), For: looksAtWords(r), Member: r.Member, Shadow: r.Shadow,
		Advice: r.Advice, Service: r.Service, Version: r.Version}
	for _, l := range r.Levels {
		level := levelRow{Opens: l.Opens, Closes: l.Closes}
		if len(r.Levels) > 1 {
			level.Name = "Stufe " + count(int(l.Severity))
		}
		row.Levels = append(row.Levels, level)
	}
	if r.GroupBy != "" {
		row.Facts = append(row.Facts, fact{"Zusammengefasst", "eine Meldung je " + r.GroupBy})
	}
	for _, f := range r.Facts {
		row.Facts = append(row.Facts, fact{f.Word, f.Text})
	}
	for _, id := range r.InhibitedBy {
		row.InhibitedBy = append(row.InhibitedBy, ruleLink(id, all))
	}
	for i := range all {
		if slices.Contains(all[i].InhibitedBy, r.ID) {
			row.Mutes = append(row.Mutes, ruleLink(all[i].ID, all))
		}
	}
	for _, o := range r.Overrides {
		row.Overrides = append(row.Overrides, fact{o.Target, o.Text})
	}
	for i := range r.Maintenance {
		m := &r.Maintenance[i]
		if now.Before(m.Until) {
			row.Maintenance = append(row.Maintenance, b.maintenanceRow(m))
		}
	}
	return row
}

func (b *Board) maintenanceRow(m *city.MaintenanceText) maintenanceRow {
	row := maintenanceRow{Targets: strings.Join(m.Targets, ", "), Reason: m.Reason, When: "bis " + clock(m.Until, b.opt.Location)}
	if !m.From.IsZero() {
		row.When = clock(m.From, b.opt.Location) + " " + row.When
	}
	if m.When != "" {
		row.When = m.When + ", " + row.When
	}
	return row
}

// looksAtWords says what a rule looks at.
func looksAtWords(r *city.RuleText) string {
	words := make([]string, len(r.Kinds))
	for i, k := range r.Kinds {
		words[i] = k.German()
	}
	text := "alle Anlagen"
	if len(words) > 0 {
		text = strings.Join(words, ", ")
	}
	if r.Over != "" {
		text += ", je " + r.Over + " als Ganzes"
	}
	return text
}

// ruleNamed finds a rule by its number; one that is no longer there has no address.
func (b *Board) ruleNamed(id string) link { return ruleLink(id, b.opt.Rules.Texts()) }

func ruleLink(id string, all []city.RuleText) link {
	i := slices.IndexFunc(all, func(r city.RuleText) bool { return r.ID == id })
	if i < 0 {
		return link{Name: id}
	}
	return link{cmp.Or(all[i].Title, id), "/regeln#" + ruleAnchor(id)}
}

// ruleAnchor keeps the anchors of rules apart from those of the page.
func ruleAnchor(id string) string { return "regel-" + id }

func casesOf(rule string) string { return address("/meldungen", url.Values{"regel": {rule}}, 1) }
