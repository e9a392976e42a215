package main

import (
	"fmt"
	"os"
	"strings"
)

// memory is a figure that Linux has about the platform's process, in kB: VmRSS is what is
// resident now, VmHWM the most that ever was.
func (p *platform) memory(figure string) int64 {
	p.t.Helper()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		p.t.Skipf("skipped: how much memory a process has is read from /proc, which is missing here (want Linux): %v", err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatalf("memory of the platform: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		var kB int64
		if n, _ := fmt.Sscanf(line, figure+": %d kB", &kB); n == 1 {
			return kB
		}
	}
	p.t.Fatalf("the platform has no %s: has it ended?", figure)
	return 0
}
