package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"meldefunk/city"
	bridge "meldefunk/gateway-bridge"
	"meldefunk/pipeline"
	"meldefunk/storage/sqlite"
)

func replayCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "replay",
		Short: "Run set-aside messages and refused tickets again",
		Long: `Run the messages that were set aside through the road again, after the cause was
mended: a device added to the inventory, a decoder put right. What succeeds
becomes a reading at its own event time; what fails again stays set aside.
Tickets that the ticket system has refused are tried again at the next start.
The platform must not be running on the same data folder.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return replay(c.Context(), path, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	configFlag(c, &path)
	return c
}

func replay(ctx context.Context, path string, out, logTo io.Writer) (err error) {
	s, err := loadSettings(path)
	if err != nil {
		return err
	}
	log := newLogger(s.Log, logTo)
	f, err := loadFiles(s)
	if err != nil {
		return usageError{err}
	}
	store, err := sqlite.Open(ctx, s.Data, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	asides, err := allAsides(ctx, store)
	if err != nil {
		return err
	}
	if err := again(ctx, s, f, store, asides, log); err != nil {
		return err
	}
	_, left, err := store.Asides(ctx, 0, 0)
	if err != nil {
		return err
	}
	unparked, err := store.Unpark(ctx, time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d set aside, %d replayed, %d still set aside\n%d refused tickets are tried again at the next start\n",
		len(asides), int64(len(asides))-left, left, unparked)
	return err
}

// allAsides reads every set-aside message, oldest first, so that an asset's readings come
// in order.
func allAsides(ctx context.Context, store *sqlite.Store) ([]city.SetAside, error) {
	const page = 1000
	var all []city.SetAside
	for {
		next, _, err := store.Asides(ctx, page, len(all))
		if err != nil {
			return nil, err
		}
		all = append(all, next...)
		if len(next) < page {
			break
		}
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all, nil
}

// again carries messages over the same road as serve does.
func again(ctx context.Context, s settings, f *files, store *sqlite.Store, asides []city.SetAside, log zerolog.Logger) error {
	dialects := map[string]bridge.Dialect{}
	for _, d := range bridge.Dialects() {
		for _, c := range s.NetworkServers {
			if c.Dialect == d.Name() {
				dialects[c.Name] = d
			}
		}
	}
	road := pipeline.New(s.Road, pipeline.Parts{
		Inventory: f, Decoder: f.models, Judge: f, Store: store,
		Follow: func(*city.Commit) {}, Ref: newRef, Now: time.Now,
	}, log, prometheus.NewRegistry())
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- road.Run(running) }()
	err := offerAll(ctx, road, dialects, asides, log)
	stop() // the road finishes what it was offered
	return errors.Join(err, <-ended)
}

func offerAll(ctx context.Context, road *pipeline.Road, dialects map[string]bridge.Dialect, asides []city.SetAside, log zerolog.Logger) error {
	for i := range asides {
		a := &asides[i]
		d, ok := dialects[a.Server]
		if !ok {
			log.Warn().Str("server", a.Server).Str("topic", a.Topic).Msg("no network server of this name is configured; the message stays set aside")
			continue
		}
		if a.Reason == city.ReasonTooLarge {
			continue // only its head was kept
		}
		m := city.Message{Server: a.Server, Topic: a.Topic, Body: a.Body, Received: a.Received}
		event, err := d.Parse(&m)
		if err := road.Offer(ctx, city.Arrival{Message: m, Event: event, Err: err, Acker: nobody{}, Replay: true}); err != nil {
			return err
		}
	}
	return nil
}

// nobody waits for the acknowledgement of a replayed message.
type nobody struct{}

func (nobody) Ack() {}
