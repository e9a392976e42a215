package engine

import (
	"encoding/hex"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

const tank = `
var seen = 0;
function decodeUplink(input) {
  seen++;
  return { data: { distance: input.bytes[0] << 8 | input.bytes[1], seen: seen } };
}`

const answer = `{"data":{"distance":2116,"seen":1}}`

var (
	payload = []byte{8, 68}
	at      = time.UnixMilli(1700000000000)
)

func newEngine(t testing.TB, memory int) *Engine {
	t.Helper()
	e, err := New(memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestRunStartsAfresh(t *testing.T) {
	e := newEngine(t, 8<<20)
	p, err := e.Compile("tank.js", tank, false)
	if err != nil {
		t.Fatal(err)
	}
	greedy, err := e.Compile("greedy.js", `var a = []; for (;;) a.push({})`, false)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got, err := e.Run(p, 2, payload, at); err != nil || got != answer {
			t.Errorf("got %s, %v, want %s", got, err, answer)
		}
		if _, err := e.Run(greedy, 2, payload, at); err == nil || !strings.Contains(err.Error(), "out of memory") {
			t.Errorf("got %v, want out of memory", err)
		}
	}
}

func TestTooLittleMemory(t *testing.T) {
	if _, err := New(64 << 10); err == nil {
		t.Error("64 KiB are enough for JavaScript?")
	}
}

// TestHeap takes and gives blocks at random: none lies in another, each keeps what was
// written into it, and a snapshot brings all back.
func TestHeap(t *testing.T) {
	h, err := newHeap(4 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	r := rand.New(rand.NewPCG(1, 2))
	type block struct {
		p    uintptr
		n    int
		mark byte
	}
	bytesOf := func(b block) []byte { return h.mem[b.p-h.base:][:b.n] }
	var blocks []block
	var saved *snapshot
	var then []block
	check := func(blocks []block) {
		for _, b := range blocks {
			for _, v := range bytesOf(b) {
				if v != b.mark {
					t.Fatalf("a block of %d bytes at %d was written over", b.n, b.p-h.base)
				}
			}
		}
	}
	full := 0
	for i := range 20_000 {
		switch {
		case r.IntN(5) < 3 || len(blocks) == 0:
			b := block{n: 1 + r.IntN(1<<r.IntN(15)), mark: byte(i)}
			if b.p = h.take(uint64(b.n)); b.p == 0 {
				full++
				continue
			}
			if h.room(b.p) < b.n || b.p%8 != 0 {
				t.Fatalf("asked for %d bytes, got %d at %d", b.n, h.room(b.p), b.p)
			}
			for j := range bytesOf(b) {
				bytesOf(b)[j] = b.mark
			}
			blocks = append(blocks, b)
		case r.IntN(3) == 0:
			b := &blocks[r.IntN(len(blocks))]
			n := b.n + r.IntN(2000)
			if p := h.move(b.p, uint64(n)); p != 0 {
				b.p = p // what it held came along
			}
		default:
			k := r.IntN(len(blocks))
			h.give(blocks[k].p)
			blocks[k] = blocks[len(blocks)-1]
			blocks = blocks[:len(blocks)-1]
		}
		if i == 5000 {
			saved, then = h.save(), append([]block(nil), blocks...)
		}
	}
	check(blocks)
	if full == 0 {
		t.Error("the heap was never full: this test is too tame")
	}
	if err := h.put(saved); err != nil {
		t.Fatal(err)
	}
	check(then)
}

func TestClass(t *testing.T) {
	last := 0
	for n := uint64(1); n < 1<<22; n += 1 + n/97 {
		c, size := class(n)
		if size < int(n) || c < last || c > last+1 || n > 64 && size > int(n)+int(n)/4+1 {
			t.Fatalf("%d bytes: class %d of %d bytes after class %d", n, c, size, last)
		}
		last = c
	}
	if c, _ := class(64 << 20); c >= classes {
		t.Errorf("64 MiB are class %d of %d", c, classes)
	}
}

// BenchmarkRun measures runs without the process boundary.
func BenchmarkRun(b *testing.B) {
	for _, c := range []struct {
		name    string
		port    byte
		payload string
	}{
		{"tlv", 85, "01755c03670101048244080500018367f6ff01"},
		{"bits", 2, "4d3b0b1ff9d3012c1552"},
		{"ports", 2, "65535e800301ed0c1c"},
		{"table", 1, "0212340007098c82fe01900c2b"},
	} {
		b.Run(c.name, func(b *testing.B) {
			source, err := os.ReadFile("../testdata/typical/" + c.name + ".js")
			if err != nil {
				b.Fatal(err)
			}
			payload, err := hex.DecodeString(c.payload)
			if err != nil {
				b.Fatal(err)
			}
			e := newEngine(b, 32<<20)
			p, err := e.Compile(c.name, string(source), false)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := e.Run(p, c.port, payload, at); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPut is what starting afresh costs; compare BenchmarkNew.
func BenchmarkPut(b *testing.B) {
	e := newEngine(b, 32<<20)
	p, err := e.Compile("tank.js", tank, false)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := e.heap.put(p.state); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		e, err := New(32 << 20)
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
