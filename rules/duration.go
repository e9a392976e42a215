package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// longest is the longest span a rule may ask for. A city that waits for more than a year
// has mistyped.
const longest = 366 * 24 * time.Hour

// parseSpan reads whole numbers with units, biggest unit first: "30m", "1d12h", "0s".
func parseSpan(text string) (time.Duration, error) {
	units := []struct {
		letter byte
		length time.Duration
	}{{'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}

	var span time.Duration
	rest := strings.TrimSpace(text)
	for begin := true; begin || rest != ""; begin = false {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%.40q is not a span of time: want whole numbers with s, m, h or d, like 30m or 1d12h", text)
		}
		rest = rest[len(digits):]
		if rest == "" {
			return 0, fmt.Errorf("%.40q has no unit: want s, m, h or d, like %dm", text, n)
		}
		for len(units) > 0 && units[0].letter != rest[0] {
			units = units[1:]
		}
		if len(units) == 0 {
			return 0, fmt.Errorf("%.40q is not a span of time: want whole numbers with s, m, h or d, biggest first, like 30m or 1d12h", text)
		}
		span += time.Duration(min(n, uint64(longest/units[0].length)+1)) * units[0].length
		units, rest = units[1:], rest[1:]
	}
	if span > longest {
		return 0, fmt.Errorf("%.40q is too long: want 366d at most", text)
	}
	return span, nil
}
