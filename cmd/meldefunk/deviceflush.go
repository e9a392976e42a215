package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/city/register"
)

func deviceKeyFlushCommand() *cobra.Command {
	var path string
	var o changeOptions
	c := &cobra.Command{
		Use:   "flush DEVICE...",
		Short: "Let devices join that forgot how often they had joined",
		Long: `Have the DevNonces of devices begin anew at the city's join server. A device that lost its
count, by an empty battery or new firmware, is refused as a recording of itself until then.
Whoever has recorded its joins can replay them as well afterwards: if the device can be
given other root keys, device key rotate is the better way.`,
		Args: someDevices, ValidArgsFunction: completeDevices,
		RunE: func(c *cobra.Command, args []string) error {
			return atRegister(c.Context(), path, c.ErrOrStderr(), func(f *fleet, r registrar) error {
				var last register.Change
				err := alter(c.Context(), f, r, func(f *fleet) (_ register.Change, err error) {
					last, err = o.flush(f, args, time.Now())
					return last, err
				})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "nonces of %d devices begin anew\n", len(last.Flushed))
				return err
			})
		},
	}
	configFlag(c, &path)
	byFlag(c, &o.by)
	c.Flags().StringVar(&o.reason, "reason", "", "`why`, for the audit trail")
	return c
}

// flush is the change that has the nonces of devices begin anew.
func (o *changeOptions) flush(f *fleet, names []string, now time.Time) (register.Change, error) {
	stamp, _, err := o.stamp(f, now)
	if err != nil {
		return register.Change{}, usageError{err}
	}
	found, err := f.findAll(names)
	if err != nil {
		return register.Change{}, err
	}
	c := register.Change{Base: f.register.Revision, At: stamp.At, By: stamp.By, Reason: stamp.Reason, From: stamp.From}
	named := map[city.EUI]bool{}
	for _, d := range found {
		switch {
		case d.File:
			return c, exitError{fmt.Errorf("device %s stands in an inventory file: it does not join at the city's join server", d.DevEUI), exitConflict}
		case named[d.DevEUI]:
			continue
		}
		named[d.DevEUI] = true
		c.Flushed = append(c.Flushed, d.DevEUI)
		c.Entries = append(c.Entries, register.Entry{Action: register.Altered, DevEUI: d.DevEUI, Facts: []register.Fact{{Field: "nonces", Was: "used", Is: "anew"}}})
	}
	return c, nil
}
