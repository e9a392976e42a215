package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"meldefunk/city"
)

const caseColumns = `c.ref, c.rule, c.service, c.asset, c.quantity, c.value, c.threshold, c.since, c.title, c.advice, c.opened,
	c.closed, c.closed_value, c.closed_since, c.group_name, c.members, c.grade, c.revoked, c.follows, ` + ticketColumns + `, ` + wishColumns

// Cases gives cases with their tickets, those opened or closed last first: only the wanted
// ones, or all.
func (r *reader) Cases(ctx context.Context, openOnly bool, limit int) ([]city.CaseTicket, error) {
	where := ""
	if openOnly {
		where = "WHERE c.closed IS NULL"
	}
	return r.queryCases(ctx, `SELECT `+caseColumns+` FROM cases c JOIN tickets t USING (ref) `+where+`
		ORDER BY coalesce(c.closed, c.opened) DESC, c.ref LIMIT ?`, limit)
}

func (r *reader) queryCases(ctx context.Context, query string, args ...any) ([]city.CaseTicket, error) {
	return all(ctx, r, "read cases", scanCase, query, args...)
}

func scanCase(row row) (city.CaseTicket, error) {
	var ct city.CaseTicket
	c := &ct.Case
	var quantity, members string
	var since, opened, closed, closedSince sql.NullInt64
	var closedValue sql.NullFloat64
	var t ticketRow
	var wishes sql.NullString
	into := []any{
		&c.Ref, &c.Rule, &c.Service, &c.Asset, &quantity, &c.Value, &c.Limit, &since, &c.Title, &c.Advice, &opened,
		&closed, &closedValue, &closedSince, &c.Group, &members, &c.Grade, &c.Revoked, &c.Follows,
	}
	err := row.Scan(append(append(into, t.into(&ct.Ticket)...), &wishes)...)
	if err != nil {
		return ct, err
	}
	if quantity != "" { // of a silence, or of a group
		if c.Quantity, err = city.ParseQuantity(quantity); err != nil {
			return ct, err
		}
	}
	if c.Members, err = parseMembers(members); err != nil {
		return ct, fmt.Errorf("case %s: members: %w", c.Ref, err)
	}
	ct.Ticket.Ref, c.Held = c.Ref, ct.Ticket.State == city.TicketHeld
	if err := t.fill(&ct.Ticket); err != nil {
		return ct, fmt.Errorf("ticket %s: %w", c.Ref, err)
	}
	if ct.Wishes, err = parseWishes(c.Ref, wishes); err != nil {
		return ct, fmt.Errorf("wishes of %s: %w", c.Ref, err)
	}
	c.Since, c.Opened, c.Closed, c.ClosedSince = fromNanos(since), fromNanos(opened), fromNanos(closed), fromNanos(closedSince)
	c.ClosedValue = closedValue.Float64
	return ct, nil
}

// parseMembers reads a list of assets; "" is none.
func parseMembers(s string) (all []string, err error) {
	if s == "" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(s), &all)
	return all, err
}

// Held gives the wanted cases that the safety brake holds, oldest first.
func (s *Store) Held(ctx context.Context) ([]city.Case, error) {
	found, err := s.queryCases(ctx, `SELECT `+caseColumns+` FROM tickets t JOIN cases c USING (ref)
		WHERE t.state = 'held' AND c.closed IS NULL ORDER BY c.opened, c.ref`)
	cases := make([]city.Case, len(found))
	for i := range found {
		cases[i] = found[i].Case
	}
	return cases, err
}

// Begun gives the cases, of which only Rule and Opened are told, for which a ticket was
// wanted first after a time; those that the safety brake let go count from then.
func (s *Store) Begun(ctx context.Context, after time.Time) ([]city.Case, error) {
	return all(ctx, &s.reader, "read cases", func(row row) (c city.Case, err error) {
		var at int64
		err = row.Scan(&c.Rule, &at)
		c.Opened = time.Unix(0, at).UTC()
		return c, err
	}, `SELECT c.rule, coalesce(c.released, c.opened) FROM cases c JOIN tickets t USING (ref)
		WHERE coalesce(c.released, c.opened) > ? AND t.state <> 'held' AND c.group_name NOT LIKE 'rule:%' ORDER BY 2`, after.UnixNano())
}
