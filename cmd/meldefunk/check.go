package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/city/register"
)

func checkCommand() *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration without starting anything",
		Long: `Check a configuration by building everything that serve builds, without
connecting to anything; of the data folder the register is read, and whether its
root keys open. Prints every problem with file and line. Exit code 0: fine, 2: something is wrong.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			err := checkAll(c.Context(), path)
			if asJSON {
				problems := []string{}
				for _, e := range flatten(err) {
					problems = append(problems, e.Error())
				}
				if encodeErr := json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{"ok": err == nil, "problems": problems}); encodeErr != nil {
					return encodeErr
				}
			}
			if err != nil {
				return usageError{fmt.Errorf("%d problems:\n%w", len(flatten(err)), err)}
			}
			if !asJSON {
				fmt.Fprintf(c.OutOrStdout(), "%s: fine\n", path)
			}
			return nil
		},
	}
	configFlag(c, &path)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// checkAll gives every problem of the configuration and the files it names.
func checkAll(ctx context.Context, path string) error {
	s, err := loadSettings(path)
	if err != nil {
		var usage usageError
		errors.As(err, &usage)
		return usage.error
	}
	kept, err := keptRegister(ctx, s)
	if err != nil {
		return err
	}
	f, err := loadFiles(ctx, s, snapshot(kept), nil)
	if err != nil {
		return err
	}
	_, err = build(s, f, nil, time.Now, "", zerolog.Nop(), prometheus.NewRegistry())
	_, closeTargets, targetsErr := s.targets()
	closeTargets()
	err = errors.Join(err, targetsErr)
	if s.opensRoots() {
		err = errors.Join(err, rootsOpen(f, kept.Devices))
	}
	return err
}

// opensRoots tells whether anything needs root keys in clear.
func (s *settings) opensRoots() bool {
	return s.JoinServer.wanted() || slices.ContainsFunc(s.NetworkServers, func(n networkServer) bool { return n.Provisioning != nil })
}

// rootsOpen tells which root keys of the register do not open, once for each label: such a
// device cannot join at the city's join server, and no network server can be told of it.
func rootsOpen(f *files, all []register.Device) error {
	type trouble struct {
		first city.EUI
		err   error
		n     int
	}
	closed := map[string]*trouble{}
	for i := range all {
		d := &all[i]
		if _, err := f.OpenRoot(d.Keys); err == nil {
			continue
		} else if t := closed[d.Keys.KEK]; t == nil {
			closed[d.Keys.KEK] = &trouble{d.DevEUI, err, 1}
		} else {
			t.n++
		}
	}
	var errs []error
	for _, label := range slices.Sorted(maps.Keys(closed)) {
		t := closed[label]
		errs = append(errs, fmt.Errorf("register: root keys of %d devices do not open, the first those of %s: %w", t.n, t.first, t.err))
	}
	return errors.Join(errs...)
}
