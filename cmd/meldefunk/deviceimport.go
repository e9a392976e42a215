package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city/lorawan"
	"meldefunk/city/register"
	"meldefunk/devices"
	"meldefunk/devices/keys"
)

// maxSheet bounds a sheet, in bytes.
const maxSheet = 64 << 20

// sheetOptions say how a sheet is imported.
type sheetOptions struct {
	change            changeOptions // by, reason, from
	onError, result   string
	dryRun, columns   bool
	fresh, single     bool // what the row is about must not be there yet; the row is the command line
	json, resultExcel bool
}

func deviceImportCommand() *cobra.Command {
	var path string
	var o sheetOptions
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Take devices and assets over from a CSV, YAML or GeoJSON file",
		Long: `Take devices and assets over from a file, or with - from standard input: CSV (with ";" or
",", with or without a byte order mark), YAML or GeoJSON. --columns lists the columns and
their German and English names. A column that is absent, or a field that is empty, leaves
what is kept as it is; a single "-" clears it.

Every row is looked at before anything is written; then everything is written at once. Rows
find what is there by DevEUI, or by the number of the asset: the same file a second time
changes nothing. Root keys (app_key, nwk_key) are kept encrypted and never shown.

Exit code 0: done, 2: a row is wrong and nothing was written, 3: some rows were wrong and the
others were written (--on-error skip), 5: it contradicts what is there.`,
		Args: func(c *cobra.Command, args []string) error {
			if o.columns {
				return noArgs(c, args)
			}
			return oneArg("a file, or - for standard input")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if o.columns {
				return listColumns(c.OutOrStdout())
			}
			if o.onError != "abort" && o.onError != "skip" {
				return usageError{fmt.Errorf("--on-error %.20q: want abort or skip", o.onError)}
			}
			if o.resultExcel && o.result == "" {
				return usageError{errors.New("--excel says how the result is written: give --result, too")}
			}
			sheet, err := readSheet(args[0], c.InOrStdin())
			if err != nil {
				return err
			}
			o.change.from = "import " + sheet.Name
			return o.run(c.Context(), path, sheet, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	configFlag(c, &path)
	byFlag(c, &o.change.by)
	f := c.Flags()
	f.StringVar(&o.change.reason, "reason", "", "`why`, for the audit trail")
	f.BoolVar(&o.dryRun, "dry-run", false, "tell what would become different, and write nothing")
	f.StringVar(&o.onError, "on-error", "abort", "`abort`: one wrong row, and nothing is written; skip: the other rows are")
	f.StringVar(&o.result, "result", "", "write the rows with what became of each to this CSV `file`, fit for another import")
	f.BoolVar(&o.resultExcel, "excel", false, "write the result as a German Excel reads it")
	f.BoolVar(&o.columns, "columns", false, "list the columns and their other names")
	f.BoolVar(&o.json, "json", false, "print what becomes of each row as JSON, one a line")
	_ = c.RegisterFlagCompletionFunc("on-error", cobra.FixedCompletions([]string{"abort", "skip"}, cobra.ShellCompDirectiveNoFileComp)) // fail only for a flag that is not there
	_ = c.MarkFlagFilename("result", "csv")
	return c
}

func listColumns(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "COLUMN\tALSO\tWHAT")
	for _, c := range devices.Columns() {
		fmt.Fprintf(t, "%s\t%s\t%s\n", c.Name, orDash(strings.Join(c.Aliases, ", ")), c.Meaning)
	}
	return t.Flush()
}

func readSheet(name string, in io.Reader) (*devices.Sheet, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usageError{err}
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxSheet+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSheet {
		return nil, usageError{fmt.Errorf("%s: larger than %d MiB: split it", name, maxSheet>>20)}
	}
	form, err := devices.FormOf(strings.TrimPrefix(name, "-"), data)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", name, err)}
	}
	if name == "-" {
		name = "standard input"
	}
	sheet, problems := devices.ReadSheet(name, form, data)
	if len(problems) > 0 {
		return nil, usageError{problemsOf(name, problems)}
	}
	return sheet, nil
}

// problemsOf joins problems, a line each.
func problemsOf(name string, all []devices.Problem) error {
	errs := make([]error, len(all))
	for i, p := range all {
		errs[i] = p
		if name != "" {
			errs[i] = fmt.Errorf("%s: %w", name, p)
		}
	}
	return errors.Join(errs...)
}

// run imports a sheet, and says what became of each row.
func (o *sheetOptions) run(ctx context.Context, path string, sheet *devices.Sheet, out, errTo io.Writer) error {
	var plan *devices.Plan
	var problems []devices.Problem
	work := func(f *fleet, r registrar) error {
		err := alter(ctx, f, r, func(now *fleet) (none register.Change, err error) {
			f = now
			im, err := o.into(f, time.Now())
			if err != nil {
				return none, err
			}
			plan, problems = im.Plan(sheet)
			if o.fresh {
				err = allNew(f, plan)
			}
			if o.dryRun || err != nil {
				return none, err
			}
			return plan.Change, nil
		})
		if err != nil {
			return err
		}
		err = o.tell(sheet, plan, problems, out, errTo)
		if !o.dryRun && !o.json {
			f.tellReplay(out, &plan.Change)
		}
		return err
	}
	if o.dryRun {
		return withFleet(ctx, path, func(f *fleet) error { return work(f, nil) })
	}
	return atRegister(ctx, path, errTo, work)
}

// allNew refuses what is in the register already.
func allNew(f *fleet, plan *devices.Plan) error {
	for _, w := range plan.Outcomes {
		if w.Status != devices.Failed && w.DevEUI.IsZero() && f.describes(w.Asset) {
			return exitError{fmt.Errorf("asset %s is described already: meldefunk device set puts right what is known of it", w.Asset), exitConflict}
		}
	}
	for _, d := range f.register.Devices {
		if slices.ContainsFunc(plan.Outcomes, func(w devices.Outcome) bool { return w.DevEUI == d.DevEUI }) {
			return exitError{fmt.Errorf("device %s is in the register already, %s: meldefunk device set puts right what is known of it", d.DevEUI, d.State), exitConflict}
		}
	}
	return nil
}

// into is what is imported into.
func (o *sheetOptions) into(f *fleet, now time.Time) (devices.Import, error) {
	stamp, _, err := o.change.stamp(f, now)
	if err != nil {
		return devices.Import{}, usageError{err}
	}
	ring, err := keys.Load(f.settings.Keys)
	if err != nil {
		return devices.Import{}, usageError{err}
	}
	im := devices.Import{Register: f.register, Files: f.files, Models: f.models, Stamp: stamp, Skip: o.onError == "skip", Unwrap: ring.UnwrapKey}
	if label, err := ring.Register(); err == nil {
		im.Wrap = func(key lorawan.Key) (string, []byte, error) {
			wrapped, err := ring.WrapKey(label, key)
			return label, wrapped, err
		}
	}
	return im, nil
}

// importedRow is what became of a row, as JSON.
type importedRow struct {
	Row    int             `json:"row"`
	Status devices.Status  `json:"status"`
	DevEUI string          `json:"dev_eui,omitempty"`
	Asset  string          `json:"asset,omitempty"`
	Facts  []register.Fact `json:"facts,omitempty"`
	Text   string          `json:"message,omitempty"`
}

func (o *sheetOptions) tell(sheet *devices.Sheet, plan *devices.Plan, problems []devices.Problem, out, errTo io.Writer) error {
	for _, p := range problems {
		where, kind := sheet.Name+": ", ""
		if o.single {
			where, p.Row = "", 0
		}
		if p.Warning {
			kind = "warning: "
		}
		fmt.Fprintf(errTo, "%s%s%s\n", where, kind, oneLine(p.Error()))
	}
	if err := o.writeResult(sheet, plan); err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	for i := range plan.Outcomes {
		row := newImportedRow(&plan.Outcomes[i])
		switch {
		case o.json:
			if err := enc.Encode(row); err != nil {
				return err
			}
		case (o.dryRun || o.single) && (row.Status == devices.Created || row.Status == devices.Changed):
			where := fmt.Sprintf("row %d: ", row.Row)
			if o.single {
				where = ""
			}
			fmt.Fprintf(out, "%s%s %s %s: %s\n", where, row.Status, row.DevEUI, oneLine(orDash(row.Asset)), oneLine(factsText(row.Facts)))
		}
	}
	return o.sumUp(plan, out)
}

func newImportedRow(w *devices.Outcome) importedRow {
	row := importedRow{Row: w.Row, Status: w.Status, Asset: w.Asset, Facts: w.Facts, Text: w.Text}
	if !w.DevEUI.IsZero() {
		row.DevEUI = w.DevEUI.String()
	}
	return row
}

func (o *sheetOptions) writeResult(sheet *devices.Sheet, plan *devices.Plan) error {
	if o.result == "" {
		return nil
	}
	style := devices.Machine
	if o.resultExcel {
		style = devices.Excel
	}
	var b bytes.Buffer
	if err := plan.Result(&b, sheet, style, false); err != nil {
		return err
	}
	return writePrivate(o.result, b.Bytes())
}

// writePrivate writes a file that only its owner can read, also where one with another mode
// was there.
func writePrivate(name string, text []byte) (err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if err := f.Chmod(0o600); err != nil {
			return err
		}
	}
	_, err = f.Write(text)
	return err
}

func (o *sheetOptions) sumUp(plan *devices.Plan, out io.Writer) error {
	switch failed := plan.Count(devices.Failed); {
	case o.single && failed > 0:
		return usageError{errors.New("nothing was written")}
	case o.single && plan.Count(devices.Unchanged) > 0:
		_, err := fmt.Fprintln(out, "nothing to change")
		return err
	case o.single:
		return nil
	}
	if !o.json {
		would := ""
		if o.dryRun {
			would = "would be "
		}
		if _, err := fmt.Fprintf(out, "%s%d created, %d changed, %d unchanged, %d failed, %d skipped\n", would, plan.Count(devices.Created), plan.Count(devices.Changed),
			plan.Count(devices.Unchanged), plan.Count(devices.Failed), plan.Count(devices.Skipped)); err != nil {
			return err
		}
	}
	switch failed := plan.Count(devices.Failed); {
	case failed == 0:
		return nil
	case o.onError == "skip" && failed < len(plan.Outcomes):
		return exitError{fmt.Errorf("%d of %d rows are wrong and were left out", failed, len(plan.Outcomes)), exitPartial}
	default:
		return usageError{fmt.Errorf("%d of %d rows are wrong, nothing was written; mend them, or leave them out with --on-error skip", failed, len(plan.Outcomes))}
	}
}
