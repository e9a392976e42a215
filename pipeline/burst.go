package pipeline

import (
	"cmp"
	"context"
	"slices"
	"time"

	"meldefunk/city"
)

// A gateway whose line is down keeps what it hears and delivers it in one burst when the
// line is back. Network servers that do not learn when it was heard give all of it the time
// of delivery. Of a device that sends in a period the counters tell the true times; see
// docs/adr/0003.
const (
	// A frame belongs to a burst when it is this close to the one counted before it by the
	// time that is claimed, or within a burstShare of the device's period, and arrived within
	// burstArrival of it.
	burstGap     = 5 * time.Second
	burstShare   = 10
	burstArrival = 60 // seconds

	// A period is known where that many of the latest intervals, and three quarters of them,
	// are within a fifth of their median. It is at least minPeriod.
	minIntervals = 4
	maxIntervals = 16
	minPeriod    = 4 * burstGap
)

// suspicious tells whether a frame may be part of a burst, so that it is worth a closer look.
func (m *memory) suspicious(s *seen) bool {
	before := m.before(s)
	return before != nil && together(before, s, max(int64(burstGap), m.widest/burstShare))
}

// together tells whether two frames, one counted after the other, came in one burst. Times
// by satellite are of the moment a frame was heard.
func together(a, b *seen, gap int64) bool {
	apart := max(a.received, b.received) - min(a.received, b.received)
	return a.epoch == b.epoch && a.source != city.TimeGPS && b.source != city.TimeGPS &&
		max(a.claim-b.claim, b.claim-a.claim) < gap && apart <= burstArrival
}

// settle estimates the event times of the burst that a remembered frame is part of, if it
// is one and its times can be told:
//
//	t = anchor + (counter - counter of the anchor) × period
//
// The anchor is the last frame before the burst. The estimate counts only where it explains
// the burst: where its last frame is less than two periods old at its delivery. One that
// would lie ahead of it, by half a period at most, shows that the period is not exact:
// then the last frame's own time is the anchor, and the others are reckoned back from it.
// Two frames that a device sent one right after the other are therefore no burst.
func (r *Road) settle(ctx context.Context, m *memory, last *seen, of *told) error {
	all := r.ordered[:0]
	for i := range m.frames {
		if m.frames[i].epoch == last.epoch {
			all = append(all, &m.frames[i])
		}
	}
	r.ordered = all
	slices.SortFunc(all, func(a, b *seen) int { return cmp.Compare(a.fcnt, b.fcnt) })
	at := slices.Index(all, last)

	first, _ := run(all, at, int64(burstGap))
	first, end := run(all, at, max(int64(burstGap), r.period(all[:first])/burstShare))
	period := r.period(all[:first])
	if end-first < 2 || period == 0 || first == 0 {
		return nil
	}
	burst, anchor := all[first:end], *all[first-1]
	newest := burst[len(burst)-1]
	delivered := min(newest.claim, int64(newest.received)*int64(time.Second))
	reckon := func(s *seen) int64 { return anchor.at + int64(s.fcnt-anchor.fcnt)*period }
	r.moved = moves{}
	lag := delivered - reckon(newest)
	switch {
	case lag < -period/2 || lag >= 2*period:
		return nil
	case lag < 0:
		anchor = *newest
		reckon = func(s *seen) int64 { return anchor.at - int64(anchor.fcnt-s.fcnt)*period }
		burst = burst[:len(burst)-1]
	}
	for _, s := range burst {
		if at := reckon(s); at != s.at && at <= int64(s.received)*int64(time.Second) {
			if err := r.retime(ctx, s, at, of); err != nil {
				return err
			}
		}
	}
	return nil
}

// run is the stretch of frames around one of them that are each together with the next.
func run(all []*seen, at int, gap int64) (first, end int) {
	first, end = at, at+1
	for first > 0 && together(all[first-1], all[first], gap) {
		first--
	}
	for end < len(all) && together(all[end-1], all[end], gap) {
		end++
	}
	return first, end
}

// period is the time between two counts of a device's counter in nanoseconds, by its latest
// frames in order of their counters; 0 where it has none, or it is not known. Times that were
// estimated say nothing about it.
func (r *Road) period(all []*seen) int64 {
	intervals := r.intervals[:0]
	for i := len(all) - 1; i > 0 && len(intervals) < maxIntervals; i-- {
		a, b := all[i-1], all[i]
		if a.source != city.TimeEstimated && b.source != city.TimeEstimated {
			intervals = append(intervals, (b.claim-a.claim)/int64(b.fcnt-a.fcnt))
		}
	}
	r.intervals = intervals
	if len(intervals) < minIntervals {
		return 0
	}
	slices.Sort(intervals)
	median := intervals[len(intervals)/2]
	near := 0
	for _, d := range intervals {
		if max(d-median, median-d) <= median/5 {
			near++
		}
	}
	if median < int64(minPeriod) || near < minIntervals || 4*near < 3*len(intervals) {
		return 0
	}
	return median
}

// retime gives a frame an estimated time, and its reading with it, wherever they are by now. of
// is about the same device.
func (r *Road) retime(ctx context.Context, s *seen, to int64, of *told) error {
	was := s.stamp()
	s.at, s.source = to, city.TimeEstimated
	for m := r.devices[of.DevEUI]; m.shared(s); {
		s.at++
	}
	if s.at == was.At.UnixNano() {
		return nil
	}
	if was.Source != city.TimeEstimated {
		r.metrics.estimated.Inc()
	}
	if p := r.staged(s.id); p != nil {
		f := &r.commit.Frames[p.frame]
		f.Uplink.Time, f.Claim = s.stamp(), s.claimed()
		if p.reading >= 0 {
			r.pending[p.reading].Time = s.stamp()
		}
		if !p.stored {
			return nil
		}
	}
	r.commit.Retimed = append(r.commit.Retimed, city.Retimed{Frame: s.id, Time: s.stamp(), Claim: s.claimed()})
	if r.second[s.id] != nil {
		return nil // it has no reading yet but the one of this batch
	}
	before := of.hangs.At(was.At)
	if before != of.hangs.At(s.stamp().At) {
		return r.reroute(ctx, s, of, before, was.At)
	}
	if before == nil {
		return nil
	}
	asset := before.ID
	err := r.amend(ctx, s, of.DevEUI, asset, was.At, func(reading *city.Reading) {
		reading.Former = append(slices.Clone(reading.Former), reading.Time.At)
		reading.Time = s.stamp()
		r.moved.occupancy(reading, was.At)
	})
	if err != nil {
		return err
	}
	state, err := r.state(ctx, subject{asset: asset})
	if err == nil && state.Occupancy != nil && state.Occupancy.Since.Equal(was.At) {
		o := *state.Occupancy // the other one may be on its way to the store
		o.Since, state.Occupancy = s.stamp().At, &o
		r.touch(state)
	}
	return err
}

// shared tells whether another remembered frame has the event time of this one, or claimed it
// and may have had it.
func (m *memory) shared(s *seen) bool {
	for i := range m.frames {
		if o := &m.frames[i]; o != s && (o.at == s.at || o.claim == s.at) {
			return true
		}
	}
	return false
}
