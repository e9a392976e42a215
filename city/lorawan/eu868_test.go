package lorawan

import (
	"testing"
	"time"
)

func TestEU868(t *testing.T) {
	var eu EU868
	// RP sections 2.2.3 (data rates), 2.2.6 (payload without repeaters) and 2.2.7 (RX1).
	for dr, want := range []struct {
		name string
		max  int
		rx1  [6]uint8
	}{
		{"SF12BW125", 51, [6]uint8{0, 0, 0, 0, 0, 0}},
		{"SF11BW125", 51, [6]uint8{1, 0, 0, 0, 0, 0}},
		{"SF10BW125", 51, [6]uint8{2, 1, 0, 0, 0, 0}},
		{"SF9BW125", 115, [6]uint8{3, 2, 1, 0, 0, 0}},
		{"SF8BW125", 242, [6]uint8{4, 3, 2, 1, 0, 0}},
		{"SF7BW125", 242, [6]uint8{5, 4, 3, 2, 1, 0}},
		{"SF7BW250", 242, [6]uint8{6, 5, 4, 3, 2, 1}},
		{"FSK50000", 242, [6]uint8{7, 6, 5, 4, 3, 2}},
	} {
		dr := uint8(dr)
		rate, ok := eu.DataRate(dr)
		if !ok || rate.String() != want.name || eu.MaxPayload(dr) != want.max {
			t.Errorf("DR%d is %s (%v) with %d bytes, want %s with %d", dr, rate, ok, eu.MaxPayload(dr), want.name, want.max)
		}
		if back, ok := eu.DataRateOf(rate); !ok || back != dr {
			t.Errorf("%s is DR%d (%v), want DR%d", rate, back, ok, dr)
		}
		for offset, want := range want.rx1 {
			if got, ok := eu.RX1(dr, uint8(offset)); !ok || got != want {
				t.Errorf("RX1 after DR%d with offset %d is DR%d (%v), want DR%d", dr, offset, got, ok, want)
			}
		}
		if _, ok := eu.RX1(dr, 6); ok {
			t.Error("there is an offset 6")
		}
		if power, ok := eu.TXPower(dr); !ok || power != []int{16, 14, 12, 10, 8, 6, 4, 2}[dr] {
			t.Errorf("power %d is %d dBm (%v)", dr, power, ok)
		}
	}
	if _, ok := eu.DataRate(8); ok || eu.MaxPayload(8) != 0 {
		t.Error("there is a DR8")
	}
	if _, ok := eu.RX1(8, 0); ok {
		t.Error("there is an RX1 after DR8")
	}
	if _, ok := eu.TXPower(8); ok {
		t.Error("there is a power 8")
	}
	if _, ok := eu.DataRateOf(DataRate{SpreadingFactor: 12, Bandwidth: 500e3}); ok {
		t.Error("there is SF12 at 500 kHz")
	}
	fsk, _ := eu.DataRate(7)
	if got, err := fsk.Airtime(Up, 24); err != nil || got != 5600*time.Microsecond { // 35 bytes, 280 bits
		t.Errorf("FSK with 24 bytes: %s (%v), want 5.6ms", got, err)
	}
	slow, _ := eu.DataRate(0)
	up, _ := slow.Airtime(Up, 17)
	down, _ := slow.Airtime(Down, 17)
	if up <= down {
		t.Errorf("SF12 with 17 bytes: %s up, %s down: want the checksum to take time", up, down)
	}
}

func TestSubBands(t *testing.T) {
	var eu EU868
	for _, c := range []struct {
		hz       uint32
		name     string
		perMille int
	}{
		{862999900, "", 0}, {863000000, "K", 1}, {864999900, "K", 1}, {865000000, "L", 10}, {867900000, "L", 10},
		{868000000, "M", 10}, {868100000, "M", 10}, {868599900, "M", 10}, {868600000, "", 0}, {868699900, "", 0},
		{868700000, "N", 1}, {869200000, "", 0}, {869400000, "P", 100}, {EU868RX2Frequency, "P", 100}, {869650000, "", 0},
		{869700000, "Q", 10}, {870000000, "", 0},
	} {
		b, ok := eu.SubBand(c.hz)
		if ok != (c.name != "") || b.Name != c.name || b.PerMille != c.perMille {
			t.Errorf("%d Hz is in %+v (%v), want %q with %d per mille", c.hz, b, ok, c.name, c.perMille)
		}
	}
	for _, hz := range eu.DefaultChannels() {
		if b, _ := eu.SubBand(hz); b.Name != "M" {
			t.Errorf("%d Hz is in %q", hz, b.Name)
		}
	}
	m, _ := eu.SubBand(868100000)
	if m.PerHour() != 36*time.Second || m.Pause(time.Second) != 99*time.Second {
		t.Errorf("1 %%: %s an hour, %s pause after a second, want 36s and 1m39s", m.PerHour(), m.Pause(time.Second))
	}
}
