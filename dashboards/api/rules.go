package api

import (
	"time"

	"meldefunk/city"
)

// ruleBody is a rule in force, in German words.
type ruleBody struct {
	ID          string        `json:"id"`
	Version     string        `json:"version"`
	Title       string        `json:"title"`
	Advice      string        `json:"advice,omitempty"`
	Service     string        `json:"service,omitempty"`
	Kinds       []city.Kind   `json:"kinds,omitempty"` // missing: every kind
	Shadow      bool          `json:"shadow"`          // it decides and records, and opens nothing
	GroupBy     string        `json:"group_by,omitempty"`
	Levels      []levelBody   `json:"levels"` // the mildest first
	Facts       []factBody    `json:"facts,omitempty"`
	InhibitedBy []string      `json:"inhibited_by,omitempty"`
	Overrides   []factBody    `json:"overrides,omitempty"`
	Maintenance []maintenance `json:"maintenance,omitempty"`
	Pending     int           `json:"pending"` // assets and groups where it holds, but not for long or often enough
}

type levelBody struct {
	Severity city.Grade `json:"severity"`
	Opens    string     `json:"opens"`
	Closes   string     `json:"closes,omitempty"`
}

type factBody struct {
	Word string `json:"word"`
	Text string `json:"text"`
}

// maintenance is a time in which a rule opens no case.
type maintenance struct {
	Targets []string   `json:"targets,omitempty"`
	Reason  string     `json:"reason"`
	When    string     `json:"when,omitempty"`
	From    *time.Time `json:"from,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
}

func (a *API) rules(c call) (any, error) {
	pending, err := a.opt.Rules.Pending(c)
	if err != nil {
		return nil, err
	}
	items := []ruleBody{}
	for _, t := range a.opt.Rules.Texts() {
		b := ruleBody{ID: t.ID, Version: t.Version, Title: t.Title, Advice: t.Advice, Service: t.Service, Kinds: t.Kinds, Shadow: t.Shadow,
			GroupBy: t.GroupBy, InhibitedBy: t.InhibitedBy, Levels: []levelBody{}, Pending: pending[t.ID]}
		for _, l := range t.Levels {
			b.Levels = append(b.Levels, levelBody(l))
		}
		for _, f := range t.Facts {
			b.Facts = append(b.Facts, factBody(f))
		}
		for _, o := range t.Overrides {
			b.Overrides = append(b.Overrides, factBody{o.Target, o.Text})
		}
		for _, m := range t.Maintenance {
			b.Maintenance = append(b.Maintenance, maintenance{m.Targets, m.Reason, m.When, some(m.From), some(m.Until)})
		}
		items = append(items, b)
	}
	return list{Items: items}, nil
}
