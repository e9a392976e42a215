package rules

import (
	"time"

	"meldefunk/city"
)

// walk is many steps of one asset, one after the other. It decides what so many calls of Step
// decide, and packs what is remembered once and not after each of them.
type walk struct {
	set      *Set
	work     *work
	before   *mind // at its beginning
	begun    bool
	deadline int64
}

// walk begins with a mind as Step takes it.
func (s *Set) walk(was city.Mind) walk {
	w := walk{set: s}
	if w.before, _ = was.(*mind); w.before != nil {
		w.deadline = w.before.deadline
	}
	return w
}

// step is Step; the asset has to be the same each time.
func (k *walk) step(sight *city.Sight) ([]city.Verdict, []city.Share) {
	if sight.Reading != nil && sight.Reading.Simulated {
		return nil, nil
	}
	if !k.begun {
		k.work = k.set.works.Get().(*work)
	}
	x := step{set: k.set, w: k.work, s: sight}
	if k.begun {
		k.work.again()
	} else {
		x.begin(k.before)
		k.begun = true
	}
	k.deadline = x.think()
	return x.verdicts, x.shares
}

// due tells whether time alone may change something before an instant, and when.
func (k *walk) due(end time.Time) (time.Time, bool) {
	if k.deadline == 0 {
		return end, false
	}
	at := when(k.deadline)
	return at, at.Before(end)
}

// end gives what is remembered.
func (k *walk) end() city.Mind {
	if !k.begun {
		if k.before == nil {
			return nil
		}
		return k.before
	}
	m := k.work.pack(k.before, k.deadline)
	k.set.works.Put(k.work)
	*k = walk{}
	return m
}
