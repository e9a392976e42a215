package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/rules"
	"meldefunk/storage/sqlite"
)

// BenchmarkRuleReplay plays two hundred thousand stored readings of bins, from the database to
// the cases. cpu-ns/reading is what all threads of the process took, and is what counts on a
// machine that others use as well.
func BenchmarkRuleReplay(b *testing.B) {
	const assets, each = 200, 1000
	dir := b.TempDir()
	var inventory strings.Builder
	inventory.WriteString("dev_eui;model;asset;kind;name\n")
	for i := range assets {
		fmt.Fprintf(&inventory, "a840410001%06x;milesight/em310-udl;PK-%d;bin;Bin %d\n", i, i, i)
	}
	file := filepath.Join(dir, "inventory.csv")
	if err := os.WriteFile(file, []byte(inventory.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	from := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	fillStore(b, dir, from, assets, each)
	simple := `rules:
  - {id: full, kind: bin, quantity: fill_level, open: ">= 90 %", clear: "<= 30 %", for: 30m, service: A, title: t}
`
	four := simple + `  - {id: tilted, kind: bin, quantity: tilt, open: "= true", service: B, title: t}
  - {id: battery, kind: bin, quantity: battery_level, open: "<= 15 %", clear: ">= 50 %", readings: 3, service: C, title: t}
  - {id: hot, kind: bin, quantity: temperature, open: ">= 60 °C", clear: "<= 40 °C", service: D, title: t}
`
	for _, c := range []struct{ name, rules string }{{"one rule", simple}, {"four rules", four}, {"shipped rules", string(rules.DefaultFile())}} {
		b.Run(c.name, func(b *testing.B) {
			set, err := rules.Load("rules.yaml", []byte(c.rules))
			if err != nil {
				b.Fatal(err)
			}
			p, err := openPast(b.Context(), settings{Data: dir, Inventory: []string{file}, TimeZone: "UTC"})
			if err != nil {
				b.Fatal(err)
			}
			defer p.view.Close()
			span := sqlite.Span{From: from, To: from.Add(each * 10 * time.Minute), Gateways: set.WantsGateways()}
			var n int64
			begun := cpu(b)
			for b.Loop() {
				var ledger rules.Ledger
				one, err := p.play(b.Context(), []*rules.Play{p.cast(set, "")}, span, &bar{}, nil, func(_ int, said []rules.Said) { ledger.Add(said) })
				if err != nil || one != assets*each || len(ledger.Episodes) == 0 {
					b.Fatal(one, len(ledger.Episodes), err)
				}
				n += one
			}
			b.ReportMetric(float64(cpu(b)-begun)/float64(n), "cpu-ns/reading")
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "readings/s")
		})
	}
}

// cpu is the time that the process has had a processor for.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fillStore stores readings of bins that fill in a day, every ten minutes.
func fillStore(b *testing.B, dir string, from time.Time, assets, each int) {
	store, err := sqlite.Open(b.Context(), dir, zerolog.Nop())
	if err != nil {
		b.Fatal(err)
	}
	var c city.Commit
	for n := range each {
		for i := range assets {
			at := from.Add(time.Duration(n)*10*time.Minute + time.Duration(i)*time.Millisecond)
			radio := city.Radio{Gateway: "gw-1", Gateways: 1}
			eui, fcnt := city.EUI{0xa8, 0x40, 0x41, 0, 1, 0, 0, byte(i)}, uint32(n)
			c.Mark.Reading++
			c.Mark.Frame++
			c.Readings = append(c.Readings, city.Reading{ID: c.Mark.Reading, DevEUI: eui, Asset: fmt.Sprint("PK-", i), Kind: city.Bin,
				Model: "milesight/em310-udl", Epoch: 1, FCnt: fcnt, Time: city.Stamp{At: at, Source: city.TimeServer}, Received: at, Radio: radio,
				Values: []city.Value{{Quantity: city.FillLevel, Number: float64((n*7/10 + i) % 100)}, {Quantity: city.Tilt}, {Quantity: city.BatteryLevel, Number: 87},
					{Quantity: city.Temperature, Number: 15 + float64(n%40)/10}, {Quantity: city.Distance, Number: float64(1200 - n%100*10)}}})
			c.Frames = append(c.Frames, city.Frame{ID: c.Mark.Frame, Epoch: 1, Uplink: city.Uplink{Server: "ns", DevEUI: eui, FCnt: fcnt, Payload: []byte{1},
				Time: city.Stamp{At: at, Source: city.TimeServer}, Received: at, Radio: radio}})
		}
		if len(c.Readings) >= 20_000 || n == each-1 {
			if err := store.Commit(b.Context(), &c); err != nil {
				b.Fatal(err)
			}
			c = city.Commit{Mark: c.Mark}
		}
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
}
