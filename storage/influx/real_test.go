package influx

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/influxtest"
)

// realConfig points at a real InfluxDB.
func realConfig(t testing.TB, s *influxtest.Server) Config {
	t.Helper()
	cfg := testConfig(t)
	cfg.URL, cfg.Org, cfg.Bucket, cfg.TokenFile, cfg.TokenEnv = s.URL, s.Org, s.Bucket, "", "MELDEFUNK_TEST_TOKEN"
	t.Setenv(cfg.TokenEnv, s.Token)
	return cfg
}

// start runs a writer until the test ends.
func start(t testing.TB, cfg Config, source Source) *Writer {
	t.Helper()
	w := newWriter(t, cfg, source, zerolog.New(zerolog.NewTestWriter(t)))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w
}

// until polls for a state of affairs.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 2 minutes", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// points gives all that is stored, by device and time, and complains about repeats.
func points(t *testing.T, s *influxtest.Server) map[string]influxtest.Row {
	t.Helper()
	all := map[string]influxtest.Row{}
	for _, kind := range city.Kinds() {
		for _, row := range s.Readings(t, kind.String()) {
			key := row.Tags["dev_eui"] + " " + row.Time.Format(time.RFC3339Nano)
			if _, twice := all[key]; twice {
				t.Errorf("%s is there twice", key)
			}
			all[key] = row
		}
	}
	return all
}

func TestRealEachReadingOnce(t *testing.T) {
	s := influxtest.Start(t)
	source := newMemory(makeReadings(1, 20_000))
	w := start(t, realConfig(t, s), source)
	if err := w.Check(t.Context()); err != nil {
		t.Error(err)
	}
	until(t, "20,000 readings sent", func() bool { return source.cursor() == 20_000 })
	all := points(t, s)
	if len(all) != 20_000 {
		t.Errorf("%d points, want 20,000", len(all))
	}
	// One of each kind, as stored.
	for _, want := range []influxtest.Row{
		{Tags: map[string]string{"dev_eui": "a840410000000000", "asset": "PK-0000", "model": "milesight/em310-udl"},
			Fields: map[string]any{"fill_level": 100.0, "distance": 1400.5, "battery_level": 98.0, "fcnt": 1.0}, Time: noon.Add(100 * time.Second)},
		{Tags: map[string]string{"dev_eui": "a840410000000001", "asset": "PK-0001", "model": "dragino/lse01"},
			Fields: map[string]any{"soil_moisture": 23.25, "soil_temperature": 0.0, "conductivity": 180.0, "fcnt": 1.0}, Time: noon.Add(101 * time.Second)},
		{Tags: map[string]string{"dev_eui": "a840410000000002", "asset": "PK-0002", "model": "bosch/tps110"},
			Fields: map[string]any{"occupied": true, "fcnt": 1.0}, Time: noon.Add(102 * time.Second)},
	} {
		maps.Copy(want.Fields, map[string]any{"rssi": -97.0, "snr": -7.5, "sf": 9.0, "gateways": 2.0, "late": false, "time_source": "gateway"})
		got := all[want.Tags["dev_eui"]+" "+want.Time.Format(time.RFC3339Nano)]
		if !maps.Equal(got.Tags, want.Tags) || !maps.Equal(got.Fields, want.Fields) {
			t.Errorf("\n got %v %v\nwant %v %v", got.Tags, got.Fields, want.Tags, want.Fields)
		}
	}

	// The same once more, compressed: nothing changes.
	cfg := realConfig(t, s)
	cfg.Compression = CompressionGzip
	again := newMemory(makeReadings(1, 20_000))
	start(t, cfg, again)
	until(t, "20,000 readings sent again", func() bool { return again.cursor() == 20_000 })
	if repeated := points(t, s); len(repeated) != 20_000 {
		t.Errorf("after repeating: %d points, want 20,000", len(repeated))
	}
}

// influxd is killed in the middle, three times; nobody helps.
func TestRealKilledInTheMiddle(t *testing.T) {
	s := influxtest.Start(t)
	source := newMemory(makeReadings(1, 20_000))
	cfg := realConfig(t, s)
	cfg.Batch = 100 // many batches, so that the middle is long
	w := start(t, cfg, source)
	for _, at := range []int64{2_000, 8_000, 15_000} {
		until(t, "some readings sent", func() bool { return source.cursor() >= at })
		s.Kill()
		if c := source.cursor(); c < 20_000 {
			until(t, "the outage noticed", func() bool { return w.State().Error != "" })
		} else {
			t.Errorf("all was sent before the kill: the test shows nothing")
		}
		s.Restart()
	}
	until(t, "20,000 readings sent", func() bool { return source.cursor() == 20_000 })
	if n := len(points(t, s)); n != 20_000 {
		t.Errorf("%d points, want 20,000", n)
	}
	if r := source.refusals(); len(r) != 0 {
		t.Errorf("refused: %v", r)
	}
}

// Somebody else has written a field with another type: the readings that carry it are
// refused in InfluxDB's words, the others are written.
func TestRealFieldTypeConflict(t *testing.T) {
	s := influxtest.Start(t)
	cfg := realConfig(t, s)
	all := makeReadings(1, 1000)
	other := newWriter(t, cfg, newMemory(nil), zerolog.Nop())
	defer other.http.CloseIdleConnections()
	// In the shard of the readings, or InfluxDB sees no conflict.
	line := `soil,dev_eui=x battery_voltage="3.6V" ` + string(appendInteger(nil, noon.UnixNano()))
	if err := other.api.WriteRecord(t.Context(), strings.TrimSuffix(line, "i")); err != nil {
		t.Fatal(err)
	}
	bad := []int64{1, 301, 601, 1000} // soil sensors
	for _, id := range bad {
		all[id-1].Kind = city.Soil
		all[id-1].Values = append(slices.Clone(all[id-1].Values), city.Value{Quantity: city.BatteryVoltage, Number: 3.6})
	}
	source := newMemory(all)
	w := start(t, cfg, source)
	until(t, "all dealt with", func() bool { return source.cursor() == 1000 })
	left := source.refusals()
	for _, id := range bad {
		if len(left) != len(bad) || !strings.Contains(left[id], "field type conflict") {
			t.Errorf("refused: %v, want %v", left, bad)
		}
	}
	if n := len(points(t, s)); n != 996+1 {
		t.Errorf("%d points, want 996 and the one of somebody else", n)
	}
	if st := w.State(); st.Refused != int64(len(bad)) || st.Error != "" {
		t.Errorf("state %+v", st)
	}
	// InfluxDB's answer names them: nothing has to be searched.
	if n := testutil.ToFloat64(w.meters.attempts[refused]); n != 1 {
		t.Errorf("%v writes were refused, want 1", n)
	}
}

func TestRealMisconfigured(t *testing.T) {
	s := influxtest.Start(t)
	tests := []struct {
		name   string
		change func(*Config)
		says   string
	}{
		{"token", func(c *Config) { c.TokenEnv = "MELDEFUNK_TEST_WRONG" }, "check token_file or token_env"},
		{"bucket", func(c *Config) { c.Bucket = "other" }, `bucket "other"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("MELDEFUNK_TEST_WRONG", "nobody:knows")
			cfg := realConfig(t, s)
			tt.change(&cfg)
			source := newMemory(makeReadings(1, 10))
			w := start(t, cfg, source)
			until(t, "noticed", func() bool { return w.State().Misconfigured })
			if st := w.State(); !strings.Contains(st.Error, tt.says) || st.Behind != 10 {
				t.Errorf("state %+v", st)
			}
			if err := w.Check(t.Context()); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Check: %v", err)
			}
			if len(source.refusals()) != 0 || source.cursor() != 0 {
				t.Error("a wrong configuration cost readings")
			}
		})
	}
	if n := len(points(t, s)); n != 0 {
		t.Errorf("%d points were written", n)
	}
}

// Names nobody should use, through the real parser and back.
func TestRealNames(t *testing.T) {
	s := influxtest.Start(t)
	names := map[string]string{
		`Straße 1, Nr. "2"=3`: `Straße 1, Nr. "2"=3`,
		"a\\":                 "a/",
		`\,b`:                 `/,b`,
		"two\nlines":          "two lines",
		"#1":                  "#1",
		" ":                   " ",
	}
	readings := makeReadings(1, len(names))
	i := 0
	for name := range names {
		readings[i].Asset, readings[i].Kind, readings[i].Faults = name, city.Bin, []city.Fault{city.Fault(name)}
		i++
	}
	source := newMemory(readings)
	start(t, realConfig(t, s), source)
	until(t, "sent", func() bool { return source.cursor() == int64(len(names)) })
	rows := points(t, s)
	if len(rows) != len(names) || len(source.refusals()) != 0 {
		t.Errorf("%d points, refused %v", len(rows), source.refusals())
	}
	for i := range readings {
		row := rows[readings[i].DevEUI.String()+" "+readings[i].Time.At.Format(time.RFC3339Nano)]
		if want := names[readings[i].Asset]; row.Tags["asset"] != want {
			t.Errorf("asset %q came back as %q, want %q", readings[i].Asset, row.Tags["asset"], want)
		}
		if want := printable(readings[i].Asset); row.Fields["faults"] != want {
			t.Errorf("faults %q came back as %q", want, row.Fields["faults"])
		}
	}
}

// BenchmarkRealWrite is the writer's whole work but the source: batches of 5,000 into a
// real InfluxDB.
func BenchmarkRealWrite(b *testing.B) {
	for _, compression := range []string{CompressionNone, CompressionGzip} {
		b.Run(compression, func(b *testing.B) {
			s := influxtest.Start(b)
			cfg := realConfig(b, s)
			cfg.Compression = compression
			w := newWriter(b, cfg, newMemory(nil), zerolog.Nop())
			defer w.http.CloseIdleConnections()
			next := 1
			for b.Loop() {
				b.StopTimer()
				batch := makeReadings(next, 5000)
				next += 5000
				b.StartTimer()
				if err := w.send(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*5000/b.Elapsed().Seconds(), "readings/s")
		})
	}
}
