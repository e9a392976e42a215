package javascript

import (
	"fmt"
	"os"
	"syscall"
)

const (
	// spareData is what a worker may allocate beyond what it has when it starts, JavaScript's
	// own memory included in the latter: compiled codecs, stacks, answers.
	spareData = 32 << 20
	// spareSpace is for reservations of address space. Go's heap grows by 64 MiB of them, takes
	// twice that for a moment to align one, and starts at random somewhere in the first.
	spareSpace = 1 << 30
)

// confine takes from this process, for good, what a codec has no use for: opening or
// writing files, memory without end, a core dump with strangers' data.
func confine() error {
	space, data, err := memory()
	if err != nil {
		return fmt.Errorf("confine the worker: %w", err)
	}
	for _, l := range []struct {
		what  string
		which int
		limit uint64
	}{
		{"address space", syscall.RLIMIT_AS, space + spareSpace},
		{"data", syscall.RLIMIT_DATA, data + spareData},
		{"file size", syscall.RLIMIT_FSIZE, 0},
		{"core dump", syscall.RLIMIT_CORE, 0},
		{"open files", syscall.RLIMIT_NOFILE, 3},
	} {
		if err := syscall.Setrlimit(l.which, &syscall.Rlimit{Cur: l.limit, Max: l.limit}); err != nil {
			return fmt.Errorf("confine the worker: %s: %w", l.what, err)
		}
	}
	return nil
}

// memory gives the bytes of address space and of data this process has, see proc(5), statm.
func memory() (space, data uint64, err error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0, err
	}
	var resident, shared, code, lib uint64
	if _, err := fmt.Sscan(string(text), &space, &resident, &shared, &code, &lib, &data); err != nil {
		return 0, 0, fmt.Errorf("/proc/self/statm: %w", err)
	}
	page := uint64(os.Getpagesize())
	return space * page, data * page, nil
}
