package network

import (
	"encoding/binary"
	"errors"
	"time"

	"meldefunk/city"
)

// CollectFor is how long network servers wait for other gateways that heard the same frame.
const CollectFor = 200 * time.Millisecond

// Bounds of a Collector, beyond which only a flood gets.
const (
	maxCollected  = 1 << 14 // frames that wait
	maxReceptions = 64      // gateways per frame
)

// Errors of Collector.Add.
var (
	errFlood    = errors.New("16384 frames wait for other gateways already: this one is dropped")
	errManyEars = errors.New("64 gateways heard this frame already: this one is dropped")
)

// Collector brings together what several gateways heard of one frame: equal bytes on the
// same frequency with the same data rate within CollectFor. Time is that of whoever calls,
// and must not go back.
type Collector struct {
	open  map[string]*collected
	queue []*collected // in the order in which they close
}

type collected struct {
	key    string // the frame, frequency and data rate
	heard  []Reception
	closes time.Time
}

// keyTail is what stands behind the frame in a key, in bytes.
const keyTail = 5

// Add takes in a frame that one gateway heard and that has arrived now. Of a gateway that
// tells of a frame twice the better reception stays. It keeps a copy of the frame. It fails
// in a flood only, of which nothing is kept.
func (c *Collector) Add(now time.Time, frame []byte, r Reception) error {
	var room [255 + keyTail]byte
	key := append(room[:0], frame...)
	key = binary.LittleEndian.AppendUint32(key, r.Frequency)
	key = append(key, r.DataRate)
	g := c.open[string(key)]
	if g == nil {
		if len(c.queue) >= maxCollected {
			return errFlood
		}
		g = &collected{key: string(key), closes: now.Add(CollectFor)}
		if c.open == nil {
			c.open = map[string]*collected{}
		}
		c.open[g.key] = g
		c.queue = append(c.queue, g)
	}
	if i := g.by(r.Gateway); i >= 0 {
		if r.SNR > g.heard[i].SNR {
			g.heard[i] = r
		}
		return nil
	}
	if len(g.heard) >= maxReceptions {
		return errManyEars
	}
	g.heard = append(g.heard, r)
	return nil
}

// by gives the index of a gateway's reception, -1 for none.
func (g *collected) by(gateway city.EUI) int {
	for i := range g.heard {
		if g.heard[i].Gateway == gateway {
			return i
		}
	}
	return -1
}

// Next tells when the next frame is complete; false if none waits.
func (c *Collector) Next() (time.Time, bool) {
	if len(c.queue) == 0 {
		return time.Time{}, false
	}
	return c.queue[0].closes, true
}

// Take gives the oldest frame that is complete by now, and who heard it; false if there is
// none.
func (c *Collector) Take(now time.Time) (frame []byte, heard []Reception, ok bool) {
	if len(c.queue) == 0 || c.queue[0].closes.After(now) {
		return nil, nil, false
	}
	g := c.queue[0]
	c.queue[0] = nil
	if c.queue = c.queue[1:]; len(c.queue) == 0 {
		c.queue = nil // so that its memory does not outlive a flood
	}
	delete(c.open, g.key)
	return []byte(g.key[:len(g.key)-keyTail]), g.heard, true
}
