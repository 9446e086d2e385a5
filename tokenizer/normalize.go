package tokenizer

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// asciiSpace is where a text can be cut before it is normalised: no HTML entity spans it, nothing composes with
	// it, and lower-casing looks at nothing beyond it.
	asciiSpace = " \t\n\v\f\r"

	// separators are white space to Python's strip, but not to \s: trimmed from a text's ends, kept inside it.
	separators = "\x1c\x1d\x1e\x1f"
)

// fields yields text's stretches between white space, normalised. A field may hold further white space, made by
// entities or not ASCII. It reads no further than it is asked to.
func fields(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if strings.ContainsAny(text, separators) {
			// What counts as the text's end is known only after the whole of it is unescaped ("a\x1c&nbsp;").
			yield(strings.TrimFunc(normalize(text), func(r rune) bool {
				return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f'
			}))
			return
		}
		for {
			text = strings.TrimLeft(text, asciiSpace)
			if text == "" {
				return
			}
			n := strings.IndexAny(text, asciiSpace)
			if n < 0 {
				n = len(text)
			}
			if !yield(normalize(text[:n])) {
				return
			}
			text = text[n:]
		}
	}
}

// normalize unescapes HTML twice, composes and lower-cases. It leaves white space as it is: the pattern skips it.
func normalize(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = unescape(unescape(text))
	if isASCII(text) {
		return strings.ToLower(text)
	}
	return lower(compose(text))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// unescape is Python's html.unescape.
func unescape(s string) string {
	i := strings.Index(s, "&#")
	if i < 0 {
		return unescapeNamed(s)
	}
	var b strings.Builder
	for ; i >= 0; i = strings.Index(s, "&#") {
		b.WriteString(unescapeNamed(s[:i]))
		s = s[i:]
		code, n := numericEntity(s)
		switch {
		case n == 0:
			n = len("&#")
			b.WriteString(s[:n])
		case code == 0 || 0xd800 <= code && code <= 0xdfff || code > unicode.MaxRune:
			b.WriteRune(utf8.RuneError)
		case 0x80 <= code && code <= 0x9f:
			b.WriteRune(windows1252[code-0x80])
		case code < ' ' && code != '\t' && code != '\n' && code != '\f' && code != '\r',
			code == 0x7f, 0xfdd0 <= code && code <= 0xfdef, code&0xfffe == 0xfffe:
			// dropped
		default:
			b.WriteRune(rune(code))
		}
		s = s[n:]
	}
	b.WriteString(unescapeNamed(s))
	return b.String()
}

// numericEntity reads the numeric entity at the start of s, which starts with "&#". n is its length, 0 where there is
// none. A code beyond Unicode is given as some number beyond Unicode.
func numericEntity(s string) (code, n int) {
	base, digits := 10, 2
	if len(s) > digits && s[digits]|0x20 == 'x' {
		base, digits = 16, 3
	}
	for n = digits; n < len(s); n++ {
		d := int(s[n])
		switch {
		case '0' <= d && d <= '9':
			d -= '0'
		case base == 16 && 'a' <= d|0x20 && d|0x20 <= 'f':
			d = d | 0x20 - 'a' + 10
		default:
			d = -1
		}
		if d < 0 {
			break
		}
		code = min(code*base+d, unicode.MaxRune+1)
	}
	if n == digits {
		return 0, 0
	}
	if n < len(s) && s[n] == ';' {
		n++
	}
	return code, n
}

// lower is Python's str.lower. Unicode's full mapping to lower case is the simple one but for two characters: the
// capital sigma that ends a word, and İ, which becomes two.
func lower(s string) string {
	return strings.ToLower(strings.ReplaceAll(finalSigmas(s), "İ", "i\u0307"))
}

// finalSigmas replaces each capital sigma that ends a word by ς, under Unicode's condition Final_Sigma: a cased
// character before it and none after it, case-ignorable ones skipped on both sides.
func finalSigmas(s string) string {
	const sigma = "Σ"
	i := strings.Index(s, sigma)
	if i < 0 {
		return s
	}
	var b strings.Builder
	done := 0 // s[:done] is in b
	for i >= 0 {
		after := i + len(sigma)
		before := strings.TrimRightFunc(s[:i], caseIgnorable)
		r, _ := utf8.DecodeLastRuneInString(before)
		follow, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s[after:], caseIgnorable))
		if cased(r) && !cased(follow) {
			b.WriteString(s[done:i])
			b.WriteString("ς")
			done = after
		}
		if n := strings.Index(s[after:], sigma); n >= 0 {
			i = after + n
		} else {
			i = -1
		}
	}
	b.WriteString(s[done:])
	return b.String()
}

// cased is Unicode's property Cased.
func cased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// caseIgnorable is Unicode's property Case_Ignorable: categories, and the word-break classes MidLetter, MidNumLet and
// Single_Quote.
func caseIgnorable(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) ||
		strings.ContainsRune("'.:·\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a", r)
}
