package main

import (
	_ "embed" // sample.yaml

	"github.com/spf13/cobra"
)

// sample is a commented configuration that parses back.
//
//go:embed sample.yaml
var sample []byte

func configCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print a commented sample configuration",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(sample)
			return err
		},
	}
}
