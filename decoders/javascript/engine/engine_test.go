package engine

import (
	"testing"
)

const tank = `
var T = { 1: "battery", 2: "distance" };
function u16(b, i) { return (b[i] << 8) | b[i+1]; }
function decodeUplink(input) {
  var d = {};
  for (var i = 0; i < input.bytes.length;) {
    switch (input.bytes[i]) {
    case 1: d.battery = u16(input.bytes, i+1) / 1000; i += 3; break;
    case 2: d.distance = u16(input.bytes, i+1); i += 3; break;
    default: return { errors: ["unknown type " + input.bytes[i]] };
    }
  }
  return { data: d, warnings: [] };
}`

func BenchmarkRun(b *testing.B) {
	e, err := New(32 << 20)
	if err != nil {
		b.Fatal(err)
	}
	p, err := e.Compile("tank.js", tank, false)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("state %d bytes", p.Size())
	var out string
	for b.Loop() {
		out, err = e.Run(p, `{"bytes":[1,13,59,2,8,68],"fPort":2,"recvTime":1700000000000}`)
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Log(out)
}

func BenchmarkPut(b *testing.B) {
	e, err := New(32 << 20)
	if err != nil {
		b.Fatal(err)
	}
	p, _ := e.Compile("tank.js", tank, false)
	for b.Loop() {
		e.heap.put(p.state)
	}
}
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		e, err := New(32 << 20)
		if err != nil {
			b.Fatal(err)
		}
		e.Close()
	}
}
