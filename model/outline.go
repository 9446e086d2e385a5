package model

// Works lists what the operations of a forward pass take, in their order, without an engine that runs them.
func Works(forward func(Ops) Tensor) []Work {
	var all []Work
	forward(Metered(outline{}, func(w Work) func() {
		all = append(all, w)
		return func() {}
	}))
	return all
}

// outline is Ops of shapes alone.
type outline struct{}

func matrix(rows, cols int) Tensor { return Tensor{Rows: rows, Cols: cols} }

func (outline) Patches(px Pixels, side int, _ Preprocess) Tensor {
	grid := CheckPatches(px, side)
	return matrix(px.B*grid*grid, 3*side*side)
}

func (outline) ClassToken(x Tensor, n int, _, position *Param) Tensor {
	CheckTokens("class token", x, n, position)
	return matrix(x.Rows/n*(n+1), x.Cols)
}

func (outline) MeanToken(x Tensor, n int, position *Param) Tensor {
	CheckTokens("mean token", x, n, position)
	return matrix(x.Rows/n*(n+1), x.Cols)
}

func (outline) EmbedTokens(tokens Tokens, table, position *Param) Tensor {
	return matrix(tokens.N, CheckEmbed(tokens, table, position))
}

func (outline) LayerNorm(x Tensor, n Norm) Tensor {
	CheckNorm(x, n)
	return x
}

func (outline) MatMul(x Tensor, l Linear, _ Activation, residual *Tensor) Tensor {
	CheckMatMul(x, l, residual)
	return matrix(x.Rows, l.Weight.Shape[0])
}

func (outline) Attention(q, k, v Columns, h Heads) Tensor {
	CheckAttention(q, k, v, h)
	return matrix(h.B*h.Queries, h.Width)
}

func (outline) CausalAttention(q, k, v Columns, tokens Tokens, heads, width int) Tensor {
	CheckCausal(q, k, v, tokens, heads, width)
	return matrix(tokens.N, width)
}

func (outline) AttentionPool(q, x Tensor, kv Linear, heads int) Tensor {
	CheckPool(q, x, kv, heads)
	return q
}

func (outline) Conv(x Tensor, side int, c Conv, _ Activation) Tensor {
	outSide := CheckConv(x, side, c)
	return matrix(x.Rows/(side*side)*outSide*outSide, c.Weight.Shape[0])
}

func (outline) AvgPool(x Tensor, side, k int) Tensor {
	return matrix(CheckAvgPool(x, side, k)*(side/k)*(side/k), x.Cols)
}

func (outline) Rows(x Tensor, rows Indices) Tensor { return matrix(rows.N, x.Cols) }

func (outline) Index(v []uint32) Indices { return Indices{N: len(v)} }

func (outline) Normalize(x Tensor) Tensor { return x }
