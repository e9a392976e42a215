package javascript

import (
	"errors"
	"fmt"
	"time"
)

// Config is how codecs are kept in bounds.
type Config struct {
	// Workers is how many codecs run at the same time, each in a process of its own: 1 to 16.
	Workers int `yaml:"workers"`
	// Timeout is how long one run may take: 5ms to 120ms. A worker that got less than half of it
	// from a busy machine has 60 % longer.
	Timeout time.Duration `yaml:"timeout"`
	// MemoryMiB is what one run may use, 4 to 32 MiB.
	MemoryMiB int `yaml:"memory_mib"`
}

// DefaultConfig fits a city: two workers, so that a codec that hangs delays nobody else.
func DefaultConfig() Config {
	return Config{Workers: 2, Timeout: 100 * time.Millisecond, MemoryMiB: 32}
}

// Validate gives every problem, joined.
func (c Config) Validate() error {
	var problems []error
	if c.Workers < 1 || c.Workers > 16 {
		problems = append(problems, fmt.Errorf("workers: is %d: want 1 to 16", c.Workers))
	}
	if c.Timeout < 5*time.Millisecond || c.Timeout > 120*time.Millisecond {
		problems = append(problems, fmt.Errorf("timeout: is %s: want 5ms to 120ms", c.Timeout))
	}
	if c.MemoryMiB < 4 || c.MemoryMiB > 32 {
		problems = append(problems, fmt.Errorf("memory_mib: is %d: want 4 to 32", c.MemoryMiB))
	}
	return errors.Join(problems...)
}
