package javascript

import (
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// processorTime is what this process and the given ones have used.
func processorTime(b *testing.B, children []*child) time.Duration {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		b.Fatal(err)
	}
	sum := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	for _, c := range children {
		sum += c.processorTime()
	}
	return sum
}

// BenchmarkDecode measures decodes with the process boundary. "decodes/cpu-s" is per second
// of processor time of platform and workers together: what one core does that has nothing
// else to do, however busy the machine is.
func BenchmarkDecode(b *testing.B) {
	for _, style := range []string{"tlv", "fixed", "v3"} {
		for _, callers := range []int{1, 2} {
			b.Run(style+"/callers="+string(rune('0'+callers)), func(b *testing.B) {
				cfg := DefaultConfig()
				s := startSandbox(b, cfg, time.Now)
				var codecs []*Codec
				for range callers {
					codecs = append(codecs, script(b, style, benchCodecs[style]))
				}
				var children []*child
				for range cfg.Workers {
					children = append(children, <-s.idle)
				}
				for _, c := range children {
					s.idle <- c
				}
				before := processorTime(b, children)
				b.ResetTimer()
				var n atomic.Int64
				var all sync.WaitGroup
				for _, codec := range codecs {
					all.Go(func() {
						for n.Add(1) <= int64(b.N) {
							out, err := s.Output(b.Context(), codec, 2, []byte{1, 13, 59, 2, 8, 68, 3, 0, 200}, time.UnixMilli(1700000000000))
							if err != nil || len(out.Data) != 3 {
								b.Error(out, err)
								return
							}
						}
					})
				}
				all.Wait()
				b.StopTimer()
				used := processorTime(b, children) - before
				b.ReportMetric(float64(b.N)/used.Seconds(), "decodes/cpu-s")
			})
		}
	}
}

var benchCodecs = map[string]string{
	"tlv": `
var FIELD = { 1: ["battery", 1000], 2: ["distance", 1], 3: ["temperature", 10] };
function s16(b, i) { var v = (b[i] << 8) | b[i + 1]; return v > 0x7fff ? v - 0x10000 : v; }
function decodeUplink(input) {
  var data = {}, warnings = [];
  for (var i = 0; i + 2 < input.bytes.length; i += 3) {
    var f = FIELD[input.bytes[i]];
    if (!f) { return { errors: ["unknown type " + input.bytes[i]] }; }
    data[f[0]] = s16(input.bytes, i + 1) / f[1];
  }
  return { data: data, warnings: warnings };
}`,
	"fixed": `
function Decoder(bytes, port) {
  return { battery: ((bytes[1] << 8 | bytes[2]) & 0x3fff) / 1000, distance: (bytes[4] << 8 | bytes[5]) + " mm", temperature: (bytes[8] / 10).toFixed(2) };
}`,
	"v3": `
function Decode(fPort, bytes) {
  var view = new DataView(new Uint8Array(bytes).buffer);
  return { battery: view.getUint16(1) / 1000, distance: view.getUint16(4), temperature: view.getInt16(7) / 10 };
}`,
}
