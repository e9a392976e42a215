package keys

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// The columns of a sessions file, in the order in which wrap writes them.
const (
	colDevEUI   = "dev_eui"
	colDevAddr  = "dev_addr"
	colVersion  = "version"
	colKEK      = "kek"
	colNwk      = "nwk_s_key"
	colFNwkSInt = "f_nwk_s_int_key"
	colSNwkSInt = "s_nwk_s_int_key"
	colApp      = "app_s_key"
	colFCnt     = "fcnt_up"
	colResets   = "counter_resets"
)

func columns() []string {
	return []string{colDevEUI, colDevAddr, colVersion, colKEK, colNwk, colFNwkSInt, colSNwkSInt, colApp, colFCnt, colResets}
}

// keyColumns are those that hold keys.
func keyColumns() []string { return []string{colNwk, colFNwkSInt, colSNwkSInt, colApp} }

// table is a CSV file whose header is understood. Keys in it may be in clear.
type table struct {
	has  map[string]bool
	rows []row
}

// row is one line of it.
type row struct {
	at    string // file:line
	cells map[string]string
}

// readTable reads a CSV file and gives every problem with its form. No problem repeats a
// cell: whatever column it stands in by mistake, it might be a key.
func readTable(name string, data []byte) (table, []error) {
	t := table{has: map[string]bool{}}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	first, _, _ := bytes.Cut(data, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = ';'
	if bytes.Count(first, []byte(",")) > bytes.Count(first, []byte(";")) {
		r.Comma = ','
	}
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return t, []error{fmt.Errorf("%s:1: want CSV with a header, columns %s", name, strings.Join(columns(), ", "))}
	}
	var problems []error
	for i, title := range header {
		title = strings.ToLower(strings.TrimSpace(title))
		switch {
		case !slices.Contains(columns(), title):
			problems = append(problems, fmt.Errorf("%s:1: column %d is none of %s; root keys (AppKey, NwkKey) have no business here", name, i+1, strings.Join(columns(), ", ")))
		case t.has[title]:
			problems = append(problems, fmt.Errorf("%s:1: column %s stands twice", name, title))
		}
		header[i] = title
		t.has[title] = true
	}
	if problems != nil {
		return t, problems
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, problems
		}
		if e, ok := errors.AsType[*csv.ParseError](err); ok {
			return t, append(problems, fmt.Errorf("%s:%d: not CSV: %w; nothing after this line was read", name, e.Line, e.Err))
		}
		line, _ := r.FieldPos(0)
		at := fmt.Sprintf("%s:%d", name, line)
		if len(record) != len(header) {
			problems = append(problems, fmt.Errorf("%s: the row has %d fields, the header %d", at, len(record), len(header)))
			continue
		}
		w := row{at: at, cells: make(map[string]string, len(record))}
		for i, cell := range record {
			w.cells[header[i]] = strings.TrimSpace(cell)
		}
		t.rows = append(t.rows, w)
	}
}

// session understands a row whose keys are wrapped.
func (w *row) session() (s session, err error) {
	problem := func(format string, args ...any) (session, error) {
		return s, fmt.Errorf("%s: "+format, append([]any{w.at}, args...)...)
	}
	s.at = w.at
	if s.devEUI, err = city.ParseEUI(w.cells[colDevEUI]); err != nil {
		return problem("%s: want 16 hex digits", colDevEUI)
	}
	if s.addr, err = lorawan.ParseDevAddr(w.cells[colDevAddr]); err != nil {
		return problem("%s: want 8 hex digits, in the order they are printed", colDevAddr)
	}
	var ok bool
	if s.version, ok = version(w.cells[colVersion]); !ok {
		return problem("%s: want 1.0.2, 1.0.3, 1.0.4 or 1.1", colVersion)
	}
	network, none := []string{colNwk}, []string{colFNwkSInt, colSNwkSInt}
	if s.version == lorawan.V1_1 {
		network, none = none, network
	}
	for _, column := range none {
		if w.cells[column] != "" {
			return problem("%s: a session of LoRaWAN %s has no such key: want %s", column, s.version, strings.Join(network, " and "))
		}
	}
	found := map[string][]byte{}
	for _, column := range append(network, colApp) {
		if found[column], err = wrappedCell(column, w.cells[column]); err != nil {
			return problem("%w", err)
		}
	}
	s.fNwkSInt, s.sNwkSInt, s.app = found[network[0]], found[colSNwkSInt], found[colApp]
	if s.kek = w.cells[colKEK]; s.kek == "" {
		return problem("%s: missing; want the label of the key that wraps this line's keys", colKEK)
	}
	if text := w.cells[colFCnt]; text != "" {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return problem("%s: want a whole number from 0 to 4294967295", colFCnt)
		}
		s.last = uint32(n)
	}
	switch w.cells[colResets] {
	case "", "no":
	case "yes":
		s.resets = true
	default:
		return problem("%s: want yes or no", colResets)
	}
	return s, nil
}

// wrappedCell reads a wrapped key. A key in clear is refused without being shown.
func wrappedCell(column, text string) ([]byte, error) {
	if text == "" {
		return nil, fmt.Errorf("%s: missing", column)
	}
	if len(text) == 2*16 {
		return nil, fmt.Errorf("%s: a key in clear stands here: run meldefunk key wrap on this file and use what it writes; give the device new keys if others could read this one", column)
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 24 {
		return nil, fmt.Errorf("%s: want a wrapped key of 48 hex digits, as meldefunk key wrap writes it, got %d characters", column, len(text))
	}
	return b, nil
}

func version(text string) (lorawan.Version, bool) {
	switch text {
	case "1.0", "1.0.0", "1.0.1", "1.0.2", "1.0.3":
		return lorawan.V1_0_3, true
	case "1.0.4":
		return lorawan.V1_0_4, true
	case "1.1", "1.1.0":
		return lorawan.V1_1, true
	}
	return 0, false
}
