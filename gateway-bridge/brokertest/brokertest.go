// Package brokertest starts a real mosquitto for tests: on a free loopback port, with its
// own configuration and persistence in the test's temporary folder, and with the limits
// raised under which mosquitto drops messages silently.
//
// It does not know the bridge, the dialects or what the messages mean.
package brokertest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// patience bounds the wait for mosquitto to start, to stop and to answer.
const patience = 15 * time.Second

// Broker is a running (or stopped) mosquitto. Its methods fail the test on trouble and are
// called from the test's goroutine only.
type Broker struct {
	t        testing.TB
	binary   string
	dir      string
	port     int
	settings settings

	process *exec.Cmd
	output  *bytes.Buffer // stderr of the present process; read after ended only
	ended   chan struct{} // closed when the present process is gone
}

type settings struct {
	tls            *certificates
	user, password string
	autosave       bool
	lines          []string
}

// Option changes how mosquitto is configured.
type Option func(*settings)

// WithTLS makes the listener speak TLS with a certificate for 127.0.0.1 and localhost,
// issued by a CA made for this test (see CAFile).
func WithTLS() Option { return func(s *settings) { s.tls = &certificates{} } }

// WithPassword lets only this user in.
func WithPassword(user, password string) Option {
	return func(s *settings) { s.user, s.password = user, password }
}

// WithAutosave writes the whole persistence file after every change, as fast as it can: what
// was acknowledged to a publisher a moment ago then survives Kill, and many messages take
// long. Without it, mosquitto saves when it is stopped and every half hour.
func WithAutosave() Option { return func(s *settings) { s.autosave = true } }

// WithLine appends a line to mosquitto.conf, as "max_qos 0".
func WithLine(line string) Option { return func(s *settings) { s.lines = append(s.lines, line) } }

// Start runs mosquitto until the test ends. Where mosquitto is not installed the test is
// skipped, or fails if MELDEFUNK_REAL=1 says that the real parts must be there.
func Start(t testing.TB, options ...Option) *Broker {
	t.Helper()
	b := &Broker{t: t, binary: find(t), dir: t.TempDir()}
	for _, option := range options {
		option(&b.settings)
	}
	b.port = freePort(t)
	b.configure()
	b.run()
	t.Cleanup(b.Stop)
	return b
}

func find(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "mosquitto is not installed (Debian: apt-get install mosquitto)"
	if os.Getenv("MELDEFUNK_REAL") == "1" {
		t.Fatal(missing + ", and MELDEFUNK_REAL=1 demands it")
	}
	t.Skip("skipped: " + missing)
	return ""
}

// freePort asks the kernel. Somebody else may take the port before mosquitto does; then
// the test fails with mosquitto's own words.
func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// Addr is host:port.
func (b *Broker) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.port)) }

// URL is the address as clients want it: mqtt:// or, with TLS, mqtts://.
func (b *Broker) URL() string {
	if b.settings.tls != nil {
		return "mqtts://" + b.Addr()
	}
	return "mqtt://" + b.Addr()
}

// CAFile is the certificate of the CA that issued the broker's certificate, as PEM.
// Only with WithTLS.
func (b *Broker) CAFile() string { return filepath.Join(b.dir, "ca.pem") }

// Stop ends mosquitto as an operator does: it saves its persistence first. It may be
// called twice.
func (b *Broker) Stop() { b.end(syscall.SIGTERM) }

// Kill ends mosquitto with SIGKILL: what it has not saved is gone.
func (b *Broker) Kill() { b.end(syscall.SIGKILL) }

// Freeze stops the process without closing its connections: it is there, and silent.
func (b *Broker) Freeze() { b.signal(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (b *Broker) Thaw() { b.signal(syscall.SIGCONT) }

// Restart stops mosquitto if it still runs and starts it on the same port with the same
// persistence.
func (b *Broker) Restart() {
	b.t.Helper()
	b.Stop()
	b.run()
}

func (b *Broker) signal(s syscall.Signal) {
	b.t.Helper()
	if err := b.process.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		b.t.Fatalf("signal mosquitto: %v", err)
	}
}

func (b *Broker) end(s syscall.Signal) {
	b.t.Helper()
	select {
	case <-b.ended:
		return
	default:
	}
	b.signal(s)
	b.signal(syscall.SIGCONT) // a frozen process does not hear SIGTERM
	select {
	case <-b.ended:
	case <-time.After(patience):
		_ = b.process.Process.Kill()
		<-b.ended
		b.t.Errorf("mosquitto did not end within %v of %v: killed\n%s", patience, s, b.output)
	}
}

func (b *Broker) run() {
	b.t.Helper()
	process := exec.Command(b.binary, "-c", filepath.Join(b.dir, "mosquitto.conf"))
	output, ended := &bytes.Buffer{}, make(chan struct{})
	process.Stdout, process.Stderr = output, output
	if err := process.Start(); err != nil {
		b.t.Fatalf("start mosquitto: %v", err)
	}
	go func() {
		_ = process.Wait() // how it ended is in its output
		close(ended)
	}()
	b.process, b.output, b.ended = process, output, ended

	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		connection, err := net.Dial("tcp", b.Addr())
		if err == nil {
			connection.Close()
			return
		}
		select {
		case <-poll.C:
		case <-ended:
			b.t.Fatalf("mosquitto ended at once:\n%s", output)
		case <-deadline.C:
			b.Kill()
			b.t.Fatalf("mosquitto does not listen on %s after %v:\n%s", b.Addr(), patience, output)
		}
	}
}

func (b *Broker) write(name, text string) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *Broker) configure() {
	b.t.Helper()
	var conf bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&conf, format+"\n", args...) }

	line("listener %d 127.0.0.1", b.port)
	if b.settings.tls != nil {
		if err := b.settings.tls.issue(); err != nil {
			b.t.Fatalf("issue certificates: %v", err)
		}
		b.write("ca.pem", b.settings.tls.ca)
		line("certfile %s", b.write("server.pem", b.settings.tls.server))
		line("keyfile %s", b.write("server.key", b.settings.tls.key))
	}
	if os.Geteuid() == 0 {
		line("user root") // or it gives up root and cannot write the temporary folder
	}
	if b.settings.user != "" {
		line("allow_anonymous false")
		line("password_file %s", b.write("passwords", b.settings.user+":"+passwordHash(b.settings.password)+"\n"))
	} else {
		line("allow_anonymous true")
	}
	line("persistence true")
	line("persistence_location %s/", b.dir)
	if b.settings.autosave {
		line("autosave_on_changes true")
		line("autosave_interval 1")
	}
	// With its defaults mosquitto keeps 1,000 messages for an absent session, drops the
	// rest without a word, and sends 20 at a time.
	line("max_queued_messages 0")
	line("max_inflight_messages 0")
	line("log_dest stderr")
	for _, extra := range b.settings.lines {
		line("%s", extra)
	}
	b.write("mosquitto.conf", conf.String())
}
