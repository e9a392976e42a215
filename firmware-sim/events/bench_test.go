package events

import "testing"

// servers are all dialects.
func servers() []Server { return []Server{V4{}, V4Protobuf{}, V3{}, Things{}} }

// BenchmarkUp writes topic and body of an uplink that two gateways have heard.
func BenchmarkUp(b *testing.B) {
	e := testUp()
	e.Receptions = testReceptions()
	for _, s := range servers() {
		b.Run(s.Name(), func(b *testing.B) {
			b.ReportAllocs()
			body := s.Append(nil, e)
			b.SetBytes(int64(len(body)))
			topic := ""
			for b.Loop() {
				topic = s.Topic(e)
				body = s.Append(body[:0], e)
			}
			if topic == "" || len(body) == 0 {
				b.Fatal("nothing written")
			}
		})
	}
}

// BenchmarkFrame writes topic and body of a frame as one gateway heard it.
func BenchmarkFrame(b *testing.B) {
	m := &Frame{make([]byte, 24), testRadio(), testReceptions()[0]}
	for name, v := range map[string]Bridge{
		"v4-protobuf": BridgeV4{Prefix: "eu868"}, "v4-json": BridgeV4{Prefix: "eu868", Encoding: JSONOfForwarder}, "v3": BridgeV3{},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			body := v.Append(nil, m)
			topic := ""
			for b.Loop() {
				topic = v.Topic(m)
				body = v.Append(body[:0], m)
			}
			if topic == "" || len(body) == 0 {
				b.Fatal("nothing written")
			}
		})
	}
}

// TestAllocations: what is written must not cost memory, or the load generator measures
// its own garbage collector.
func TestAllocations(t *testing.T) {
	e := testUp()
	e.Receptions = testReceptions()
	for _, s := range servers() {
		body := s.Append(nil, e)
		if n := testing.AllocsPerRun(100, func() { body = s.Append(body[:0], e) }); n > 1 {
			t.Errorf("%s: %v allocations for a body, want none but for its scratch space", s.Name(), n)
		}
		if n := testing.AllocsPerRun(100, func() { _ = s.Topic(e) }); n > 1 {
			t.Errorf("%s: %v allocations for a topic, want 1", s.Name(), n)
		}
	}
}
