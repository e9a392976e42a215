// Package tickets looks after a case until a ticket system has it, and again until it is
// closed there. It compares what is wanted with what the ticket system was told, moves
// towards it one step at a time, and never makes a second ticket out of a lost answer.
//
// It does not know why a case is wanted, what a reading is, or how cases and tickets are
// kept: cases come from a Store, which also remembers every step.
package tickets
