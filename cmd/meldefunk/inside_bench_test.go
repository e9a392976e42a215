package main

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/gateway-bridge/chirpstack"
	"meldefunk/pipeline"
	"meldefunk/storage/sqlite"
)

// BenchmarkInside is the road without broker and MQTT: parse, look up, order, decode,
// judge, commit. Run it with -cpuprofile to see where the time goes.
func BenchmarkInside(b *testing.B) {
	messages, inventory := benchTraffic(b)
	p := newPlatform(b, "", "inventory: [DIR/devices.csv]\nnetwork_servers: [{name: city, dialect: chirpstack-v4, broker: \"mqtt://127.0.0.1:1\"}]\n", map[string]string{"devices.csv": inventory})
	s, err := loadSettings(p.config)
	if err != nil {
		b.Fatal(err)
	}
	f, err := loadFiles(context.Background(), s, snapshot{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	store, err := sqlite.Open(context.Background(), b.TempDir(), zerolog.Nop())
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	cfg := pipeline.DefaultConfig()
	cfg.MaxBacklog = 100 * 365 * 24 * time.Hour
	road := pipeline.New(cfg, pipeline.Parts{
		Inventory: f, Decoder: f, Judge: f, Store: store, Follow: func(*city.Commit) {}, Ref: newRef, Now: time.Now,
	}, zerolog.Nop(), prometheus.NewRegistry())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- road.Run(ctx) }()
	dialect := chirpstack.V4{}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		m := &messages[n%len(messages)]
		n++
		message := city.Message{Server: "city", Topic: m.topic, Body: m.body, Received: time.Now()}
		event, err := dialect.Parse(&message)
		if err := road.Offer(ctx, city.Arrival{Message: message, Event: event, Err: err, Acker: nobody{}}); err != nil {
			b.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
