package network

import (
	"runtime"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// BenchmarkReceive takes an uplink of one of 100,000 devices that two gateways have heard.
func BenchmarkReceive(b *testing.B) {
	for _, v := range []lorawan.Version{lorawan.V1_0_4, lorawan.V1_1} {
		b.Run(v.String(), func(b *testing.B) {
			const devices = 100_000
			s := newServer(b, Config{NetID: testNet, ADR: true})
			sensors := many(b, s, v, devices)
			h := append(heard(0), heard(0)...)
			h[1].Gateway, h[1].SNR = gatewayB, -3
			const batch = 4096
			frames := make([][]byte, batch)
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += batch {
				b.StopTimer()
				for i := range frames {
					frames[i] = sensors[(done+i)*7919%devices].reading("elf Bytes !")
				}
				b.StartTimer()
				for _, f := range frames[:min(batch, b.N-done)] {
					if res := s.Receive(f, h); res.Kind != Accepted {
						b.Fatal(res.Complaints)
					}
				}
			}
		})
	}
}

// many registers personalised devices: for what the network keeps and does they are like
// others.
func many(tb testing.TB, s *Server, v lorawan.Version, n int) []sensor {
	sensors := make([]sensor, n)
	for i := range sensors {
		k := func(kind byte) lorawan.Key { return lorawan.Key{kind, byte(i), byte(i >> 8), byte(i >> 16)} }
		ses := lorawan.Session10(v, testNet.DevAddr(uint32(i)), k(1), k(2))
		if v == lorawan.V1_1 {
			ses.SNwkSIntKey, ses.NwkSEncKey = k(3), k(4)
		}
		sensors[i] = sensor{t: tb, session: ses, Device: Device{
			DevEUI: city.EUI{5: byte(i >> 16), 6: byte(i >> 8), 7: byte(i)}, Version: v, Personalised: &ses,
		}}
		sensors[i].DevEUI[0] = 0xa8
		if err := s.Register(sensors[i].Device); err != nil {
			tb.Fatal(err)
		}
	}
	return sensors
}

// TestMemory holds the network to what it may take for each device.
func TestMemory(t *testing.T) {
	const devices, most = 20_000, 1024
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	s := newServer(t, Config{NetID: testNet, ADR: true, RXDelay: 2, StatusEvery: time.Hour})
	before := heap()
	for i, dev := range many(t, s, lorawan.V1_1, devices) {
		accepted(t, s.Receive(dev.reading("elf Bytes !"), heard(i)))
	}
	after := heap()
	each := int64(after-before) / devices
	t.Logf("%d bytes per device", each)
	if each > most {
		t.Errorf("%d bytes per device, want at most %d", each, most)
	}
	runtime.KeepAlive(s)
}
