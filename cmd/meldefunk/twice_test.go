package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestStartedTwice starts a second process on the data folder of a running one by mistake. It
// refuses, and says which folder it is and who has it; the first one goes on. Once that is
// gone, however it went, the folder is free.
func TestStartedTwice(t *testing.T) {
	p := newPlatform(t, buildBinary(t, false), strings.Replace(good, "inventory.yaml", "DIR/inventory.yaml", 1), map[string]string{"inventory.yaml": twoBins})
	p.launch()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, p.binary, "serve", "--config", p.config).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailure {
		t.Errorf("the second process ended with %v, want exit code %d", err, exitFailure)
	}
	want := fmt.Sprintf("data folder %s is in use by process %d: stop it first, or use another folder", p.path("data"), p.cmd.Process.Pid)
	if !strings.Contains(string(out), want) {
		t.Errorf("the second process says\n%s\nwant %q", out, want)
	}
	if _, err := p.get("/metrics"); err != nil {
		t.Errorf("the first one does not go on: %v", err)
	}
	p.kill()
	p.launch()
	p.stop()
}
