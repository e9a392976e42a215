package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"meldefunk/rules"
)

func ruleListCommand() *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "list [FILE]",
		Short: "List rules",
		Long: `List the rules of a file, or those of the configuration, with the conditions that open
a case at each level. "default" names the shipped rules.`,
		Args: atMostOneFile,
		RunE: func(c *cobra.Command, args []string) error {
			set, _, err := rulesFor(path, args)
			if err != nil {
				return err
			}
			return listRules(c.OutOrStdout(), set, asJSON)
		},
	}
	configFlag(c, &path)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// rulesFor gives the rules of a file named on the command line, or those of the configuration.
func rulesFor(path string, args []string) (*rules.Set, string, error) {
	if len(args) > 0 {
		return loadRules(settings{}, args[0])
	}
	s, err := loadSettings(path)
	if err != nil {
		return nil, "", err
	}
	return loadRules(s, "")
}

// listedRule is a rule as list prints it.
type listedRule struct {
	ID      string   `json:"id"`
	Version string   `json:"version"`
	Kinds   []string `json:"kinds"` // empty: any
	Service string   `json:"service"`
	Shadow  bool     `json:"shadow"`
	Over    string   `json:"over,omitempty"`
	GroupBy string   `json:"group_by,omitempty"`
	Opens   []string `json:"opens"` // by level, the mildest first
	Title   string   `json:"title"`
}

func listRules(out io.Writer, set *rules.Set, asJSON bool) error {
	list := []listedRule{}
	for _, r := range set.Rules() {
		one := listedRule{ID: r.ID, Version: r.Version(), Kinds: []string{}, Service: r.Service, Shadow: r.Shadow,
			Over: r.Over.String(), GroupBy: r.GroupBy.String(), Title: r.Title}
		for _, k := range r.Kinds {
			one.Kinds = append(one.Kinds, k.String())
		}
		for i := range r.Levels {
			one.Opens = append(one.Opens, r.Levels[i].Open.String())
		}
		list = append(list, one)
	}
	if asJSON {
		return json.NewEncoder(out).Encode(list)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tKIND\tSERVICE\tOPENS AT")
	for _, r := range list {
		kinds := strings.Join(r.Kinds, ",")
		if len(r.Kinds) == 0 {
			kinds = "any"
		}
		opens := strings.Join(r.Opens, "; ")
		if r.Shadow {
			opens += " (shadow)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.ID, kinds, r.Service, opens)
	}
	return t.Flush()
}
