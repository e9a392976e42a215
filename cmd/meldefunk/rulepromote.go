package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"meldefunk/rules"
)

func rulePromoteCommand() *cobra.Command {
	var path, file, instead string
	c := &cobra.Command{
		Use:   "promote RULE",
		Short: "Take a rule out of shadow, so that it opens cases",
		Long: `Take a rule out of shadow in the rule file of the configuration. Only the one word
changes; comments and everything else stay. A file that would not be fine after that
is left as it is. With --instead-of the old rule goes into shadow at the same time.
The running platform takes the file in at the next reload.`,
		Args:              oneArg("the id of a rule"),
		ValidArgsFunction: completeRules,
		RunE: func(c *cobra.Command, args []string) error {
			if file == "" {
				s, err := loadSettings(path)
				if err != nil {
					return err
				}
				if file = s.Rules; file == "" {
					return usageError{errors.New("the configuration names no rule file: the shipped rules have none in shadow")}
				}
			}
			data, info, err := readRules(file)
			if err != nil {
				return usageError{err}
			}
			text, err := rules.Promote(file, data, args[0], instead)
			if err != nil {
				return usageError{err}
			}
			if err := replaceFile(file, text, info.Mode().Perm()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s counts after the next reload: systemctl reload meldefunk (SIGHUP)\n", file, args[0])
			return err
		},
	}
	configFlag(c, &path)
	c.Flags().StringVar(&file, "file", "", "rule `file` (default: that of the configuration)")
	_ = c.MarkFlagFilename("file", "yaml", "yml") // fails only for a flag that is not there
	c.Flags().StringVar(&instead, "instead-of", "", "put this `rule` into shadow")
	_ = c.RegisterFlagCompletionFunc("instead-of", completeRules) // likewise
	return c
}

func readRules(file string) ([]byte, fs.FileInfo, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(file)
	return data, info, err
}

// replaceFile writes a file anew, whole or not at all.
func replaceFile(name string, data []byte, mode fs.FileMode) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write rules: %w", err), os.Remove(f.Name()))
	}
	return nil
}
