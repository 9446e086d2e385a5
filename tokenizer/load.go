// The engine reads clipside's own form alone.

//go:build !engine

package tokenizer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Load reads the vocabulary of the checkpoint in fsys's root: vocab.json with merges.txt, else tokenizer.json, else
// bpe_simple_vocab_16e6.txt.gz. With none of them the error wraps fs.ErrNotExist; a vocabulary that is there and
// wrong is a *VocabError.
func Load(fsys fs.FS) (*Tokenizer, error) {
	for _, form := range []struct {
		files []string
		parse func(files [][]byte) (*Tokenizer, error)
	}{
		{[]string{vocabFile, mergesFile}, func(f [][]byte) (*Tokenizer, error) { return ParseVocabMerges(f[0], f[1]) }},
		{[]string{fastFile}, func(f [][]byte) (*Tokenizer, error) { return ParseTokenizerJSON(f[0]) }},
		{[]string{simpleFile}, func(f [][]byte) (*Tokenizer, error) { return ParseSimpleVocab(f[0]) }},
	} {
		contents, err := readFiles(fsys, form.files)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return form.parse(contents)
	}
	return nil, fmt.Errorf("tokenizer: no vocabulary (%s with %s, %s or %s): %w", vocabFile, mergesFile, fastFile, simpleFile, fs.ErrNotExist)
}

// readFiles reads all of names, each no further than one byte past maxFile, which the parsers then refuse.
func readFiles(fsys fs.FS, names []string) ([][]byte, error) {
	contents := make([][]byte, len(names))
	for i, name := range names {
		f, err := fsys.Open(name)
		if err != nil {
			return nil, fmt.Errorf("tokenizer: opening vocabulary: %w", err)
		}
		contents[i], err = io.ReadAll(io.LimitReader(f, maxFile+1))
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("tokenizer: reading %s: %w", name, err)
		}
	}
	return contents, nil
}
