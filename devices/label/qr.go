package label

import (
	"fmt"
	"strings"

	"github.com/skip2/go-qrcode"
)

// correction restores 15 % of a QR code. More makes modules smaller, which costs a small
// label more than it gains.
const correction = qrcode.Medium

// symbol makes the QR code of a code that can be printed.
func symbol(c Code) (*qrcode.QRCode, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	q, err := qrcode.New(c.String(), correction)
	if err != nil {
		return nil, fmt.Errorf("device %s: make its QR code: %w", c.DevEUI, err)
	}
	return q, nil
}

// bitmap gives the modules, row by row, true where dark, with the quiet zone of four modules
// that ISO/IEC 18004 demands around them.
func bitmap(c Code) ([][]bool, error) {
	q, err := symbol(c)
	if err != nil {
		return nil, err
	}
	return q.Bitmap(), nil
}

// maxPixels bounds the side of an image: 300 dots per inch on 35 cm.
const maxPixels = 4096

// PNG gives the QR code as a square image, black on white. Its side is at most size pixels:
// as many as make every module equally large. Two pixels per module, about 80 in all, are
// the least.
func (c Code) PNG(size int) ([]byte, error) {
	q, err := symbol(c)
	if err != nil {
		return nil, err
	}
	modules := 17 + 4*q.VersionNumber + 2*4 // ISO/IEC 18004; with the quiet zone
	if least := 2 * modules; size < least || size > maxPixels {
		return nil, fmt.Errorf("device %s: %d pixels for a QR code of %d modules: want %d to %d", c.DevEUI, size, modules, least, maxPixels)
	}
	return q.PNG(-(size / modules)) // negative: pixels per module
}

// Terminal gives the QR code as lines of half blocks, about 20 lines of 40 characters with
// its quiet zone, each ended with "\n". It sets its colours by escape sequences (black on
// white of the 256 colours), because a code in the colours of a dark terminal is inverted,
// and many phones cannot read that.
func (c Code) Terminal() (string, error) {
	modules, err := bitmap(c)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for y := 0; y < len(modules); y += 2 {
		b.WriteString("\x1b[38;5;16;48;5;231m")
		for x, upper := range modules[y] {
			lower := y+1 < len(modules) && modules[y+1][x]
			switch {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String(), nil
}
