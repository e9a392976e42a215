package influxtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// patience is how long influxd gets to start or to end. A loaded machine with two cores
// has been seen to need 3 s.
const patience = 30 * time.Second

// process is one run of influxd.
type process struct {
	dir    string
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended
}

// start starts influxd and returns when it answers.
func (i influxd) start(dir, address string) (*process, error) {
	conf := filepath.Join(dir, "influxd.conf")
	if err := os.WriteFile(conf, i.config(dir, address), 0o600); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, "influxd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(i.path, "-config", conf)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "HOME="+dir)
	cmd.SysProcAttr = dieWithTest()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{dir: dir, cmd: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended does not matter, only that
		close(p.exited)
	}()
	if err := p.ready(address); err != nil {
		_ = p.kill()
		return nil, fmt.Errorf("%s: %w; it said:\n%s", i.path, err, logTail(dir))
	}
	return p, nil
}

// config writes what influxd needs to know. It reports to nobody and listens on loopback
// only.
func (i influxd) config(dir, address string) []byte {
	v2 := ""
	if i.speaksV2() {
		v2 = "  auth-enabled = true\n  flux-enabled = true\n  flux-log-enabled = false\n"
	}
	return fmt.Appendf(nil, `reporting-enabled = false
bind-address = "127.0.0.1:0"
[meta]
  dir = %q
[data]
  dir = %q
  wal-dir = %q
  query-log-enabled = false
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[http]
  enabled = true
  bind-address = %q
  log-enabled = false
%s`, filepath.Join(dir, "meta"), filepath.Join(dir, "data"), filepath.Join(dir, "wal"), address, v2)
}

func (p *process) ready(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/ping", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusNoContent {
				return nil
			}
		}
		select {
		case <-p.exited:
			return errors.New("it ended instead of listening on " + address)
		case <-ctx.Done():
			return fmt.Errorf("no answer on %s within %v", address, patience)
		case <-poll.C:
		}
	}
}

func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only when it has ended already
	select {
	case <-p.exited:
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("influxd did not end within %v", patience), p.kill())
	}
}

func (p *process) kill() error {
	_ = p.cmd.Process.Kill() // fails only when it has ended already
	select {
	case <-p.exited:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("influxd (process %d) survived kill -9 for %v", p.cmd.Process.Pid, patience)
	}
}
