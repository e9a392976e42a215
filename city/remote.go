package city

import "time"

// Progress is how far people have got with a ticket, as the ticket system says.
type Progress string

// The degrees of progress.
const (
	ProgressOpen      Progress = "open"
	ProgressWorking   Progress = "in_progress" // somebody looks after it
	ProgressDone      Progress = "closed"
	ProgressRejected  Progress = "rejected"  // not to be done, or not by them
	ProgressDuplicate Progress = "duplicate" // of another ticket
)

// Over tells whether nothing more will be done.
func (p Progress) Over() bool {
	return p == ProgressDone || p == ProgressRejected || p == ProgressDuplicate
}

// Remote is a ticket as its system tells of it.
type Remote struct {
	ID       string
	Ref      string   // ours; "" where it was asked for by its number
	Progress Progress // "": not told
	Status   string   // the system's own word, the finest it tells
	Notes    string   // what they say of it
	Service  string   // their code of the category; people change it, and it is theirs to change
	Name     string   // of the category
	Updated  time.Time
}

// Double is another ticket there with the reference of one of ours.
type Double struct {
	Remote
	Older bool   // than ours
	Doubt string // German, why it may not come from us but from somebody who quotes ours; "": all speaks for us
}
