package influx

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/influxtest"
)

func TestRenderPlaces(t *testing.T) {
	at := time.Unix(86400, 0)
	for _, c := range []struct {
		name  string
		asset city.Asset
		want  string
	}{
		{"whole", city.Asset{ID: "PK-0042", Kind: city.Bin, Name: "Papierkorb Domhof 4", District: "Innenstadt", Tour: "5", Position: &city.Position{Lat: 52.27, Lon: 8.05}},
			`place,asset=PK-0042 id="PK-0042",kind="bin",name="Papierkorb Domhof 4",district="Innenstadt",tour="5",latitude=52.27,longitude=8.05 86400000000000`},
		{"not surveyed, in no district", city.Asset{ID: "BA-1", Kind: city.Soil}, `place,asset=BA-1 id="BA-1",kind="soil",name="",district="",tour="" 86400000000000`},
		{"zero is a position", city.Asset{ID: "x", Kind: city.Bin, Position: &city.Position{}}, `place,asset=x id="x",kind="bin",name="",district="",tour="",latitude=0,longitude=0 86400000000000`},
		{"odd letters", city.Asset{ID: "a b,c=d", Kind: city.Bin, Name: "\"x\"\\\n, y=z"}, `place,asset=a\ b\,c\=d id="a b,c=d",kind="bin",name="\"x\"\\ , y=z",district="",tour="" 86400000000000`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(renderPlaces([]*city.Asset{&c.asset}, at)); got != c.want+"\n" {
				t.Errorf("got  %swant %s", got, c.want)
			}
		})
	}
}

// TestPlaces lets days pass, assets change and InfluxDB fail, in virtual time.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		assets := make([]*city.Asset, placeBatch+1)
		for i := range assets {
			assets[i] = &city.Asset{ID: "PK-" + strings.Repeat("1", i%9) + string(rune('a'+i%26)), Kind: city.Bin}
		}
		server, log := newStrict(), &journal{}
		broken, writes, last := false, 0, 0
		server.judge = func(w http.ResponseWriter, _ *http.Request, lines []string) bool {
			mu.Lock()
			defer mu.Unlock()
			if broken {
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
			writes, last = writes+1, len(lines)
			return false
		}
		w := newWriter(t, testConfig(t), newMemory(nil), zerolog.New(log))
		w.now = time.Now
		w.connect(newCarrier(&wire{handler: server}, testToken))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- w.RunPlaces(ctx, func() []*city.Asset {
				mu.Lock()
				defer mu.Unlock()
				return assets
			})
		}()
		after := func(d time.Duration, what string, want int) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if writes != want {
				t.Errorf("%s: %d writes, want %d", what, writes, want)
			}
		}
		after(time.Second, "at the start", 2)
		if mu.Lock(); last != 1 {
			t.Errorf("the second write has %d lines, want 1", last)
		}
		mu.Unlock()
		after(2*placeLook, "nothing has changed", 2)
		mu.Lock()
		assets = []*city.Asset{{ID: "PK-1", Kind: city.Bin, District: "Innenstadt"}}
		mu.Unlock()
		after(3*time.Hour, "the inventory was read anew", 3)
		mu.Lock()
		broken = true
		mu.Unlock()
		after(24*time.Hour, "InfluxDB is away as a day begins", 3)
		if lines := log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "places") || strings.Contains(lines[0], testToken) {
			t.Errorf("log: %q, want one line about places", lines)
		}
		mu.Lock()
		broken = false
		mu.Unlock()
		after(2*placeLook, "InfluxDB is back", 4)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("RunPlaces: %v", err)
		}
	})
}

// TestRealPlaces wants a place that was written again to hold nothing of the former one.
func TestRealPlaces(t *testing.T) {
	s := influxtest.Start(t)
	w := newWriter(t, realConfig(t, s), newMemory(nil), zerolog.Nop())
	defer w.http.CloseIdleConnections()
	at := time.Now().UTC().Truncate(24 * time.Hour)
	for _, a := range []city.Asset{
		{ID: "PK-1", Kind: city.Bin, Name: "Domhof \"4\"", District: "Innenstadt", Tour: "5", Position: &city.Position{Lat: 52.27, Lon: 8.05}},
		{ID: "PK-1", Kind: city.Bin, Name: "Neumarkt", Position: &city.Position{Lat: 52.28, Lon: 8.05}},
	} {
		if err := w.writePlaces(t.Context(), renderPlaces([]*city.Asset{&a}, at)); err != nil {
			t.Fatal(err)
		}
	}
	rows := s.Readings(t, "place")
	if len(rows) != 1 || rows[0].Fields["name"] != "Neumarkt" || rows[0].Fields["latitude"] != 52.28 || rows[0].Tags["asset"] != "PK-1" {
		t.Fatalf("stored: %v", rows)
	}
	for _, field := range []string{"district", "tour"} {
		if text, _ := rows[0].Fields[field].(string); text != "" {
			t.Errorf("%s is still %q", field, text)
		}
	}
}
