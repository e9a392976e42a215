package opendata

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// style is how a CSV is spelled.
type style struct {
	before   string
	comma    rune
	decimal  string
	time     string
	yes, no  string
	harmless bool // what a spreadsheet would take for a formula is spoilt
}

// machine is RFC 4180, with times as RFC 3339.
func machine() style { return style{"", ',', ".", time.RFC3339, "true", "false", false} }

// excel is what a German Excel opens right when it is clicked.
func excel() style { return style{"\ufeff", ';', ",", "02.01.2006 15:04:05", "ja", "nein", true} }

// csv has the fields in their order, and where it is at the end.
func (p *publication) csv(s style) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(s.before)
	w := csv.NewWriter(&b)
	w.Comma, w.UseCRLF = s.comma, true
	var head []string
	for _, f := range p.set.fields {
		head = append(head, f.name)
	}
	lines := [][]string{append(head, "lat", "lon")}
	for _, r := range p.rows {
		values := append([]any(nil), r.values...)
		if r.at != nil {
			values = append(values, r.at.Lat, r.at.Lon)
		} else {
			values = append(values, nil, nil)
		}
		var line []string
		for _, v := range values {
			line = append(line, s.cell(v, p.zone))
		}
		lines = append(lines, line)
	}
	if err := w.WriteAll(lines); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (s style) cell(v any, zone *time.Location) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if s.harmless && v != "" && strings.ContainsRune("=+-@\t\r", rune(v[0])) {
			return "'" + v
		}
		return v
	case bool:
		if v {
			return s.yes
		}
		return s.no
	case float64:
		return strings.Replace(strconv.FormatFloat(v, 'f', -1, 64), ".", s.decimal, 1)
	case time.Time:
		return v.In(zone).Format(s.time)
	}
	return fmt.Sprint(v)
}
