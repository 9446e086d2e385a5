package model

import "fmt"

// TextTower is CLIP's text encoder (Radford et al. 2021, section 2.4): a causal transformer whose embedding is read
// at the end token.
type TextTower struct {
	Config TextConfig

	tokens, positions *Param
	blocks            []block
	final             Norm
	projection        *Param
}

// NewTextTower declares the tower's parameters in the order of their first use.
func NewTextTower(c *Config, p Declare) *TextTower {
	t := c.Text
	return &TextTower{
		Config:     t,
		tokens:     p("text.token_embedding", t.Vocab, t.Width),
		positions:  p("text.position_embedding", t.Context, t.Width),
		blocks:     declareBlocks(p, "text", t.Layers, t.Width, t.MLP, t.Activation, t.Eps),
		final:      declareNorm(p, "text.ln_final", t.Width, t.Eps),
		projection: p("text.projection.weight", c.EmbedDim, t.Width),
	}
}

// Encode embeds the B texts of a PrefixTree. Ends are the rows of their end tokens, [B]. Out is [B, EmbedDim].
func (t *TextTower) Encode(ops Ops, tokens Tokens, ends Indices) Tensor {
	x := ops.EmbedTokens(tokens, t.tokens, t.positions)
	x = transform(ops, x, t.blocks, ends, func(q, k, v Columns) Tensor {
		return ops.CausalAttention(q, k, v, tokens, t.Config.Heads, t.Config.Width)
	})
	x = ops.LayerNorm(x, t.final)
	return ops.Normalize(ops.MatMul(x, Linear{Weight: t.projection}, NoAct, nil))
}

// End is the position at which a text's embedding is read: the first highest id, which is the end token's. Checkpoints
// of which that does not hold are refused when they are packed.
func End(ids []uint32) int {
	end := 0
	for i, id := range ids {
		if id > ids[end] {
			end = i
		}
	}
	return end
}

// CheckIDs reports token ids that the tower cannot take: too many, or outside of its vocabulary.
func (t *TextTower) CheckIDs(ids []uint32) error {
	if len(ids) == 0 || len(ids) > t.Config.Context {
		return fmt.Errorf("text encoder: %d tokens, takes 1 to %d", len(ids), t.Config.Context)
	}
	for _, id := range ids {
		if int(id) >= t.Config.Vocab {
			return fmt.Errorf("text encoder: token id %d is outside of the vocabulary of %d", id, t.Config.Vocab)
		}
	}
	return nil
}
