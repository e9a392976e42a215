package sim

import (
	"time"

	"meldefunk/city"
)

// EpisodeKind is a sort of Episode.
type EpisodeKind string

// The kinds of episodes: of places first, of devices then.
const (
	BinOver     EpisodeKind = "bin_over"     // fill level at or above Threshold, %
	TreeBelow   EpisodeKind = "tree_below"   // usable field capacity below Threshold, %
	BayOccupied EpisodeKind = "bay_occupied" // a vehicle stands there; Threshold is 1

	DeviceSilent   EpisodeKind = "device_silent"   // says nothing, and will again
	DeviceDead     EpisodeKind = "device_dead"     // its battery is empty
	DeviceStolen   EpisodeKind = "device_stolen"   // carried away
	DeviceBlind    EpisodeKind = "device_blind"    // speaks, but measures nothing
	DeviceStuck    EpisodeKind = "device_stuck"    // always says the same
	DeviceNoisy    EpisodeKind = "device_noisy"    // values scatter
	DeviceSpiking  EpisodeKind = "device_spiking"  // now and then a value that cannot be
	DeviceDrifting EpisodeKind = "device_drifting" // values wander off
)

var episodeKinds = []EpisodeKind{
	BinOver, TreeBelow, BayOccupied,
	DeviceSilent, DeviceDead, DeviceStolen, DeviceBlind, DeviceStuck, DeviceNoisy, DeviceSpiking, DeviceDrifting,
}

// Episode is something that was so for a while, in the world itself and not in what
// sensors said of it.
type Episode struct {
	Kind      EpisodeKind
	Asset     string    // "" of a device that nobody entered
	Device    city.EUI  // the sensor of the place
	Threshold float64   // in the unit of Kind; 0 of devices
	From      time.Time // the first moment; where it was so already, the beginning of the play
	To        time.Time // when it was over; zero: not within the play
}

// Thresholds says of which levels a manifest tells.
type Thresholds struct {
	BinOver   []float64 `yaml:"bin_over"`   // fill level, above 0 to 100 %
	TreeBelow []float64 `yaml:"tree_below"` // usable field capacity, above 0 to 100 %
}

// watch makes episodes of what one place goes through.
type watch struct {
	kind       EpisodeKind
	asset      string
	device     city.EUI
	thresholds []float64
	since      []time.Time // by threshold; zero: not so now
	emit       func(Episode)
}

// newWatch of a site; nil where no threshold is of interest. emit is called when an
// episode is over, or at the end of the play.
func newWatch(asset city.Asset, device city.EUI, of Thresholds, emit func(Episode)) *watch {
	w := &watch{asset: asset.ID, device: device, emit: emit}
	switch asset.Kind {
	case city.Bin:
		w.kind, w.thresholds = BinOver, of.BinOver
	case city.Soil:
		w.kind, w.thresholds = TreeBelow, of.TreeBelow
	case city.Parking:
		w.kind, w.thresholds = BayOccupied, []float64{1}
	}
	if len(w.thresholds) == 0 {
		return nil
	}
	w.since = make([]time.Time, len(w.thresholds))
	return w
}

// pass goes along a segment. Segments follow each other without a gap, but a value may
// jump from one to the next.
func (w *watch) pass(s segment) {
	if w == nil || !s.from.Before(s.to) {
		return
	}
	for i, threshold := range w.thresholds {
		begins, ends := w.holds(s.begin, threshold), w.holds(s.end, threshold)
		if begins == w.since[i].IsZero() {
			w.turn(i, s.from)
		}
		if begins != ends {
			part := (threshold - s.begin) / (s.end - s.begin)
			w.turn(i, s.from.Add(time.Duration(part*float64(s.to.Sub(s.from)))))
		}
	}
}

func (w *watch) holds(value, threshold float64) bool {
	if w.kind == TreeBelow {
		return value < threshold
	}
	return value >= threshold
}

// turn begins the episode of a threshold, or ends it.
func (w *watch) turn(i int, at time.Time) {
	if w.since[i].IsZero() {
		w.since[i] = at
		return
	}
	if w.since[i].Before(at) {
		w.tell(i, at)
	}
	w.since[i] = time.Time{}
}

func (w *watch) tell(i int, to time.Time) {
	w.emit(Episode{Kind: w.kind, Asset: w.asset, Device: w.device,
		Threshold: w.thresholds[i], From: w.since[i], To: to})
}

// finish tells of what is not over when the play is.
func (w *watch) finish() {
	if w == nil {
		return
	}
	for i, since := range w.since {
		if !since.IsZero() {
			w.tell(i, time.Time{})
			w.since[i] = time.Time{}
		}
	}
}
