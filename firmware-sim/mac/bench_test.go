package mac

import (
	"math/rand/v2"
	"testing"
	"time"

	"meldefunk/city/lorawan"
)

func BenchmarkUplink(b *testing.B) {
	for _, v := range []lorawan.Version{lorawan.V1_0_3, lorawan.V1_1} {
		b.Run(v.String(), func(b *testing.B) {
			s := lorawan.Session{Version: v, FNwkSIntKey: lorawan.Key{1}, SNwkSIntKey: lorawan.Key{2}, NwkSEncKey: lorawan.Key{3}, AppSKey: lorawan.Key{4}}
			p := &Profile{DataRate: 5, ADR: true, Channels: []uint32{867100000, 867300000, 867500000, 867700000, 867900000}}
			d, err := New(Identity{Version: v, ABP: &s}, p, rand.New(rand.NewPCG(1, 1)))
			if err != nil {
				b.Fatal(err)
			}
			now := start
			d.Boot(now)
			payload := []byte("elf Bytes !")
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(10 * time.Minute)
				if err := d.Send(now, Message{Port: 1, Payload: payload}); err != nil {
					b.Fatal(err)
				}
				if _, ok := d.Next(); !ok {
					b.Fatal("nothing to send")
				}
				if _, ok := d.Transmit(now); !ok {
					b.Fatal("not sent")
				}
			}
		})
	}
}

// BenchmarkDevice shows in B/op what one device takes: switched on, with its randomness and
// a payload that waits.
func BenchmarkDevice(b *testing.B) {
	id := Identity{Version: lorawan.V1_0_4, AppKey: lorawan.Key{1}}
	p := &Profile{DataRate: 5}
	payload := []byte("elf Bytes !")
	b.ReportAllocs()
	for b.Loop() {
		d, err := New(id, p, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			b.Fatal(err)
		}
		d.Boot(start)
		if err := d.Send(start, Message{Port: 1, Payload: payload}); err != nil {
			b.Fatal(err)
		}
	}
}
