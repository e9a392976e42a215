package label

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// These tests read sheets with programs that know nothing of this package: poppler draws
// PDFs and reads their text, zbarimg reads QR codes.

func TestReadSheet(t *testing.T) {
	const n = 24
	for i, tc := range []struct {
		format string
		dpi    int
		o      Options
	}{
		{"62x29", 300, Options{}},
		{"L4731", 300, Options{Start: 180}},
		{"L4732", 300, Options{Start: 7, Outline: true}},
		{"L7160", 300, Options{Start: 20, Right: 1.5, Down: -2}},
	} {
		t.Run(tc.format, func(t *testing.T) {
			f, err := FindFormat(tc.format)
			if err != nil {
				t.Fatal(err)
			}
			labels := someLabels(rand.New(rand.NewPCG(8, uint64(10+i))), n)
			pages := render(t, f, labels, tc.o, tc.dpi)
			first := max(tc.o.Start, 1) - 1
			if want := (first + n + f.PerPage() - 1) / f.PerPage(); len(pages) != want {
				t.Fatalf("%d pages, want %d", len(pages), want)
			}
			// Each label's square by itself has its own code …
			var drawn []*image.Gray
			for _, file := range pages {
				drawn = append(drawn, load(t, file))
			}
			var squares []string
			for i := range labels {
				at := first + i
				cell := at % f.PerPage()
				squares = append(squares, crop(t, drawn[at/f.PerPage()], tc.dpi,
					f.Left+tc.o.Right+float64(cell%f.Columns)*f.StepRight,
					f.Top+tc.o.Down+float64(cell/f.Columns)*f.StepDown, f.Height,
					filepath.Join(t.TempDir(), fmt.Sprintf("%02d.png", i))))
			}
			read := scan(t, squares...)
			for i, file := range squares {
				if got, want := read[file], labels[i].Code.String(); len(got) != 1 || got[0] != want {
					t.Errorf("label %d: read %q, want %q", i+1, got, want)
				}
			}
			// … and the pages have no more codes.
			total := 0
			for _, codes := range scan(t, pages...) {
				total += len(codes)
			}
			if total != n {
				t.Errorf("read %d codes on the pages, want %d", total, n)
			}
		})
	}
}

// load reads a page as pdftoppm draws it: a portable graymap.
func load(t *testing.T, file string) *image.Gray {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var width, height, white int
	if _, err := fmt.Sscanf(string(data[:min(len(data), 32)]), "P5\n%d %d\n%d", &width, &height, &white); err != nil || len(data) < width*height {
		t.Fatalf("%s is no graymap: %v", file, err)
	}
	return &image.Gray{Pix: data[len(data)-width*height:], Stride: width, Rect: image.Rect(0, 0, width, height)}
}

// crop cuts a square out of a page, in millimetres, into a file.
func crop(t *testing.T, page *image.Gray, dpi int, x, y, side float64, file string) string {
	t.Helper()
	px := func(mm float64) int { return int(mm * float64(dpi) / 25.4) }
	var b bytes.Buffer
	if err := png.Encode(&b, page.SubImage(image.Rect(px(x), px(y), px(x+side), px(y+side)))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestReadText holds the text of labels: complete, with its umlauts, cut where it is too
// long, and within its label.
func TestReadText(t *testing.T) {
	tool(t, "pdftotext", "poppler-utils")
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			l := Label{
				Code:  workedCode().Public(),
				Asset: "Süd-Ä7",
				Name:  strings.Repeat("Höfe-Straße ", 30),
			}
			file := filepath.Join(t.TempDir(), "labels.pdf")
			write(t, file, f, []Label{l}, Options{})
			out, err := exec.Command("pdftotext", "-bbox", file, "-").Output()
			if err != nil {
				t.Fatal(err)
			}
			var doc struct {
				Words []struct {
					XMin float64 `xml:"xMin,attr"`
					YMin float64 `xml:"yMin,attr"`
					XMax float64 `xml:"xMax,attr"`
					YMax float64 `xml:"yMax,attr"`
					Text string  `xml:",chardata"`
				} `xml:"body>doc>page>word"`
			}
			if err := xml.Unmarshal(out, &doc); err != nil {
				t.Fatalf("%v in %s", err, out)
			}
			var words []string
			for _, w := range doc.Words {
				words = append(words, w.Text)
				if w.XMin*point < f.Left+f.Height-0.1 || w.XMax*point > f.Left+f.Width || w.YMin*point < f.Top-0.2 || w.YMax*point > f.Top+f.Height+0.2 {
					t.Errorf("%q lies at %.1f to %.1f, %.1f to %.1f mm, outside the label's text", w.Text, w.XMin*point, w.XMax*point, w.YMin*point, w.YMax*point)
				}
			}
			text := strings.Join(words, " ")
			if !strings.HasPrefix(text, "Süd-Ä7 Höfe-Straße") || !strings.Contains(text, "… AABB CCDD EEFF 0011") {
				t.Errorf("got %q", text)
			}
		})
	}
}

// render draws the pages of labels as images, in order.
func render(t *testing.T, f Format, labels []Label, o Options, dpi int) []string {
	t.Helper()
	tool(t, "pdftoppm", "poppler-utils")
	dir := t.TempDir()
	file := filepath.Join(dir, "labels.pdf")
	write(t, file, f, labels, o)
	if out, err := exec.Command("pdftoppm", "-gray", "-r", fmt.Sprint(dpi), file, filepath.Join(dir, "page")).CombinedOutput(); err != nil {
		t.Fatalf("pdftoppm: %v: %s", err, out)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "page*.pgm"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(pages)
	return pages
}

func write(t *testing.T, file string, f Format, labels []Label, o Options) {
	t.Helper()
	var b bytes.Buffer
	if err := Sheet(&b, f, labels, o); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
