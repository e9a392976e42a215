package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"meldefunk/decoders"
	"meldefunk/devices"
	sim "meldefunk/firmware-sim"
	bridge "meldefunk/gateway-bridge"
	"meldefunk/gateway-bridge/broker"
	"meldefunk/rules"
	"meldefunk/storage/sqlite"
)

// demoOptions are the flags of the demo.
type demoOptions struct {
	data   string
	listen string
	speed  float64
	seed   uint64
}

func demoCommand() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show everything working with a simulated city",
		Long: `Show everything working, with nothing else installed: an embedded MQTT broker, a
simulated city of 320 sensors in time-lapse, the whole road, a strict stand-in for
an Open311 ticket server, and the board. Ctrl-C ends it.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.speed < 1 || o.speed > 3600 {
				return usageError{fmt.Errorf("--speed %g is out of range: want 1 to 3600", o.speed)}
			}
			return demo(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&o.data, "data", "", "`folder` that keeps the city between runs (default: a new one, removed at the end)")
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` of the board")
	c.Flags().Float64Var(&o.speed, "speed", 360, "time-lapse `factor`, 1 to 3600")
	c.Flags().Uint64Var(&o.seed, "seed", 1, "`number` that makes the city what it is")
	return c
}

func demo(ctx context.Context, o demoOptions, out, logTo io.Writer) (err error) {
	var undo []func() error
	defer func() {
		for i := len(undo) - 1; i >= 0; i-- {
			err = errors.Join(err, undo[i]())
		}
	}()
	if o.data == "" {
		if o.data, err = os.MkdirTemp("", "meldefunk-demo-"); err != nil {
			return fmt.Errorf("make a folder for the demo: %w", err)
		}
		undo = append(undo, func() error { return os.RemoveAll(o.data) })
	}
	s := defaultSettings()
	s.Data, s.Board.Listen = o.data, o.listen
	s.Log.Level, s.Log.Format = "info", "text"
	log := newLogger(s.Log, logTo)

	store, err := sqlite.Open(ctx, s.Data, log)
	if err != nil {
		return err
	}
	undo = append(undo, store.Close)
	clock, err := demoClock(ctx, store, o.speed)
	if err != nil {
		return err
	}
	town := sim.New(sim.Config{Seed: o.seed, Bins: 180, Trees: 80, Bays: 60, Loss: 0.02, Duplicates: 0.005})
	inventory, err := devices.New(town.Devices(), town.Assets(), decoders.New())
	if err != nil {
		return fmt.Errorf("the simulated city is not as it should be: %w", err)
	}
	mq, err := broker.Start(filepath.Join(o.data, "broker"), broker.Config{Listen: "127.0.0.1:0", Sync: broker.SyncSecond}, log)
	if err != nil {
		return err
	}
	undo = append(undo, func() error { mq.Close(); return nil })
	keyFile, err := demoKey(o.data)
	if err != nil {
		return err
	}
	standIn, err := startStandIn(o.data, keyFile, clock.Now, log)
	if err != nil {
		return err
	}
	undo = append(undo, standIn.stop)

	s.NetworkServers = []bridge.Config{{Name: "demo", Dialect: "chirpstack-v4", Broker: "mqtt://" + mq.Addr()}}
	s.Tickets = standIn.settings(s.Tickets, keyFile)
	f := newFiles(nativeModels(), inventory, rules.Default())
	notice := fmt.Sprintf("Vorführung: simulierte Stadt im Zeitraffer, %g-fach", o.speed)
	a, err := build(s, f, store, clock.Now, notice, log, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Board:          http://%s\nTicket server:  http://%s (stand-in for EMSOS)\nTime-lapse:     %g minutes pass in a minute\nData:           %s\n",
		o.listen, standIn.address, o.speed, o.data)
	return a.run(ctx, part{"simulated city", func(ctx context.Context) error { return play(ctx, town, mq.Addr(), clock) }})
}

// demoClock begins at the present, or after what a former run in the same folder has
// lived through.
func demoClock(ctx context.Context, store *sqlite.Store, factor float64) (*lapse, error) {
	origin := time.Now()
	latest, err := store.Latest(ctx)
	if err != nil {
		return nil, err
	}
	for i := range latest {
		if next := latest[i].Time.At.Add(time.Minute); next.After(origin) {
			origin = next
		}
	}
	return newLapse(origin, factor), nil
}

// play lets the simulated city publish as its network server would.
func play(ctx context.Context, town *sim.City, address string, clock sim.Clock) error {
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("mqtt://" + address).SetClientID("simulated-city"))
	if t := client.Connect(); t.Wait() && t.Error() != nil {
		return fmt.Errorf("connect the simulated city: %w", t.Error())
	}
	defer client.Disconnect(250)
	publish := func(ctx context.Context, topic string, body []byte) error {
		t := client.Publish(topic, 1, false, body)
		select {
		case <-t.Done():
			return t.Error()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return town.Run(ctx, decoders.New(), publish, clock)
}
