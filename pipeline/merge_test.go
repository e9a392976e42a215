package pipeline_test

import (
	"testing"
	"time"

	"meldefunk/city"
)

// Two regions each hand over the same backlog of one device in one go, one after the other.
// There is more of it in the batch than is remembered of a device.
func TestALongBacklogOfTwoRegionsIsReadOnce(t *testing.T) {
	const frames = 100
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

// A frame that was set aside is heard once more by another gateway. When it becomes a reading
// at last, that has both gateways, in whatever batch the copy came.
func TestReplayKeepsWhatCopiesTold(t *testing.T) {
	for name, together := range map[string]bool{"copy before": false, "copy in the batch of the replay": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			first, second := w.up("s", 7, 50, 0), w.up("s", 7, 50, time.Second)
			first.Event.Uplink.Radio = city.Radio{Gateways: 1, Gateway: "a", RSSI: -90}
			second.Event.Uplink.Radio = city.Radio{Gateways: 1, Gateway: "b", RSSI: -80, SNR: 3}
			encrypt(&first, "k", 50)
			encrypt(&second, "k", 50)
			w.carry(first)
			if !together {
				w.carry(second)
			}
			w.label = "k" // the key is there
			first.Replay = true
			if together {
				w.carry(first, second)
			} else {
				w.carry(first)
			}
			frames, err := w.store.FramesOf(t.Context(), sensor, 0, 10)
			readings := w.readings()
			if err != nil || len(frames) != 1 || len(readings) != 1 {
				t.Fatalf("%d frames, %d readings, %v", len(frames), len(readings), err)
			}
			for what, radio := range map[string]city.Radio{"frame": frames[0].Uplink.Radio, "reading": readings[0].Radio} {
				if radio.Gateways != 2 || radio.RSSI != -80 {
					t.Errorf("%s: %+v, want two gateways and the better one's figures", what, radio)
				}
			}
		})
	}
}

// A burst of which some frames were set aside and others never stored is replayed in one go:
// the reading of each has the time of its frame, and no two have one.
func TestReplayOfABurst(t *testing.T) {
	const period = 10 * time.Minute
	w := newWorld(t)
	w.carry(w.every(period, 0, 10)...)
	burst := w.burst(10, 3, 12*period)
	aside := burst[0]
	encrypt(&aside, "k", 50)
	w.carry(aside)
	w.label = "k"
	aside.Replay = true
	w.carry(aside, burst[1], burst[2])
	times := map[int64]bool{}
	of := map[uint32]city.Stamp{}
	for _, r := range w.readings() {
		if times[r.Time.At.UnixNano()] {
			t.Errorf("two readings of %v", r.Time.At)
		}
		times[r.Time.At.UnixNano()] = true
		of[r.FCnt] = r.Time
	}
	frames, err := w.store.FramesOf(t.Context(), sensor, 0, 100)
	if err != nil || len(frames) != 13 || len(of) != 13 {
		t.Fatalf("%d frames, %d readings, %v; want 13 of each", len(frames), len(of), err)
	}
	for _, f := range frames {
		if f.Uplink.Time != of[f.Uplink.FCnt] {
			t.Errorf("frame %d: %v, its reading %v", f.Uplink.FCnt, f.Uplink.Time, of[f.Uplink.FCnt])
		}
	}
	if got, want := of[10], (city.Stamp{At: start.Add(10 * period), Source: city.TimeEstimated}); got != want {
		t.Errorf("the replayed frame: %v, want %v", got, want)
	}
}
