//go:build race

package javascript

// patience: the race detector makes JavaScript several times slower, and takes memory of
// its own.
const patience = 10
