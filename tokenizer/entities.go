package tokenizer

import (
	_ "embed"
	"strings"
	"sync"
)

// entityList has HTML's named entities, a line each: the name, then ; or, where it also counts without a semicolon, &,
// then what it stands for; nothing is a line feed. Package html has the same but for two, in maps, whose initialisation is
// twice as much for a browser to download.
//
//go:embed entities.txt
var entityList string

// entities are what names stand for, with their semicolon and, where it may be left out, without.
var entities = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSuffix(entityList, "\n"), "\n") {
		n := strings.IndexAny(line, ";&")
		name, text := line[:n], line[n+1:]
		if text == "" {
			text = "\n"
		}
		all[name+";"] = text
		if line[n] == '&' {
			all[name] = text
		}
	}
	return all
})

// longestBare is the longest name that counts without a semicolon.
const longestBare = 6

// windows1252 is what numeric entities from 128 to 159 stand for.
var windows1252 = [32]rune([]rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"))

// unescapeNamed replaces named entities; without its semicolon one counts even inside a word ("&notit;" is "¬it;").
func unescapeNamed(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "&")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		text, n := namedEntity(after)
		if n == 0 {
			text = "&"
		}
		b.WriteString(text)
		s = after[n:]
	}
}

// namedEntity reads the entity that s, which follows a &, begins with: as much as possible, else the longest name that
// counts without a semicolon. n is its length, 0 where there is none.
func namedEntity(s string) (text string, n int) {
	for n < len(s) && isAlphanumeric(s[n]) {
		n++
	}
	if n < len(s) && s[n] == ';' {
		n++
	}
	if text, ok := entities()[s[:n]]; ok {
		return text, n
	}
	for n = min(n, longestBare); n > 1; n-- {
		if text, ok := entities()[s[:n]]; ok {
			return text, n
		}
	}
	return "", 0
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
}
