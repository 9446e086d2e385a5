package tokenizer

import (
	"fmt"
	"strings"
)

// Bounds on a vocabulary from an untrusted source. CLIP's own has 49408 tokens of at most some 70 bytes, in files of
// up to 4 MB.
const (
	maxFile     = 32 << 20 // bytes, after decompression
	maxVocab    = 1 << 20  // tokens; as many merges
	maxTokenLen = 1024     // bytes
)

// VocabError says what is wrong with a vocabulary and where.
type VocabError struct {
	File    string // such as "vocab.json"
	Where   string // such as "line 12" or "id 49406"; empty where the whole file is meant
	Problem string
	Err     error // the decoder's error, if one was the cause
}

func (e *VocabError) Error() string {
	var b strings.Builder
	b.WriteString("tokenizer: " + e.File)
	if e.Where != "" {
		b.WriteString(": " + e.Where)
	}
	if e.Problem != "" {
		b.WriteString(": " + e.Problem)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *VocabError) Unwrap() error { return e.Err }

// mergeList is merges in rank order, each "left right", and where each was found.
type mergeList struct {
	file  string
	pairs []string
	where func(rank int) string
}

// build makes a tokenizer of tokens in id order. It checks everything that encoding relies on: that every byte has its
// two tokens, that the start and end tokens are there, and that merges join tokens into tokens.
func build(file string, tokens []string, merges mergeList) (*Tokenizer, error) {
	if len(tokens) > maxVocab {
		return nil, &VocabError{File: file, Problem: fmt.Sprintf("%d tokens, at most %d", len(tokens), maxVocab)}
	}
	if len(merges.pairs) > maxVocab {
		return nil, &VocabError{File: merges.file, Problem: fmt.Sprintf("%d merges, at most %d", len(merges.pairs), maxVocab)}
	}
	ids := make(map[string]uint32, len(tokens))
	for i, token := range tokens {
		where := fmt.Sprintf("id %d", i)
		if token == "" || len(token) > maxTokenLen {
			return nil, &VocabError{File: file, Where: where, Problem: fmt.Sprintf("token of %d bytes, must be 1 to %d", len(token), maxTokenLen)}
		}
		if other, ok := ids[token]; ok {
			return nil, &VocabError{File: file, Where: where, Problem: fmt.Sprintf("token %q is id %d already", token, other)}
		}
		ids[token] = uint32(i)
	}

	t := &Tokenizer{
		tokens: tokens,
		merges: make([]merge, len(merges.pairs)),
		ranks:  make(map[uint64]uint32, len(merges.pairs)),
		words:  make(map[string][]uint32),
	}
	var missing error
	need := func(token string) uint32 {
		id, ok := ids[token]
		if !ok && missing == nil {
			missing = &VocabError{File: file, Problem: fmt.Sprintf("token %q is missing", token)}
		}
		return id
	}
	t.start, t.end = need(StartToken), need(EndToken)
	for b := range 256 {
		t.first[b], t.last[b] = need(alphabet[b]), need(alphabet[b]+endOfWord)
	}
	if missing != nil {
		return nil, missing
	}

	for rank, pair := range merges.pairs {
		fail := func(format string, args ...any) error {
			return &VocabError{File: merges.file, Where: merges.where(rank), Problem: fmt.Sprintf(format, args...)}
		}
		left, right, ok := strings.Cut(pair, " ")
		if !ok || left == "" || right == "" || strings.Contains(right, " ") {
			return nil, fail("%.80q is not two tokens with a space between", pair)
		}
		var m merge
		for _, part := range []struct {
			id    *uint32
			token string
		}{{&m.left, left}, {&m.right, right}, {&m.joined, left + right}} {
			if *part.id, ok = ids[part.token]; !ok {
				return nil, fail("names token %.80q, which is not in the vocabulary", part.token)
			}
		}
		key := pairKey(m.left, m.right)
		if other, ok := t.ranks[key]; ok {
			return nil, fail("merges %q again, as %s does", pair, merges.where(int(other)))
		}
		t.merges[rank], t.ranks[key] = m, uint32(rank)
	}
	return t, nil
}

func checkSize(file string, data []byte) error {
	if len(data) > maxFile {
		return &VocabError{File: file, Problem: fmt.Sprintf("%d bytes, at most %d", len(data), maxFile)}
	}
	return nil
}
