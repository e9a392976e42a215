package sqlite

import (
	"database/sql"
	"errors"
)

// maxGateways bounds the names of gateways that are kept, and so the memory for them: a city
// hears a few hundred. Of a reading that came through another one the frame tells the name,
// as long as it is kept.
const maxGateways = 50_000

// gateway gives the number of a gateway's name, a new one to a name that is new; NULL: none was
// told, or there are too many. Readings keep the number, which takes two bytes instead of 17.
func (w *writer) gateway(st *statements, name string) any {
	if name == "" || w.err != nil {
		return nil
	}
	if id, known := w.gateways[name]; known {
		return id
	}
	var id int64
	err := st.gateway.QueryRowContext(w.ctx, name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		if err = st.newGateway.QueryRowContext(w.ctx, name, maxGateways).Scan(&id); errors.Is(err, sql.ErrNoRows) {
			return nil
		}
	}
	if err != nil {
		w.err = err
		return nil
	}
	w.gateways[name] = id
	return id
}
