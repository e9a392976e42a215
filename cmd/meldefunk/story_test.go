package main

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDemoStory plays the days that five minutes of the demo show, faster, and looks for
// the story in what the platform has stored: bins are full and emptied, trees dry out for a
// week until it rains, a gateway is away for a night, a battery ends, a sensor is blind.
func TestDemoStory(t *testing.T) {
	long(t, "a minute")
	const speed, days = 12_000, 8.3 // of the 2,400-fold lapse: five minutes
	p := &platform{t: t, dir: t.TempDir(), board: "http://127.0.0.1:" + freePort(t)}
	cmd := exec.Command(buildBinary(t, false), "demo", "--listen", strings.TrimPrefix(p.board, "http://"), "--data", p.path("data"), "--speed", fmt.Sprint(speed))
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	p.eventually(30*time.Second, "ready", func() error { _, err := p.get("/readyz"); return err })
	db := p.database()
	begin := time.Date(time.Now().Year(), time.June, 1, 4, 0, 0, 0, time.UTC)
	day := func(n float64) int64 { return begin.Add(time.Duration(n * 24 * float64(time.Hour))).UnixNano() }
	p.eventually(4*time.Minute, "the end of the eighth day", func() error {
		if got := number(t, db, fmt.Sprintf(`SELECT count(*) FROM readings WHERE time >= %d`, day(days))); got == 0 {
			return fmt.Errorf("no reading of it yet")
		}
		return nil
	})
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the demo did not end well: %v", err)
	}
	const rain = 7.3 // days; it comes in the afternoon of the eighth
	for _, c := range []struct {
		what, query string
		least, most float64
	}{
		{"bins reported as full", `SELECT count(*) FROM cases WHERE service = 'OS-ABF-01'`, 20, 1000},
		{"of these, emptied", `SELECT count(*) FROM cases WHERE service = 'OS-ABF-01' AND closed_value <= 30`, 10, 1000},
		{"trees reported as dry in the dry week", fmt.Sprintf(`SELECT count(*) FROM cases WHERE service = 'OS-GRN-01' AND since < %d`, day(rain)), 15, 80},
		{"of these, over by the rain", fmt.Sprintf(`SELECT count(*) FROM cases WHERE service = 'OS-GRN-01' AND closed_since >= %d`, day(rain)), 8, 80},
		{"trees below 30 % after the rain", fmt.Sprintf(`SELECT count(DISTINCT asset) FROM readings WHERE kind = 'soil' AND time > %d AND measured ->> 'usable_field_capacity' < 30`, day(8.1)), 0, 0},
		{"weak batteries reported", `SELECT count(*) FROM cases WHERE service = 'OS-SEN-03' AND asset LIKE '%'`, 1, 1},
		{"readings of that sensor on the third day", fmt.Sprintf(`SELECT count(*) FROM readings WHERE time > %d AND asset IN (SELECT asset FROM cases WHERE service = 'OS-SEN-03')`, day(2)), 0, 0},
		{"assets without a value because of a fault", `SELECT count(DISTINCT asset) FROM readings WHERE faults LIKE '%no_echo%' OR faults LIKE '%probe_broken%' OR faults LIKE '%implausible%'`, 2, 4},
		{"messages of a sensor that nobody entered", `SELECT count(*) FROM aside WHERE reason = 'unknown_device'`, 20, 1000},
		{"tickets the city's system has", `SELECT count(*) FROM tickets WHERE external_id <> ''`, 40, 2000},
	} {
		if got := number(t, db, c.query); got < c.least || got > c.most {
			t.Errorf("%s: %v, want %v to %v", c.what, got, c.least, c.most)
		}
	}
	heardBy := func(from, to float64) float64 {
		return number(t, db, fmt.Sprintf(`SELECT avg(gateways) FROM readings WHERE time BETWEEN %d AND %d`, day(from), day(to)))
	}
	if before, away, after := heardBy(1, 1.45), heardBy(1.55, 1.95), heardBy(2.05, 2.5); away > 0.9*before || away > 0.9*after {
		t.Errorf("frames are heard by %.2f gateways before the outage, %.2f in it, %.2f after it", before, away, after)
	}
}

// number is the one number that a query gives.
func number(t *testing.T, db *sql.DB, query string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(rows(t, db, query)[0], 64)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
