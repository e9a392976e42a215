package enrolment

import (
	"context"
	"fmt"

	"meldefunk/city/register"
)

// unfinished is what a record says from before a device is told until the outcome is known:
// it stays where the program was stopped in between.
const unfinished = "it was begun, and the outcome is not known"

// Apply carries a plan out: removals first, because what one server still has another may not
// take. Of every step the report tells what became of it. The error is that of Keep: then
// nothing more is told, and what the record lacks is told again by the next run.
func (e *Engine) Apply(ctx context.Context, p Plan) (Report, error) {
	var removals, others []*Step
	var all []*Step
	for i := range p.Steps {
		s := &p.Steps[i]
		switch {
		case s.Action == Remove:
			removals = append(removals, s)
		case s.changes() || s.Action == Note:
			others = append(others, s)
		case s.Action != Blocked:
			continue
		}
		all = append(all, s)
	}
	k := keeper{Engine: e}
	c := e.crew(len(all))
	c.work, c.begin, c.end = tell, k.begin, k.end
	for _, s := range all {
		if s.Action == Blocked {
			c.tell(s, Failed, s.Err)
		}
	}
	err := c.drive(ctx, removals)
	if err == nil {
		err = c.drive(ctx, others)
	} else {
		for _, s := range others {
			c.tell(s, Untried, err)
		}
	}
	if err == nil {
		err = k.flush()
	}
	return c.report(all), err
}

func (e *Engine) crew(all int) *crew {
	return &crew{Engine: e, all: all, results: map[*Step]Result{}, stopped: map[class]error{}, lost: map[string]int{},
		begin: func([]*Step) error { return nil }, end: func(*Step, Outcome, error) error { return nil }}
}

func (c *crew) report(steps []*Step) (r Report) {
	for _, s := range steps {
		r.Results = append(r.Results, c.results[s])
	}
	return r
}

// tell tells a server once.
func tell(ctx context.Context, s *Step) error {
	switch s.Action {
	case Note:
		return nil
	case Remove:
		return s.target.Remove(ctx, s.DevEUI)
	}
	want, err := s.want()
	if err != nil {
		return err
	}
	return s.target.Enrol(ctx, want)
}

// keeper writes the record of a plan that is carried out.
type keeper struct {
	*Engine
	waits []register.Registration
}

// begin says of steps that their outcome is not known.
func (k *keeper) begin(steps []*Step) error {
	for _, s := range steps {
		if s.changes() {
			r := s.told
			r.Failure, r.Tried = unfinished, k.Now()
			k.waits = append(k.waits, r)
		}
	}
	return k.flush()
}

// end says what became of a step.
func (k *keeper) end(s *Step, o Outcome, err error) error {
	r, now := s.told, k.Now()
	switch {
	case o == Done:
		r.Digest, r.Told, r.Failure, r.Tried = s.digest, now, "", now // a removal has no digest
	case o == Failed:
		r.Failure, r.Tried = clip(err.Error()), now
	case !s.changes():
		return nil
	}
	if k.waits = append(k.waits, r); len(k.waits) < chunk {
		return nil
	}
	return k.flush()
}

func (k *keeper) flush() error {
	if len(k.waits) == 0 {
		return nil
	}
	waits := k.waits
	k.waits = nil
	if err := k.Keep(waits); err != nil {
		return fmt.Errorf("the record of what network servers were told: %w", err)
	}
	return nil
}

// clip bounds a failure in the record.
func clip(s string) string {
	if r := []rune(s); len(r) > 500 {
		return string(r[:500]) + "…"
	}
	return s
}

// Verify asks the servers in what they differ from what is wanted, and puts that into the
// plan: a device that is not as it was told is updated, and one that is as wanted though we
// never told it so is only noted. The report tells what was looked at.
func (e *Engine) Verify(ctx context.Context, p *Plan) Report {
	var steps []*Step
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Action == Nothing || s.Action == Create || s.Action == Update {
			steps = append(steps, s)
		}
	}
	c := e.crew(len(steps))
	c.work = compare
	c.end = func(s *Step, o Outcome, _ error) error {
		switch {
		case o != Done:
		case len(s.Drift) > 0 && s.Action == Nothing:
			s.Action, s.Why = Update, "the network server does not have it as it was told"
		case len(s.Drift) == 0 && s.Action != Nothing:
			s.Action, s.Why = Note, "the network server has it as wanted already"
		}
		return nil
	}
	_ = c.drive(ctx, steps) // has no record that could fail
	for _, s := range steps {
		s.Err = c.results[s].Err
	}
	return c.report(steps)
}

// compare asks a server once.
func compare(ctx context.Context, s *Step) error {
	want, err := s.want()
	if err != nil {
		return err
	}
	s.Drift, err = s.target.Compare(ctx, want)
	return err
}

// Drifts are the steps of servers that differ, as far as Verify looked.
func (p *Plan) Drifts() (all []Step) {
	for _, s := range p.Steps {
		if len(s.Drift) > 0 {
			all = append(all, s)
		}
	}
	return all
}
