package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"meldefunk/city"
)

// Tickets gives cases with their tickets as a filter chooses them, the newest cases first.
func (r *reader) Tickets(ctx context.Context, f city.TicketFilter) ([]city.CaseTicket, error) {
	if f.Limit <= 0 {
		return nil, errors.New("list tickets: a limit is missing")
	}
	where := []string{"TRUE"}
	var args []any
	is := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if f.Open {
		is("t.live = 1")
	}
	if len(f.States) > 0 {
		is("t.state IN (SELECT value FROM json_each(?))", list(f.States))
	}
	if f.System != "" {
		is("t.system = ?", f.System)
	}
	if f.Service != "" {
		is("c.service = ?", f.Service)
	}
	if f.Rule != "" {
		is("c.rule = ?", f.Rule)
	}
	if f.Asset != "" {
		is("(c.asset, c.group_name) IN (VALUES (?, ''), ('', ?))", f.Asset, f.Asset)
	}
	if f.Assets != nil {
		is("c.asset IN (SELECT value FROM json_each(?))", list(f.Assets))
	}
	if f.Text != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(f.Text) + "%"
		is(`(c.ref LIKE ? ESCAPE '\' OR t.external_id LIKE ? ESCAPE '\' OR c.title LIKE ? ESCAPE '\' OR c.asset LIKE ? ESCAPE '\' OR c.group_name LIKE ? ESCAPE '\')`,
			like, like, like, like, like)
	}
	if f.After != "" {
		is("(t.opened, t.ref) < (SELECT opened, ref FROM tickets WHERE ref = ?)", f.After)
	}
	from, order := along(&f)
	if from == alongLive && !f.Open {
		is("t.live = 1") // follows from the states
	}
	// Which ones it are is found out first: their rows are much longer.
	return r.queryCases(ctx, `WITH chosen AS (SELECT t.ref FROM `+from+` WHERE `+strings.Join(where, " AND ")+` ORDER BY `+order+` LIMIT ?)
		SELECT `+caseColumns+` FROM chosen CROSS JOIN tickets t USING (ref) CROSS JOIN cases c USING (ref) ORDER BY t.opened DESC, t.ref DESC`,
		append(args, f.Limit)...)
}

const alongLive = `tickets t INDEXED BY tickets_live CROSS JOIN cases c USING (ref)`

// along says which way to walk, so that no more is looked at than needed. The store keeps no
// statistics; without them SQLite would sort 100,000 cases of a service to give the newest 50.
func along(f *city.TicketFilter) (from, order string) {
	const byTicket, byCase = `t.opened DESC, t.ref DESC`, `c.opened DESC, c.ref DESC`
	ended := func(s city.TicketState) bool { return s == city.TicketClosed || s == city.TicketCancelled }
	switch {
	case f.Asset != "" || f.Assets != nil:
		return `cases c INDEXED BY cases_matter CROSS JOIN tickets t USING (ref)`, byTicket
	case f.Open || len(f.States) > 0 && !slices.ContainsFunc(f.States, ended):
		return alongLive, byTicket
	case f.Service != "":
		return `cases c INDEXED BY cases_service CROSS JOIN tickets t USING (ref)`, byCase
	case f.Rule != "":
		return `cases c INDEXED BY cases_rule CROSS JOIN tickets t USING (ref)`, byCase
	}
	return `tickets t INDEXED BY tickets_opened CROSS JOIN cases c USING (ref)`, byTicket
}

// list is a list for json_each.
func list[S ~string](all []S) string {
	b, _ := json.Marshal(all) // strings cannot fail
	return string(b)
}
