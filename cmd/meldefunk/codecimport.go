package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"meldefunk/decoders/javascript"
)

type importOptions struct {
	config, into   string
	dryRun, asJSON bool
}

func codecImportCommand() *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import FOLDER",
		Short: "Make the codecs of the LoRaWAN Device Repository available",
		Long: `Take a checkout of the LoRaWAN Device Repository
(https://github.com/TheThingsNetwork/lorawan-devices) and write, for each device
that has a codec, the script and a mapping: which field is which quantity, as far
as names, units and the repository's examples tell. What they do not tell stays
raw and is listed. Mappings are drafts with "reviewed: false": nothing is decoded
with one until a person has checked it and set that to true.

Files that are there already are never written over. Devices that are read
without a codec are left out.

Exit code 0: all imported, 1: some failed, 2: nothing to import, or no place.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("%s wants one folder, got %d arguments (see --help)", c.CommandPath(), len(args))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return importCodecs(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), args[0], o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.into, "into", "", "codec `folder` to write into (default: codecs.folder of the configuration)")
	f.StringVarP(&o.config, "config", "c", "", "configuration `file`, where --into is not given")
	f.BoolVar(&o.dryRun, "dry-run", false, "write nothing, only say what would be written")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	return c
}

func importCodecs(ctx context.Context, w, errs io.Writer, from string, o importOptions) error {
	into := o.into
	if into == "" && o.config != "" {
		s, err := loadSettings(o.config)
		if err != nil {
			return usageError{err}
		}
		if into = s.Codecs.Folder; into == "" {
			return usageError{fmt.Errorf("%s: codecs.folder is not set: set it, or give --into", o.config)}
		}
	}
	if into == "" {
		return usageError{errors.New("into which folder? Give --into or --config (see codec import --help)")}
	}
	im := javascript.Import{From: from, Into: into, DryRun: o.dryRun, Skip: nativeModels().Knows}
	bar := newBar(errs)
	if !o.asJSON {
		im.Step = func(done, of int) { bar.show(float64(done)/float64(of), fmt.Sprintf("%d of %d vendors", done, of)) }
	}
	var report javascript.ImportReport
	var failed error
	err := withSandbox(ctx, javascript.DefaultConfig(), func(s *javascript.Sandbox) { report, failed = s.Import(ctx, im) })
	bar.end()
	if err != nil {
		return err
	}
	var missing *fs.PathError
	if errors.As(failed, &missing) || failed != nil && len(report.Models)+len(report.Failures) == 0 && ctx.Err() == nil {
		return usageError{fmt.Errorf("codec import: %w", failed)}
	}
	if failed != nil {
		return fmt.Errorf("codec import: %w", failed)
	}
	if err := printImport(w, report, o); err != nil {
		return err
	}
	if n := len(report.Failures); n > 0 {
		return fmt.Errorf("codec import: %d failed", n)
	}
	return nil
}

func printImport(w io.Writer, r javascript.ImportReport, o importOptions) error {
	if o.asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	var b strings.Builder
	mapped, kinds := 0, 0
	for _, m := range r.Models {
		kind := m.Kind
		if kind == "" {
			kind = "kind?"
		} else {
			kinds++
		}
		if len(m.Mapped) > 0 {
			mapped++
		}
		fmt.Fprintf(&b, "%s (%s): mapped %s; raw %s\n", m.Model, kind, listed(m.Mapped), listed(m.Raw))
	}
	for _, file := range r.Kept {
		fmt.Fprintf(&b, "KEPT %s: differs from the repository's, not written over\n", file)
	}
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "FAIL %s\n", f)
	}
	verb := "written"
	if o.dryRun {
		verb = "would be written"
	}
	fmt.Fprintf(&b, "%d models, %d with quantities, %d with a kind; %d files %s, %d unchanged, %d kept; %d failed; %d read without a codec, %d without any\n",
		len(r.Models), mapped, kinds, r.Written, verb, r.Unchanged, len(r.Kept), len(r.Failures), len(r.Skipped), r.WithoutCodec)
	if r.Written > 0 {
		b.WriteString("Check each mapping you need against the maker's manual, then set its reviewed to true.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func listed(fields []string) string {
	const most = 8
	switch {
	case len(fields) == 0:
		return "nothing"
	case len(fields) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(fields[:most], ", "), len(fields)-most)
	}
	return strings.Join(fields, ", ")
}
