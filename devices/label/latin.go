package label

import (
	"fmt"
	"strings"
	"unicode"
)

// The fonts every PDF reader has know the characters of Windows-1252: all of German and
// western Europe, and no ł or č. A font with those would be a file of half a megabyte in the
// program, so a name with one is refused, not spelled wrong.

// above7F are the characters of Windows-1252 from 0x80 to 0x9F; zero where there is none.
const above7F = "€\x00‚ƒ„…†‡ˆ‰Š‹Œ\x00Ž\x00\x00‘’“”•–—˜™š›œ\x00žŸ"

// latin turns a text into Windows-1252 on one line: line breaks and runs of spaces become one
// space, and umlauts written as two characters (as macOS does) one.
func latin(s string) (string, error) {
	s = strings.NewReplacer("a\u0308", "ä", "o\u0308", "ö", "u\u0308", "ü",
		"A\u0308", "Ä", "O\u0308", "Ö", "U\u0308", "Ü").Replace(s)
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(s), " ") {
		c, ok := windows1252(r)
		if !ok {
			return "", fmt.Errorf("has the character %q (%U), which the font of labels lacks: write it with letters of western Europe", r, r)
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

func windows1252(r rune) (byte, bool) {
	switch {
	case unicode.IsControl(r) || r == unicode.ReplacementChar:
		return 0, false
	case r < 0x80 || 0xa0 <= r && r <= 0xff:
		return byte(r), true
	}
	c := byte(0x80)
	for _, known := range above7F {
		if known == r {
			return c, true
		}
		c++
	}
	return 0, false
}
