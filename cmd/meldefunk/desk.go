package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"meldefunk/city"
	"meldefunk/dashboards/board"
	"meldefunk/storage/sqlite"
)

// desk is where what people want done with tickets is taken, whoever asks: the board, or the
// command line by the control socket.
type desk interface {
	board.Desk
	// Reconcile has every ticket looked at now that waits for something, and every ticket asked
	// for in its ticket system, and tells how many those are.
	Reconcile(ctx context.Context) (asked int, err error)
}

// storeDesk keeps wishes and mutes, and has somebody look at them.
type storeDesk struct {
	store *sqlite.Store
	wake  func()                                 // must not block
	ask   func(ctx context.Context) (int, error) // see tickets.Reconciler.AskAll
}

// Wish keeps a wish.
func (d *storeDesk) Wish(ctx context.Context, w city.Wish) (int64, error) {
	id, err := d.store.Wish(ctx, w)
	if err == nil {
		d.wake()
	}
	return id, err
}

// Mute keeps a mute.
func (d *storeDesk) Mute(ctx context.Context, m city.Mute) (int64, error) {
	id, err := d.store.Mute(ctx, m)
	if err == nil {
		d.wake()
	}
	return id, err
}

// Unmute lifts a mute.
func (d *storeDesk) Unmute(ctx context.Context, id int64, by string, at time.Time) error {
	err := d.store.Unmute(ctx, id, by, at)
	if err == nil {
		d.wake()
	}
	return err
}

// Reconcile wakes whoever looks after tickets, and has them all asked for.
func (d *storeDesk) Reconcile(ctx context.Context) (int, error) {
	d.wake()
	return d.ask(ctx)
}

// wishKinds are the kinds of wishes.
var wishKinds = []city.WishKind{city.WishAcknowledge, city.WishHold, city.WishRelease, city.WishRetry, city.WishLink, city.WishClose, city.WishCheck}

// Bounds of what people say, in characters; those of the board.
const (
	longestName   = 80
	longestReason = 500
	longestNumber = 100
)

// checkWish gives every problem with a wish.
func checkWish(w *city.Wish) error {
	errs := []error{checkLine("by", w.By, longestName, true), checkLine("reason", w.Reason, longestReason, w.Kind == city.WishHold || w.Kind == city.WishClose),
		checkLine("number", w.Number, longestNumber, w.Kind == city.WishLink)}
	if !slices.Contains(wishKinds, w.Kind) {
		errs = append(errs, fmt.Errorf("kind %.40q: want one of %v", w.Kind, wishKinds))
	}
	if w.Number != "" && w.Kind != city.WishLink {
		errs = append(errs, errors.New("number: only a link has one"))
	}
	if !w.Until.IsZero() && w.Kind != city.WishHold {
		errs = append(errs, errors.New("until: only a hold has one"))
	}
	if !w.Until.IsZero() && !w.Until.After(w.At) {
		errs = append(errs, fmt.Errorf("until: %s is over already", w.Until.Format(time.RFC3339)))
	}
	return errors.Join(errs...)
}

// checkMute gives every problem with a mute. What people mute ends some day.
func checkMute(m *city.Mute) error {
	errs := []error{checkLine("by", m.By, longestName, true), checkLine("reason", m.Reason, longestReason, true), checkLine("service", m.Service, longestNumber, false),
		checkLine("asset", m.Asset, longestNumber, false), checkLine("tour", m.Tour, longestNumber, false), checkLine("district", m.District, longestNumber, false)}
	if cmp.Or(m.Service, m.Asset, m.Tour, m.District) == "" {
		errs = append(errs, errors.New("nothing says what is muted: give a service, an asset, a tour or a district"))
	}
	switch {
	case m.Until.IsZero():
		errs = append(errs, errors.New("until: missing: a mute has an end"))
	case !m.Until.After(m.Since):
		errs = append(errs, fmt.Errorf("until: %s is over already", m.Until.Format(time.RFC3339)))
	}
	return errors.Join(errs...)
}

// checkLine checks what stands on one line.
func checkLine(name, text string, longest int, needed bool) error {
	switch {
	case text == "" && needed:
		return fmt.Errorf("%s: missing", name)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%s: %.60q: want text on one line", name, text)
	case utf8.RuneCountInString(text) > longest:
		return fmt.Errorf("%s: %d characters, want at most %d", name, utf8.RuneCountInString(text), longest)
	}
	return nil
}
