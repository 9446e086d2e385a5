// The engine only reads.

//go:build !engine

package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// MarshalJSON writes the tokenizer in the form that Parse reads. Equal tokenizers give equal bytes.
func (t *Tokenizer) MarshalJSON() ([]byte, error) {
	n := normalized{Vocab: t.tokens, Merges: make([]string, len(t.merges)), Start: &t.start, End: &t.end}
	for rank, m := range t.merges {
		n.Merges[rank] = t.tokens[m.left] + " " + t.tokens[m.right]
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // every second token holds a < and a >
	if err := enc.Encode(n); err != nil {
		return nil, fmt.Errorf("tokenizer: writing JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
