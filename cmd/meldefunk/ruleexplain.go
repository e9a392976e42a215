package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"meldefunk/rules"
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
	decisions, err := p.view.Decisions(ctx, ref)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(map[string]any{"ref": head.Ref, "rule": head.Rule, "asset": head.Asset, "group": head.Group, "decisions": decisions})
	}
	fmt.Fprintf(out, "%s  %s  %s  (%s)\n", head.Ref, head.Asset+head.Group, head.Title, head.Rule)
	if len(decisions) == 0 {
		_, err := fmt.Fprintln(out, "Es gibt keine Aufzeichnungen mehr dazu: Ihre Aufbewahrungsfrist ist abgelaufen.")
		return err
	}
	for i := range decisions {
		fmt.Fprintln(out)
		for _, sentence := range rules.Explain(&decisions[i].Decision, p.zone) {
			if _, err := fmt.Fprintln(out, sentence); err != nil {
				return err
			}
		}
	}
	return nil
}
