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
	guesses    []guess // by place
	kindText   string  // what was read last
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
		var ok bool
		if number[i], text, ok = integer(text); !ok {
			return 0, fmt.Errorf("has no whole number in column %d", i+1)
		}
	}
	var column [5]string
	for i := range column {
		end := strings.IndexByte(text, '\x1f')
		if end < 0 {
			end = len(text)
		}
		column[i], text = text[:end], text[min(end+1, len(text)):]
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

// integer reads the whole number that a column is, and gives what follows it.
func integer(text string) (n int64, rest string, ok bool) {
	at, negative := 0, strings.HasPrefix(text, "-")
	if negative {
		at = 1
	}
	for begun := at; at < len(text); at++ {
		c := text[at]
		if c == '\x1f' {
			if negative {
				n = -n
			}
			return n, text[at+1:], at > begun
		}
		if c < '0' || c > '9' || at-begun > 18 { // of SQLite's own making, so within 64 bits
			return 0, text, false
		}
		n = n*10 + int64(c-'0')
	}
	return 0, text, false
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
	for at := 0; rest != "}"; at++ {
		rest = strings.TrimPrefix(rest, ",")
		if rest, ok = strings.CutPrefix(rest, `"`); !ok {
			return to, fmt.Errorf("measured values %.80q are no JSON object of numbers", text)
		}
		name, digits, ok := strings.Cut(rest, `":`)
		end := strings.IndexByte(digits, ',')
		if end < 0 {
			end = len(digits) - 1
			ok = ok && strings.HasSuffix(digits, "}")
		}
		if !ok {
			return to, fmt.Errorf("measured values %.80q are no JSON object of numbers", text)
		}
		digits, rest = digits[:end], digits[end:]
		n, short := decimal(digits)
		if !short {
			var err error
			if n, err = strconv.ParseFloat(digits, 64); err != nil {
				return to, fmt.Errorf("measured values %.80q: %w", text, err)
			}
		}
		if q, known := a.quantity(at, name); known {
			to = append(to, city.Value{Quantity: q, Number: n})
		}
	}
	return to, nil
}

// quantity finds a quantity by its name. Mostly it is the one that stood at the same place in
// the reading before.
func (a *arrivals) quantity(at int, name string) (city.Quantity, bool) {
	if at < len(a.guesses) && a.guesses[at].name == name {
		return a.guesses[at].quantity, true
	}
	q, known := a.quantities[name]
	if known {
		for len(a.guesses) <= at && at < maxGuesses {
			a.guesses = append(a.guesses, guess{})
		}
		if at < maxGuesses {
			a.guesses[at] = guess{q.String(), q}
		}
	}
	return q, known
}

// guess is which quantity a place in a reading had.
type guess struct {
	name     string
	quantity city.Quantity
}

// maxGuesses bounds the places that are remembered: few readings have more values.
const maxGuesses = 16

// decimal reads a number like -12.75, which is what nearly all are, exactly as strconv does:
// both its digits and the power of ten are whole in a float64. False: not one of those.
func decimal(text string) (float64, bool) {
	digits, negative := strings.CutPrefix(text, "-")
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	whole, point := 0, -1
	for i := range len(digits) {
		c := digits[i]
		switch {
		case c >= '0' && c <= '9':
			whole = whole*10 + int(c-'0')
		case c == '.' && point < 0 && i > 0 && i < len(digits)-1:
			point = i
		default:
			return 0, false
		}
	}
	n := float64(whole)
	if point >= 0 {
		n /= tens[len(digits)-1-point]
	}
	if negative {
		n = -n
	}
	return n, true
}

var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14}
