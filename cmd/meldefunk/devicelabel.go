package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city/register"
	"meldefunk/devices/label"
)

// labelOptions say how labels are made.
type labelOptions struct {
	choice           deviceChoice
	all              bool
	format, out, png string
	options          label.Options
}

func deviceLabelCommand() *cobra.Command {
	var path string
	var o labelOptions
	c := &cobra.Command{
		Use:   "label [DEVICE...]",
		Short: "Make QR labels: on sheets as PDF, as PNG files, or in the terminal",
		Long: `Make labels with the QR code of LoRaWAN devices (TR005), the number and name of the asset
and the DevEUI. No label has a key. Without --pdf and --png the codes are drawn in the
terminal.

--format is one of ` + strings.Join(formatNames(), ", ") + `.`,
		ValidArgsFunction: completeDevices,
		Args:              func(*cobra.Command, []string) error { return nil },
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(args); err != nil {
				return err
			}
			return withFleet(c.Context(), path, func(f *fleet) error { return o.make(f, args, c.OutOrStdout(), c.ErrOrStderr()) })
		},
	}
	configFlag(c, &path)
	o.choice.flags(c)
	f := c.Flags()
	f.BoolVar(&o.all, "all", false, "every device that the filters choose")
	f.StringVar(&o.format, "format", label.Formats()[0].Name, "`name` of the sheet")
	f.StringVar(&o.out, "pdf", "", "write a PDF to this `file`")
	f.StringVar(&o.png, "png", "", "write a PNG for each device into this `folder`")
	f.IntVar(&o.options.Start, "start", 1, "first free `position` of a sheet that was begun")
	f.BoolVar(&o.options.Outline, "outline", false, "draw the edges of the labels, to try a printer on plain paper")
	f.Float64Var(&o.options.Right, "right", 0, "move everything to the right, `mm` from -10 to 10")
	f.Float64Var(&o.options.Down, "down", 0, "move everything down, `mm` from -10 to 10")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formatNames(), cobra.ShellCompDirectiveNoFileComp)) // fail only for a flag that is not there
	_ = c.MarkFlagFilename("pdf", "pdf")
	_ = c.MarkFlagDirname("png")
	return c
}

func formatNames() []string {
	var names []string
	for _, f := range label.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func (o *labelOptions) check(args []string) error {
	switch {
	case o.all == (len(args) > 0):
		return usageError{errors.New("which devices? Name some, or give --all with filters like --group or --state")}
	case o.out != "" && o.png != "":
		return usageError{errors.New("--pdf and --png contradict each other: give one of them")}
	}
	return o.choice.check()
}

func (o *labelOptions) make(f *fleet, args []string, out, errTo io.Writer) error {
	chosen, err := f.findAll(args)
	if err != nil {
		return err
	}
	if o.all {
		chosen = o.choice.choose(f, time.Now())
	}
	if len(chosen) == 0 {
		return exitError{errors.New("no device is so: meldefunk device list shows what there is"), exitNotFound}
	}
	labels := make([]label.Label, len(chosen))
	var without []string
	for i, d := range chosen {
		if labels[i] = d.label(); d.JoinEUI.IsZero() {
			without = append(without, d.DevEUI.String())
		}
	}
	if n := len(without); n > 0 { // zeros are the JoinEUI of some devices, and TR005 knows no code without
		fmt.Fprintf(errTo, "warning: no JoinEUI is known of %d devices, %s among them: their codes say zeros; meldefunk device set DEVICE join_eui=… gives one\n", n, without[0])
	}
	switch {
	case o.out != "":
		return o.sheet(labels, out)
	case o.png != "":
		return o.pictures(labels, out)
	}
	return inTerminal(labels, out)
}

// label is what stands on a device's label.
func (d *fleetDevice) label() label.Label {
	l := label.Label{Code: label.Code{JoinEUI: d.JoinEUI, DevEUI: d.DevEUI, Serial: strings.ToUpper(d.Serial)}, Asset: d.Asset}
	if d.Place != nil {
		l.Name = d.Place.Name
	}
	if d.State == register.Retired {
		l.Asset = ""
	}
	return l
}

func (o *labelOptions) sheet(labels []label.Label, out io.Writer) error {
	format, err := label.FindFormat(o.format)
	if err != nil {
		return usageError{err}
	}
	o.options.Made = time.Now()
	var pdf bytes.Buffer
	if err := label.Sheet(&pdf, format, labels, o.options); err != nil {
		return usageError{err}
	}
	if err := os.WriteFile(o.out, pdf.Bytes(), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %d labels on %s; print it at 100 %%, not fitted to the page\n", o.out, len(labels), format.Name)
	return err
}

// pngSide is the side of a PNG in pixels.
const pngSide = 512

func (o *labelOptions) pictures(labels []label.Label, out io.Writer) error {
	if err := os.MkdirAll(o.png, 0o755); err != nil {
		return err
	}
	for _, l := range labels {
		png, err := l.Code.PNG(pngSide)
		if err != nil {
			return usageError{err}
		}
		if err := os.WriteFile(filepath.Join(o.png, l.Code.DevEUI.String()+".png"), png, 0o644); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%s: %d pictures\n", o.png, len(labels))
	return err
}

func inTerminal(labels []label.Label, out io.Writer) error {
	for _, l := range labels {
		code, err := l.Code.Terminal()
		if err != nil {
			return usageError{err}
		}
		if _, err := fmt.Fprintf(out, "%s%s\n%s\n\n", code, l.Code, oneLine(strings.TrimSpace(l.Asset+" "+l.Name))); err != nil {
			return err
		}
	}
	return nil
}
