package label

import (
	"fmt"
	"strings"
)

// Format is a sheet or a roll of labels. Lengths are millimetres, type sizes are points.
type Format struct {
	Name string // as people ask for it: "L7160"
	Text string // for people

	PageWidth, PageHeight float64
	Columns, Rows         int     // labels on a page
	Left, Top             float64 // where the first label begins
	StepRight, StepDown   float64 // from a label's beginning to the next one's
	Width, Height         float64 // of a label

	AssetSize float64 // type of the asset number
	NameSize  float64 // type of the name
	NameLines int     // most lines of the name
	EUISize   float64 // type of the DevEUI
	EUILines  int     // lines of the DevEUI: 1 or 2
}

// PerPage gives how many labels a page has.
func (f Format) PerPage() int { return f.Columns * f.Rows }

// Formats gives the formats there are. The measures of the sheets are those of gLabels
// (templates/avery-iso-templates.xml, L4732 and 7160; endisch-templates.xml for sheets cut
// as L4731), of L7160 with its columns and rows in the middle of the page, as Avery has them.
func Formats() []Format {
	return []Format{
		{
			Name: "62x29", Text: "label printer, 62 x 29 mm, such as Brother DK-11209",
			PageWidth: 62, PageHeight: 29, Columns: 1, Rows: 1,
			StepRight: 62, StepDown: 29, Width: 62, Height: 29,
			AssetSize: 16, NameSize: 9, NameLines: 3, EUISize: 7.5, EUILines: 1,
		},
		{
			Name: "L4731", Text: "Avery Zweckform L4731, A4, 189 labels of 25.4 x 10 mm",
			PageWidth: 210, PageHeight: 297, Columns: 7, Rows: 27,
			Left: 8.48, Top: 13.5, StepRight: 27.94, StepDown: 10, Width: 25.4, Height: 10,
			AssetSize: 7, NameSize: 4.5, NameLines: 1, EUISize: 5, EUILines: 2,
		},
		{
			Name: "L4732", Text: "Avery Zweckform L4732, A4, 80 labels of 35.6 x 16.9 mm",
			PageWidth: 210, PageHeight: 297, Columns: 5, Rows: 16,
			Left: 11, Top: 13, StepRight: 38.1, StepDown: 16.9, Width: 35.6, Height: 16.9,
			AssetSize: 9, NameSize: 6, NameLines: 2, EUISize: 6.5, EUILines: 2,
		},
		{
			Name: "L7160", Text: "Avery Zweckform L7160, A4, 21 labels of 63.5 x 38.1 mm",
			PageWidth: 210, PageHeight: 297, Columns: 3, Rows: 7,
			Left: 7.21, Top: 15.15, StepRight: 66.04, StepDown: 38.1, Width: 63.5, Height: 38.1,
			AssetSize: 16, NameSize: 10, NameLines: 4, EUISize: 9, EUILines: 2,
		},
	}
}

// FindFormat gives the format of a name, in either case.
func FindFormat(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if strings.EqualFold(f.Name, name) {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, fmt.Errorf("no label format %.20q: want one of %s", name, strings.Join(names, ", "))
}
