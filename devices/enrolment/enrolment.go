// Package enrolment keeps network servers in step with the register of devices. From what the
// register says and from what each network server was last told it makes a plan, and carries
// it out: a few devices at a time, with patience where a server cannot be reached, and with a
// record of each device that is written before and after it is told, so that whatever breaks
// off is known to be half done and is mended by the next run.
//
// It does not know how any network server is spoken to (see enrol.Server), where the register
// is kept, or how keys are wrapped.
package enrolment

import (
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// Target is a network server that devices are made known to.
type Target struct {
	enrol.Server
	// Place says where in that server the devices stand, in any words without a secret: where
	// it becomes another one, all devices are told anew.
	Place string
	// KeepKeys keeps root keys from this server: it asks a join server that has them.
	KeepKeys bool
}

// Source is what a plan is made from.
type Source struct {
	Snapshot register.Snapshot
	Told     []register.Registration // of all servers
	// Asset gives an asset, for what people read at the network server; it may be one that
	// the register does not have.
	Asset func(id string) (*city.Asset, bool)
	// Open unwraps root keys.
	Open func(register.Keys) (enrol.RootKeys, error)
}

// Action is what is to be done about one device at one network server.
type Action string

// The actions.
const (
	Nothing Action = "nothing" // it was told all of it
	Create  Action = "create"  // it was never told
	Update  Action = "update"  // it was told something else, or in part
	Remove  Action = "remove"  // the device is retired, or is another server's now
	Note    Action = "note"    // it has the device as wanted already: only our record lacks
	Skip    Action = "skip"    // not ours to tell, see Step.Why
	Blocked Action = "blocked" // cannot be told as it is, see Step.Err
)

// Step is what is to be done about one device at one network server.
type Step struct {
	DevEUI city.EUI
	Name   string // for people: what it hangs on; may be empty
	Server string // "": none could be chosen
	Action Action
	Why    string // for people; may be empty
	// Drift is in what the server differs, where Verify looked.
	Drift []enrol.Drift
	// Err is why the step is Blocked, or why Verify could not look.
	Err error

	target Target
	told   register.Registration
	digest string
	class  class
	// want describes the device. It is a function because keys must not lie in a struct that
	// somebody prints.
	want func() (enrol.Device, error)
}

// class is what devices have in common that meet the same end where something is missing at a
// server; without profile and region it is all of the server.
type class struct{ server, profile, region string }

// changes tells whether the step tells a server something.
func (s *Step) changes() bool {
	return s.Action == Create || s.Action == Update || s.Action == Remove
}

// Plan is what is to be done: by network server, as they were given, and by DevEUI.
type Plan struct{ Steps []Step }

// Count tells how many steps have an action.
func (p *Plan) Count(a Action) (n int) {
	for i := range p.Steps {
		if p.Steps[i].Action == a {
			n++
		}
	}
	return n
}

// Todo tells how many steps Apply has to carry out.
func (p *Plan) Todo() int {
	return p.Count(Create) + p.Count(Update) + p.Count(Remove) + p.Count(Note)
}

// Config says how patiently servers are told.
type Config struct {
	Workers  int           // devices that are told at the same time
	Attempts int           // for one device, while the server cannot be reached
	Wait     time.Duration // after the first attempt; then twice as long each time, give or take a half
	// LongestWait is for how long a server may ask to be left alone between two attempts.
	LongestWait time.Duration
}

// DefaultConfig is eight devices at a time, and four attempts within some ten seconds.
func DefaultConfig() Config {
	return Config{Workers: 8, Attempts: 4, Wait: time.Second, LongestWait: 2 * time.Minute}
}

// Engine carries plans out.
type Engine struct {
	Config
	// Keep stores registrations. It is called from one goroutine at a time, also after the
	// context has ended.
	Keep func(all []register.Registration) error
	Now  func() time.Time
	// Progress is told after each step how many are done of how many; nil: nobody is. It is
	// called from one goroutine at a time.
	Progress func(done, all int, r Result)
}
