package javascript

import (
	"strings"
	"sync"
	"unicode"
)

// words keeps the beginning of what a worker writes to standard error.
type words struct {
	mu   sync.Mutex
	text []byte
}

// Write keeps what there is room for, and never fails: a worker must not hang on it.
func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, b[:min(len(b), 2048-len(w.text))]...)
	return len(b), nil
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.text)
}

// clip makes a stranger's text fit for logs and messages: one line of printable characters,
// at most limit bytes.
func clip(s string, limit int) string {
	cut := len(s) > limit
	if cut {
		s = s[:limit]
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if cut {
		s += " …"
	}
	return strings.TrimSpace(s)
}
