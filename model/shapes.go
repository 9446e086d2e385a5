package model

// The shape guards of the operations, shared by all engines: what an operation demands of its operands. Each panics
// with a *ShapeError.

// CheckMatMul guards Ops.MatMul.
func CheckMatMul(x Tensor, l Linear, residual *Tensor) {
	w := l.Weight.Shape
	Check(len(w) == 2 && w[1] == x.Cols, "matmul", "x is [%d, %d], weight %s %v", x.Rows, x.Cols, l.Weight.Name, w)
	Check(l.Bias == nil || l.Bias.Len() == w[0], "matmul", "weight %v, bias %v", w, shapeOf(l.Bias))
	Check(residual == nil || residual.Rows == x.Rows && residual.Cols == w[0], "matmul", "out is [%d, %d], residual is not", x.Rows, w[0])
}

func shapeOf(p *Param) []int {
	if p == nil {
		return nil
	}
	return p.Shape
}

// CheckNorm guards Ops.LayerNorm.
func CheckNorm(x Tensor, n Norm) {
	Check(n.Gain.Len() == x.Cols && n.Bias.Len() == x.Cols, "layer norm", "rows are %d wide, gain %v, bias %v", x.Cols, n.Gain.Shape, n.Bias.Shape)
}

// CheckAttention guards Ops.Attention.
func CheckAttention(q, k, v Columns, h Heads) {
	const op = "attention"
	checkHeads(op, h.Heads, h.Width, q, k, v)
	Check(q.Rows == h.B*h.Queries && k.Rows == h.B*h.Keys && v.Rows == k.Rows, op,
		"%d, %d and %d rows for %d sequences of %d queries and %d keys", q.Rows, k.Rows, v.Rows, h.B, h.Queries, h.Keys)
}

// CheckCausal guards Ops.CausalAttention.
func CheckCausal(q, k, v Columns, tokens Tokens, heads, width int) {
	const op = "causal attention"
	checkHeads(op, heads, width, q, k, v)
	Check(q.Rows == tokens.N && k.Rows == q.Rows && v.Rows == q.Rows, op, "%d, %d and %d rows for %d tokens", q.Rows, k.Rows, v.Rows, tokens.N)
	Check(tokens.Longest > 0, op, "texts of %d tokens", tokens.Longest)
}

// CheckPool guards Ops.AttentionPool and returns the geometry of its attention.
func CheckPool(q, x Tensor, kv Linear, heads int) Heads {
	const op = "attention pool"
	checkHeads(op, heads, q.Cols, q.Columns(0))
	w := kv.Weight.Shape
	Check(x.Cols == q.Cols && len(w) == 2 && w[0] == 2*q.Cols && w[1] == q.Cols, op, "%d columns ask %d, weight %s %v", q.Cols, x.Cols, kv.Weight.Name, w)
	Check(kv.Bias != nil && kv.Bias.Len() == w[0], op, "weight %v, bias %v", w, shapeOf(kv.Bias))
	Check(q.Rows > 0 && x.Rows > 0 && x.Rows%q.Rows == 0, op, "%d rows are no %d sequences", x.Rows, q.Rows)
	return Heads{B: q.Rows, Queries: 1, Keys: x.Rows / q.Rows, Heads: heads, Width: q.Cols}
}

// checkHeads is what attentions demand alike.
func checkHeads(op string, heads, width int, all ...Columns) {
	Check(heads > 0 && width%heads == 0, op, "%d heads do not divide width %d", heads, width)
	for _, t := range all {
		Check(t.From >= 0 && t.From+width <= t.Cols, op, "columns %d to %d of %d", t.From, t.From+width, t.Cols)
	}
}

// CheckConv guards Ops.Conv and returns the side of the output maps.
func CheckConv(x Tensor, side int, c Conv) int {
	w := c.Weight.Shape
	Check(len(w) == 4 && w[1] == w[2] && w[3] == x.Cols && c.Bias.Len() == w[0], "conv", "x has %d channels, weight %s %v, bias %v", x.Cols, c.Weight.Name, w, c.Bias.Shape)
	Check(side > 0 && x.Rows%(side*side) == 0, "conv", "%d rows are no maps of %d×%d", x.Rows, side, side)
	Check(c.Stride > 0 && c.Pad >= 0 && side+2*c.Pad >= w[1], "conv", "side %d, kernel %d, stride %d, pad %d", side, w[1], c.Stride, c.Pad)
	return (side+2*c.Pad-w[1])/c.Stride + 1
}

// CheckAvgPool guards Ops.AvgPool and returns the batch.
func CheckAvgPool(x Tensor, side, k int) int {
	Check(side > 0 && x.Rows%(side*side) == 0 && k > 0 && k <= side, "average pool", "%d rows of maps of %d×%d by %d", x.Rows, side, side, k)
	return x.Rows / (side * side)
}

// CheckPatches guards Ops.Patches and returns the side of the grid; pixels beyond the last whole patch are left out,
// as a strided convolution does.
func CheckPatches(px Pixels, side int) int {
	Check(side > 0 && side <= px.Size, "patches", "of %d px from %d px", side, px.Size)
	return px.Size / side
}

// CheckTokens guards Ops.ClassToken and Ops.MeanToken.
func CheckTokens(op string, x Tensor, n int, position *Param) {
	Check(n > 0 && x.Rows%n == 0, op, "%d rows are no sequences of %d", x.Rows, n)
	p := position.Shape
	Check(len(p) == 2 && p[0] == n+1 && p[1] == x.Cols, op, "%d tokens of width %d, positions %v", n+1, x.Cols, p)
}

// CheckEmbed guards Ops.EmbedTokens and returns the width.
func CheckEmbed(tokens Tokens, table, position *Param) int {
	t, p := table.Shape, position.Shape
	Check(len(t) == 2 && len(p) == 2 && t[1] == p[1] && tokens.Longest <= p[0], "embed tokens",
		"texts of %d tokens, table %v, positions %v", tokens.Longest, t, p)
	return t[1]
}
