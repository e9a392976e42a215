package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/devices"
	"meldefunk/rules"
	"meldefunk/storage/sqlite"
)

func ruleCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "rule",
		Short: "Check, test, replay, explain and promote rules",
		Long: `Everything that is to be known of a rule before it counts, and after. All of it reads
beside a running platform and changes nothing in the database; promote changes the
rule file.

Exit code 0: fine, 1: a test fails, a rule cannot work, or it could not be done,
2: the command line, a rule file or the configuration is wrong.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(ruleListCommand(), ruleCheckCommand(), ruleTestCommand(), ruleReplayCommand(), ruleExplainCommand(), rulePromoteCommand())
	return c
}

// loadRules reads a rule file, or the one of the settings, or gives the shipped rules. It tells
// which.
func loadRules(s settings, file string) (*rules.Set, string, error) {
	if file == "" {
		file = s.Rules
	}
	if file == "" || file == shippedRules {
		return rules.Default(), "the shipped rules", nil
	}
	set, err := rules.LoadFile(file)
	if err != nil {
		return nil, file, usageError{err}
	}
	return set, file, nil
}

// shippedRules names the shipped rules where a file is asked for.
const shippedRules = "default"

// past is what is stored of a city, beside whoever uses it.
type past struct {
	settings  settings
	inventory *devices.Inventory
	view      *sqlite.View
	zone      *time.Location
	deaf      []city.Deafness // by when they began
}

// openPast reads the inventory and opens the database for reading.
func openPast(ctx context.Context, s settings) (*past, error) {
	models, err := loadModels(s.Codecs.Folder, nil)
	if err != nil {
		return nil, usageError{err}
	}
	p := &past{settings: s}
	kept, err := keptRegister(ctx, s)
	if err != nil {
		return nil, err
	}
	if p.inventory, err = devices.Load(s.Inventory, kept, models); err != nil {
		return nil, usageError{err}
	}
	if p.zone, err = time.LoadLocation(s.TimeZone); err != nil {
		return nil, usageError{err}
	}
	if p.view, err = sqlite.OpenView(ctx, s.Data); err != nil {
		return nil, err
	}
	if err = p.readDeafness(ctx); err != nil {
		return nil, errors.Join(err, p.view.Close())
	}
	return p, nil
}

func (p *past) readDeafness(ctx context.Context) (err error) {
	p.deaf, err = p.view.Deafness(ctx)
	slices.SortStableFunc(p.deaf, func(a, b city.Deafness) int { return a.Since.Compare(b.Since) })
	return err
}

// deafness is how long of a time a network server could not be heard, as the road has kept it.
func (p *past) deafness(server string, from, to time.Time) time.Duration {
	var all time.Duration
	for _, d := range p.deaf {
		if d.Server != "" && d.Server != server {
			continue
		}
		begin, end := from, to
		if d.Since.After(begin) {
			begin = d.Since
		}
		if d.Until.Before(end) {
			end = d.Until
		}
		if end.After(begin) {
			all += end.Sub(begin)
			from = end // what overlaps counts once
		}
	}
	return all
}

// heard gives an instant, or when a network server could be heard again if it was deaf then.
func (p *past) heard(server string, at time.Time) time.Time {
	for _, d := range p.deaf { // in order, so one pass will do
		if (d.Server == "" || d.Server == server) && d.Since.Before(at) && d.Until.After(at) {
			at = d.Until
		}
	}
	return at
}

// withPast lends what is stored to do, for the configuration at path.
func withPast(ctx context.Context, path string, do func(*past) error) error {
	s, err := loadSettings(path)
	if err != nil {
		return err
	}
	p, err := openPast(ctx, s)
	if err != nil {
		return err
	}
	return errors.Join(do(p), p.view.Close())
}

// sensors lists what hangs on an asset.
func (p *past) sensors(asset string) []city.Sensor {
	var all []city.Sensor
	for _, d := range p.inventory.Devices(asset) {
		server := d.Server
		if server == "" && len(p.settings.NetworkServers) == 1 {
			server = p.settings.NetworkServers[0].Name
		}
		all = append(all, city.Sensor{DevEUI: d.DevEUI, Server: server})
	}
	return all
}

// cast makes a play of a set with all assets of the inventory, or one.
func (p *past) cast(set *rules.Set, asset string) *rules.Play {
	play := rules.NewPlay(set, p.deafness, p.heard)
	for _, a := range p.inventory.Assets() {
		if asset == "" || a.ID == asset {
			play.Cast(a, p.sensors(a.ID))
		}
	}
	return play
}

// stride is how many readings are played at a time: enough that the readings of one asset come
// one after the other, and few enough that they are still in the processor's cache then.
const stride = 20_000

// play shows plays the readings of a span, and gives what was said in each stride, per play. It
// gives how many readings there were.
func (p *past) play(ctx context.Context, plays []*rules.Play, span sqlite.Span, b *bar, see func(*city.Reading), told func(play int, said []rules.Said)) (int64, error) {
	var n int64
	begun := time.Now()
	defer b.end()
	results := make([][]rules.Said, len(plays))
	all := func(until time.Time) {
		done := make(chan struct{})
		for i := range plays {
			go func() {
				results[i] = plays[i].Until(until)
				done <- struct{}{}
			}()
		}
		for range plays {
			<-done
		}
		for i := range plays {
			told(i, results[i])
		}
	}
	err := p.view.Arrivals(ctx, span, stride, func(page []city.Reading, done float64) error {
		var last time.Time
		for i := range page {
			r := &page[i]
			if see != nil {
				see(r)
			}
			for _, play := range plays {
				play.Hear(r)
			}
			if r.Received.After(last) {
				last = r.Received
			}
		}
		all(last.Add(1))
		n += int64(len(page))
		b.show(done, fmt.Sprintf("%d readings, %.0f/s", n, float64(n)/time.Since(begun).Seconds()))
		return ctx.Err()
	})
	if err == nil {
		all(span.To)
	}
	return n, err
}

// completeRules completes the IDs of rules.
func completeRules(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	path, _ := c.Flags().GetString("config")
	s, err := loadSettings(path)
	if err != nil {
		s = settings{}
	}
	set, _, err := loadRules(s, "")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, r := range set.Rules() {
		ids = append(ids, r.ID+"\t"+r.Title)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// completeCases completes the references of the cases that moved last.
func completeCases(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	path, _ := c.Flags().GetString("config")
	s, err := loadSettings(path)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	v, err := sqlite.OpenView(c.Context(), s.Data)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer v.Close()
	heads, err := v.CaseHeads(c.Context(), 200)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var refs []string
	for _, h := range heads {
		refs = append(refs, h.Ref+"\t"+strings.TrimSpace(h.Asset+h.Group+" "+h.Title))
	}
	return refs, cobra.ShellCompDirectiveNoFileComp
}

// oneArg wants one argument.
func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("%s wants %s, got %d arguments (see --help)", c.CommandPath(), what, len(args))}
		}
		return nil
	}
}
