package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// bar shows people how far long work has come; machines get nothing.
type bar struct {
	to    io.Writer // nil: nobody looks
	drawn time.Time
	width int // of what was written last
}

func newBar(to io.Writer) *bar {
	if !isTerminal(to) {
		return &bar{}
	}
	return &bar{to: to}
}

// show draws the bar, at most ten times a second. done is a share, negative where there is
// no end.
func (b *bar) show(done float64, text string) {
	if b.to == nil || time.Since(b.drawn) < 100*time.Millisecond {
		return
	}
	b.drawn = time.Now()
	if done >= 0 {
		const cells = 30
		full := int(cells * min(done, 1))
		text = fmt.Sprintf("[%s%s] %3.0f %%  %s", strings.Repeat("#", full), strings.Repeat(".", cells-full), 100*min(done, 1), text)
	}
	pad := max(0, b.width-len(text))
	b.width = len(text)
	fmt.Fprintf(b.to, "\r%s%s", text, strings.Repeat(" ", pad))
}

// end leaves the line.
func (b *bar) end() {
	if b.width > 0 {
		fmt.Fprintln(b.to)
		b.width = 0
	}
}
