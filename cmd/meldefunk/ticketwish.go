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

// wishOptions go with what somebody wants of tickets.
type wishOptions struct {
	by, reason, until string
	allParked         bool
}

// wishVerb is a command that wants something of tickets.
type wishVerb struct {
	kind              city.WishKind
	use, short, long  string
	until, number     bool
	allParked, reason bool
}

func ticketWishCommands() []*cobra.Command {
	var all []*cobra.Command
	for _, v := range []wishVerb{
		{kind: city.WishRetry, use: "retry REF...|--all-parked", short: "Try parked tickets again", allParked: true,
			long: `What the ticket system has refused them for is mended, or a human has looked. A ticket
without a number is searched for before it is sent.`},
		{kind: city.WishAcknowledge, use: "acknowledge REF...", short: "Say that somebody looks after tickets",
			long: `Somebody looks after it. Nobody is reminded of it any more.`},
		{kind: city.WishHold, use: "hold REF...", short: "Do nothing with tickets for a while", until: true, reason: true,
			long: `Nothing is sent and nothing closed until the end that is given, or until somebody
releases it.`},
		{kind: city.WishRelease, use: "release REF...", short: "Go on with tickets: ends a hold, and the safety brake's",
			long: `Ends a hold, and that of the safety brake.`},
		{kind: city.WishLink, use: "link REF NUMBER", short: "Say which number a ticket has", number: true,
			long: `The ticket was sent by hand, or found in the ticket system: this is its number there. No
other one is sent.`},
		{kind: city.WishClose, use: "close REF...", short: "Close tickets although the matter may go on", reason: true,
			long: `Closes the ticket as a human does in the ticket system: no second one is sent while the
sensor still tells the same and the close is respected.`},
		{kind: city.WishCheck, use: "check REF...", short: "Ask the ticket system for tickets now",
			long: `Asks the ticket system how far it is, before it would be asked anyway.`},
	} {
		all = append(all, wishCommand(v))
	}
	return all
}

func wishCommand(v wishVerb) *cobra.Command {
	var path string
	var o wishOptions
	c := &cobra.Command{
		Use: v.use, Short: v.short, Long: v.long + `
It is noted with the name of who wants it; meldefunk ticket show tells what came of it.`,
		ValidArgsFunction: completeCases,
		Args:              someRefs,
		RunE: func(c *cobra.Command, args []string) error {
			return wishFor(c.Context(), path, v, o, args, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	configFlag(c, &path)
	byFlag(c, &o.by)
	hint := "`why`, for the history"
	if v.reason {
		hint += "; needed"
	}
	c.Flags().StringVar(&o.reason, "reason", "", hint)
	if v.until {
		c.Flags().StringVar(&o.until, "until", "", "`end`: a length like 36h or 3d, or a date like 24.12.2026 or 2026-12-24T18:00 (default: until released)")
	}
	if v.allParked {
		c.Flags().BoolVar(&o.allParked, "all-parked", false, "all that are parked")
		c.Args = func(c *cobra.Command, args []string) error {
			switch {
			case o.allParked && len(args) > 0:
				return usageError{errors.New("--all-parked and references contradict each other: give one of them")}
			case o.allParked:
				return nil
			}
			return someRefs(c, args)
		}
	}
	if v.number {
		c.Args = func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError{fmt.Errorf("%s wants the reference of a case and the ticket's number, got %d arguments (see --help)", c.CommandPath(), len(args))}
			}
			return nil
		}
	}
	return c
}

// wishFor notes a wish for each ticket, or for none if one of them is not there.
func wishFor(ctx context.Context, path string, v wishVerb, o wishOptions, args []string, out, logTo io.Writer) error {
	s, err := loadSettings(path)
	if err != nil {
		return err
	}
	wish := city.Wish{At: time.Now(), By: o.by, Kind: v.kind, Reason: o.reason}
	if o.until != "" {
		if wish.Until, err = untilOf(o.until, s, wish.At); err != nil {
			return usageError{err}
		}
	}
	if v.number {
		args, wish.Number = args[:1], args[1]
	}
	if err := checkWish(&wish); err != nil {
		return usageError{err}
	}
	refs, err := wantedRefs(ctx, s, o, args)
	if err != nil {
		return err
	}
	return atDesk(ctx, s, logTo, func(d desk, noted string) error {
		for _, ref := range refs {
			wish.Ref = ref
			id, err := d.Wish(ctx, wish)
			if err != nil {
				return fmt.Errorf("%s: %w", ref, err)
			}
			if _, err := fmt.Fprintf(out, "%s: %s %s (%d)\n", ref, wish.Kind, noted, id); err != nil {
				return err
			}
		}
		tickets := "tickets"
		if len(refs) == 1 {
			tickets = "ticket"
		}
		_, err := fmt.Fprintf(out, "%d %s\n", len(refs), tickets)
		return err
	})
}

// wantedRefs gives the references that were given, each of which must be there, or those of
// all parked tickets.
func wantedRefs(ctx context.Context, s settings, o wishOptions, args []string) ([]string, error) {
	v, err := sqlite.OpenView(ctx, s.Data)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	var refs []string
	if o.allParked {
		err := eachTicket(ctx, v, city.TicketFilter{States: []city.TicketState{city.TicketParked}}, 0, func(c *city.CaseTicket) error {
			refs = append(refs, c.Case.Ref)
			return nil
		})
		return refs, err
	}
	var errs []error
	for _, arg := range args {
		ref := refOf(arg)
		_, known, err := v.CaseHead(ctx, ref)
		if err == nil && !known {
			err = noCase(ref)
		}
		refs, errs = append(refs, ref), append(errs, err)
	}
	return refs, errors.Join(errs...)
}

// untilOf reads an end as people give it, by the clocks of the city.
func untilOf(text string, s settings, now time.Time) (time.Time, error) {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return time.Time{}, err
	}
	until, err := city.ParseUntil(text, now, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("--until: %w", err)
	}
	return until, nil
}
