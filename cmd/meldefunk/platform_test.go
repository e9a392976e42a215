package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// platform is a meldefunk process under test, with its files.
type platform struct {
	t      testing.TB
	binary string
	dir    string
	config string

	cmd   *exec.Cmd
	board string
	ended chan struct{}
	log   *logBuffer
}

// logBuffer keeps what the processes have written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.WriteString(line + "\n")
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var binaries struct {
	mu    sync.Mutex
	paths map[bool]string
	dir   string
}

// buildBinary builds the program once, with or without the race detector.
func buildBinary(t testing.TB, race bool) string {
	t.Helper()
	binaries.mu.Lock()
	defer binaries.mu.Unlock()
	if path := binaries.paths[race]; path != "" {
		return path
	}
	if binaries.dir == "" {
		dir, err := os.MkdirTemp("", "meldefunk-test-")
		if err != nil {
			t.Fatal(err)
		}
		binaries.dir, binaries.paths = dir, map[bool]string{}
	}
	path := filepath.Join(binaries.dir, fmt.Sprintf("meldefunk-race-%v", race))
	args := []string{"build", "-o", path}
	if race {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	binaries.paths[race] = path
	return path
}

// long leaves a test out with -short. CI has no -short.
func long(t *testing.T, takes string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("left out with -short: takes %s; CI runs it, with make test", takes)
	}
}

// newPlatform writes a configuration. config is the main file without data and board;
// files are written beside it.
func newPlatform(t testing.TB, binary, config string, files map[string]string) *platform {
	t.Helper()
	p := &platform{t: t, binary: binary, dir: t.TempDir(), log: &logBuffer{}}
	p.config = filepath.Join(p.dir, "meldefunk.yaml")
	config = fmt.Sprintf("data: %s\nboard: {listen: \"127.0.0.1:0\"}\n", p.path("data")) + strings.ReplaceAll(config, "DIR", p.dir)
	p.write("meldefunk.yaml", config)
	for name, text := range files {
		p.write(name, text)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of the platform:\n%s", tail(p.log.String(), 8000))
		}
	})
	return p
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

func (p *platform) path(name string) string { return filepath.Join(p.dir, name) }

func (p *platform) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *platform) folder(name string) {
	p.t.Helper()
	if err := os.Mkdir(p.path(name), 0o700); err != nil {
		p.t.Fatal(err)
	}
}

// launch starts the process and returns when it says that it has started.
func (p *platform) launch() {
	p.t.Helper()
	p.cmd = exec.Command(p.binary, "serve", "--config", p.config)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	started, ended := make(chan string, 1), make(chan struct{})
	p.ended = ended
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(stderr)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p.log.add(lines.Text())
			var entry struct{ Message, Board string }
			if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Message == "started" {
				started <- entry.Board
			}
		}
	}()
	select {
	case p.board = <-started:
	case <-ended:
		_ = p.cmd.Wait()
		p.t.Fatalf("the platform ended at its start:\n%s", tail(p.log.String(), 4000))
	case <-time.After(30 * time.Second):
		p.t.Fatal("the platform did not start within 30 s")
	}
}

// start launches and waits until it is ready.
func (p *platform) start() {
	p.t.Helper()
	p.launch()
	p.eventually(30*time.Second, "ready", func() error {
		_, err := p.get("/readyz")
		return err
	})
}

// kill ends the process at once.
func (p *platform) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	_ = p.cmd.Wait()
	p.cmd = nil
}

// stop ends the process softly and wants it to have gone well.
func (p *platform) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	<-p.ended
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the platform did not end well: %v", err)
	}
	p.cmd = nil
}

// reload has the process read its files anew, and waits until it has logged the outcome.
func (p *platform) reload(outcome string) {
	p.t.Helper()
	before := strings.Count(p.log.String(), outcome)
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		p.t.Fatal(err)
	}
	p.eventually(10*time.Second, "reload", func() error {
		if strings.Count(p.log.String(), outcome) == before {
			return fmt.Errorf("the log does not say %q", outcome)
		}
		return nil
	})
}

func (p *platform) get(path string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.board+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s: %s", path, resp.Status, body)
	}
	return string(body), nil
}

// metrics reads every series of /metrics as `name{labels}` and its value.
func (p *platform) metrics() (map[string]float64, error) {
	text, err := p.get("/metrics")
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for line := range strings.Lines(text) {
		series, value, ok := cutLast(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			all[series] = v
		}
	}
	return all, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// wantMetrics waits until series have the wanted values.
func (p *platform) wantMetrics(within time.Duration, want map[string]float64) {
	p.t.Helper()
	p.eventually(within, "metrics", func() error {
		got, err := p.metrics()
		if err != nil {
			return err
		}
		var errs []error
		for series, v := range want {
			if got[series] != v {
				errs = append(errs, fmt.Errorf("%s is %g, want %g", series, got[series], v))
			}
		}
		return errors.Join(errs...)
	})
}

// eventually wants f to succeed within a time.
func (p *platform) eventually(within time.Duration, what string, f func() error) {
	p.t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: not within %s: %v", what, within, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// wantNoKeys searches the data folder, the log and further texts for keys, given as hex
// digits: as bytes and as text.
func (p *platform) wantNoKeys(keys []string, further ...string) {
	p.t.Helper()
	texts := map[string]string{"the log": p.log.String()}
	for i, text := range further {
		texts[fmt.Sprint("text ", i)] = text
	}
	files, err := filepath.Glob(p.path("data/*"))
	if err != nil || len(files) == 0 {
		p.t.Fatalf("files %q, %v", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			p.t.Fatal(err)
		}
		texts[name] = string(text)
	}
	for _, digits := range keys {
		key, err := hex.DecodeString(digits)
		if err != nil {
			p.t.Fatal(err)
		}
		for form, shown := range map[string]string{
			"bytes": string(key), "hex digits": digits, "base64": base64.StdEncoding.EncodeToString(key), "numbers": fmt.Sprint(key),
		} {
			for where, text := range texts {
				if strings.Contains(strings.ToLower(text), strings.ToLower(shown)) {
					p.t.Errorf("%s shows a key as %s", where, form)
				}
			}
		}
	}
}

// database opens the platform's database for looking into it, also while it runs.
func (p *platform) database() *sql.DB {
	p.t.Helper()
	db, err := sql.Open("sqlite", "file:"+p.path("data/meldefunk.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = db.Close() })
	return db
}

// rows reads a query as text, columns joined by "|".
func rows(t testing.TB, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	res, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer res.Close()
	columns, err := res.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for res.Next() {
		values := make([]sql.NullString, len(columns))
		pointers := make([]any, len(columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		if err := res.Scan(pointers...); err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, v := range values {
			texts = append(texts, v.String)
		}
		all = append(all, strings.Join(texts, "|"))
	}
	if err := res.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
