package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"meldefunk/city"
)

// LastFrame gives the newest stored frame of a device: the highest counter of its newest
// session. false: none is stored.
func (r *reader) LastFrame(ctx context.Context, devEUI city.EUI) (city.Frame, bool, error) {
	f, err := scanFrame(r.read.QueryRowContext(ctx, `SELECT `+frameColumns+` FROM frames WHERE dev_eui = ? ORDER BY epoch DESC, fcnt DESC LIMIT 1`, devEUI.String()))
	if errors.Is(err, sql.ErrNoRows) {
		return city.Frame{}, false, nil
	}
	if err != nil {
		return city.Frame{}, false, fmt.Errorf("newest frame of %s: %w", devEUI, err)
	}
	f.Uplink.DevEUI = devEUI
	return f, true, nil
}

// LastHeard gives when each device was heard last, of those of which a frame is stored. It
// steps from device to device by the frames' key.
func (r *reader) LastHeard(ctx context.Context) (map[city.EUI]time.Time, error) {
	heard := make(map[city.EUI]time.Time)
	err := r.each(ctx, "when devices were heard last", func(row row) error {
		var name string
		var received int64
		if err := row.Scan(&name, &received); err != nil {
			return err
		}
		devEUI, err := city.ParseEUI(name)
		heard[devEUI] = time.Unix(0, received).UTC()
		return err
	}, `WITH RECURSIVE device(eui) AS (
			SELECT min(dev_eui) FROM frames
			UNION ALL
			SELECT (SELECT min(dev_eui) FROM frames WHERE dev_eui > eui) FROM device WHERE eui IS NOT NULL)
		SELECT eui, (SELECT received FROM frames WHERE dev_eui = eui ORDER BY epoch DESC, fcnt DESC LIMIT 1)
		FROM device WHERE eui IS NOT NULL`)
	return heard, err
}
