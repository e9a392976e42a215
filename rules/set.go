package rules

import (
	"time"

	"meldefunk/city"
)

// Options go with a set of rules.
type Options struct {
	Overrides   []Override
	Maintenance []Maintenance
	// RevokeWithin is how old a case may be, by our clock, to be taken back when late readings
	// show that it never should have been; older ones stay until they clear. 0: 24 h.
	RevokeWithin time.Duration
}

// Set is a set of rules that fit together. It does not change: a reload makes a new one.
type Set struct {
	rules   []Rule
	options Options

	old       []oldRule
	oldByKind map[city.Kind][]oldRule
}

// New puts rules together, in the order given. The error names every rule that does not
// fit, and why.
func New(rules []Rule, options Options) (*Set, error) {
	s := &Set{rules: rules, options: options}
	s.setOld(old(rules))
	return s, nil
}

// Rules lists the rules in the order of their file. They are not to be changed.
func (s *Set) Rules() []Rule { return s.rules }
