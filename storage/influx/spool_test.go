package influx

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// InfluxDB is away for seven hours, and every reading is of the first of them. The log warns
// three times on the way to the bound; what happens there is what was configured.
func TestSpoolIsFull(t *testing.T) {
	for name, c := range map[string]struct {
		spool SpoolConfig
		lost  int64 // of 1,500
		warns int
	}{
		"kept":                {SpoolConfig{MaxAge: 6 * time.Hour, Full: FullKeep}, 0, 3},
		"kept without bounds": {SpoolConfig{Full: FullKeep}, 0, 0},
		"no bound":            {SpoolConfig{Full: FullGiveUp}, 0, 0},
		"too old":             {SpoolConfig{MaxAge: 6 * time.Hour, Full: FullGiveUp}, 1500, 3},
		"too many":            {SpoolConfig{MaxReadings: 1000, Full: FullGiveUp}, 500, 1},
		"neither":             {SpoolConfig{MaxAge: 12 * time.Hour, MaxReadings: 2900, Full: FullGiveUp}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			cfg.Spool = c.spool
			run(t, cfg, 0, func(t *testing.T, r *rig) {
				r.wire.set(true, false)
				all := makeReadings(1, 1500)
				for i := range all {
					all[i].Received = time.Now().Add(time.Duration(i) * time.Millisecond)
				}
				r.source.add(all...)
				settled(7 * time.Hour)
				if s := r.State(); s.Lost != c.lost {
					t.Errorf("state %+v, want %d lost", s, c.lost)
				}
				if n := testutil.ToFloat64(r.meters.lost); n != float64(c.lost) {
					t.Errorf("counted %v lost, want %d", n, c.lost)
				}
				warned, told := 0, 0
				for _, line := range r.log.lines() {
					if strings.Contains(line, "comes near the bound") {
						warned++
					}
					if strings.Contains(line, "will never get these readings") {
						told++
					}
				}
				if warned != c.warns || (told > 0) != (c.lost > 0) {
					t.Errorf("warned %d times, want %d; told of a loss %d times:\n%s", warned, c.warns, told, strings.Join(r.log.lines(), "\n"))
				}
				r.wire.set(false, false)
				settled(longestPause + idle)
				r.wantStored(t, 1500-int(c.lost))
				if s := r.State(); s.Spool != 0 || s.Behind != 0 || testutil.ToFloat64(r.meters.spool) != 0 {
					t.Errorf("state afterwards %+v", s)
				}
			})
		})
	}
}

func TestSpoolConfig(t *testing.T) {
	for name, c := range map[string]struct {
		spool SpoolConfig
		says  string
	}{
		"default":     {DefaultConfig().Spool, ""},
		"no bounds":   {SpoolConfig{Full: FullKeep}, ""},
		"short":       {SpoolConfig{MaxAge: time.Minute, Full: FullKeep}, "max_age: 1m0s"},
		"few":         {SpoolConfig{MaxReadings: 10, Full: FullKeep}, "max_readings: 10"},
		"negative":    {SpoolConfig{MaxReadings: -1, Full: FullKeep}, "max_readings: -1"},
		"other words": {SpoolConfig{Full: "drop"}, `full: "drop"`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			cfg.Spool = c.spool
			err := cfg.Validate()
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), "spool: "+c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}
