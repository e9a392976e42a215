package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/rules"
)

func ticketShowCommand() *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "show REF",
		Short: "Show a case with its ticket, the history, the texts and the reasons",
		Long: `Show everything that is known of one case: how far its ticket is, what the ticket
system says of it, what people want of it, its history, the texts that the ticket
system is told, and why the rule has opened it. Works beside a running platform.`,
		Args:              oneArg("the reference of a case"),
		ValidArgsFunction: completeCases,
		RunE: func(c *cobra.Command, args []string) error {
			return withPast(c.Context(), path, func(p *past) error {
				return showTicket(c.Context(), p, refOf(args[0]), c.OutOrStdout(), asJSON)
			})
		},
	}
	configFlag(c, &path)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// shownTicket is everything about a ticket, as JSON.
type shownTicket struct {
	ticketLine
	Follows   string          `json:"follows,omitempty"`
	HoldUntil time.Time       `json:"hold_until,omitzero"`
	Next      time.Time       `json:"next,omitzero"`
	Checked   time.Time       `json:"checked,omitzero"`
	Members   []string        `json:"members,omitempty"`
	RemoteIs  *shownRemote    `json:"remote_is,omitempty"`
	Link      string          `json:"link,omitempty"` // of the ticket's page in its system
	Wanted    []shownWish     `json:"wanted,omitempty"`
	Muted     []shownMute     `json:"muted,omitempty"`
	History   []shownEntry    `json:"history"`
	Order     shownOrder      `json:"order"`
	Decisions []city.Ruling   `json:"decisions"`
	sentences func() []string // that explain Decisions
}

type shownRemote struct {
	Progress city.Progress `json:"progress,omitempty"`
	Status   string        `json:"status,omitempty"`
	Notes    string        `json:"notes,omitempty"`
	Service  string        `json:"service,omitempty"`
	Name     string        `json:"name,omitempty"`
	Updated  time.Time     `json:"updated,omitzero"`
}

type shownWish struct {
	ID     int64         `json:"id"`
	Kind   city.WishKind `json:"kind"`
	At     time.Time     `json:"at"`
	By     string        `json:"by"`
	Reason string        `json:"reason,omitempty"`
	Until  time.Time     `json:"until,omitzero"`
	Number string        `json:"number,omitempty"`
}

type shownEntry struct {
	At    time.Time        `json:"at"`
	State city.TicketState `json:"state"`
	By    string           `json:"by,omitempty"`
	Note  string           `json:"note"`
}

func showTicket(ctx context.Context, p *past, ref string, out io.Writer, asJSON bool) error {
	ct, found, err := p.view.Case(ctx, ref)
	if err != nil {
		return err
	}
	if !found {
		return noCase(ref)
	}
	shown, err := p.shownTicket(ctx, &ct)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(shown)
	}
	_, err = io.WriteString(out, shown.text())
	return err
}

func (p *past) shownTicket(ctx context.Context, ct *city.CaseTicket) (*shownTicket, error) {
	t := &ct.Ticket
	asset, _ := p.inventory.Asset(ct.Case.Asset)
	set, _, err := loadRules(p.settings, "")
	if err != nil {
		return nil, err
	}
	routes, err := loadRoutes(p.settings, set)
	if err != nil {
		return nil, usageError{err}
	}
	s := &shownTicket{ticketLine: listedTicket(ct), Follows: t.Follows, HoldUntil: t.HoldUntil, Next: t.Next, Checked: t.Asked(), Members: ct.Case.Members,
		History: []shownEntry{}, Order: previewed(ct.Case, asset, routes, p.zone)}
	s.Link = p.settings.Tickets.Link(t.System, t.ExternalID)
	if r := t.Remote; r != (city.Remote{}) {
		s.RemoteIs = &shownRemote{r.Progress, r.Status, r.Notes, r.Service, r.Name, r.Updated}
	}
	for _, w := range ct.Wishes {
		s.Wanted = append(s.Wanted, shownWish{w.ID, w.Kind, w.At, w.By, w.Reason, w.Until, w.Number})
	}
	log, err := p.view.TicketLog(ctx, ct.Case.Ref)
	if err != nil {
		return nil, err
	}
	for _, e := range log {
		s.History = append(s.History, shownEntry{e.At, e.State, e.By, e.Note})
	}
	now := time.Now()
	mutes, err := p.view.Mutes(ctx, now)
	if err != nil {
		return nil, err
	}
	for i := range mutes {
		if mutes[i].Covers(&ct.Case, asset, now) {
			s.Muted = append(s.Muted, muteOf(&mutes[i]))
		}
	}
	if s.Decisions, err = p.view.Decisions(ctx, ct.Case.Ref); err != nil {
		return nil, err
	}
	s.sentences = func() []string {
		var all []string
		for i := range s.Decisions {
			all = append(all, rules.Explain(&s.Decisions[i].Decision, p.zone)...)
		}
		return all
	}
	return s, nil
}

// text is everything for people. Whatever comes from elsewhere stands on one line, or
// indented, and commands no terminal.
func (s *shownTicket) text() string {
	var b strings.Builder
	fact := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-12s %s\n", name, value)
		}
	}
	fmt.Fprintf(&b, "%s  %s  %s  (%s)\n\n", s.Ref, oneLine(s.Asset+s.Group), oneLine(s.Title), s.Rule)
	fact("service", oneLine(s.Service))
	fact("opened", timeText(s.Opened))
	fact("closed", timeText(s.Closed))
	fact("members", oneLine(strings.Join(s.Members, ", ")))
	fact("follows", s.Follows)
	fact("ticket", s.inWords())
	fact("system", oneLine(s.System))
	fact("unit", oneLine(s.Unit))
	fact("number", oneLine(s.Number))
	fact("link", s.Link)
	fact("acknowledged", oneLine(s.Acknowledged))
	fact("on hold", oneLine(s.Hold))
	fact("until", timeText(s.HoldUntil))
	fact("error", oneLine(s.Error))
	if s.State == city.TicketQueued || s.State == city.TicketUnsure || s.State == city.TicketClosing {
		fact("next try", timeText(s.Next))
	}
	if r := s.RemoteIs; r != nil {
		fact("there", oneLine(strings.TrimSpace(string(r.Progress)+" "+r.Status)))
		fact("category", oneLine(strings.TrimSpace(r.Service+" "+r.Name)))
		fact("notes", oneLine(r.Notes))
	}
	fact("asked for", timeText(s.Checked))
	for _, m := range s.Muted {
		fact("muted", fmt.Sprintf("%d by %s: %s", m.ID, oneLine(m.By), oneLine(m.Reason)))
	}
	for _, w := range s.Wanted {
		fact("wanted", strings.TrimSpace(fmt.Sprintf("%s by %s, %s: %s %s", w.Kind, oneLine(w.By), timeText(w.At), oneLine(w.Reason), oneLine(w.Number))))
	}
	fmt.Fprint(&b, "\nHistory\n")
	for _, e := range s.History {
		by := ""
		if e.By != "" {
			by = " (" + oneLine(e.By) + ")"
		}
		fmt.Fprintf(&b, "  %s  %-12s  %s%s\n", e.At.Format(time.RFC3339), e.State, oneLine(e.Note), by)
	}
	b.WriteString("\n" + s.Order.text() + "\nWhy\n")
	sentences := s.sentences()
	for _, sentence := range sentences {
		fmt.Fprintf(&b, "  %s\n", oneLine(sentence))
	}
	if len(sentences) == 0 {
		b.WriteString("  There are no records of it any more: their retention is over.\n")
	}
	return b.String()
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
