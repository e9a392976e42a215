package lorawan

import "testing"

func BenchmarkSeal(b *testing.B) {
	for _, s := range []Session{session10(), session11()} {
		b.Run(s.Version.String(), func(b *testing.B) {
			b.ReportAllocs()
			d := Data{MType: UnconfirmedUp, DevAddr: s.DevAddr, HasPort: true, FPort: 2, FRMPayload: []byte("elf Bytes !")}
			buf := make([]byte, 0, MaxFrame)
			for b.Loop() {
				d.FCnt++
				if _, err := s.Seal(buf, d, Binding{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerifyAndDecrypt(b *testing.B) {
	for _, s := range []Session{session10(), session11()} {
		b.Run(s.Version.String(), func(b *testing.B) {
			b.ReportAllocs()
			frame, err := s.Seal(nil, Data{MType: UnconfirmedUp, DevAddr: s.DevAddr, HasPort: true, FPort: 2, FRMPayload: []byte("elf Bytes !")}, Binding{})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				d, err := s.Verify(frame, 0, Binding{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := s.Payload(d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCMAC(b *testing.B) {
	b.ReportAllocs()
	msg := make([]byte, 24)
	var head [16]byte
	for b.Loop() {
		newEngine(Key{1}).cmac(head[:], msg)
	}
}
