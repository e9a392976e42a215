package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/devices/enrolment"
	"meldefunk/devices/keys"
)

// syncOptions say what network servers are told.
type syncOptions struct {
	change             changeOptions // by, reason
	server             string
	plan, verify, json bool
}

func deviceSyncCommand() *cobra.Command {
	var path string
	var o syncOptions
	c := &cobra.Command{
		Use:   "sync [DEVICE...]",
		Short: "Tell network servers of devices, and find where they differ",
		Long: `Tell network servers of the devices of the register: new ones are made, changed ones put
right, retired ones removed; what broke off half way is mended. Network servers are those
with provisioning in the configuration. Without names all devices are meant.

--plan says what would be told and tells nothing. --verify asks the network servers what
they have, and finds what was changed there by hand (drift).

Exit code 0: done, or nothing to do, 1: it failed, 3: some of it was done, or with --plan
--verify something differs, 4: what the configuration names is not there, 5: somebody else
has these devices, 6: the key was refused, 7: the network server does not answer.`,
		ValidArgsFunction: completeDevices,
		Args:              func(*cobra.Command, []string) error { return nil },
		RunE: func(c *cobra.Command, args []string) error {
			work := func(f *fleet, r registrar) error {
				return o.run(c.Context(), f, r, args, c.OutOrStdout(), c.ErrOrStderr())
			}
			if o.plan {
				return withFleet(c.Context(), path, func(f *fleet) error { return work(f, nil) })
			}
			return atRegister(c.Context(), path, c.ErrOrStderr(), work)
		},
	}
	configFlag(c, &path)
	byFlag(c, &o.change.by)
	f := c.Flags()
	f.StringVar(&o.change.reason, "reason", "", "`why`, for the audit trail")
	f.StringVar(&o.server, "server", "", "only this network server, by its `name` in the configuration")
	f.BoolVar(&o.plan, "plan", false, "tell nothing, say what would be told")
	f.BoolVar(&o.verify, "verify", false, "ask the network servers what they have")
	f.BoolVar(&o.json, "json", false, "print JSON, a device and network server a line")
	return c
}

func (o *syncOptions) run(ctx context.Context, f *fleet, r registrar, names []string, out, progress io.Writer) error {
	targets, closeAll, err := f.settings.targets()
	if err != nil {
		return usageError{err}
	}
	defer closeAll()
	if targets, err = o.choose(targets); err != nil {
		return err
	}
	plan, err := o.make(ctx, f, targets, names)
	if err != nil {
		return err
	}
	b := newBar(progress)
	defer b.end()
	engine := &enrolment.Engine{Config: enrolment.DefaultConfig(), Now: time.Now,
		Keep: func(all []register.Registration) error { return r.PutRegistrations(context.WithoutCancel(ctx), all) },
		Progress: func(done, all int, last enrolment.Result) {
			b.show(float64(done)/float64(max(all, 1)), fmt.Sprintf("%d of %d devices, %s %s", done, all, last.Server, last.DevEUI))
		}}
	var looked *enrolment.Report
	if o.verify {
		report := engine.Verify(ctx, plan)
		b.end()
		looked = &report
	}
	if o.plan {
		return errors.Join(o.printPlan(out, plan), o.planCode(plan, looked))
	}
	report, err := engine.Apply(ctx, *plan)
	b.end()
	trail := tellTrail(context.WithoutCancel(ctx), f, r, &o.change, report.Entries())
	return errors.Join(o.printReport(out, &report), reportCode(&report), err, trail)
}

// choose leaves the network servers that are meant.
func (o *syncOptions) choose(all []enrolment.Target) ([]enrolment.Target, error) {
	if len(all) == 0 {
		return nil, usageError{errors.New("no network server has provisioning in the configuration: nobody can be told (docs/network-servers.md)")}
	}
	if o.server == "" {
		return all, nil
	}
	var names []string
	for _, t := range all {
		if names = append(names, t.Name()); t.Name() == o.server {
			return all, nil // the others are needed to tell whose a device is; see make
		}
	}
	return nil, exitError{fmt.Errorf("--server %.40q: want one with provisioning: %s", o.server, strings.Join(names, ", ")), exitNotFound}
}

func (o *syncOptions) make(ctx context.Context, f *fleet, targets []enrolment.Target, names []string) (*enrolment.Plan, error) {
	ring, err := keys.Load(f.settings.Keys)
	if err != nil {
		return nil, usageError{err}
	}
	found, err := f.findAll(names)
	if err != nil {
		return nil, err
	}
	meant := map[city.EUI]bool{}
	for _, d := range found {
		meant[d.DevEUI] = true
	}
	told, err := f.view.Registrations(ctx, "")
	if err != nil {
		return nil, err
	}
	plan := enrolment.Make(enrolment.Source{Snapshot: f.register, Told: told, Asset: f.inventory.Asset, Open: ring.OpenRoot}, targets)
	plan.Steps = slices.DeleteFunc(plan.Steps, func(s enrolment.Step) bool {
		return len(names) > 0 && !meant[s.DevEUI] || o.server != "" && s.Server != o.server
	})
	return &plan, nil
}

// syncLine is a step, as JSON.
type syncLine struct {
	DevEUI  string            `json:"dev_eui"`
	Name    string            `json:"name,omitempty"`
	Server  string            `json:"server"`
	Action  enrolment.Action  `json:"action"`
	Outcome enrolment.Outcome `json:"outcome,omitempty"`
	Why     string            `json:"why,omitempty"`
	Drift   []string          `json:"drift,omitempty"`
	Error   string            `json:"error,omitempty"`
}

func newSyncLine(s *enrolment.Step, outcome enrolment.Outcome, err error) syncLine {
	l := syncLine{DevEUI: s.DevEUI.String(), Name: s.Name, Server: s.Server, Action: s.Action, Outcome: outcome, Why: s.Why}
	for _, d := range s.Drift {
		l.Drift = append(l.Drift, d.String())
	}
	if err == nil { // that of a step that is blocked is its own
		err = s.Err
	}
	if err != nil {
		l.Error = err.Error()
	}
	return l
}

func (o *syncOptions) print(w io.Writer, lines []syncLine) error {
	if o.json {
		enc := json.NewEncoder(w)
		for _, l := range lines {
			if err := enc.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", l.DevEUI, orDash(l.Name), orDash(l.Server), l.Action, orDash(string(l.Outcome)),
			oneLine(strings.TrimSpace(strings.Join(slices.Concat([]string{l.Why}, l.Drift, []string{l.Error}), " "))))
	}
	return t.Flush()
}

func (o *syncOptions) printPlan(w io.Writer, p *enrolment.Plan) error {
	var lines []syncLine
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Action != enrolment.Nothing || o.json || s.Err != nil {
			lines = append(lines, newSyncLine(s, "", nil))
		}
	}
	if err := o.print(w, lines); err != nil || o.json {
		return err
	}
	_, err := fmt.Fprintf(w, "%d to create, %d to update, %d to remove, %d as they should be, %d not told, %d cannot be told\n", p.Count(enrolment.Create),
		p.Count(enrolment.Update), p.Count(enrolment.Remove), p.Count(enrolment.Nothing)+p.Count(enrolment.Note), p.Count(enrolment.Skip), p.Count(enrolment.Blocked))
	return err
}

func (o *syncOptions) planCode(p *enrolment.Plan, looked *enrolment.Report) error {
	switch {
	case looked != nil && looked.Exit() != enrolment.ExitOK:
		return reportCode(looked)
	case looked != nil && len(p.Drifts()) > 0:
		return exitError{fmt.Errorf("%d devices differ", len(p.Drifts())), exitPartial}
	}
	return nil
}

func (o *syncOptions) printReport(w io.Writer, r *enrolment.Report) error {
	var lines []syncLine
	for i := range r.Results {
		if one := &r.Results[i]; one.Outcome != enrolment.Done || o.json {
			lines = append(lines, newSyncLine(&one.Step, one.Outcome, one.Err))
		}
	}
	if err := o.print(w, lines); err != nil || o.json {
		return err
	}
	_, err := fmt.Fprintf(w, "%d done, %d failed, %d untried\n", r.Count(enrolment.Done), r.Count(enrolment.Failed), r.Count(enrolment.Untried))
	return err
}

// reportCode says how to exit.
func reportCode(r *enrolment.Report) error {
	code, failed := exitFailure, r.Count(enrolment.Failed)+r.Count(enrolment.Untried)
	switch r.Exit() {
	case enrolment.ExitOK:
		return nil
	case enrolment.ExitPartial:
		code = exitPartial
	case enrolment.ExitAuthentication:
		code = exitUnauthorized
	case enrolment.ExitUnreachable:
		code = exitUnreachable
	case enrolment.ExitNotFound:
		code = exitNotFound
	case enrolment.ExitConflict:
		code = exitConflict
	}
	return exitError{fmt.Errorf("%d of %d devices could not be told or asked", failed, len(r.Results)), code}
}
