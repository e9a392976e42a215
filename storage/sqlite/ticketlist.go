package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"meldefunk/city"
)

// Tickets gives cases with their tickets as a filter chooses them, the newest cases first.
func (r *reader) Tickets(ctx context.Context, f city.TicketFilter) ([]city.CaseTicket, error) {
	if f.Limit <= 0 {
		return nil, errors.New("list tickets: a limit is missing")
	}
	var where []string
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
		is("(c.asset = ? AND c.group_name = '' OR c.asset = '' AND c.group_name = ?)", f.Asset, f.Asset)
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
	query := `SELECT ` + caseColumns + ` FROM tickets t JOIN cases c USING (ref)`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, " AND ")
	}
	return r.queryCases(ctx, query+` ORDER BY t.opened DESC, t.ref DESC LIMIT ?`, append(args, f.Limit)...)
}

// list is a list for json_each.
func list[S ~string](all []S) string {
	b, _ := json.Marshal(all) // strings cannot fail
	return string(b)
}
