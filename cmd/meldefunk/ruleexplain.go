package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/rules"
	"meldefunk/storage/sqlite"
)

func ruleExplainCommand() *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain CASE",
		Short: "Tell why a case was opened and closed",
		Long: `Tell every decision about a case in German sentences: the readings it rests on, the
value of each condition, where each threshold comes from, and why nothing happened
where nothing did. The reference of the case stands in its ticket, like S-7K2MPQ4D.`,
		Args:              oneArg("the reference of a case"),
		ValidArgsFunction: completeCases,
		RunE: func(c *cobra.Command, args []string) error {
			return withPast(c.Context(), path, func(p *past) error {
				return explainCase(c.Context(), p, args[0], c.OutOrStdout(), asJSON)
			})
		},
	}
	configFlag(c, &path)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, the records themselves")
	return c
}

func explainCase(ctx context.Context, p *past, ref string, out io.Writer, asJSON bool) error {
	head, known, err := p.view.CaseHead(ctx, ref)
	if err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("there is no case %.40q: its reference stands in the ticket, like S-7K2MPQ4D", ref)
	}
	decisions, err := p.decisions(ctx, &head)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(map[string]any{"ref": head.Ref, "rule": head.Rule, "asset": head.Asset, "decisions": decisions})
	}
	fmt.Fprintf(out, "%s  %s  %s  (%s)\n", head.Ref, head.Asset, head.Title, head.Rule)
	if len(decisions) == 0 {
		_, err := fmt.Fprintln(out, "Es gibt keine Aufzeichnungen mehr dazu: Ihre Aufbewahrungsfrist ist abgelaufen.")
		return err
	}
	for _, d := range decisions {
		fmt.Fprintln(out)
		for _, sentence := range rules.Explain(d, p.zone) {
			if _, err := fmt.Fprintln(out, sentence); err != nil {
				return err
			}
		}
	}
	return nil
}

// before is how long before a case its asset's readings are looked at: longer than any of the
// shipped rules looks back.
const before = 14 * 24 * time.Hour

// decisions thinks the case over again, with the rules as they are now and the readings that
// are stored: the same function, so the same decisions as long as the rules are the same.
func (p *past) decisions(ctx context.Context, head *city.Case) ([]*city.Decision, error) {
	set, _, err := loadRules(p.settings, "")
	if err != nil {
		return nil, err
	}
	end := head.Closed
	if end.IsZero() {
		end = head.Opened
	}
	var all []*city.Decision
	span := sqlite.Span{From: head.Opened.Add(-before), To: end.Add(time.Minute), Asset: head.Asset, Gateways: set.WantsGateways()}
	_, err = p.play(ctx, []*rules.Play{p.cast(set, head.Asset)}, span, &bar{}, nil, func(_ int, said []rules.Said) {
		for i := range said {
			d := said[i].Verdict.Record
			if d == nil || d.Rule != head.Rule {
				continue
			}
			if d.Change == city.Opened.String() {
				// What led to it is told from the last time that the rule was at rest.
				for len(all) > 0 && all[0].To == city.PhaseIdle.String() {
					all = all[1:]
				}
			}
			all = append(all, d)
		}
	})
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].To == city.PhaseIdle.String() && all[i].Decided.Before(head.Opened.Add(-time.Minute)) {
			return all[i+1:], err
		}
	}
	return all, err
}
