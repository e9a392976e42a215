package tickets

import (
	"fmt"
	"strings"
)

// meant names the word that was probably meant by one that is not known, as the end of a
// sentence; "" where none is like it.
func meant(word string, known []string) string {
	typed := []rune(strings.ToLower(word))
	if len(typed) > 64 {
		return "" // no slip of the pen
	}
	best, least := "", min(3+len(typed)/8, len(typed))
	for _, k := range known {
		if d := distance(typed, []rune(strings.ToLower(k))); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is how many letters must be put in, taken out or replaced to make one word of
// the other (Levenshtein).
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		corner := row[0]
		row[0] = i + 1
		for j := range b {
			d := corner
			if a[i] != b[j] {
				d = 1 + min(corner, row[j], row[j+1])
			}
			corner, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
