package label

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestPNGSize(t *testing.T) {
	for name, tc := range map[string]struct {
		size int
		want string
	}{
		"smallest": {2 * 41, ""}, "too small": {2*41 - 1, "want 82 to 4096"}, "largest": {maxPixels, ""}, "too large": {maxPixels + 1, "want 82 to 4096"}, "negative": {-5, "want 82"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := workedCode().PNG(tc.size) // version 4: 33 modules and 8 around
			checkError(t, err, tc.want)
		})
	}
}

func TestImagesRefuse(t *testing.T) {
	for name, code := range map[string]Code{
		"no DevEUI":     {},
		"key as serial": {DevEUI: eight(1), Serial: canary},
		"lower case":    {DevEUI: eight(1), OwnerToken: "a"},
	} {
		t.Run(name, func(t *testing.T) {
			want := code.Check()
			_, err := code.PNG(400)
			if err == nil || err.Error() != want.Error() {
				t.Errorf("PNG: got %v, want %v", err, want)
			}
			if _, err = code.Terminal(); err == nil || err.Error() != want.Error() {
				t.Errorf("Terminal: got %v, want %v", err, want)
			}
		})
	}
}

// zbarimg reads codes, and knows nothing of this package.

func TestReadPNG(t *testing.T) {
	const n = 100
	r := rand.New(rand.NewPCG(8, 3))
	dir := t.TempDir()
	want := map[string]string{}
	var files []string
	for i := range n {
		c := randomCode(r)
		if i == 0 {
			c = workedCode()
		}
		data, err := c.PNG(100 + r.IntN(400))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, fmt.Sprintf("%03d.png", i))
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		want[file] = c.String()
	}
	if want[files[0]] != worked {
		t.Fatalf("the first is %s", want[files[0]])
	}
	read := scan(t, files...)
	for _, file := range files {
		if got := read[file]; len(got) != 1 || got[0] != want[file] {
			t.Errorf("%s: read %q, want %q", filepath.Base(file), got, want[file])
		}
	}
}

func TestReadTerminal(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 4))
	dir := t.TempDir()
	want := map[string]string{}
	var files []string
	for i := range 10 {
		c := randomCode(r)
		text, err := c.Terminal()
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := png.Encode(&b, screen(t, text)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, fmt.Sprintf("%d.png", i))
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		want[file] = c.String()
	}
	read := scan(t, files...)
	for _, file := range files {
		if got := read[file]; len(got) != 1 || got[0] != want[file] {
			t.Errorf("read %q, want %q", got, want[file])
		}
	}
}

// screen draws what a dark terminal shows: a cell is 4 pixels wide and 8 high.
func screen(t *testing.T, text string) image.Image {
	t.Helper()
	const black, white = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	img := image.NewGray(image.Rect(0, 0, 4*60, 8*(len(lines)+4)))
	for row, line := range lines {
		line, ok := strings.CutPrefix(line, black)
		line, end := strings.CutSuffix(line, white)
		if !ok || !end {
			t.Fatalf("line %d does not set and reset its colours: %q", row, line)
		}
		for column, cell := range []rune(line) {
			upper, lower := cell == '█' || cell == '▀', cell == '█' || cell == '▄'
			for y := range 8 {
				dark := upper
				if y >= 4 {
					dark = lower
				}
				for x := range 4 {
					if !dark {
						img.SetGray(4*(column+2)+x, 8*(row+2)+y, color.Gray{Y: 255})
					}
				}
			}
		}
	}
	return img
}

// scan reads the QR codes off images: the texts of each file.
func scan(t *testing.T, files ...string) map[string][]string {
	t.Helper()
	tool(t, "zbarimg", "zbar-tools")
	out, err := exec.Command("zbarimg", append([]string{"--quiet", "--nodbus", "--xml", "-Sdisable", "-Sqrcode.enable"}, files...)...).Output()
	if err != nil {
		t.Fatalf("zbarimg: %v", err) // it also fails where an image has no code
	}
	var doc struct {
		Sources []struct {
			File  string   `xml:"href,attr"`
			Codes []string `xml:"index>symbol>data"`
		} `xml:"source"`
	}
	if err := xml.Unmarshal(out, &doc); err != nil {
		t.Fatalf("zbarimg wrote what is no XML: %v", err)
	}
	read := map[string][]string{}
	for _, source := range doc.Sources {
		read[source.File] = source.Codes
	}
	return read
}

// tool skips a test whose program is missing, or fails it when MELDEFUNK_REAL=1.
func tool(t *testing.T, name, debian string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("MELDEFUNK_REAL") == "1" {
		t.Fatalf("MELDEFUNK_REAL=1, but %s is not installed (Debian package %s)", name, debian)
	}
	t.Skipf("skipped: %s is not installed (Debian package %s)", name, debian)
}

// randomCode makes a code with any of the extensions, of any characters they may have.
func randomCode(r *rand.Rand) Code {
	value := func() string {
		b := make([]byte, r.IntN(24))
		for i := range b {
			b[i] = alphanumeric[r.IntN(len(alphanumeric))]
		}
		return string(b)
	}
	return Code{
		JoinEUI: eight(r.Uint64()), DevEUI: eight(r.Uint64()), VendorID: uint16(r.Uint32()), ProfileID: uint16(r.Uint32()),
		OwnerToken: value(), Serial: value(), Proprietary: value(),
	}
}
