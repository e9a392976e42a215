package lorawan

import (
	"math"
	"testing"
	"time"
)

// TestAirtime has figures of others: Semtech's formula as a spreadsheet (13, 24 + 13 bytes)
// and a calculator (10 bytes), and what The Things Stack reported for a frame of 24 bytes.
func TestAirtime(t *testing.T) {
	for _, c := range []struct {
		sf   uint8
		size int
		want string
	}{
		{9, 13, "164.864ms"},
		{7, 37, "82.176ms"}, {8, 37, "143.872ms"}, {9, 37, "267.264ms"}, {10, 37, "493.568ms"}, {11, 37, "1069.056ms"}, {12, 37, "1974.272ms"},
		{7, 10, "41.216ms"}, {11, 10, "577.536ms"},
		{7, 24, "61.696ms"},
	} {
		want, err := time.ParseDuration(c.want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (DataRate{SpreadingFactor: c.sf, Bandwidth: 125e3}).Airtime(Up, c.size); err != nil || got != want {
			t.Errorf("SF%d with %d bytes: %s (%v), want %s", c.sf, c.size, got, err, want)
		}
	}
}

// TestAirtimeFormula computes every setting as the data sheet prints it, in floating point.
func TestAirtimeFormula(t *testing.T) {
	truth := map[bool]float64{true: 1}
	for sf := 7.0; sf <= 12; sf++ {
		for _, bw := range []float64{125e3, 250e3, 500e3} {
			for _, crc := range []bool{false, true} {
				for _, implicit := range []bool{false, true} {
					for cr := 1.0; cr <= 4; cr++ {
						for _, pl := range []float64{0, 1, 12, 13, 24, 51, 64, 127, 128, 255} {
							ts := math.Exp2(sf) / bw
							de := truth[ts > 0.016]
							payload := 8 + math.Max(math.Ceil((8*pl-4*sf+28+16*truth[crc]-20*truth[implicit])/(4*(sf-2*de)))*(cr+4), 0)
							want := ((10 + 4.25) + payload) * ts
							l := LoRa{SpreadingFactor: uint8(sf), Bandwidth: uint32(bw), CRC: crc, ImplicitHeader: implicit, CodingRate: uint8(cr), Preamble: 10}
							got, err := l.Airtime(int(pl))
							if err != nil || math.Abs(got.Seconds()-want) > 1e-9 {
								t.Fatalf("%+v, %v bytes: %s (%v), want %v s", l, pl, got, err, want)
							}
						}
					}
				}
			}
		}
	}
}

func TestAirtimeRefuses(t *testing.T) {
	for _, c := range []struct {
		l    LoRa
		size int
	}{
		{LoRa{SpreadingFactor: 6, Bandwidth: 125e3}, 10}, {LoRa{SpreadingFactor: 13, Bandwidth: 125e3}, 10},
		{LoRa{SpreadingFactor: 7, Bandwidth: 0}, 10}, {LoRa{SpreadingFactor: 7, Bandwidth: 125}, 10},
		{LoRa{SpreadingFactor: 7, Bandwidth: 125e3, CodingRate: 5}, 10},
		{LoRa{SpreadingFactor: 7, Bandwidth: 125e3}, -1}, {LoRa{SpreadingFactor: 7, Bandwidth: 125e3}, 256},
	} {
		if got, err := c.l.Airtime(c.size); err == nil {
			t.Errorf("%+v, %d bytes: %s, want an error", c.l, c.size, got)
		}
	}
	for _, size := range []int{-1, 256} {
		if got, err := (DataRate{BitRate: 50000}).Airtime(Up, size); err == nil {
			t.Errorf("FSK, %d bytes: %s, want an error", size, got)
		}
	}
}
