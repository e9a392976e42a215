package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
	"meldefunk/tickets"
)

func ticketMuteCommand() *cobra.Command {
	var path, until string
	var m city.Mute
	c := &cobra.Command{
		Use:   "mute",
		Short: "Send no new tickets of something until a time",
		Long: `While a mute lasts no new tickets are sent of what it names: a category, an asset, a
tour, a district; where it names several, all must fit. Cases open all the same, and
those that are still wanted at its end are sent then. It has an end, a reason and a
name.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := loadSettings(path)
			if err != nil {
				return err
			}
			return keepMute(c.Context(), s, m, until, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	configFlag(c, &path)
	byFlag(c, &m.By)
	f := c.Flags()
	f.StringVar(&m.Service, "service", "", "this `category`, like OS-ABF-01")
	f.StringVar(&m.Asset, "asset", "", "this `asset`")
	f.StringVar(&m.Tour, "tour", "", "this `tour`")
	f.StringVar(&m.District, "district", "", "this `district`")
	f.StringVar(&until, "until", "", "`end`: a length like 36h or 3d, or a date like 24.12.2026 or 2026-12-24T18:00; needed")
	f.StringVar(&m.Reason, "reason", "", "`why`; needed")
	return c
}

func keepMute(ctx context.Context, s settings, m city.Mute, until string, out, logTo io.Writer) error {
	m.Since = time.Now()
	var err error
	if until == "" {
		return usageError{errors.New("--until: missing: a mute has an end, like 3d or 24.12.2026")}
	}
	if m.Until, err = untilOf(until, s, m.Since); err != nil {
		return usageError{err}
	}
	if err := checkMute(&m); err != nil {
		return usageError{err}
	}
	if err := muteFits(ctx, &m, s); err != nil {
		return err
	}
	return atDesk(ctx, s, logTo, func(d desk, noted string) error {
		id, err := d.Mute(ctx, m)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "mute %d until %s %s; meldefunk ticket unmute %d lifts it\n", id, m.Until.Format(time.RFC3339), noted, id)
		return err
	})
}

// muteFits refuses a mute that names what is not there: it would keep nothing back, and
// nobody would notice.
func muteFits(ctx context.Context, m *city.Mute, s settings) error {
	inventory, err := inventoryOf(ctx, s)
	if err != nil {
		return err
	}
	var assets, tours, districts []string
	for _, a := range inventory.Assets() {
		assets, tours, districts = append(assets, a.ID), append(tours, a.Tour), append(districts, a.District)
	}
	var errs []error
	for _, n := range []struct {
		flag, text string
		known      []string
	}{{"--asset", m.Asset, assets}, {"--tour", m.Tour, tours}, {"--district", m.District, districts}} {
		if n.text != "" && !slices.Contains(n.known, n.text) {
			errs = append(errs, notAmong(n.flag, n.text, n.known))
		}
	}
	if m.Service != "" && !knownService(m.Service, s) {
		errs = append(errs, fmt.Errorf("--service: %.40q is neither a category of ours nor one of your rules; meldefunk rule list shows those", m.Service))
	}
	if err := errors.Join(errs...); err != nil {
		return usageError{err}
	}
	return nil
}

// knownService tells whether a case can be of a category.
func knownService(code string, s settings) bool {
	if _, ours := tickets.FindService(code); ours {
		return true
	}
	set, _, err := loadRules(s, "")
	if err != nil {
		return true // nobody can tell
	}
	for _, r := range set.Rules() {
		if r.Service == code {
			return true
		}
	}
	return false
}

func ticketMutesCommand() *cobra.Command {
	var path string
	var all, asJSON bool
	c := &cobra.Command{
		Use:   "mutes",
		Short: "List what is muted",
		Long: `List the mutes in force, or with --all also those that are over or were lifted, the
newest first. Works beside a running platform.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withView(c.Context(), path, func(_ settings, v *sqlite.View) error {
				mutes, err := v.AllMutes(c.Context(), mostMutes)
				if err != nil {
					return err
				}
				return listMutes(mutes, time.Now(), all, asJSON, c.OutOrStdout())
			})
		},
	}
	configFlag(c, &path)
	c.Flags().BoolVar(&all, "all", false, "also those that are over or were lifted")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, a mute a line")
	return c
}

// mostMutes is how many mutes are looked at.
const mostMutes = 10_000

// shownMute is a mute as JSON.
type shownMute struct {
	ID       int64     `json:"id"`
	Service  string    `json:"service,omitempty"`
	Asset    string    `json:"asset,omitempty"`
	Tour     string    `json:"tour,omitempty"`
	District string    `json:"district,omitempty"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until,omitzero"`
	By       string    `json:"by"`
	Reason   string    `json:"reason"`
	Lifted   time.Time `json:"lifted,omitzero"`
	LiftedBy string    `json:"lifted_by,omitempty"`
}

func muteOf(m *city.Mute) shownMute {
	return shownMute{m.ID, m.Service, m.Asset, m.Tour, m.District, m.Since, m.Until, m.By, m.Reason, m.Lifted, m.LiftedBy}
}

// what a mute is about.
func (m *shownMute) what() string {
	var parts []string
	for _, p := range [][2]string{{"", m.Service}, {"", m.Asset}, {"tour ", m.Tour}, {"district ", m.District}} {
		if p[1] != "" {
			parts = append(parts, p[0]+p[1])
		}
	}
	return strings.Join(parts, ", ")
}

func listMutes(mutes []city.Mute, now time.Time, all, asJSON bool, out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if !asJSON {
		fmt.Fprintln(t, "ID\tWHAT\tSINCE\tUNTIL\tBY\tREASON")
	}
	for i := range mutes {
		m := muteOf(&mutes[i])
		if over := !m.Lifted.IsZero() || !m.Until.IsZero() && !now.Before(m.Until); over && !all {
			continue
		}
		if asJSON {
			if err := json.NewEncoder(out).Encode(m); err != nil {
				return err
			}
			continue
		}
		until := "unmuted"
		if !m.Until.IsZero() {
			until = m.Until.Format(time.RFC3339)
		}
		if !m.Lifted.IsZero() {
			until = "lifted " + m.Lifted.Format(time.RFC3339) + " by " + oneLine(m.LiftedBy)
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", m.ID, oneLine(m.what()), m.Since.Format(time.RFC3339), until, oneLine(m.By), oneLine(m.Reason))
	}
	return t.Flush()
}

func ticketUnmuteCommand() *cobra.Command {
	var path, by string
	c := &cobra.Command{
		Use:   "unmute ID...",
		Short: "Lift mutes",
		Long:  `Lift mutes before their end. meldefunk ticket mutes lists them with their IDs.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("%s: which one? ticket mutes shows the IDs", c.CommandPath())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			s, err := loadSettings(path)
			if err != nil {
				return err
			}
			return liftMutes(c.Context(), s, args, by, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	configFlag(c, &path)
	byFlag(c, &by)
	return c
}

func liftMutes(ctx context.Context, s settings, args []string, by string, out, logTo io.Writer) error {
	var ids []int64
	errs := []error{checkLine("--by", by, longestName, true)}
	for _, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil {
			errs = append(errs, fmt.Errorf("%.40q is no ID: want a number as ticket mutes shows them", arg))
		}
		ids = append(ids, id)
	}
	if err := errors.Join(errs...); err != nil {
		return usageError{err}
	}
	return atDesk(ctx, s, logTo, func(d desk, _ string) error {
		for _, id := range ids {
			if err := d.Unmute(ctx, id, by, time.Now()); err != nil {
				return fmt.Errorf("mute %d: %w", id, err)
			}
			if _, err := fmt.Fprintf(out, "mute %d is lifted\n", id); err != nil {
				return err
			}
		}
		return nil
	})
}

func ticketReconcileCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "reconcile",
		Short: "Have the running platform look at all tickets now",
		Long: `Have the running platform look at all tickets now instead of at its next round, and ask
the ticket systems for each one that they have, as fast as tickets.rate allows.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := loadSettings(path)
			if err != nil {
				return err
			}
			running, err := dialControl(c.Context(), s.Data)
			if err != nil {
				return err
			}
			asked, err := running.Reconcile(c.Context())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "the platform looks at all tickets, and asks for %d in their ticket systems\n", asked)
			return err
		},
	}
	configFlag(c, &path)
	return c
}
