package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"meldefunk/city"
)

// appendHeard writes receptions as JSON: [["7076ff0056000001",-60,-5.5], ...].
func appendHeard(b []byte, heard []city.Reception) ([]byte, error) {
	var err error
	b = append(b, '[')
	for i := range heard {
		h := &heard[i]
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = jsontext.AppendQuote(append(b, '['), h.Gateway); err != nil {
			return b, fmt.Errorf("gateway %q: %w", h.Gateway, err)
		}
		b = strconv.AppendInt(append(b, ','), int64(h.RSSI), 10)
		b = strconv.AppendFloat(append(b, ','), float64(h.SNR), 'g', -1, 32)
		b = append(b, ']')
	}
	return append(b, ']'), nil
}

// parseHeard reads what appendHeard wrote; NULL is none.
func parseHeard(s sql.NullString) ([]city.Reception, error) {
	if !s.Valid {
		return nil, nil
	}
	var all [][3]json.RawMessage
	if err := json.Unmarshal([]byte(s.String), &all); err != nil {
		return nil, fmt.Errorf("receptions %.80q: %w", s.String, err)
	}
	heard := make([]city.Reception, len(all))
	for i := range all {
		h := &heard[i]
		for j, into := range []any{&h.Gateway, &h.RSSI, &h.SNR} {
			if err := json.Unmarshal(all[i][j], into); err != nil {
				return nil, fmt.Errorf("receptions %.80q: %w", s.String, err)
			}
		}
	}
	return heard, nil
}

// appendFormer writes times as a JSON array of nanoseconds.
func appendFormer(b []byte, former []time.Time) []byte {
	b = append(b, '[')
	for i, t := range former {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, t.UnixNano(), 10)
	}
	return append(b, ']')
}

// parseFormer reads what appendFormer wrote; NULL is none.
func parseFormer(s sql.NullString) ([]time.Time, error) {
	if !s.Valid {
		return nil, nil
	}
	var all []int64
	if err := json.Unmarshal([]byte(s.String), &all); err != nil {
		return nil, fmt.Errorf("former times %.80q: %w", s.String, err)
	}
	former := make([]time.Time, len(all))
	for i, n := range all {
		former[i] = time.Unix(0, n).UTC()
	}
	return former, nil
}

// Heard gives how a stored frame was heard, all else left zero, and whether it is stored.
func (s *Store) Heard(ctx context.Context, frame int64) (city.Uplink, bool, error) {
	var u city.Uplink
	var heard sql.NullString
	r := &u.Radio
	err := s.read.QueryRowContext(ctx, `SELECT frequency, gateway, rssi, snr, sf, gateways, heard FROM frames WHERE id = ?`, frame).
		Scan(&r.Frequency, &r.Gateway, &r.RSSI, &r.SNR, &r.SpreadingFactor, &r.Gateways, &heard)
	if errors.Is(err, sql.ErrNoRows) {
		return u, false, nil
	}
	if err == nil {
		u.Heard, err = parseHeard(heard)
	}
	if err != nil {
		return u, false, fmt.Errorf("receptions of frame %d: %w", frame, err)
	}
	return u, true, nil
}
