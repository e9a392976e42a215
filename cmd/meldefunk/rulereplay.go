package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/rules"
	"meldefunk/storage/sqlite"
)

// replayOptions are the flags of rule replay.
type replayOptions struct {
	from, to, rules, asset string
	warm                   time.Duration
	json, decisions        bool
}

func ruleReplayCommand() *cobra.Command {
	var path string
	var o replayOptions
	c := &cobra.Command{
		Use:   "replay",
		Short: "Play rules over stored history, and compare a new file with the running one",
		Long: `Play the rules over the stored readings, in the order in which they arrived and with the
very function that judges them live: how many cases there are in a week, how many
come back within a day, for how many hours half of them were open before they were
over. With --rules the file is compared with the rules of the configuration, asset by
asset. Rules in shadow are played as if they were promoted. Nothing is changed; the
platform may be running.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			from, to, err := o.span(time.Now())
			if err != nil {
				return usageError{err}
			}
			return withPast(c.Context(), path, func(p *past) error {
				return replayRules(c.Context(), p, o, from, to, c.OutOrStdout(), newBar(c.ErrOrStderr()))
			})
		},
	}
	configFlag(c, &path)
	f := c.Flags()
	f.StringVar(&o.from, "from", "", "from this `time` on, like 2026-11-01 or 2026-11-01T06:00:00Z (default: 30 days ago)")
	f.StringVar(&o.to, "to", "", "before this `time` (default: now)")
	f.StringVar(&o.rules, "rules", "", "compare this rule `file` with the rules of the configuration")
	_ = c.MarkFlagFilename("rules", "yaml", "yml") // fails only for a flag that is not there
	f.StringVar(&o.asset, "asset", "", "only this `asset`; rules about groups are not played then")
	f.DurationVar(&o.warm, "warm-up", 48*time.Hour, "begin so `long` before, without counting cases")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.BoolVar(&o.decisions, "decisions", false, "print every decision as JSON, one a line, with rules in shadow as they are")
	return c
}

// span reads --from and --to.
func (o *replayOptions) span(now time.Time) (from, to time.Time, err error) {
	r := redoOptions{from: o.from, to: o.to, uplinks: true}
	w, err := r.which()
	if err != nil {
		return from, to, err
	}
	if from, to = w.From, w.To; to.IsZero() {
		to = now
	}
	if from.IsZero() {
		from = to.AddDate(0, 0, -30)
	}
	switch {
	case !from.Before(to):
		err = fmt.Errorf("--from %s is not before --to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	case o.warm < 0:
		err = errors.New("--warm-up must not be negative")
	case o.decisions && (o.rules != "" || o.json):
		err = errors.New("--decisions goes with neither --rules nor --json")
	}
	return from, to, err
}

// replayReport is what rule replay prints.
type replayReport struct {
	Rules       string                  `json:"rules"`
	Report      rules.Report            `json:"report"`
	NewRules    string                  `json:"new_rules,omitempty"`
	New         *rules.Report           `json:"new,omitempty"`
	Differences []rules.PlaceDifference `json:"differences,omitempty"`
}

func replayRules(ctx context.Context, p *past, o replayOptions, from, to time.Time, out io.Writer, b *bar) error {
	if _, known := p.inventory.Asset(o.asset); o.asset != "" && !known {
		return usageError{fmt.Errorf("--asset: there is no %.40q in the inventory", o.asset)}
	}
	var r replayReport
	set, name, err := loadRules(p.settings, "")
	if err != nil {
		return err
	}
	span := sqlite.Span{From: from.Add(-o.warm), To: to, Asset: o.asset}
	if o.decisions {
		span.Gateways = set.WantsGateways()
		return p.decided(ctx, set, span, from, o.asset, out, b)
	}
	r.Rules = name
	sets := []*rules.Set{set}
	if o.rules != "" {
		if set, r.NewRules, err = loadRules(p.settings, o.rules); err != nil {
			return err
		}
		sets = append(sets, set)
	}
	plays, ledgers := make([]*rules.Play, len(sets)), make([]rules.Ledger, len(sets))
	for i := range sets {
		promoted, err := sets[i].Promoted()
		if err != nil {
			return err
		}
		plays[i] = p.cast(promoted, o.asset)
		span.Gateways = span.Gateways || sets[i].WantsGateways()
	}
	n, err := p.play(ctx, plays, span, b, nil, func(i int, said []rules.Said) { ledgers[i].Add(said) })
	if err != nil {
		return err
	}
	r.Report = rules.Summarize(sets[0], &ledgers[0], from, to)
	r.Report.Readings = n
	if len(sets) > 1 {
		after := rules.Summarize(sets[1], &ledgers[1], from, to)
		after.Readings = n
		r.New, r.Differences = &after, rules.Contrast(r.Report, after)
	}
	return r.print(out, o.json)
}

// decided prints the decisions of a span as they are made.
func (p *past) decided(ctx context.Context, set *rules.Set, span sqlite.Span, from time.Time, asset string, out io.Writer, b *bar) error {
	encoder := json.NewEncoder(out)
	var failed error
	_, err := p.play(ctx, []*rules.Play{p.cast(set, asset)}, span, b, nil, func(_ int, said []rules.Said) {
		for i := range said {
			if d := said[i].Verdict.Record; d != nil && !said[i].Now.Before(from) && failed == nil {
				failed = encoder.Encode(d)
			}
		}
	})
	return errors.Join(err, failed)
}

// mostPlaces bounds the differences that are printed for people; JSON has them all.
const mostPlaces = 40

func (r *replayReport) print(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	fmt.Fprintf(out, "%s to %s, %d readings\n\n%s\n", r.Report.From.Format(time.DateTime), r.Report.To.Format(time.DateTime), r.Report.Readings, r.Rules)
	if err := printRules(out, &r.Report); err != nil || r.New == nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", r.NewRules)
	if err := printRules(out, r.New); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d places are different\n", len(r.Differences))
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, d := range r.Differences {
		if i == 0 {
			fmt.Fprintln(t, "RULE\tPLACE\tBOTH\tONLY BEFORE\tONLY AFTER\tSOONER BY")
		}
		if i == mostPlaces {
			fmt.Fprintf(t, "and %d more (--json has them all)\n", len(r.Differences)-i)
			break
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s\n", d.Rule, d.Place, d.Both, len(d.OldOnly), len(d.NewOnly), d.Sooner.Round(time.Minute))
	}
	return t.Flush()
}

func printRules(out io.Writer, r *rules.Report) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "RULE\tCASES\tA WEEK\tPLACES\tOPEN\tBACK IN A DAY\tTAKEN BACK\tHALF OVER AFTER\t")
	for _, x := range r.Rules {
		name := x.Rule
		if x.Shadow {
			name += " (shadow)"
		}
		lead := "-"
		if x.Cases > x.Open+x.Revoked {
			lead = fmt.Sprintf("%.1f h", x.Lead)
		}
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%d\t%d\t%d\t%d\t%s\t\n", name, x.Cases, x.PerWeek, x.Places, x.Open, x.Flaps, x.Revoked, lead)
	}
	return t.Flush()
}
