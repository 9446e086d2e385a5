package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progressLine is a line on a terminal that says how far something is. Where stderr is no terminal it says nothing.
type progressLine struct {
	w     io.Writer // nil: say nothing
	last  time.Time
	shown bool
}

func newProgressLine(w io.Writer) *progressLine {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &progressLine{w: w}
		}
	}
	return &progressLine{}
}

// update shows done of total bytes, at most ten times a second. An unknown total is 0.
func (p *progressLine) update(what string, done, total int64) {
	if p.w == nil || time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.last, p.shown = time.Now(), true
	if total > 0 {
		fmt.Fprintf(p.w, "\r\x1b[K%s: %s of %s, %d%%", what, formatBytes(done), formatBytes(total), 100*done/total)
	} else {
		fmt.Fprintf(p.w, "\r\x1b[K%s: %s", what, formatBytes(done))
	}
}

// clear takes the line away.
func (p *progressLine) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
