package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/rules"
	"meldefunk/storage/sqlite"
)

func ruleCheckCommand() *cobra.Command {
	var path string
	var days int
	var asJSON, alone bool
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check rules by themselves, and against what the fleet really sends",
		Long: `Check a rule file, or that of the configuration: what it says, and what an expression
may cost. Then play it over the readings of the last days and tell for how many
assets it fires now, which assets never send what it looks at, which thresholds
nothing came near to, and which rules open the same category for the same assets.

Exit code 0: fine (remarks may be printed), 1: a rule cannot work with this fleet,
2: the file or the configuration is wrong.`,
		Args: atMostOneFile,
		RunE: func(c *cobra.Command, args []string) error {
			if days < 1 || days > 3660 {
				return usageError{fmt.Errorf("--days %d: want 1 to 3660", days)}
			}
			set, name, err := rulesFor(path, args)
			if err != nil {
				return err
			}
			report := checkReport{File: name, Rules: len(set.Rules()), Remarks: []rules.Remark{}}
			if !alone {
				err := withPast(c.Context(), path, func(p *past) error {
					return report.fleet(c.Context(), p, set, days, time.Now(), newBar(c.ErrOrStderr()))
				})
				if err != nil {
					return fmt.Errorf("%w\n(--alone checks the file without the fleet)", err)
				}
			}
			return errors.Join(report.print(c.OutOrStdout(), asJSON), report.verdict())
		},
	}
	configFlag(c, &path)
	c.Flags().IntVar(&days, "days", 30, "look at the readings of so many `days`")
	c.Flags().BoolVar(&alone, "alone", false, "check the file only, without the fleet")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// checkReport is what rule check found in a file without mistakes.
type checkReport struct {
	File     string         `json:"file"`
	Rules    int            `json:"rules"`
	Assets   int            `json:"assets"`
	Readings int64          `json:"readings"`
	Remarks  []rules.Remark `json:"remarks"`
}

// fleet holds the rules against the readings of the last days.
func (r *checkReport) fleet(ctx context.Context, p *past, set *rules.Set, days int, now time.Time, b *bar) error {
	survey := rules.NewSurvey(p.inventory.Assets())
	play := p.cast(set, "")
	var ledger rules.Ledger
	span := sqlite.Span{From: now.AddDate(0, 0, -days), To: now, Gateways: set.WantsGateways()}
	n, err := p.play(ctx, []*rules.Play{play}, span, b, func(r *city.Reading) { survey.See(r) },
		func(_ int, said []rules.Said) { ledger.Add(said) })
	if err != nil {
		return err
	}
	r.Assets, r.Readings = p.inventory.AssetCount(), n
	r.Remarks = append(r.Remarks, survey.Remarks(set, play.Standings(), ledger.Open(), float64(days))...)
	return nil
}

func (r *checkReport) print(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	for _, m := range r.Remarks {
		sign := "note "
		if m.Serious {
			sign = "WRONG"
		}
		fmt.Fprintf(out, "%s  %s: %s\n", sign, m.Rule, m.Text)
	}
	_, err := fmt.Fprintf(out, "%s: %d rules are fine by themselves; held against %d assets and %d readings\n", r.File, r.Rules, r.Assets, r.Readings)
	return err
}

// verdict is an error where a rule cannot work.
func (r *checkReport) verdict() error {
	n := 0
	for _, m := range r.Remarks {
		if m.Serious {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d rules cannot work with this fleet", n, r.Rules)
}
