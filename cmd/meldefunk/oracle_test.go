package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"meldefunk/gateway-bridge/brokertest"
	"meldefunk/storage/influxtest"
)

const (
	oracleUplinks  = 20_000
	oracleSlices   = 12
	oraclePassword = "a-password-that-only-tests-know"
)

// oracleConfig is the platform's, but for the way in. Times are judged as in production:
// what is older than a week before the play is not believed. Small batches let a kill strike
// while others wait for their commit.
func oracleConfig(in *influxtest.Server, servers string) string {
	backlog := time.Since(oracleBegin) + 7*24*time.Hour
	return fmt.Sprintf("inventory: [DIR/devices.csv]\nroad: {batch: 64, max_backlog: %s}\n", backlog.Round(time.Second)) + influxConfig(in) + servers
}

// TestOracle is the whole intake against the truth. A city of 500 sensors sends 20,000
// uplinks, and whatever can go wrong on the air does; meanwhile the platform is killed ten
// times, the broker is restarted twice and InfluxDB is away twice. Afterwards every uplink
// that the network server accepted is stored exactly once, here and in InfluxDB, with the
// right values at the right time, and nothing else is.
func TestOracle(t *testing.T) {
	long(t, "a minute")
	town := newOracleTown(t, oracleUplinks)
	t.Run("through mosquitto", func(t *testing.T) {
		broker := brokertest.Start(t, brokertest.WithLine("autosave_on_changes true"), brokertest.WithLine("autosave_interval 500"))
		o := newOracle(t, town, fmt.Sprintf(crashServer, broker.URL()), newRepeater(broker.Addr(), "", ""))
		o.broker = broker
		o.run()
	})
	t.Run("straight to the platform", func(t *testing.T) {
		address := "127.0.0.1:" + freePort(t)
		servers := fmt.Sprintf("mqtt_listener: {listen: %q}\nnetwork_servers:\n  - {name: city, dialect: chirpstack-v4, listen: {username: city, password_file: DIR/mqtt.password}}\n", address)
		newOracle(t, town, servers, newRepeater(address, "city", oraclePassword)).run()
	})
}

// oracle is one run of the platform through all that.
type oracle struct {
	t         *testing.T
	town      *oracleTown
	platform  *platform
	publisher *repeater
	broker    *brokertest.Broker // nil: the publisher speaks to the platform itself
	influx    *influxtest.Server
	random    *rand.Rand
	database  *sql.DB
}

func newOracle(t *testing.T, town *oracleTown, servers string, publisher *repeater) *oracle {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	in := influxtest.Start(t)
	files := map[string]string{"devices.csv": town.inventory, "influx.token": in.Token, "mqtt.password": oraclePassword}
	return &oracle{t: t, town: town, publisher: publisher, influx: in, random: rand.New(rand.NewPCG(seed, 0)),
		platform: newPlatform(t, buildBinary(t, false), oracleConfig(in, servers), files)}
}

func (o *oracle) run() {
	o.t.Helper()
	o.platform.start()
	o.database = o.platform.database()
	ctx, cancel := context.WithCancel(context.Background())
	published, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		published <- o.publisher.run(ctx)
	}()
	slices := make(chan [2]int, oracleSlices)
	o.t.Cleanup(func() { cancel(); <-ended })
	go o.feed(ctx, slices)

	for n := range oracleSlices {
		from, to := n*len(o.town.messages)/oracleSlices, (n+1)*len(o.town.messages)/oracleSlices
		slices <- [2]int{from, to}
		switch n {
		case 2, 6:
			o.influx.Kill()
		case 4, 9:
			o.influx.Restart()
		}
		if o.broker != nil && (n == 3 || n == 8) {
			o.come(from, to, 0, 0.4)
			o.broker.Restart()
		}
		if n > 0 && n < oracleSlices-1 { // ten times
			o.come(from, to, 0.4, 0.9)
			o.platform.kill()
			o.platform.launch()
		}
	}
	close(slices)
	select {
	case err := <-published:
		if err != nil {
			o.t.Fatalf("publish: %v", err)
		}
	case <-time.After(60 * time.Second):
		o.t.Fatal("the publisher still waits for acknowledgements after a minute")
	}
	o.t.Logf("%d connections of the publisher, %d messages repeated by it", o.publisher.sessions, o.publisher.repeated)
	o.settle()
	o.check()
}

// feed gives the publisher slices of the messages until there are no more of them.
func (o *oracle) feed(ctx context.Context, slices <-chan [2]int) {
	defer close(o.publisher.in)
	for {
		select {
		case s, more := <-slices:
			if !more {
				return
			}
			for _, m := range o.town.messages[s[0]:s[1]] {
				select {
				case o.publisher.in <- m:
				case <-ctx.Done():
					return
				}
			}
		case <-ctx.Done():
			return
		}
	}
}

// come waits until the platform has stored a part of a slice of the messages, drawn between
// two shares, so that what happens next happens in the midst of it.
func (o *oracle) come(from, to int, least, most float64) {
	o.t.Helper()
	share := least + o.random.Float64()*(most-least)
	want := o.town.until[from+int(share*float64(to-from))]
	deadline := time.Now().Add(60 * time.Second)
	for {
		var stored int
		if err := o.database.QueryRow(`SELECT frame FROM mark`).Scan(&stored); err != nil {
			o.t.Fatal(err)
		}
		if stored >= want {
			return
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("%d frames stored, want %d of messages %d to %d", stored, want, from, to)
		}
		time.Sleep(time.Millisecond)
	}
}

// settle waits until everything has come where it belongs, and stops the platform.
func (o *oracle) settle() {
	o.t.Helper()
	p := o.platform
	var readings string
	p.eventually(60*time.Second, "every message taken", func() error {
		m, err := p.metrics()
		if err != nil {
			return err
		}
		received := sum(m, "meldefunk_bridge_messages_total")
		if acked := m["meldefunk_road_acknowledged_total"]; acked < received {
			return fmt.Errorf("%v of %v messages acknowledged", acked, received)
		}
		readings = rows(o.t, o.database, `SELECT coalesce(max(id), 0) FROM readings`)[0]
		if frames := rows(o.t, o.database, `SELECT count(*) FROM frames`)[0]; o.least() > atoi(frames) {
			return fmt.Errorf("%s frames, want %d at least", frames, o.least())
		}
		return nil
	})
	p.eventually(60*time.Second, "every reading in InfluxDB", func() error {
		if at := rows(o.t, o.database, `SELECT coalesce(max(position), 0) FROM cursors`)[0]; at != readings {
			return fmt.Errorf("InfluxDB has readings up to %s, want %s", at, readings)
		}
		return nil
	})
	o.balance()
	p.stop()
}

// sum adds up every series of a name.
func sum(metrics map[string]float64, name string) (n float64) {
	for series, v := range metrics {
		if strings.HasPrefix(series, name) {
			n += v
		}
	}
	return n
}

// balance: the process that is left accounts for each uplink it was given.
func (o *oracle) balance() {
	o.t.Helper()
	m, err := o.platform.metrics()
	if err != nil {
		o.t.Fatal(err)
	}
	given := m[`meldefunk_bridge_messages_total{event="up",server="city"}`]
	stored, repeats, unknown := sum(m, "meldefunk_road_frames_total"), sum(m, "meldefunk_road_repeats_total"), m[`meldefunk_road_set_aside_total{reason="unknown_device"}`]
	if given != stored+repeats+unknown || given == 0 {
		o.t.Errorf("the last process was given %v uplinks, and stored %v, took %v as repeats and set %v of unknown devices aside", given, stored, repeats, unknown)
	}
}
