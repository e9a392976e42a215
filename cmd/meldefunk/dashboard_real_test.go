package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/dashboards/grafana"
	"meldefunk/decoders"
	"meldefunk/devices"
	sim "meldefunk/firmware-sim"
	"meldefunk/gateway-bridge/chirpstack"
	"meldefunk/pipeline"
	"meldefunk/rules"
	"meldefunk/storage/influx"
	"meldefunk/storage/influxtest"
	"meldefunk/storage/sqlite"
)

// TestBoardsHaveData runs every query of every board, variables and maps included, against a
// real InfluxDB that the simulated city has filled, and wants data in each. It asks in
// InfluxQL; the same panels' Flux is checked by TestFluxIsFlux of dashboards/grafana.
func TestBoardsHaveData(t *testing.T) {
	in := influxtest.Start(t)
	begin := time.Date(2026, time.August, 1, 4, 0, 0, 0, time.UTC) // dry: trees are thirsty
	end := begin.Add(24 * time.Hour)
	town := fillInflux(t, in, begin, end)
	missing := kindsWithout(town)
	cfg := grafana.DefaultConfig()
	cfg.Language = grafana.InfluxQL
	boards, err := grafana.Boards(cfg, grafana.Bucket{URL: in.URL, Org: in.Org, Name: in.Bucket})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	ask := func(query string, chosen map[string]string) []string {
		asked++
		return values(t, in, grafanaFills(query, chosen, begin, end))
	}
	for _, b := range boards {
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			Templating struct {
				List []struct{ Name, Type, Query, AllValue string }
			}
			Panels []struct {
				Title   string
				Targets []struct{ RefID, Query string }
			}
		}
		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatal(err)
		}
		chosen := map[string]string{}
		var singles []string
		for _, v := range board.Templating.List {
			if v.Type == "custom" {
				chosen[v.Name] = v.AllValue
				continue
			}
			choices := ask(v.Query, chosen)
			if len(choices) == 0 {
				t.Errorf("%s: variable %s has no choices: %s", b, v.Name, v.Query)
				continue
			}
			for i := range choices {
				choices[i] = regexp.QuoteMeta(choices[i])
			}
			switch {
			case v.Name == "einzeln":
				singles, chosen[v.Name] = choices, choices[0]
			case v.AllValue != "":
				chosen[v.Name] = v.AllValue
			default:
				chosen[v.Name] = "(" + strings.Join(choices, "|") + ")"
			}
		}
		for _, p := range board.Panels {
			for _, q := range p.Targets {
				if kind, of, found := strings.Cut(q.Query, ` FROM "`); found && kind != "" && slices.ContainsFunc(missing, func(k string) bool { return strings.HasPrefix(of, k+`"`) }) {
					continue // the simulated city has none of these
				}
				rows := ask(q.Query, chosen)
				for i := 0; len(rows) == 0 && strings.Contains(q.Query, "${einzeln:") && i < len(singles); i++ {
					chosen["einzeln"] = singles[i] // not every model measures everything
					rows = ask(q.Query, chosen)
				}
				if len(rows) == 0 {
					t.Errorf("%s: panel %q, query %s: no data for %s", b, p.Title, q.RefID, q.Query)
				}
			}
		}
	}
	t.Logf("%d queries of %d boards", asked, len(boards))
}

// kindsWithout are those of which a city has no asset.
func kindsWithout(town *sim.City) []string {
	var none []string
	for _, kind := range city.Kinds() {
		if !slices.ContainsFunc(town.Assets(), func(a city.Asset) bool { return a.Kind == kind }) {
			none = append(none, kind.String())
		}
	}
	return none
}

// grafanaFills puts in place of Grafana's variables what Grafana does: chosen has values that
// are escaped already, and moments are milliseconds.
func grafanaFills(query string, chosen map[string]string, from, to time.Time) string {
	for name, value := range chosen {
		query = strings.ReplaceAll(query, "${"+name+":regex}", value)
	}
	query = strings.ReplaceAll(query, "$timeFilter", fmt.Sprintf("time >= %dms and time <= %dms", from.UnixMilli(), to.UnixMilli()))
	return strings.ReplaceAll(query, "$__interval", "10m")
}

// values asks in InfluxQL and gives the second column, that behind the time.
func values(t *testing.T, in *influxtest.Server, query string) []string {
	t.Helper()
	if strings.Contains(query, "${") || strings.Contains(query, "$_") || strings.Contains(query, "$t") {
		t.Fatalf("a variable is left in %s", query)
	}
	series, err := in.InfluxQL(t.Context(), query)
	if err != nil {
		t.Errorf("%s\n%v", query, err)
	}
	var all []string
	for _, s := range series {
		for _, row := range s.Values {
			if row[1] != nil {
				all = append(all, fmt.Sprint(row[1]))
			}
		}
	}
	return all
}

// fillInflux plays the simulated city without waiting, lets the road make readings of it and
// the writer put them and the places into InfluxDB.
func fillInflux(t *testing.T, in *influxtest.Server, from, to time.Time) *sim.City {
	t.Helper()
	cfg := demoCity(3)
	cfg.Bins, cfg.Trees, cfg.Bays = 60, 40, 30
	town := sim.New(cfg)
	inventory, err := devices.New(town.Devices(), town.Assets(), decoders.New())
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), t.TempDir(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	f := newFiles(nativeModels(), inventory, rules.Default(), nil)
	t.Setenv("MELDEFUNK_TEST_TOKEN", in.Token)
	into := influx.DefaultConfig()
	into.URL, into.Org, into.Bucket, into.TokenEnv = in.URL, in.Org, in.Bucket, "MELDEFUNK_TEST_TOKEN"
	writer, err := influx.New(into, store, time.Now, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	old := pipeline.DefaultConfig()
	old.MaxBacklog = 100 * 365 * 24 * time.Hour
	road := pipeline.New(old, pipeline.Parts{
		Inventory: f, Decoder: f, Judge: f, Store: store, Follow: func(*city.Commit) { writer.Wake() }, Ref: newRef, Now: time.Now,
	}, zerolog.Nop(), prometheus.NewRegistry())
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	for _, run := range []func(context.Context) error{road.Run, writer.Run, func(ctx context.Context) error { return writer.RunPlaces(ctx, f.Assets) }} {
		go func() { ended <- run(ctx) }()
	}
	dialect := chirpstack.V4{}
	err = sim.Play{City: town, Encoder: decoders.New()}.Events(from, to, func(m sim.Message) error {
		message := city.Message{Server: "city", Topic: m.Topic, Body: slices.Clone(m.Body), Received: m.At}
		event, err := dialect.Parse(&message)
		return road.Offer(ctx, city.Arrival{Message: message, Event: event, Err: err, Acker: nobody{}})
	})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		mark, err := store.Mark(ctx)
		if err != nil {
			t.Fatal(err)
		}
		at, err := store.Cursor(ctx, writer.Name())
		if err != nil {
			t.Fatal(err)
		}
		if at == mark.Reading && at > 1000 && len(in.Readings(t, "place")) == len(town.Assets()) {
			t.Logf("%d readings", at)
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("InfluxDB has %d of %d readings after a minute", at, mark.Reading)
		}
	}
	stop()
	for range 3 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	return town
}
