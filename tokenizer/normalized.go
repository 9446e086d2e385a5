package tokenizer

import (
	"fmt"

	"github.com/clipside/clipside/internal/smalljson"
)

// normalizedFile names clipside's own form in errors.
const normalizedFile = "tokenizer"

// normalized is clipside's own form of a tokenizer, which says everything and nothing twice.
type normalized struct {
	Vocab  []string `json:"vocab"`  // tokens in id order
	Merges []string `json:"merges"` // "left right", in rank order
	Start  *uint32  `json:"start"`  // id of StartToken
	End    *uint32  `json:"end"`    // id of EndToken
}

// Parse reads what MarshalJSON wrote, whatever form the tokenizer was first read from:
//
//	{"vocab":[token, …],"merges":["left right", …],"start":id,"end":id}
//
// Fields that it does not know are refused. Errors are of type *VocabError.
func Parse(data []byte) (*Tokenizer, error) {
	if err := checkSize(normalizedFile, data); err != nil {
		return nil, err
	}
	var n normalized
	if err := smalljson.UnmarshalStrict(data, &n); err != nil {
		return nil, &VocabError{File: normalizedFile, Problem: "not as expected", Err: err}
	}
	t, err := build(normalizedFile, n.Vocab, mergeList{normalizedFile, n.Merges, func(i int) string { return fmt.Sprintf("merges[%d]", i) }})
	if err != nil {
		return nil, err
	}
	for _, special := range []struct {
		field string
		given *uint32
		id    uint32
	}{{"start", n.Start, t.start}, {"end", n.End, t.end}} {
		if special.given == nil || *special.given != special.id {
			return nil, &VocabError{File: normalizedFile, Where: special.field, Problem: fmt.Sprintf("must be %d, the id of %q", special.id, t.tokens[special.id])}
		}
	}
	return t, nil
}
