package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"meldefunk/decoders/javascript"
)

const codecWorker = "codec-worker"

// codecWorkerCommand is what the platform starts itself as to run codecs. It is hidden:
// people have no use for it.
func codecWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use: codecWorker + " MEMORY-MIB", Short: "Run JavaScript codecs for the platform", Hidden: true,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			memory, err := strconv.Atoi(args[0])
			if err != nil {
				return usageError{fmt.Errorf("memory %q: want a number of MiB", args[0])}
			}
			return javascript.Worker(os.Stdin, os.Stdout, memory)
		},
	}
}

// codecWorkerProcess is the command line of a worker for javascript.New.
func codecWorkerProcess(cfg javascript.Config) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program for codec workers: %w", err)
	}
	return []string{self, codecWorker, strconv.Itoa(cfg.MemoryMiB)}, nil
}

func codecCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "codec", Short: "Work with JavaScript codecs", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(codecTestCommand(), codecImportCommand())
	return c
}

func codecTestCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "test FILE-OR-FOLDER",
		Short: "Run the examples of JavaScript codecs",
		Long: `Run examples and say which of them pass: codec files of the LoRaWAN Device
Repository (*.yaml with uplinkDecoder), ChirpStack's test_decode_*.json, and
vectors in the form of this program (*.json with model and hex; the model's
mapping lies in the same folder). Mapping files are checked too.

Exit code 0: all pass, 1: some fail, 2: there is nothing to run.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("%s wants one file or folder, got %d arguments (see --help)", c.CommandPath(), len(args))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return testCodecs(c.Context(), c.OutOrStdout(), args[0], asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// codecReport is what codec test found.
type codecReport struct {
	Passed   int            `json:"passed"`
	Failed   int            `json:"failed"`
	Failures []codecFailure `json:"failures"`
}

type codecFailure struct {
	File    string `json:"file"`
	Example string `json:"example"`
	Why     string `json:"why"`
}

func testCodecs(ctx context.Context, w io.Writer, path string, asJSON bool) error {
	examples, err := javascript.LoadExamples(path)
	if err != nil {
		var missing *fs.PathError
		if errors.As(err, &missing) {
			return usageError{fmt.Errorf("%w: want a file or folder that can be read", err)}
		}
		return usageError{err}
	}
	if len(examples) == 0 {
		return usageError{fmt.Errorf("%s: no examples found (see codec test --help)", path)}
	}
	var report codecReport
	if err := withSandbox(ctx, javascript.DefaultConfig(), func(s *javascript.Sandbox) { report = tryExamples(ctx, s, examples) }); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("codec test: stopped: %w", err)
	}
	if err := report.print(w, asJSON); err != nil {
		return err
	}
	if report.Failed > 0 {
		return fmt.Errorf("codec test: %d of %d examples failed", report.Failed, len(examples))
	}
	return nil
}

// withSandbox runs a sandbox for as long as do takes.
func withSandbox(ctx context.Context, cfg javascript.Config, do func(*javascript.Sandbox)) error {
	command, err := codecWorkerProcess(cfg)
	if err != nil {
		return err
	}
	s, err := javascript.New(cfg, command, nil, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var running errgroup.Group
	running.Go(func() error { return s.Run(ctx) })
	do(s)
	stop()
	return running.Wait()
}

func tryExamples(ctx context.Context, s *javascript.Sandbox, examples []javascript.Example) codecReport {
	r := codecReport{Failures: []codecFailure{}}
	for _, x := range examples {
		if err := s.Try(ctx, x); err != nil {
			r.Failed++
			r.Failures = append(r.Failures, codecFailure{File: x.File, Example: x.Name, Why: err.Error()})
			continue
		}
		r.Passed++
	}
	return r
}

func (r *codecReport) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	for _, f := range r.Failures {
		if _, err := fmt.Fprintf(w, "FAIL %s: %s: %s\n", f.File, f.Example, f.Why); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d passed, %d failed\n", r.Passed, r.Failed)
	return err
}
