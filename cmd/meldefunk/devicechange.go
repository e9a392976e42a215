package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/devices"
	"meldefunk/devices/change"
)

// changeOptions say who changes what is hung where, since when and why.
type changeOptions struct {
	by, reason, since, then string
	from                    string // by which way; "": by the command itself
	planned                 bool
}

func (o *changeOptions) flags(c *cobra.Command) {
	byFlag(c, &o.by)
	f := c.Flags()
	f.StringVar(&o.reason, "reason", "", "`why`, for the audit trail")
	f.StringVar(&o.since, "since", "", "since `when`, like 2026-05-03T14:30 or 2h (ago); default: now")
}

func deviceChangeCommands() []*cobra.Command {
	return []*cobra.Command{deviceMoveCommand(), deviceReplaceCommand(), deviceRetireCommand(), deviceStateCommand()}
}

func deviceMoveCommand() *cobra.Command {
	var o changeOptions
	c := changeCommand(&o, 2, "a device and the number of an asset", func(d *change.Draft, dev []*fleetDevice, args []string, at time.Time) error {
		switch _, hangs := d.Hangs(dev[0].DevEUI); {
		case o.planned && o.since != "":
			return usageError{errors.New("--planned and --since contradict each other: what is planned has not begun")}
		case o.planned:
			return d.Plan(dev[0].DevEUI, args[1])
		case hangs:
			return d.Move(dev[0].DevEUI, args[1], at)
		}
		return d.Install(dev[0].DevEUI, args[1], at)
	})
	c.Use, c.Short = "move DEVICE ASSET", "Say on which asset a device hangs from now on"
	c.Long = `Say on which asset a device hangs, from now on or since another time. Readings go by
where it hung at the time they were measured; those that were stored elsewhere since then
are put right by meldefunk replay --uplinks, which the command tells with its options.
Where it hung before stays known.`
	c.Flags().BoolVar(&o.planned, "planned", false, "it will hang there, and does not yet")
	return c
}

func deviceReplaceCommand() *cobra.Command {
	var o changeOptions
	c := changeCommand(&o, 2, "the old device and the new one", func(d *change.Draft, dev []*fleetDevice, _ []string, at time.Time) error {
		if then := register.State(o.then); then != register.InStock && then != register.Retired {
			return usageError{fmt.Errorf("--then %.40q: want in_stock or retired", o.then)}
		}
		return d.Replace(dev[0].DevEUI, dev[1].DevEUI, register.State(o.then), at)
	})
	c.Use, c.Short = "replace OLD NEW", "Hang another device in the place of a broken one"
	c.Long = `Hang another device in the place of one. The history, the rules' memory and open tickets
stay with the asset.`
	c.Flags().StringVar(&o.then, "then", string(register.InStock), "what becomes of the old one: in_stock or retired")
	_ = c.RegisterFlagCompletionFunc("then", cobra.FixedCompletions([]string{string(register.InStock), string(register.Retired)}, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
	return c
}

func deviceRetireCommand() *cobra.Command {
	var o changeOptions
	c := changeCommand(&o, 1, "a device", func(d *change.Draft, dev []*fleetDevice, _ []string, at time.Time) error {
		return d.Retire(dev[0].DevEUI, at)
	})
	c.Use, c.Short = "retire DEVICE", "Take a device out of service for good"
	c.Long = `Take a device out of service for good. It stays known for its history; network servers
are told by meldefunk device sync.`
	return c
}

func deviceStateCommand() *cobra.Command {
	var o changeOptions
	c := changeCommand(&o, 2, "a device and a state", func(d *change.Draft, dev []*fleetDevice, args []string, at time.Time) error {
		for _, s := range register.States() {
			if string(s) == args[1] {
				return d.SetState(dev[0].DevEUI, s, at)
			}
		}
		return usageError{fmt.Errorf("%.40q is no state: want one of %v", args[1], register.States())}
	})
	c.Use, c.Short = "state DEVICE STATE", fmt.Sprintf("Say how a device is: %v", register.States())
	c.Long = `Say how a device is. In stock and retired take it off its asset; installed hangs a planned
one where it was planned; in maintenance it goes on hanging there.`
	return c
}

func stateNames() []string {
	var names []string
	for _, s := range register.States() {
		names = append(names, string(s))
	}
	return names
}

// changeCommand makes a command of something that is done with devices: the first arguments
// that name devices are found before do is asked.
func changeCommand(o *changeOptions, args int, what string, do func(d *change.Draft, dev []*fleetDevice, args []string, at time.Time) error) *cobra.Command {
	var path string
	c := &cobra.Command{
		ValidArgsFunction: func(c *cobra.Command, got []string, begun string) ([]string, cobra.ShellCompDirective) {
			switch {
			case len(got) == 0, len(got) == 1 && c.Name() == "replace":
				return completeDevices(c, got, begun)
			case len(got) == 1 && c.Name() == "move":
				return completeAssets(c, begun)
			case len(got) == 1 && c.Name() == "state":
				return stateNames(), cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		Args: func(c *cobra.Command, got []string) error {
			if len(got) != args {
				return usageError{fmt.Errorf("%s wants %s, got %d arguments (see --help)", c.CommandPath(), what, len(got))}
			}
			return nil
		},
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		return atRegister(c.Context(), path, c.ErrOrStderr(), func(f *fleet, r registrar) error {
			var last register.Change
			err := alter(c.Context(), f, r, func(now *fleet) (_ register.Change, err error) {
				f = now
				last, err = o.draft(f, c.Name(), args, do)
				return last, err
			})
			if err != nil {
				return err
			}
			if err := tellChange(c.OutOrStdout(), &last); err != nil {
				return err
			}
			f.tellReplay(c.OutOrStdout(), &last)
			return f.tellRetired(c.Context(), c.OutOrStdout(), &last)
		})
	}
	configFlag(c, &path)
	o.flags(c)
	return c
}

func (o *changeOptions) draft(f *fleet, verb string, args []string, do func(*change.Draft, []*fleetDevice, []string, time.Time) error) (register.Change, error) {
	stamp, at, err := o.stamp(f, time.Now())
	if err != nil {
		return register.Change{}, usageError{err}
	}
	d := change.New(f.register, devices.Ground(f.files, f.models), stamp)
	names := args[:1]
	if verb == "replace" {
		names = args
	}
	found, err := f.findAll(names)
	if err != nil {
		return register.Change{}, err
	}
	for _, dev := range found {
		if dev.File {
			return register.Change{}, dev.inFile()
		}
	}
	if err := do(d, found, args, at); err != nil {
		if errors.As(err, new(usageError)) {
			return register.Change{}, err
		}
		return register.Change{}, exitError{err, exitConflict}
	}
	return d.Change(), nil
}

// stamp says who does it and when.
func (o *changeOptions) stamp(f *fleet, now time.Time) (change.Stamp, time.Time, error) {
	zone, err := time.LoadLocation(f.settings.TimeZone)
	if err != nil {
		return change.Stamp{}, time.Time{}, err
	}
	at := now
	if o.since != "" {
		if at, err = sinceOf(o.since, now, zone); err != nil {
			return change.Stamp{}, time.Time{}, fmt.Errorf("--since: %w", err)
		}
	}
	if err := checkLine("--by", o.by, longestName, true); err != nil {
		return change.Stamp{}, time.Time{}, err
	}
	if err := checkLine("--reason", o.reason, longestReason, false); err != nil {
		return change.Stamp{}, time.Time{}, err
	}
	return change.Stamp{At: now.In(zone), By: o.by, Reason: o.reason, From: cmp.Or(o.from, "cli")}, at, nil
}

// sinceOf reads a time that is over, as people give it.
func sinceOf(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02", "02.01.2006 15:04", "02.01.2006"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			if at.After(now) {
				return at, fmt.Errorf("%s is not over yet", at.Format(time.RFC3339))
			}
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no time: want one like 2026-05-03T14:30, 03.05.2026, or 2h for two hours ago", text)
}

// tellReplay says how readings come to where a change of the past says, if there may be some:
// they are stored by where their device hung as far as was known then.
func (f *fleet) tellReplay(w io.Writer, c *register.Change) {
	heard := make(map[city.EUI]time.Time, len(f.devices))
	for i := range f.devices {
		heard[f.devices[i].DevEUI] = f.devices[i].Heard
	}
	late := map[city.EUI]bool{}
	from := c.At
	for _, b := range slices.Concat(c.Bindings, c.Dropped) {
		at := b.From
		if !b.To.IsZero() {
			at = b.To
		}
		if last := heard[b.DevEUI]; last.IsZero() || !at.Before(c.At) || last.Before(at) {
			continue
		}
		late[b.DevEUI] = true
		if at.Before(from) {
			from = at
		}
	}
	which := "--uplinks"
	switch len(late) {
	case 0:
		return
	case 1:
		for devEUI := range late {
			which = "--uplinks --device " + devEUI.String()
		}
	}
	fmt.Fprintf(w, "what was stored since then comes to where it belongs, once the platform is stopped, with: meldefunk replay %s --from %s\n", which, from.UTC().Format(time.RFC3339))
}

// tellRetired says that network servers go on knowing a device that was retired.
func (f *fleet) tellRetired(ctx context.Context, w io.Writer, c *register.Change) error {
	told, err := f.view.Registrations(ctx, "")
	if err != nil {
		return err
	}
	for i := range c.Devices {
		for _, r := range told {
			if d := &c.Devices[i]; d.State == register.Retired && r.DevEUI == d.DevEUI && (r.Digest != "" || r.Failure != "") {
				fmt.Fprintf(w, "%s: %s knows it still; meldefunk device sync tells it\n", d.DevEUI, oneLine(r.Server))
			}
		}
	}
	return nil
}

// tellChange says what was changed, a line for each entry of the audit trail.
func tellChange(w io.Writer, c *register.Change) error {
	for _, e := range c.Entries {
		name := e.Asset
		if !e.DevEUI.IsZero() {
			name = e.DevEUI.String()
		}
		if _, err := fmt.Fprintln(w, strings.TrimSpace(fmt.Sprintf("%s: %s %s", oneLine(name), e.Action, oneLine(factsText(e.Facts))))); err != nil {
			return err
		}
	}
	if len(c.Entries) == 0 {
		_, err := fmt.Fprintln(w, "nothing to change")
		return err
	}
	return nil
}
