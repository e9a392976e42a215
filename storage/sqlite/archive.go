package sqlite

import (
	"context"
	"database/sql"
	"math"
	"time"

	"meldefunk/city"
)

// frameColumns are what scanFrame reads.
const frameColumns = `id, epoch, fcnt, fport, payload, fate, time, time_source, received, ident, hash,
	server, session, flags, frequency, gateway, rssi, snr, sf, gateways, envelope, claim, heard`

// FramesOf gives a device's stored frames with numbers above after, in order, at most
// limit.
func (s *Store) FramesOf(ctx context.Context, devEUI city.EUI, after int64, limit int) ([]city.Frame, error) {
	// The device's frames are found by the unique key, then put in order.
	return all(ctx, &s.reader, "frames of "+devEUI.String(), func(row row) (city.Frame, error) {
		f, err := scanFrame(row)
		f.Uplink.DevEUI = devEUI
		return f, err
	}, `SELECT `+frameColumns+` FROM frames INDEXED BY frames_key WHERE dev_eui = ? AND id > ? ORDER BY id LIMIT ?`, devEUI.String(), after, limit)
}

func scanFrame(row row) (city.Frame, error) {
	var f city.Frame
	u := &f.Uplink
	var fate, source string
	var at, received, ident, hash int64
	var flags int
	var envelope, heard sql.NullString
	var claim sql.NullInt64
	err := row.Scan(&f.ID, &f.Epoch, &u.FCnt, &u.FPort, &u.Payload, &fate, &at, &source, &received, &ident, &hash,
		&u.Server, &u.Session, &flags, &u.Radio.Frequency, &u.Radio.Gateway, &u.Radio.RSSI, &u.Radio.SNR, &u.Radio.SpreadingFactor, &u.Radio.Gateways, &envelope, &claim, &heard)
	if err != nil {
		return f, err
	}
	if u.Time, err = stamp(at, source); err != nil {
		return f, err
	}
	if u.Heard, err = parseHeard(heard); err != nil {
		return f, err
	}
	f.Claim, f.Conflict = fromNanos(claim), flags&frameConflict != 0
	u.Received, u.Ident, f.Hash = time.Unix(0, received).UTC(), uint64(ident), uint64(hash)
	u.Confirmed, u.Simulated, u.Encrypted = flags&frameConfirmed != 0, flags&frameSimulated != 0, flags&frameEncrypted != 0
	if u.Envelope, err = unsealed(envelope); err != nil {
		return f, err
	}
	f.Fate, err = city.ParseFate(fate)
	return f, err
}

// DevicesRead lists, by asset, the devices that readings of it are of.
func (r *reader) DevicesRead(ctx context.Context) (map[string][]city.EUI, error) {
	found := map[string][]city.EUI{}
	return found, r.each(ctx, "devices that were read", func(row row) error {
		var asset, dev string
		if err := row.Scan(&asset, &dev); err != nil {
			return err
		}
		devEUI, err := city.ParseEUI(dev)
		found[asset] = append(found[asset], devEUI)
		return err
	}, `SELECT DISTINCT asset, dev_eui FROM readings`)
}

// ReadingsAt gives a device's readings at an asset at an event time: at most one, unless a
// record from its memory has the very time of another frame.
func (s *Store) ReadingsAt(ctx context.Context, asset string, devEUI city.EUI, at time.Time) ([]city.Reading, error) {
	return s.queryReadings(ctx, `SELECT `+readingColumns+` FROM readings r
		WHERE r.asset = ? AND r.time = ? AND r.dev_eui = ? ORDER BY r.id`, asset, at.UnixNano(), devEUI.String())
}

// Series gives an asset's readings after one of them, nil: from the first, in order of
// event time and number, at most limit.
func (s *Store) Series(ctx context.Context, asset string, after *city.Reading, limit int) ([]city.Reading, error) {
	at, id := int64(math.MinInt64), int64(0)
	if after != nil {
		at, id = after.Time.At.UnixNano(), after.ID
	}
	return s.queryReadings(ctx, `SELECT `+readingColumns+` FROM readings r
		WHERE r.asset = ? AND (r.time, r.id) > (?, ?) ORDER BY r.time, r.id LIMIT ?`, asset, at, id, limit)
}
