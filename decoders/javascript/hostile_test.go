package javascript

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// hostile are codecs that want to do harm. want is part of what is said about them; "" where
// that depends on how fast the machine is, or where what it tries does nothing.
var hostile = []struct{ name, source, want string }{
	{"endless loop", `function decodeUplink() { while (true) {} }`, "took longer"},
	{"endless loop that catches", `function decodeUplink() { for (;;) { try { null.x } catch (e) {} } }`, "took longer"},
	{"endless loop at the top", `while (true) {}`, "took longer"},
	{"endless loop in toJSON", `function decodeUplink() { return { data: { toJSON: function () { for (;;); } } } }`, "took longer"},
	{"push bomb", `function decodeUplink() { var a = []; for (;;) a.push([a.length]); }`, ""},
	{"string doubling", `function decodeUplink() { var s = 'x'; for (;;) s += s; }`, ""},
	{"repeat", `function decodeUplink() { return { data: { n: 'x'.repeat(1 << 28).length } } }`, "memory"},
	{"padStart", `function decodeUplink() { return { data: { n: 'x'.padStart(1 << 28, 'abc').length } } }`, "memory"},
	{"fill", `function decodeUplink() { return { data: { n: new Array(5e7).fill(0).length } } }`, ""},
	{"join", `function decodeUplink() { return { data: { n: Array(2e7).join('ab').length } } }`, ""},
	{"recursion", `function decodeUplink() { return decodeUplink(); }`, "stack overflow"},
	{"recursion by getter", `var o = { get x() { return this.x } }; function decodeUplink() { return o.x; }`, "stack overflow"},
	{"recursion by callback", `function f() { [1].forEach(f); [3, 2].sort(f); } function decodeUplink() { f(); }`, "stack overflow"},
	{"recursion by toString", `var o = { toString: function () { return '' + o } }; function decodeUplink() { return '' + o; }`, "stack overflow"},
	{"nested answer", `function decodeUplink() { var o = {}; for (var i = 0; i < 1e5; i++) o = { o: o }; return { data: o } }`, ""},
	{"circular answer", `function decodeUplink() { var o = {}; o.o = o; return { data: o } }`, "circular"},
	{"large answer", `function decodeUplink() { return { data: { x: 'x'.repeat(1 << 20) } } }`, "at most"},
	{"regular expression", `function decodeUplink() { return /^(a+)+$/.test('a'.repeat(40) + 'b'); }`, "took longer"},
	{"regular expression with back reference", `function decodeUplink() { return /^(a+)+\1$/.test('a'.repeat(60) + 'b'); }`, "took longer"},
	{"ArrayBuffer", `function decodeUplink() { return { data: { n: new ArrayBuffer(2e9).byteLength } } }`, ""},
	{"typed arrays", `function decodeUplink() { var a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1)); }`, ""},
	{"sort", `function decodeUplink() { var a = []; for (var i = 0; i < 1e6; i++) a[i] = -i; for (;;) a.sort(); }`, ""},
	{"memory caught", `function decodeUplink() { var a = []; for (;;) { try { for (;;) a.push({}) } catch (e) {} } }`, "took longer"},
	{"eval", `function decodeUplink() { return eval('for(;;);') }`, "took longer"},
	{"promise", `async function decodeUplink() { return { data: { a: 1 } } }`, "no object"},
	{"require", `function decodeUplink() { return { data: require('fs').readdirSync('/') } }`, "require"},
	{"import", `function decodeUplink() { import('os').then(function (m) { m.exec(['id']) }); return { data: { a: 1 } } }`, ""},
	{"fetch", `function decodeUplink() { return fetch('http://127.0.0.1/') }`, "fetch"},
	{"process", `function decodeUplink() { return { data: process.env } }`, "process"},
	{"std", `function decodeUplink() { return { data: std.getenviron() } }`, "std"},
	{"load", `function decodeUplink() { return { data: load('/etc/passwd') } }`, "load"},
	{"Function", `function decodeUplink() { return { data: Function('return this.process')() } }`, "no object"},
	{"Atomics.wait", `function decodeUplink() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) }`, ""},
	{"throw null", `function decodeUplink() { throw null }`, "threw null"},
	{"throw what cannot be read", `function decodeUplink() { throw { toString: function () { throw 1 } } }`, "codec"},
	{"error that lies", `function decodeUplink() { var e = new Error('x'); Object.defineProperty(e, 'stack', { get: function () { for (;;); } }); throw e }`, "took longer"},
}

// honest is a codec that does no harm.
const honest = `
var FIELD = { 1: ["battery", 1000], 2: ["distance", 1], 3: ["temperature", 10] };
function s16(b, i) { var v = (b[i] << 8) | b[i + 1]; return v > 0x7fff ? v - 0x10000 : v; }
function decodeUplink(input) {
  var data = {};
  for (var i = 0; i + 2 < input.bytes.length; i += 3) {
    var f = FIELD[input.bytes[i]];
    if (!f) { return { errors: ["unknown type " + input.bytes[i]] }; }
    data[f[0]] = s16(input.bytes, i + 1) / f[1];
  }
  return { data: data };
}`

// TestHostile lets each do its worst and then asks another codec: it must answer at once. On
// a machine that does many other things the clock runs for nothing: what took too long is
// tried again, and must be in time once.
func TestHostile(t *testing.T) {
	s := startSandbox(t, DefaultConfig(), time.Now)
	good := script(t, "good.js", honest)
	warm(t, s, good)
	base := resident(t, s)
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			const patient = time.Minute
			begun := time.Now()
			for n := 1; ; n++ {
				late := attack(t, s, h.name, h.source, h.want, good, base)
				if late == "" {
					return
				}
				if time.Since(begun) > patient {
					t.Fatalf("%s, %d times", late, n)
				}
				t.Log(late)
			}
		})
	}
}

// attack runs a hostile codec and a good one, and says what took too long, "" for nothing.
// Anything else that is wrong fails the test.
func attack(t *testing.T, s *Sandbox, name, source, want string, good *Codec, base int) string {
	ask := func(c *Codec) (Output, time.Duration, error) {
		start := time.Now()
		out, err := s.Output(t.Context(), c, 2, []byte{1, 13, 59}, time.UnixMilli(0))
		return out, time.Since(start), err
	}
	peak := watchMemory(t, s)
	_, took, err := ask(script(t, name, source))
	above := peak() - base
	t.Logf("%v, %.1f MiB, %v", took.Round(time.Millisecond), float64(above)/(1<<20), err)
	if above > 64<<20 && patience == 1 {
		t.Errorf("took %d MiB more than a good codec", above>>20)
	}
	out, next, nextErr := ask(good)
	if errors.Is(err, errStarved) || errors.Is(nextErr, errStarved) {
		return fmt.Sprintf("%v, %v", err, nextErr)
	}
	var r *city.Rejection
	if err != nil && !errors.As(err, &r) {
		t.Errorf("%v is no rejection", err)
	}
	if nextErr != nil || out.Data["battery"] != 3.387 {
		t.Errorf("the next codec gave %v, %v", out, nextErr)
	}
	switch {
	case took > 200*time.Millisecond*patience:
		return fmt.Sprintf("took %v", took)
	case next > 50*time.Millisecond*patience:
		return fmt.Sprintf("the next codec took %v", next)
	case patience == 1 && want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		// Under the race detector they end too, some by other means; so they may here when it is late.
		return fmt.Sprintf("got %v, want %q", err, want)
	}
	return ""
}

// warm waits until all workers run and have the codec.
func warm(t *testing.T, s *Sandbox, codec *Codec) {
	t.Helper()
	var all []*child
	for range s.cfg.Workers {
		c, err := s.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.load(codec); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for _, c := range all {
		s.giveBack(c)
	}
}

// resident gives the most memory that any worker has, in bytes.
func resident(t *testing.T, s *Sandbox) int {
	t.Helper()
	most := 0
	for _, pid := range workers(t) {
		most = max(most, status(pid, "VmRSS:"))
	}
	if most == 0 {
		t.Fatal("no worker found")
	}
	return most
}

// watchMemory gives a function that ends watching and gives the most memory a worker had.
func watchMemory(t *testing.T, s *Sandbox) func() int {
	ctx, cancel := context.WithCancel(t.Context())
	most := make(chan int)
	go func() {
		peak := 0
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			for _, pid := range workers(t) {
				peak = max(peak, status(pid, "VmRSS:"))
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				most <- peak
				return
			}
		}
	}()
	return func() int { cancel(); return <-most }
}

// workers gives the process ids of this process's children.
func workers(t *testing.T) []int {
	var pids []int
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Error(err)
	}
	for _, task := range tasks {
		text, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children") // gone: no children
		for _, f := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(f)
			if err != nil {
				t.Errorf("child %q: %v", f, err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// status reads a line of /proc/pid/status in kB, 0 where the process is gone.
func status(pid int, key string) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(text), key)
	var kb int
	_, _ = fmt.Sscan(rest, &kb) // nothing to read: 0
	return kb << 10
}
