//go:build !js

package tokenizer

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// graphemeJoiner is what package norm puts after every 30 combining marks in a row (UAX #15's stream-safe format), to
// bound its memory. NFC itself does not.
const graphemeJoiner = "\u034f"

// compose is NFC.
func compose(s string) string {
	nfc := norm.NFC.String(s)
	if !strings.Contains(nfc, graphemeJoiner) {
		return nfc
	}
	return composeUnbounded(s)
}

// composeUnbounded is NFC for any number of combining marks in a row: UAX #15's algorithm, with the decompositions,
// classes and compositions of pairs from package norm.
func composeUnbounded(s string) string {
	type char struct {
		r     rune
		class uint8 // canonical combining class
	}
	class := func(r rune) uint8 { return norm.NFD.PropertiesString(string(r)).CCC() }

	var chars []char
	for _, r := range s {
		if d := norm.NFD.PropertiesString(string(r)).Decomposition(); d != nil {
			for _, r := range string(d) {
				chars = append(chars, char{r, class(r)})
			}
		} else {
			chars = append(chars, char{r, class(r)}) // Hangul syllables too, already composed
		}
	}
	for i := 0; i < len(chars); {
		if chars[i].class == 0 {
			i++
			continue
		}
		marks := i
		for i < len(chars) && chars[i].class != 0 {
			i++
		}
		slices.SortStableFunc(chars[marks:i], func(a, b char) int { return int(a.class) - int(b.class) })
	}

	out := chars[:0]
	starter := -1 // index in out of the last character of class 0
	for _, c := range chars {
		if starter >= 0 {
			// c reaches the starter unless something of class 0 or of no lower a class stands between.
			if last := out[len(out)-1]; starter == len(out)-1 || last.class < c.class {
				pair := []rune(norm.NFC.String(string([]rune{out[starter].r, c.r})))
				if len(pair) == 1 {
					out[starter].r = pair[0]
					continue
				}
			}
		}
		if c.class == 0 {
			starter = len(out)
		}
		out = append(out, c)
	}
	var b strings.Builder
	for _, c := range out {
		b.WriteRune(c.r)
	}
	return b.String()
}
