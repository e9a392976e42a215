package label

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestFormats(t *testing.T) {
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			right := f.Left + float64(f.Columns-1)*f.StepRight + f.Width
			bottom := f.Top + float64(f.Rows-1)*f.StepDown + f.Height
			if right > f.PageWidth+0.01 || bottom > f.PageHeight+0.01 {
				t.Errorf("labels end at %.2f, %.2f on a page of %g x %g", right, bottom, f.PageWidth, f.PageHeight)
			}
			if f.StepRight < f.Width || f.StepDown < f.Height {
				t.Error("labels overlap")
			}
			// Every character of Courier is 600/1000 of its size wide.
			longest := len(euiLines(workedCode(), f.EUILines)[0])
			if eui, room := float64(longest)*0.6*f.EUISize*point, f.Width-f.Height-gap; eui > room {
				t.Errorf("the DevEUI is %.2f mm wide and has %.2f", eui, room)
			}
			lines := f.AssetSize + float64(f.NameLines)*f.NameSize + float64(f.EUILines)*f.EUISize
			if have := lines * 1.15 * point; have > f.Height {
				t.Errorf("the text is %.2f mm high, the label %.2f", have, f.Height)
			}
			got, err := FindFormat(strings.ToLower(f.Name))
			if err != nil || got != f {
				t.Errorf("FindFormat gives %+v, %v", got, err)
			}
		})
	}
	_, err := FindFormat("A7")
	checkError(t, err, "want one of 62x29, L4731, L4732, L7160")
}

func TestSheetRefuses(t *testing.T) {
	f, err := FindFormat("L4731")
	if err != nil {
		t.Fatal(err)
	}
	fine := Label{Code: workedCode().Public(), Asset: "PK-0042", Name: "Grünanlage"}
	long := fine
	long.Code.Proprietary = strings.Repeat("X", 100)
	for name, tc := range map[string]struct {
		labels []Label
		o      Options
		want   string
	}{
		"fine":                   {[]Label{fine}, Options{Start: 189}, ""},
		"none":                   {nil, Options{}, "nothing to print"},
		"too many":               {make([]Label, maxLabels+1), Options{}, "at most 2000"},
		"start before the first": {[]Label{fine}, Options{Start: -1}, "positions 1 to 189"},
		"start after the last":   {[]Label{fine}, Options{Start: 190}, "positions 1 to 189"},
		"moved too far":          {[]Label{fine}, Options{Down: 11}, "want -10 to 10"},
		"second without DevEUI":  {[]Label{fine, {}}, Options{}, "label 2: a code needs a DevEUI"},
		"name in Polish":         {[]Label{{Code: fine.Code, Name: "Plac Łódzki"}}, Options{}, "label 1: the name of device aabbccddeeff0011 has the character 'Ł' (U+0141)"},
		"asset in Greek":         {[]Label{{Code: fine.Code, Asset: "Ω-1"}}, Options{}, "label 1: the asset number of device aabbccddeeff0011 has the character 'Ω'"},
		"code too long":          {[]Label{long}, Options{}, "want 0.20; leave out the serial number"},
		"key as name":            {[]Label{{Code: fine.Code, Name: "Key " + canary}}, Options{}, "looks like a key"},
		"key with dashes":        {[]Label{{Code: Code{DevEUI: eight(1), Serial: "C0FFEE00-C0FFEE11-C0FFEE22-C0FFEE33"}}}, Options{}, "looks like a key"},
		"no DevEUI":              {[]Label{{Asset: "PK-0042"}}, Options{}, "label 1: a code needs a DevEUI"},
		"key":                    {[]Label{{Code: Code{DevEUI: eight(1), Serial: canary}}}, Options{}, "looks like a key"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			err := Sheet(&b, f, tc.labels, tc.o)
			checkError(t, err, tc.want)
			if err != nil && b.Len() > 0 {
				t.Errorf("%d bytes were written all the same", b.Len())
			}
		})
	}
}

func TestSheetRepeats(t *testing.T) {
	labels := someLabels(rand.New(rand.NewPCG(8, 1)), 30)
	o := Options{Made: time.Date(2026, 6, 5, 4, 3, 2, 0, time.UTC)}
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := Sheet(w, Formats()[3], labels, o); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("equal labels made different files")
	}
	if !bytes.Contains(a.Bytes(), []byte("D:20260605040302")) {
		t.Error("the file does not say when it was made")
	}
}

func TestLatin(t *testing.T) {
	for name, tc := range map[string]struct{ text, want, err string }{
		"German":             {"Grünfläche Straße ÄÖÜ", "Gr\xfcnfl\xe4che Stra\xdfe \xc4\xd6\xdc", ""},
		"umlauts of macOS":   {"Gru\u0308n A\u0308 O\u0308", "Gr\xfcn \xc4 \xd6", ""},
		"quotes, euro, dash": {"„Am Markt“ – 5 €", "\x84Am Markt\x93 \x96 5 \x80", ""},
		"last of the table":  {"žŸ", "\x9e\x9f", ""},
		"line break":         {" a\r\n\tb  c ", "a b c", ""},
		"Czech":              {"Č", "", "'Č' (U+010C)"},
		"no text":            {"\xff", "", "U+FFFD"},
		"control":            {"a\x00", "", "U+0000"},
		"C1 control":         {"\u0081", "", "U+0081"},
		"other accent":       {"e\u0301", "", "U+0301"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := latin(tc.text)
			checkError(t, err, tc.err)
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// someLabels makes labels with random codes: serial numbers on some, as long as the smallest
// format carries.
func someLabels(r *rand.Rand, n int) []Label {
	names := []string{"Grünanlage Süd", "Große Straße 12, Höhe Nikolaiort", "Übergangs-Parkplatz Öwer de Hase mit einem Namen, der nirgends Platz hat", ""}
	out := make([]Label, n)
	for i := range out {
		c := Code{JoinEUI: eight(r.Uint64()), DevEUI: eight(r.Uint64()), VendorID: uint16(r.Uint32()), ProfileID: uint16(r.Uint32())}
		if i%3 == 0 {
			c.Serial = fmt.Sprintf("%010d", r.Uint32())
		}
		out[i] = Label{Code: c, Asset: fmt.Sprintf("PK-%04d", r.IntN(10000)), Name: names[i%len(names)]}
	}
	return out
}

func BenchmarkSheet(b *testing.B) {
	labels := someLabels(rand.New(rand.NewPCG(8, 2)), 200)
	f, err := FindFormat("L7160")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var w bytes.Buffer
		if err := Sheet(&w, f, labels, Options{}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(w.Len())/200, "B/label")
	}
}
