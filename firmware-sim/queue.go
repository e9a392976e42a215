package sim

import (
	"container/heap"
	"time"
)

// queue holds the sensors by when they are due, soonest first; of two due at the same
// time the one laid out first, so that the order is always the same.
type queue struct{ turns []turn }

type turn struct {
	at     time.Time
	sensor *sensor
}

func (q *queue) Len() int { return len(q.turns) }

func (q *queue) Less(i, j int) bool {
	a, b := &q.turns[i], &q.turns[j]
	if c := a.at.Compare(b.at); c != 0 {
		return c < 0
	}
	return a.sensor.number < b.sensor.number
}

func (q *queue) Swap(i, j int) {
	t := q.turns
	t[i], t[j] = t[j], t[i]
	q.note(i)
	q.note(j)
}

func (q *queue) note(i int) { q.turns[i].sensor.turn = i }

// Push is heap.Interface's.
func (q *queue) Push(x any) {
	q.turns = append(q.turns, x.(turn))
	q.note(len(q.turns) - 1)
}

// Pop is heap.Interface's.
func (q *queue) Pop() any {
	last := len(q.turns) - 1
	t := q.turns[last]
	t.sensor.turn = idle
	q.turns = q.turns[:last]
	return t
}

// idle is the turn of a sensor that does nothing more.
const idle = -1

// again puts a sensor where it belongs after something has happened to it.
func (q *queue) again(d *sensor) {
	i, there := d.turn, d.turn != idle
	at, due := d.due()
	switch {
	case due && there:
		q.turns[i].at = at
		heap.Fix(q, i)
	case due:
		heap.Push(q, turn{at, d})
	case there:
		heap.Remove(q, i)
	}
}

// arrivals holds frames on their way to the network server, soonest first; of two at the
// same time the one sent first.
type arrivals []*arrival

func (q arrivals) Len() int { return len(q) }

func (q arrivals) Less(i, j int) bool {
	if c := q[i].at.Compare(q[j].at); c != 0 {
		return c < 0
	}
	return q[i].serial < q[j].serial
}

func (q arrivals) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is heap.Interface's.
func (q *arrivals) Push(x any) { *q = append(*q, x.(*arrival)) }

// Pop is heap.Interface's.
func (q *arrivals) Pop() any {
	last := len(*q) - 1
	a := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return a
}
