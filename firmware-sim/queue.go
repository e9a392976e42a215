package sim

import "time"

// queue holds the sensors by when they are due, soonest first; of two due at the same
// time the one laid out first, so that the order is always the same. It implements
// container/heap.Interface.
type queue []turn

type turn struct {
	at     time.Time
	number int // position in the layout
	sensor *sensor
}

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	if c := q[i].at.Compare(q[j].at); c != 0 {
		return c < 0
	}
	return q[i].number < q[j].number
}

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *queue) Push(x any) { *q = append(*q, x.(turn)) }

func (q *queue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	*q = (*q)[:last]
	return t
}
