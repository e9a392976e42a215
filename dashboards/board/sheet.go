package board

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// sheet is a table for other programs. There are two forms of it: "excel", as a German Excel
// opens it with a double click (semicolon, decimal comma, byte order mark, local time), and
// "csv" for machines (RFC 4180, decimal point, ISO 8601 with offset, English names).
type sheet struct {
	name string // of the file, without date and ending
	head []column
	rows [][]cell
}

// column is what a column is called.
type column struct{ german, machine string }

// cell is a value in both forms.
type cell struct{ german, machine string }

// text is the same for both.
func text(s string) cell { return cell{s, s} }

// worded is a word for people and a key for programs.
func worded(german, machine string) cell { return cell{german, machine} }

// decimal is a number; nothing, where it is none.
func decimal(v float64, digits int) cell {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return cell{}
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	return cell{strings.Replace(s, ".", ",", 1), s}
}

// measured is a value as exact as its sensors are.
func measured(q city.Quantity, v float64) cell {
	if q.Boolean() {
		return cell{q.GermanYesNo(v != 0), strconv.FormatBool(v != 0)}
	}
	return decimal(v, decimals(q))
}

// instant is a point in time; nothing, for the zero time. German Excel knows no zones: in the
// hour that comes twice, the zone is told and it is a text.
func (b *Board) instant(t time.Time) cell {
	if t.IsZero() {
		return cell{}
	}
	t = t.In(b.opt.Location)
	german := t.Format("02.01.2006 15:04:05")
	if doubled(t) {
		german += " " + zone(t)
	}
	return cell{german, t.Format("2006-01-02T15:04:05-07:00")}
}

// sheetLinks are the two forms of a view.
func sheetLinks(self string) []link {
	join := "?"
	if strings.Contains(self, "?") {
		join = "&"
	}
	return []link{{"CSV für Excel", self + join + "format=excel"}, {"CSV für Programme", self + join + "format=csv"}}
}

// writeSheet answers with a table instead of a page, if the address asks for one.
func (b *Board) writeSheet(w http.ResponseWriter, r *http.Request, c content) error {
	form := r.URL.Query().Get("format")
	if form != "excel" && form != "csv" {
		return badRequest("Die Form „%.40s“ gibt es nicht. Möglich: excel, csv.", form)
	}
	if c.sheet == nil {
		return badRequest("Diese Seite gibt es nicht als Tabelle.")
	}
	s := c.sheet()
	body, err := s.write(form == "excel")
	if err != nil {
		return fmt.Errorf("table %s: %w", s.name, err)
	}
	name := s.name + "-" + b.opt.Now().In(b.opt.Location).Format("2006-01-02") + ".csv"
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(name))
	b.send(w, r, http.StatusOK, body)
	return nil
}

func (s *sheet) write(german bool) ([]byte, error) {
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	w.UseCRLF = true
	if german {
		buf.WriteString("\ufeff")
		w.Comma = ';'
	}
	line := make([]string, len(s.head))
	for i, c := range s.head {
		line[i] = c.machine
		if german {
			line[i] = c.german
		}
	}
	if err := w.Write(line); err != nil {
		return nil, err
	}
	for _, row := range s.rows {
		if len(row) != len(s.head) {
			return nil, fmt.Errorf("a row has %d columns, the head %d", len(row), len(s.head))
		}
		for i, c := range row {
			line[i] = c.machine
			if german {
				line[i] = harmless(c.german)
			}
		}
		if err := w.Write(line); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return buf.Bytes(), w.Error()
}

// harmless keeps a spreadsheet from taking a text for a formula: names come from files and
// tickets that many people write. A negative number is one.
func harmless(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if _, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64); err == nil {
		return s
	}
	return "'" + s
}
