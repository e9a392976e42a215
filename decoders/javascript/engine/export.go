package engine

import "regexp"

// withoutExport blanks the word "export" where it leads a line, and whole lists of exports.
// What follows keeps its line and column.
func withoutExport(source string) string {
	blank := func(s string) string {
		b := []byte(s)
		for i := range b {
			if b[i] != '\n' {
				b[i] = ' '
			}
		}
		return string(b)
	}
	source = regexp.MustCompile(`(?m)^[ \t]*export[ \t]*\{[^}]*\}[ \t]*;?`).ReplaceAllStringFunc(source, blank)
	return regexp.MustCompile(`(?m)^[ \t]*export[ \t]+(default[ \t]+)?`).ReplaceAllStringFunc(source, blank)
}
