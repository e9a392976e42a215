package enrolment

import (
	"context"
	"errors"

	"meldefunk/city/lorawan/enrol"
	"meldefunk/city/register"
)

// Outcome is what became of a step.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Failed  Outcome = "failed"  // see Result.Err; the server may know the device in part
	Untried Outcome = "untried" // see Result.Err: the device there is as it was
)

// Result is a step and what became of it.
type Result struct {
	Step
	Outcome Outcome
	Err     error // nil where it is done
}

// Report is what became of a plan, in its order. Steps that were not to be carried out are
// not in it, but for those that are Blocked: they failed.
type Report struct{ Results []Result }

// Count tells how many results have an outcome.
func (r *Report) Count(o Outcome) (n int) {
	for i := range r.Results {
		if r.Results[i].Outcome == o {
			n++
		}
	}
	return n
}

// Exit sums a report up, for those who only see an exit code.
type Exit string

// The exits, those of a run in which nothing went well in the order in which they count.
const (
	ExitOK             Exit = "ok"             // everything was done, or there was nothing to do
	ExitPartial        Exit = "partial"        // some was done
	ExitAuthentication Exit = "authentication" // a server does not take our key
	ExitUnreachable    Exit = "unreachable"
	ExitNotFound       Exit = "not found" // the settings or the device name what is not there
	ExitConflict       Exit = "conflict"  // somebody else has these devices
	ExitFailed         Exit = "failed"
)

// Exit sums the report up.
func (r *Report) Exit() Exit {
	done, kinds := r.Count(Done), map[enrol.Kind]bool{}
	for i := range r.Results {
		if one := &r.Results[i]; one.Outcome != Done {
			kinds[kindOf(one.Err)] = true
		}
	}
	switch {
	case len(kinds) == 0:
		return ExitOK
	case done > 0:
		return ExitPartial
	case kinds[enrol.Unauthorized]:
		return ExitAuthentication
	case kinds[enrol.Unreachable]:
		return ExitUnreachable
	case kinds[enrol.Missing]:
		return ExitNotFound
	case kinds[enrol.Conflict]:
		return ExitConflict
	}
	return ExitFailed
}

// kindOf gives the kind of an error of a server; "" where it is our own: we were told to stop,
// or the record cannot be kept.
func kindOf(err error) enrol.Kind {
	e := (*enrol.Error)(nil)
	if errors.Is(err, context.Canceled) || !errors.As(err, &e) {
		return ""
	}
	return e.Kind
}

// Entries is what the audit trail is to tell of what was done.
func (r *Report) Entries() (all []register.Entry) {
	for i := range r.Results {
		one := &r.Results[i]
		if one.Outcome != Done || !one.changes() {
			continue
		}
		e := register.Entry{Action: register.Enrolled, DevEUI: one.DevEUI, Facts: []register.Fact{{Field: "server", Is: one.Server}}}
		if one.Action == Remove {
			e.Action, e.Facts = register.Removed, []register.Fact{{Field: "server", Was: one.Server}}
		}
		all = append(all, e)
	}
	return all
}
