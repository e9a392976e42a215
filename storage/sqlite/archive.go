package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"meldefunk/city"
)

// FramesOf gives a device's stored frames with numbers above after, in order, at most
// limit.
func (s *Store) FramesOf(ctx context.Context, devEUI city.EUI, after int64, limit int) ([]city.Frame, error) {
	// The device's frames are found by the unique key, then put in order.
	rows, err := s.read.QueryContext(ctx, `SELECT id, epoch, fcnt, fport, payload, fate, time, time_source, received, ident, hash,
		server, session, flags, frequency, gateway, rssi, snr, sf, gateways
		FROM frames INDEXED BY frames_key WHERE dev_eui = ? AND id > ? ORDER BY id LIMIT ?`, devEUI.String(), after, limit)
	if err != nil {
		return nil, fmt.Errorf("frames of %s: %w", devEUI, err)
	}
	defer rows.Close()
	var frames []city.Frame
	for rows.Next() {
		f, err := scanFrame(rows)
		if err != nil {
			return nil, fmt.Errorf("frames of %s: %w", devEUI, err)
		}
		f.Uplink.DevEUI = devEUI
		frames = append(frames, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("frames of %s: %w", devEUI, err)
	}
	return frames, nil
}

func scanFrame(rows *sql.Rows) (city.Frame, error) {
	var f city.Frame
	u := &f.Uplink
	var fate, source string
	var at, received, ident, hash int64
	var flags int
	err := rows.Scan(&f.ID, &f.Epoch, &u.FCnt, &u.FPort, &u.Payload, &fate, &at, &source, &received, &ident, &hash,
		&u.Server, &u.Session, &flags, &u.Radio.Frequency, &u.Radio.Gateway, &u.Radio.RSSI, &u.Radio.SNR, &u.Radio.SpreadingFactor, &u.Radio.Gateways)
	if err != nil {
		return f, err
	}
	u.Time = city.Stamp{At: time.Unix(0, at).UTC(), Source: parseTimeSource(source)}
	u.Received, u.Ident, f.Hash = time.Unix(0, received).UTC(), uint64(ident), uint64(hash)
	u.Confirmed, u.Simulated, u.Encrypted = flags&frameConfirmed != 0, flags&frameSimulated != 0, flags&frameEncrypted != 0
	f.Fate, err = city.ParseFate(fate)
	return f, err
}

// ReadingOf finds the reading that a frame became at an asset, by their common time.
func (s *Store) ReadingOf(ctx context.Context, asset string, f *city.Frame) (city.Reading, bool, error) {
	u := &f.Uplink
	found, err := s.queryReadings(ctx, `SELECT `+readingColumns+` FROM readings r
		WHERE r.asset = ? AND r.time = ? AND r.dev_eui = ? AND r.epoch = ? AND r.fcnt = ?`,
		asset, u.Time.At.UnixNano(), u.DevEUI.String(), f.Epoch, u.FCnt)
	if err != nil || len(found) == 0 {
		return city.Reading{}, false, err
	}
	return found[0], true, nil
}

// Series gives an asset's readings after an event time, in order of event time, at most
// limit.
func (s *Store) Series(ctx context.Context, asset string, after time.Time, limit int) ([]city.Reading, error) {
	at := int64(-1 << 63)
	if !after.IsZero() {
		at = after.UnixNano()
	}
	return s.queryReadings(ctx, `SELECT `+readingColumns+` FROM readings r WHERE r.asset = ? AND r.time > ? ORDER BY r.time LIMIT ?`, asset, at, limit)
}
