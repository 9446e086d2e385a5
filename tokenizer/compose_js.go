package tokenizer

import (
	"strings"
	"syscall/js"
	"unicode"
	"unicode/utf8"
)

var normalizeString = js.Global().Get("String").Get("prototype").Get("normalize")

// maxComposed is how many bytes are composed at once. Engines take quadratic time for combining marks in a row.
const maxComposed = 1 << 14

// compose is NFC, which JavaScript knows: its tables would be the largest part of this package. The text must be valid
// UTF-8. Of combining marks in a row, no more than maxComposed bytes change places.
func compose(s string) string {
	var b strings.Builder
	for s != "" {
		n := composable(s)
		// A line end composes with nothing, and keeps JavaScript from dropping a byte order mark as a text's first.
		b.WriteString(normalizeString.Call("call", "\n"+s[:n], "NFC").String()[1:])
		s = s[n:]
	}
	return b.String()
}

// composable is how much of s to compose at once: up to a character that does not compose with what is before it.
func composable(s string) int {
	if len(s) <= maxComposed {
		return len(s)
	}
	last := 0 // of the characters' starts
	for i := maxComposed; i > 0; i-- {
		if !utf8.RuneStart(s[i]) {
			continue
		}
		last = max(last, i)
		r, _ := utf8.DecodeRuneInString(s[i:])
		if jamo := 0x1160 <= r && r <= 0x11ff; !jamo && !unicode.Is(unicode.M, r) {
			return i
		}
	}
	return last
}
