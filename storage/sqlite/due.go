package sqlite

import (
	"context"
	"time"

	"meldefunk/city"
)

// follows works out when something must be done for a ticket, and whether anything will ever
// come of it. It needs the case and the wishes, so that those who look for what is due need
// neither: whoever writes one of the three runs it over the ticket. 0 goes before all others:
// a human waits for it.
const follows = `SELECT t.ref, CASE
	WHEN EXISTS (SELECT 1 FROM wishes w WHERE w.ref = t.ref AND w.granted IS NULL) THEN 0
	WHEN t.state IN ('held', 'manual', 'cleared', 'cancelled', 'parked') THEN NULL
	WHEN t.state = 'closed' AND NOT (c.closed IS NULL AND t.closed_by IN ('human', 'gone')) THEN NULL
	WHEN t.hold <> '' THEN max(t.hold_until, 1)
	WHEN t.state IN ('queued', 'muted', 'open', 'acknowledged') AND c.closed IS NOT NULL THEN 1
	WHEN t.state IN ('open', 'acknowledged') AND c.closed IS NULL AND c.grade <= t.told
		AND (c.members IN (t.told_members, '') OR NOT EXISTS (
			SELECT value FROM json_each(c.members) EXCEPT SELECT value FROM json_each(nullif(t.told_members, '')))) THEN NULL
	ELSE max(coalesce(t.next, 1), 1) END AS due,
	c.closed IS NULL OR t.state NOT IN ('closed', 'cancelled') AS live
	FROM tickets t JOIN cases c USING (ref)`

// What stays as it is is not written.
const (
	follow    = `UPDATE tickets SET due = n.due, live = n.live FROM (` + follows
	ifChanged = `) n WHERE tickets.ref = n.ref AND (tickets.due IS NOT n.due OR tickets.live <> n.live)`
	followOne = follow + ` WHERE t.ref = ?` + ifChanged
	followAll = follow + ifChanged
)

// Due gives at most limit cases of a ticket system for which something must be done by now:
// first those with wishes, then the others, each oldest first. Besides what waits for its
// Next these are wanted cases that are worse than was told or have members that were not
// told; cases that are over before anything was sent; and what a human has closed while the
// case is wanted. What is held back, on the other hand, is only due with a wish or when the
// time is over.
func (r *reader) Due(ctx context.Context, system string, now time.Time, limit int) ([]city.CaseTicket, error) {
	return r.queryCases(ctx, `WITH due AS (
			SELECT * FROM (SELECT ref, opened, 0 AS later FROM tickets WHERE system = ?1 AND due = 0 ORDER BY opened, ref LIMIT ?3)
			UNION ALL
			SELECT * FROM (SELECT ref, opened, 1 FROM tickets WHERE system = ?1 AND due > 0 AND due <= ?2 ORDER BY opened, ref LIMIT ?3))
		SELECT `+caseColumns+` FROM due CROSS JOIN tickets t USING (ref) CROSS JOIN cases c USING (ref)
		ORDER BY due.later, due.opened, due.ref LIMIT ?3`, system, now.UnixNano(), limit)
}

// Sending gives the cases whose create has begun, in any ticket system, oldest first.
func (r *reader) Sending(ctx context.Context) ([]city.CaseTicket, error) {
	return r.queryCases(ctx, `SELECT `+caseColumns+` FROM tickets t CROSS JOIN cases c USING (ref)
		WHERE t.state = 'sending' ORDER BY t.opened, t.ref`)
}

// Systems names the ticket systems of the tickets that are neither closed nor cancelled.
func (r *reader) Systems(ctx context.Context) ([]string, error) {
	return all(ctx, r, "read whose tickets there are", func(row row) (name string, err error) {
		err = row.Scan(&name)
		return name, err
	}, `SELECT DISTINCT system FROM tickets WHERE live = 1 AND system <> '' AND state NOT IN ('closed', 'cancelled') ORDER BY system`)
}

// Unrouted gives at most limit cases of which nobody has decided to which ticket system they
// go and that are not held, closed or cancelled, unless there are wishes; oldest first.
func (r *reader) Unrouted(ctx context.Context, limit int) ([]city.CaseTicket, error) {
	return r.queryCases(ctx, `SELECT `+caseColumns+` FROM tickets t CROSS JOIN cases c USING (ref)
		WHERE t.system = '' AND (t.due = 0 OR t.state NOT IN ('held', 'closed', 'cancelled')) ORDER BY t.opened, t.ref LIMIT ?`, limit)
}

// Watched gives at most limit cases whose tickets a ticket system has and that it was not
// asked for since a time, those asked for longest ago first.
func (r *reader) Watched(ctx context.Context, system string, before time.Time, limit int) ([]city.CaseTicket, error) {
	return r.queryCases(ctx, `SELECT `+caseColumns+` FROM tickets t CROSS JOIN cases c USING (ref)
		WHERE t.system = ? AND t.checked < ? AND t.external_id <> '' AND t.state IN ('open', 'acknowledged', 'closing', 'cleared')
		ORDER BY t.checked, t.ref LIMIT ?`, system, before.UnixNano(), limit)
}

// Unacknowledged gives at most limit wanted cases opened before a time whose tickets nobody
// looks after, and of which the lead was not told, oldest first: those after a ref, from the
// oldest on where that is "" or unknown.
func (r *reader) Unacknowledged(ctx context.Context, system string, before time.Time, after string, limit int) ([]city.CaseTicket, error) {
	return r.queryCases(ctx, `SELECT `+caseColumns+` FROM tickets t CROSS JOIN cases c USING (ref)
		WHERE t.system = ? AND t.state = 'open' AND t.escalated IS NULL AND t.opened < ? AND c.closed IS NULL
			AND (t.opened, t.ref) > (coalesce((SELECT opened FROM tickets WHERE ref = ?), 0), ?)
		ORDER BY t.opened, t.ref LIMIT ?`, system, before.UnixNano(), after, after, limit)
}

// Earlier gives the last case of the same rule at the same asset or group that was over
// before a case began. One whose ticket was never sent does not count.
func (r *reader) Earlier(ctx context.Context, ref string) (city.CaseTicket, bool, error) {
	all, err := r.queryCases(ctx, `SELECT `+caseColumns+` FROM cases now JOIN cases c USING (asset, group_name, rule) JOIN tickets t ON t.ref = c.ref
		WHERE now.ref = ? AND c.ref <> now.ref AND c.closed <= now.opened AND t.state <> 'cancelled'
		ORDER BY c.opened DESC, c.closed DESC, c.ref LIMIT 1`, ref)
	if err != nil || len(all) == 0 {
		return city.CaseTicket{}, false, err
	}
	return all[0], true, nil
}
