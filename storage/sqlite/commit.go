package sqlite

import (
	"context"
	"database/sql"

	"meldefunk/city"
)

// statements are the writes of a commit, prepared once.
type statements struct {
	frames, readings, states, rulings bulk
	mark, session, openCase, ticket, closeCase, aside, replaced, replayed,
	withdrawn, retimed, reheard, gateway, newGateway, updateCase, release, releaseTicket, cancelHeld, putTicket, ticketLog, follow, deaf, event, eventsEnd, status, located *sql.Stmt
}

// prepare readies the statements. Inserts ignore what is there already, so that a commit
// whose outcome was unclear can be repeated: the road gave out the numbers. OR ROLLBACK
// says that a failure ends the transaction, which it does anyway, and spares SQLite a
// journal per statement.
func (s *Store) prepare(ctx context.Context) error {
	for _, p := range []struct {
		into *bulk
		head string
		cols int
		tail string
	}{
		{&s.stmts.frames, `INSERT OR ROLLBACK INTO frames VALUES`, 24, `ON CONFLICT DO UPDATE SET fate = excluded.fate, envelope = excluded.envelope`},
		{&s.stmts.readings, `INSERT OR ROLLBACK INTO readings VALUES`, 21, `ON CONFLICT DO NOTHING`},
		{&s.stmts.states, `INSERT OR ROLLBACK INTO asset_states VALUES`, 9, `ON CONFLICT DO UPDATE SET server = excluded.server, reading = excluded.reading,
			judged = excluded.judged, mind = excluded.mind, cases = excluded.cases, deadline = excluded.deadline, occupancy = excluded.occupancy`},
		{&s.stmts.rulings, `INSERT OR ROLLBACK INTO decisions VALUES`, 10, `ON CONFLICT DO NOTHING`},
	} {
		if err := s.prepareBulk(ctx, p.into, p.head, p.cols, p.tail); err != nil {
			return err
		}
	}
	for _, p := range []struct {
		into **sql.Stmt
		text string
	}{
		{&s.stmts.mark, `UPDATE mark SET frame = max(frame, ?), reading = max(reading, ?), ruling = max(ruling, ?), alive = coalesce(?, alive) WHERE id = 1`},
		{&s.stmts.session, `INSERT INTO sessions (dev_eui, epoch, token, join_ident, cause, opened) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET token = excluded.token, join_ident = excluded.join_ident`},
		{&s.stmts.openCase, `INSERT INTO cases (ref, rule, service, asset, quantity, value, threshold, since, title, advice, opened, group_name, members, grade, follows)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (ref) DO NOTHING`},
		{&s.stmts.ticket, `INSERT INTO tickets (ref, state, external_id, attempts, creates, error, updated, opened)
			VALUES (?, ?, '', 0, 0, '', ?, ?) ON CONFLICT DO NOTHING`},
		{&s.stmts.closeCase, `UPDATE cases SET closed = ?, closed_value = ?, closed_since = ?, revoked = ? WHERE ref = ? AND closed IS NULL`},
		{&s.stmts.aside, `INSERT INTO aside (key, server, topic, body, reason, detail, dev_eui, received, last_seen, count)
			VALUES (?,?,?,?,?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET reason = excluded.reason, detail = excluded.detail,
				count = count + excluded.count * (excluded.last_seen > last_seen), last_seen = max(last_seen, excluded.last_seen)`},
		{&s.stmts.replaced, `DELETE FROM readings WHERE id = ?`},
		{&s.stmts.withdrawn, `INSERT INTO withdrawn (id, dev_eui, time) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`},
		{&s.stmts.retimed, `UPDATE frames SET time = ?, time_source = ?, claim = ? WHERE id = ?`},
		{&s.stmts.reheard, `UPDATE frames SET gateway = ?, rssi = ?, snr = ?, gateways = ?, heard = ? WHERE id = ?`},
		{&s.stmts.gateway, `SELECT id FROM gateways WHERE name = ?`},
		{&s.stmts.newGateway, `INSERT INTO gateways (name) SELECT ? WHERE (SELECT coalesce(max(id), 0) FROM gateways) < ? RETURNING id`},
		{&s.stmts.replayed, `DELETE FROM aside WHERE key = ?`},
		{&s.stmts.updateCase, `UPDATE cases SET grade = ?, members = ?, value = CASE WHEN group_name = '' THEN value ELSE ? END WHERE ref = ? AND closed IS NULL`},
		{&s.stmts.release, `UPDATE cases SET released = ? WHERE ref = ?`},
		{&s.stmts.releaseTicket, `UPDATE tickets SET state = 'queued', updated = ?, version = version + 1 WHERE ref = ? AND state = 'held'`},
		{&s.stmts.cancelHeld, `UPDATE tickets SET state = 'cancelled', updated = ?, version = version + 1 WHERE ref = ? AND state = 'held'`},
		{&s.stmts.putTicket, putTicket},
		{&s.stmts.ticketLog, putTicketLog},
		{&s.stmts.follow, followOne},
		{&s.stmts.deaf, `INSERT INTO deaf VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = excluded.until`},
		{&s.stmts.event, insertEvent},
		{&s.stmts.eventsEnd, trimEvents},
		{&s.stmts.status, upsertStatus},
		{&s.stmts.located, upsertPosition},
	} {
		if err := s.prepareOne(ctx, p.into, p.text); err != nil {
			return err
		}
	}
	return nil
}

// Commit writes everything or nothing and returns after it has reached the disk.
func (s *Store) Commit(_ context.Context, c *city.Commit) error {
	return s.inTx(func(ctx context.Context) error {
		w := writer{ctx: ctx, gateways: s.gateways}
		w.sessions(&s.stmts, c.Sessions)
		w.frames(&s.stmts, c.Frames)
		w.retimed(&s.stmts, c.Retimed)
		w.reheard(&s.stmts, c.Reheard)
		w.replaced(&s.stmts, c.Replaced)
		w.withdrawn(&s.stmts, c.Withdrawn)
		w.readings(&s.stmts, c.Readings)
		w.states(&s.stmts, c.States)
		w.cases(&s.stmts, c.Cases)
		w.updates(&s.stmts, c.Updates, c.Released)
		w.rulings(&s.stmts, c.Rulings)
		w.deaf(&s.stmts, c.Deaf)
		w.aside(&s.stmts, c.Aside, c.Replayed)
		w.events(&s.stmts, c.Events)
		w.exec(s.stmts.mark, c.Mark.Frame, c.Mark.Reading, c.Mark.Ruling, nanos(c.Mark.Alive))
		return w.err
	})
}

// writer keeps the first error, so that the order of writes reads straight through.
type writer struct {
	ctx  context.Context
	err  error
	args []any
	buf  []byte

	gateways map[string]int64 // numbers of names, as far as they are known
}

func (w *writer) exec(stmt *sql.Stmt, args ...any) {
	if w.err == nil {
		_, w.err = stmt.ExecContext(w.ctx, args...)
	}
}

// insert writes n rows, as many as fit with one statement. row appends the i-th one's
// columns, as the types that database/sql takes as they are and need not convert by
// reflection (3 % of the road's CPU time).
func (w *writer) insert(into *bulk, n int, row func(i int, args []any) []any) {
	for i := 0; i < n && w.err == nil; {
		stmt, size := into.one, 1
		if n-i >= bulkRows {
			stmt, size = into.many, bulkRows
		}
		w.args = w.args[:0]
		for ; size > 0; size-- {
			w.args = row(i, w.args)
			i++
		}
		w.exec(stmt, w.args...)
	}
}

func (w *writer) sessions(st *statements, sessions []city.Session) {
	for i := range sessions {
		e := &sessions[i]
		w.exec(st.session, e.DevEUI.String(), e.Epoch, e.Token, int64(e.Join), string(e.Cause), e.Opened.UnixNano())
	}
}

func (w *writer) frames(st *statements, frames []city.Frame) {
	w.insert(&st.frames, len(frames), func(i int, args []any) []any {
		f := &frames[i]
		u := &f.Uplink
		payload := u.Payload
		if payload == nil {
			payload = []byte{} // nil would be NULL
		}
		envelope, err := sealed(u.Envelope)
		if err != nil {
			w.err = err
		}
		return append(args, f.ID, u.DevEUI.String(), int64(f.Epoch), int64(u.FCnt), int64(u.FPort), payload, f.Fate.String(),
			u.Time.At.UnixNano(), u.Time.Source.String(), u.Received.UnixNano(), int64(u.Ident), int64(f.Hash),
			u.Server, u.Session,
			bit(u.Confirmed, frameConfirmed)|bit(u.Simulated, frameSimulated)|bit(u.Encrypted, frameEncrypted)|bit(f.Conflict, frameConflict),
			int64(u.Radio.Frequency), u.Radio.Gateway, int64(u.Radio.RSSI), float64(u.Radio.SNR),
			int64(u.Radio.SpreadingFactor), int64(u.Radio.Gateways), envelope, nanos(f.Claim), w.heard(u.Heard))
	})
}

// heard is how receptions are kept: NULL where the frame's other columns say it all.
func (w *writer) heard(heard []city.Reception) any {
	if len(heard) == 0 {
		return nil
	}
	b, err := appendHeard(w.buf[:0], heard)
	if w.buf = b; err != nil {
		w.err = err
	}
	return string(b)
}

func (w *writer) retimed(st *statements, frames []city.Retimed) {
	for i := range frames {
		f := &frames[i]
		w.exec(st.retimed, f.Time.At.UnixNano(), f.Time.Source.String(), nanos(f.Claim), f.Frame)
	}
}

func (w *writer) reheard(st *statements, frames []city.Reheard) {
	for i := range frames {
		f := &frames[i]
		w.exec(st.reheard, f.Radio.Gateway, int64(f.Radio.RSSI), float64(f.Radio.SNR), int64(f.Radio.Gateways), w.heard(f.Heard), f.Frame)
	}
}

func (w *writer) replaced(st *statements, ids []int64) {
	for _, id := range ids {
		w.exec(st.replaced, id)
	}
}

func (w *writer) withdrawn(st *statements, all []city.Withdrawn) {
	for _, r := range all {
		w.exec(st.withdrawn, r.ID, r.DevEUI.String(), r.At.UnixNano())
	}
}

func (w *writer) readings(st *statements, readings []city.Reading) {
	w.insert(&st.readings, len(readings), func(i int, args []any) []any {
		r := &readings[i]
		w.buf = appendMeasured(w.buf[:0], r.Values)
		var tail, raw, former any
		if len(r.Tail) > 0 {
			tail = r.Tail
		}
		if len(r.Raw) > 0 {
			raw = string(r.Raw)
		}
		measured := string(w.buf)
		if len(r.Former) > 0 {
			former = string(appendFormer(w.buf[:0], r.Former))
		}
		return append(args, r.ID, r.DevEUI.String(), r.Asset, r.Kind.String(), r.Model, int64(r.Epoch), int64(r.FCnt),
			r.Time.At.UnixNano(), r.Time.Source.String(), r.Received.UnixNano(), measured, joinFaults(r.Faults), tail,
			bit(r.Late, readingLate)|bit(r.Simulated, readingSimulated)|bit(r.Poorer, readingPoorer)|bit(r.Conflict, readingConflict),
			int64(r.Radio.RSSI), float64(r.Radio.SNR), int64(r.Radio.SpreadingFactor), int64(r.Radio.Gateways), raw, former, w.gateway(st, r.Radio.Gateway))
	})
}

// cases writes in the given order: an asset's case may be closed and its next one opened
// in one commit, and only one of a rule may be open at a time.
func (w *writer) cases(st *statements, cases []city.Case) {
	for i := range cases {
		c := &cases[i]
		if c.Wanted() {
			quantity := ""
			if c.Quantity != city.QuantityUnknown {
				quantity = c.Quantity.String()
			}
			w.exec(st.openCase, c.Ref, c.Rule, c.Service, c.Asset, quantity, c.Value, c.Limit,
				c.Since.UnixNano(), c.Title, c.Advice, c.Opened.UnixNano(), c.Group, w.members(c.Members), int64(c.Grade), c.Follows)
			state := city.TicketQueued // what is due is found by state
			if c.Held {
				state = city.TicketHeld
			}
			w.exec(st.ticket, c.Ref, string(state), c.Opened.UnixNano(), c.Opened.UnixNano())
			w.exec(st.follow, c.Ref)
			continue
		}
		w.exec(st.closeCase, c.Closed.UnixNano(), c.ClosedValue, nanos(c.ClosedSince), bit(c.Revoked, 1), c.Ref)
		w.exec(st.cancelHeld, c.Closed.UnixNano(), c.Ref)
		w.exec(st.follow, c.Ref)
	}
}

// updates writes what has changed of wanted cases, and lets go those that were held.
func (w *writer) updates(st *statements, updates []city.CaseUpdate, released []city.Released) {
	for i := range updates {
		u := &updates[i]
		w.exec(st.updateCase, int64(u.Grade), w.members(u.Members), u.Value, u.Ref)
		w.exec(st.follow, u.Ref)
	}
	for i := range released {
		w.exec(st.release, released[i].At.UnixNano(), released[i].Ref)
		w.exec(st.releaseTicket, released[i].At.UnixNano(), released[i].Ref)
		w.exec(st.follow, released[i].Ref)
	}
}

// members is a list of assets as JSON, "" for none.
func (w *writer) members(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return w.json(all)
}

func (w *writer) aside(st *statements, aside []city.SetAside, replayed []uint64) {
	for i := range aside {
		a := &aside[i]
		body := a.Body
		if body == nil {
			body = []byte{}
		}
		dev := ""
		if !a.DevEUI.IsZero() {
			dev = a.DevEUI.String()
		}
		seen := a.LastSeen
		if seen.IsZero() {
			seen = a.Received
		}
		w.exec(st.aside, int64(a.Key), a.Server, a.Topic, body, string(a.Reason), a.Detail, dev,
			a.Received.UnixNano(), seen.UnixNano(), max(1, a.Count))
	}
	for _, key := range replayed {
		w.exec(st.replayed, int64(key))
	}
}
