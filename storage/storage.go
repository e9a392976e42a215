// Package storage groups the technologies that readings and state are kept in, one child
// folder each: sqlite (the default; also holds the state of the road) and influx (history,
// fed from what was committed). storagetest is the contract that a store of the road keeps.
//
// It does not know what readings mean and decides nothing about them.
package storage
