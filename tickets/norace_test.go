//go:build !race

package tickets

// slower is by how much less there is to do where the race detector watches.
const slower = 1
