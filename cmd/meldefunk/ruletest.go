package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"meldefunk/rules"
)

func ruleTestCommand() *cobra.Command {
	var path string
	var asJSON, verbose bool
	c := &cobra.Command{
		Use:   "test FILE_test.yaml...",
		Short: "Run tests of rules: readings in, cases expected",
		Long: `Run test files: stories of readings, and which cases should be open at what time.
docs/rules.md describes the format. The file names its rules, beside itself, or
"default" for the shipped ones; without that those of the configuration count.

Exit code 0: all pass, 1: some fail, 2: a file is wrong.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("%s: which file? (see --help)", c.CommandPath())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return testRules(c.OutOrStdout(), path, args, asJSON, verbose)
		},
	}
	configFlag(c, &path)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "name also the tests that pass")
	return c
}

// testReport is what rule test found.
type testReport struct {
	Passed int                 `json:"passed"`
	Failed int                 `json:"failed"`
	Tests  []rules.TrialResult `json:"tests"`
}

func testRules(out io.Writer, path string, names []string, asJSON, verbose bool) error {
	report := testReport{Tests: []rules.TrialResult{}}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return usageError{err}
		}
		trials, err := rules.LoadTrials(name, data, func(file string) (*rules.Set, error) {
			if file != "" && file != shippedRules && !filepath.IsAbs(file) {
				file = filepath.Join(filepath.Dir(name), file)
			}
			if file != "" {
				set, _, err := loadRules(settings{}, file)
				return set, err
			}
			s, err := loadSettings(path)
			if err != nil {
				return nil, fmt.Errorf("the test names no rules, and there is no configuration to take them from: %w", err)
			}
			set, _, err := loadRules(s, "")
			return set, err
		})
		if err != nil {
			return usageError{err}
		}
		results, err := trials.Run()
		if err != nil {
			return err
		}
		report.Tests = append(report.Tests, results...)
	}
	for _, t := range report.Tests {
		if len(t.Failures) > 0 {
			report.Failed++
		} else {
			report.Passed++
		}
	}
	if err := report.print(out, asJSON, verbose); err != nil {
		return err
	}
	if report.Failed > 0 {
		return fmt.Errorf("%d of %d tests fail", report.Failed, report.Failed+report.Passed)
	}
	return nil
}

func (r *testReport) print(out io.Writer, asJSON, verbose bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	for _, t := range r.Tests {
		switch {
		case len(t.Failures) > 0:
			fmt.Fprintf(out, "FAIL  %s:%d: %s\n", t.File, t.Line, t.Name)
		case verbose:
			fmt.Fprintf(out, "ok    %s:%d: %s\n", t.File, t.Line, t.Name)
		}
		for i := range t.Failures {
			fmt.Fprintf(out, "    %s:%d: %s\n", t.File, t.Failures[i].Line, t.Failures[i].String())
		}
	}
	_, err := fmt.Fprintf(out, "%d tests pass, %d fail\n", r.Passed, r.Failed)
	return err
}
