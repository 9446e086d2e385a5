// The engine reads clipside's own form alone.

//go:build !engine

package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Hugging Face's file names.
const (
	vocabFile  = "vocab.json"
	mergesFile = "merges.txt"
	fastFile   = "tokenizer.json"
)

// ParseVocabMerges reads Hugging Face's vocab.json (token → id) and merges.txt (a merge a line, lowest rank first,
// after a "#version" line). The ids must be 0 to n−1, in any order. Errors are of type *VocabError.
func ParseVocabMerges(vocab, merges []byte) (*Tokenizer, error) {
	if err := checkSize(vocabFile, vocab); err != nil {
		return nil, err
	}
	if err := checkSize(mergesFile, merges); err != nil {
		return nil, err
	}
	entries, err := vocabEntries(vocabFile, vocab)
	if err != nil {
		return nil, err
	}
	tokens, err := inOrder(vocabFile, entries)
	if err != nil {
		return nil, err
	}
	lines := textLines(merges)
	header := 0
	if len(lines) > 0 && strings.HasPrefix(lines[0], "#version") {
		header = 1
	}
	return build(vocabFile, tokens, mergeLines(mergesFile, lines, header))
}

// ParseTokenizerJSON reads Hugging Face's tokenizer.json. Its model must be byte-level BPE as CLIP has it: words end
// in </w>, nothing else is added to tokens, merges are not skipped. What the file says of normalisation and of
// splitting is not followed: those are CLIP's. Of the added tokens only the start and the end token are looked for in
// a text; the others just have their ids. Errors are of type *VocabError.
func ParseTokenizerJSON(data []byte) (*Tokenizer, error) {
	if err := checkSize(fastFile, data); err != nil {
		return nil, err
	}
	var file struct {
		AddedTokens []struct {
			ID      *uint32 `json:"id"`
			Content string  `json:"content"`
		} `json:"added_tokens"`
		Model struct {
			Type                    string          `json:"type"`
			Dropout                 float64         `json:"dropout"`
			ContinuingSubwordPrefix string          `json:"continuing_subword_prefix"`
			EndOfWordSuffix         string          `json:"end_of_word_suffix"`
			ByteFallback            bool            `json:"byte_fallback"`
			IgnoreMerges            bool            `json:"ignore_merges"`
			Vocab                   json.RawMessage `json:"vocab"`
			Merges                  []fastMerge     `json:"merges"`
		} `json:"model"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, &VocabError{File: fastFile, Problem: "not as expected", Err: err}
	}
	m := &file.Model
	for _, check := range []struct {
		ok             bool
		field, problem string
	}{
		{m.Type == "BPE" || m.Type == "", "type", fmt.Sprintf("is %q, only \"BPE\" is supported", m.Type)},
		{m.EndOfWordSuffix == endOfWord, "end_of_word_suffix", fmt.Sprintf("is %q, CLIP's is %q", m.EndOfWordSuffix, endOfWord)},
		{m.ContinuingSubwordPrefix == "", "continuing_subword_prefix", fmt.Sprintf("is %q, CLIP has none", m.ContinuingSubwordPrefix)},
		{m.Dropout == 0, "dropout", fmt.Sprintf("is %v, must be none", m.Dropout)},
		{!m.ByteFallback, "byte_fallback", "is not supported"},
		{!m.IgnoreMerges, "ignore_merges", "is not supported"},
		{m.Vocab != nil, "vocab", "is missing"},
	} {
		if !check.ok {
			return nil, &VocabError{File: fastFile, Where: "model." + check.field, Problem: check.problem}
		}
	}

	entries, err := vocabEntries(fastFile, m.Vocab)
	if err != nil {
		return nil, err
	}
	known := make(map[entry]bool, len(entries))
	for _, e := range entries {
		known[e] = true
	}
	for i, added := range file.AddedTokens {
		if added.ID == nil {
			return nil, &VocabError{File: fastFile, Where: fmt.Sprintf("added_tokens[%d]", i), Problem: "has no id"}
		}
		// An added token mostly is in the vocabulary too. If it is under another id, inOrder or build refuses it.
		if e := (entry{added.Content, *added.ID}); !known[e] {
			entries, known[e] = append(entries, e), true
		}
	}
	tokens, err := inOrder(fastFile, entries)
	if err != nil {
		return nil, err
	}
	pairs := make([]string, len(m.Merges))
	for i, pair := range m.Merges {
		pairs[i] = string(pair)
	}
	return build(fastFile, tokens, mergeList{fastFile, pairs, func(i int) string { return fmt.Sprintf("model.merges[%d]", i) }})
}

// fastMerge is a merge as "left right". Older files write it so, newer ones as ["left", "right"].
type fastMerge string

func (m *fastMerge) UnmarshalJSON(data []byte) error {
	if data[0] != '[' {
		return json.Unmarshal(data, (*string)(m))
	}
	var pair []string
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("a merge of %d tokens, must be 2", len(pair))
	}
	*m = fastMerge(pair[0] + " " + pair[1]) // build refuses tokens that hold a space
	return nil
}

// entry is a vocabulary's token with its id.
type entry struct {
	token string
	id    uint32
}

// vocabEntries reads a JSON object of ids by token. It goes through the object itself, not through a map, so that a
// token given twice is seen (by inOrder or build).
func vocabEntries(file string, data []byte) ([]entry, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	fail := func(problem string, err error) ([]entry, error) {
		return nil, &VocabError{File: file, Where: fmt.Sprintf("vocabulary, byte %d", dec.InputOffset()), Problem: problem, Err: err}
	}
	open, err := dec.Token()
	if err != nil {
		return fail("not JSON", err)
	}
	if open != json.Delim('{') {
		return fail("not an object of ids by token", nil)
	}
	var entries []entry
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fail("not JSON", err)
		}
		value, err := dec.Token()
		if err != nil {
			return fail("not JSON", err)
		}
		number, ok := value.(json.Number)
		if !ok {
			return fail(fmt.Sprintf("the id of %.80q is not a number", key), nil)
		}
		id, err := strconv.ParseUint(string(number), 10, 32)
		if err != nil {
			return fail(fmt.Sprintf("the id of %.80q is not a whole number", key), err)
		}
		entries = append(entries, entry{key.(string), uint32(id)})
	}
	if _, err := dec.Token(); err != nil {
		return fail("not JSON", err)
	}
	if dec.More() {
		return fail("more follows the object", nil)
	}
	return entries, nil
}

// inOrder lists the tokens by id. The ids must be 0 to n−1, each once.
func inOrder(file string, entries []entry) ([]string, error) {
	tokens := make([]string, len(entries))
	taken := make([]bool, len(entries))
	for _, e := range entries {
		where := fmt.Sprintf("id %d", e.id)
		if int64(e.id) >= int64(len(entries)) {
			return nil, &VocabError{File: file, Where: where, Problem: fmt.Sprintf("of token %.80q is too high for %d tokens: some id below it is missing", e.token, len(entries))}
		}
		if taken[e.id] {
			return nil, &VocabError{File: file, Where: where, Problem: fmt.Sprintf("is given to %.80q and to %.80q", tokens[e.id], e.token)}
		}
		tokens[e.id], taken[e.id] = e.token, true
	}
	return tokens, nil
}

// textLines splits text at line ends, \n or \r\n; a last line without one counts, if it is not empty.
func textLines(data []byte) []string {
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return lines
}

// mergeLines is the merges of lines after a header of so many lines.
func mergeLines(file string, lines []string, header int) mergeList {
	return mergeList{file, lines[header:], func(i int) string { return fmt.Sprintf("line %d", i+header+1) }}
}
