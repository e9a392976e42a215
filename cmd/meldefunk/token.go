package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city/visitor"
	"meldefunk/dashboards/access"
)

// tokenUseFile is where the platform keeps in its data folder when tokens were used.
const tokenUseFile = "token-use.json"

func tokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Keep the tokens of programs that ask the board",
		Long: `Keep the file access.tokens_file. A program sends its token with each request
(Authorization: Bearer) and may do what its scopes say. Only a hash is kept: the token is
shown once, when it is made. A running platform takes changes up at SIGHUP
(systemctl reload meldefunk).

Scopes: read:readings, read:tickets, read:rules, read:devices, read:platform,
read:sensorthings, write:tours, write:tickets, write:devices, write:rules, admin
(docs/access.md).

Exit code 0: done, 1: it could not be done, 2: the command line or a file is wrong.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(tokenAddCommand(), tokenListCommand(), tokenRemoveCommand())
	return c
}

// openTokens opens the file of tokens that the configuration names.
func openTokens(path string) (settings, *access.Tokens, error) {
	s, err := loadSettings(path)
	if err != nil {
		return s, nil, err
	}
	if s.Access.TokensFile == "" {
		return s, nil, usageError{fmt.Errorf("%s: access.tokens_file is missing: name the file that tokens shall be in", path)}
	}
	ts, err := access.OpenTokens(s.Access.TokensFile)
	if err != nil {
		return s, nil, usageError{err}
	}
	return s, ts, nil
}

func tokenAddCommand() *cobra.Command {
	var path, scopes, until string
	c := &cobra.Command{
		Use:   "add name",
		Short: "Make a token and show it, once",
		Long: `Make a token for a program and show it, once, on standard output. The name stands in the
history of what the program does.`,
		Args: oneName,
		RunE: func(c *cobra.Command, args []string) error {
			s, ts, err := openTokens(path)
			if err != nil {
				return err
			}
			ps, err := visitor.ParsePermissions(scopes)
			if err != nil {
				return usageError{fmt.Errorf("--scopes: %w", err)}
			}
			now := time.Now()
			var expires time.Time
			if until != "never" {
				if expires, err = untilOf(until, s, now); err != nil {
					return usageError{err}
				}
			}
			text, t, err := ts.Add(args[0], ps, now, expires)
			if err != nil {
				return usageError{err}
			}
			if err := ts.Save(); err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "token %s of %s, until %s; it is not shown again; %s\n", t.ID, t.Name, orNever(t.Expires), takenUp)
			_, err = fmt.Fprintln(c.OutOrStdout(), text)
			return err
		},
	}
	configFlag(c, &path)
	c.Flags().StringVar(&scopes, "scopes", "", "what the program may do, `list` with commas; needed")
	c.Flags().StringVar(&until, "until", "360d", "`end`: a length like 90d, a date like 24.12.2026, or never")
	return c
}

func orNever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.RFC3339)
}

func tokenRemoveCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "remove id",
		Short: "Take a token out",
		Args:  oneName,
		RunE: func(c *cobra.Command, args []string) error {
			_, ts, err := openTokens(path)
			if err != nil {
				return err
			}
			if !ts.Remove(args[0]) {
				return usageError{fmt.Errorf("there is no token %q: meldefunk token list shows them", args[0])}
			}
			if err := ts.Save(); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: removed; %s\n", args[0], takenUp)
			return err
		},
	}
	configFlag(c, &path)
	return c
}

func tokenListCommand() *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the tokens, and when each was used last",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, ts, err := openTokens(path)
			if err != nil {
				return err
			}
			last, err := access.ReadUses(filepath.Join(s.Data, tokenUseFile))
			if err != nil {
				return err
			}
			return printTokens(c.OutOrStdout(), ts.All(), last, asJSON)
		},
	}
	configFlag(c, &path)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printTokens(w io.Writer, tokens []access.Token, last map[string]time.Time, asJSON bool) error {
	if asJSON {
		type row struct {
			ID      string              `json:"id"`
			Name    string              `json:"name"`
			Scopes  visitor.Permissions `json:"scopes"`
			Made    time.Time           `json:"made"`
			Expires time.Time           `json:"expires,omitzero"`
			Used    time.Time           `json:"used,omitzero"`
		}
		all := []row{}
		for _, t := range tokens {
			all = append(all, row{t.ID, t.Name, t.Scopes, t.Made, t.Expires, last[t.ID]})
		}
		return json.NewEncoder(w).Encode(all)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tMADE\tEXPIRES\tUSED\tNAME\tSCOPES")
	for _, t := range tokens {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Made.Format(time.DateOnly), orNever(t.Expires), orNever(last[t.ID]), t.Name, t.Scopes)
	}
	return table.Flush()
}
