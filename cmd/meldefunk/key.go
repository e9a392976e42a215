package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/devices/keys"
)

func keyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "Wrap session keys for keys.sessions, and check them",
		Long: `Devices whose frames come from gateways as they were on air need their session keys
here (keys.sessions). They lie in CSV files, wrapped with a key encryption key of
keys.keks: wrap makes such a file of one with keys in clear, rewrap changes to another
key encryption key, check makes sure that every key opens.

Exit code 0: done, 1: it could not be done, 2: the command line or a file is wrong.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(keyWrapCommand(), keyRewrapCommand(), keyCheckCommand())
	return c
}

func keyWrapCommand() *cobra.Command {
	var path, label string
	c := &cobra.Command{
		Use:   "wrap [file]",
		Short: "Wrap session keys that are in clear",
		Long: `Read session keys in clear from a file, or from standard input, and write them wrapped
to standard output. The file has a header and a session a line:

  dev_eui;dev_addr;version;nwk_s_key;app_s_key
  a840410001810001;26011bda;1.0.3;<32 hex digits>;<32 hex digits>

For LoRaWAN 1.1 the columns f_nwk_s_int_key and s_nwk_s_int_key take the place of
nwk_s_key. fcnt_up is the newest counter of a device that has sent for long, and
counter_resets is yes for an ABP device that counts anew when its battery is changed.
In place of a file with a header there may be keys alone, one a line.
Afterwards destroy what was in clear.`,
		Args: atMostOneFile,
		RunE: func(c *cobra.Command, args []string) error {
			return rewriteKeys(c, path, args, func(r *keys.Ring, name string, text []byte) ([]byte, int, error) {
				return r.Wrap(label, name, text)
			})
		},
	}
	configFlag(c, &path)
	c.Flags().StringVar(&label, "kek", "", "`label` of the key encryption key (keys.keks)")
	return c
}

func keyRewrapCommand() *cobra.Command {
	var path, from, to string
	c := &cobra.Command{
		Use:   "rewrap [file]",
		Short: "Wrap session keys with another key encryption key",
		Long: `Read a file of keys.sessions, or standard input, unwrap the keys of one key encryption
key, wrap them with another, and write all of it to standard output. Keep the old one
configured for as long as raw uplinks are kept: those are stored with the keys they came
with.`,
		Args: atMostOneFile,
		RunE: func(c *cobra.Command, args []string) error {
			return rewriteKeys(c, path, args, func(r *keys.Ring, name string, text []byte) ([]byte, int, error) {
				return r.Rewrap(from, to, name, text)
			})
		},
	}
	configFlag(c, &path)
	c.Flags().StringVar(&from, "from", "", "`label` of the key encryption key that wraps them now")
	c.Flags().StringVar(&to, "to", "", "`label` of the one that is to")
	return c
}

func keyCheckCommand() *cobra.Command {
	var path, reveal string
	c := &cobra.Command{
		Use:   "check",
		Short: "Make sure that every session key opens, and count them",
		Long: `Open every key of keys.sessions, and say how many sessions there are for each key
encryption key. With --reveal the session keys of one device are shown in clear, on a
terminal only, to be compared with those of the device.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := loadSettings(path)
			if err != nil {
				return err
			}
			r, err := keys.Load(s.Keys)
			if err != nil {
				return usageError{err}
			}
			if reveal != "" {
				return revealKeys(c.OutOrStdout(), r, reveal)
			}
			return countKeys(c.OutOrStdout(), r)
		},
	}
	configFlag(c, &path)
	c.Flags().StringVar(&reveal, "reveal", "", "show the session keys of the device with this `EUI` in clear")
	return c
}

// mostKeyText is the longest file of keys that is read: that of keys.sessions, twice over.
const mostKeyText = 128 << 20

// rewriteKeys has a text of keys changed, and writes nothing if anything is wrong with it.
func rewriteKeys(c *cobra.Command, path string, args []string, change func(r *keys.Ring, name string, text []byte) ([]byte, int, error)) error {
	s, err := loadSettings(path)
	if err != nil {
		return err
	}
	r, err := keys.Load(keys.Config{KEKs: s.Keys.KEKs}) // the sessions may be what is to be mended
	if err != nil {
		return usageError{err}
	}
	name, in := "standard input", c.InOrStdin()
	if len(args) == 1 && args[0] != "-" {
		name = args[0]
		f, err := os.Open(name)
		if err != nil {
			return usageError{err}
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, mostKeyText+1))
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", name, err)
	case len(text) > mostKeyText:
		return usageError{fmt.Errorf("%s has more than %d bytes: split it", name, mostKeyText)}
	}
	out, n, err := change(r, name, text)
	if err != nil {
		return usageError{err}
	}
	if _, err := c.OutOrStdout().Write(out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.ErrOrStderr(), "%d keys wrapped\n", n)
	return err
}

// countKeys tells what there is, without a key.
func countKeys(w io.Writer, r *keys.Ring) error {
	of := map[string]int{}
	devices := map[city.EUI]bool{}
	for _, s := range r.Sessions() {
		of[s.KEK]++
		devices[s.DevEUI] = true
	}
	for _, label := range r.Labels() {
		if _, err := fmt.Fprintf(w, "%s: %d sessions\n", label, of[label]); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d sessions of %d devices: every key opens\n", len(r.Sessions()), len(devices))
	return err
}

// revealKeys shows the keys of one device to a person, and to nothing that would keep them.
func revealKeys(w io.Writer, r *keys.Ring, text string) error {
	devEUI, err := city.ParseEUI(text)
	if err != nil {
		return usageError{fmt.Errorf("--reveal: %w", err)}
	}
	if !isTerminal(w) {
		return usageError{errors.New("--reveal shows keys on a terminal only, not in files or pipes")}
	}
	found, err := r.Reveal(devEUI)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("no session of device %s stands in keys.sessions", devEUI)
	}
	for _, s := range found {
		network := "NwkSKey " + s.FNwkSIntKey.Hex()
		if s.Version == lorawan.V1_1 {
			network = "FNwkSIntKey " + s.FNwkSIntKey.Hex() + "  SNwkSIntKey " + s.SNwkSIntKey.Hex()
		}
		if _, err := fmt.Fprintf(w, "%s  LoRaWAN %s  %s  AppSKey %s\n", s.DevAddr, s.Version, network, s.AppSKey.Hex()); err != nil {
			return err
		}
	}
	return nil
}
