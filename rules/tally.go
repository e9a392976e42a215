package rules

// Tally is what a group's members come to.
type Tally struct {
	True, False, Unknown int
}

func (t *Tally) total() int { return t.True + t.False + t.Unknown }
