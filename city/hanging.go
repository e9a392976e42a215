package city

import "time"

// Hanging tells that a device hung on an asset: from From on, before To.
type Hanging struct {
	Asset *Asset
	From  time.Time // zero: nobody knows, and it counts for ever
	To    time.Time // zero: it still hangs there
}

// Hangings is where a device hung when, in order of time; no two overlap. What was measured
// goes by the hanging of its time.
type Hangings []Hanging

// At gives the asset on which the device hung at a time, nil where it hung nowhere.
func (h Hangings) At(t time.Time) *Asset {
	for i := len(h) - 1; i >= 0; i-- {
		if !t.Before(h[i].From) {
			if h[i].To.IsZero() || t.Before(h[i].To) {
				return h[i].Asset
			}
			return nil
		}
	}
	return nil
}

// Told tells whether somebody has said since when the device hangs where it does. Of a device
// that only stands in a file nobody has: what was read elsewhere before may be right.
func (h Hangings) Told() bool { return len(h) == 0 || !h[0].From.IsZero() }
