// Package tokenizer turns text into token ids as CLIP does: byte-level byte pair encoding over normalised, lower-cased
// text. It has no vocabulary of its own; it reads a model's, in any of the forms that CLIP checkpoints come with.
//
// The way of a text:
//
//	HTML unescape, twice → NFC → white space to one space, trimmed → lower case → CLIP's pattern cuts it into words
//	→ each word's UTF-8 bytes are the first symbols, the last one marked </w> → merges, lowest rank first → ids
//
// Every step gives what the Python reference gives; where Go's own libraries differ from it, the step's comment says
// so.
package tokenizer

import (
	"fmt"
	"strings"
	"sync"
)

// Names of the tokens that open and close every sequence. Inside a text they stand for the same ids.
const (
	StartToken = "<|startoftext|>"
	EndToken   = "<|endoftext|>"
)

// endOfWord marks a token that ends a word.
const endOfWord = "</w>"

// Tokenizer is one model's vocabulary and merges. It is safe for concurrent use.
type Tokenizer struct {
	tokens     []string // by id
	start, end uint32

	// first[b] and last[b] are the ids of byte b inside a word and at its end.
	first, last [256]uint32

	merges []merge           // by rank; a lower rank merges earlier
	ranks  map[uint64]uint32 // pairKey(left, right) → rank

	mu    sync.Mutex
	words map[string][]uint32 // ids of words seen; the slices are never written to
}

// merge joins two neighbouring symbols into one. All three are ids.
type merge struct{ left, right, joined uint32 }

func pairKey(left, right uint32) uint64 { return uint64(left)<<32 | uint64(right) }

// Bounds on the word cache: at most maxCachedWords × maxCachedWord bytes of keys, and as many ids.
const (
	maxCachedWords = 4096
	maxCachedWord  = 64 // bytes; longer words are rare and not kept
)

// VocabSize is the number of ids; every id is below it.
func (t *Tokenizer) VocabSize() int { return len(t.tokens) }

// Start is the id of StartToken.
func (t *Tokenizer) Start() uint32 { return t.start }

// End is the id of EndToken.
func (t *Tokenizer) End() uint32 { return t.end }

// Highest is the highest id that Encode can give. A vocabulary may have higher ones, which no text comes to.
func (t *Tokenizer) Highest() uint32 {
	highest := max(t.start, t.end)
	for b := range 256 {
		highest = max(highest, t.first[b], t.last[b])
	}
	for _, m := range t.merges {
		highest = max(highest, m.joined)
	}
	return highest
}

// Encode returns text's ids between the start and the end token, without padding, at most context of them. truncated
// reports whether tokens were left out to keep to context; the end token never is. Bytes that are not UTF-8 count as
// U+FFFD. It panics when context is less than 2, which holds no text at all.
//
// The work is bounded by what is kept: fields after the last one needed are not looked at, beyond finding that there
// is one. A single word is always merged whole, in O(n log n) for n bytes.
func (t *Tokenizer) Encode(text string, context int) (ids []uint32, truncated bool) {
	if context < 2 {
		panic(fmt.Sprintf("tokenizer: context is %d, must hold a start and an end token", context))
	}
	ids = append(make([]uint32, 0, min(context, 80)), t.start)
	for field := range fields(text) {
		for word := range words(field) {
			piece := t.encodeWord(word)
			if room := context - 1 - len(ids); len(piece) > room {
				ids = append(ids, piece[:room]...)
				return append(ids, t.end), true
			}
			ids = append(ids, piece...)
		}
	}
	return append(ids, t.end), false
}

// encodeWord returns the ids of one match of CLIP's pattern: at least one. The caller must not write to them.
func (t *Tokenizer) encodeWord(word string) []uint32 {
	switch word {
	case StartToken:
		return []uint32{t.start}
	case EndToken:
		return []uint32{t.end}
	}
	if len(word) > maxCachedWord {
		return t.mergeWord(word)
	}
	t.mu.Lock()
	ids, ok := t.words[word]
	t.mu.Unlock()
	if ok {
		return ids
	}
	ids = t.mergeWord(word)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.words) >= maxCachedWords {
		clear(t.words)
	}
	t.words[strings.Clone(word)] = ids // a clone, so that the cache does not hold the whole text
	return ids
}

// Decode returns the text that ids stand for, as far as it survives encoding: lower-cased, a space after every word,
// start and end tokens by their names. An id outside the vocabulary, or bytes that are not UTF-8, give U+FFFD.
func (t *Tokenizer) Decode(ids []uint32) string {
	var b strings.Builder
	for _, id := range ids {
		switch {
		case int64(id) >= int64(len(t.tokens)):
			b.WriteString("\uFFFD")
		case id == t.start || id == t.end:
			b.WriteString(t.tokens[id])
		default:
			token, ends := strings.CutSuffix(t.tokens[id], endOfWord)
			for _, r := range token {
				if c, ok := alphabetByte[r]; ok {
					b.WriteByte(c)
				} else {
					b.WriteRune(r)
				}
			}
			if ends {
				b.WriteByte(' ')
			}
		}
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}
