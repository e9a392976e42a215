package javascript

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"meldefunk/city"
)

// output runs the codec. As callers should, it tries again where the machine was too busy.
func output(t *testing.T, s *Sandbox, c *Codec, payload ...byte) (map[string]any, error) {
	t.Helper()
	out, err := s.Output(t.Context(), c, 2, payload, time.Date(2026, 3, 29, 1, 30, 0, 5e6, time.UTC))
	for tries := 1; errors.Is(err, errStarved) && tries < 100; tries++ {
		out, err = s.Output(t.Context(), c, 2, payload, time.Date(2026, 3, 29, 1, 30, 0, 5e6, time.UTC))
	}
	return out.Data, err
}

// TestLanguage: what codecs find around them.
func TestLanguage(t *testing.T) {
	s := startSandbox(t, DefaultConfig(), time.Now)
	for _, c := range []struct {
		name, source string
		strict       bool
		want         string // of data.x; or of the error
	}{
		{"bytes are a list", `function decodeUplink(i) { return { data: { x: Array.isArray(i.bytes) + ' ' + i.bytes.slice(1) } } }`, false, "true 255"},
		{"port", `function decodeUplink(i) { return { data: { x: i.fPort } } }`, false, "2"},
		{"recvTime is a Date", `function decodeUplink(i) { return { data: { x: i.recvTime instanceof Date ? i.recvTime.toISOString() : '' } } }`, false, "2026-03-29T01:30:00.005Z"},
		{"now is when it was received", `var top = new Date(); function decodeUplink(i) { var d = new Date(); return { data: { x: [d.toISOString(), Date.now() - i.recvTime, top - d, Date() === d.toString()].join() } } }`, false, "2026-03-29T01:30:00.005Z,0,0,true"},
		{"Date is as usual", `class D2 extends Date {} function decodeUplink() { return { data: { x: [new Date(0).toISOString(), new Date(2020, 1, 29).getTime(), new Date('2020-01-01').getDay(), Date.UTC(1970, 0, 2), Date.parse('1970-01-01T00:00:01Z'), new D2() instanceof D2, new Date().constructor === Date, Date.length, Date.name].join() } } }`, false, "1970-01-01T00:00:00.000Z,1582934400000,3,86400000,1000,true,true,7,Date"},
		{"chance", `function decodeUplink() { var a = Math.random(), b = Math.random(); return { data: { x: a >= 0 && a < 1 && a !== b } } }`, false, "true"},
		{"local time is UTC", `function decodeUplink(i) { return { data: { x: i.recvTime.getHours() + ' ' + i.recvTime.getTimezoneOffset() } } }`, false, "1 0"},
		{"console does nothing", `console.log('a'); function decodeUplink() { console.error('b'); console.table([]); return { data: { x: typeof console.info() } } }`, false, "undefined"},
		{"sloppy", `function decodeUplink() { y = 010; return { data: { x: y } } }`, false, "8"},
		{"strict", `function decodeUplink() { y = 8; return { data: { x: y } } }`, true, "'y' is not defined"},
		{"strict forbids octal", `function decodeUplink() { return { data: { x: 010 } } }`, true, "SyntaxError"},
		{"older form", `function Decoder(bytes, port) { return { x: bytes.length + ' ' + port } }`, false, "2 2"},
		{"ChirpStack v3", `function Decode(fPort, bytes, variables) { return { x: fPort + ' ' + bytes.length + ' ' + typeof variables } }`, false, "2 2 object"},
		{"the newest form first", `function Decoder() { return { x: 'old' } } function decodeUplink() { return { data: { x: 'new' } } }`, false, "new"},
		{"constant function", `const decodeUplink = (i) => ({ data: { x: i.bytes[0] } })`, false, "7"},
		{"export", "export function decodeUplink(i) { return { data: { x: i.bytes[0] } } }", false, "7"},
		{"export default", "// a codec\nexport default function decodeUplink(i) { return { data: { x: i.bytes[0] } } }", false, "7"},
		{"export list", "function decodeUplink(i) { return { data: { x: i.bytes[0] } } }\nexport {\n decodeUplink\n};", false, "7"},
		{"export in a text", "function decodeUplink(i) { return { data: { x: `\nexport function` } } }", false, "\nexport function"},
		{"guarded module", `function decodeUplink(i) { return { data: { x: 1 } } } if (typeof module !== 'undefined') { module.exports = 1 }`, false, "1"},
		{"a byte order mark", "\ufefffunction decodeUplink(i) { return { data: { x: 1 } } }", false, "1"},
		{"modern", "function decodeUplink({ bytes: [a, ...r] }) { return { data: { x: `${a ?? 0}-${r?.[0]} ${2n ** 64n}` } } }", false, "7-255 18446744073709551616"},
		{"no number", `function decodeUplink() { return { data: { x: [NaN, Infinity, -Infinity, -0] } } }`, false, "[<nil> <nil> <nil> 0]"},
		{"big integer", `function decodeUplink() { return { data: { x: 1n } } }`, false, "BigInt"},
		{"umlaut", `function decodeUplink() { return { data: { x: 'Füllstand €😀' } } }`, false, "Füllstand €😀"},
		{"half a character", `function decodeUplink() { return { data: { x: '\ud83d'.length } } }`, false, "1"},
		{"one error as a text", `function decodeUplink() { return { errors: 'bad' } }`, false, "bad"},
		{"no data", `function decodeUplink() { return {} }`, false, "gives no object"},
		{"a list", `function decodeUplink() { return { data: [1] } }`, false, "gives no object"},
		{"nothing", `function decodeUplink() { }`, false, "gives no object"},
		{"no function", `var decodeUplink = 1`, false, "has no function"},
		{"throws", "\nfunction f() { throw new TypeError('oh') }\nfunction decodeUplink() { f() }", false, "throws:2:"},
		{"syntax", "\n\nfunction (", false, "syntax:3:"},
		{"overwrites the language", `JSON = Date = Array = undefined; function decodeUplink(i) { return { data: { x: i.recvTime.getTime() } } }`, false, "1774747800005"},
	} {
		t.Run(c.name, func(t *testing.T) {
			codec, err := NewCodec(c.name, []byte(c.source), c.strict, Mapping{})
			if err != nil {
				t.Fatal(err)
			}
			out, err := s.Output(t.Context(), codec, 2, []byte{7, 255}, time.Date(2026, 3, 29, 1, 30, 0, 5e6, time.UTC))
			got := fmt.Sprint(out.Data["x"])
			if n, ok := out.Data["x"].(float64); ok {
				got = fmt.Sprintf("%.0f", n)
			}
			switch {
			case err != nil:
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
			case len(out.Errors) > 0:
				if out.Errors[0] != c.want {
					t.Errorf("got %q, want %q", out.Errors, c.want)
				}
			case got != c.want:
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestNothingLeaks: each run finds what the first one found, whatever the one before did.
func TestNothingLeaks(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Workers = 1 // the same process for all
	s := startSandbox(t, cfg, time.Now)
	for _, c := range []struct{ name, change, look string }{
		{"variable", `n++`, `n`},
		{"lexical variable", `m++`, `m`},
		{"global by accident", `seen = 1`, `typeof seen`},
		{"this", `this.seen = 1`, `typeof seen`},
		{"prototype of objects", `Object.prototype.seen = 1`, `({}).seen`},
		{"prototype of lists", `Array.prototype.map = null`, `typeof [].map`},
		{"getter on a prototype", `Object.defineProperty(Object.prototype, 'battery', { get: function () { return 99 } })`, `({}).battery`},
		{"toJSON", `Number.prototype.toJSON = function () { return 5 }`, `(1).toJSON`},
		{"JSON", `JSON.stringify = function () { return '{"data":{"x":"mine"}}' }`, `JSON.stringify([1])`},
		{"frozen", `Object.freeze(Array.prototype)`, `Object.isFrozen(Array.prototype)`},
		{"console", `console.log = null`, `typeof console.log`},
		{"regular expression", `re.exec('aa')`, `re.lastIndex`},
		{"template", `tag().seen = 1`, `tag().seen`},
		{"symbol", `Symbol.for('x').description; Symbol.prototype.seen = 1`, `Symbol.for('x').seen`},
		{"random", `Math.random()`, `Math.random()`},
		{"input", `i.bytes.length = 0; i.bytes.push(1, 2, 3)`, `i.bytes.length`},
		{"waiting promise", `Promise.resolve().then(function () { Object.prototype.late = 1 })`, `({}).late`},
		{"error", `try { null.x } catch (e) { Error.prototype.name = 'mine' }`, `String(new Error('x'))`},
	} {
		t.Run(c.name, func(t *testing.T) {
			common := `var n = 0; let m = 0; var re = /a/g; function tag() { function f(s) { tag.s = tag.s || s; return tag }; return f` + "``" + ` }
				function decodeUplink(i) { var x = ` + c.look + `; if (i.bytes[0]) { ` + c.change + ` }; return { data: { x: String(x) } } }`
			codec := script(t, c.name, common)
			first, err := output(t, s, codec, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, payload := range []byte{1, 1, 0} {
				// The change may break the run that makes it, but no other.
				got, err := output(t, s, codec, payload)
				if payload == 0 && err != nil || err == nil && payload == 0 && got["x"] != first["x"] {
					t.Errorf("got %v, %v, want %v", got, err, first)
				}
			}
			other := script(t, "other", `function decodeUplink(i) { var n, m, re = /a/g; function tag() { return {} }; return { data: { x: String(`+c.look+`) } } }`)
			if _, err := output(t, s, other, 0); err != nil {
				t.Errorf("another codec: %v", err)
			}
		})
	}
}

// TestManyCodecs: more codecs than a worker keeps, in turn, and each answers for itself.
func TestManyCodecs(t *testing.T) {
	s := startSandbox(t, DefaultConfig(), time.Now)
	var codecs []*Codec
	for i := range slots + 5 {
		codecs = append(codecs, script(t, "many", fmt.Sprintf(`var me = %d; function decodeUplink(i) { return { data: { x: me * 256 + i.bytes[0] } } }`, i)))
	}
	var all sync.WaitGroup
	for caller := range 4 {
		all.Go(func() {
			for round := range 3 {
				for i, c := range codecs {
					b := byte(caller*3 + round)
					out, err := s.Output(context.Background(), c, 1, []byte{b}, time.Time{})
					if err != nil || out.Data["x"] != float64(i*256+int(b)) {
						t.Errorf("codec %d: %v, %v", i, out, err)
					}
				}
			}
		})
	}
	all.Wait()
}

// TestHeldBack: a codec that has to be ended again and again is not run for a while, and
// others do not notice.
func TestHeldBack(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Timeout = 20 * time.Millisecond * patience
	cfg.Timeout = min(cfg.Timeout, 120*time.Millisecond)
	var mu sync.Mutex
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	s := startSandbox(t, cfg, clock)
	bad := script(t, "bad.js", `function decodeUplink(i) { while (i.bytes[0]); return { data: { x: 1 } } }`)

	for range 3 {
		if _, err := output(t, s, bad, 1); err == nil || !strings.Contains(err.Error(), "took longer") {
			t.Fatalf("got %v", err)
		}
	}
	_, err := output(t, s, bad, 0)
	var r *city.Rejection
	if !errors.As(err, &r) || !strings.Contains(r.Detail, "held back until 2026-05-01T12:00:01Z after 3 runs in a row") {
		t.Fatalf("got %v", err)
	}
	pass(time.Second)
	if _, err := output(t, s, bad, 1); err == nil || !strings.Contains(err.Error(), "took longer") {
		t.Fatalf("after a second: got %v", err)
	}
	pass(time.Second)
	if _, err := output(t, s, bad, 0); err == nil || !strings.Contains(err.Error(), "held back until 2026-05-01T12:00:03Z") {
		t.Fatalf("the second time is longer: got %v", err)
	}
	pass(time.Second)
	if out, err := output(t, s, bad, 0); err != nil || out["x"] != 1.0 {
		t.Fatalf("a good run: got %v, %v", out, err)
	}
	if _, err := output(t, s, bad, 1); err == nil || !strings.Contains(err.Error(), "took longer") {
		t.Fatalf("after a good run it starts afresh: got %v", err)
	}
	if _, err := output(t, s, bad, 0); err != nil {
		t.Fatalf("one is not three: got %v", err)
	}
}

// TestNeverHeldBack: where nobody waits, good payloads are read behind any number of bad ones.
func TestNeverHeldBack(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Timeout = min(20*time.Millisecond*patience, 120*time.Millisecond)
	s := startSandbox(t, cfg, nil)
	bad := script(t, "bad.js", `function decodeUplink(i) { while (i.bytes[0]); return { data: { x: 1 } } }`)
	for range strikesAllowed + 1 {
		if _, err := output(t, s, bad, 1); err == nil || !strings.Contains(err.Error(), "took longer") {
			t.Fatalf("got %v", err)
		}
	}
	if out, err := output(t, s, bad, 0); err != nil || out["x"] != 1.0 {
		t.Errorf("a good payload: got %v, %v", out, err)
	}
}

func TestHoldGrows(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	var h hold
	var got []time.Duration
	for range 20 {
		h.strike(now, "x")
		if h.refuse(now) != nil {
			got = append(got, h.until.Sub(now))
		}
	}
	want := []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}
	for i, d := range got {
		w := 10 * time.Minute
		if i < len(want) {
			w = want[i] * time.Second
		}
		if d != w {
			t.Errorf("hold %d is %v, want %v", i+1, d, w)
		}
	}
	if len(got) != 18 {
		t.Errorf("%d holds, want 18: two strikes are free", len(got))
	}
}

// TestWorkerIsConfined reads what the kernel says about a worker.
func TestWorkerIsConfined(t *testing.T) {
	t.Setenv("MELDEFUNK_SECRET", "do not pass on")
	s := startSandbox(t, DefaultConfig(), time.Now)
	c, err := s.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.giveBack(c)
	proc := fmt.Sprintf("/proc/%d/", c.cmd.Process.Pid)
	limits, err := os.ReadFile(proc + "limits")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Max open files 3 3", "Max file size 0 0", "Max core file size 0 0"} {
		if !strings.Contains(strings.Join(strings.Fields(string(limits)), " "), want) {
			t.Errorf("limits lack %q:\n%s", want, limits)
		}
	}
	if strings.Count(string(limits), "unlimited") == 0 || strings.Contains(line(string(limits), "Max address space"), "unlimited") || strings.Contains(line(string(limits), "Max data size"), "unlimited") {
		t.Errorf("memory has no limit:\n%s", limits)
	}
	if env, err := os.ReadFile(proc + "environ"); err != nil || strings.Contains(string(env), "SECRET") || strings.Contains(string(env), "PATH") {
		t.Errorf("environment %q, %v", env, err)
	}
	if dir, err := os.Readlink(proc + "cwd"); dir != "/" {
		t.Errorf("working directory %q, %v", dir, err)
	}
	if group, err := syscall.Getpgid(c.cmd.Process.Pid); group != c.cmd.Process.Pid {
		t.Errorf("process group %d, %v", group, err)
	}
}

func line(text, start string) string {
	_, rest, _ := strings.Cut(text, start)
	l, _, _ := strings.Cut(rest, "\n")
	return l
}

// TestWorkerDiesIdle: a worker that somebody kills between runs is replaced, and no codec is
// blamed.
func TestWorkerDiesIdle(t *testing.T) {
	s := startSandbox(t, DefaultConfig(), time.Now)
	good := script(t, "good", honest)
	for range 3 {
		c, err := s.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.kill()
		<-c.gone
		s.giveBack(c)
	}
	if _, err := output(t, s, good, 1, 13, 59); err != nil {
		t.Error(err)
	}
}

// TestStop: what runs when the sandbox ends is trouble of ours, and no codec is blamed.
func TestStop(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Timeout = 120 * time.Millisecond
	s := newSandbox(t, cfg, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	loop := script(t, "loop", `function decodeUplink() { for (;;); }`)
	result := make(chan error)
	go func() {
		_, err := s.Output(t.Context(), loop, 1, []byte{1}, time.Time{})
		result <- err
	}()
	for loop.hold.TryLock() { // until its run has begun
		loop.hold.Unlock()
		runtime.Gosched()
	}
	cancel()
	if err := <-result; !errors.Is(err, errClosed) {
		t.Errorf("got %v, want %v", err, errClosed)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if loop.hold.strikes != 0 {
		t.Errorf("%d strikes", loop.hold.strikes)
	}
	if err := s.Compile(t.Context(), script(t, "late", "1")); !errors.Is(err, errClosed) {
		t.Errorf("after the end: got %v", err)
	}
}

func TestNoWorker(t *testing.T) {
	s, err := New(DefaultConfig(), []string{"/bin/false"}, time.Now, testLog(t), registry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, err := s.Output(short, script(t, "x", "1"), 1, nil, time.Time{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	err := Config{Workers: 0, Timeout: time.Second, MemoryMiB: 64}.Validate()
	for _, want := range []string{"workers: is 0: want 1 to 16", "timeout: is 1s: want 5ms to 120ms", "memory_mib: is 64: want 4 to 32"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestWorkersDieIdle: workers that die again and again while nothing is decoded are replaced,
// each once, and not for ever.
func TestWorkersDieIdle(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Workers = 1
	s := startSandbox(t, cfg, time.Now)
	for range cap(s.idle) + 2 {
		killIdle(t, s)
	}
	if _, err := output(t, s, script(t, "good.js", `function decodeUplink() { return { data: { x: 1 } } }`), 7); err != nil {
		t.Fatal(err)
	}
	if n, want := testutil.ToFloat64(s.restarts), float64(cap(s.idle)+3); n != want {
		t.Errorf("%v workers were started, want %v", n, want)
	}
}

// killIdle kills a free worker and leaves it where it lies, among others that are dead.
func killIdle(t *testing.T, s *Sandbox) {
	t.Helper()
	for {
		c := <-s.idle
		alive := !c.dead()
		if alive {
			c.kill()
			<-c.gone
		}
		select {
		case s.idle <- c:
		default:
		}
		if alive {
			return
		}
		runtime.Gosched()
	}
}
