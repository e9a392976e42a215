package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"meldefunk/city"
)

const caseColumns = `c.ref, c.rule, c.service, c.asset, c.quantity, c.value, c.threshold, c.since, c.title, c.advice, c.opened,
	c.closed, c.closed_value, c.closed_since, c.group_name, c.members, c.grade, c.revoked,
	t.state, t.external_id, t.attempts, t.creates, t.sent_at, t.next, t.error, t.updated`

// Due gives the cases for which the ticket system must be told something at now, oldest
// first. Parked tickets wait for a human and are not among them.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]city.CaseTicket, error) {
	return s.queryCases(ctx, `SELECT `+caseColumns+` FROM tickets t JOIN cases c USING (ref)
		WHERE t.state IN ('queued', 'sending', 'unsure', 'closing', 'open') AND coalesce(t.next, 0) <= ?1
			AND (t.state <> 'open' OR c.closed IS NOT NULL)
		ORDER BY c.opened, c.ref LIMIT ?2`, now.UnixNano(), limit)
}

// Handed gives the wanted cases that the ticket system has, or may have, oldest first.
func (s *Store) Handed(ctx context.Context) ([]city.CaseTicket, error) {
	return s.queryCases(ctx, `SELECT `+caseColumns+` FROM tickets t JOIN cases c USING (ref)
		WHERE t.state IN ('sending', 'unsure', 'open') AND c.closed IS NULL ORDER BY c.opened, c.ref`)
}

// Cases gives cases with their tickets, those opened or closed last first: only the wanted
// ones, or all.
func (s *Store) Cases(ctx context.Context, openOnly bool, limit int) ([]city.CaseTicket, error) {
	where := ""
	if openOnly {
		where = "WHERE c.closed IS NULL"
	}
	return s.queryCases(ctx, `SELECT `+caseColumns+` FROM cases c JOIN tickets t USING (ref) `+where+`
		ORDER BY coalesce(c.closed, c.opened) DESC, c.ref LIMIT ?`, limit)
}

func (s *Store) queryCases(ctx context.Context, query string, args ...any) ([]city.CaseTicket, error) {
	return all(ctx, &s.reader, "read cases", scanCase, query, args...)
}

func scanCase(row row) (city.CaseTicket, error) {
	var ct city.CaseTicket
	c, t := &ct.Case, &ct.Ticket
	var quantity, members string
	var since, opened, closed, closedSince, sent, next, updated sql.NullInt64
	var closedValue sql.NullFloat64
	err := row.Scan(&c.Ref, &c.Rule, &c.Service, &c.Asset, &quantity, &c.Value, &c.Limit, &since, &c.Title, &c.Advice, &opened,
		&closed, &closedValue, &closedSince, &c.Group, &members, &c.Grade, &c.Revoked,
		&t.State, &t.ExternalID, &t.Attempts, &t.Creates, &sent, &next, &t.Error, &updated)
	if err != nil {
		return ct, err
	}
	if quantity != "" { // of a silence, or of a group
		if c.Quantity, err = city.ParseQuantity(quantity); err != nil {
			return ct, err
		}
	}
	if members != "" {
		if err := json.Unmarshal([]byte(members), &c.Members); err != nil {
			return ct, fmt.Errorf("case %s: members: %w", c.Ref, err)
		}
	}
	t.Ref, c.Held = c.Ref, t.State == city.TicketHeld
	c.Since, c.Opened, c.Closed, c.ClosedSince = fromNanos(since), fromNanos(opened), fromNanos(closed), fromNanos(closedSince)
	c.ClosedValue = closedValue.Float64
	t.SentAt, t.Next, t.Updated = fromNanos(sent), fromNanos(next), fromNanos(updated)
	return ct, nil
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

// PutTicket keeps what the ticket system was told, and a line in the log of the ticket.
// It is durable on return.
func (s *Store) PutTicket(_ context.Context, t city.Ticket, note string) error {
	err := s.inTx(func(ctx context.Context) error {
		_, err := s.conn.ExecContext(ctx, `INSERT INTO tickets (ref, state, external_id, attempts, creates, sent_at, next, error, updated)
			VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET state = excluded.state, external_id = excluded.external_id,
			attempts = excluded.attempts, creates = excluded.creates, sent_at = excluded.sent_at, next = excluded.next,
			error = excluded.error, updated = excluded.updated`,
			t.Ref, string(t.State), t.ExternalID, t.Attempts, t.Creates, nanos(t.SentAt), nanos(t.Next), t.Error, t.Updated.UnixNano())
		if err != nil {
			return err
		}
		_, err = s.conn.ExecContext(ctx, `INSERT INTO ticket_log (ref, at, state, note) VALUES (?,?,?,?)`,
			t.Ref, t.Updated.UnixNano(), string(t.State), note)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep ticket %s: %w", t.Ref, err)
	}
	return nil
}

// Linked tells which case a ticket system's number belongs to already.
func (s *Store) Linked(ctx context.Context, externalID string) (ref string, linked bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT ref FROM tickets WHERE external_id = ? AND external_id <> '' LIMIT 1`, externalID).Scan(&ref)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look for ticket %.40q: %w", externalID, err)
	}
	return ref, true, nil
}

// Unpark lets the reconciler try parked tickets again, after a human has mended what they
// were refused for. Those without a number are searched for before anything is sent, and
// what may have arrived still counts against the bound on creates.
func (s *Store) Unpark(_ context.Context, now time.Time) (n int64, err error) {
	err = s.inTx(func(ctx context.Context) error {
		if _, err := s.conn.ExecContext(ctx, `INSERT INTO ticket_log (ref, at, state, note)
			SELECT ref, ?1, CASE external_id WHEN '' THEN 'unsure' ELSE 'closing' END, 'wieder aufgenommen' FROM tickets WHERE state = 'parked'`,
			now.UnixNano()); err != nil {
			return err
		}
		res, err := s.conn.ExecContext(ctx, `UPDATE tickets SET state = CASE external_id WHEN '' THEN 'unsure' ELSE 'closing' END,
			attempts = 0, next = NULL, error = '', updated = ? WHERE state = 'parked'`, now.UnixNano())
		if err == nil {
			n, err = res.RowsAffected()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("take up parked tickets: %w", err)
	}
	return n, nil
}
