package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// Span chooses readings by when they arrived.
type Span struct {
	From, To time.Time // To itself is not in it
	Asset    string    // "": every asset
	Gateways bool      // also tell which gateway heard best
}

// Arrivals gives the readings of a span in the order of arrival, so many at a time, and how
// many of all there are in it have been given, roughly, from 0 to 1. Of each reading there is
// what rules look at: no tail, no raw fields, no former times, no model. They are do's until
// it returns. Simulated readings are not among them.
func (r *reader) Arrivals(ctx context.Context, s Span, size int, do func(page []city.Reading, done float64) error) error {
	tx, err := r.read.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	a := arrivals{tx: tx, span: s, from: s.From.UnixNano(), to: s.To.UnixNano(), do: do, page: make([]city.Reading, 0, size),
		values: make([]city.Value, 0, 8*size), names: make(map[string]string), quantities: make(map[string]city.Quantity)}
	for _, q := range city.Quantities() {
		a.quantities[q.String()] = q
	}
	if err = errors.Join(a.run(ctx), tx.Rollback()); err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	return nil
}

// arrivedBy finds the number of the first reading that arrived at a time or later. Numbers
// rise with arrival, but for what several lanes did at the same time: whoever asks has to
// look at received as well.
func (a *arrivals) arrivedBy(ctx context.Context, at time.Time) (int64, error) {
	var low, high sql.NullInt64
	if err := a.tx.QueryRowContext(ctx, `SELECT (SELECT min(id) FROM readings), (SELECT max(id) FROM readings)`).Scan(&low, &high); err != nil {
		return 0, err
	}
	from, to := low.Int64, high.Int64+1
	for from < to {
		middle := from + (to-from)/2
		var id, received int64
		err := a.tx.QueryRowContext(ctx, `SELECT id, received FROM readings WHERE id >= ? ORDER BY id LIMIT 1`, middle).Scan(&id, &received)
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
// Many rows are fetched as one text: to step from row to row, and to ask for the type and the
// value of each column, takes several times as long as the query itself.
type arrivals struct {
	tx         *sql.Tx
	span       Span
	from, to   int64 // of the span
	first, end int64 // numbers of the first reading in it, and of the first after it
	last       int64 // number of the last reading that was fetched

	do         func([]city.Reading, float64) error
	page       []city.Reading
	values     []city.Value
	names      map[string]string // one string for each name, and not one for each reading
	gateways   map[int64]string
	quantities map[string]city.Quantity
	guesses    []guess // by place
	kindText   string  // what was read last
	kindLast   city.Kind
}

// What stands between the columns of a text, and between its rows.
const (
	endOfColumn = 31
	endOfRow    = 30
)

// rowsFetched is how many rows are fetched as one text, of about 150 KB: with less, what it takes to
// begin a query shows (a quarter more CPU time with 64).
const rowsFetched = 1000

func (a *arrivals) run(ctx context.Context) (err error) {
	if a.first, err = a.arrivedBy(ctx, a.span.From); err != nil {
		return err
	}
	if a.end, err = a.arrivedBy(ctx, a.span.To); err != nil {
		return err
	}
	if err := a.nameGateways(ctx); err != nil {
		return err
	}
	a.last = a.first - slack - 1
	if a.span.Asset != "" {
		err = a.one(ctx)
	} else {
		err = a.all(ctx)
	}
	if err != nil || len(a.page) == 0 {
		return err
	}
	return a.do(a.page, 1)
}

// nameGateways reads which gateways the numbers stand for.
func (a *arrivals) nameGateways(ctx context.Context) error {
	if !a.span.Gateways {
		return nil
	}
	a.gateways = make(map[int64]string)
	rows, err := a.tx.QueryContext(ctx, `SELECT id, name FROM gateways`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var name string
		if err := rows.Scan(&id, &name); err != nil {
			return err
		}
		a.gateways[id] = name
	}
	return rows.Err()
}

// row spells the columns that read reads. A gateway without a number is that of the frame; its
// name is a stranger's, so it is told in digits.
func (a *arrivals) row() string {
	gateway := `''`
	if a.span.Gateways {
		gateway = `coalesce(r.gateway, (SELECT '=' || hex(f.gateway) FROM frames f WHERE f.dev_eui = r.dev_eui AND f.epoch = r.epoch AND f.fcnt = r.fcnt), '')`
	}
	return fmt.Sprintf(`concat_ws(char(%d), r.id, r.time, r.received - r.time, r.epoch, r.fcnt, r.flags, r.dev_eui, r.kind, r.faults, r.measured, r.asset, %s)`, endOfColumn, gateway)
}

// all reads the readings of all assets, by their numbers. Where hardly any is of the span SQLite
// picks them; where nearly all are, what it takes to ask is better spared.
func (a *arrivals) all(ctx context.Context) error {
	picked := fmt.Sprintf(` AND r.received >= %d AND r.received < %d`, a.from, a.to)
	if err := a.upTo(ctx, a.first, picked); err != nil {
		return err
	}
	if err := a.upTo(ctx, a.end, ""); err != nil {
		return err
	}
	return a.upTo(ctx, a.end+slack, picked)
}

// upTo reads on before a number.
func (a *arrivals) upTo(ctx context.Context, end int64, picked string) error {
	stmt, err := a.tx.PrepareContext(ctx, fmt.Sprintf(`SELECT group_concat(line, char(%d)) FROM
		(SELECT %s AS line FROM readings r NOT INDEXED WHERE r.id > ? AND r.id < ?%s ORDER BY r.id LIMIT ?)`, endOfRow, a.row(), picked))
	if err != nil {
		return err
	}
	defer stmt.Close()
	// Broken off at a page: a query that can be cancelled costs a goroutine.
	whole := context.WithoutCancel(ctx)
	for {
		var text sql.NullString
		if err := stmt.QueryRowContext(whole, a.last, end, rowsFetched).Scan(&text); err != nil {
			return err
		}
		if !text.Valid {
			a.last = max(a.last, end-1)
			return nil
		}
		if err := a.take(ctx, text.String); err != nil {
			return err
		}
	}
}

// one reads the readings of one asset, which have to be put in order first.
func (a *arrivals) one(ctx context.Context) error {
	// Likewise: here it costs at every row.
	rows, err := a.tx.QueryContext(context.WithoutCancel(ctx), `SELECT `+a.row()+` FROM readings r WHERE r.asset = ? AND r.id > ? AND r.id < ? ORDER BY r.id`,
		a.span.Asset, a.last, a.end+slack)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if err := a.take(ctx, text); err != nil {
			return err
		}
	}
	return rows.Err()
}

// take reads rows into the page, and gives each page that is full.
func (a *arrivals) take(ctx context.Context, text string) error {
	for text != "" {
		row := text
		end := strings.IndexByte(text, endOfRow)
		if end < 0 {
			text = ""
		} else {
			row, text = text[:end], text[end+1:]
		}
		if err := a.read(row); err != nil {
			return fmt.Errorf("reading %.40q: %w", row, err)
		}
		if len(a.page) == cap(a.page) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := a.do(a.page, min(1, max(0, float64(a.last-a.first)/float64(max(a.end-a.first, 1))))); err != nil {
				return err
			}
			a.page, a.values = a.page[:0], a.values[:0]
		}
	}
	return nil
}

// read reads a row into the page, if it is of the span.
func (a *arrivals) read(row string) error {
	var number [6]int64
	rest := row
	for i := range number {
		var ok bool
		if number[i], rest, ok = integer(rest); !ok {
			return fmt.Errorf("has no whole number in column %d", i+1)
		}
	}
	var column [6]string
	for i := range column {
		end := strings.IndexByte(rest, endOfColumn)
		if end < 0 {
			end = len(rest)
		}
		column[i], rest = rest[:end], rest[min(end+1, len(rest)):]
	}
	id, at, received, epoch, fcnt, flags := number[0], number[1], number[1]+number[2], number[3], number[4], number[5]
	dev, kind, faults, measured, asset, gateway := column[0], column[1], column[2], column[3], column[4], column[5]
	if id <= a.last { // SQLite does not promise the order in which it puts rows together
		return fmt.Errorf("comes after number %d", a.last)
	}
	a.last = id
	if received < a.from || received >= a.to || flags&readingSimulated != 0 {
		return nil
	}
	a.page = append(a.page, city.Reading{ID: id, Time: city.Stamp{At: time.Unix(0, at).UTC()}, Received: time.Unix(0, received).UTC(),
		Epoch: uint32(epoch), FCnt: uint32(fcnt), Late: flags&readingLate != 0, Conflict: flags&readingConflict != 0, Asset: a.name(asset)})
	r := &a.page[len(a.page)-1]
	if len(dev) != 2*len(r.DevEUI) {
		return fmt.Errorf("DevEUI %.40q", dev)
	}
	_, err := hex.Decode(r.DevEUI[:], []byte(dev))
	if err != nil {
		return fmt.Errorf("DevEUI %.40q", dev)
	}
	if r.Kind, err = a.kind(kind); err != nil {
		return err
	}
	if r.Radio.Gateway, err = a.gateway(gateway); err != nil {
		return err
	}
	r.Faults = splitFaults(strings.Clone(faults)) // not a piece of all the rows
	begun := len(a.values)
	if a.values, err = a.appendValues(a.values, measured); err != nil {
		return err
	}
	r.Values = a.values[begun:len(a.values):len(a.values)]
	return nil
}

// gateway reads a gateway's number, or its name in digits.
func (a *arrivals) gateway(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if digits, is := strings.CutPrefix(text, "="); is {
		name, err := hex.DecodeString(digits)
		if err != nil {
			return "", fmt.Errorf("gateway %.40q", digits)
		}
		return a.name(string(name)), nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return "", fmt.Errorf("gateway %.40q", text)
	}
	return a.gateways[id], nil
}

// integer reads the whole number that a column is, and gives what follows it.
func integer(text string) (n int64, rest string, ok bool) {
	at, negative := 0, strings.HasPrefix(text, "-")
	if negative {
		at = 1
	}
	for begun := at; at < len(text); at++ {
		c := text[at]
		if c == endOfColumn {
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
		q, digits, known, ok := a.quantity(at, rest)
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
		if known {
			to = append(to, city.Value{Quantity: q, Number: n})
		}
	}
	return to, nil
}

// quantity reads the name of the value at a place, and gives what follows it. Mostly it is the
// one that stood at the same place in the reading before. known: we have such a quantity.
func (a *arrivals) quantity(at int, text string) (q city.Quantity, rest string, known, ok bool) {
	if at < len(a.guesses) && a.guesses[at].name != "" {
		if rest, ok := strings.CutPrefix(text, a.guesses[at].name); ok {
			return a.guesses[at].quantity, rest, true, true
		}
	}
	name, rest, ok := strings.Cut(strings.TrimPrefix(text, `"`), `":`)
	if !ok || text[0] != '"' {
		return 0, "", false, false
	}
	if q, known = a.quantities[name]; known && at < maxGuesses {
		for len(a.guesses) <= at {
			a.guesses = append(a.guesses, guess{})
		}
		a.guesses[at] = guess{`"` + q.String() + `":`, q}
	}
	return q, rest, known, true
}

// guess is which quantity a place in a reading had.
type guess struct {
	name     string // as it is written: "fill_level":
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
