package javascript

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// bar is how many decodes of a typical codec a core must do in a second, the sandbox included.
const bar = 8000

// typical are codecs of the shapes that vendors write, each with a payload.
var typical = []struct {
	name   string
	port   uint8
	hex    string
	fields int // of the output
}{
	{"tlv", 85, "01755c03670101048244080500018367f6ff01", 5},
	{"bits", 2, "4d3b0b1ff9d3012c1552", 10},
	{"ports", 2, "65535e800301ed0c1c", 6},
	{"table", 1, "0212340007098c82fe01900c2b", 6},
}

func typicalCodec(t testing.TB, name string) *Codec {
	source, err := os.ReadFile(filepath.Join("testdata/typical", name+".js"))
	if err != nil {
		t.Fatal(err)
	}
	return script(t, name, string(source))
}

// processorTimes is what this process and the given ones have used.
func processorTimes(b *testing.B, children []*child) (own, theirs time.Duration) {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	for _, c := range children {
		theirs += c.processorTime()
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano()), theirs
}

// BenchmarkDecode measures decodes with the process boundary. "decodes/cpu-s" is per second
// of processor time of platform and workers together: what one core does that has nothing
// else to do, however busy the machine is. "of-bar" is that by the bar: 1 and more is well.
func BenchmarkDecode(b *testing.B) {
	for _, c := range typical {
		for _, callers := range []int{1, 2} {
			b.Run(c.name+"/callers="+string(rune('0'+callers)), func(b *testing.B) {
				payload, err := hex.DecodeString(c.hex)
				if err != nil {
					b.Fatal(err)
				}
				cfg := DefaultConfig()
				s := startSandbox(b, cfg, time.Now)
				var codecs []*Codec
				for range callers {
					codecs = append(codecs, typicalCodec(b, c.name))
				}
				var children []*child
				for range cfg.Workers {
					children = append(children, <-s.idle)
				}
				for _, c := range children {
					s.idle <- c
				}
				ownBefore, theirsBefore := processorTimes(b, children)
				b.ResetTimer()
				var n atomic.Int64
				var starved atomic.Bool
				var all sync.WaitGroup
				for _, codec := range codecs {
					all.Go(func() {
						for n.Add(1) <= int64(b.N) {
							out, err := s.Output(b.Context(), codec, c.port, payload, time.UnixMilli(1700000000000))
							if errors.Is(err, errStarved) { // and the worker gone, with its clock
								starved.Store(true)
								return
							}
							if err != nil || len(out.Data) != c.fields {
								b.Error(out, err)
								return
							}
						}
					})
				}
				all.Wait()
				b.StopTimer()
				if starved.Load() {
					b.Skip("the machine is too busy")
				}
				own, theirs := processorTimes(b, children)
				own, theirs = own-ownBefore, theirs-theirsBefore
				rate := float64(b.N) / (own + theirs).Seconds()
				b.ReportMetric(rate, "decodes/cpu-s")
				b.ReportMetric(rate/bar, "of-bar")
				b.ReportMetric(own.Seconds()*1e6/float64(b.N), "platform-µs/op")
				b.ReportMetric(theirs.Seconds()*1e6/float64(b.N), "worker-µs/op")
			})
		}
	}
}
