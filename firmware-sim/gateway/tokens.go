package gateway

import "slices"

// tokens matches acknowledgements to what they acknowledge. The protocol asks for random
// numbers; a count does as well, because nothing in it is protected, and gives the same
// bytes in each run.
type tokens struct {
	next uint16
	open []pending // the oldest first
}

// pending is a token and what its user calls it.
type pending struct {
	token uint16
	id    uint64
}

// maxTokens is how many may be unacknowledged; older ones are given up.
const maxTokens = 64

func (t *tokens) draw(id uint64) uint16 {
	t.next++
	if len(t.open) >= maxTokens {
		t.open = slices.Delete(t.open, 0, 1)
	}
	t.open = append(t.open, pending{t.next, id})
	return t.next
}

// take closes a token; false if it is not open.
func (t *tokens) take(token uint16) (id uint64, ok bool) {
	i := slices.IndexFunc(t.open, func(p pending) bool { return p.token == token })
	if i < 0 {
		return 0, false
	}
	id = t.open[i].id
	t.open = slices.Delete(t.open, i, i+1)
	return id, true
}
