package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	sim "meldefunk/firmware-sim"
)

// simOptions are the flags of sim.
type simOptions struct {
	city string // file

	// Where it goes: one of these.
	mqtt, out, udp string
	// How fast: in the world's time, times speed; or at a rate, as a load.
	speed float64
	rate  int
	from  string
	span  time.Duration
	count int

	manifest, inventory, registrations string
	json                               bool
}

func simCommand() *cobra.Command {
	var o simOptions
	c := &cobra.Command{
		Use:   "sim [CITY.yaml]",
		Short: "Play a city of simulated sensors",
		Long: `Play a city of simulated LoRaWAN sensors; without a file the city of the demo.
docs/simulator.md describes the file.

  meldefunk sim city.yaml --mqtt mqtt://127.0.0.1:1883             in the world's time
  meldefunk sim city.yaml --mqtt mqtt://127.0.0.1:1883 --speed 60  in time-lapse
  meldefunk sim city.yaml --out traffic.jsonl --for 720h           at once, into a file
  meldefunk sim city.yaml --mqtt mqtt://127.0.0.1:1883 --rate 20000 --count 1000000
                                                                   as a load
  meldefunk sim city.yaml --udp 127.0.0.1:1700                     frames on the air, for a
                                                                   real network server

--manifest writes the truth about every uplink and every episode of the world,
--inventory the devices as this platform's inventory wants them, --registrations
their keys as a network server wants them. The same file and the same --from play
the same city, byte for byte.`,
		Args: atMostOneFile,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.city = args[0]
			}
			if err := o.check(); err != nil {
				return usageError{err}
			}
			return simulate(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.mqtt, "mqtt", "", "publish to this broker, as `mqtt://127.0.0.1:1883`")
	f.StringVar(&o.out, "out", "", "write messages into this `file`, one JSON object a line (-: standard output)")
	f.StringVar(&o.udp, "udp", "", "speak the Semtech UDP protocol to `host:port`")
	f.Float64Var(&o.speed, "speed", 1, "with --mqtt: time-lapse `factor`, 0.01 to 100000")
	f.IntVar(&o.rate, "rate", 0, "with --mqtt: load generator, `messages` per second whatever the time of the city (0: off)")
	f.IntVar(&o.count, "count", 0, "end after this many `messages` (0: do not)")
	f.DurationVar(&o.span, "for", 0, "end after this `time` of the city (0: do not)")
	f.StringVar(&o.from, "from", "", "begin at this `time`, like 2026-11-21T06:00:00Z (default: now)")
	f.StringVar(&o.manifest, "manifest", "", "write the truth into this `file`")
	f.StringVar(&o.inventory, "inventory", "", "write the inventory into this `file` (CSV)")
	f.StringVar(&o.registrations, "registrations", "", "write the devices with their keys into this `file` (CSV)")
	f.BoolVar(&o.json, "json", false, "print the summary as JSON")
	return c
}

// check gives every contradiction.
func (o *simOptions) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	ways := 0
	for _, way := range []string{o.mqtt, o.out, o.udp} {
		if way != "" {
			ways++
		}
	}
	files := o.inventory != "" || o.registrations != ""
	if ways > 1 || ways == 0 && !files {
		bad("where to? Give one of --mqtt, --out and --udp")
	}
	if o.out != "" && o.span == 0 && o.count == 0 {
		bad("--out has no end: give --for or --count")
	}
	if !(o.speed >= 0.01 && o.speed <= 100_000) {
		bad("--speed %g is out of range: want 0.01 to 100000", o.speed)
	}
	if o.rate < 0 || o.rate > 1_000_000 || o.count < 0 || o.span < 0 {
		bad("--rate, --count and --for must not be negative, and --rate 1000000 at most")
	}
	if (o.rate > 0 || o.speed != 1) && o.mqtt == "" {
		bad("--rate and --speed go with --mqtt")
	}
	if o.rate > 0 && o.speed != 1 {
		bad("--rate and --speed are both given: want one of them")
	}
	if o.udp != "" && (o.from != "" || o.count > 0) {
		bad("--udp plays in the world's time: --from and --count do not go with it")
	}
	if o.span > longestPlay {
		bad("--for %s is too long: want %s at most", o.span, longestPlay)
	}
	if _, err := o.begins(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// longestPlay is the most --for takes: ten years.
const longestPlay = 10 * 8766 * time.Hour

// begins is when the play begins.
func (o *simOptions) begins() (time.Time, error) {
	if o.from == "" {
		return time.Now().UTC(), nil
	}
	at, err := time.Parse(time.RFC3339, o.from)
	if err != nil {
		return at, fmt.Errorf("--from: %q is no time: want one like 2026-11-21T06:00:00Z", o.from)
	}
	if y := at.UTC().Year(); y < 2000 || y >= 2100 {
		return at, fmt.Errorf("--from: %q is out of range: want a time from 2000 to 2099", o.from)
	}
	return at.UTC(), nil
}

// period is from when to when is played, ten years if nothing else is asked for.
func (o *simOptions) period() (from, end time.Time, err error) {
	from, err = o.begins()
	if o.span > 0 {
		return from, from.Add(o.span), err
	}
	return from, from.AddDate(10, 0, 0), err
}

func simulate(ctx context.Context, o simOptions, out, logTo io.Writer) (err error) {
	file, err := loadSimFile(o.city)
	if err != nil {
		return err
	}
	town := sim.New(file.Config)
	if err := o.writeFiles(town); err != nil {
		return err
	}
	p := file.play(town)
	if o.manifest != "" {
		truth, openErr := os.Create(o.manifest)
		if openErr != nil {
			return fmt.Errorf("write the manifest: %w", openErr)
		}
		defer func() { err = errors.Join(err, truth.Close()) }()
		p.Manifest = sim.NewManifest(truth)
	}
	if o.span > 0 && o.udp != "" {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, o.span)
		defer stop()
	}
	switch {
	case o.udp != "":
		log := newLogger(logSettings{Level: "info", Format: "text"}, logTo)
		return p.OnAir(ctx, o.udp, time.Now, log)
	case o.out != "":
		return o.toFile(ctx, p, out, logTo)
	case o.rate > 0:
		return o.load(ctx, p, out, logTo)
	case o.mqtt != "":
		return o.toBroker(ctx, p, out, logTo)
	}
	return nil
}
