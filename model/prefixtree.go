package model

// PrefixTree is a batch of texts in which what they have in common at their beginning is there once. Attention is causal,
// so that a token's row follows from the tokens before it, whatever the text goes on with: prompts of one template share
// the rows of all that comes before the label.
type PrefixTree struct {
	Tokens  []Token  // each after the one before it in its text
	Ends    []uint32 // the rows of the texts' end tokens
	Longest int      // tokens of the longest text
}

// Token is a row of a PrefixTree.
type Token struct {
	ID       uint32
	Position uint32 // in its text, from 0 on
	Previous uint32 // the row of the token before it in its text; its own where it is the first
}

// Tree is a batch of the first of texts, as many as make no more than so many rows, but one at least. A text shares rows
// with the one before it, so texts that begin alike should be neighbours. What follows a text's end token is left out.
// The error is that of a text that the tower cannot take.
func (t *TextTower) Tree(texts [][]uint32, rows int) (*PrefixTree, error) {
	tree := &PrefixTree{}
	var path []uint32 // rows of the tokens of the text before
	for i, ids := range texts {
		if err := t.CheckIDs(ids); err != nil {
			return nil, err
		}
		ids = ids[:End(ids)+1]
		shared := 0
		for shared < min(len(ids), len(path)) && ids[shared] == tree.Tokens[path[shared]].ID {
			shared++
		}
		if i > 0 && max(len(tree.Tokens)+len(ids)-shared, len(tree.Ends)+1) > rows {
			break
		}
		path = path[:shared]
		for at := shared; at < len(ids); at++ {
			row := uint32(len(tree.Tokens))
			previous := row
			if at > 0 {
				previous = path[at-1]
			}
			tree.Tokens = append(tree.Tokens, Token{ids[at], uint32(at), previous})
			path = append(path, row)
		}
		tree.Ends = append(tree.Ends, path[len(path)-1])
		tree.Longest = max(tree.Longest, len(ids))
	}
	return tree, nil
}

// Pad makes the tree one of so many rows and texts, with texts of one token, whose embeddings mean nothing.
func (p *PrefixTree) Pad(rows, texts int) {
	for row := len(p.Tokens); row < rows; row++ {
		p.Tokens = append(p.Tokens, Token{Previous: uint32(row)})
	}
	for len(p.Ends) < texts {
		p.Ends = append(p.Ends, 0)
	}
}
