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

const ticketColumns = `t.state, t.closed_by, t.system, t.unit, t.external_id, t.attempts, t.creates, t.sent_at, t.next, t.error, t.updated, t.version,
	t.acknowledged, t.hold, t.hold_until, t.follows, t.told, t.told_members, t.noted, t.escalated, t.remote, t.checked, t.missing, t.missing_since`

// A ticket is written in place of the one that it was read as.
const (
	putTicket = `UPDATE tickets SET state = ?, closed_by = ?, system = ?, unit = ?, external_id = ?, attempts = ?, creates = ?,
		sent_at = ?, next = ?, error = ?, updated = ?, version = version + 1, acknowledged = ?, hold = ?, hold_until = ?, follows = ?, told = ?,
		told_members = ?, noted = ?, escalated = ?, remote = ?, checked = ?, missing = ?, missing_since = ? WHERE ref = ? AND version = ?`
	putTicketLog = `INSERT INTO ticket_log (ref, at, state, note, who) VALUES (?,?,?,?,?)`
)

// ticketRow is what of a ticket is not kept as it is.
type ticketRow struct {
	sent, next, updated, holdUntil, noted, escalated, missingSince sql.NullInt64

	checked sql.NullInt64 // 0: never
	members string
	remote  sql.NullString
}

// into gives where the columns go.
func (r *ticketRow) into(t *city.Ticket) []any {
	return []any{
		&t.State, &t.End, &t.System, &t.Unit, &t.ExternalID, &t.Attempts, &t.Creates, &r.sent, &r.next, &t.Error, &r.updated, &t.Version,
		&t.Acknowledged, &t.Hold, &r.holdUntil, &t.Follows, &t.Told, &r.members, &r.noted, &r.escalated, &r.remote, &r.checked, &t.Missing, &r.missingSince,
	}
}

// fill completes a ticket whose columns have been read.
func (r *ticketRow) fill(t *city.Ticket) (err error) {
	t.SentAt, t.Next, t.Updated, t.HoldUntil = fromNanos(r.sent), fromNanos(r.next), fromNanos(r.updated), fromNanos(r.holdUntil)
	t.Noted, t.Escalated, t.MissingSince = fromNanos(r.noted), fromNanos(r.escalated), fromNanos(r.missingSince)
	r.checked.Valid = r.checked.Int64 != 0
	t.Checked = fromNanos(r.checked)
	if r.remote.Valid {
		if err := json.Unmarshal([]byte(r.remote.String), &t.Remote); err != nil {
			return fmt.Errorf("remote: %w", err)
		}
	}
	if t.ToldMembers, err = parseMembers(r.members); err != nil {
		return fmt.Errorf("members it was told: %w", err)
	}
	return nil
}

// PutTicket keeps a ticket, a line in its history (none without a note), and that the wishes
// of these numbers were granted or refused. It is durable on return. Of a ticket that somebody
// else has written since it was read nothing is kept: that is city.ErrStale. The ticket that is
// kept has the next Version.
func (s *Store) PutTicket(_ context.Context, t city.Ticket, e city.TicketEntry, granted ...int64) error {
	err := s.inTx(func(ctx context.Context) error {
		w := writer{ctx: ctx}
		if err := w.ticket(s.conn, &s.stmts, &t); err != nil {
			return err
		}
		if e.Note != "" {
			w.log(&s.stmts, t.Ref, e)
		}
		for _, id := range granted {
			w.query(s.conn, `UPDATE wishes SET granted = ? WHERE id = ? AND ref = ? AND granted IS NULL`, e.At.UnixNano(), id, t.Ref)
		}
		w.exec(s.stmts.follow, t.Ref)
		return w.err
	})
	if err != nil {
		return fmt.Errorf("keep ticket %s: %w", t.Ref, err)
	}
	return nil
}

// ticket writes a ticket in place of the one it was read as.
func (w *writer) ticket(conn *sql.Conn, st *statements, t *city.Ticket) error {
	var remote any
	if t.Remote != (city.Remote{}) {
		remote = w.json(t.Remote)
	}
	checked := int64(0)
	if !t.Checked.IsZero() {
		checked = t.Checked.UnixNano()
	}
	members := w.members(t.ToldMembers)
	if w.err != nil {
		return w.err
	}
	res, err := st.putTicket.ExecContext(w.ctx,
		string(t.State), string(t.End), t.System, t.Unit, t.ExternalID, t.Attempts, t.Creates,
		nanos(t.SentAt), nanos(t.Next), t.Error, t.Updated.UnixNano(), t.Acknowledged, t.Hold, nanos(t.HoldUntil), t.Follows, int64(t.Told),
		members, nanos(t.Noted), nanos(t.Escalated), remote, checked, t.Missing, nanos(t.MissingSince), t.Ref, t.Version)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	var version int
	err = conn.QueryRowContext(w.ctx, `SELECT version FROM tickets WHERE ref = ?`, t.Ref).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return city.ErrNoCase
	}
	if err == nil {
		err = fmt.Errorf("%w: it is at version %d, not %d", city.ErrStale, version, t.Version)
	}
	return err
}

func (w *writer) query(conn *sql.Conn, query string, args ...any) {
	if w.err == nil {
		_, w.err = conn.ExecContext(w.ctx, query, args...)
	}
}

// log writes a line in the history of a ticket.
func (w *writer) log(st *statements, ref string, e city.TicketEntry) {
	w.exec(st.ticketLog, ref, e.At.UnixNano(), string(e.State), e.Note, e.By)
}

// TicketLog gives the history of a ticket, oldest first.
func (r *reader) TicketLog(ctx context.Context, ref string) ([]city.TicketEntry, error) {
	return all(ctx, r, fmt.Sprintf("history of ticket %.40q", ref), func(row row) (e city.TicketEntry, err error) {
		var at int64
		err = row.Scan(&at, &e.State, &e.By, &e.Note)
		e.At = time.Unix(0, at).UTC()
		return e, err
	}, `SELECT at, state, who, note FROM ticket_log WHERE ref = ? ORDER BY id`, ref)
}

// Handed gives the wanted cases that a ticket system has, or may have, oldest first.
func (r *reader) Handed(ctx context.Context, system string) ([]city.CaseTicket, error) {
	return r.queryCases(ctx, `SELECT `+caseColumns+` FROM tickets t JOIN cases c USING (ref)
		WHERE t.system = ? AND t.state IN ('sending', 'unsure', 'manual', 'reopening', 'open', 'acknowledged') AND c.closed IS NULL
		ORDER BY t.opened, t.ref`, system)
}

// Linked tells which case a ticket system's number belongs to already: of those that go on
// from each other the newest.
func (r *reader) Linked(ctx context.Context, system, externalID string) (ref string, linked bool, err error) {
	// Tickets that were closed before systems had names have none.
	err = r.read.QueryRowContext(ctx, `SELECT ref FROM tickets WHERE external_id = ? AND external_id <> '' AND system IN (?, '')
		ORDER BY opened DESC, ref DESC LIMIT 1`, externalID, system).Scan(&ref)
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
		parked, err := s.parked(ctx)
		if err != nil {
			return err
		}
		w := writer{ctx: ctx}
		for _, p := range parked {
			w.query(s.conn, `UPDATE tickets SET state = ?, attempts = 0, next = NULL, error = '', updated = ?, version = version + 1 WHERE ref = ?`,
				string(p.State), now.UnixNano(), p.Ref)
			w.log(&s.stmts, p.Ref, city.TicketEntry{At: now, State: p.State, Note: "wieder aufgenommen"})
			w.exec(s.stmts.follow, p.Ref)
		}
		n = int64(len(parked))
		return w.err
	})
	if err != nil {
		return 0, fmt.Errorf("take up parked tickets: %w", err)
	}
	return n, nil
}

// parked lists the parked tickets, each with the state to take it up in.
func (s *Store) parked(ctx context.Context) ([]city.Ticket, error) {
	rows, err := s.conn.QueryContext(ctx, `SELECT t.ref, CASE WHEN t.external_id = '' THEN 'unsure' WHEN c.closed IS NULL THEN 'open' ELSE 'closing' END
		FROM tickets t JOIN cases c USING (ref) WHERE t.state = 'parked'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []city.Ticket
	for rows.Next() {
		var t city.Ticket
		if err := rows.Scan(&t.Ref, &t.State); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// AskAll has all that Watched can give count as last asked for at time.Unix(0, 1), but for those
// that were never asked for, which stay first, and tells how many all those are. Their Version
// rises, or who is writing one of them just now would take it back. It is durable on return.
func (s *Store) AskAll(_ context.Context, system string) (int, error) {
	var n int64
	err := s.inTx(func(ctx context.Context) error {
		res, err := s.conn.ExecContext(ctx, `UPDATE tickets SET checked = min(checked, 1), version = version + 1
			WHERE system = ? AND external_id <> '' AND state IN ('open', 'acknowledged', 'closing', 'cleared')`, system)
		if err == nil {
			n, err = res.RowsAffected()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("have the tickets of %s asked for: %w", system, err)
	}
	return int(n), nil
}

// Polled tells until when a ticket system was asked what has changed; zero: never.
func (s *Store) Polled(ctx context.Context, system string) (time.Time, error) {
	var at sql.NullInt64
	err := s.read.QueryRowContext(ctx, `SELECT polled FROM ticket_polls WHERE system = ?`, system).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("until when %s was asked: %w", system, err)
	}
	return fromNanos(at), nil
}

// SetPolled keeps until when a ticket system was asked what has changed. It is durable on
// return.
func (s *Store) SetPolled(_ context.Context, system string, polled time.Time) error {
	err := s.inTx(func(ctx context.Context) error {
		_, err := s.conn.ExecContext(ctx, `INSERT INTO ticket_polls VALUES (?, ?) ON CONFLICT DO UPDATE SET polled = excluded.polled`, system, polled.UnixNano())
		return err
	})
	if err != nil {
		return fmt.Errorf("keep until when %s was asked: %w", system, err)
	}
	return nil
}
