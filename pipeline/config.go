package pipeline

import (
	"errors"
	"fmt"
	"time"
)

// Config sets the bounds of the road.
type Config struct {
	// Batch is the most arrivals that go into one commit, 1 to 10,000. Under load large
	// batches cost half as much per uplink as small ones: an index page that a batch changes
	// is written once (docs/adr/0004).
	Batch int `yaml:"batch"`
	// MaxBacklog is how old an event time may be at arrival. Older claims are not believed:
	// the time of arrival counts.
	MaxBacklog time.Duration `yaml:"max_backlog"`
	// MaxAhead is how far in the future an event time may lie at arrival.
	MaxAhead time.Duration `yaml:"max_ahead"`
	// DeviceRate and DeviceBurst bound what one device may send: DeviceBurst messages in
	// DeviceBurst/DeviceRate seconds. The excess is set aside (docs/adr/0013). DeviceRate is
	// messages per second, 0 to 1,000; 0: any number. DeviceBurst is 10 to 1,000,000.
	DeviceRate  float64 `yaml:"device_rate"`
	DeviceBurst int     `yaml:"device_burst"`
	// Tick is how often time is looked at where nothing is heard, by the road's clock, 100 ms
	// to 1 min: silence, states that hold, quiet hours that end. Who walks the road calls
	// Road.Tick so often.
	Tick time.Duration `yaml:"tick"`
	// CasesPerHour is the safety brake: how many new cases one rule may bring in an hour,
	// where the rule does not say. More wait, and one case tells of them. 0: any number.
	CasesPerHour int `yaml:"cases_per_hour"`
	// Grace is how long a stop waits for a store that fails.
	Grace time.Duration `yaml:"-"`
}

// DefaultConfig suits a city of any size.
func DefaultConfig() Config {
	return Config{
		Batch: 4096, MaxBacklog: 7 * 24 * time.Hour, MaxAhead: 2 * time.Minute,
		DeviceRate: 1, DeviceBurst: 600, Tick: 5 * time.Second, CasesPerHour: 50, Grace: 5 * time.Second,
	}
}

// deviceWindow is the time in which a device may send DeviceBurst messages.
func (c *Config) deviceWindow() time.Duration {
	return time.Duration(float64(c.DeviceBurst) / c.DeviceRate * float64(time.Second))
}

// Validate gives every problem.
func (c *Config) Validate() error {
	var errs []error
	if c.Batch < 1 || c.Batch > 10_000 {
		errs = append(errs, fmt.Errorf("batch: %d is out of range: want 1 to 10000", c.Batch))
	}
	if c.MaxBacklog <= 0 {
		errs = append(errs, fmt.Errorf("max_backlog: %s must be positive, like 168h", c.MaxBacklog))
	}
	if c.MaxAhead < 0 {
		errs = append(errs, fmt.Errorf("max_ahead: %s must not be negative", c.MaxAhead))
	}
	if !(c.DeviceRate == 0 || c.DeviceRate >= 0.001 && c.DeviceRate <= 1000) {
		errs = append(errs, fmt.Errorf("device_rate: %g is out of range: want 0.001 to 1000 messages per second, or 0 to throttle nobody", c.DeviceRate))
	}
	if c.DeviceBurst < 10 || c.DeviceBurst > 1_000_000 {
		errs = append(errs, fmt.Errorf("device_burst: %d is out of range: want 10 to 1000000 messages", c.DeviceBurst))
	}
	if c.Tick < 100*time.Millisecond || c.Tick > time.Minute {
		errs = append(errs, fmt.Errorf("tick: %s is out of range: want 100ms to 1m", c.Tick))
	}
	if c.CasesPerHour < 0 || c.CasesPerHour > 100_000 {
		errs = append(errs, fmt.Errorf("cases_per_hour: %d is out of range: want 1 to 100000 new cases of one rule in an hour, or 0 for no brake", c.CasesPerHour))
	}
	return errors.Join(errs...)
}
