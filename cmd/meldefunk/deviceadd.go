package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/devices"
	"meldefunk/devices/keys"
)

// addOptions say what is added or set beside the fields on the command line.
type addOptions struct {
	sheetOptions
	scan, keysFrom string
	generate       bool
}

func deviceAddCommand() *cobra.Command {
	var path string
	var o addOptions
	c := &cobra.Command{
		Use:   "add [COLUMN=VALUE...]",
		Short: "Take one device into the inventory",
		Long: `Take one device into the inventory, with the columns of device import (--columns lists
them there):

  meldefunk device add dev_eui=a840410001810001 model=dragino/lse01 asset=B-17 kind=soil

Without dev_eui an asset alone is described.

With --scan the text of the device's QR code gives DevEUI, JoinEUI, serial number and,
where a vendor prints it, the key. Root keys are never given on the command line, where
others could read them: --keys-from reads them from a file or standard input, one a line
("app_key=…", "nwk_key=…", or the digits alone), --generate-keys makes new ones, which the
device has to be given (device key show --reveal).`,
		Args:              fieldArgs,
		ValidArgsFunction: completeColumns,
		RunE: func(c *cobra.Command, args []string) error {
			fields, err := o.fields(args, c.InOrStdin())
			if err != nil {
				return err
			}
			return o.put(c.Context(), path, fields, true, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	configFlag(c, &path)
	o.flags(c)
	c.Flags().StringVar(&o.scan, "scan", "", "`text` of the device's QR code; - reads it from standard input")
	return c
}

func deviceSetCommand() *cobra.Command {
	var path string
	var o addOptions
	c := &cobra.Command{
		Use:   "set DEVICE COLUMN=VALUE...",
		Short: "Put right what is known of a device and its asset",
		Long: `Put right what is known of a device and its asset, or of an asset without a device, with
the columns of device import; "-" clears one. Where a device hangs is said with move,
replace and retire; since=… puts right from when on.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return someDevices(c, args)
			}
			if len(args) == 1 && (o.keysFrom != "" || o.generate) {
				return nil
			}
			return settable(c, args[1:])
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return completeDevices(c, args, begun)
			}
			return completeColumns(c, args, begun)
		},
		RunE: func(c *cobra.Command, args []string) error {
			var about string
			if err := withFleet(c.Context(), path, func(f *fleet) error {
				d, err := f.find(args[0])
				switch {
				case err == nil && d.File:
					return d.inFile()
				case err == nil:
					about = "dev_eui=" + d.DevEUI.String()
				case f.describes(args[0]):
					about, err = "asset="+args[0], nil
				}
				return err
			}); err != nil {
				return err
			}
			fields, err := o.fields(append([]string{about}, args[1:]...), c.InOrStdin())
			if err != nil {
				return err
			}
			return o.put(c.Context(), path, fields, false, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	configFlag(c, &path)
	o.flags(c)
	return c
}

func (o *addOptions) flags(c *cobra.Command) {
	byFlag(c, &o.change.by)
	f := c.Flags()
	f.StringVar(&o.change.reason, "reason", "", "`why`, for the audit trail")
	f.StringVar(&o.keysFrom, "keys-from", "", "read root keys from this `file`, - is standard input")
	f.BoolVar(&o.generate, "generate-keys", false, "make new root keys")
	f.BoolVar(&o.dryRun, "dry-run", false, "tell what would become different, and write nothing")
	_ = c.MarkFlagFilename("keys-from") // fails only for a flag that is not there
}

// field is a column and what stands in it.
type field struct{ column, value string }

// fieldArgs wants COLUMN=VALUE.
func fieldArgs(_ *cobra.Command, args []string) error {
	for _, a := range args {
		name, _, ok := strings.Cut(a, "=")
		switch {
		case !ok:
			return usageError{fmt.Errorf("%.40q: want COLUMN=VALUE, like model=dragino/lse01; meldefunk device import --columns lists the columns", a)}
		case isKeyColumn(name):
			return usageError{fmt.Errorf("%s: a key on the command line stays in the shell's history and can be seen by others: use --keys-from", name)}
		}
	}
	return nil
}

// settable is fieldArgs without what has commands of its own.
func settable(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{fmt.Errorf("%s: what? Give COLUMN=VALUE, like note=\"pole 3\"", c.CommandPath())}
	}
	for _, a := range args {
		switch name, _, _ := strings.Cut(a, "="); columnOf(name) {
		case "dev_eui":
			return usageError{errors.New("dev_eui: it is the device; for another one there is meldefunk device replace")}
		case "asset":
			return usageError{errors.New("asset: where it hangs is said with meldefunk device move")}
		case "state":
			return usageError{errors.New("state: meldefunk device state, and for good meldefunk device retire, say how it is")}
		}
	}
	return fieldArgs(c, args)
}

// columnOf is the name of a column that may be called otherwise; "" for none.
func columnOf(title string) string {
	for _, c := range devices.Columns() {
		if strings.EqualFold(c.Name, title) || slices.ContainsFunc(c.Aliases, func(a string) bool { return strings.EqualFold(a, title) }) {
			return c.Name
		}
	}
	return ""
}

func isKeyColumn(name string) bool {
	column := columnOf(name)
	return slices.ContainsFunc(devices.Columns(), func(c devices.Column) bool { return c.Name == column && c.Of == devices.OfKeys })
}

func completeColumns(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, c := range devices.Columns() {
		if c.Of != devices.OfKeys && strings.HasPrefix(c.Name, begun) {
			names = append(names, c.Name+"=\t"+c.Meaning)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// fields are those of the command line, of a QR code, and of the keys. What is said on the
// command line counts more than the code.
func (o *addOptions) fields(args []string, in io.Reader) ([]field, error) {
	var all []field
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		all = append(all, field{name, value})
	}
	has := func(column string) bool {
		return slices.ContainsFunc(all, func(f field) bool { return columnOf(f.column) == column })
	}
	add := func(column, value string) {
		if value != "" && !has(column) {
			all = append(all, field{column, value})
		}
	}
	var root enrol.RootKeys
	if o.scan != "" {
		code, extra, err := scan([]string{o.scan}, in)
		if err != nil {
			return nil, usageError{fmt.Errorf("--scan: %w", err)}
		}
		add("dev_eui", code.DevEUI.String())
		add("serial", code.Serial)
		if !extra.NoJoinEUI {
			add("join_eui", code.JoinEUI.String())
		}
		root = extra.Keys
	}
	if o.keysFrom != "" && o.generate {
		return nil, usageError{errors.New("--keys-from and --generate-keys contradict each other: give one of them")}
	}
	if o.keysFrom != "" {
		text, err := readKeys(o.keysFrom, in)
		if err != nil {
			return nil, err
		}
		for _, f := range text {
			add(f.column, f.value)
		}
		return all, nil
	}
	if o.generate {
		version := enrol.V1_0_3
		for _, f := range all {
			if columnOf(f.column) == "lorawan_version" {
				version = enrol.Version(f.value)
			}
		}
		root = keys.Generate(version)
	}
	for _, f := range keyFields(root) {
		add(f.column, f.value)
	}
	return all, nil
}

// keyFields are root keys by the columns of a sheet.
func keyFields(root enrol.RootKeys) []field {
	hex := func(k lorawan.Key) string { return fmt.Sprintf("%x", k[:]) }
	switch {
	case root.None():
		return nil
	case root.App.IsZero():
		return []field{{"app_key", hex(root.Nwk)}}
	}
	return []field{{"nwk_key", hex(root.Nwk)}, {"app_key", hex(root.App)}}
}

// maxKeyLines bounds what --keys-from reads, in bytes.
const maxKeyLines = 4 << 10

func readKeys(name string, in io.Reader) ([]field, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usageError{fmt.Errorf("--keys-from: %w", err)}
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxKeyLines))
	if err != nil {
		return nil, fmt.Errorf("--keys-from: %w", err)
	}
	var all []field
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		column, value, named := strings.Cut(line, "=")
		if !named {
			column, value = "app_key", line
		}
		if column = strings.TrimSpace(column); !isKeyColumn(column) {
			return nil, usageError{fmt.Errorf("--keys-from: line %d: want app_key=… or nwk_key=…, or 32 hex digits alone", n+1)} // the line may be a key
		}
		all = append(all, field{column, strings.TrimSpace(value)})
	}
	if len(all) == 0 {
		return nil, usageError{errors.New("--keys-from: there is no key")}
	}
	return all, nil
}

// put imports one row.
func (o *addOptions) put(ctx context.Context, path string, fields []field, fresh bool, out, errTo io.Writer) error {
	if fresh {
		if !slices.ContainsFunc(fields, func(f field) bool { return columnOf(f.column) == "dev_eui" || columnOf(f.column) == "asset" }) {
			return usageError{errors.New("dev_eui is missing: give dev_eui=…, or the QR code with --scan; or, to describe an asset alone, asset=…")}
		}
	}
	sheet, err := oneRow(fields)
	if err != nil {
		return err
	}
	o.onError, o.change.from, o.fresh, o.single = "abort", "cli", fresh, true
	return o.run(ctx, path, sheet, out, errTo)
}

// oneRow makes a sheet of what stands on the command line.
func oneRow(fields []field) (*devices.Sheet, error) {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	w.Comma = ';'
	var names, values []string
	for _, f := range fields {
		names, values = append(names, f.column), append(values, f.value)
	}
	_ = w.Write(append(names, "message")) // a column more, so that there is a separator; imports do not read it
	_ = w.Write(append(values, ""))
	w.Flush()
	sheet, problems := devices.ReadSheet("arguments", devices.CSV, text.Bytes())
	if len(problems) > 0 {
		return nil, usageError{problemsOf("", problems)}
	}
	return sheet, nil
}
