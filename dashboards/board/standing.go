package board

import (
	"context"
	"slices"
	"time"

	"meldefunk/city"
)

// standingRow is where a rule stands at an asset.
type standingRow struct {
	ID    string // of the rule
	Rule  link
	Phase string // "wartet ab"
	Since moment
	Notes []string
	Case  link // the open one
}

// standingRows says where the rules for an asset stand, those that are not idle first.
func (b *Board) standingRows(ctx context.Context, a *city.Asset, open []city.CaseTicket, now time.Time) ([]standingRow, error) {
	standings, err := b.opt.Rules.Standings(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	texts := b.opt.Rules.Texts()
	var busy, idle []standingRow
	for i := range texts {
		r := &texts[i]
		at := slices.IndexFunc(standings, func(s city.Standing) bool { return s.Rule == r.ID })
		switch {
		case at >= 0:
			busy = append(busy, b.standingRow(&standings[at], r, texts, now))
		case len(r.Kinds) == 0 || slices.Contains(r.Kinds, a.Kind):
			idle = append(idle, b.standingRow(&city.Standing{Rule: r.ID}, r, texts, now))
		}
	}
	for i := range standings { // of a rule that is no longer there
		if !slices.ContainsFunc(texts, func(r city.RuleText) bool { return r.ID == standings[i].Rule }) {
			busy = append(busy, b.standingRow(&standings[i], &city.RuleText{}, texts, now))
		}
	}
	all := slices.Concat(busy, idle)
	for i := range open {
		if c := &open[i].Case; concerns(c, a.ID) {
			if at := slices.IndexFunc(all, func(s standingRow) bool { return s.ID == c.Rule }); at >= 0 {
				all[at].Case = link{c.Ref, caseLink(c.Ref)}
			}
		}
	}
	return all, nil
}

func (b *Board) standingRow(s *city.Standing, r *city.RuleText, all []city.RuleText, now time.Time) standingRow {
	row := standingRow{ID: s.Rule, Rule: ruleLink(s.Rule, all), Phase: phaseWord(s.Phase), Since: momentOf(s.Since, now, b.opt.Location)}
	note := func(say bool, text string) {
		if say {
			row.Notes = append(row.Notes, text)
		}
	}
	running := s.Phase == city.PhasePending || s.Phase == city.PhaseClearing
	note(running && s.Count > 0, "bisher "+counted(int64(s.Count), "Messung", "Messungen"))
	note(s.Severity > 1, "Stufe "+count(int(s.Severity)))
	note(s.Muted != "", "keine Meldung: "+s.Muted)
	note(s.Flapping, "wechselt zu oft, schließt viermal so spät")
	note(s.Phase != city.PhaseIdle && r.Over != "", "zählt für "+r.Over)
	note(s.Phase != city.PhaseIdle && r.GroupBy != "", "eine Meldung je "+r.GroupBy)
	note(s.Phase == city.PhaseIdle && r.Shadow, "Probebetrieb")
	return row
}

// concerns tells whether a case is about an asset, alone or as one of a group.
func concerns(c *city.Case, asset string) bool {
	return c.Asset == asset || slices.Contains(c.Members, asset)
}

// phaseWord says where a rule stands.
func phaseWord(p city.Phase) string {
	switch p {
	case city.PhaseIdle:
		return "ruht"
	case city.PhasePending:
		return "wartet ab"
	case city.PhaseOpen:
		return "trifft zu"
	case city.PhaseClearing:
		return "wartet auf das Ende"
	}
	return p.String()
}
