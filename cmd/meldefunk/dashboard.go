package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"meldefunk/dashboards/grafana"
)

func dashboardCommand() *cobra.Command {
	c := &cobra.Command{Use: "dashboard", Short: "Boards for Grafana", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(dashboardExportCommand(), dashboardPushCommand())
	return c
}

// dashboardOptions are the flags of both commands.
type dashboardOptions struct {
	config, language string
	dryRun, diff     bool
	asJSON           bool
}

func (o *dashboardOptions) flags(c *cobra.Command) {
	configFlag(c, &o.config)
	c.Flags().StringVar(&o.language, "language", "", "what InfluxDB is asked in, `flux or influxql` (default: grafana.language of the configuration)")
}

// load gives the section grafana and the bucket of a configuration.
func (o *dashboardOptions) load() (grafana.Config, grafana.Bucket, error) {
	s, err := loadSettings(o.config)
	if err != nil {
		return grafana.Config{}, grafana.Bucket{}, err
	}
	if o.language != "" {
		s.Grafana.Language = grafana.Language(o.language)
		if err := s.Grafana.Validate(); err != nil {
			return s.Grafana, grafana.Bucket{}, usageError{fmt.Errorf("--language: %w", err)}
		}
	}
	return s.Grafana, grafana.Bucket{URL: s.InfluxDB.URL, Org: s.InfluxDB.Org, Name: s.InfluxDB.Bucket}, nil
}

func dashboardExportCommand() *cobra.Command {
	var o dashboardOptions
	c := &cobra.Command{
		Use:   "export FOLDER",
		Short: "Write boards, datasources and alerts as files that Grafana reads at its start",
		Long: `Write what Grafana reads at its start: the boards below FOLDER/dashboards, and below
FOLDER/provisioning the datasources, where the boards lie, and alerts. Copy them to
grafana.path and to Grafana's provisioning folder. No secret is written: Grafana takes
InfluxDB's token from its environment variable ` + grafana.TokenVariable + `.

Files of an earlier export are written over; others never are.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("%s wants one folder, got %d arguments (see --help)", c.CommandPath(), len(args))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			cfg, bucket, err := o.load()
			if err != nil {
				return err
			}
			files, err := grafana.Files(cfg, bucket)
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", o.config, err)}
			}
			return exportFiles(c.OutOrStdout(), args[0], files)
		},
	}
	o.flags(c)
	return c
}

// exportFiles writes files below a folder: all, or none if one of them is not ours to write
// over.
func exportFiles(w io.Writer, folder string, files []grafana.File) error {
	var foreign []error
	for _, f := range files {
		there, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(f.Name)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			foreign = append(foreign, err)
		case !grafana.Ours(grafana.File{Name: f.Name, Data: there}):
			foreign = append(foreign, fmt.Errorf("%s is there and was not written by an export: move it away, or export into another folder", filepath.Join(folder, f.Name)))
		}
	}
	if err := errors.Join(foreign...); err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	for _, f := range files {
		path := filepath.Join(folder, filepath.FromSlash(f.Name))
		if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, f.Data) {
			fmt.Fprintf(w, "unchanged %s\n", path)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		// Grafana watches the boards: a file is there whole or not at all.
		if err := os.WriteFile(path+".new", f.Data, 0o644); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
		fmt.Fprintf(w, "written   %s\n", path)
	}
	return nil
}

func dashboardPushCommand() *cobra.Command {
	var o dashboardOptions
	c := &cobra.Command{
		Use:   "push",
		Short: "Give the boards to a Grafana over HTTP",
		Long: `Give the boards to the Grafana at grafana.url, with the token of a service account with
the role Editor (grafana.token_file or grafana.token_env). They come into the folder
with the uid meldefunk, which is made if it is missing.

A board that is there already is written over only if it is one of ours, and only where
it differs; what somebody else has under its uid stays. Datasources are not made: it
says which are missing, and export writes them as a file.

Exit code 0: Grafana has all boards (with --dry-run: could have), 1: it has not.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, bucket, err := o.load()
			if err != nil {
				return err
			}
			if cfg.URL == "" || cfg.TokenFile+cfg.TokenEnv == "" {
				return usageError{fmt.Errorf("%s: grafana: url and token_file or token_env are needed to push; export writes files without them", o.config)}
			}
			boards, err := grafana.Boards(cfg, bucket)
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", o.config, err)}
			}
			return pushBoards(c.Context(), c.OutOrStdout(), cfg, boards, o)
		},
	}
	o.flags(c)
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "write nothing, only say what would be written")
	c.Flags().BoolVar(&o.diff, "diff", false, "as --dry-run, and show what differs")
	c.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return c
}

func pushBoards(ctx context.Context, w io.Writer, cfg grafana.Config, boards []*grafana.Board, o dashboardOptions) error {
	report, failed := grafana.Push(ctx, cfg, boards, o.dryRun || o.diff)
	if failed != nil {
		failed = fmt.Errorf("dashboard push: %w", failed)
	}
	if !o.diff {
		for i := range report.Boards {
			report.Boards[i].Diff = nil
		}
	}
	if o.asJSON {
		return errors.Join(failed, json.NewEncoder(w).Encode(report))
	}
	var b strings.Builder
	if report.Folder != "" {
		fmt.Fprintf(&b, "%-9s folder %s\n", report.Folder, cfg.Folder)
	}
	for _, r := range report.Boards {
		fmt.Fprintf(&b, "%-9s %s (%s)\n", r.Outcome, r.Title, r.UID)
		for _, line := range r.Diff {
			fmt.Fprintf(&b, "          %s\n", line)
		}
	}
	for _, uid := range report.Missing {
		fmt.Fprintf(&b, "Grafana has no datasource with uid %s: its panels stay empty until it has. meldefunk dashboard export writes it as a file.\n", uid)
	}
	_, err := io.WriteString(w, b.String())
	return errors.Join(failed, err)
}
