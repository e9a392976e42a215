package pipeline

import (
	"cmp"
	"container/heap"
	"math"
	"time"
)

// wheel knows who has to be looked at when: by the minute, and whose minute has come by the
// instant. Whoever has to be looked at later than was thought stays where he is until his time
// comes.
type wheel struct {
	slots   map[int64][]*assetState
	first   int64 // no slot is before it
	reached int64 // the last minute whose slot has gone into near
	near    queue
}

func newWheel() *wheel { return &wheel{slots: map[int64][]*assetState{}, first: math.MaxInt64} }

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// put notes when a state is due.
func (w *wheel) put(s *assetState) {
	if at := s.due(); !at.IsZero() {
		w.putAt(s, at)
	}
}

func (w *wheel) putAt(s *assetState, at time.Time) {
	if !s.waits.IsZero() {
		if !s.waits.After(at) {
			return
		}
		w.remove(s)
	}
	s.waits = at
	minute := minuteOf(at)
	if minute <= w.reached {
		heap.Push(&w.near, s)
		return
	}
	w.first = min(w.first, minute)
	s.place = len(w.slots[minute])
	w.slots[minute] = append(w.slots[minute], s)
}

// remove has a state wait no longer.
func (w *wheel) remove(s *assetState) {
	minute := minuteOf(s.waits)
	if minute <= w.reached {
		heap.Remove(&w.near, s.place)
	} else {
		slot := w.slots[minute]
		last := len(slot) - 1
		slot[s.place] = slot[last]
		slot[s.place].place = s.place
		slot[last] = nil
		if w.slots[minute] = slot[:last]; last == 0 {
			delete(w.slots, minute)
		}
	}
	s.waits = time.Time{}
}

// reach brings those near whose minute has come.
func (w *wheel) reach(now time.Time) {
	minute := minuteOf(now)
	if minute <= w.reached {
		return
	}
	w.reached = minute
	if w.first > minute {
		return
	}
	w.first = math.MaxInt64
	for m, slot := range w.slots {
		if m > minute {
			w.first = min(w.first, m)
			continue
		}
		for _, s := range slot {
			heap.Push(&w.near, s)
		}
		delete(w.slots, m)
	}
}

// next is who has to be looked at first, by now at the latest; nil: nobody has.
func (w *wheel) next(now time.Time) *assetState {
	w.reach(now)
	if len(w.near) == 0 || w.near[0].waits.After(now) {
		return nil
	}
	return w.near[0]
}

// setBack begins with another minute.
func (w *wheel) setBack() {
	all := []*assetState(w.near)
	for _, slot := range w.slots {
		all = append(all, slot...)
	}
	*w = *newWheel()
	for _, s := range all {
		at := s.waits
		s.waits = time.Time{}
		w.putAt(s, at)
	}
}

// queue is a heap of states, by what is before.
type queue []*assetState

// before tells whose turn is first: at one instant groups come before assets, and then it goes
// by names. So the order follows from what is stored, and from nothing else.
func before(a, b *assetState) bool {
	return cmp.Or(a.waits.Compare(b.waits), a.subject().compare(b.subject())) < 0
}

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return before(q[i], q[j]) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *queue) Push(x any) {
	s := x.(*assetState)
	s.place = len(*q)
	*q = append(*q, s)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	s := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return s
}
