package label

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// Label is what stands on one label. Everybody who passes by can read it.
type Label struct {
	Code  Code   // for the QR code; see Code.Public
	Asset string // number of what the device hangs on: "PK-0042"; may be empty
	Name  string // of what it hangs on, or where: "Grünanlage Süd"; may be empty
}

// Options say how sheets are filled.
type Options struct {
	// Start is the first position used on the first page, counted from 1 in rows from the
	// top left: a sheet that was begun can be used up. 0 is 1.
	Start int
	// Outline draws the edge of each label, to try a printer on plain paper.
	Outline bool
	// Right and Down move everything, in millimetres from -10 to 10, for a printer that
	// does not draw where it should.
	Right, Down float64
	// Made is when the sheet was made, for the PDF's properties. Equal labels with equal
	// options are equal files.
	Made time.Time
}

const (
	// maxLabels bounds one file, which is made in memory: about 20 kB for each label
	// of its page, 1.4 kB in the file.
	maxLabels = 2000
	// minModule is the least side of a module in millimetres: two dots of a label printer
	// with 300 dots per inch, five of an office printer.
	minModule = 0.2
	pad       = 0.25 // millimetres between the label's edge and the QR code with its quiet zone
	gap       = 1.0  // millimetres at both sides of the text
	point     = 25.4 / 72
)

// Sheet writes labels as a PDF: on each its QR code, asset number, name, and the DevEUI to
// read. What is too long is set smaller, then cut with "…"; the DevEUI never is. It is to be
// printed at 100 %, not fitted to the page. Nothing is written if a label cannot be printed:
// the error says which, counted from 1.
func Sheet(w io.Writer, f Format, labels []Label, o Options) error {
	switch {
	case len(labels) == 0:
		return errors.New("no labels: nothing to print")
	case len(labels) > maxLabels:
		return fmt.Errorf("%d labels in one file: want at most %d, so print them in parts", len(labels), maxLabels)
	case o.Start < 0 || o.Start > f.PerPage():
		return fmt.Errorf("start at position %d: a page of %s has positions 1 to %d", o.Start, f.Name, f.PerPage())
	case !(o.Right >= -10 && o.Right <= 10 && o.Down >= -10 && o.Down <= 10):
		return fmt.Errorf("moved by %g and %g mm: want -10 to 10", o.Right, o.Down)
	}
	pdf := fpdf.NewCustom(&fpdf.InitType{
		OrientationStr: "P", UnitStr: "mm", Size: fpdf.SizeType{Wd: f.PageWidth, Ht: f.PageHeight},
	})
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetMargins(0, 0, 0)
	pdf.SetCellMargin(0)
	pdf.SetCatalogSort(true)
	pdf.SetLang("de-DE")
	pdf.SetTitle("Geräte-Etiketten", true)
	made := o.Made
	if made.IsZero() {
		made = time.Unix(0, 0).UTC() // the library would take the time of day
	}
	pdf.SetCreationDate(made)
	pdf.SetModificationDate(made)

	first := max(o.Start, 1) - 1
	for i, l := range labels {
		at := (first + i) % f.PerPage()
		if i == 0 || at == 0 {
			pdf.AddPage()
		}
		d := drawing{
			pdf: pdf, f: f,
			x: f.Left + float64(at%f.Columns)*f.StepRight + o.Right,
			y: f.Top + float64(at/f.Columns)*f.StepDown + o.Down,
		}
		if o.Outline {
			pdf.SetLineWidth(0.1)
			pdf.Rect(d.x, d.y, f.Width, f.Height, "D")
		}
		if err := d.label(l); err != nil {
			return fmt.Errorf("label %d: %w", i+1, err)
		}
	}
	if err := pdf.Output(w); err != nil {
		return fmt.Errorf("write the labels: %w", err)
	}
	return nil
}

// drawing draws one label whose top left corner is at x, y.
type drawing struct {
	pdf  *fpdf.Fpdf
	f    Format
	x, y float64
}

func (d drawing) label(l Label) error {
	asset, err := latin(l.Asset)
	if err != nil {
		return fmt.Errorf("the asset number of device %s %w", l.Code.DevEUI, err)
	}
	name, err := latin(l.Name)
	if err != nil {
		return fmt.Errorf("the name of device %s %w", l.Code.DevEUI, err)
	}
	if looksLikeKey(asset) || looksLikeKey(name) {
		return fmt.Errorf("the text for device %s looks like a key of 32 hex digits, and keys do not belong on labels", l.Code.DevEUI)
	}
	modules, err := bitmap(l.Code)
	if err != nil {
		return err
	}
	side := d.f.Height - 2*pad
	if module := side / float64(len(modules)); module < minModule {
		return fmt.Errorf("device %s: its code of %d characters does not fit on %s: its modules would be %.2f mm, want %.2f; leave out the serial number, or take a larger format",
			l.Code.DevEUI, len(l.Code.String()), d.f.Name, module, minModule)
	}
	d.symbol(modules, side)
	d.text(asset, name, euiLines(l.Code, d.f.EUILines), d.f.Height)
	return nil
}

// symbol draws the dark modules as one path: one by one, hairs of white show between them on
// screens and with some printers.
func (d drawing) symbol(modules [][]bool, side float64) {
	module := side / float64(len(modules)) / point
	left := (d.x + pad) / point
	top := (d.f.PageHeight - d.y - pad) / point // a PDF counts from below
	var path strings.Builder
	for y, row := range modules {
		for x := 0; x < len(row); x++ {
			from := x
			for x < len(row) && row[x] {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "%.3f %.3f %.3f %.3f re\n",
					left+float64(from)*module, top-float64(y+1)*module, float64(x-from)*module, module)
			}
		}
	}
	path.WriteString("f")
	d.pdf.RawWriteStr(path.String())
}

// text sets the lines beside the symbol, which takes a square of the label's height, in the
// middle of the height.
func (d drawing) text(asset, name string, eui []string, square float64) {
	const spacing = 1.15 // of a line, in its type size
	width := d.f.Width - square - gap
	type line struct {
		text, family, style string
		size                float64
	}
	var lines []line
	if asset != "" {
		size := d.shrink(asset, width)
		lines = append(lines, line{d.cut(asset, width), "Helvetica", "B", size})
	}
	if name != "" {
		d.pdf.SetFont("Helvetica", "", d.f.NameSize)
		for _, t := range d.wrap(name, width, d.f.NameLines) {
			lines = append(lines, line{t, "Helvetica", "", d.f.NameSize})
		}
	}
	for _, t := range eui {
		lines = append(lines, line{t, "Courier", "", d.f.EUISize})
	}
	height := 0.0
	for _, l := range lines {
		height += l.size * spacing * point
	}
	y := d.y + (d.f.Height-height)/2
	for _, l := range lines {
		step := l.size * spacing * point
		d.pdf.SetFont(l.family, l.style, l.size)
		d.pdf.Text(d.x+square, y+step*0.78, l.text) // from the line's top to where letters stand
		y += step
	}
}

// shrink sets the font of the asset number as large as fits, at least 60 % of its size.
func (d drawing) shrink(asset string, width float64) float64 {
	size := d.f.AssetSize
	d.pdf.SetFont("Helvetica", "B", size)
	if have := d.pdf.GetStringWidth(asset); have > width {
		size *= max(width/have, 0.6)
		d.pdf.SetFont("Helvetica", "B", size)
	}
	return size
}

const ellipsis = "\x85" // in Windows-1252

// cut shortens a text to a width in the font that is set.
func (d drawing) cut(s string, width float64) string {
	if d.pdf.GetStringWidth(s) <= width+1e-6 {
		return s
	}
	for s != "" && d.pdf.GetStringWidth(s+ellipsis) > width {
		s = s[:len(s)-1]
	}
	return strings.TrimRight(s, " -,") + ellipsis
}

// wrap breaks a text at spaces and after hyphens into lines, the last of which is cut. A word
// that is too long for a line is cut in two.
func (d drawing) wrap(s string, width float64, lines int) []string {
	var out []string
	for len(out) < lines-1 && d.pdf.GetStringWidth(s) > width {
		fits := 0
		for fits < len(s) && d.pdf.GetStringWidth(s[:fits+1]) <= width {
			fits++
		}
		end := lineEnd(s, fits)
		out = append(out, s[:end])
		s = strings.TrimLeft(s[end:], " ")
	}
	return append(out, d.cut(s, width))
}

// lineEnd finds where the first line of s ends, of which so many bytes fit.
func lineEnd(s string, fits int) int {
	for i := fits; i > 0; i-- {
		if s[i] == ' ' || s[i-1] == '-' {
			return i
		}
	}
	return max(fits, 1)
}

// euiLines gives the DevEUI in groups of four digits, on one or two lines.
func euiLines(c Code, lines int) []string {
	h := strings.ToUpper(c.DevEUI.String())
	a, b := h[:4]+" "+h[4:8], h[8:12]+" "+h[12:]
	if lines == 1 {
		return []string{a + " " + b}
	}
	return []string{a, b}
}
