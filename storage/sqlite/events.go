package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"meldefunk/city"
)

// What is written of device events. The same one counts when it is told of a later time, so
// that a redelivery, which is of the same, changes nothing. Of status and position only the
// newest counts, whatever came last.
const (
	insertEvent = `INSERT INTO device_events (dev_eui, ident, at, server, kind, severity, code, detail, count, status, position)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)
		ON CONFLICT DO UPDATE SET count = count + (excluded.at > at), at = max(at, excluded.at)`
	trimEvents = `DELETE FROM device_events WHERE dev_eui = ?1 AND (at, ident) <
		(SELECT at, ident FROM device_events WHERE dev_eui = ?1 ORDER BY at DESC, ident DESC LIMIT 1 OFFSET ?2)`
	upsertStatus = `INSERT INTO device_news (dev_eui, status, status_at, located_at) VALUES (?, ?, ?, 0)
		ON CONFLICT DO UPDATE SET status = excluded.status, status_at = excluded.status_at WHERE excluded.status_at >= status_at`
	upsertPosition = `INSERT INTO device_news (dev_eui, position, located_at, status_at) VALUES (?, ?, ?, 0)
		ON CONFLICT DO UPDATE SET position = excluded.position, located_at = excluded.located_at WHERE excluded.located_at >= located_at`
)

// events writes what was told of devices, and lets go of what is more than the newest of
// each.
func (w *writer) events(st *statements, events []city.DeviceEvent) {
	for i := range events {
		e := &events[i]
		dev, at := e.DevEUI.String(), e.At.UnixNano()
		status, position := w.jsonOf(e.Status != nil, e.Status), w.jsonOf(e.Position != nil, e.Position)
		w.exec(st.event, dev, int64(e.Ident), at, e.Server, string(e.Kind), e.Severity.String(), e.Code, e.Detail, status, position)
		if e.Status != nil {
			w.exec(st.status, dev, status, at)
		}
		if e.Position != nil {
			w.exec(st.located, dev, position, at)
		}
	}
	trimmed := map[city.EUI]bool{}
	for i := range events {
		if dev := events[i].DevEUI; !trimmed[dev] {
			trimmed[dev] = true
			w.exec(st.eventsEnd, dev.String(), city.MaxDeviceEvents-1)
		}
	}
}

// jsonOf gives v as JSON, nil where there is none.
func (w *writer) jsonOf(there bool, v any) any {
	if !there {
		return nil
	}
	return w.json(v)
}

// DeviceNews gives what is known of a device beside its readings, with up to limit events,
// newest first. Of a device that nothing was told of it is empty.
func (r *reader) DeviceNews(ctx context.Context, devEUI city.EUI, limit int) (city.DeviceNews, error) {
	n, err := r.newest(ctx, devEUI)
	if err != nil {
		return n, fmt.Errorf("read the status of %s: %w", devEUI, err)
	}
	n.Events, err = all(ctx, r, "read the events of "+devEUI.String(), func(row row) (city.DeviceEvent, error) {
		e, err := scanEvent(row)
		e.DevEUI = devEUI
		return e, err
	}, `SELECT ident, at, server, kind, severity, code, detail, count, status, position
		FROM device_events WHERE dev_eui = ? ORDER BY at DESC, ident DESC LIMIT ?`, devEUI.String(), limit)
	return n, err
}

func (r *reader) newest(ctx context.Context, devEUI city.EUI) (city.DeviceNews, error) {
	var n city.DeviceNews
	var status, position sql.NullString
	var statusAt, locatedAt int64
	err := r.read.QueryRowContext(ctx, `SELECT status, status_at, position, located_at FROM device_news WHERE dev_eui = ?`, devEUI.String()).
		Scan(&status, &statusAt, &position, &locatedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	if status.Valid {
		n.StatusAt = time.Unix(0, statusAt).UTC()
	}
	if position.Valid {
		n.LocatedAt = time.Unix(0, locatedAt).UTC()
	}
	return n, errors.Join(fromJSON(status, &n.Status), fromJSON(position, &n.Position))
}

func scanEvent(row row) (city.DeviceEvent, error) {
	var e city.DeviceEvent
	var ident, at int64
	var severity string
	var status, position sql.NullString
	if err := row.Scan(&ident, &at, &e.Server, &e.Kind, &severity, &e.Code, &e.Detail, &e.Count, &status, &position); err != nil {
		return e, err
	}
	e.Ident, e.At = uint64(ident), time.Unix(0, at).UTC()
	var err error
	e.Severity, err = city.ParseSeverity(severity)
	return e, errors.Join(err, fromJSON(status, &e.Status), fromJSON(position, &e.Position))
}

// fromJSON reads what jsonOf has written; NULL leaves v as it is.
func fromJSON(text sql.NullString, v any) error {
	if !text.Valid {
		return nil
	}
	return json.Unmarshal([]byte(text.String), v)
}

func (e *eraser) pruneEvents(ctx context.Context, before time.Time) (int64, error) {
	if before.IsZero() {
		return 0, nil
	}
	return e.deleteAll(ctx, `DELETE FROM device_events WHERE (dev_eui, ident) IN
		(SELECT dev_eui, ident FROM device_events WHERE at < ? LIMIT ?)`, before.UnixNano())
}
