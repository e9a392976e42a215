package sqlite

import (
	"context"

	"meldefunk/city"
)

// Case gives the case of a reference with its ticket; false: there is none.
func (r *reader) Case(ctx context.Context, ref string) (city.CaseTicket, bool, error) {
	all, err := r.queryCases(ctx, `SELECT `+caseColumns+` FROM cases c JOIN tickets t USING (ref) WHERE c.ref = ?`, ref)
	if err != nil || len(all) == 0 {
		return city.CaseTicket{}, false, err
	}
	return all[0], true, nil
}
