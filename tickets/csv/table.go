package csv

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"meldefunk/city"
)

// columns are those of the GeoReport Bulk draft, with ours after them.
var columns = []string{
	"service_request_id", "requested_datetime", "updated_datetime", "closed_date", "status_description", "status_notes",
	"source", "service_name", "service_subtype", "description", "agency_responsible", "address", "lat", "long",
	"ref", "service_code", "asset_id", "title", "attributes",
}

// form is how a table is written.
type form struct {
	comma rune
	start string // before the first line
	time  func(time.Time) string
	float func(float64) string
	text  func(string) string
}

// machines is what programs read.
func machines() form {
	return form{
		comma: ',',
		time:  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		float: func(f float64) string { return strconv.FormatFloat(f, 'f', 6, 64) },
		text:  func(s string) string { return s },
	}
}

// excel is what a German Excel opens: without the byte order mark it would take the text
// for Windows-1252, and a cell that begins like a formula for one.
func excel(zone *time.Location) form {
	return form{
		comma: ';', start: "\ufeff",
		time:  func(t time.Time) string { return t.In(zone).Format("02.01.2006 15:04") },
		float: func(f float64) string { return strings.Replace(strconv.FormatFloat(f, 'f', 6, 64), ".", ",", 1) },
		text:  harmless,
	}
}

// harmless keeps a text from being a formula (OWASP, CSV injection).
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(s[0])) {
		return "'" + s
	}
	return s
}

// write writes the whole table, oldest case first as it is given.
func (f form) write(to io.Writer, orders []city.Order, service func(code string) (name, agency string)) error {
	if _, err := io.WriteString(to, f.start); err != nil {
		return err
	}
	w := csv.NewWriter(to)
	w.Comma, w.UseCRLF = f.comma, true
	if err := w.Write(columns); err != nil {
		return err
	}
	for i := range orders {
		o := &orders[i]
		c := &o.Case
		name, agency := service(c.Service)
		var address, lat, long string
		if o.Asset != nil {
			address = o.Asset.Address
			if p := o.Asset.Position; p != nil {
				lat, long = f.float(p.Lat), f.float(p.Lon)
			}
		}
		var attributes []string
		for _, a := range o.Attributes {
			if a.Code == "zustaendig" {
				agency = a.Value
			}
			attributes = append(attributes, a.Code+"="+a.Value)
		}
		opened := f.time(c.Opened)
		row := []string{
			c.Ref, opened, opened, "", "open", "", "meldefunk", name, "", o.Text, agency, address, lat, long,
			c.Ref, c.Service, c.Asset, o.Title, strings.Join(attributes, " | "),
		}
		for i := range row {
			if i != 12 && i != 13 { // positions are numbers of ours
				row[i] = f.text(clean(row[i], i == 9)) // only the description has lines
			}
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// clean makes control characters blanks, but keeps the line breaks of a text with lines.
func clean(s string, lines bool) string {
	return strings.Map(func(r rune) rune {
		if lines && r == '\n' {
			return r
		}
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
