package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/devices/keys"
)

func deviceKeyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "Show, renew and rewrap the root keys of devices, and flush their nonces",
		Long: `The root keys with which devices join lie in the register, wrapped with a key encryption
key (keys.keks, keys.register), and are shown to nobody who does not ask with --reveal.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(deviceKeyShowCommand(), deviceKeyRotateCommand(), deviceKeyRewrapCommand(), deviceKeyFlushCommand())
	return c
}

func deviceKeyShowCommand() *cobra.Command {
	var path string
	var o changeOptions
	var reveal bool
	c := &cobra.Command{
		Use:   "show DEVICE",
		Short: "Show which root keys a device has, and with --reveal their digits",
		Long: `Show which root keys a device has and what wraps them. With --reveal their digits are
shown, to be entered into the device; that stands in the audit trail with your name.`,
		Args: oneArg("a device"), ValidArgsFunction: completeOneDevice,
		RunE: func(c *cobra.Command, args []string) error {
			if !reveal {
				return withFleet(c.Context(), path, func(f *fleet) error {
					d, err := f.find(args[0])
					if err != nil {
						return err
					}
					return describeKeys(c.OutOrStdout(), d)
				})
			}
			return atRegister(c.Context(), path, c.ErrOrStderr(), func(f *fleet, r registrar) error {
				d, err := f.find(args[0])
				if err != nil {
					return err
				}
				return revealRoot(c.Context(), f, r, &o, d, c.OutOrStdout())
			})
		},
	}
	configFlag(c, &path)
	byFlag(c, &o.by)
	c.Flags().StringVar(&o.reason, "reason", "", "`why` keys are revealed, for the audit trail")
	c.Flags().BoolVar(&reveal, "reveal", false, "show the digits")
	return c
}

func describeKeys(w io.Writer, d *fleetDevice) error {
	if d.Keys.None() {
		_, err := fmt.Fprintf(w, "%s: no root keys here\n", d.DevEUI)
		return err
	}
	names := "app_key"
	if len(d.Keys.App) > 0 {
		names = "nwk_key, app_key"
	}
	_, err := fmt.Fprintf(w, "%s: %s, wrapped with %s; --reveal shows the digits\n", d.DevEUI, names, oneLine(d.Keys.KEK))
	return err
}

func revealRoot(ctx context.Context, f *fleet, r registrar, o *changeOptions, d *fleetDevice, w io.Writer) error {
	if d.Keys.None() {
		return exitError{fmt.Errorf("device %s has no root keys here", d.DevEUI), exitNotFound}
	}
	ring, err := keys.Load(f.settings.Keys)
	if err != nil {
		return usageError{err}
	}
	root, err := ring.OpenRoot(d.Keys)
	if err != nil {
		return fmt.Errorf("device %s: %w", d.DevEUI, err)
	}
	if err := tellRevealed(ctx, f, r, o, []register.Device{d.Device}); err != nil {
		return err
	}
	for _, k := range keyFields(root) {
		if _, err := fmt.Fprintf(w, "%s %s=%s\n", d.DevEUI, k.column, k.value); err != nil {
			return err
		}
	}
	return nil
}

func deviceKeyRotateCommand() *cobra.Command {
	var path string
	var o changeOptions
	c := &cobra.Command{
		Use:   "rotate DEVICE...",
		Short: "Give devices new root keys",
		Long: `Make new root keys for devices. Each of them has to be given its own (device key show
--reveal), network servers are told by device sync, and the device joins anew. Until then
it does not: do it with the device at hand.`,
		Args: someDevices, ValidArgsFunction: completeDevices,
		RunE: func(c *cobra.Command, args []string) error {
			return changeKeys(c.Context(), path, &o, args, c.OutOrStdout(), c.ErrOrStderr(), func(r *keys.Ring, s register.Snapshot, all []city.EUI) (register.Change, error) {
				var sum register.Change
				for _, devEUI := range all {
					one, err := r.Renew(s, devEUI)
					if err != nil {
						return one, err
					}
					sum.Base, sum.Devices, sum.Entries = one.Base, append(sum.Devices, one.Devices...), append(sum.Entries, one.Entries...)
					sum.Flushed = append(sum.Flushed, one.Flushed...)
				}
				return sum, nil
			})
		},
	}
	configFlag(c, &path)
	byFlag(c, &o.by)
	c.Flags().StringVar(&o.reason, "reason", "", "`why`, for the audit trail")
	return c
}

func deviceKeyRewrapCommand() *cobra.Command {
	var path, from, to string
	var o changeOptions
	var sessions bool
	c := &cobra.Command{
		Use:   "rewrap",
		Short: "Wrap all root keys with another key encryption key",
		Long: `Wrap root keys with another key encryption key: those of --from, or all that are not
wrapped with --to. The keys stay the same; neither devices nor network servers notice.
Afterwards keys.register has to name the new one, and the old one can be destroyed once
no session key and no stored uplink needs it (meldefunk key check).

With --sessions it is done to the session keys that the join server keeps for an
application server (join_server.application_server), and root keys stay as they are.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if to == "" {
				return usageError{errors.New("--to: with which key encryption key?")}
			}
			if sessions {
				return atRegister(c.Context(), path, c.ErrOrStderr(), func(f *fleet, r registrar) error {
					return rewrapSessions(c.Context(), f, r, from, to, c.OutOrStdout())
				})
			}
			return changeKeys(c.Context(), path, &o, nil, c.OutOrStdout(), c.ErrOrStderr(), func(r *keys.Ring, s register.Snapshot, _ []city.EUI) (register.Change, error) {
				return r.Rotate(s, from, to)
			})
		},
	}
	configFlag(c, &path)
	byFlag(c, &o.by)
	f := c.Flags()
	f.StringVar(&from, "from", "", "`label` of the key encryption key that wraps them now (default: any)")
	f.StringVar(&to, "to", "", "`label` of the one that is to")
	f.BoolVar(&sessions, "sessions", false, "the join server's session keys in place of root keys")
	f.StringVar(&o.reason, "reason", "", "`why`, for the audit trail")
	return c
}

// changeKeys keeps a change of root keys.
func changeKeys(ctx context.Context, path string, o *changeOptions, names []string, out, logTo io.Writer, change func(*keys.Ring, register.Snapshot, []city.EUI) (register.Change, error)) error {
	return atRegister(ctx, path, logTo, func(f *fleet, r registrar) error {
		stamp, _, err := o.stamp(f, time.Now())
		if err != nil {
			return usageError{err}
		}
		ring, err := keys.Load(f.settings.Keys)
		if err != nil {
			return usageError{err}
		}
		found, err := f.findAll(names)
		if err != nil {
			return err
		}
		var all []city.EUI
		for _, d := range found {
			all = append(all, d.DevEUI)
		}
		n := 0
		err = alter(ctx, f, r, func(f *fleet) (register.Change, error) {
			c, err := change(ring, f.register, all)
			c.At, c.By, c.Reason, c.From = stamp.At, stamp.By, stamp.Reason, stamp.From
			for i := range c.Entries {
				e := &c.Entries[i]
				e.At, e.By, e.Reason, e.From = c.At, c.By, c.Reason, c.From
			}
			n = len(c.Devices)
			return c, err
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "keys of %d devices changed\n", n)
		return err
	})
}
