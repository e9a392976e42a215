package pipeline_test

import (
	"testing"
	"time"

	"meldefunk/city"
)

// Two regions each hand over the same backlog of one device in one go, one after the other.
// There is more of it in the batch than is remembered of a device.
func TestALongBacklogOfTwoRegionsIsReadOnce(t *testing.T) {
	const frames = 150
	w := newWorld(t)
	var all []city.Arrival
	for _, region := range []string{"a", "b"} {
		for n := range uint32(frames) {
			a := w.up("s", n, byte(n%80), time.Duration(n)*time.Minute)
			u := &a.Event.Uplink
			u.Radio = city.Radio{Gateways: 1, Gateway: region, RSSI: -90}
			a.Message.Received = start.Add(4 * time.Hour)
			u.Received = a.Message.Received
			all = append(all, a)
		}
	}
	w.carry(all...)
	readings := w.readings()
	if len(readings) != frames {
		t.Errorf("%d readings, want %d", len(readings), frames)
	}
	for _, r := range readings {
		if r.Radio.Gateways != 2 {
			t.Errorf("frame %d: %d gateways, want 2", r.FCnt, r.Radio.Gateways)
			break
		}
	}
}
