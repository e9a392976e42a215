package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/devices"
	"meldefunk/storage/sqlite"
)

// ticketStates are the states of tickets in the order in which one goes through them.
var ticketStates = []city.TicketState{city.TicketHeld, city.TicketMuted, city.TicketQueued, city.TicketSending, city.TicketUnsure,
	city.TicketManual, city.TicketParked, city.TicketReopening, city.TicketOpen, city.TicketAcknowledged, city.TicketClosing,
	city.TicketCleared, city.TicketClosed, city.TicketCancelled}

// ticketOptions choose tickets, as given on the command line.
type ticketOptions struct {
	states                                     []string
	service, system, rule, asset, tour, search string
	open, json                                 bool
	limit                                      int
}

func ticketListCommand() *cobra.Command {
	var path string
	var o ticketOptions
	c := &cobra.Command{
		Use:   "list",
		Short: "List tickets, the newest cases first",
		Long: `List cases with their tickets, the newest first. Filters go together: what they all
choose is listed. Works beside a running platform.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := o.filter()
			if err != nil {
				return usageError{err}
			}
			return withView(c.Context(), path, func(s settings, v *sqlite.View) error {
				if f.Assets, err = o.onTour(c.Context(), s); err != nil {
					return err
				}
				return listTickets(c.Context(), v, f, o, c.OutOrStdout())
			})
		},
	}
	configFlag(c, &path)
	f := c.Flags()
	f.StringSliceVar(&o.states, "state", nil, fmt.Sprintf("only in these `states`, comma separated: %v", ticketStates))
	f.StringVar(&o.service, "service", "", "only of this `category`, like OS-ABF-01")
	f.StringVar(&o.system, "system", "", "only of this ticket system, by its `name` in the configuration")
	f.StringVar(&o.rule, "rule", "", "only of this `rule`")
	f.StringVar(&o.asset, "asset", "", "only of this `asset`, or of a group, like tour:5")
	f.StringVar(&o.tour, "tour", "", "only of assets on this `tour` of the inventory")
	f.StringVar(&o.search, "search", "", "only with this `text` in reference, number, title or asset")
	f.BoolVar(&o.open, "open", false, "only those of which something may still come")
	f.IntVar(&o.limit, "limit", 100, "at most so many, 0: all")
	f.BoolVar(&o.json, "json", false, "print JSON, a ticket a line")
	_ = c.RegisterFlagCompletionFunc("rule", completeRules) // fails only for a flag that is not there
	return c
}

func (o *ticketOptions) filter() (city.TicketFilter, error) {
	f := city.TicketFilter{Service: o.service, System: o.system, Rule: o.rule, Asset: o.asset, Text: o.search, Open: o.open}
	if o.limit < 0 {
		return f, fmt.Errorf("--limit %d: want 0 (all) or more", o.limit)
	}
	for _, text := range o.states {
		if !slices.Contains(ticketStates, city.TicketState(text)) {
			return f, fmt.Errorf("--state %.40q: want of %v", text, ticketStates)
		}
		f.States = append(f.States, city.TicketState(text))
	}
	return f, nil
}

// onTour gives the assets of the tour that was asked for; nil: none was.
func (o *ticketOptions) onTour(ctx context.Context, s settings) ([]string, error) {
	if o.tour == "" {
		return nil, nil
	}
	inventory, err := inventoryOf(ctx, s)
	if err != nil {
		return nil, err
	}
	var tours, assets []string
	for _, a := range inventory.Assets() {
		if tours = append(tours, a.Tour); a.Tour == o.tour {
			assets = append(assets, a.ID)
		}
	}
	if assets == nil {
		return nil, usageError{notAmong("--tour", o.tour, tours)}
	}
	return assets, nil
}

// inventoryOf reads the inventory of the settings and of the register.
func inventoryOf(ctx context.Context, s settings) (*devices.Inventory, error) {
	models, err := loadModels(s.Codecs.Folder, nil)
	if err != nil {
		return nil, usageError{err}
	}
	kept, err := keptRegister(ctx, s)
	if err != nil {
		return nil, err
	}
	inventory, err := devices.Load(s.Inventory, kept, models)
	if err != nil {
		return nil, usageError{err}
	}
	return inventory, nil
}

// notAmong says that something is not in the inventory, and some of what is.
func notAmong(flag, text string, known []string) error {
	slices.Sort(known)
	known = slices.DeleteFunc(slices.Compact(known), func(s string) bool { return s == "" })
	if len(known) > 10 {
		known = append(slices.Clone(known[:10]), "…")
	}
	return fmt.Errorf("%s: there is no %.40q in the inventory, but %q", flag, text, known)
}

// ticketPage is how many tickets are in memory at once.
const ticketPage = 500

// eachTicket gives the chosen tickets one by one, at most limit, 0: all.
func eachTicket(ctx context.Context, v *sqlite.View, f city.TicketFilter, limit int, do func(*city.CaseTicket) error) error {
	for n := 0; limit == 0 || n < limit; {
		f.Limit = ticketPage
		if limit > 0 {
			f.Limit = min(ticketPage, limit-n)
		}
		page, err := v.Tickets(ctx, f)
		if err != nil {
			return err
		}
		for i := range page {
			if err := do(&page[i]); err != nil {
				return err
			}
		}
		if len(page) < f.Limit {
			return nil
		}
		n, f.After = n+len(page), page[len(page)-1].Case.Ref
	}
	return nil
}

func listTickets(ctx context.Context, v *sqlite.View, f city.TicketFilter, o ticketOptions, out io.Writer) error {
	if o.json {
		enc := json.NewEncoder(out)
		return eachTicket(ctx, v, f, o.limit, func(c *city.CaseTicket) error { return enc.Encode(listedTicket(c)) })
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "REF\tSTATE\tSYSTEM\tNUMBER\tSERVICE\tASSET\tOPENED\tTITLE")
	n := 0
	err := eachTicket(ctx, v, f, o.limit, func(c *city.CaseTicket) error {
		n++
		e := listedTicket(c)
		_, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Ref, e.inWords(), orDash(e.System), orDash(e.Number), oneLine(e.Service),
			orDash(e.Asset+e.Group), e.Opened.Format(time.RFC3339), oneLine(e.Title))
		return err
	})
	if err != nil {
		return err
	}
	if err := t.Flush(); err != nil {
		return err
	}
	text := fmt.Sprintf("%d listed", n)
	if o.limit > 0 && n == o.limit {
		text += "; there may be more, --limit 0 lists all"
	}
	_, err = fmt.Fprintln(out, text)
	return err
}

// ticketLine is a ticket in a list, as JSON.
type ticketLine struct {
	Ref          string           `json:"ref"`
	State        city.TicketState `json:"state"`
	End          city.TicketEnd   `json:"end,omitempty"`
	Hold         string           `json:"hold,omitempty"`
	System       string           `json:"system,omitempty"`
	Unit         string           `json:"unit,omitempty"`
	Number       string           `json:"number,omitempty"`
	Error        string           `json:"error,omitempty"`
	Service      string           `json:"service"`
	Rule         string           `json:"rule"`
	Asset        string           `json:"asset,omitempty"`
	Group        string           `json:"group,omitempty"`
	Title        string           `json:"title"`
	Opened       time.Time        `json:"opened"`
	Closed       time.Time        `json:"closed,omitzero"`
	Acknowledged string           `json:"acknowledged,omitempty"`
	Remote       city.Progress    `json:"remote,omitempty"`
	Wishes       int              `json:"wishes,omitempty"` // not granted yet
}

func listedTicket(c *city.CaseTicket) ticketLine {
	return ticketLine{Ref: c.Case.Ref, State: c.Ticket.State, End: c.Ticket.End, Hold: c.Ticket.Hold, System: c.Ticket.System, Unit: c.Ticket.Unit,
		Number: c.Ticket.ExternalID, Error: c.Ticket.Error, Service: c.Case.Service, Rule: c.Case.Rule, Asset: c.Case.Asset, Group: c.Case.Group,
		Title: c.Case.Title, Opened: c.Case.Opened, Closed: c.Case.Closed, Acknowledged: c.Ticket.Acknowledged, Remote: c.Ticket.Remote.Progress,
		Wishes: len(c.Wishes)}
}

// inWords is the state, with what goes beside it.
func (e *ticketLine) inWords() string {
	words := []string{string(e.State)}
	if e.End != "" {
		words = append(words, "("+string(e.End)+")")
	}
	if e.Hold != "" {
		words = append(words, "on hold")
	}
	return strings.Join(words, " ")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return oneLine(s)
}
