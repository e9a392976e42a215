package bridge

import (
	"bytes"
	"runtime"
	"testing"

	"meldefunk/gateway-bridge/brokertest"
)

// 5,000 messages wait, 40 MB in all, and the road takes none: what this process holds must
// not depend on what waits.
func TestBackPressureIsBounded(t *testing.T) {
	const messages, size, allowed = 5000, 8 << 10, 4 << 20
	b := brokertest.Start(t)
	start(t, testConfig(b.URL())).ready().Stop() // leaves a session behind
	body := bytes.Repeat([]byte("x"), size)
	bodies := make([][]byte, messages)
	for i := range bodies {
		bodies[i] = body
	}
	b.Publish("city/bin", bodies...)

	before := heap()
	r := start(t, testConfig(b.URL()))
	held := r.Next() // the road takes one, and then no more
	r.until("waiting", func() bool { return !r.State().Waiting.IsZero() })
	if grown := int64(heap()) - int64(before); grown > allowed {
		t.Errorf("heap grew by %d KiB while %d messages wait, want at most %d KiB", grown>>10, messages, allowed>>10)
	}
	if in := r.metric("meldefunk_bridge_messages_total", "up"); in != 2 {
		t.Errorf("%v messages taken in, want the one offered and the one waiting", in)
	}
	held.Acker.Ack()
	for range messages - 1 {
		r.Next().Acker.Ack()
	}
}

// heap gives the bytes in use after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
