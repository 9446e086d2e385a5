package tokenizer

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// literals are the alternatives of CLIP's pattern that come before its classes, in its order.
var literals = [...]string{StartToken, EndToken, "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}

// words yields the matches of CLIP's pattern in lower-cased text:
//
//	<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
//
// White space is Unicode's White_Space there, as in unicode.IsSpace. No match holds any.
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			text = strings.TrimLeftFunc(text, unmatched)
			if text == "" {
				return
			}
			n := wordLen(text)
			if !yield(text[:n]) {
				return
			}
			text = text[n:]
		}
	}
}

// unmatched reports whether no alternative matches r: white space, and the iota subscript U+0345. Because the pattern
// ignores case, [^…\p{L}…] excludes that mark with the letter ι that it folds to, yet \p{L} does not include it.
func unmatched(r rune) bool { return unicode.IsSpace(r) || r == '\u0345' }

// wordLen is the length of the match at the start of text, which is not empty and starts with nothing unmatched.
func wordLen(text string) int {
	for _, literal := range literals {
		if n := foldedPrefix(text, literal); n > 0 {
			return n
		}
	}
	r, n := utf8.DecodeRuneInString(text)
	if unicode.IsNumber(r) {
		return n
	}
	isLetter := unicode.IsLetter(r)
	for n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		if unicode.IsLetter(r) != isLetter || unicode.IsNumber(r) || unmatched(r) {
			break
		}
		n += size
	}
	return n
}

// foldedPrefix is the length of what literal matches at the start of text, 0 for no match. The pattern ignores case,
// and after lower-casing one character is left for which that matters: ſ (U+017F) matches s.
func foldedPrefix(text, literal string) int {
	n := 0
	for i := range len(literal) {
		switch {
		case n < len(text) && text[n] == literal[i]:
			n++
		case literal[i] == 's' && strings.HasPrefix(text[n:], "ſ"):
			n += len("ſ")
		default:
			return 0
		}
	}
	return n
}
