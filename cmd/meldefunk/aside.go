package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

func asideCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "aside",
		Short: "List, show, replay or drop messages that were set aside",
		Long: `Messages that could not become readings are set aside with their bytes and a
reason. list and show read beside a running platform; replay and drop want it
stopped.

Exit code 0: done, 1: it could not be done (the platform runs, no such message),
2: the command line or a configuration file is wrong.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(asideListCommand(), asideShowCommand(), asideReplayCommand(), asideDropCommand())
	return c
}

func asideListCommand() *cobra.Command {
	var path string
	var o asideOptions
	var limit int
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List messages that were set aside, the one seen longest ago first",
		Long: `List messages that were set aside, the one seen longest ago first, and how many there
are for each reason. Works beside a running platform.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := o.filter(nil, time.Now())
			if err == nil && limit < 0 {
				err = fmt.Errorf("--limit %d: want 0 (all) or more", limit)
			}
			if err != nil {
				return usageError{err}
			}
			return viewAsides(c.Context(), path, func(v *sqlite.View) error {
				return listAsides(c.Context(), v, f, limit, asidePrinter{c.OutOrStdout(), asJSON})
			})
		},
	}
	configFlag(c, &path)
	o.flags(c)
	c.Flags().IntVar(&limit, "limit", 100, "at most so many, 0: all")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, a message a line, then the counts")
	return c
}

func asideShowCommand() *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "show ID...",
		Short: "Show set-aside messages whole, with their bytes",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("%s: which message? aside list shows the IDs", c.CommandPath())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			keys, err := asideKeys(args)
			if err != nil {
				return usageError{err}
			}
			return viewAsides(c.Context(), path, func(v *sqlite.View) error {
				return showAsides(c.Context(), v, keys, asidePrinter{c.OutOrStdout(), asJSON})
			})
		},
	}
	configFlag(c, &path)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, a message a line, the body in base64")
	return c
}

func asideReplayCommand() *cobra.Command {
	var path string
	var o asideOptions
	var asJSON bool
	c := &cobra.Command{
		Use:   "replay [ID...]",
		Short: "Run chosen set-aside messages through the road again",
		Long: `Run messages that were set aside through the road again, after the cause was mended.
What succeeds becomes a reading at its own event time; what fails again stays
set aside. Say which: IDs, filters, or --all. The platform must not be running.`,
		RunE: func(c *cobra.Command, args []string) error {
			f, err := o.chosen(args, time.Now())
			if err != nil {
				return usageError{err}
			}
			return replayAsides(c.Context(), path, f, asidePrinter{c.OutOrStdout(), asJSON}, c.ErrOrStderr())
		},
	}
	configFlag(c, &path)
	o.flags(c)
	o.allFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func asideDropCommand() *cobra.Command {
	var path string
	var o asideOptions
	var asJSON bool
	c := &cobra.Command{
		Use:   "drop [ID...]",
		Short: "Delete chosen set-aside messages for good",
		Long: `Delete messages that were set aside, for good and without asking. Say which: IDs,
filters, or --all; aside list with the same filters shows what would go. The
platform must not be running.`,
		RunE: func(c *cobra.Command, args []string) error {
			f, err := o.chosen(args, time.Now())
			if err != nil {
				return usageError{err}
			}
			return dropAsides(c.Context(), path, f, asidePrinter{c.OutOrStdout(), asJSON}, c.ErrOrStderr())
		},
	}
	configFlag(c, &path)
	o.flags(c)
	o.allFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// viewAsides reads the database of a configuration beside whoever uses it.
func viewAsides(ctx context.Context, path string, do func(*sqlite.View) error) error {
	s, err := loadSettings(path)
	if err != nil {
		return err
	}
	v, err := sqlite.OpenView(ctx, s.Data)
	if err != nil {
		return err
	}
	return errors.Join(do(v), v.Close())
}

// asideSource is what is read of the store.
type asideSource interface {
	AsidesAfter(ctx context.Context, f city.AsideFilter, seen time.Time, key uint64, limit int) ([]city.SetAside, error)
	AsideCounts(ctx context.Context, f city.AsideFilter) ([]city.AsideCount, error)
}

// asidePage is how many set-aside messages are in memory at once.
const asidePage = 200

// eachAside gives the chosen messages one by one, at most limit, 0: all; the one seen longest
// ago first, so that an asset's readings come in order when they are replayed.
func eachAside(ctx context.Context, from asideSource, f city.AsideFilter, limit int, do func(*city.SetAside) error) error {
	var last city.SetAside
	for n := 0; limit == 0 || n < limit; {
		size := asidePage
		if limit > 0 {
			size = min(size, limit-n)
		}
		page, err := from.AsidesAfter(ctx, f, last.LastSeen, last.Key, size)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if err := do(&page[i]); err != nil {
				return err
			}
		}
		last, n = page[len(page)-1], n+len(page)
	}
	return nil
}

func listAsides(ctx context.Context, v asideSource, f city.AsideFilter, limit int, p asidePrinter) error {
	counts, err := v.AsideCounts(ctx, f)
	if err != nil {
		return err
	}
	listed := 0
	err = eachAside(ctx, v, f, limit, func(a *city.SetAside) error {
		listed++
		return p.line(a)
	})
	if err != nil {
		return err
	}
	return p.counts(counts, listed)
}

func showAsides(ctx context.Context, v asideSource, keys []uint64, p asidePrinter) error {
	for _, key := range keys {
		found, err := v.AsidesAfter(ctx, city.AsideFilter{Keys: []uint64{key}}, time.Time{}, 0, 1)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("no set-aside message %016x: it was replayed or dropped, or its retention is over", key)
		}
		if err := p.whole(&found[0]); err != nil {
			return err
		}
	}
	return nil
}

// missing says which of the chosen IDs are not there.
func missing(ctx context.Context, v asideSource, f city.AsideFilter) error {
	var errs []error
	for _, key := range f.Keys {
		found, err := v.AsidesAfter(ctx, city.AsideFilter{Keys: []uint64{key}}, time.Time{}, 0, 1)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			errs = append(errs, fmt.Errorf("no set-aside message %016x", key))
		}
	}
	return errors.Join(errs...)
}

// replayAsides carries the chosen messages over the road again.
func replayAsides(ctx context.Context, path string, f city.AsideFilter, p asidePrinter, logTo io.Writer) error {
	at, err := openOffline(ctx, path, logTo)
	if err != nil {
		return err
	}
	return at.work(ctx, func(ctx context.Context) error {
		if err := missing(ctx, at.store, f); err != nil {
			return err
		}
		chosen, err := at.store.AsideCounts(ctx, f)
		if err != nil {
			return err
		}
		_, before, err := at.store.Asides(ctx, 0, 0)
		if err != nil {
			return err
		}
		if err := again(ctx, at, f); err != nil {
			return err
		}
		_, after, err := at.store.Asides(ctx, 0, 0)
		if err != nil {
			return err
		}
		return p.replayed(messages(chosen), before-after)
	})
}

// dropAsides deletes the chosen messages. It needs no inventory.
func dropAsides(ctx context.Context, path string, f city.AsideFilter, p asidePrinter, logTo io.Writer) (err error) {
	s, err := loadSettings(path)
	if err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, s.Data, newLogger(s.Log, logTo))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := missing(ctx, store, f); err != nil {
		return err
	}
	n, err := store.DropAsides(ctx, f)
	return errors.Join(err, p.dropped(n))
}

func messages(counts []city.AsideCount) (n int64) {
	for _, c := range counts {
		n += c.Messages
	}
	return n
}
