package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city/register"
	"meldefunk/devices"
)

// deviceChoice chooses devices, as given on the command line.
type deviceChoice struct {
	states                       []string
	model, server, group, search string
}

func (o *deviceChoice) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVar(&o.states, "state", nil, "only in these `states`, comma separated: "+strings.Join(deviceStates(), ", "))
	f.StringVar(&o.model, "model", "", "only of this `model`, like milesight/em310-udl")
	f.StringVar(&o.server, "server", "", "only of this network server, by its `name` in the configuration")
	f.StringVar(&o.group, "group", "", "only on assets of this `group`, tour or district")
	f.StringVar(&o.search, "search", "", "only with this `text` in a name or number")
	_ = c.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(deviceStates(), cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
}

// deviceStates are what --state takes.
func deviceStates() []string {
	states := []string{"silent"}
	for _, s := range register.States() {
		states = append(states, string(s))
	}
	return states
}

func (o *deviceChoice) check() error {
	for _, s := range o.states {
		if !slices.Contains(deviceStates(), s) {
			return usageError{fmt.Errorf("--state %.40q: want of %s", s, strings.Join(deviceStates(), ", "))}
		}
	}
	return nil
}

// choose gives the devices that all filters choose. Retired ones are chosen by their state
// only.
func (o *deviceChoice) choose(f *fleet, now time.Time) []*fleetDevice {
	var chosen []*fleetDevice
	for i := range f.devices {
		if d := &f.devices[i]; o.chooses(f, d, now) {
			chosen = append(chosen, d)
		}
	}
	return chosen
}

func (o *deviceChoice) chooses(f *fleet, d *fleetDevice, now time.Time) bool {
	switch status := d.status(now); {
	case len(o.states) == 0 && d.State == register.Retired:
		return false
	case len(o.states) > 0 && !slices.Contains(o.states, status) && !slices.Contains(o.states, string(d.State)):
		return false
	case o.model != "" && o.model != d.Model, o.server != "" && o.server != d.Server:
		return false
	case o.group != "" && (d.Place == nil || d.Place.Tour != o.group && d.Place.District != o.group && !slices.Contains(f.groups(d.Asset), o.group)):
		return false
	}
	text := d.DevEUI.String() + " " + d.Serial + " " + d.Asset + " " + d.Note
	if d.Place != nil {
		text += " " + d.Place.Name + " " + d.Place.Address
	}
	return strings.Contains(strings.ToLower(text), strings.ToLower(o.search))
}

// groups are those of an asset.
func (f *fleet) groups(asset string) []string {
	i, ok := slices.BinarySearchFunc(f.register.Assets, asset, func(a register.Asset, id string) int { return strings.Compare(a.ID, id) })
	if !ok {
		return nil
	}
	return f.register.Assets[i].Groups
}

func deviceListCommand() *cobra.Command {
	var path, format string
	var o deviceChoice
	c := &cobra.Command{
		Use:   "list",
		Short: "List devices by the number of their asset",
		Long: `List devices with where they hang and when they were heard last, by the number of their
asset. Filters go together: what they all choose is listed. Retired devices are listed
with --state retired only. Works beside a running platform.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			write, err := deviceFormat(format)
			if err != nil {
				return err
			}
			return withFleet(c.Context(), path, func(f *fleet) error {
				now := time.Now()
				var lines []deviceLine
				for _, d := range o.choose(f, now) {
					lines = append(lines, f.line(d, now))
				}
				return write(c.OutOrStdout(), lines)
			})
		},
	}
	configFlag(c, &path)
	o.flags(c)
	outputFlag(c, &format)
	return c
}

// outputFlag adds -o with completion.
func outputFlag(c *cobra.Command, format *string) {
	c.Flags().StringVarP(format, "output", "o", "table", "`format`: table, json (a value a line) or csv")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json", "csv"}, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
}

// deviceLine is a device in a list, as JSON. No key is in it.
type deviceLine struct {
	DevEUI   string    `json:"dev_eui"`
	State    string    `json:"state"`
	Model    string    `json:"model"`
	Asset    string    `json:"asset,omitempty"`
	Name     string    `json:"name,omitempty"` // of the asset
	Server   string    `json:"server,omitempty"`
	Serial   string    `json:"serial,omitempty"`
	Version  string    `json:"lorawan_version,omitempty"`
	Region   string    `json:"region,omitempty"`
	Class    string    `json:"class,omitempty"`
	JoinEUI  string    `json:"join_eui,omitempty"`
	Firmware string    `json:"firmware,omitempty"`
	Interval string    `json:"interval,omitempty"`
	Owner    string    `json:"owner,omitempty"`
	Note     string    `json:"note,omitempty"`
	Keys     bool      `json:"keys"` // there are root keys
	Groups   []string  `json:"groups,omitempty"`
	Heard    time.Time `json:"heard,omitzero"`
	File     bool      `json:"file,omitempty"` // it stands in an inventory file
}

func (f *fleet) line(d *fleetDevice, now time.Time) deviceLine {
	l := deviceLine{DevEUI: d.DevEUI.String(), State: d.status(now), Model: d.Model, Asset: d.Asset, Server: d.Server, Serial: d.Serial,
		Version: string(d.Version), Region: d.Region, Class: string(d.Class), Owner: d.Owner, Note: d.Note, Keys: !d.Keys.None(),
		Groups: f.groups(d.Asset), Heard: d.Heard, File: d.File}
	if d.Place != nil {
		l.Name = d.Place.Name
	}
	if !d.JoinEUI.IsZero() {
		l.JoinEUI = d.JoinEUI.String()
	}
	if !d.Firmware.IsZero() {
		l.Firmware = d.Firmware.String()
	}
	if d.Interval > 0 {
		l.Interval = d.Interval.String()
	}
	return l
}

// deviceFormat is how lists of devices are printed.
func deviceFormat(name string) (func(io.Writer, []deviceLine) error, error) {
	switch name {
	case "table":
		return tableOfDevices, nil
	case "json":
		return func(w io.Writer, lines []deviceLine) error {
			enc := json.NewEncoder(w)
			for i := range lines {
				if err := enc.Encode(&lines[i]); err != nil {
					return err
				}
			}
			return nil
		}, nil
	case "csv":
		return csvOfDevices, nil
	}
	return nil, usageError{fmt.Errorf("--output %.20q: want table, json or csv", name)}
}

func tableOfDevices(w io.Writer, lines []deviceLine) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "DEV EUI\tSTATE\tASSET\tMODEL\tSERVER\tSERIAL\tHEARD\tNAME")
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.DevEUI, l.State, oneLine(orDash(l.Asset)), oneLine(orDash(l.Model)), orDash(l.Server),
			oneLine(orDash(l.Serial)), timeOrDash(l.Heard), oneLine(orDash(l.Name)))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d devices\n", len(lines))
	return err
}

func csvOfDevices(w io.Writer, lines []deviceLine) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"dev_eui", "state", "asset", "model", "server", "serial", "heard", "name", "join_eui", "lorawan_version", "region", "class", "firmware", "owner", "keys"})
	for _, l := range lines {
		keys := "no"
		if l.Keys {
			keys = "yes"
		}
		fields := []string{l.DevEUI, l.State, l.Asset, l.Model, l.Server, l.Serial, timeOrNothing(l.Heard), l.Name, l.JoinEUI, l.Version, l.Region, l.Class, l.Firmware, l.Owner, keys}
		for i := range fields {
			fields[i] = devices.Harmless(fields[i])
		}
		_ = c.Write(fields)
	}
	c.Flush()
	return c.Error()
}

func timeOrDash(t time.Time) string { return orDash(timeOrNothing(t)) }

func timeOrNothing(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
