// Package typo guesses which of some known words was meant by one that is not among them.
//
// It does not know what the words are for.
package typo

import (
	"fmt"
	"strings"
)

// longest bounds the words that are looked at, in runes: a longer one is no slip of the pen,
// and comparing it would take long.
const longest = 64

// Meant is the end of a message about a word that is not known: "; did you mean …?" with the
// known word that looks most like it, the first of several; "" where none does. Large and
// small letters look alike.
func Meant(word string, known []string) string {
	typed := []rune(strings.ToLower(word))
	if len(typed) > longest {
		return ""
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
