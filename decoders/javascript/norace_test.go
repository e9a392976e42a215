//go:build !race

package javascript

const patience = 1
