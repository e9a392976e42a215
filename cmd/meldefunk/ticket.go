package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"meldefunk/storage/sqlite"
)

func ticketCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ticket",
		Short: "List tickets, show one with its history, and say what shall be done with them",
		Long: `Everything about tickets. What only reads works beside a running platform. What shall
be done is told to the running platform by the socket control.sock in the data folder,
or noted in its database when it does not run; it is kept in the history of the
ticket with the name of who wanted it.

Exit code 0: done, 1: it could not be done (no such case, nobody answers), 2: the
command line or a configuration file is wrong.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(ticketListCommand(), ticketShowCommand(), ticketPreviewCommand())
	c.AddCommand(ticketWishCommands()...)
	c.AddCommand(ticketMuteCommand(), ticketMutesCommand(), ticketUnmuteCommand(), ticketReconcileCommand())
	return c
}

// withView lends the database of a configuration to do, for reading beside whoever uses it.
func withView(ctx context.Context, path string, do func(settings, *sqlite.View) error) error {
	s, err := loadSettings(path)
	if err != nil {
		return err
	}
	v, err := sqlite.OpenView(ctx, s.Data)
	if err != nil {
		return err
	}
	return errors.Join(do(s, v), v.Close())
}

// byFlag adds --by, who wants something.
func byFlag(c *cobra.Command, by *string) {
	c.Flags().StringVar(by, "by", whoami(), "`name` of who wants it, for the history")
}

// whoami is the name of who runs the command, also behind sudo; "" where nobody knows.
func whoami() string {
	for _, name := range []string{os.Getenv("SUDO_USER"), os.Getenv("USER")} {
		if name != "" {
			return name
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// refOf is the reference that somebody has typed.
func refOf(text string) string { return strings.ToUpper(strings.TrimSpace(text)) }

func noCase(ref string) error {
	return fmt.Errorf("there is no case %.40q: its reference stands in the ticket, like S-7K2MPQ4D, and in meldefunk ticket list", ref)
}

// someRefs wants references.
func someRefs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{fmt.Errorf("%s: which ticket? Give its reference, like S-7K2MPQ4D; meldefunk ticket list shows them", c.CommandPath())}
	}
	return nil
}
