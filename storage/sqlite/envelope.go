package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// envelope is how a city.Envelope is kept: as a JSON object.
type envelope struct {
	KEKLabel string          `json:"kek_label"`
	Wrapped  []byte          `json:"wrapped"`  // base64
	DevAddr  lorawan.DevAddr `json:"dev_addr"` // hex digits
}

// sealed gives the column of an envelope; none is NULL.
func sealed(e *city.Envelope) (any, error) {
	if e == nil {
		return nil, nil
	}
	b, err := json.Marshal(envelope{e.KEKLabel, e.Wrapped, e.DevAddr})
	if err != nil {
		return nil, fmt.Errorf("keep the envelope of %.60q: %w", e.KEKLabel, err)
	}
	return string(b), nil
}

// unsealed reads what sealed wrote.
func unsealed(column sql.NullString) (*city.Envelope, error) {
	if !column.Valid {
		return nil, nil
	}
	var e envelope
	if err := json.Unmarshal([]byte(column.String), &e); err != nil {
		return nil, fmt.Errorf("envelope %.80q: %w", column.String, err)
	}
	return &city.Envelope{KEKLabel: e.KEKLabel, Wrapped: e.Wrapped, DevAddr: e.DevAddr}, nil
}
