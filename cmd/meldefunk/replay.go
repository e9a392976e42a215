package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	bridge "meldefunk/gateway-bridge"
)

func replayCommand() *cobra.Command {
	var path string
	var o redoOptions
	c := &cobra.Command{
		Use:   "replay",
		Short: "Run set-aside messages, refused tickets or stored uplinks again",
		Long: `Run the messages that were set aside through the road again, after the cause was
mended: a device added to the inventory, a decoder put right. What succeeds
becomes a reading at its own event time; what fails again stays set aside.
Tickets that the ticket system has refused are tried again at the next start.

With --uplinks (or any flag that chooses some) stored uplinks are decoded again
instead, after a decoder or a calibration was mended, or after somebody has told since
when a device of the register hangs where it does: readings go to the asset of their
time. Those that come out differently take the place of the old ones, also those that a
device sent later from its memory, and the rules see the asset's history anew.
--dry-run shows what would change.

The platform must not be running on the same data folder.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			which, err := o.which()
			if err != nil {
				return usageError{err}
			}
			if which != nil {
				return redo(c.Context(), path, *which, c.OutOrStdout(), c.ErrOrStderr())
			}
			return replay(c.Context(), path, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	configFlag(c, &path)
	o.flags(c)
	return c
}

func replay(ctx context.Context, path string, out, logTo io.Writer) error {
	at, err := openOffline(ctx, path, logTo)
	if err != nil {
		return err
	}
	return at.work(ctx, func(ctx context.Context) error { return at.replay(ctx, out) })
}

func (at *offline) replay(ctx context.Context, out io.Writer) error {
	_, before, err := at.store.Asides(ctx, 0, 0)
	if err != nil {
		return err
	}
	if err := again(ctx, at, city.AsideFilter{}); err != nil {
		return err
	}
	_, left, err := at.store.Asides(ctx, 0, 0)
	if err != nil {
		return err
	}
	unparked, err := at.store.Unpark(ctx, time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d set aside, %d replayed, %d still set aside\n%d refused tickets are tried again at the next start\n",
		before, before-left, left, unparked)
	return err
}

// again carries the chosen messages over the same road as serve does.
func again(ctx context.Context, at *offline, which city.AsideFilter) error {
	dialects := map[string]bridge.Dialect{}
	for _, d := range bridge.Dialects() {
		for _, c := range at.settings.NetworkServers {
			if c.Dialect == d.Name() {
				dialects[c.Name] = d
			}
		}
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- at.road.Run(running) }()
	err := eachAside(ctx, at.store, which, 0, func(a *city.SetAside) error { return offerOne(ctx, at, dialects, a) })
	stop() // the road finishes what it was offered
	return errors.Join(err, <-ended)
}

func offerOne(ctx context.Context, at *offline, dialects map[string]bridge.Dialect, a *city.SetAside) error {
	if a.Reason == city.ReasonTooLarge {
		return nil // only its head was kept
	}
	d, ok := dialects[a.Server]
	if !ok {
		at.log.Warn().Str("server", a.Server).Str("topic", a.Topic).Msg("no network server of this name is configured; the message stays set aside")
		return nil
	}
	m := city.Message{Server: a.Server, Topic: a.Topic, Body: a.Body, Received: a.Received}
	event, err := d.Parse(&m)
	return at.road.Offer(ctx, city.Arrival{Message: m, Event: event, Err: err, Acker: nobody{}, Replay: true})
}

// nobody waits for the acknowledgement of a replayed message.
type nobody struct{}

func (nobody) Ack() {}
