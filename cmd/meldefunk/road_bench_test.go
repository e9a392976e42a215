package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"meldefunk/decoders"
	sim "meldefunk/firmware-sim"
	"meldefunk/gateway-bridge/brokertest"
)

const (
	benchUplinks = 100_000
	benchTopic   = "application/+/device/+/event/+"
	bareEnv      = "MELDEFUNK_BENCH_BARE" // "url messages": be the bare subscriber
)

// figures are what a subscriber needed for benchUplinks messages.
type figures struct {
	wall time.Duration
	cpu  time.Duration // user and system time of its process
}

func (f figures) rate() float64    { return benchUplinks / f.wall.Seconds() }
func (f figures) cpu100k() float64 { return f.cpu.Seconds() * 100_000 / benchUplinks }

// BenchmarkRoad measures the whole road (mosquitto, ChirpStack v4 JSON, decode, judge,
// commit with fsync, acknowledge) beside its limit: a paho subscriber that acknowledges by
// hand and does nothing else. Both find the same messages waiting in the broker, and both
// are processes of their own. ratio is road to limit in messages per second.
func BenchmarkRoad(b *testing.B) {
	messages, inventory := benchTraffic(b)
	binary := buildBinary(b, false)
	var road, bare []figures
	for b.Loop() {
		bare = append(bare, drainBare(b, messages))
		road = append(road, drainRoad(b, binary, inventory, messages))
	}
	r, l := median(road), median(bare)
	b.ReportMetric(0, "ns/op") // says nothing here
	b.ReportMetric(r.rate(), "road-uplinks/s")
	b.ReportMetric(r.cpu100k(), "road-cpu-s/100k")
	b.ReportMetric(l.rate(), "limit-uplinks/s")
	b.ReportMetric(l.cpu100k(), "limit-cpu-s/100k")
	b.ReportMetric(r.rate()/l.rate(), "ratio")
	b.ReportMetric(l.cpu100k()/r.cpu100k(), "cpu-ratio")
}

func median(all []figures) figures {
	slices.SortFunc(all, func(a, b figures) int { return int(a.wall - b.wall) })
	return all[len(all)/2]
}

// benchTraffic is as many messages of a city of 2,000 sensors as are wanted.
func benchTraffic(b *testing.B) ([]published, string) {
	b.Helper()
	cfg := sim.DefaultConfig()
	cfg.Seed, cfg.Bins, cfg.Trees, cfg.Bays = 3, 1200, 500, 300
	town := sim.New(cfg)
	var all []published
	full := fmt.Errorf("enough")
	from := time.Date(2026, 11, 16, 5, 0, 0, 0, time.UTC)
	err := sim.Play{City: town, Encoder: decoders.New()}.Events(from, from.Add(100*24*time.Hour), func(m sim.Message) error {
		all = append(all, published{m.Topic, slices.Clone(m.Body)})
		if len(all) == benchUplinks {
			return full
		}
		return nil
	})
	if len(all) != benchUplinks {
		b.Fatalf("%d messages: %v", len(all), err)
	}
	return all, inventoryFile(town)
}

// publishAll queues the messages for the absent subscriber.
func publishAll(b *testing.B, broker *brokertest.Broker, messages []published) {
	b.Helper()
	client := broker.Client("bench-publisher")
	defer client.Disconnect(100)
	tokens := make([]mqtt.Token, 0, 1000)
	for i := range messages {
		tokens = append(tokens, client.Publish(messages[i].topic, 1, false, messages[i].body))
		if len(tokens) == cap(tokens) || i == len(messages)-1 {
			for _, t := range tokens {
				if t.Wait(); t.Error() != nil {
					b.Fatal(t.Error())
				}
			}
			tokens = tokens[:0]
		}
	}
}

func drainRoad(b *testing.B, binary, inventory string, messages []published) figures {
	b.Helper()
	broker := brokertest.Start(b)
	defer broker.Stop()
	config := crashBase + fmt.Sprintf(crashServer, broker.URL())
	p := newPlatform(b, binary, config, map[string]string{"devices.csv": inventory})
	p.start() // the session exists from now on
	p.stop()
	publishAll(b, broker, messages)
	began := time.Now()
	p.launch()
	for {
		got, err := p.metrics()
		if err != nil {
			b.Fatal(err)
		}
		if got["meldefunk_road_acknowledged_total"] >= benchUplinks {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	wall := time.Since(began)
	cmd := p.cmd
	p.stop()
	if n := rows(b, p.database(), `SELECT count(*) FROM readings`)[0]; len(n) < 5 {
		b.Fatalf("only %s readings", n)
	}
	return figures{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
}

func drainBare(b *testing.B, messages []published) figures {
	b.Helper()
	broker := brokertest.Start(b)
	defer broker.Stop()
	bare := func(n int) figures {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", bareEnv, broker.URL(), n))
		out, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		line, readErr := bufio.NewReader(out).ReadString('\n')
		wall := time.Since(began)
		if err := cmd.Wait(); err != nil || readErr != nil || line != "done\n" {
			b.Fatalf("bare subscriber: %q, %v", line, err)
		}
		return figures{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	}
	bare(0) // makes the session
	publishAll(b, broker, messages)
	return bare(len(messages))
}

// bareSubscriber receives n messages, acknowledges each by hand, and says so.
func bareSubscriber(job string) error {
	url, count, _ := strings.Cut(job, " ")
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	done := make(chan struct{}, 1)
	received := 0
	options := mqtt.NewClientOptions().AddBroker(strings.Replace(url, "mqtt://", "tcp://", 1)).SetClientID("bench-bare").
		SetCleanSession(false).SetAutoAckDisabled(true).SetOrderMatters(true).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
			m.Ack()
			if received++; received == n {
				done <- struct{}{}
			}
		})
	client := mqtt.NewClient(options)
	if t := client.Connect(); t.Wait() && t.Error() != nil {
		return t.Error()
	}
	if t := client.Subscribe(benchTopic, 1, nil); t.Wait() && t.Error() != nil {
		return t.Error()
	}
	if n > 0 {
		<-done
	}
	fmt.Println("done")
	client.Disconnect(250)
	return nil
}

func TestMain(m *testing.M) {
	if job := os.Getenv(bareEnv); job != "" {
		if err := bareSubscriber(job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if binaries.dir != "" {
		_ = os.RemoveAll(binaries.dir)
	}
	os.Exit(code)
}
