package rules

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// problems gathers everything that is wrong with one file.
type problems struct {
	file string
	list []problem
}

type problem struct {
	line int
	err  error
}

func (p *problems) add(line int, format string, args ...any) {
	text := fmt.Errorf(format, args...)
	p.list = append(p.list, problem{line, fmt.Errorf("%s:%d: %w", p.file, line, text)})
}

// join makes one error of all problems, in the order of the file; nil if there is none.
func (p *problems) join() error {
	slices.SortStableFunc(p.list, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	errs := make([]error, len(p.list))
	for i := range p.list {
		errs[i] = p.list[i].err
	}
	return errors.Join(errs...)
}

// meant is the end of a message about a word that is not among the allowed ones: the
// allowed word that looks most like it, if one does.
func meant(word string, allowed []string) string {
	// A word this long is no slip of the pen, and comparing it would take long.
	const longestWord = 64
	typed := []rune(word)
	if len(typed) > longestWord {
		return ""
	}
	best, bestDistance := "", min(3+len(typed)/8, len(typed))
	for _, a := range allowed {
		if d := distance(typed, []rune(a)); d < bestDistance {
			best, bestDistance = a, d
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
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
