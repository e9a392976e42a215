package influx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meldefunk/city"
)

// Words for what happens when the spool is full.
const (
	FullKeep   = "keep"
	FullGiveUp = "give_up_oldest"
)

// SpoolConfig bounds what waits for InfluxDB. It waits in the database, where readings are
// anyway, so the bound is there to warn, and, only where it says so, to give up.
type SpoolConfig struct {
	MaxAge      time.Duration `yaml:"max_age"`      // since arrival, at least 1h; 0: any
	MaxReadings int64         `yaml:"max_readings"` // 0: any number
	// Full is "keep": everything waits, however long; or "give_up_oldest": InfluxDB does not
	// get the oldest readings. They stay in the database.
	Full string `yaml:"full"`
}

func (c *SpoolConfig) validate() error {
	var errs []error
	if c.MaxAge != 0 && c.MaxAge < time.Hour {
		errs = append(errs, fmt.Errorf("spool: max_age: %v is shorter than an outage; want 1h or more, or 0 for any", c.MaxAge))
	}
	if c.MaxReadings != 0 && c.MaxReadings < 1000 {
		errs = append(errs, fmt.Errorf("spool: max_readings: %d is fewer than one write; want 1000 or more, or 0 for any number", c.MaxReadings))
	}
	if c.Full != FullKeep && c.Full != FullGiveUp {
		errs = append(errs, fmt.Errorf("spool: full: %.40q is not one of keep, give_up_oldest", c.Full))
	}
	return errors.Join(errs...)
}

// share is how full the spool is: 1 is its bound.
func (c *SpoolConfig) share(readings int64, age time.Duration) float64 {
	var share float64
	if c.MaxAge > 0 {
		share = float64(age) / float64(c.MaxAge)
	}
	if c.MaxReadings > 0 {
		share = max(share, float64(readings)/float64(c.MaxReadings))
	}
	return max(0, share)
}

// warnAt are the shares at which the log warns.
var warnAt = [...]float64{0.5, 0.8, 0.95}

// spooled notes how much waits, given the oldest reading that does (nil: none), and warns
// when that has become too much.
func (w *Writer) spooled(readings int64, oldest *city.Reading) {
	var share float64
	var age time.Duration
	if oldest != nil {
		age = w.now().Sub(oldest.Received)
		share = w.cfg.Spool.share(readings, age)
	}
	w.meters.spool.Set(share)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.Spool = share
	level := 0
	for level < len(warnAt) && share >= warnAt[level] {
		level++
	}
	if level > w.warned {
		w.log.Warn().Float64("percent", 100*share).Int64("readings", readings).Dur("oldest", age).Str("when_full", w.cfg.Spool.Full).
			Msg("what waits for InfluxDB comes near the bound of influxdb.spool: bring InfluxDB back or raise the bound")
	}
	w.warned = level
}

// giveUp lets the oldest readings go that are beyond the bound, if that is configured.
func (w *Writer) giveUp(ctx context.Context) error {
	c := &w.cfg.Spool
	if c.Full != FullGiveUp || c.MaxAge == 0 && c.MaxReadings == 0 {
		return nil
	}
	var before time.Time
	if c.MaxAge > 0 {
		before = w.now().Add(-c.MaxAge)
	}
	loss, err := w.source.GiveUp(ctx, w.name, before, c.MaxReadings)
	if err != nil {
		return fmt.Errorf("give up readings beyond the bound of the spool: %w", err)
	}
	if loss.Last <= w.cursor {
		return nil
	}
	w.cursor = loss.Last
	w.meters.lost.Add(float64(loss.Readings))
	w.mu.Lock()
	w.state.Lost += loss.Readings
	w.mu.Unlock()
	w.log.Error().Int64("readings", loss.Readings).Int64("first", loss.First).Int64("last", loss.Last).Time("from", loss.From).Time("to", loss.To).
		Msg("InfluxDB was away until the bound of influxdb.spool: it will never get these readings, which stay in the database")
	return nil
}
