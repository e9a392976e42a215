package city

import "time"

// Frame is an uplink as it is kept, with its place in the device's history.
type Frame struct {
	ID     int64
	Epoch  uint32
	Fate   Fate
	Hash   uint64 // of FPort and payload
	Uplink Uplink
	// Claim is the event time as it was claimed, where Uplink.Time is another: it was
	// estimated, or moved on to be unique. Zero: Uplink.Time is the claim.
	Claim    time.Time
	Conflict bool // an earlier frame of the session has the same counter and other content
}

// Retimed is a stored frame that gets another event time.
type Retimed struct {
	Frame int64
	Time  Stamp
	Claim time.Time // as in Frame
}

// Reheard is a stored frame of which further receptions are told.
type Reheard struct {
	Frame int64
	Radio Radio
	Heard []Reception
}

// Withdrawn is a reading that nothing takes the place of. It has a number of its own among
// those of the readings, so that who follows them comes across it.
type Withdrawn struct {
	ID     int64
	DevEUI EUI
	At     time.Time // event time of the reading
}

// Mark is how far the road has come: the highest numbers given out so far. Numbers
// are given by the road, not by the store, so that a commit can be repeated.
type Mark struct {
	Frame   int64
	Reading int64
	Ruling  int64
	// Alive is when we last were known to be there; in a commit zero where it stays as it was.
	Alive time.Time
}

// Released is a case that the safety brake has held.
type Released struct {
	Ref string
	At  time.Time
}

// Commit is everything that one batch changes. It is written whole or not at all, and
// nothing else writes these. Repeating a commit whose outcome was unclear is harmless.
type Commit struct {
	Mark     Mark
	Sessions []Session // new, or changed
	Frames   []Frame
	Retimed  []Retimed // frames of earlier commits
	Reheard  []Reheard // frames of earlier commits
	Readings []Reading
	States   []AssetState
	Rulings  []Ruling
	Updates  []CaseUpdate // of cases of earlier commits, or of this one
	Released []Released   // cases that the safety brake lets go
	Deaf     []Deafness   // new, or further known
	Cases    []Case       // openings, and closings (then Ref and the Closed… fields count), in the order they happened
	Aside    []SetAside
	Events   []DeviceEvent
	Replaced []int64 // numbers of readings that are deleted: others take their place, or they are withdrawn
	// Withdrawn are those of them that nothing takes the place of.
	Withdrawn []Withdrawn
	Replayed  []uint64 // keys of set-aside messages that made it this time
}

// Empty tells whether there is nothing to write.
func (c *Commit) Empty() bool {
	return len(c.Sessions)+len(c.Frames)+len(c.Retimed)+len(c.Reheard)+len(c.Readings)+len(c.States)+
		len(c.Cases)+len(c.Aside)+len(c.Events)+len(c.Replaced)+len(c.Withdrawn)+len(c.Replayed)+
		len(c.Rulings)+len(c.Updates)+len(c.Released)+len(c.Deaf) == 0 && c.Mark.Alive.IsZero()
}
