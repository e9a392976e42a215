package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"meldefunk/dashboards/access"
)

// passwordFlag adds --password-file. A password is never an argument: everybody on a machine
// can read those of all commands.
func passwordFlag(c *cobra.Command, file *string) {
	c.Flags().StringVar(file, "password-file", "", "`file` whose first line is the password; - is standard input (default: ask)")
	_ = c.MarkFlagFilename("password-file") // fails only for a flag that is not there
}

// askPassword reads a password from a file, or twice from a terminal without echo.
func askPassword(in io.Reader, prompt io.Writer, file string) (string, error) {
	if file != "" {
		if file != "-" {
			f, err := os.Open(file)
			if err != nil {
				return "", fmt.Errorf("--password-file: %w", err)
			}
			defer func() { _ = f.Close() }() // only read
			in = f
		}
		line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("--password-file: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	terminal, is := in.(*os.File)
	if !is || !term.IsTerminal(int(terminal.Fd())) {
		return "", errors.New("there is no terminal to ask for a password: give --password-file, - for standard input")
	}
	ask := func(what string) (string, error) {
		fmt.Fprint(prompt, what)
		b, err := term.ReadPassword(int(terminal.Fd()))
		fmt.Fprintln(prompt)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return string(b), nil
	}
	first, err := ask("Password: ")
	if err == nil {
		err = access.CheckPassword(first)
	}
	if err != nil {
		return "", err
	}
	second, err := ask("Once more: ")
	if err == nil && first != second {
		err = errors.New("the two passwords are not the same: nothing was changed")
	}
	return first, err
}
