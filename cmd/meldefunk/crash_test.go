package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/decoders"
	sim "meldefunk/firmware-sim"
	"meldefunk/gateway-bridge/brokertest"
	"meldefunk/storage/influxtest"
	"meldefunk/tickets/georeport"
)

const (
	crashes      = 10
	influxOutage = 30 * time.Second
	crashServer  = "network_servers:\n  - {name: city, dialect: chirpstack-v4, broker: %q}\n"
	// crashBase has an inventory, and event times believed however old they are.
	crashBase = "inventory: [DIR/devices.csv]\nroad: {max_backlog: 876000h}\n"
)

// traffic is half a day of a simulated city: lost frames, duplicates, broken sensors.
func traffic(t testing.TB) (all []published, town *sim.City) {
	t.Helper()
	cfg := sim.DefaultConfig()
	cfg.Seed, cfg.Bins, cfg.Trees, cfg.Bays, cfg.Loss, cfg.Duplicates = 7, 120, 50, 40, 0.05, 0.03
	town = sim.New(cfg)
	from := time.Date(2026, 11, 16, 5, 0, 0, 0, time.UTC)
	err := sim.Play{City: town, Encoder: decoders.New()}.Events(from, from.Add(12*time.Hour), func(m sim.Message) error {
		all = append(all, published{m.Topic, slices.Clone(m.Body)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, town
}

// inventoryFile writes the simulated city as an operator would.
func inventoryFile(town *sim.City) string {
	var b strings.Builder
	b.WriteString("dev_eui;model;asset;kind;name;lat;lon;empty_mm;full_mm;offset_mm\n")
	assets := map[string]city.Asset{}
	for _, a := range town.Assets() {
		assets[a.ID] = a
	}
	for _, d := range town.Devices() {
		a := assets[d.Asset]
		calibration := ";;"
		if a.Bin != nil {
			calibration = fmt.Sprintf("%g;%g;%g", a.Bin.Empty, a.Bin.Full, a.Bin.Offset)
		}
		fmt.Fprintf(&b, "%s;%s;%s;%s;%s;%g;%g;%s\n", d.DevEUI, d.Model, a.ID, a.Kind, a.Name, a.Position.Lat, a.Position.Lon, strings.ReplaceAll(calibration, ".", ","))
	}
	return b.String()
}

// framesSent counts the distinct frames of known devices by reading the messages.
func framesSent(t testing.TB, all []published, town *sim.City) int {
	t.Helper()
	known := map[string]bool{}
	for _, d := range town.Devices() {
		known[d.DevEUI.String()] = true
	}
	frames := map[string]bool{}
	for _, m := range all {
		var e struct {
			DeviceInfo struct{ DevEUI string }
			FCnt       *int
			DevAddr    string
		}
		if err := json.Unmarshal(m.body, &e); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(m.topic, "/up") && known[e.DeviceInfo.DevEUI] {
			frames[fmt.Sprint(e.DeviceInfo.DevEUI, e.DevAddr, *e.FCnt)] = true
		}
	}
	return len(frames)
}

// TestCrashes kills the platform ten times at random moments under load, takes InfluxDB
// away for half a minute and lets the ticket server lose answers. What comes out must be
// what an undisturbed run makes of the same messages: no reading missing, none twice,
// every ticket exactly once.
func TestCrashes(t *testing.T) {
	long(t, "a minute and a half")
	broker, in := brokertest.Start(t), influxtest.Start(t)
	messages, town := traffic(t)
	binary := buildBinary(t, false)
	files := map[string]string{"devices.csv": inventoryFile(town)}

	calm := outcomeOf(t, undisturbed(t, binary, files, messages))
	if want := framesSent(t, messages, town); len(calm.frames) != want {
		t.Fatalf("the undisturbed run kept %d frames, the city sent %d", len(calm.frames), want)
	}
	if len(calm.cases) < 10 {
		t.Fatalf("only %d cases: the traffic says too little about tickets", len(calm.cases))
	}

	server, endpoint := ticketServer(t)
	files["influx.token"], files["open311.key"] = in.Token, ticketKey
	config := crashBase + fmt.Sprintf(crashServer, broker.URL()) + influxConfig(in) + ticketConfig(endpoint)
	p := newPlatform(t, binary, config, files)
	p.start()

	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range messages {
			broker.Publish(messages[i].topic, messages[i].body)
			time.Sleep(35 * time.Second / time.Duration(len(messages)))
		}
	}()
	back := make(chan struct{})
	go func() {
		defer close(back)
		time.Sleep(3 * time.Second)
		in.Kill()
		time.Sleep(influxOutage)
		in.Restart()
	}()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for n := range crashes {
		time.Sleep(time.Duration(300+random.IntN(2700)) * time.Millisecond)
		server.Fail([]georeport.Fault{georeport.Drop, georeport.BadGateway, georeport.Truncate, georeport.Unavailable}[n%4], 1)
		p.kill()
		p.launch()
	}
	<-sent
	<-back
	p.eventually(60*time.Second, "all frames", func() error {
		if n := rows(t, p.database(), `SELECT count(*) FROM frames`)[0]; n != fmt.Sprint(len(calm.frames)) {
			return fmt.Errorf("%s frames, want %d", n, len(calm.frames))
		}
		return nil
	})
	p.eventually(60*time.Second, "all tickets told", func() error {
		if n := rows(t, p.database(), `SELECT count(*) FROM tickets t JOIN cases c USING (ref)
			WHERE t.state <> CASE WHEN c.closed IS NULL THEN 'open' ELSE 'closed' END AND t.state <> 'cancelled'`)[0]; n != "0" {
			return fmt.Errorf("%s tickets are not as they should be: %v", n, rows(t, p.database(), `SELECT state, error, count(*) FROM tickets GROUP BY 1, 2`))
		}
		return nil
	})
	p.eventually(90*time.Second, "all points in InfluxDB", func() error {
		points := len(in.Readings(t, "bin")) + len(in.Readings(t, "soil")) + len(in.Readings(t, "parking"))
		if points != len(calm.readings) {
			return fmt.Errorf("%d points, want %d", points, len(calm.readings))
		}
		return nil
	})
	p.stop()

	got := outcomeOf(t, p)
	same(t, "frames", got.frames, calm.frames)
	same(t, "readings", got.readings, calm.readings)
	same(t, "cases", got.cases, calm.cases)
	oneTicketPerCase(t, p, server)
}

const ticketKey = "a-key-for-tests"

func ticketServer(t *testing.T) (*georeport.Server, string) {
	t.Helper()
	var services []georeport.Service
	for _, code := range []string{"OS-ABF-01", "OS-ABF-02", "OS-GRN-01", "OS-PRK-01", "OS-SEN-01", "OS-SEN-02", "OS-SEN-03", "OS-SEN-04", "OS-GWY-01"} {
		services = append(services, georeport.Service{Code: code, Name: code})
	}
	server, err := georeport.New(georeport.Config{APIKey: ticketKey, Services: services, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(func() { web.Close(); _ = server.Close() })
	return server, web.URL
}

func ticketConfig(endpoint string) string {
	return fmt.Sprintf(`tickets:
  system: open311
  backoff: [200ms, 500ms]
  search_after: [0s, 200ms, 500ms]
  routes: [{hours: always, auto_close: always}]
  open311:
    endpoint: %q
    api_key_file: DIR/open311.key
    updates: servicerequestupdates
    timeout: 2s
    service_map: {OS-ABF-01: OS-ABF-01, OS-ABF-02: OS-ABF-02, OS-GRN-01: OS-GRN-01, OS-PRK-01: OS-PRK-01,
      OS-SEN-01: OS-SEN-01, OS-SEN-02: OS-SEN-02, OS-SEN-03: OS-SEN-03, OS-SEN-04: OS-SEN-04, OS-GWY-01: OS-GWY-01}
`, endpoint)
}

// outcome is what a run has left behind, as text to compare.
type outcome struct{ frames, readings, cases []string }

func outcomeOf(t *testing.T, p *platform) outcome {
	t.Helper()
	db := p.database()
	return outcome{
		frames:   rows(t, db, `SELECT dev_eui, epoch, fcnt, fate, hex(payload), time FROM frames ORDER BY 1, 2, 3`),
		readings: rows(t, db, `SELECT dev_eui, epoch, fcnt, time, measured, faults, flags, asset FROM readings ORDER BY 1, 2, 3`),
		cases: rows(t, db, `SELECT rule, asset, since, value, closed IS NOT NULL, coalesce(closed_since, ''), coalesce(closed_value, '')
			FROM cases ORDER BY 1, 2, 3`),
	}
}

// undisturbed is a platform that has had all messages from a broker, and was stopped.
func undisturbed(t *testing.T, binary string, files map[string]string, messages []published) *platform {
	t.Helper()
	broker := brokertest.Start(t)
	p := newPlatform(t, binary, crashBase+fmt.Sprintf(crashServer, broker.URL()), files)
	p.start()
	for i := range messages {
		broker.Publish(messages[i].topic, messages[i].body)
	}
	p.wantMetrics(60*time.Second, map[string]float64{"meldefunk_road_acknowledged_total": float64(len(messages))})
	p.stop()
	return p
}

// sameAsUndisturbed wants a platform that was stopped to have kept the frames and readings
// that an undisturbed one makes of the messages, in whatever order they came.
func sameAsUndisturbed(t *testing.T, p *platform, files map[string]string, messages []published) {
	t.Helper()
	calm := undisturbed(t, p.binary, files, messages)
	const frames = `SELECT dev_eui, fcnt, fate, hex(payload), time FROM frames ORDER BY 1, 2, 5`
	same(t, "frames", rows(t, p.database(), frames), rows(t, calm.database(), frames))
	const readings = `SELECT dev_eui, fcnt, time, asset FROM readings ORDER BY 1, 2, 3`
	same(t, "readings", rows(t, p.database(), readings), rows(t, calm.database(), readings))
}

// same compares two lists line by line and shows the first differences.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	count := map[string]int{}
	for _, g := range got {
		count[g]++
	}
	for _, w := range want {
		count[w]--
	}
	shown := 0
	for line, n := range count {
		if n != 0 && shown < 10 {
			shown++
			t.Errorf("%s: %+d %s", what, n, line)
		}
	}
	t.Errorf("%s: got %d, want %d", what, len(got), len(want))
}

// oneTicketPerCase compares the ticket server's own list with the cases.
func oneTicketPerCase(t *testing.T, p *platform, server *georeport.Server) {
	t.Helper()
	tickets := map[string][]georeport.Request{}
	for _, r := range server.Requests() {
		_, ref, ok := cutLast(strings.TrimSuffix(strings.TrimSpace(r.Description), "]"), "[Ref ")
		if !ok {
			t.Errorf("ticket %d has no reference: %q", r.ID, r.Description)
		}
		tickets[ref] = append(tickets[ref], r)
	}
	for _, line := range rows(t, p.database(), `SELECT c.ref, c.closed IS NOT NULL, t.state, t.external_id FROM cases c JOIN tickets t USING (ref)`) {
		f := strings.Split(line, "|")
		ref, closed, state, id := f[0], f[1] == "1", f[2], f[3]
		found := tickets[ref]
		delete(tickets, ref)
		if state == "cancelled" && len(found) == 0 {
			continue // opened and closed before anything was sent
		}
		if len(found) != 1 {
			t.Errorf("case %s has %d tickets", ref, len(found))
			continue
		}
		if found[0].Closed != closed || fmt.Sprint(found[0].ID) != id {
			t.Errorf("case %s (closed %v, number %s) and ticket %d (closed %v) differ", ref, closed, id, found[0].ID, found[0].Closed)
		}
	}
	for ref, found := range tickets {
		t.Errorf("ticket %d of unknown case %q", found[0].ID, ref)
	}
}
