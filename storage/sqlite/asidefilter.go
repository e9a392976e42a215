package sqlite

import (
	"encoding/json"
	"fmt"
	"strings"

	"meldefunk/city"
)

// asideWhere spells a filter as a condition on the table aside. Lists go in as JSON, so
// that their length is no matter of the query's text.
func asideWhere(f *city.AsideFilter) (string, []any, error) {
	where, args := []string{"1"}, []any{}
	add := func(condition string, arg any) { where, args = append(where, condition), append(args, arg) }
	list := func(column string, values any) error {
		b, err := json.Marshal(values)
		if err != nil {
			return fmt.Errorf("filter by %s: %w", column, err)
		}
		add(column+" IN (SELECT value FROM json_each(?))", string(b))
		return nil
	}
	if len(f.Keys) > 0 {
		keys := make([]int64, len(f.Keys))
		for i, k := range f.Keys {
			keys[i] = int64(k)
		}
		if err := list("key", keys); err != nil {
			return "", nil, err
		}
	}
	if len(f.Reasons) > 0 {
		if err := list("reason", f.Reasons); err != nil {
			return "", nil, err
		}
	}
	if f.Server != "" {
		add("server = ?", f.Server)
	}
	if !f.DevEUI.IsZero() {
		add("dev_eui = ?", f.DevEUI.String())
	}
	if !f.From.IsZero() {
		add("last_seen >= ?", f.From.UnixNano())
	}
	if !f.To.IsZero() {
		add("last_seen < ?", f.To.UnixNano())
	}
	return strings.Join(where, " AND "), args, nil
}
