package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"meldefunk/city"
	"meldefunk/city/visitor"
	"meldefunk/dashboards/api"
)

// quick is a pulse that tests need not wait for.
func quick() api.Pulse {
	return api.Pulse{Pace: time.Millisecond, Beat: time.Hour, Life: time.Hour, Most: 500}
}

// stage is a server with a hub that runs.
type stage struct {
	hub  *api.Hub
	url  string
	stop func() // of the hub
}

func open(t testing.TB, p api.Pulse, v visitor.Visitor) *stage {
	t.Helper()
	return bounded(t, p, v, time.Hour)
}

// bounded is open with a server that bounds how long a request and its answer take.
func bounded(t testing.TB, p api.Pulse, v visitor.Visitor, within time.Duration) *stage {
	t.Helper()
	s, inv := osnabrueck(t)
	o := options(t, s, inv)
	o.Hub = newHub(t, p)
	srv := httptest.NewUnstartedServer(as(v, build(t, o)))
	srv.Config.ReadTimeout, srv.Config.WriteTimeout = within, within
	srv.Start()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Hub.Run(ctx) }()
	stop := func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ended <- nil
	}
	t.Cleanup(func() { stop(); srv.Close() })
	return &stage{o.Hub, srv.URL + api.Base + "/live", stop}
}

// viewer reads a stream.
type viewer struct {
	t     testing.TB
	resp  *http.Response
	lines *bufio.Reader
	id    string // the newest
}

func (s *stage) view(t testing.TB, query, seen string) *viewer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if seen != "" {
		r.Header.Set("Last-Event-ID", seen)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	v := &viewer{t: t, resp: resp, lines: bufio.NewReader(resp.Body)}
	t.Cleanup(v.close)
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, got)
	}
	if seen == "" {
		if name, _ := v.next(); name != "" || v.id == "" {
			t.Fatalf("began with %q, id %q", name, v.id)
		}
	}
	return v
}

func (v *viewer) close() { _ = v.resp.Body.Close() }

// next reads a block as EventSource does: the name and data of an event, or of a sign of life
// neither. "end" when there is no more.
func (v *viewer) next() (name, data string) {
	for {
		line, err := v.lines.ReadString('\n')
		if err != nil {
			return "end", ""
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "":
			return name, data
		case "event":
			name = value
		case "data":
			data = value
		case "id":
			v.id = value
		case "retry":
		default:
			v.t.Errorf("line %q", line)
		}
	}
}

// event skips signs of life.
func (v *viewer) event() (name, data string) {
	for name == "" {
		name, data = v.next()
	}
	return name, data
}

// told is a commit with readings of the assets named.
func told(assets ...string) *city.Commit {
	var c city.Commit
	for i, a := range assets {
		kind := city.Bin
		if strings.HasPrefix(a, "BM") {
			kind = city.Soil
		}
		c.Readings = append(c.Readings, city.Reading{ID: int64(i), Asset: a, Kind: kind, DevEUI: euiOf(7), Time: city.Stamp{At: now}, Received: now,
			Values: []city.Value{{Quantity: city.FillLevel, Number: 42.5}}})
	}
	return &c
}

func TestLive(t *testing.T) {
	s := open(t, quick(), program(visitor.ReadReadings, visitor.ReadTickets, visitor.ReadDevices))
	v, bins, one := s.view(t, "", ""), s.view(t, "?kind=bin", ""), s.view(t, "?asset=BM-1", "")
	c := told("PK-1", "BM-1", "PK-2")
	c.Readings = append(c.Readings, city.Reading{Asset: "PK-3", Late: true}, city.Reading{Asset: "PK-3", Simulated: true}, city.Reading{Withdrawn: true})
	c.Cases = []city.Case{{Ref: "S-A", Rule: "bin-full", Asset: "PK-1", Title: "Behälter voll", Grade: 2, Opened: now}, {Ref: "S-B", Closed: now}}
	s.hub.Tell(c)
	want := func(v *viewer, assets ...string) {
		t.Helper()
		for _, a := range assets {
			name, data := v.event()
			var r struct {
				Asset  string
				Values map[string]float64
			}
			err := json.Unmarshal([]byte(data), &r)
			if err != nil || name != "reading" || r.Asset != a || r.Values["fill_level"] != 42.5 || strings.Contains(data, "a840") {
				t.Errorf("%s %s, %v; want %s", name, data, err, a)
			}
		}
		for _, w := range []string{
			`{"ref":"S-A","change":"opened","at":"2026-11-21T13:05:00Z","rule":"bin-full","asset":"PK-1","title":"Behälter voll","severity":2}`,
			`{"ref":"S-B","change":"closed","at":"2026-11-21T13:05:00Z"}`,
		} {
			if name, data := v.event(); name != "case" || data != w {
				t.Errorf("%s %s, want %s", name, data, w)
			}
		}
	}
	want(v, "PK-1", "BM-1", "PK-2")
	want(bins, "PK-1", "PK-2")
	want(one, "BM-1")
	if n := s.hub.Viewers(); n != 3 {
		t.Errorf("%d viewers", n)
	}
	s.stop()
	if name, _ := v.event(); name != "end" {
		t.Errorf("%s after the end", name)
	}
}

// TestLiveTickets keeps cases from those who may not read tickets.
func TestLiveTickets(t *testing.T) {
	s := open(t, quick(), program(visitor.ReadReadings))
	v := s.view(t, "", "")
	c := told("PK-1")
	c.Cases = []city.Case{{Ref: "S-A", Opened: now}}
	s.hub.Tell(c)
	s.hub.Tell(told("PK-2"))
	for _, want := range []string{"PK-1", "PK-2"} {
		if name, data := v.event(); name != "reading" || !strings.Contains(data, want) {
			t.Errorf("%s %s, want %s", name, data, want)
		}
	}
}

// TestLiveAgain comes back with the newest id, and misses nothing; or has to reload.
func TestLiveAgain(t *testing.T) {
	s := open(t, quick(), program(visitor.ReadReadings))
	first := s.view(t, "", "")
	s.hub.Tell(told("PK-1", "PK-2"))
	first.event()
	after1 := first.id
	first.event()
	first.close()
	s.hub.Tell(told("PK-3"))
	again := s.view(t, "", after1)
	for _, want := range []string{"PK-2", "PK-3"} {
		if name, data := again.event(); name != "reading" || !strings.Contains(data, want) {
			t.Errorf("%s %s, want %s", name, data, want)
		}
	}
	boot, _, _ := strings.Cut(after1, "-")
	for _, seen := range []string{"anderer-3", "unsinn", boot + "-99", boot + "-", boot + "--7", boot + "-99999999999999999999"} {
		v := s.view(t, "", seen)
		if name, _ := v.event(); name != "reload" {
			t.Errorf("%s: %s, want reload", seen, name)
		}
		if name, _ := v.event(); name != "end" {
			t.Errorf("%s: %s after reload", seen, name)
		}
		// Who comes with the id of the reload has to reload no more.
		s.hub.Tell(told("PK-5"))
		if name, data := s.view(t, "", v.id).event(); name != "reading" || !strings.Contains(data, "PK-5") {
			t.Errorf("%s: %s %s after reload", seen, name, data)
		}
	}
	for range 2100 { // more than are kept
		s.hub.Tell(told("PK-4"))
	}
	if name, _ := s.view(t, "", after1).event(); name != "reload" {
		t.Errorf("%s, want reload: what was missed is gone", name)
	}
}

// TestLiveSlow has a viewer that takes nothing: whoever tells is not held up, and the viewer has
// to reload.
func TestLiveSlow(t *testing.T) {
	s := open(t, quick(), program(visitor.ReadReadings))
	slow, good := s.view(t, "", ""), s.view(t, "", "")
	const rounds = 25
	for i := range rounds {
		var assets []string
		for j := range 2000 { // more than a socket holds, all in all
			assets = append(assets, fmt.Sprintf("PK-%d-%d", i, j))
		}
		s.hub.Tell(told(assets...))
		for n, name := 0, ""; n < len(assets); n++ { // it keeps up
			if name, _ = good.event(); name != "reading" {
				t.Fatalf("round %d: %s", i, name)
			}
		}
	}
	n, name := 0, "reading"
	for ; name == "reading"; n++ {
		name, _ = slow.event()
	}
	// It is told to reload, or was cut off because it took ten seconds for one piece.
	if name != "reload" && name != "end" || n > rounds*2000 {
		t.Errorf("%s after %d readings, want reload", name, n)
	}
}

func TestLiveSignsOfLife(t *testing.T) {
	p := quick()
	const within = time.Second // for the machine may be busy when the request comes
	p.Beat, p.Life = within/4, 3*within
	s := bounded(t, p, program(visitor.ReadReadings), within)
	v := s.view(t, "", "")
	begun, beats, name := time.Now(), 0, ""
	for ; name == ""; beats++ {
		name, _ = v.next()
	}
	if lived := time.Since(begun); name != "end" || beats < 2 || lived < 2*within {
		t.Errorf("%s after %d signs of life and %v: the server's bounds have ended it", name, beats, lived)
	}
}

func TestLiveRefuses(t *testing.T) {
	p := quick()
	p.Most = 2
	s := open(t, p, program(visitor.ReadReadings))
	a, _ := s.view(t, "", ""), s.view(t, "", "")
	for query, want := range map[string]int{"": 503, "?kind=tree": 400, "?color=red": 400} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want || (want == 503) != (resp.Header.Get("Retry-After") != "") {
			t.Errorf("%s: %d, want %d", query, resp.StatusCode, want)
		}
	}
	a.close()
	for s.hub.Viewers() > 1 { // until the server has noticed
		s.hub.Tell(told("PK-1"))
	}
	s.view(t, "", "")
	for _, test := range []struct {
		who  visitor.Visitor
		want int
	}{{visitor.Visitor{}, 401}, {program(visitor.ReadTickets), 403}} {
		st, inv := osnabrueck(t)
		if w := get(as(test.who, build(t, options(t, st, inv))), api.Base+"/live"); w.Code != test.want {
			t.Errorf("%d, want %d", w.Code, test.want)
		}
	}
}

func TestLiveLeaks(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	t.Run("all", func(t *testing.T) {
		s := open(t, quick(), program(visitor.ReadReadings))
		for range 20 {
			v := s.view(t, "", "")
			s.hub.Tell(told("PK-1"))
			v.event()
		}
	})
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	goleak.VerifyNone(t, ignore)
}

// BenchmarkLive200 tells 200 viewers of ten new readings, which a city of 10,000 sensors has
// each second, and reports the CPU time of the whole process, the viewers' included. Once a
// second costs this many milliseconds of one core each second.
func BenchmarkLive200(b *testing.B) {
	s := open(b, quick(), program(visitor.ReadReadings))
	const viewers, readings = 200, 10
	var conns []net.Conn
	host := strings.TrimPrefix(strings.Split(s.url, api.Base)[0], "http://")
	for range viewers {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, "GET "+api.Base+"/live HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			b.Fatal(err)
		}
		conns = append(conns, conn)
	}
	for s.hub.Viewers() < viewers {
		time.Sleep(time.Millisecond)
	}
	var assets []string
	for i := range readings {
		assets = append(assets, fmt.Sprintf("PK-%04d", i))
	}
	last := assets[readings-1]
	buffer := make([]byte, 64<<10)
	cpu := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	begun := cpu()
	for b.Loop() {
		s.hub.Tell(told(assets...))
		for _, conn := range conns {
			for got := ""; !strings.Contains(got, last); {
				n, err := conn.Read(buffer)
				if err != nil {
					b.Fatal(err)
				}
				got += string(buffer[:n])
			}
		}
	}
	b.ReportMetric(float64(cpu()-begun)/float64(time.Millisecond)/float64(b.N), "cpu-ms/op")
}
