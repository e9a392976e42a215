package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// Span chooses readings by when they arrived.
type Span struct {
	From, To time.Time // To itself is not in it
	Asset    string    // "": every asset
	Gateways bool      // also tell which gateway heard best, which takes longer
}

// Arrivals gives the readings of a span in the order of arrival, so many at a time, and how
// many of all there are in it have been given, roughly, from 0 to 1. Of each reading there is
// what rules look at: no tail, no raw fields, no former times, no model. They are do's until
// it returns. Simulated readings are not among them.
func (r *reader) Arrivals(ctx context.Context, s Span, size int, do func(page []city.Reading, done float64) error) error {
	first, err := r.arrivedBy(ctx, s.From)
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	end, err := r.arrivedBy(ctx, s.To)
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	conn, err := r.read.Conn(ctx)
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	err = conn.Raw(func(raw any) error {
		a := arrivals{first: first, end: end, gateways: s.Gateways, do: do, page: make([]city.Reading, 0, size),
			values: make([]city.Value, 0, 8*size), names: make(map[string]string), quantities: make(map[string]city.Quantity)}
		for _, q := range city.Quantities() {
			a.quantities[q.String()] = q
		}
		return a.run(ctx, raw.(driver.Conn), s)
	})
	if err = errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	return nil
}

// arrivedBy finds the number of the first reading that arrived at a time or later. Numbers
// rise with arrival, but for what several lanes did at the same time: whoever asks has to
// look at received as well.
func (r *reader) arrivedBy(ctx context.Context, at time.Time) (int64, error) {
	var low, high sql.NullInt64
	if err := r.read.QueryRowContext(ctx, `SELECT (SELECT min(id) FROM readings), (SELECT max(id) FROM readings)`).Scan(&low, &high); err != nil {
		return 0, err
	}
	from, to := low.Int64, high.Int64+1
	for from < to {
		middle := from + (to-from)/2
		var id, received int64
		err := r.read.QueryRowContext(ctx, `SELECT id, received FROM readings WHERE id >= ? ORDER BY id LIMIT 1`, middle).Scan(&id, &received)
		switch {
		case errors.Is(err, sql.ErrNoRows) || err == nil && received >= at.UnixNano():
			to = middle
		case err != nil:
			return 0, err
		default:
			from = id + 1
		}
	}
	return from, nil
}

// slack is how far the numbers of readings may be away from the order of their arrival.
const slack = 100_000

// arrivals is a pass over history.
//
// A row is fetched as one text: the driver asks for the type of every column of every row,
// and that takes three times as long as the query itself. The query is run on the driver's own
// connection, because database/sql would copy each row once more.
type arrivals struct {
	first, end int64
	gateways   bool
	do         func([]city.Reading, float64) error
	page       []city.Reading
	values     []city.Value
	names      map[string]string // one string for each name, and not one for each reading
	quantities map[string]city.Quantity
	kindText   string // what was read last
	kindLast   city.Kind
}

func (a *arrivals) run(ctx context.Context, conn driver.Conn, s Span) (err error) {
	table, gateway := "readings r", ""
	if s.Asset == "" {
		table += " NOT INDEXED"
	}
	if s.Gateways {
		table += " LEFT JOIN frames f ON f.dev_eui = r.dev_eui AND f.epoch = r.epoch AND f.fcnt = r.fcnt"
		gateway = ", f.gateway"
	}
	query := `SELECT concat_ws(char(31), r.id, r.time, r.received - r.time, r.epoch, r.fcnt, r.flags, r.dev_eui, r.kind, r.faults, r.measured, r.asset` + gateway + `)
		FROM ` + table + ` WHERE r.id >= ?1 AND r.id < ?2 AND r.received >= ?3 AND r.received < ?4 AND r.flags & ?5 = 0`
	args := []driver.NamedValue{{Ordinal: 1, Value: a.first - slack}, {Ordinal: 2, Value: a.end + slack},
		{Ordinal: 3, Value: s.From.UnixNano()}, {Ordinal: 4, Value: s.To.UnixNano()}, {Ordinal: 5, Value: int64(readingSimulated)}}
	if s.Asset != "" {
		query += ` AND r.asset = ?6`
		args = append(args, driver.NamedValue{Ordinal: 6, Value: s.Asset})
	}
	// Whoever reads breaks off at a page: a context that can be cancelled costs at every row.
	rows, err := conn.(driver.QueryerContext).QueryContext(context.WithoutCancel(ctx), query+` ORDER BY r.id`, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, 1)
	var last int64
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			if len(a.page) == 0 {
				return nil
			}
			return a.do(a.page, 1)
		case err != nil:
			return err
		}
		text, _ := row[0].(string)
		if last, err = a.read(text); err != nil {
			return fmt.Errorf("reading %.40q: %w", text, err)
		}
		if len(a.page) == cap(a.page) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := a.do(a.page, float64(last-a.first)/float64(max(a.end-a.first, 1))); err != nil {
				return err
			}
			a.page, a.values = a.page[:0], a.values[:0]
		}
	}
}

// read reads a row into the page and gives its number.
func (a *arrivals) read(text string) (int64, error) {
	var number [6]int64
	for i := range number {
		digits, rest, ok := strings.Cut(text, "\x1f")
		n, err := strconv.ParseInt(digits, 10, 64)
		if !ok || err != nil {
			return 0, errors.Join(errors.New("has too few columns"), err)
		}
		number[i], text = n, rest
	}
	var column [5]string
	for i := range column {
		column[i], text, _ = strings.Cut(text, "\x1f")
	}
	dev, kind, faults, measured, asset, gateway := column[0], column[1], column[2], column[3], column[4], text
	a.page = append(a.page, city.Reading{ID: number[0], Time: city.Stamp{At: time.Unix(0, number[1]).UTC()}, Received: time.Unix(0, number[1]+number[2]).UTC(),
		Epoch: uint32(number[3]), FCnt: uint32(number[4]), Late: number[5]&readingLate != 0, Conflict: number[5]&readingConflict != 0,
		Asset: a.name(asset), Radio: city.Radio{Gateway: a.name(gateway)}})
	r := &a.page[len(a.page)-1]
	if _, err := hex.Decode(r.DevEUI[:], []byte(dev)); err != nil || len(dev) != 2*len(r.DevEUI) {
		return 0, fmt.Errorf("DevEUI %.40q", dev)
	}
	var err error
	if r.Kind, err = a.kind(kind); err != nil {
		return 0, err
	}
	r.Faults = splitFaults(faults)
	begun := len(a.values)
	if a.values, err = a.appendValues(a.values, measured); err != nil {
		return 0, err
	}
	r.Values = a.values[begun:len(a.values):len(a.values)]
	return r.ID, nil
}

// name gives the one string of a name.
func (a *arrivals) name(text string) string {
	if text == "" {
		return ""
	}
	one, ok := a.names[text]
	if !ok {
		one = strings.Clone(text)
		a.names[one] = one
	}
	return one
}

func (a *arrivals) kind(text string) (city.Kind, error) {
	if text == a.kindText {
		return a.kindLast, nil
	}
	k, err := city.ParseKind(text)
	a.kindText, a.kindLast = strings.Clone(text), k
	return k, err
}

// appendValues reads what appendMeasured has written, without the detour of a map that JSON
// takes, which is slower by an order of magnitude.
func (a *arrivals) appendValues(to []city.Value, text string) ([]city.Value, error) {
	rest, ok := strings.CutPrefix(text, "{")
	if !ok {
		return to, fmt.Errorf("measured values %.80q are no JSON object", text)
	}
	for rest != "}" {
		var name, digits string
		rest = strings.TrimPrefix(rest, ",")
		rest, ok = strings.CutPrefix(rest, `"`)
		if ok {
			name, rest, ok = strings.Cut(rest, `":`)
		}
		end := strings.IndexAny(rest, ",}")
		if !ok || end < 0 {
			return to, fmt.Errorf("measured values %.80q are no JSON object of numbers", text)
		}
		digits, rest = rest[:end], rest[end:]
		q, known := a.quantities[name]
		n, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			return to, fmt.Errorf("measured values %.80q: %w", text, err)
		}
		if known {
			to = append(to, city.Value{Quantity: q, Number: n})
		}
	}
	return to, nil
}
