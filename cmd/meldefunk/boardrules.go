package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"meldefunk/city"
	"meldefunk/rules"
	"meldefunk/storage/sqlite"
)

// boardRules tells the board about the rules in force, where they stand, and what they have
// decided.
type boardRules struct {
	files *files
	store *sqlite.Store
	zone  *time.Location
	now   func() time.Time

	outlooks outlooks
}

// Texts are the rules in German words.
func (b *boardRules) Texts() []city.RuleText { return b.files.current.Load().rules.Texts() }

// Explain tells a decision in German sentences.
func (b *boardRules) Explain(d *city.Decision) []string { return rules.Explain(d, b.zone) }

// Standings tells where the rules stand at an asset.
func (b *boardRules) Standings(ctx context.Context, asset string) ([]city.Standing, error) {
	state, err := b.store.State(ctx, asset, "")
	if err != nil {
		return nil, err
	}
	return b.recall(asset, state.Mind)
}

func (b *boardRules) recall(name string, kept []byte) ([]city.Standing, error) {
	m, err := b.files.current.Load().rules.Recall(name, kept)
	if err != nil {
		return nil, fmt.Errorf("recall %s: %w", name, err)
	}
	if m == nil {
		return nil, nil
	}
	return m.Standings(), nil
}

// Pending counts what waits, by rule: of what a rule asks at the members of a group, the
// members. What is damaged tells nothing; the road says so, and begins anew.
func (b *boardRules) Pending(ctx context.Context) (map[string]int, error) {
	all := map[string]int{}
	err := b.store.Minds(ctx, func(name string, kept []byte) error {
		standings, err := b.recall(name, kept)
		if err != nil {
			return nil
		}
		for _, s := range standings {
			if s.Phase == city.PhasePending {
				all[s.Rule]++
			}
		}
		return nil
	})
	return all, err
}

// Decisions gives the newest decisions on a case, the newest first.
func (b *boardRules) Decisions(ctx context.Context, ref string, limit int) ([]city.Decision, error) {
	kept, err := b.store.Decisions(ctx, ref)
	if err != nil {
		return nil, err
	}
	all := make([]city.Decision, 0, min(limit, len(kept)))
	for _, d := range slices.Backward(kept) {
		if len(all) == limit {
			break
		}
		all = append(all, d.Decision)
	}
	return all, nil
}
