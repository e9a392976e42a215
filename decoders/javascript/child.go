package javascript

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	startLimit   = 10 * time.Second // for a worker to say that it is ready
	compileLimit = time.Second      // for reading a codec; the largest known take 0.2 s on a busy machine
	reapLimit    = 5 * time.Second  // for a killed process to be gone
	maxText      = 300              // bytes of a codec's or worker's own words that are passed on
)

// child is the platform's side of one worker process. One goroutine at a time may use it.
type child struct {
	cmd     *exec.Cmd
	in, out *os.File
	answers *bufio.Reader // out
	stderr  *words
	gone    chan struct{} // closed when the process has ended and was waited for
	slots   map[*Codec]byte
	holders [slots]*Codec // what is in each slot
	next    byte          // slot that is filled next
	buf     []byte        // last answer
	request []byte        // last request
}

// startChild starts a worker and waits until it is ready. The process ends when its input
// does, when it is killed, or, on Linux, when this process dies.
func startChild(command []string) (*child, error) {
	inRead, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start codec worker: %w", err)
	}
	out, outWrite, err := os.Pipe()
	if err != nil {
		inRead.Close()
		in.Close()
		return nil, fmt.Errorf("start codec worker: %w", err)
	}

	// Threads that wait in the kernel cost less here than the Go runtime's waiting, on both sides:
	// Fd makes pipes block. A worker that is killed ends the wait.
	in.Fd()
	out.Fd()
	c := &child{in: in, out: out, answers: bufio.NewReader(out), stderr: &words{}, gone: make(chan struct{}), slots: map[*Codec]byte{}}
	c.cmd = exec.Command(command[0], command[1:]...)
	c.cmd.Dir = "/"
	// Nothing of this process's environment, where secrets may be. Codecs that ask for local
	// time get UTC. Go does not print stacks, and has a second core on paper: with one it would
	// take the core away from each wait for a request, and give it back, at twice the cost.
	c.cmd.Env = []string{"TZ=UTC", "GOMAXPROCS=2", "GOTRACEBACK=none"}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = inRead, outWrite, c.stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	err = c.cmd.Start()
	// The worker's ends, or its death would not show as the end of its output.
	inRead.Close()
	outWrite.Close()
	if err != nil {
		in.Close()
		out.Close()
		return nil, fmt.Errorf("start codec worker: %w", err)
	}
	go func() {
		// How it ended says its last words; Wait's error adds the exit code only.
		_ = c.cmd.Wait()
		close(c.gone)
	}()

	late := time.AfterFunc(startLimit, c.kill)
	defer late.Stop()
	if c.buf, err = readFrame(c.answers, c.buf); err != nil || c.buf[0] != frameDone {
		c.stop()
		return nil, fmt.Errorf("start codec worker: it does not get ready: %s", c.lastWords())
	}
	return c, nil
}

// kill ends the process at once.
func (c *child) kill() { _ = c.cmd.Process.Kill() } // fails only if it has ended

// stop kills, waits for the end, and closes what is open.
func (c *child) stop() {
	c.kill()
	c.in.Close()
	c.out.Close()
	late := time.NewTimer(reapLimit)
	defer late.Stop()
	select {
	case <-c.gone:
	case <-late.C: // stuck in the kernel; it is the system's then
	}
}

// dead tells whether the process has ended.
func (c *child) dead() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// lastWords gives the first line the process wrote to standard error. It is complete after stop.
func (c *child) lastWords() string {
	if !c.dead() {
		return "it does not end"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(c.stderr.String()), "\n")
	if line == "" {
		return c.cmd.ProcessState.String()
	}
	return clip(line, maxText)
}

// ended is how an exchange ends whose process has died of it. It is stopped by then.
type ended struct{ why string }

func (e *ended) Error() string { return e.why }

// exchange sends a request and gives the answer's kind and text, valid until the next one.
// After an error the process has ended: *ended where the request is to blame.
func (c *child) exchange(request []byte, limit time.Duration) (byte, []byte, error) {
	w := c.watch(limit)
	_, err := c.in.Write(request)
	if err == nil {
		c.buf, err = readFrame(c.answers, c.buf)
	}
	overdue := w.end()
	if err == nil {
		return c.buf[0], c.buf[1:], nil
	}
	c.stop()
	if overdue != nil {
		return 0, nil, overdue
	}
	return 0, nil, &ended{crash(c.lastWords())}
}

// crash says in a codec author's words why a worker died.
func crash(words string) string {
	switch {
	case strings.Contains(words, "memory"):
		return "wanted more memory than there is"
	case strings.Contains(words, "stack"):
		return "recursed too deep"
	}
	return "broke the worker (" + words + ")"
}

// load makes sure that the worker has the codec, and gives its slot. A *refusal is what is
// wrong with the codec; other errors are those of exchange.
func (c *child) load(codec *Codec) (byte, error) {
	if slot, ok := c.slots[codec]; ok {
		return slot, nil
	}
	slot := c.next
	c.next = (c.next + 1) % slots
	delete(c.slots, c.holders[slot])
	c.holders[slot] = nil
	c.request = appendLoad(c.request, slot, codec.strict, codec.name, codec.source)
	kind, text, err := c.exchange(c.request, compileLimit)
	if err != nil {
		return 0, err
	}
	if kind != frameDone {
		return 0, &refusal{clip(string(text), maxText)}
	}
	c.slots[codec], c.holders[slot] = slot, codec
	return slot, nil
}

// run decodes one payload and gives the JSON that engine/driver.js makes. Errors are those
// of load, and *refusal where the codec threw.
func (c *child) run(codec *Codec, port uint8, payload []byte, at time.Time, limit time.Duration) ([]byte, error) {
	slot, err := c.load(codec)
	if err != nil {
		return nil, err
	}
	c.request = appendDecode(c.request, slot, port, at, payload)
	kind, text, err := c.exchange(c.request, limit)
	if err != nil {
		return nil, err
	}
	if kind != frameDone {
		return nil, &refusal{clip(string(text), maxText)}
	}
	return text, nil
}

// refusal is what a worker says is wrong with a codec or its run. The worker lives on.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }
