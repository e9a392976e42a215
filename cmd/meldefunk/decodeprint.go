package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"meldefunk/city"
	"meldefunk/decoders"
)

// print writes tables: the bytes, the reading, the history.
func (d *decoded) print(out io.Writer) error {
	var text strings.Builder
	if len(d.spans) > 0 {
		writeTable(&text, d.byteRows())
	}
	if d.err == nil {
		if len(d.spans) > 0 {
			text.WriteString("\n")
		}
		writeTable(&text, d.readingRows())
		if len(d.reading.History) > 0 {
			text.WriteString("\n")
			writeTable(&text, d.historyRows())
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// writeTable aligns the columns. Every row has as many cells as the others.
func writeTable(to *strings.Builder, rows [][]string) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush() // a Builder takes everything
	for line := range strings.Lines(text.String()) {
		to.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
}

func (d *decoded) byteRows() [][]string {
	rows := [][]string{{"BYTES", "HEX", "BITS", "NAME", "RAW", "MEANING"}}
	for _, s := range d.spans {
		rows = append(rows, []string{offsets(s), short(d.payload[s.From:s.To]), s.Bits, s.Name, rawOnly(s, d.payload), s.Meaning})
	}
	return rows
}

// offsets are the bytes of a span as people count them: "0", "3-4".
func offsets(s decoders.Span) string {
	if s.To-s.From == 1 {
		return strconv.Itoa(s.From)
	}
	return fmt.Sprintf("%d-%d", s.From, s.To-1)
}

// short is hex, cut so that a table stays one.
func short(data []byte) string {
	const most = 12
	if len(data) > most {
		return fmt.Sprintf("%x…", data[:most])
	}
	return hex.EncodeToString(data)
}

// rawOnly is the raw number where it is not the hex digits again.
func rawOnly(s decoders.Span, payload []byte) string {
	if s.Raw == hex.EncodeToString(payload[s.From:s.To]) {
		return ""
	}
	return s.Raw
}

func (d *decoded) readingRows() (rows [][]string) {
	for _, v := range d.reading.Values {
		note := ""
		if computed(v, d.plain.Values) {
			note = calibrationNote
		}
		rows = append(rows, []string{v.Quantity.String(), plain(v), v.Quantity.Unit(), note})
	}
	for _, f := range d.reading.Faults {
		note := ""
		switch {
		case f == city.FaultUncalibrated:
			note = "no level without --empty and --full, or --zero"
		case !slices.Contains(d.plain.Faults, f):
			note = calibrationNote
		}
		rows = append(rows, []string{"fault", string(f), "", note})
	}
	if len(d.reading.Tail) > 0 {
		rows = append(rows, []string{"not understood", short(d.reading.Tail), "", ""})
	}
	if len(d.reading.Raw) > 0 {
		rows = append(rows, []string{"not mapped", string(d.reading.Raw), "", ""})
	}
	return append(rows, []string{"state", d.reading.State(), "", ""})
}

func (d *decoded) historyRows() [][]string {
	rows := [][]string{{"TIME", "MEASURED THEN"}}
	for i, record := range d.reading.History {
		var texts []string
		for _, v := range record.Values {
			text := strings.TrimSpace(v.Quantity.String() + " " + plain(v) + " " + v.Quantity.Unit())
			if computed(v, d.plain.History[i].Values) {
				text += " " + calibrationNote
			}
			texts = append(texts, text)
		}
		for _, f := range record.Faults {
			texts = append(texts, "fault "+string(f))
		}
		rows = append(rows, []string{record.Time.Format(time.RFC3339), strings.Join(texts, ", ")})
	}
	return rows
}

const calibrationNote = "(from the calibration)"

// computed tells whether a value is not what was measured.
func computed(v city.Value, measured []city.Value) bool { return !slices.Contains(measured, v) }

// plain writes a value as people read it.
func plain(v city.Value) string {
	switch {
	case !v.Quantity.Boolean():
		return strconv.FormatFloat(v.Number, 'f', -1, 64)
	case v.Number == 0:
		return "no"
	}
	return "yes"
}

type decodedJSON struct {
	Model    string          `json:"model"`
	Port     uint8           `json:"port"`
	Error    string          `json:"error,omitempty"` // there is then no reading
	Bytes    []spanJSON      `json:"bytes"`
	Values   map[string]any  `json:"values"`
	Computed []string        `json:"computed"` // of the values: what the calibration gave
	Faults   []city.Fault    `json:"faults"`
	Tail     string          `json:"tail"`
	Raw      json.RawMessage `json:"unmapped,omitempty"` // of a JavaScript codec: what no field is mapped to
	History  []recordJSON    `json:"history,omitempty"`
	State    string          `json:"state,omitempty"`
}

type spanJSON struct {
	From    int    `json:"from"`
	To      int    `json:"to"` // not included
	Hex     string `json:"hex"`
	Bits    string `json:"bits"`
	Name    string `json:"name"`
	Raw     string `json:"raw"`
	Meaning string `json:"meaning"`
}

type recordJSON struct {
	Time     time.Time      `json:"time"`
	Values   map[string]any `json:"values"`
	Computed []string       `json:"computed"`
	Faults   []city.Fault   `json:"faults"`
}

func (d *decoded) printJSON(out io.Writer) error {
	j := decodedJSON{
		Model: d.options.model, Port: d.options.port,
		Bytes: []spanJSON{}, Values: valuesJSON(d.reading.Values), Computed: computedJSON(d.reading.Values, d.plain.Values),
		Faults: orEmpty(d.reading.Faults), Tail: hex.EncodeToString(d.reading.Tail),
	}
	for _, s := range d.spans {
		j.Bytes = append(j.Bytes, spanJSON{s.From, s.To, hex.EncodeToString(d.payload[s.From:s.To]), s.Bits, s.Name, s.Raw, s.Meaning})
	}
	if d.err != nil {
		j.Error = d.err.Error()
		return json.NewEncoder(out).Encode(j)
	}
	j.State, j.Raw = d.reading.State(), d.reading.Raw
	for i, record := range d.reading.History {
		j.History = append(j.History, recordJSON{record.Time, valuesJSON(record.Values),
			computedJSON(record.Values, d.plain.History[i].Values), orEmpty(record.Faults)})
	}
	return json.NewEncoder(out).Encode(j)
}

// orEmpty is the faults as JSON wants them: none is [].
func orEmpty(faults []city.Fault) []city.Fault {
	if faults == nil {
		return []city.Fault{}
	}
	return faults
}

func computedJSON(values, measured []city.Value) []string {
	names := []string{}
	for _, v := range values {
		if computed(v, measured) {
			names = append(names, v.Quantity.String())
		}
	}
	return names
}

func valuesJSON(values []city.Value) map[string]any {
	named := map[string]any{}
	for _, v := range values {
		if named[v.Quantity.String()] = v.Number; v.Quantity.Boolean() {
			named[v.Quantity.String()] = v.Number != 0
		}
	}
	return named
}
