package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"meldefunk/dashboards/board"
	"meldefunk/decoders"
	"meldefunk/devices"
	sim "meldefunk/firmware-sim"
	bridge "meldefunk/gateway-bridge"
	"meldefunk/rules"
	"meldefunk/storage/sqlite"
)

// demoOptions are the flags of the demo.
type demoOptions struct {
	data   string
	listen string
	speed  float64
	seed   uint64
	from   string
}

func demoCommand() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show everything working with a simulated city",
		Long: `Show everything working, with nothing else installed: a simulated city of 320
sensors in time-lapse that publishes over MQTT, the whole road, a strict stand-in for
an Open311 ticket server, and the board. Ctrl-C ends it.

Five minutes tell of eight days in June: bins fill and are emptied, a dry week makes
trees thirsty until a thunderstorm comes, a gateway is down for a night, a sensor's
battery ends, another is blind.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.speed < 1 || o.speed > 20000 {
				return usageError{fmt.Errorf("--speed %g is out of range: want 1 to 20000", o.speed)}
			}
			return demo(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&o.data, "data", "", "`folder` that keeps the city between runs (default: a new one, removed at the end)")
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` of the board")
	c.Flags().Float64Var(&o.speed, "speed", 2400, "time-lapse `factor`, 1 to 20000")
	c.Flags().StringVar(&o.from, "from", "", "begin at this `time`, like 2026-06-01T04:00:00Z (default: a morning in June)")
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
	s.Data, s.Board.Listen, s.Board.Map.Districts = o.data, o.listen, board.SampleDistricts
	s.OpenData.Sets, s.OpenData.Address = []string{"bins", "trees", "parking"}, "http://"+o.listen
	s.OpenData.SensorThings = forEverybody
	s.OpenData.Publisher, s.OpenData.Contact = "Vorführung: simulierte Stadt", "opendata@example.org"
	s.Road.Tick = time.Duration(float64(demoTick) * o.speed)
	s.Log.Level, s.Log.Format = "info", "text"
	log := newLogger(s.Log, logTo)

	store, err := sqlite.Open(ctx, s.Data, log)
	if err != nil {
		return err
	}
	undo = append(undo, store.Close)
	clock, err := demoClock(ctx, store, o)
	if err != nil {
		return err
	}
	town := sim.New(demoCity(o.seed))
	inventory, err := devices.New(town.Devices(), town.Assets(), decoders.New())
	if err != nil {
		return fmt.Errorf("the simulated city is not as it should be: %w", err)
	}
	keyFile, err := demoSecret(o.data, "open311.key")
	if err != nil {
		return err
	}
	passwordFile, err := demoSecret(o.data, "mqtt.password")
	if err != nil {
		return err
	}
	password, err := os.ReadFile(passwordFile)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the simulated city: %w", err)
	}
	undo = append(undo, func() error { _ = ln.Close(); return nil }) // unless it was served and closed
	standIn, err := startStandIn(o.data, keyFile, clock.Now, log)
	if err != nil {
		return err
	}
	undo = append(undo, standIn.stop)

	s.NetworkServers = []networkServer{{Config: bridge.Config{Name: "demo", Dialect: "chirpstack-v4", Listen: &bridge.ListenConfig{Username: "demo", PasswordFile: passwordFile}}}}
	s.Tickets = standIn.settings(s.Tickets, keyFile)
	routes, err := loadRoutes(s, rules.Default())
	if err != nil {
		return err
	}
	f := newFiles(nativeModels(), inventory, rules.Default(), routes)
	notice := fmt.Sprintf("Vorführung: simulierte Stadt im Zeitraffer, %g-fach", o.speed)
	a, err := build(s, f, store, clock.Now, notice, log, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	a.mqtt, a.ticks = ln, demoTick
	publisher := mqtt.NewClientOptions().AddBroker("mqtt://" + ln.Addr().String()).SetClientID("simulated-city").
		SetUsername("demo").SetPassword(strings.TrimSpace(string(password)))
	fmt.Fprintf(out, "Board:          http://%s\nTicket server:  http://%s (stand-in for EMSOS)\nTime-lapse:     %g minutes pass in a minute\nData:           %s\n",
		o.listen, standIn.address, o.speed, o.data)
	return a.run(ctx, part{"simulated city", func(ctx context.Context) error { return play(ctx, town, publisher, clock) }})
}

// demoTick is how often time is looked at, on the clock of the world: it runs so much faster
// in the demo.
const demoTick = 100 * time.Millisecond

// demoCity tells a story of eight days.
func demoCity(seed uint64) sim.Config {
	cfg := sim.DefaultConfig()
	cfg.Seed = seed
	cfg.Weather = sim.WeatherScript{DryFrom: 0, DryDays: 7, RainMM: 35}
	cfg.Faults = []sim.Fault{{Kind: sim.FaultGateway, Gateways: []string{sim.Gateways()[0].ID.String()}, From: 36 * time.Hour, For: 12 * time.Hour}}
	return cfg
}

// demoClock begins on a morning in June, when trees are thirsty, or after what a former run
// in the same folder has lived through.
func demoClock(ctx context.Context, store *sqlite.Store, o demoOptions) (*lapse, error) {
	origin := time.Date(time.Now().Year(), time.June, 1, 4, 0, 0, 0, time.UTC)
	if o.from != "" {
		var err error
		if origin, err = time.Parse(time.RFC3339, o.from); err != nil {
			return nil, usageError{fmt.Errorf("--from: %q is no time: want one like 2026-06-01T04:00:00Z", o.from)}
		}
	}
	latest, err := store.Latest(ctx)
	if err != nil {
		return nil, err
	}
	for i := range latest {
		if next := latest[i].Time.At.Add(time.Minute); next.After(origin) {
			origin = next
		}
	}
	return newLapse(origin, o.speed), nil
}

// unsettled is how many messages the simulated city publishes before it waits for the oldest
// one's PUBACK, which comes after the commit: so batches fill.
const unsettled = 256

// play lets the simulated city publish as its network server would.
func play(ctx context.Context, town *sim.City, options *mqtt.ClientOptions, clock sim.Clock) error {
	client := mqtt.NewClient(options)
	if t := client.Connect(); t.Wait() && t.Error() != nil {
		return fmt.Errorf("connect the simulated city: %w", t.Error())
	}
	defer client.Disconnect(250)
	waiting := make(chan mqtt.Token, unsettled)
	publish := func(ctx context.Context, m sim.Message) error {
		if len(waiting) == unsettled {
			if err := settled(ctx, <-waiting); err != nil {
				return err
			}
		}
		waiting <- client.Publish(m.Topic, 1, m.Retained, m.Body)
		return nil
	}
	return sim.Play{City: town, Encoder: decoders.New()}.Run(ctx, publish, clock)
}

// settled waits until a message is acknowledged.
func settled(ctx context.Context, t mqtt.Token) error {
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return ctx.Err()
	}
}
