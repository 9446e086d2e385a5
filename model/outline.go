package model

// Works lists what the operations of a forward pass take, in their order, without an engine that runs them. Largest is how
// many bytes the largest tensor has.
func Works(forward func(Ops) Tensor) (all []Work, largest float64) {
	o := &outline{}
	forward(Metered(o, func(w Work) func() {
		all = append(all, w)
		return func() {}
	}))
	return all, o.largest
}

// outline is Ops of shapes alone.
type outline struct{ largest float64 } // of tensors, in bytes

func (o *outline) matrix(rows, cols int) Tensor {
	t := Tensor{Rows: rows, Cols: cols}
	o.largest = max(o.largest, 4*float64(rows)*float64((cols+3)&^3))
	return t
}

func (o *outline) Patches(px Pixels, side int, _ Preprocess) Tensor {
	grid := CheckPatches(px, side)
	return o.matrix(px.B*grid*grid, 3*side*side)
}

func (o *outline) ClassToken(x Tensor, n int, _, position *Param) Tensor {
	CheckTokens("class token", x, n, position)
	return o.matrix(x.Rows/n*(n+1), x.Cols)
}

func (o *outline) MeanToken(x Tensor, n int, position *Param) Tensor {
	CheckTokens("mean token", x, n, position)
	return o.matrix(x.Rows/n*(n+1), x.Cols)
}

func (o *outline) EmbedTokens(tokens Tokens, table, position *Param) Tensor {
	return o.matrix(tokens.N, CheckEmbed(tokens, table, position))
}

func (*outline) LayerNorm(x Tensor, n Norm) Tensor {
	CheckNorm(x, n)
	return x
}

func (o *outline) MatMul(x Tensor, l Linear, _ Activation, residual *Tensor) Tensor {
	CheckMatMul(x, l, residual)
	return o.matrix(x.Rows, l.Weight.Shape[0])
}

func (o *outline) Attention(q, k, v Columns, h Heads) Tensor {
	CheckAttention(q, k, v, h)
	return o.matrix(h.B*h.Queries, h.Width)
}

func (o *outline) CausalAttention(q, k, v Columns, tokens Tokens, heads, width int) Tensor {
	CheckCausal(q, k, v, tokens, heads, width)
	return o.matrix(tokens.N, width)
}

func (o *outline) AttentionPool(q, x Tensor, kv Linear, heads int) Tensor {
	CheckPool(q, x, kv, heads)
	o.matrix(x.Rows, kv.Weight.Shape[0]) // keys and values, where an engine makes them
	return q
}

func (o *outline) Conv(x Tensor, side int, c Conv, _ Activation) Tensor {
	outSide := CheckConv(x, side, c)
	return o.matrix(x.Rows/(side*side)*outSide*outSide, c.Weight.Shape[0])
}

func (o *outline) AvgPool(x Tensor, side, k int) Tensor {
	return o.matrix(CheckAvgPool(x, side, k)*(side/k)*(side/k), x.Cols)
}

func (o *outline) Rows(x Tensor, rows Indices) Tensor { return o.matrix(rows.N, x.Cols) }

func (*outline) Index(v []uint32) Indices { return Indices{N: len(v)} }

func (*outline) Normalize(x Tensor) Tensor { return x }
