package decoders

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"

	"meldefunk/city"
)

func cpu() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(1, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

func TestZZCPU(t *testing.T) {
	if os.Getenv("ZZ") == "" {
		t.Skip()
	}
	runtime.LockOSThread()
	table := New()
	for pass, list := range [][]vector{goodFrames(t), pastFrames(t)} {
		for _, frame := range list {
			device, asset := &city.Device{Model: frame.Model}, goodAsset(table.Kind(frame.Model))
			uplink := &city.Uplink{FPort: frame.Port, Payload: unhex(t, frame.Hex)}
			best := int64(1 << 60)
			for range 7 {
				const n = 20000
				at := cpu()
				for range n {
					r := new(city.Reading)
					_ = table.Decode(device, asset, uplink, r)
				}
				best = min(best, (cpu()-at)/n)
			}
			var r city.Reading
			_ = table.Decode(device, asset, uplink, &r)
			fmt.Println(best, pass, frame.Model, len(r.History))
		}
	}
}
