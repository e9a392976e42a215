package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is that of the release; the commit comes from the build.
const version = "0.1.0-dev"

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "meldefunk",
		Short:         "LoRaWAN sensors in, readings and tickets out",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (see %s --help)", err, c.CommandPath())}
	})
	root.AddCommand(serveCommand(), demoCommand(), checkCommand(), configCommand(), replayCommand(), asideCommand(), decodeCommand(),
		modelCommand(), keyCommand(), deviceCommand(), codecCommand(), codecWorkerCommand(), simCommand(), ruleCommand(), ticketCommand(),
		dashboardCommand(), userCommand(), tokenCommand(), versionCommand())
	return root
}

// noArgs refuses arguments as a usage error.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no argument, got %q (see --help)", c.CommandPath(), args[0])}
	}
	return nil
}

// atMostOneFile refuses more than one argument as a usage error.
func atMostOneFile(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("%s takes one file, got %q too (see --help)", c.CommandPath(), args[1])}
	}
	return nil
}

// configFlag adds --config with completion of file names.
func configFlag(c *cobra.Command, path *string) {
	c.Flags().StringVarP(path, "config", "c", "meldefunk.yaml", "configuration `file`")
	_ = c.MarkFlagFilename("config", "yaml", "yml") // fails only for a flag that is not there
}

func versionCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return printVersion(c.OutOrStdout(), asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printVersion(w io.Writer, asJSON bool) error {
	v := struct {
		Version string `json:"version"`
		Commit  string `json:"commit,omitempty"`
		Go      string `json:"go"`
	}{Version: version, Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Commit = s.Value
			}
		}
	}
	if asJSON {
		return json.NewEncoder(w).Encode(v)
	}
	_, err := fmt.Fprintf(w, "meldefunk %s %s %s\n", v.Version, v.Commit, v.Go)
	return err
}
