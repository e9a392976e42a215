package main

import (
	"context"
	"sync"
	"time"

	"meldefunk/city"
)

// outlookAge is how old forecasts may be that the board shows: they are about hours, and to
// read what is remembered of ten thousand assets for each visitor would cost more than the page.
const outlookAge = 30 * time.Second

// outlooks keeps the forecasts of the rules for a short while.
type outlooks struct {
	mu   sync.Mutex // held while they are read: others wait for the same
	made time.Time
	of   *edition
	all  map[string][]city.Outlook
}

// Outlooks tells, by asset, when rules will be met there if things go on as they did. What is
// damaged tells nothing; the road says so, and begins anew.
func (b *boardRules) Outlooks(ctx context.Context) (map[string][]city.Outlook, error) {
	o, now := &b.outlooks, b.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	files := b.files.current.Load()
	if age := now.Sub(o.made); o.of == files && age >= 0 && age < outlookAge {
		return o.all, nil
	}
	all := map[string][]city.Outlook{}
	err := b.store.Minds(ctx, func(name string, kept []byte) error {
		if a, known := files.inventory.Asset(name); known {
			if found, err := files.rules.Outlooks(a, kept); err == nil && len(found) > 0 {
				all[name] = found
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	o.made, o.of, o.all = now, files, all
	return all, nil
}
