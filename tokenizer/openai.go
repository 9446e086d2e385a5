// The engine reads clipside's own form alone.

//go:build !engine

package tokenizer

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
)

const simpleFile = "bpe_simple_vocab_16e6.txt.gz"

// maxSimpleMerges is how many of the file's 262144 merges CLIP uses. With the 512 tokens of the bytes and the start and
// end tokens they make its 49408.
const maxSimpleMerges = 48894

// ParseSimpleVocab reads OpenAI's bpe_simple_vocab_16e6.txt.gz: gzipped text, a header line, then a merge a line,
// lowest rank first. The vocabulary follows from the merges: the 256 bytes, the same at a word's end, what each merge
// makes, the start token, the end token. Errors are of type *VocabError.
func ParseSimpleVocab(gz []byte) (*Tokenizer, error) {
	if err := checkSize(simpleFile, gz); err != nil {
		return nil, err
	}
	zr, err := gzip.NewReader(bytes.NewReader(gz))
	if err != nil {
		return nil, &VocabError{File: simpleFile, Problem: "not gzip", Err: err}
	}
	text, err := io.ReadAll(io.LimitReader(zr, maxFile+1))
	if err != nil {
		return nil, &VocabError{File: simpleFile, Problem: "decompressing", Err: err}
	}
	if err := checkSize(simpleFile, text); err != nil {
		return nil, err
	}
	lines := textLines(text)
	if len(lines) == 0 {
		return nil, &VocabError{File: simpleFile, Problem: "is empty"}
	}
	merges := mergeLines(simpleFile, lines[:min(len(lines), 1+maxSimpleMerges)], 1)

	tokens := make([]string, 0, 512+len(merges.pairs)+2)
	for _, suffix := range []string{"", endOfWord} {
		for _, b := range alphabetOrder {
			tokens = append(tokens, alphabet[b]+suffix)
		}
	}
	made := make(map[string]int, len(merges.pairs))
	for i, pair := range merges.pairs {
		token := strings.Replace(pair, " ", "", 1)
		if first, ok := made[token]; ok {
			return nil, &VocabError{File: simpleFile, Where: merges.where(i), Problem: fmt.Sprintf("makes token %.80q, as %s does", token, merges.where(first))}
		}
		made[token] = i
		tokens = append(tokens, token)
	}
	return build(simpleFile, append(tokens, StartToken, EndToken), merges)
}
