package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city/register"
	"meldefunk/devices"
	"meldefunk/devices/keys"
)

// exportOptions say what of the register is written and how.
type exportOptions struct {
	change    changeOptions // by, reason
	form, out string
	reveal    bool
}

func deviceExportCommand() *cobra.Command {
	var path string
	var o exportOptions
	c := &cobra.Command{
		Use:   "export",
		Short: "Write the register as CSV, YAML or GeoJSON",
		Long: `Write the register of devices and assets, without keys: as CSV for machines or for a
German Excel, as YAML, or as GeoJSON. device import reads each of them. What stands in
inventory files only is not written.

With --reveal root keys are written in clear, for a join server of somebody else, into a
file that only you can read; that stands in the audit trail.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !slices.Contains(exportForms(), o.form) {
				return usageError{fmt.Errorf("--form %.20q: want one of %s", o.form, strings.Join(exportForms(), ", "))}
			}
			if o.reveal {
				if o.out == "" {
					return usageError{errors.New("--reveal: keys are written to a file only: give --out")}
				}
				return atRegister(c.Context(), path, c.ErrOrStderr(), func(f *fleet, r registrar) error {
					return o.write(c.Context(), f, r, c.OutOrStdout())
				})
			}
			return withFleet(c.Context(), path, func(f *fleet) error { return o.write(c.Context(), f, nil, c.OutOrStdout()) })
		},
	}
	configFlag(c, &path)
	byFlag(c, &o.change.by)
	f := c.Flags()
	f.StringVar(&o.change.reason, "reason", "", "`why` keys are revealed, for the audit trail")
	f.StringVar(&o.form, "form", "csv", "`form`: csv, excel, yaml or geojson")
	f.StringVar(&o.out, "out", "", "write to this `file` (default: standard output)")
	f.BoolVar(&o.reveal, "reveal", false, "write root keys in clear")
	_ = c.RegisterFlagCompletionFunc("form", cobra.FixedCompletions(exportForms(), cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
	return c
}

func (o *exportOptions) write(ctx context.Context, f *fleet, r registrar, out io.Writer) error {
	e := devices.Export{Register: f.register}
	if o.reveal {
		ring, err := keys.Load(f.settings.Keys)
		if err != nil {
			return usageError{err}
		}
		e.Reveal = ring.OpenRoot
		var shown []register.Device
		for _, d := range f.register.Devices {
			if !d.Keys.None() {
				shown = append(shown, d)
			}
		}
		if err := tellRevealed(ctx, f, r, &o.change, shown); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	if err := o.into(&e, &text); err != nil {
		return err
	}
	if o.out == "" {
		_, err := out.Write(text.Bytes())
		return err
	}
	if err := writePrivate(o.out, text.Bytes()); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s: %d devices, %d assets\n", o.out, len(f.register.Devices), len(f.register.Assets))
	return err
}

func (o *exportOptions) into(e *devices.Export, w io.Writer) error {
	switch o.form {
	case "csv":
		return e.CSV(w, devices.Machine)
	case "excel":
		return e.CSV(w, devices.Excel)
	case "yaml":
		return e.YAML(w)
	}
	return e.GeoJSON(w)
}

func exportForms() []string { return []string{"csv", "excel", "yaml", "geojson"} }

// tellRevealed has it stand in the audit trail that somebody was shown keys, before he is.
func tellRevealed(ctx context.Context, f *fleet, r registrar, o *changeOptions, shown []register.Device) error {
	all := make([]register.Entry, len(shown))
	for i := range shown {
		all[i] = register.Entry{Action: register.Revealed, DevEUI: shown[i].DevEUI}
	}
	return tellTrail(ctx, f, r, o, all)
}

// tellTrail writes lines into the audit trail about what is no change of the register.
func tellTrail(ctx context.Context, f *fleet, r registrar, o *changeOptions, all []register.Entry) error {
	if len(all) == 0 {
		return nil
	}
	stamp, _, err := o.stamp(f, time.Now())
	if err != nil {
		return usageError{err}
	}
	for i := range all {
		e := &all[i]
		e.At, e.By, e.Reason, e.From = stamp.At, stamp.By, stamp.Reason, stamp.From
	}
	return alter(ctx, f, r, func(f *fleet) (register.Change, error) {
		return register.Change{Base: f.register.Revision, At: stamp.At, By: stamp.By, Reason: stamp.Reason, From: stamp.From, Entries: all}, nil
	})
}
