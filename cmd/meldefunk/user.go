package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"meldefunk/city/visitor"
	"meldefunk/dashboards/access"
)

func userCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "user",
		Short: "Keep the people who may log in at the board",
		Long: `Keep the file access.users_file: a name, a role and the Argon2id hash of a password a
line. A running platform takes changes up at SIGHUP (systemctl reload meldefunk); who is
removed, or has another password, is out at once then.

Roles: viewer, crew, dispatcher, technician, admin (docs/access.md).

Exit code 0: done, 1: it could not be done, 2: the command line or a file is wrong.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(userAddCommand(), userListCommand(), userPasswdCommand(), userRoleCommand(), userRemoveCommand())
	return c
}

// oneName wants a name as the only argument.
func oneName(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("%s takes one name, got %d arguments; put quotes around a name with blanks", c.CommandPath(), len(args))}
	}
	return nil
}

// takenUp is what people have to do after a change.
const takenUp = "a running platform takes it up at SIGHUP (systemctl reload meldefunk)"

// openUsers opens the file of users that the configuration names.
func openUsers(path string) (*access.Users, error) {
	s, err := loadSettings(path)
	if err != nil {
		return nil, err
	}
	if s.Access.UsersFile == "" {
		return nil, usageError{fmt.Errorf("%s: access.users_file is missing: name the file that people with passwords shall be in", path)}
	}
	us, err := access.OpenUsers(s.Access.UsersFile)
	if err != nil {
		return nil, usageError{err}
	}
	return us, nil
}

func userAddCommand() *cobra.Command {
	var path, role, file string
	c := &cobra.Command{
		Use:   "add name",
		Short: "Add a user",
		Long: `Add a user. The password is asked for twice without echo, or is the first line of
--password-file; - is standard input. It has at least 12 characters.`,
		Args: oneName,
		RunE: func(c *cobra.Command, args []string) error {
			us, err := openUsers(path)
			if err != nil {
				return err
			}
			r, err := visitor.ParseRole(role)
			if err != nil {
				return usageError{fmt.Errorf("--role: %w", err)}
			}
			if _, known := us.Get(args[0]); known {
				return usageError{fmt.Errorf("there is a user %q already: meldefunk user passwd or role changes one", args[0])}
			}
			return putUser(c, us, args[0], r, file)
		},
	}
	configFlag(c, &path)
	passwordFlag(c, &file)
	c.Flags().StringVar(&role, "role", "", "`role`: viewer, crew, dispatcher, technician or admin; needed")
	return c
}

func userPasswdCommand() *cobra.Command {
	var path, file string
	c := &cobra.Command{
		Use:   "passwd name",
		Short: "Give a user another password",
		Args:  oneName,
		RunE: func(c *cobra.Command, args []string) error {
			us, u, err := openUser(path, args[0])
			if err != nil {
				return err
			}
			return putUser(c, us, u.Name, u.Role, file)
		},
	}
	configFlag(c, &path)
	passwordFlag(c, &file)
	return c
}

func userRoleCommand() *cobra.Command {
	var path, role string
	c := &cobra.Command{
		Use:   "role name",
		Short: "Give a user another role",
		Args:  oneName,
		RunE: func(c *cobra.Command, args []string) error {
			us, u, err := openUser(path, args[0])
			if err != nil {
				return err
			}
			r, err := visitor.ParseRole(role)
			if err != nil {
				return usageError{fmt.Errorf("--role: %w", err)}
			}
			if err := errors.Join(us.Put(u.Name, r, ""), us.Save()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s; %s\n", u.Name, r, takenUp)
			return err
		},
	}
	configFlag(c, &path)
	c.Flags().StringVar(&role, "role", "", "`role`: viewer, crew, dispatcher, technician or admin; needed")
	return c
}

// openUser opens the file of users and finds one.
func openUser(path, name string) (*access.Users, access.User, error) {
	us, err := openUsers(path)
	if err != nil {
		return nil, access.User{}, err
	}
	u, known := us.Get(name)
	if !known {
		return nil, u, usageError{fmt.Errorf("there is no user %q: meldefunk user list shows them", name)}
	}
	return us, u, nil
}

// putUser asks for a password and writes a user.
func putUser(c *cobra.Command, us *access.Users, name string, role visitor.Role, file string) error {
	password, err := askPassword(c.InOrStdin(), c.ErrOrStderr(), file)
	if err != nil {
		return usageError{err}
	}
	hash, err := access.HashPassword(password)
	if err != nil {
		return usageError{err}
	}
	if err := us.Put(name, role, hash); err != nil {
		return usageError{err}
	}
	if err := us.Save(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s; %s\n", name, role, takenUp)
	return err
}

func userRemoveCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "remove name",
		Short: "Take a user out",
		Args:  oneName,
		RunE: func(c *cobra.Command, args []string) error {
			us, u, err := openUser(path, args[0])
			if err != nil {
				return err
			}
			us.Remove(u.Name)
			if err := us.Save(); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: removed; %s\n", u.Name, takenUp)
			return err
		},
	}
	configFlag(c, &path)
	return c
}

func userListCommand() *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the users",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			us, err := openUsers(path)
			if err != nil {
				return err
			}
			return printUsers(c.OutOrStdout(), us.All(), asJSON)
		},
	}
	configFlag(c, &path)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printUsers(w io.Writer, users []access.User, asJSON bool) error {
	if asJSON {
		type row struct {
			Name string       `json:"name"`
			Role visitor.Role `json:"role"`
		}
		all := []row{}
		for _, u := range users {
			all = append(all, row{u.Name, u.Role})
		}
		return json.NewEncoder(w).Encode(all)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ROLE\tNAME")
	for _, u := range users {
		fmt.Fprintf(table, "%s\t%s\n", u.Role, u.Name)
	}
	return table.Flush()
}
